# SPDX-License-Identifier: ISC
# Templates: made, shown, used, deleted.
load lib

local_setup() {
	config 'queue import { max_running = 2 }'
	start_jobd
}

nightly() {
	jobctl template set nightly --param date --param mode=full --queue import --timeout 2h --name 'night-{date}' \
	    --chdir "$D" --env 'MODE={mode}' --description 'the index of a day' \
	    -- sh -c 'printf "[%s]" "$@" "$MODE"' sh '{date}' --odd
}

@test "a job of a template has its parameters, and what the options say" {
	ok nightly
	is "$output" 'template nightly set'
	id=$(submit --template nightly date=2026-11-21 --priority high)
	reaches "$id" completed
	is "$(jobctl log "$id")" '[2026-11-21][--odd][full]'
	is "$(field "$id" name)" night-2026-11-21
	is "$(field "$id" queue)" import
	is "$(field "$id" priority)" 2
	is "$(field "$id" cwd)" "$D"
	is "$(field "$id" template)" nightly
	ok jobctl status "$id"
	matches "$output" 'template: +nightly'
	contains "$output" 'timeout=2h'
	expect 0 jobctl run --template nightly --queue default mode=fast date=x
	is "$output" '[x][--odd][fast]'
}

@test "whatever a parameter holds, it stays one argument and no shell reads it" {
	ok nightly
	for evil in '$(touch hit)' '; touch hit' '`touch hit`' "' touch hit '" $'a\nb' '{mode}' ' ' ''; do
		id=$(submit --template nightly "date=$evil")
		reaches "$id" completed
		is "$(jobctl log "$id"; echo .)" "[$evil][--odd][full]."
	done
	not test -e hit
	# Nor is it an option of the program.
	expect 2 jobctl submit --template nightly date=--all
	contains "$error" 'begins with -'
	expect 2 jobctl template set bad --param x -- sh -c 'echo {x}'
	expect 2 jobctl template set bad --param x --shell 'echo {x}'
}

@test "nothing of the caller's surroundings goes along, but what is said" {
	ok jobctl template set where -- sh -c 'pwd; echo "$FOO-$HOME-$BAR"'
	mkdir sub
	home=$(getent passwd "$(id -u)" | cut -d : -f 6)
	FOO=here BAR=too expect 0 jobctl run --template where --chdir sub
	is "$output" "$D/sub"$'\n'"-$home-"
	FOO=here BAR=too expect 0 jobctl run --template where --chdir . --env BAR
	is "$output" "$D"$'\n'"-$home-too"
}

@test "parameters that are unknown, missing or none are refused" {
	ok nightly
	expect 2 jobctl submit --template nightly
	contains "$error" date
	expect 2 jobctl submit --template nightly date=x colour=red
	contains "$error" colour
	expect 2 jobctl submit --template nightly date=x date=y
	contains "$error" 'given twice'
	expect 2 jobctl submit --template nightly make
	contains "$error" "'make' is no parameter"
	expect 4 jobctl submit --template nightyl date=x
	contains "$error" "did you mean 'nightly'?"
	is "$(jobctl list --json)" ''
}

@test "templates are listed and shown, and outlive the daemon" {
	ok nightly
	stop_jobd
	start_jobd
	ok jobctl template
	matches "$output" 'NAME +PARAMETERS +QUEUE +FROM +DESCRIPTION'
	matches "$output" 'nightly +date mode=full +import +runtime +the index of a day'
	ok jobctl template show nightly
	contains "$output" "sh '{date}' --odd"
	matches "$output" 'rules: +timeout = 2h'
	is "$(jobctl template show --json nightly | json command.4)" '{date}'
	ok jobctl template delete nightly
	expect 4 jobctl template show nightly
	expect 4 jobctl template rm nightly
	expect 2 jobctl template set
	expect 2 jobctl template set x
	expect 2 jobctl template set x --env A -- true
	expect 2 jobctl template set 'a b' -- true
}

@test "one that is declared stands behind the one that is made, and is back when that is deleted" {
	config 'template hello { command = {"echo", "declared"} }'
	ok jobctl reload
	expect 0 jobctl run --template hello
	is "$output" declared
	ok jobctl template set hello -- echo made
	expect 0 jobctl run --template hello
	is "$output" made
	ok jobctl template delete hello
	expect 0 jobctl run --template hello
	is "$output" declared
}

@test "one that stood over a declared one gives way to it, and that is told" {
	config 'template nightly { command = {"true"} description = "declared" }'
	ok jobctl reload
	ok nightly
	ok jobctl template delete nightly
	is "$output" 'template nightly is as jobd.conf has it again'
	ok jobctl template show nightly
	contains "$output" declared
	ok jobctl template set other -- true
	ok jobctl template delete other
	is "$output" 'template other deleted'
}

@test "what is wrong with a template is said by the option that says it" {
	expect 2 jobctl template set t --param 'a b' -- true
	lacks "$error" 'template.'
	expect 2 jobctl template set t --param x -- true
	is "$error" 'jobctl: cannot set the template: the parameter x is used nowhere'
	expect 2 jobctl template create t -- true
	contains "$error" "try 'jobctl template set'"
}
