# SPDX-License-Identifier: ISC
# Who may do what, where root's jobd serves several users.
load lib

local_setup() {
	as_root_only
	chmod 755 "$D"
	start_jobd
}

# Runs a command as a user that every Debian has.
as_daemon() {
	setpriv --reuid daemon --regid daemon --clear-groups "$@"
}

@test "a job runs as the user who submitted it" {
	ok as_daemon jobctl run --chdir / -- id -un
	is "$output" daemon
	is "$(field 1 user)" daemon
	ok jobctl log 1
	is "$output" daemon
}

@test "a user can't control another's job, and is told so by code 5" {
	id=$(submit -- sleep 60)
	reaches "$id" running
	for verb in pause cancel delete retry hold 'signal'; do
		if [[ $verb == signal ]]; then
			expect 5 as_daemon jobctl signal "$id" TERM
		else
			expect 5 as_daemon jobctl "$verb" "$id"
		fi
	done
	expect 5 as_daemon jobctl log "$id"
	contains "$error" "only the owner, root and jobd's administrators may"
	expect 5 as_daemon jobctl priority "$id" 1
	is "$(field "$id" state)" running
	refusals=$(jobctl audit --json --user daemon | json result)
	contains "$refusals" PermissionDenied
}

@test "a user sees that another's job is there, and not what it holds" {
	id=$(submit --name secret-name --meta k=secret-meta --hold -- echo secret-word)
	ok as_daemon jobctl status --json "$id"
	is "$(json state <<<"$output")" held
	lacks "$output" secret
	ok as_daemon jobctl list --json
	lacks "$output" secret
	ok as_daemon jobctl list --json --name 'secret*'
	is "$output" ""
	ok as_daemon jobctl list --json --search secret-word
	is "$output" ""
	ok as_daemon jobctl audit --json
	lacks "$output" secret
}

@test "a selection is of what the user may control; what is named by number is not passed over" {
	submit --hold -- true >/dev/null
	as_daemon jobctl submit --hold --chdir / -- true >/dev/null
	submit --hold -- true >/dev/null
	ok as_daemon jobctl cancel --state held
	is "$output" "job 2 cancelled"
	is "$error" ""
	is "$(jobctl list --json --state held | json id | sort | tr '\n' ' ')" "1 3 "
	ok as_daemon jobctl cancel --state held
	contains "$error" "no job matches that cancel could change and you may: 2 of other people's do"
	ok as_daemon jobctl cancel --user daemon
	is "$error" "jobctl: no job matches that cancel could change"
	expect 5 as_daemon jobctl cancel 1
	expect 1 as_daemon jobctl cancel 1-3
	contains "$error" 'cannot cancel jobs 1 3: not permitted'
	ok jobctl cancel --state held
	is "$(jobctl list --json --state held)" ""
}

@test "a job for another user gets nothing of the caller's environment but what is named" {
	export SECRET=of-root MAIL=/root/mail NAMED=yes
	ok jobctl run --user daemon --chdir / --env NAMED --env X=1 -- env
	lacks "$output" SECRET
	lacks "$output" MAIL
	contains "$output" NAMED=yes
	contains "$output" X=1
	contains "$output" LOGNAME=daemon
	contains "$output" "HOME=$(getent passwd daemon | cut -d : -f 6)"
	ok jobctl run --user root --chdir / -- env
	contains "$output" SECRET=of-root
}

@test "a user can wait for another's job, and is told what may not be known" {
	id=$(submit -- sh -c 'exit 3')
	expect 3 jobctl wait "$id"
	expect 125 as_daemon jobctl wait "$id"
	contains "$error" "failed: exit; with which code, only its owner"
	id=$(submit -- sleep 60)
	reaches "$id" running
	ok as_daemon jobctl status "$id"
	matches "$output" 'next: +wait$'
	ok jobctl cancel --wait "$id"
	expect 125 as_daemon jobctl wait "$id"
	lacks "$error" "before it ran"
	ok as_daemon jobctl status "$id"
	lacks "$output" 'next:'
	id=$(submit --hold -- true)
	ok jobctl cancel "$id"
	expect 125 as_daemon jobctl wait "$id"
	contains "$error" "cancelled while it waited"
	id=$(submit -- true)
	ok as_daemon jobctl wait "$id"
}

@test "root sees and controls everyone's" {
	id=$(as_daemon jobctl submit --parsable --chdir / -- sleep 60)
	reaches "$id" running
	is "$(field "$id" command)" '["sleep","60"]'
	ok jobctl cancel --wait "$id"
	is "$(field "$id" state)" cancelled
}

@test "only root may submit for another, and only an administrator may reload or stop" {
	expect 5 as_daemon jobctl submit --user root -- true
	contains "$error" "only root may submit for another user"
	expect 5 as_daemon jobctl reload
	contains "$error" "only root and jobd's administrators may"
	expect 5 as_daemon jobctl shutdown
	contains "$error" "only root and jobd's administrators may"
	ok jobctl health
}

@test "members of the admin group control everyone's jobs" {
	stop_jobd
	config 'admin_group = "daemon"'
	start_jobd
	id=$(submit -- sleep 60)
	reaches "$id" running
	ok as_daemon jobctl cancel --wait "$id"
	is "$(field "$id" state)" cancelled
}

@test "a job's files can't be reached by another user, its log not even by its owner's hand" {
	id=$(as_daemon jobctl submit --parsable --wait --chdir / -- echo private)
	expect 1 as_daemon sh -c "cat $D/state/*"
	not as_daemon sh -c "find $D/state -type f | grep -q ."
	expect 1 as_daemon touch "$D/state/x"
}

@test "a job has its user's groups and ids, all of them" {
	ok as_daemon jobctl run --chdir / -- sh -c 'grep -E "^(Uid|Gid|Groups)" /proc/self/status'
	uid=$(id -u daemon) gid=$(id -g daemon)
	contains "$output" $'Uid:\t'"$uid"$'\t'"$uid"$'\t'"$uid"$'\t'"$uid"
	contains "$output" $'Gid:\t'"$gid"$'\t'"$gid"$'\t'"$gid"$'\t'"$gid"
	lacks "$(grep Groups <<<"$output")" "$(printf '\t0 ')"
}

@test "a user can't touch the keeper of their job" {
	id=$(as_daemon jobctl submit --parsable --chdir / -- sleep 60)
	reaches "$id" running
	keeper=$(sed 's/.*) . //' "/proc/$(field "$id" pid)/stat" | cut -d ' ' -f 1)
	is "$(awk '/^Uid:/ { print $2 }' "/proc/$keeper/status")" 0
	not as_daemon kill -TERM "$keeper"
	not as_daemon ls "/proc/$keeper/fd"
	ok as_daemon jobctl cancel --wait "$id"
}

@test "only those who are named may submit, where the configuration names any" {
	config 'submit_users = {"nobody"}'
	ok jobctl reload
	expect 5 as_daemon jobctl submit --chdir / -- true
	contains "$error" "submit_users, submit_groups"
	ok jobctl submit --wait -- true # root always may
	config_only 'submit_users = {"daemon"}'
	ok jobctl reload
	ok as_daemon jobctl submit --wait --chdir / -- true
	config_only 'submit_groups = {"nogroup"}'
	ok jobctl reload
	expect 5 as_daemon jobctl submit --chdir / -- true
	config_only 'submit_groups = {"daemon"}'
	ok jobctl reload
	ok as_daemon jobctl submit --wait --chdir / -- true
	config_only 'submit_groups = {"games"}'
	ok jobctl reload
	ok setpriv --reuid daemon --regid daemon --groups games jobctl submit --wait --chdir / -- true
}

@test "a user is named by number, too" {
	uid=$(id -u daemon)
	ok jobctl run --user "$uid" --chdir / -- sh -c 'id -un; echo $USER'
	is "$output" $'daemon\ndaemon'
	echo '{"command": ["id", "-un"], "cwd": "/"}' >plan
	ok jobctl submit --plan plan -u "$uid" --wait
	is "$(jobctl list --user "$uid" --json | json user)" $'daemon\ndaemon'
	# Oneself is nobody else.
	ok env MINE=1 jobctl run --user 0 -- sh -c 'echo $MINE; pwd'
	is "$output" "1"$'\n'"$D"
	expect 5 as_daemon jobctl submit --user 0 --chdir / -- true
	expect 2 jobctl submit --user 4294967294 -- true
	contains "$error" 'there is no user "4294967294"'
}

@test "a user who is not there can't be submitted for, nor asked for" {
	not jobctl submit --user no-such-user -- true
	is "$(jobctl list --json)" ""
	is "$(jobctl list --json --user no-such-user)" ""
}

@test "an ordinary user's daemon serves that user and root, and nobody else" {
	if grep -q '^#define JOBD_COVERAGE' "$top_builddir/config.h" 2>/dev/null; then
		skip "another user can't write root's coverage counts, and says so in the job's log"
	fi
	stop_jobd
	chmod 755 "$D"
	mkdir "$D/mine"
	chown daemon: "$D/mine"
	setpriv --reuid daemon --regid daemon --clear-groups \
	    "$JOBD" -f -c "$D/jobd.conf" --state-dir "$D/mine/state" --runtime-dir "$D/mine/run" \
	    --socket "$D/mine/s" </dev/null >>"$D/jobd.log" 2>&1 3>&- &
	jobd_pid=$!
	export JOBD_SOCKET=$D/mine/s
	eventually jobd_answers
	ok as_daemon jobctl run --chdir / -- id -un
	is "$output" daemon
	ok jobctl run --chdir / -- id -un # root, whose job runs as the daemon's user
	is "$output" daemon
	expect 125 setpriv --reuid games --regid games --clear-groups jobctl run --chdir / -- true
	not jobctl submit --user games -- true
	ok jobctl shutdown
	wait "$jobd_pid"
	jobd_pid=
}

@test "who edits another's job gives it nothing of their own environment" {
	id=$(as_daemon jobctl submit --parsable --hold --chdir / --clean-env -- sh -c 'echo "$SECRET,$FOO,$HOME"')
	home=$(getent passwd daemon | cut -d : -f 6)
	SECRET=mine ok jobctl edit "$id" --env FOO=1
	ok jobctl release "$id"
	reaches "$id" completed
	is "$(jobctl log "$id")" ",1,$home"
	id=$(as_daemon jobctl submit --parsable --hold --chdir / -- sh -c 'echo "$SECRET,$FOO,$HOME"')
	SECRET=mine ok jobctl edit "$id" --clean-env --env FOO=2
	ok jobctl release "$id"
	reaches "$id" completed
	is "$(jobctl log "$id")" ",2,$home"
}

@test "who can't be told from others is told so, whatever they try" {
	nobody() {
		setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
	}
	for verb in list 'submit -- true'; do
		read -ra words <<<"$verb"
		expect 5 nobody jobctl "${words[@]}"
		contains "$error" "you are user nobody, who can't be told from others"
	done
}

@test "who may not change a queue is not told to" {
	config 'queue import { max_running = 1 }'
	ok jobctl reload
	submit --queue import -- sleep 600 >/dev/null
	id=$(as_daemon jobctl submit --parsable --chdir / --queue import -- true)
	ok as_daemon jobctl why "$id"
	contains "$output" 'jobctl queue show import'
	lacks "$output" 'queue set'
}

@test "root submits a plan for another user, and nobody else does" {
	printf '%s\n' '{"command": ["sh", "-c", "id -un; echo $SECRET; pwd"]}' >plan
	SECRET=mine ok jobctl submit --plan plan --user daemon --wait
	is "$(field 1 user)" daemon
	is "$(jobctl log 1)" "daemon

$(cd "$(getent passwd daemon | cut -d : -f 6)" && pwd)"
	expect 5 as_daemon jobctl submit --plan plan --user root
	contains "$error" 'only root may submit for another user'
}

@test "root's jobd takes no configuration that others may write; a user's is that user's affair" {
	config 'max_running = 37'
	mkdir "$D/its"
	chown daemon "$D/its"
	chmod 666 "$D/jobd.conf"
	expect 1 jobctl reload
	contains "$error" 'the old one stays in force'
	contains "$error" "$D/jobd.conf: others may write to it (mode 0666), and root's jobd does what it says; run: chmod go-w $D/jobd.conf"
	kill -HUP "$jobd_pid"
	eventually has_line 'event=reload result=BadConfiguration detail=SIGHUP' "$D/jobd.log"
	has_line "others may write to it (mode 0666)" "$D/jobd.log"
	lacks "$(jobctl health --json)" '"max_running": 37'
	expect 1 "$JOBD" -t -c "$D/jobd.conf"
	matches "$error" "^jobd: $D/jobd.conf: others may write"
	expect 1 jobctl daemon-reexec
	contains "$error" 'run: chmod go-w'
	ok as_daemon "$JOBD" -t -c "$D/jobd.conf" --state-dir "$D/its/state" --runtime-dir "$D/its/run"
	chown daemon "$D/jobd.conf"
	chmod 644 "$D/jobd.conf"
	expect 1 jobctl reload
	contains "$error" "$D/jobd.conf: belongs to uid $(id -u daemon), and root's jobd does what it says; run: chown root $D/jobd.conf"
	ok as_daemon "$JOBD" -t -c "$D/jobd.conf" --state-dir "$D/its/state" --runtime-dir "$D/its/run"
	chown root "$D/jobd.conf"
	ok jobctl reload
	is "$(jobctl health --json | json max_running)" 37
}
