# SPDX-License-Identifier: ISC
# What waits: for other jobs, for a time, for a place; and what is told of it.
load lib

local_setup() {
	start_jobd
}

# A job that ends with this code once the file is there.
ends_with() {
	submit -- sh -c "while [ ! -e $2 ]; do sleep 0.02; done; exit $1"
}

@test "a job starts when those it waits for have completed" {
	first=$(ends_with 0 go)
	second=$(ends_with 0 go)
	last=$(submit --after "$first,$second" -- true)
	is "$(field "$last" reason)" dependency
	ok jobctl status "$last"
	matches "$output" "waits for: +$first, $second"
	ok jobctl status "$first"
	matches "$output" "awaited by: +$last"
	ok jobctl why "$last"
	contains "$output" "job $last is queued: "
	matches "$output" "next: .*jobctl edit $last --clear after"
	: >go
	reaches "$last" completed
}

@test "ranges, repetition and the three ways to end are taken together" {
	for _ in 1 2 3 4 5; do
		submit --hold -- true >/dev/null
	done
	id=$(submit --after 1-2 --after-ok 3 --after-failed 4 --after-any 5 -- true)
	is "$(jobctl status --json "$id" | json after)" \
	    '[{"id":1,"on":"ok"},{"id":2,"on":"ok"},{"id":3,"on":"ok"},{"id":4,"on":"failed"},{"id":5,"on":"any"}]'
	ok jobctl status "$id"
	contains "$output" '1, 2, 3, 4 (failed), 5 (any)'
}

@test "one that waits for a failure starts after it, and after success it fails" {
	fails=$(ends_with 3 go)
	well=$(ends_with 0 go)
	cleanup=$(submit --after-failed "$fails" -- true)
	never=$(submit --after-failed "$well" -- true)
	without=$(submit --after-failed "$well" --drop-unmet -- true)
	any=$(submit --after-any "$fails,$well" -- true)
	: >go
	reaches "$cleanup" completed
	reaches "$any" completed
	reaches "$never" failed
	is "$(field "$never" reason)" dependency
	reaches "$without" completed
}

@test "what can't be waited for is refused, with what is wrong" {
	expect 4 jobctl submit --after 99 -- true
	contains "$error" 'there is no job 99'
	expect 2 jobctl submit --after x -- true
	contains "$error" "--after: 'x' is no job number"
	expect 2 jobctl submit --after '' -- true
	expect 2 jobctl submit --after 3-1 -- true
	expect 2 jobctl submit --after 1-99999 -- true
	is "$error" 'jobctl: submit: --after: a job waits for at most 5000 others, not for 99999'
	a=$(submit --hold -- true)
	b=$(submit --after "$a" -- true)
	expect 3 jobctl edit "$a" --after "$b"
	contains "$error" 'it would wait for itself'
	expect 3 jobctl edit "$a" --after "$a"
	is "$(jobctl list --json | wc -l)" 2
}

@test "--at and --delay keep a job from starting, and why says until when" {
	ok jobctl submit --at 'tomorrow 6:00' -- true
	matches "$output" '^job 1 queued, for [0-9-]+ 06:00:00$'
	id=1
	is "$(field "$id" reason)" not-before
	ok jobctl why "$id"
	matches "$output" 'until: +[0-9-]+ 06:00:00, in '
	contains "$output" "jobctl edit $id --clear at"
	ok jobctl status "$id"
	matches "$output" 'not before: +[0-9-]+ 06:00:00'
	soon=$(submit --delay 300ms -- true)
	reaches "$soon" completed
	ok jobctl edit "$id" --clear at
	reaches "$id" completed
}

@test "times that are over, or none, or too many are refused" {
	expect 2 jobctl submit --at '2020-01-01 14:30' -- true
	contains "$error" "'2020-01-01 14:30' is in the past"
	expect 2 jobctl submit --deadline yesterday -- true
	contains "$error" 'is no time to come'
	expect 2 jobctl submit --at 14:30 --delay 2h -- true
	expect 2 jobctl submit --delay soon -- true
	expect 2 jobctl submit --at 'tomorrow 6:00' --deadline 'tomorrow 5:00' -- true
	matches "$error" "before [0-9-]+ 06:00:00, and its deadline is [0-9-]+ 05:00:00: it never could"
	is "$(jobctl list --json)" ''
}

@test "one that has not started by its deadline fails, and run says so" {
	blocked=$(submit --hold -- true)
	expect 124 jobctl run --after "$blocked" --deadline 'now + 1 s' -- true
	contains "$error" 'had not started by its deadline'
	is "$(field 2 reason)" deadline
}

@test "one that takes too long is warned, then ended, and its pauses do not count" {
	id=$(submit --timeout 2s --warn USR1@700ms -- sh -c 'trap "echo warned" USR1; while :; do sleep 0.05; done')
	reaches "$id" failed
	is "$(field "$id" reason)" timeout
	ok jobctl log "$id"
	contains "$output" warned
	expect 124 jobctl wait "$id"
	ok jobctl audit --verb warned "$id"
	contains "$output" 'SIGUSR1: its time is up in 1 s'
	expect 124 jobctl run --timeout 300ms -- sleep 600
	expect 2 jobctl submit --timeout 100us -- true
	contains "$error" 'a duration from 1ms to a year'
	expect 2 jobctl submit --timeout 1s --warn USR1@0 -- true
	contains "$error" '1ms at least'
	id=$(submit --timeout 300ms -- sleep 600)
	is "$(field "$id" timeout_s)" 1
	reaches "$id" failed
	is "$(jobctl list --json "$id" | json timeout_s)" 1
}

@test "a warning of no timeout is noted, and not one of the queue's" {
	config_only 'queue short { timeout = 1h }'
	ok jobctl reload
	ok jobctl submit --warn USR1@5min -- true
	contains "$error" 'note: --warn has no effect: there is no timeout'
	ok jobctl submit --warn USR1@5min --timeout 0 --queue short -- true
	contains "$error" 'note: --warn has no effect'
	ok jobctl submit --warn USR1@5min --queue short -- true
	is "$error" ''
	ok jobctl submit --warn none -- true
	is "$error" ''
}

@test "of a unique key there is one job, and a second is refused or is the first" {
	id=$(submit --unique nightly -- sleep 600)
	expect 3 jobctl submit --unique nightly -- true
	contains "$error" "job $id has the key 'nightly'"
	contains "$error" "jobctl wait $id"
	ok jobctl submit --unique nightly --if-exists return -- true
	matches "$output" "^job $id is already (queued|running)\$"
	is "$(submit --unique nightly --if-exists return -- true)" "$id"
	ok jobctl status "$id"
	matches "$output" 'unique: +nightly'
	ok jobctl cancel --now --wait "$id"
	ok jobctl submit --unique nightly -- true
	expect 2 jobctl submit --if-exists return -- true
	expect 2 jobctl submit --unique x --if-exists maybe -- true
}

@test "why answers of every job, also of several, and as JSON" {
	held=$(submit --hold -- true)
	done=$(submit -- true)
	reaches "$done" completed
	ok jobctl why "$held" "$done"
	# Nothing is said twice.
	is "$output" "job $held is held; it may start after: jobctl release $held
job $done completed"
	is "$(jobctl why --json "$held" | json id)" "$held"
	is "$(jobctl why --json "$held" | json state)" held
	expect 4 jobctl why 99
	expect 2 jobctl why
}

@test "a deadline's time of day is the next one after --at" {
	id=$(submit --at '2099-01-01 22:00' --deadline 23:00 -- true)
	is $(($(field "$id" deadline_us) - $(field "$id" not_before_us))) 3600000000
	id=$(submit --at '2099-01-01 22:00' --deadline 6:00 -- true)
	is $(($(field "$id" deadline_us) - $(field "$id" not_before_us))) 28800000000
	expect 2 jobctl edit "$id" --at '2099-01-02 22:00'
	contains "$error" 'before 2099-01-02 22:00:00, and its deadline is 2099-01-02 06:00:00'
	ok jobctl edit "$id" --deadline 23:00
	is $(($(field "$id" deadline_us) - $(field "$id" not_before_us))) 3600000000
	ok jobctl edit "$id" --clear deadline --at '2099-01-02 22:00'
}

@test "how another is to end is said by the option, not by the number" {
	expect 2 jobctl submit --after afterok:1 -- true
	contains "$error" '--after-ok 1'
	expect 2 jobctl submit --after 1:failed -- true
	contains "$error" '--after-failed 1'
	expect 2 jobctl submit --after any:1,2 -- true
	contains "$error" '--after-any 1,2'
}

@test "what is asked for and can have no effect is noted, and done all the same" {
	ok jobctl submit --backoff 5 --hold -- true
	contains "$error" 'note: --backoff has no effect: there is one attempt'
	ok jobctl submit --drop-unmet --hold -- true
	contains "$error" 'note: --drop-unmet has no effect'
	ok jobctl submit --backoff 5 --attempts 2 --hold -- true
	is "$error" ''
	ok jobctl --quiet submit --drop-unmet --hold -- true
	is "$error" ''
}

@test "the log of a job that never started is not offered" {
	blocked=$(submit --hold -- true)
	expect 124 jobctl run --after "$blocked" --deadline 'now + 1 s' -- true
	ok jobctl status 2
	matches "$output" 'next: +retry, delete'
	ok jobctl why 2
	lacks "$output" 'jobctl log'
}

@test "how long it takes is rounded, not cut" {
	ok jobctl submit --delay 2h -- true
	ok jobctl why 1
	contains "$output" ', in 2h00m'
	expect 4 jobctl why 50-60
	contains "$error" 'there is no job in the range 50-60'
}
