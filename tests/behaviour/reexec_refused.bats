# SPDX-License-Identifier: ISC
# Upgrades that do not come about: the reason is told, and the old jobd goes on.
load lib
load reexec

@test "a program that is not fit is refused with the reason, and the old one goes on" {
	start_jobd
	id=$(submit -- sleep 1000)
	reaches "$id" running
	old=$(inode "/proc/$jobd_pid/exe")

	replace_by 'echo "no library" >&2' 'exit 1'
	expect 1 jobctl daemon-reexec
	contains "$error" 'not fit'
	contains "$error" 'no library'
	replace_by 'exit 0' # says nothing, as /bin/true does
	expect 1 jobctl daemon-reexec
	contains "$error" 'without a word'
	replace_by 'echo "jobd 0.0.1 is fit to take over: hand-over 0"'
	expect 1 jobctl daemon-reexec
	contains "$error" 'too old'
	replace_by "exec $BUILT" # with an option that it does not have
	sed -i 's/^exec .*/& --no-such-option "$@"/' bin/jobd
	expect 1 jobctl daemon-reexec
	contains "$error" no-such-option
	replace_by 'kill -SEGV $$'
	expect 1 jobctl daemon-reexec
	chmod -x bin/jobd
	expect 1 jobctl daemon-reexec
	contains "$error" 'ermission denied'
	rm bin/jobd
	expect 1 jobctl daemon-reexec
	contains "$error" 'No such file'
	cp "$BUILT" bin/jobd
	config 'kill_grace = "soon"'
	expect 1 jobctl daemon-reexec
	contains "$error" "$D/jobd.conf:3: "
	config_only 'max_running = 8'
	local schema
	schema=$(<state/schema)
	echo 99 >state/schema # a newer jobd has been here
	expect 1 jobctl daemon-reexec
	contains "$error" 'newer jobd'
	echo "$schema" >state/schema
	echo >state/store/DB_CONFIG
	expect 1 jobctl daemon-reexec
	contains "$error" 'DB_CONFIG exists'
	rm state/store/DB_CONFIG
	chmod g+w state
	expect 1 jobctl daemon-reexec
	contains "$error" 'chmod go-w'
	chmod g-w state
	mv bin/keeper/jobd-keeper bin/keeper/away
	echo >bin/keeper/jobd-keeper
	expect 1 jobctl daemon-reexec
	contains "$error" 'keeper/jobd-keeper: Permission denied'
	mv bin/keeper/away bin/keeper/jobd-keeper

	is "$(inode "/proc/$jobd_pid/exe")" "$old"
	is "$(journalled daemon-reexec ReexecRefused)" 12
	is "$(journalled daemon-start ok)" 1
	[[ $(count_lines event=reexec-refused jobd.log) -ge 12 ]]
	is "$(field "$id" state)" running
	reexec
	ok jobctl cancel --wait "$id"
}

@test "one that can't be executed after all is told, and nothing is lost" {
	start_jobd
	id=$(submit -- sh -c 'until [ -e go ]; do sleep 0.02; done')
	reaches "$id" running
	jobctl wait "$id" >waited 2>&1 3>&- &
	waiter=$!
	for _ in 1 2 3; do
		# It is fit, and gone when it is to take over.
		replace_by "rm $D/bin/jobd" "exec $BUILT \"\$@\""
		expect 1 jobctl daemon-reexec
		contains "$error" 'could not be executed'
	done
	is "$(journalled daemon-reexec ReexecRefused)" 3
	# Nothing is inherited by what is started from now on.
	ok jobctl run -- sh -c 'ls -l /proc/$$/fd'
	lacks "$output" jobd-handover
	is "$(find "/proc/$jobd_pid/fd" -lname '*jobd-handover*' | wc -l)" 0
	while read -r fd; do
		[[ $(readlink "$fd") == @(socket:*|anon_inode:*|"$D"/state/*|"$D"/run/*) ]] || continue
		grep -q 'flags:.*02[0-7]\{6\}$' "/proc/$jobd_pid/fdinfo/${fd##*/}" || {
			echo "not close-on-exec: $(readlink "$fd")"
			false
		}
	done < <(find "/proc/$jobd_pid/fd" -type l)
	: >go
	wait "$waiter"
	is "$(field "$id" state)" completed
}

@test "a program that hangs when it is tried is given up, and jobd serves meanwhile" {
	start_jobd
	replace_by 'echo $$ >tried' 'exec sleep 1000'
	jobctl daemon-reexec >refused 2>&1 3>&- &
	asker=$!
	eventually test -s tried
	ok jobctl run -- true
	is "$(jobctl health --json | json status)" ok
	# A second one waits for the same trial.
	jobctl daemon-reexec >too 2>&1 3>&- &
	second=$!
	# Who asked may leave.
	kill "$asker"
	wait "$asker" || :
	stop_jobd # and the daemon, which takes the trial along
	eventually process_gone "$(<tried)"
	not wait "$second"
}

@test "a daemon that is being stopped is not upgraded, and stops" {
	start_jobd
	cat >patient <<-'END'
		#!/bin/sh
		trap 'while [ ! -e go ]; do sleep 0.02; done; exit 0' TERM
		: >trapped
		while :; do sleep 0.02; done
	END
	chmod +x patient
	id=$(submit -- ./patient)
	eventually test -e trapped
	jobctl shutdown --on-stop cancel >stopped 2>&1 3>&- &
	stopper=$!
	eventually has_line 'is cancelled first' stopped
	expect 1 jobctl daemon-reexec
	contains "$error" 'being stopped'
	: >go
	wait "$stopper"
	wait "$jobd_pid"
	jobd_pid=
}

@test "only an administrator may" {
	as_root_only
	chmod 755 "$D"
	start_jobd
	expect 5 setpriv --reuid 65533 --regid 65533 --clear-groups \
	    "$top_builddir/jobctl/jobctl" --socket "$D/s" daemon-reexec
	is "$(journalled daemon-reexec ok || :)" 0
}
