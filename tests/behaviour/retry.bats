# SPDX-License-Identifier: ISC
# Attempts: how many, after what, with what between, and what is told of them.
load lib

local_setup() {
	config 'queue flaky { attempts = 3 backoff = 0 }'
	start_jobd
}

# A command that fails with a code until it has run so often.
fails_until() {
	# shellcheck disable=SC2016 # for the job's shell
	printf '%s' 'echo run >>'"runs; [ \$(wc -l <runs) -ge $1 ] || exit $2"
}

# What the job in $id waits for.
reason_is() {
	[[ $(field "$id" reason) == "$1" ]]
}

attempt_is() {
	[[ $(field "$id" attempt) == "$1" ]]
}

@test "a job is tried again until it is well, each attempt with its own log" {
	id=$(submit --attempts 3 --backoff 0 -- sh -c "echo attempt \$JOBD_ATTEMPT; $(fails_until 3 5)")
	reaches "$id" completed
	is "$(field "$id" attempt)" 3
	is "$(wc -l <runs)" 3
	for n in 1 2 3; do
		ok jobctl log --attempt "$n" "$id"
		contains "$output" attempt
	done
	ok jobctl status "$id"
	matches "$output" 'attempt: +3 of 3'
	matches "$output" 'before: +1: failed \(exit 5\)'
}

@test "run shows every attempt, however short they are" {
	# shellcheck disable=SC2016 # for the job's shell
	jobctl run --attempts 4 --backoff 0 -- sh -c 'until [ -e go ]; do sleep 0.02; done
		echo $JOBD_ATTEMPT; exit 4' >seen &
	pid=$!
	eventually state_is 1 running
	kill -STOP "$pid"
	touch go
	reaches 1 failed # while nobody looks
	kill -CONT "$pid"
	wait "$pid" || is $? 4
	is "$(<seen)" $'1\n2\n3\n4'
	expect 127 jobctl run --attempts 2 --backoff 0 -- ./nothing
	is "$(wc -l <<<"$error")" 1
}

# run has one connection to submit, and others once it follows; health's own is one of them.
others_are_connected() {
	(($(jobctl health --json | json connections) >= 3))
}

@test "run that joins a job shows what it does from then on" {
	# shellcheck disable=SC2016 # for the job's shell
	id=$(submit --unique k --attempts 2 --backoff 0 -- sh -c 'echo $JOBD_ATTEMPT
		[ $JOBD_ATTEMPT = 1 ] && exit 1
		until [ -e go ]; do sleep 0.02; done')
	eventually attempt_is 2
	jobctl run --unique k --if-exists return -- true >seen 3>&- &
	eventually others_are_connected
	touch go
	wait $!
	is "$(<seen)" 2
}

@test "an attempt that is to come is told with its time" {
	id=$(submit --attempts 2 --backoff 1h --backoff-jitter 0 -- false)
	eventually reason_is backoff
	ok jobctl status "$id"
	matches "$output" 'attempt: +1 of 2, next at [0-9-]+ [0-9:]+'
	ok jobctl why "$id"
	matches "$output" 'until: +[0-9-]+ [0-9:]+, in (59m|1h)'
	matches "$output" "next: +jobctl edit $id --at now"
	ok jobctl edit "$id" --at now
	reaches "$id" failed
	is "$(field "$id" attempt)" 2
}

@test "exit codes decide whether there is another attempt" {
	id=$(submit --attempts 3 --backoff 0 --retry-not 5 -- sh -c "$(fails_until 9 5)")
	reaches "$id" failed
	is "$(field "$id" attempt)" 1
	id=$(submit --attempts 3 --backoff 0 --retry-on 1,75-78 -- sh -c "$(fails_until 9 76)")
	reaches "$id" failed
	is "$(field "$id" attempt)" 3
}

@test "what the job does not say its queue says, and status tells which" {
	id=$(submit --hold --queue flaky --timeout 1h -- sh -c "$(fails_until 3 1)")
	ok jobctl status "$id"
	matches "$output" 'rules: +timeout=1h \(its own\)'
	contains "$output" "(its queue's, from jobd.conf)"
	contains "$output" '(default)'
	ok jobctl release "$id"
	reaches "$id" completed
	is "$(field "$id" attempt)" 3
	ok jobctl status "$id" # what its queue says may have changed since
	matches "$output" 'rules: +timeout=1h \(its own\)'
	lacks "$output" "(its queue's, from jobd.conf)"
	ok jobctl queue set default timeout=2h
	id=$(submit -- sh -c 'until [ -e end ]; do sleep 0.02; done')
	reaches "$id" running
	ok jobctl queue set default timeout=1s
	ok jobctl status "$id"
	matches "$output" "rules: +timeout=2h \\(its queue's, when it ran\\)"
	: >end
	reaches "$id" completed
	ok jobctl queue set default timeout=2h
	ok jobctl status "$id"
	contains "$output" "timeout=2h (its queue's, when it ran)"
}

@test "rules that are none are refused before jobd is asked" {
	stop_jobd
	expect 2 jobctl submit --timeout soon -- true
	contains "$error" "--timeout: 'soon' is not a duration"
	expect 2 jobctl submit --attempts 0 -- true
	contains "$error" '--attempts'
	expect 2 jobctl submit --retry-on 1,x -- true
	contains "$error" '--retry-on'
	expect 2 jobctl submit --warn 5min -- true
	contains "$error" 'USR1@5min'
	expect 2 jobctl submit --recovery maybe -- true
	contains "$error" 'retry, fail or hold'
	expect 2 jobctl submit --retries 3 -- true
	contains "$error" 'did you mean --attempts?'
	expect 2 jobctl submit --dependency afterok:3 -- true
	contains "$error" 'did you mean --after?'
}

@test "one that is cancelled before its next attempt is not said to have never run" {
	id=$(submit --attempts 3 --backoff 1h -- false)
	eventually reason_is backoff
	ok jobctl cancel "$id"
	expect 125 jobctl wait "$id"
	is "$error" "jobctl: job $id was cancelled before attempt 2"
	id=$(submit --hold -- true)
	ok jobctl cancel "$id"
	expect 125 jobctl wait "$id"
	is "$error" "jobctl: job $id was cancelled before it ran"
}

# One after the other, on one connection.
retry_often() {
	local n
	for ((n = 0; n < $2; n++)); do
		printf '{"method":"org.jobd.Job.Retry","parameters":{"id":%d}}\0' "$1"
		printf '{"method":"org.jobd.Job.Wait","parameters":{"ids":[%d]}}\0' "$1"
	done | socat -t 60 - "UNIX-CONNECT:$JOBD_SOCKET" >replies
}

logs_are() {
	[ "$(find state/log -type f | wc -l)" = "$1" ]
}

@test "a job that is retried for ever keeps the first attempt and the last ones, and their logs" {
	command -v socat >/dev/null || skip "no socat"
	id=$(submit -- sh -c 'echo "attempt $JOBD_ATTEMPT"; exit 1')
	reaches "$id" failed
	retry_often "$id" 202
	is "$(field "$id" attempt)" 203
	is "$(field "$id" history.0.attempt)" 1
	is "$(field "$id" history.1.attempt)" 4
	is "$(field "$id" history.199.attempt)" 202
	eventually logs_are 201
	for n in 1 4 203; do
		ok jobctl log --attempt "$n" "$id"
		is "$output" "attempt $n"
	done
	for n in 2 3; do
		expect 1 jobctl log --attempt "$n" "$id"
		contains "$error" "its log is not there any more"
	done
	expect 2 jobctl log --attempt 204 "$id"
	contains "$error" "there is no output of attempt 204"
	ok jobctl delete "$id"
	eventually logs_are 0
}

@test "an attempt past what its rules allow, since somebody asked for it, is not counted against them" {
	id=$(submit --attempts 2 --backoff 0 -- false)
	reaches "$id" failed
	ok jobctl status "$id"
	matches "$output" 'attempt: +2 of 2'
	ok jobctl retry "$id"
	reaches "$id" failed
	is "$(field "$id" attempt)" 3
	ok jobctl status "$id"
	matches "$output" 'attempt: +3
'
	lacks "$output" 'of 3'
}
