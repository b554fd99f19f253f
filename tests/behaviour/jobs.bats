# SPDX-License-Identifier: ISC
# Submitting jobs, looking at them, waiting for them.
load lib

local_setup() {
	start_jobd
}

@test "a submitted job runs, and its number is told" {
	ok jobctl submit --parsable -- /bin/true
	is "$output" 1
	ok jobctl wait 1
	is "$(field 1 state)" completed
	is "$(field 1 exit_code)" 0
}

@test "numbers go up by one and are never used twice" {
	is "$(submit -- true)" 1
	is "$(submit -- true)" 2
	ok jobctl wait 1 2
	ok jobctl delete 2
	is "$(submit -- true)" 3
	ok jobctl wait 3
}

@test "add is submit, and options end where the command begins" {
	ok jobctl add --parsable echo --name x
	ok jobctl wait "$output"
	ok jobctl log 1
	is "$output" "--name x"
	is "$(field 1 name)" ""
}

@test "a job keeps what it was submitted with" {
	id=$(submit --name 'nightly import' --project web --priority high --meta ticket=7 --meta k=v -- true)
	ok jobctl status --json "$id"
	shown=$output
	is "$(json name <<<"$shown")" "nightly import"
	is "$(json project <<<"$shown")" web
	is "$(json priority <<<"$shown")" 2
	is "$(json meta <<<"$shown")" '{"k":"v","ticket":"7"}'
	is "$(json queue <<<"$shown")" default
	is "$(json command <<<"$shown")" '["true"]'
	is "$(json uid <<<"$shown")" "$(id -u)"
	is "$(json user <<<"$shown")" "$(id -un)"
	ok jobctl wait "$id"
}

@test "a command is no shell line, unless --shell says so" {
	ok jobctl run -- echo 'a | b' '$HOME'
	is "$output" 'a | b $HOME'
	ok jobctl run --shell 'echo one | tr a-z A-Z'
	is "$output" ONE
}

@test "a job runs where it was submitted, or where --chdir says" {
	mkdir -p "$D/here" "$D/there"
	cd "$D/here"
	ok jobctl run -- pwd
	is "$output" "$D/here"
	ok jobctl run --chdir "$D/there" -- pwd
	is "$output" "$D/there"
	cd "$D"
}

@test "a job has the submitter's environment and its own number, and nothing of the daemon's" {
	stop_jobd
	SECRET_OF_THE_DAEMON=1 start_jobd
	export OF_THE_SUBMITTER=yes
	ok jobctl run -- env
	contains "$output" OF_THE_SUBMITTER=yes
	contains "$output" JOBD_ID=1
	contains "$output" JOBD_ATTEMPT=
	contains "$output" "JOBD_SOCKET=$D/s"
	contains "$output" NOTIFY_SOCKET=
	lacks "$output" SECRET_OF_THE_DAEMON
}

@test "--env adds to the environment, --clean-env leaves the submitter's out" {
	export KEPT=1 DROPPED=2
	ok jobctl run --clean-env --env KEPT --env NEW='a b' -- env
	contains "$output" KEPT=1
	contains "$output" 'NEW=a b'
	contains "$output" HOME=
	contains "$output" PATH=
	lacks "$output" DROPPED
	ok jobctl run --env NEW=3 -- env
	contains "$output" DROPPED=2
	contains "$output" NEW=3
}

@test "a job has the submitter's umask, or the one of --umask" {
	umask 027
	ok jobctl run -- sh -c umask
	is "$output" 0027
	ok jobctl run --umask 077 -- sh -c umask
	is "$output" 0077
}

@test "a job is a session of its own, without a terminal, with nothing to read" {
	ok jobctl run -- sh -c 'read -r line; echo "got: $?"; echo "pid $$ sid $(ps -o sid= -p $$ 2>/dev/null || cut -d" " -f6 /proc/$$/stat)"'
	contains "$output" "got: 1"
	[[ $output =~ pid\ ([0-9]+)\ sid\ *([0-9]+) ]]
	is "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
}

@test "a job is born with default signals, whatever the daemon ignores" {
	stop_jobd
	trap '' USR1 PIPE
	start_jobd
	trap - USR1 PIPE
	ok jobctl run -- sh -c 'grep -E "^Sig(Blk|Ign)" /proc/self/status'
	matches "$output" 'SigBlk:[[:space:]]*0+[[:space:]]'
	matches "$output" 'SigIgn:[[:space:]]*0+$'
}

@test "a job has no descriptor but its three" {
	ok jobctl run -- sh -c 'ls /proc/$$/fd'
	is "$(tr '\n' ' ' <<<"$output")" "0 1 2 "
}

@test "run gives the job's output and leaves with its code" {
	expect 3 jobctl run -- sh -c 'echo out; echo err >&2; exit 3'
	contains "$output" out
	contains "$output" err
	is "$(field 1 state)" failed
	is "$(field 1 reason)" exit
	is "$(field 1 exit_code)" 3
}

@test "run and wait leave with 128 and the signal that ended the job" {
	expect 143 jobctl run -- sh -c 'kill -TERM $$'
	is "$(field 1 reason)" signal
	is "$(field 1 signal)" 15
	is "$(field 1 exit_code)" ""
	expect 143 jobctl wait 1
}

@test "a command that is not there fails with 127, one that is no program with 126" {
	expect 127 jobctl run -- "$D/nowhere"
	is "$(field 1 state)" failed
	is "$(field 1 reason)" spawn
	contains "$(field 1 error)" "No such file"
	: >"$D/plain"
	expect 126 jobctl run -- "$D/plain"
	is "$(field 2 reason)" spawn
	contains "$(field 2 error)" "Permission denied"
}

@test "a directory that is not there fails the job by name" {
	expect 126 jobctl run --chdir "$D/nowhere" -- true
	is "$(field 1 reason)" spawn
	contains "$(field 1 error)" chdir
	contains "$(field 1 error)" "$D/nowhere"
}

@test "wait with several jobs leaves with the first code that is not 0" {
	a=$(submit -- true) b=$(submit -- sh -c 'exit 4') c=$(submit -- sh -c 'exit 5')
	expect 4 jobctl wait "$a" "$b" "$c"
	expect 5 jobctl wait "$a" "$c" "$b"
	ok jobctl wait "$a"
}

@test "submit --wait waits for the end" {
	expect 6 jobctl submit --wait -- sh -c 'sleep 0.1; exit 6'
	is "$(field 1 state)" failed
}

@test "waiting for a job that is not there leaves with 125, looking at it with 4" {
	expect 125 jobctl wait 77
	expect 4 jobctl status 77
	contains "$error" 77
	expect 4 jobctl log 77
	expect 4 jobctl cancel 77
}

@test "a command nobody knows, a bad option and a missing argument leave with 2" {
	expect 2 jobctl fly 1
	contains "$error" fly
	expect 2 jobctl list --no-such-option
	expect 2 jobctl submit
	expect 2 jobctl status
	expect 2 jobctl cancel seven
	contains "$error" seven
	expect 2 jobctl submit --priority 11 -- true
	is "$(jobctl list --json)" ""
}

@test "where there is no daemon, jobctl leaves with 7 and says where it looked" {
	expect 7 jobctl --socket "$D/nobody" list
	contains "$error" "$D/nobody"
	JOBD_SOCKET=$D/nobody expect 7 jobctl list
	expect 125 jobctl --socket "$D/nobody" run -- true
}

@test "at most max_running jobs run at a time, the others wait and say why" {
	stop_jobd
	config 'max_running = 2'
	start_jobd
	for i in 1 2 3 4; do
		submit -- sleep 60 >/dev/null
	done
	reaches 1 running
	reaches 2 running
	is "$(field 3 state)" queued
	is "$(field 3 reason)" queue-full
	is "$(field 4 reason)" priority
	jobctl cancel --now 1
	reaches 3 running
}

@test "the lower number has priority, and jobs of one priority run in order" {
	stop_jobd
	config 'max_running = 1'
	start_jobd
	submit -- sleep 60 >/dev/null
	reaches 1 running
	for p in 5 9 1 5; do
		submit --priority "$p" -- sh -c 'echo $JOBD_ID >>order' >/dev/null
	done
	jobctl cancel --now 1
	ok jobctl wait 2-5
	is "$(tr '\n' ' ' <order)" "4 2 5 3 "
}

@test "jobs that are submitted at once each run once" {
	submitters=()
	for i in $(seq 10); do
		submit -- sh -c 'echo $JOBD_ID >>ran' >/dev/null 3>&- &
		submitters+=($!)
	done
	wait "${submitters[@]}"
	ok jobctl wait 1-10
	is "$(sort -u ran | wc -l)" 10
	is "$(wc -l <ran)" 10
}

@test "log shows what the command wrote, its last lines, and follows it" {
	id=$(submit -- sh -c 'seq 100; while [ ! -e go ]; do sleep 0.02; done; echo last')
	eventually log_has "$id" 100
	ok jobctl log -n 2 "$id"
	is "$output" $'99\n100'
	jobctl log -f "$id" >followed 3>&- &
	follower=$!
	eventually has_line 100 followed
	: >go
	wait "$follower"
	is "$(tail -n 1 followed)" last
	is "$(wc -l <followed)" 101
}

log_has() {
	jobctl log "$1" | grep -qxF "$2"
}

@test "log keeps bytes as they are, also such as are no text" {
	ok jobctl submit --wait -- sh -c 'printf "a\\000b\\377\\200\\n\\303\\244\\n"'
	jobctl log 1 | od -An -tx1 | tr -d ' \n' >got
	is "$(<got)" 610062ff800ac3a40a
}

@test "a job that wrote nothing has an empty log, also while it runs, and leaves no file" {
	ok jobctl submit --parsable -- sh -c 'until [ -e go ]; do sleep 0.05; done'
	eventually state_is 1 running
	ok jobctl log 1
	is "$output" ""
	jobctl log -f 1 >followed 3>&- &
	touch go
	wait $!
	[ ! -s followed ]
	ok jobctl wait 1
	ok jobctl run -- echo something
	ok jobctl run -- true
	for id in 1 3; do
		ok jobctl log "$id"
		is "$output" ""
	done
	eventually logs_are 2.1.log
	ok jobctl delete 1 2 3
	logs_are ""
}

logs_are() {
	[ "$(find "$D/state/log" -type f -printf '%f\n')" = "$1" ]
}

@test "log --attempt shows that attempt's output" {
	expect 1 jobctl run -- sh -c 'echo "attempt $JOBD_ATTEMPT"; exit 1'
	ok jobctl retry 1
	expect 1 jobctl wait 1
	jobctl log --attempt 1 1 >first
	jobctl log 1 >second
	not cmp -s first second
}

@test "status tells a person about a job, show is status" {
	ok jobctl submit --wait --name tidy -- echo hello
	ok jobctl status 1
	contains "$output" tidy
	contains "$output" completed
	contains "$output" "echo hello"
	plain=$output
	ok jobctl show 1
	is "$output" "$plain"
}

@test "usage is reported with the end" {
	ok jobctl submit --wait -- sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done'
	[[ $(field 1 usage.cpu_us) -gt 0 ]]
	[[ $(field 1 usage.max_rss_kb) -gt 0 ]]
}

@test "times are told in microseconds, and in order" {
	ok jobctl submit --wait -- true
	submitted=$(field 1 submitted_at_us) started=$(field 1 started_at_us) ended=$(field 1 ended_at_us)
	[[ ${#submitted} == 16 ]]
	((submitted <= started && started <= ended))
	is "$(field 1 paused_at_us)" ""
}

@test "a job that is submitted with --hold waits to be released" {
	ok jobctl submit --parsable --hold -- true
	is "$(field 1 state)" held
	ok jobctl release 1
	ok jobctl wait 1
}

@test "only root may submit for another user" {
	if [[ $(id -u) == 0 ]]; then
		chmod 755 "$D"
		ok jobctl submit --wait --user daemon --chdir / -- id -un
		is "$(jobctl log 1)" daemon
		is "$(field 1 user)" daemon
	else
		expect 5 jobctl submit --user root -- true
	fi
}
