# SPDX-License-Identifier: ISC
# What one user may: each limit says its name, its value and the count, is counted, and binds
# neither the other users nor root.
load lib
load accounts

local_setup() {
	need_accounts
	chmod 755 "$D"
}

# How often a limit was met, as health has it.
met() {
	jobctl health --json | json "limits_met.$1"
}

# Calls a method as a user, with these parameters, and prints the reply.
call_as() {
	as "$1" sh -c 'printf "{\"method\":\"org.jobd.%s\",\"parameters\":%s}\0" "$1" "$2" |
	    socat -t 5 - "UNIX-CONNECT:$JOBD_SOCKET" | tr "\0" "\n"' - "$2" "$3"
}

connections_are() {
	[[ $(jobctl health --json | json connections) == "$1" ]]
}

@test "user_connections: one too many is refused, others get in" {
	config 'user_connections = 2'
	start_jobd
	id=$(as "$ANN" jobctl submit --parsable -- sleep 60)
	as "$BOB" jobctl wait "$id" >/dev/null 2>&1 3>&- &
	as "$BOB" jobctl wait "$id" >/dev/null 2>&1 3>&- &
	eventually connections_are 3
	expect 1 as "$BOB" jobctl list
	is "$error" "jobctl: cannot list jobs: this user has 2 connections, and user_connections allows one user 2"
	matches "$(jobctl health)" 'limits met: +user_connections 1 time($|[^s])'
	expect 125 as "$BOB" jobctl run -- true
	ok as "$ANN" jobctl status "$id"
	ok jobctl list
	is "$(met user_connections)" 2
	is "$(met max_connections)" 0
	ok jobctl health
	matches "$output" 'limits met: +user_connections 2 times'
	entry=$(jobctl audit --json --verb connect)
	is "$(wc -l <<<"$entry")" 1 # coalesced
	is "$(json result <<<"$entry") $(json user <<<"$entry") $(json detail <<<"$entry")" \
	    "LimitReached $BOB user_connections"
	is "$(as "$ANN" jobctl audit --json --verb connect)" ""
	config_only 'user_connections = 3'
	ok jobctl reload
	ok as "$BOB" jobctl list
	contains "$(as "$BOB" jobctl audit --json)" user_connections
	ok jobctl cancel --wait "$id"
	wait %2 %3 || :
}

@test "user_queued_jobs: jobs that wait are counted, over restarts too" {
	command -v socat >/dev/null || skip "no socat"
	config 'user_queued_jobs = 3' 'max_running = 1'
	start_jobd
	as_bob=(as "$BOB" jobctl submit --parsable)
	run=$("${as_bob[@]}" -- sleep 60)
	reaches "$run" running # does not count
	call='{"command":["true"],"cwd":"/","token":"again","hold":true}'
	contains "$(call_as "$BOB" Job.Submit "$call")" '"id":2'
	"${as_bob[@]}" --hold -- true
	"${as_bob[@]}" -- true
	expect 1 "${as_bob[@]}" -- true
	is "$error" "jobctl: cannot submit the job: 3 jobs of this user wait, and user_queued_jobs allows 3"
	expect 125 as "$BOB" jobctl run -- true
	reply=$(call_as "$BOB" Job.Submit '{"command":["true"],"cwd":"/"}')
	contains "$reply" '"error":"org.jobd.Job.LimitReached"'
	contains "$reply" '"limit":"user_queued_jobs"'
	contains "$reply" '"value":3,"count":3'
	# What was submitted already is found by its token, and made no second time.
	contains "$(call_as "$BOB" Job.Submit "$call")" '"id":2'
	is "$(jobctl list --json --user "$BOB" | wc -l)" 4
	ok as "$ANN" jobctl submit --hold -- true
	ok jobctl submit --hold -- true
	ok jobctl submit --user "$BOB" --hold -- true # root may give bob one more
	kill_jobd
	start_jobd
	expect 1 "${as_bob[@]}" -- true
	contains "$error" "4 jobs of this user wait"
	is "$(met user_queued_jobs)" 1 # since this daemon started
	is "$(jobctl audit --json --lines 0 --verb submit --user "$BOB" | grep -c user_queued_jobs)" 2
	# One that is cancelled, and one that starts, make room. A retry takes it.
	ok as "$BOB" jobctl cancel 2 3
	ok as "$BOB" jobctl cancel --wait "$run"
	eventually state_is 4 completed
	ok "${as_bob[@]}" --hold -- true
	ok "${as_bob[@]}" --hold -- true
	expect 1 as "$BOB" jobctl retry 2
	contains "$error" "user_queued_jobs allows 3"
	is "$(field 2 state)" cancelled
	ok jobctl retry 2
	eventually state_is 2 completed
	config_only 'user_queued_jobs = 4'
	ok jobctl reload
	ok "${as_bob[@]}" --hold -- true
	expect 1 "${as_bob[@]}" --hold -- true
	config_only 'user_queued_jobs = 0'
	ok jobctl reload
	ok "${as_bob[@]}" --hold -- true
}

@test "user_queued_jobs: who is paused without a slot waits, too" {
	config 'user_queued_jobs = 2' 'max_running = 3'
	start_jobd
	for _ in 1 2 3; do
		reaches "$(as "$BOB" jobctl submit --parsable -- sleep 60)" running
	done
	ok as "$BOB" jobctl pause --release-slot 1 2
	expect 1 as "$BOB" jobctl pause --release-slot 3
	contains "$error" "2 jobs of this user wait, and user_queued_jobs allows 2"
	is "$(field 3 state)" running
	expect 1 as "$BOB" jobctl submit -- true
	ok as "$BOB" jobctl pause 3
	is "$(met user_queued_jobs)" 2
	is "$(jobctl audit --json --user "$BOB" --verb pause | grep -c '"detail":"user_queued_jobs"')" 1
	ok jobctl pause --release-slot 3 # root may
}

@test "max_environment: what is too large is refused, with its size" {
	config 'max_environment = 1K'
	start_jobd
	big=X=$(head -c 1100 /dev/zero | tr '\0' x)
	expect 1 as "$BOB" jobctl submit --clean-env --env "$big" -- true
	matches "$error" 'the environment has 1[0-9]{3} bytes, and max_environment allows 1024$'
	is "$(jobctl list --json)" ""
	ok as "$BOB" jobctl run --clean-env -- true
	ok jobctl run --env "$big" -- true
	is "$(met max_environment)" 1
	is "$(jobctl audit --json --user "$BOB" --verb submit | grep -c '"detail":"max_environment"')" 1
	config_only 'max_environment = 4K'
	ok jobctl reload
	ok as "$BOB" jobctl run --clean-env --env "$big" -- true
}

@test "max_command: a job that is too large is refused, with its size, by template and edit too" {
	config 'max_command = 1K' 'template big { command = {"true", "{words}"} parameters = {"words"} }'
	start_jobd
	big=$(head -c 1100 /dev/zero | tr '\0' x)
	expect 1 as "$BOB" jobctl submit -- true "$big"
	matches "$error" "the command, with the job's other texts, has 1[0-9]{3} bytes, and max_command allows 1024\$"
	expect 1 as "$BOB" jobctl submit --meta k="$big" -- true
	contains "$error" "max_command allows 1024"
	expect 1 as "$BOB" jobctl submit --template big words="$big"
	contains "$error" "max_command allows 1024"
	is "$(jobctl list --json)" ""
	id=$(as "$BOB" jobctl submit --parsable --hold -- true)
	expect 1 as "$BOB" jobctl edit "$id" --meta k="$big"
	contains "$error" "would be larger than max_command allows: 1024 bytes"
	ok jobctl edit "$id" --meta k="$big"
	ok as "$BOB" jobctl edit "$id" --name renamed --meta k="${big:0:1000}"
	ok jobctl run -- true "$big"
	is "$(met max_command)" 4
	is "$(jobctl audit --json --user "$BOB" --verb submit | grep -c '"detail":"max_command"')" 1
	config_only 'max_command = 4K'
	ok jobctl reload
	ok as "$BOB" jobctl run -- true "$big"
}

@test "user_job_bytes: what has not ended is counted, over restarts too" {
	config 'user_job_bytes = 3K' 'max_running = 1'
	start_jobd
	big=$(head -c 1000 /dev/zero | tr '\0' x)
	as_bob=(as "$BOB" jobctl submit --parsable)
	run=$("${as_bob[@]}" -- sh -c 'exec sleep 60' "$big")
	reaches "$run" running
	id=$("${as_bob[@]}" --hold -- true "$big")
	expect 1 "${as_bob[@]}" -- true "$big"
	matches "$error" "the commands and other texts of this user's jobs have 2[0-9]{3} bytes, and would have more than user_job_bytes allows: 3072\$"
	expect 1 as "$BOB" jobctl edit "$id" --meta k="$big"
	contains "$error" "user_job_bytes allows: 3072"
	ok as "$ANN" jobctl submit --hold -- true "$big"
	ok jobctl submit --user "$BOB" --hold -- true "$big" # root may give them one more
	kill_jobd
	start_jobd
	expect 1 "${as_bob[@]}" -- true "$big"
	ok as "$BOB" jobctl cancel 4
	ok as "$BOB" jobctl cancel --wait "$run"
	expect 0 "${as_bob[@]}" --hold -- true "$big"
	expect 1 as "$BOB" jobctl retry 4
	contains "$error" "user_job_bytes allows: 3072"
	is "$(met user_job_bytes)" 2
	config_only 'user_job_bytes = 0'
	ok jobctl reload
	ok as "$BOB" jobctl retry 4
}

@test "user_calls_per_second: calls beyond wait, none is lost, and nobody else waits" {
	config 'user_calls_per_second = 20'
	start_jobd
	for _ in {1..60}; do
		ok jobctl submit --user "$BOB" --hold -- true
	done
	begun=$(date +%s%N)
	as "$BOB" jobctl cancel --yes --state held >"$D/cancelled" 2>&1 3>&- &
	bulk=$!
	# 20 of the 61 calls at once, the others in 2 s; meanwhile everybody else is served.
	eventually at_least_met user_calls_per_second 1
	for _ in 1 2 3; do
		ok as "$ANN" jobctl list
		ok jobctl list
	done
	not cmp -s <(jobctl list --json --state held) /dev/null
	wait "$bulk"
	(($(date +%s%N) - begun >= 1500000000))
	is "$(grep -c cancelled "$D/cancelled")" 60
	is "$(jobctl list --json --state held)" ""
	has_line 'event=calls-delayed' "$D/jobd.log"
	config_only 'user_calls_per_second = 0'
	ok jobctl reload
	before=$(met user_calls_per_second)
	for _ in {1..25}; do
		as "$BOB" jobctl list
	done
	is "$(met user_calls_per_second)" "$before"
}

at_least_met() {
	(($(met "$1") >= $2))
}

@test "root's own connections, calls and jobs are bound by none of them" {
	config 'user_connections = 1' 'user_calls_per_second = 1' 'user_queued_jobs = 1' \
	    'max_environment = 1B' 'max_command = 1B' 'user_job_bytes = 1B'
	start_jobd
	for _ in 1 2 3; do
		ok jobctl submit --hold -- true
	done
	is "$(jobctl health --json | json limits_met | tr -d '[:alpha:]_"{}' )" ":0,:0,:0,:0,:0,:0,:0,:0,:0,:0,:0,:0"
}
