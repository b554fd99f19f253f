# SPDX-License-Identifier: ISC
# Editing a job that has not started: with options, and as a text.
load lib

local_setup() {
	config 'queue import { max_running = 2 }'
	start_jobd
}

@test "what is given is changed, and nothing else" {
	id=$(submit --hold --name old --project p --meta a=1 --timeout 2h -- echo old)
	mkdir elsewhere
	ok jobctl edit "$id" --name new --queue import --chdir elsewhere --umask 027 --attempts 3 -- echo new one
	is "$output" "job $id: command, name, queue, chdir, umask, attempts changed"
	is "$(field "$id" name)" new
	is "$(field "$id" queue)" import
	is "$(field "$id" cwd)" "$D/elsewhere"
	is "$(field "$id" umask)" 23
	is "$(field "$id" command)" '["echo","new","one"]'
	is "$(field "$id" project)" p
	is "$(field "$id" meta.a)" 1
	ok jobctl status "$id"
	matches "$output" 'rules: .*timeout=2h'
	contains "$output" attempts=3
	ok jobctl release "$id"
	reaches "$id" completed
	ok jobctl log "$id"
	is "$output" 'new one'
}

@test "variables are set in the environment that the job has, and nothing else of one's own goes along" {
	id=$(A=1 submit --hold -- sh -c 'echo "$A,$B,$C,$SECRET"')
	A=2 C=4 SECRET=x ok jobctl edit "$id" --env B=3 --env C
	is "$output" "job $id: env changed"
	ok jobctl release "$id"
	reaches "$id" completed
	is "$(jobctl log "$id")" '1,3,4,'
}

@test "another environment is of the job's user, with what is named" {
	id=$(A=1 submit --hold -- sh -c 'echo "$A,$B,$SECRET,${PATH:+path},$HOME"')
	SECRET=x ok jobctl edit "$id" --clean-env --env B=3
	ok jobctl release "$id"
	reaches "$id" completed
	is "$(jobctl log "$id")" ",3,,path,$(getent passwd "$(id -u)" | cut -d : -f 6)"
}

@test "a field that is set as elsewhere is no new command, unless two dashes say so" {
	id=$(submit --hold -- true)
	expect 2 jobctl edit "$id" queue=mail
	contains "$error" "'queue=mail' is no command: did you mean --queue 'mail'?"
	expect 2 jobctl edit "$id" TimeLimit=2h
	contains "$error" "did you mean --timeout '2h'?"
	expect 2 jobctl edit "$id" prio=3
	contains "$error" "jobctl priority $id 3"
	expect 2 jobctl edit "$id" ''
	contains "$error" "'' is no option, and no command"
	expect 2 jobctl edit -- "$id" 155
	contains "$error" "one job at a time: '155' is a second"
	expect 2 jobctl edit "$id" priority=3
	contains "$error" "jobctl priority $id 3"
	expect 2 jobctl edit "$id" colour=red
	contains "$error" "edit $id -- colour=red"
	is "$(field "$id" command)" '["true"]'
	# A second number once became the command.
	expect 2 jobctl edit "$id" 155 --name x
	contains "$error" "one job at a time: '155' is a second"
	expect 2 jobctl edit "$id" 7-9,12
	contains "$error" "edit $id -- 7-9,12"
	expect 2 jobctl edit "$id" make --name y
	contains "$error" "a new command stands behind --: edit $id -- make ..."
	is "$(field "$id" command)" '["true"]'
	ok jobctl edit "$id" -- 155 x
	is "$(field "$id" command)" '["155","x"]'
	ok jobctl edit "$id" -- queue=mail x
	is "$(field "$id" command)" '["queue=mail","x"]'
	ok jobctl edit "$id" -- env A=1 true
}

@test "a note is added or replaced by its key, and the others stay unless they are cleared" {
	id=$(submit --hold --meta a=1 --meta b=2 -- true)
	ok jobctl edit "$id" --meta b=3 --meta c=4
	is "$output" "job $id: meta changed"
	is "$(field "$id" meta)" '{"a":"1","b":"3","c":"4"}'
	ok jobctl edit "$id" --meta a=1
	contains "$output" 'already so'
	ok jobctl edit "$id" --clear meta --meta d=5
	is "$output" "job $id: meta changed"
	is "$(field "$id" meta)" '{"d":"5"}'
	ok jobctl edit "$id" --clear meta
	is "$(field "$id" meta)" ''
	expect 2 jobctl edit "$id" --meta 'no key=1'
	contains "$error" '--meta: "no key": a key has'
}

@test "fields are cleared by the names of their options" {
	id=$(submit --name n --project p --at tomorrow --timeout 2h --after "$(submit --hold -- true)" -- true)
	ok jobctl edit "$id" --clear name,project --clear timeout,after,at
	is "$(field "$id" name)" ''
	is "$(field "$id" project)" ''
	is "$(field "$id" not_before_us)" ''
	is "$(field "$id" after)" ''
	reaches "$id" completed
}

@test "an empty --after drops what it waits for" {
	id=$(submit --after "$(submit --hold -- true)" -- true)
	ok jobctl edit "$id" --after ''
	reaches "$id" completed
}

@test "what can't be edited is told" {
	id=$(submit -- sleep 600)
	reaches "$id" running
	expect 3 jobctl edit "$id" --name x
	expect 4 jobctl edit 99 --name x
	expect 2 jobctl edit
	expect 2 jobctl edit x --name y
	expect 2 jobctl edit 1-3 --name y
	contains "$error" 'one job at a time'
	expect 2 jobctl edit "$id" --clear nam
	contains "$error" "did you mean 'name'?"
	expect 2 jobctl edit "$id" --priority high
	contains "$error" '--priority does not go with edit (jobctl priority ID N)'
	expect 2 jobctl edit "$id" --after none
	contains "$error" '--clear after'
	expect 3 jobctl edit "$id" --after "$id"
	is "$error" "jobctl: cannot edit job $id: it would wait for itself"
	expect 2 jobctl edit "$id" --clear deadline,at --delay 1h
	is "$error" 'jobctl: edit: --clear at: --delay is given as well'
	expect 2 jobctl edit "$id" --clear env --env A=1
	is "$error" 'jobctl: edit: --clear env: --env is given as well'
	expect 2 jobctl edit "$id" --clear rules --backoff-max 1h
	is "$error" 'jobctl: edit: --clear rules: --backoff-max is given as well'
	for verb in submit "edit $id" 'template set t'; do
		# shellcheck disable=SC2086 # several words
		expect 2 jobctl $verb --chdir '' -- true
		contains "$error" "--chdir: it is a path, and can't be empty"
	done
	expect 2 jobctl edit "$id" </dev/null
	contains "$error" 'only at a terminal'
	held=$(submit --hold --name x -- true)
	ok jobctl edit "$held" --name x
	contains "$output" 'already so'
}

# edit_by_hand ID ANSWER: at a terminal, with the program ./editor.
edit_by_hand() {
	command -v script >/dev/null || skip "no script(1)"
	chmod +x editor
	echo "$2" | script -qec "VISUAL='$D/editor --wait' NO_COLOR=1 TERM=xterm jobctl edit $1" /dev/null | tr -d '\r' >shown
}

@test "with nothing given the job is opened as a text, and what is changed there is sent" {
	id=$(submit --hold --name old --umask 022 --at '2099-01-01' --timeout 2h -- echo "a b")
	cat >editor <<-'END'
		#!/bin/sh
		[ "$1" = --wait ] || exit 9
		cp "$2" seen
		sed -i 's/"old"/"new"/; s/2h/3h/; s/"022"/"077"/; s/2099-01-01 00:00:00/2099-02-01/' "$2"
	END
	edit_by_hand "$id" ''
	contains "$(<shown)" "job $id: name, umask, at, timeout changed"
	contains "$(<seen)" '"at": "2099-01-01 00:00:00"'
	contains "$(<seen)" '"umask": "022"'
	matches "$(<seen)" '# [^{]*Fields: [^{]* deadline [^{]*backoff_max'
	is "$(field "$id" umask)" 63
	contains "$(<seen)" '"timeout": "2h"'
	is "$(field "$id" name)" new
	ok jobctl status "$id"
	contains "$output" 'timeout=3h'
	matches "$output" 'not before: +2099-02-01 00:00:00'
	is "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name "jobctl-$id.*" -newer seen 2>/dev/null)" ''
}

@test "a mistake in the text is told, and it can be mended or left" {
	id=$(submit --hold --name old -- true)
	cat >editor <<-'END'
		#!/bin/sh
		echo x >>times
		case $(wc -l <times) in
		1) sed -i 's/"name"/"nmae"/' "$2" ;;
		*) sed -i 's/"nmae": "old"/"name": "mended"/' "$2" ;;
		esac
	END
	edit_by_hand "$id" y
	contains "$(<shown)" 'there is no field "nmae": did you mean "name"?'
	contains "$(<shown)" 'edit it again? [Y/n]'
	is "$(field "$id" name)" mended
	printf '#!/bin/sh\necho "{" >"$2"\n' >editor
	edit_by_hand "$id" n
	contains "$(<shown)" 'is no JSON'
	is "$(field "$id" name)" mended
	printf '#!/bin/sh\nexit 1\n' >editor
	edit_by_hand "$id" ''
	contains "$(<shown)" 'nothing was changed'
}
