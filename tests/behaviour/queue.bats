# SPDX-License-Identifier: ISC
# Queues as a person has them: looked at, changed, paused, drained.
load lib

local_setup() {
	config 'max_running = 20' 'queue import { max_running = 2 timeout = 2h attempts = 2 }'
	start_jobd
}

# value QUEUE KEY: what holds, and where it is from.
value() {
	jobctl queue show "$1" | awk -v key="$2" '$1 == key { print $2, $3 }'
}

# of_queue QUEUE FIELD
of_queue() {
	jobctl queue show --json "$1" | json "$2"
}

queue_has() {
	[[ $(of_queue "$1" "$2") == "$3" ]]
}

@test "queue alone lists the queues, with how many run of how many" {
	for _ in 1 2 3; do
		submit --queue import -- sleep 600 >/dev/null
	done
	submit --queue import --hold -- true >/dev/null
	eventually queue_has import running 2
	ok jobctl queue
	cp .out alone
	ok jobctl queue list
	diff alone .out
	matches "$output" 'NAME +STATE +RUNNING +PAUSED +QUEUED +HELD +OLDEST +DONE/H'
	matches "$output" 'default +open +0 +0 +0 +0 '
	matches "$output" 'import +open +2/2 +0 +1 +1 +[0-9]+s +0'
	is "$(jobctl queue list --json | json name | tr '\n' ' ')" "default import "
}

@test "each value is shown with where it is from, and a reset gives back what was" {
	is "$(value import max_running)" "2 config"
	is "$(value import timeout)" "2h config"
	is "$(value import recovery)" "retry default"
	ok jobctl queue set import max_running=4 recovery hold retry-on=1,75-78
	contains "$output" 'queue import: max_running = 4 (runtime)'
	contains "$output" 'queue import: recovery = hold (runtime)'
	is "$(value import max_running)" "4 runtime"
	is "$(value import retry_on)" "1,75-78 runtime"
	stop_jobd
	start_jobd
	is "$(value import recovery)" "hold runtime"
	ok jobctl queue reset import max_running
	is "$(value import max_running)" "2 config"
	is "$(value import recovery)" "hold runtime"
	ok jobctl queue reset import
	is "$(value import recovery)" "retry default"
}

@test "what a queue can't have is refused before jobd is asked, by name" {
	stop_jobd
	expect 2 jobctl queue set import max_runing=4
	contains "$error" 'did you mean max_running?'
	expect 2 jobctl queue set import max_running=many
	contains "$error" "max_running: 'many' is not a number of jobs"
	expect 2 jobctl queue set import timeout
	contains "$error" 'timeout: which value?'
	expect 2 jobctl queue set import timeout=2h timeout=3h
	contains "$error" 'given twice'
	expect 2 jobctl queue set import
	expect 2 jobctl queue set
	expect 2 jobctl queue reset import colour
	expect 2 jobctl queue pause
	expect 2 jobctl queue list import
	expect 2 jobctl queue import
	contains "$error" 'jobctl queue show import'
}

@test "an unknown queue is answered with those there are" {
	expect 4 jobctl queue pause imprt
	contains "$error" "did you mean 'import'?"
	expect 4 jobctl queue show nightly
	contains "$error" 'there are: default, import'
	expect 4 jobctl queue drain --wait nightly
	expect 1 jobctl queue pause nightly import
	queue_has import state paused
}

@test "a paused queue pauses what runs and starts no more; resume undoes both" {
	id=$(submit --queue import -- sleep 600)
	own=$(submit --queue import -- sleep 600)
	reaches "$id" running
	reaches "$own" running
	ok jobctl pause "$own"
	ok jobctl queue pause import
	is "$output" 'queue import is paused'
	reaches "$id" paused
	later=$(submit --queue import -- true)
	ok jobctl why "$later"
	contains "$output" 'jobctl queue resume import'
	is "$(field "$later" reason)" queue-paused
	ok jobctl queue pause import
	is "$output" 'queue import is already paused'
	ok jobctl queue resume import
	is "$output" 'queue import is open'
	reaches "$id" running
	# What a person had paused stays so.
	is "$(field "$own" state)" paused
}

@test "drain lets end what runs, and --wait returns then" {
	id=$(submit --queue import -- sh -c 'while [ ! -e go ]; do sleep 0.02; done')
	reaches "$id" running
	jobctl queue drain --wait import >drained 3>&- &
	waiter=$!
	eventually has_line "queue import is draining: 1 still runs ($id)" drained
	later=$(submit --queue import -- true)
	is "$(field "$later" state)" queued
	: >go
	wait "$waiter"
	has_line 'queue import: nothing of it runs, or is paused' drained
	is "$(field "$id" state)" completed
	is "$(field "$later" state)" queued
	ok jobctl queue resume import
	reaches "$later" completed
}

@test "who waits for a drain is told when somebody opens the queue again" {
	id=$(submit --queue import -- sleep 600)
	reaches "$id" running
	{ jobctl queue drain --wait import >drained 2>complaints || echo $? >code; } 3>&- &
	waiter=$!
	eventually has_line draining drained
	ok jobctl queue resume import
	wait "$waiter"
	is "$(<code)" 1
	has_line 'not draining any more' complaints
}

@test "a lower limit ends nothing, and resume asks for a place unless forced" {
	ids=()
	for _ in 1 2; do
		ids+=("$(submit --queue import -- sleep 600)")
	done
	reaches "${ids[0]}" running
	reaches "${ids[1]}" running
	ok jobctl pause --release-slot "${ids[0]}"
	ok jobctl queue set import max_running=1
	is "$(field "${ids[1]}" state)" running
	ok jobctl resume "${ids[0]}"
	contains "$output" 'goes on when there is a slot for it'
	is "$(field "${ids[0]}" state)" paused
	ok jobctl status "${ids[0]}"
	contains "$output" 'goes on when there is one'
	contains "$output" 'paused (resuming: queue-full)'
	ok jobctl resume --force "${ids[0]}"
	reaches "${ids[0]}" running
	is "$(field "${ids[1]}" state)" running
}

@test "a slot that was given up is another's, and comes back" {
	first=$(submit --queue import -- sleep 600)
	second=$(submit --queue import -- sleep 600)
	reaches "$first" running
	reaches "$second" running
	third=$(submit --queue import -- sleep 600)
	is "$(field "$third" reason)" queue-full
	ok jobctl pause --release-slot "$first"
	reaches "$third" running
	ok jobctl resume "$first"
	ok jobctl cancel --now --wait "$second"
	reaches "$first" running
}

@test "the audit has what was done to queues, by jobctl's words and the journal's" {
	ok jobctl queue set import max_running=4
	ok jobctl queue pause import
	ok jobctl queue resume import
	is "$(jobctl audit --json --verb queue | json verb | tr '\n' ' ')" 'queue-set queue-pause queue-resume '
	is "$(jobctl audit --json --verb 'queue pause' | json verb)" queue-pause
	is "$(jobctl audit --json --verb queue-set | json verb)" queue-set
}

@test "who runs, who is paused, and who waits to go on is told apart" {
	running=$(submit --queue import -- sleep 600)
	keeps=$(submit --queue import -- sleep 600)
	reaches "$running" running
	reaches "$keeps" running
	ok jobctl pause "$keeps"
	ok jobctl queue list
	matches "$output" 'import +open +1/2 +1 +0'
	ok jobctl queue show import
	matches "$output" 'running: +1
slots held: +2 of 2
paused: +1
'
	released=$(submit --queue default -- sleep 600)
	reaches "$released" running
	ok jobctl pause --release-slot "$released"
	ok jobctl pause --release-slot --yes --queue import --state paused
	next=$(submit --queue import -- sleep 600)
	reaches "$next" running
	ok jobctl resume "$keeps"
	ok jobctl queue list
	matches "$output" 'default +open +0 +1\(1-released\) +0 '
	matches "$output" 'import +open +2/2 +1\(1-resuming\) +0 '
	ok jobctl queue show import
	contains "$output" '1, 1 go on when there is a slot'
	ok jobctl queue pause import
	ok jobctl list "$keeps"
	contains "$output" 'resuming: queue-paused'
}

@test "a drain waits for what is paused, with a slot or without, and says so" {
	id=$(submit --queue import -- sleep 600)
	reaches "$id" running
	ok jobctl pause --release-slot "$id"
	jobctl queue drain --wait import >drained 2>complaints 3>&- &
	waiter=$!
	eventually has_line "queue import is draining: 1 is paused ($id)" drained
	eventually has_line "all that has not ended is paused: $id" complaints
	lacks "$(<drained)" 'nothing of it runs'
	ok jobctl cancel --now --wait "$id"
	wait "$waiter"
	has_line 'nothing of it runs, or is paused' drained
}

@test "what others call a queue's verbs is answered with ours, and 0 is said to be no limit" {
	for word in unpause undrain start open; do
		expect 2 jobctl queue "$word" import
		contains "$error" "try 'jobctl queue resume'"
	done
	expect 2 jobctl queue unset import
	contains "$error" "try 'jobctl queue reset'"
	expect 2 jobctl queue create nightly
	contains "$error" 'jobd.conf'
	expect 2 jobctl queue reset import default
	contains "$error" 'reset takes one queue'
	ok jobctl queue set import max_running=0
	is "$output" 'queue import: max_running = 0, no limit (runtime)'
	ok jobctl queue show import
	matches "$output" 'running: +0, no limit of its own
paused: +0
'
}

@test "whom a queue's lists let in is said of those that are empty" {
	is "$(value import submit_users)" "everyone default"
	ok jobctl queue set import submit_users=root
	is "$(value import submit_groups)" "- default"
	ok jobctl queue set import submit_users=root,nobody-of-this-name submit_groups=nor-this
	contains "$error" "warning: there is no user 'nobody-of-this-name'"
	contains "$error" "warning: there is no group 'nor-this'"
	ok jobctl queue reset import submit_groups
	ok jobctl queue reset import submit_users
	is "$output" 'queue import: submit_users = everyone (default)'
}

@test "that there is no such queue is told where nothing was found, and of one that lives on what there is" {
	expect 4 jobctl list --queue imprt
	contains "$error" "there is no queue 'imprt': did you mean 'import'?"
	expect 4 jobctl cancel --queue imprt
	ok jobctl list --queue import
	id=$(submit --queue import --hold -- true)
	config_only 'max_running = 20'
	ok jobctl reload
	is "$(jobctl list --json --queue import | json id)" "$id"
}

@test "a queue that is declared no more is told to be so, and not to be unknown" {
	ended=$(submit --queue import -- false)
	reaches "$ended" failed
	id=$(submit --queue import --hold -- true)
	config_only 'max_running = 20'
	ok jobctl reload
	ok jobctl queue list
	matches "$output" 'import +retired '
	ok jobctl queue show import
	matches "$output" 'state: +retired
declared: +no more in jobd.conf'
	gone='queue import is no longer declared in jobd.conf'
	expect 4 jobctl submit --queue import -- true
	contains "$error" "cannot submit the job: $gone; it only finishes the jobs it has"
	expect 4 jobctl retry "$ended"
	contains "$error" "$gone; it only finishes the jobs it has"
	ok jobctl cancel --wait "$id"
	expect 4 jobctl retry "$ended"
	contains "$error" "$gone"
	lacks "$error" finishes
	expect 4 jobctl submit --queue import -- true
	contains "$error" "there is no queue 'import'"
}

@test "what is in the way is what why hints at" {
	ok jobctl queue set import max_running=1
	submit --queue import -- sleep 600 >/dev/null
	id=$(submit --queue import -- true)
	eventually queue_has import running 1
	ok jobctl why "$id"
	matches "$output" 'next: .*jobctl queue set import max_running=N'
	config_only 'max_running = 1' 'queue import { }'
	ok jobctl reload
	ok jobctl queue reset import
	ok jobctl why "$id"
	matches "$output" 'next: .*jobctl list --state running; max_running in jobd.conf, then jobctl reload'
	later=$(submit --queue import -- true)
	ok jobctl why "$later"
	matches "$output" "next: +jobctl priority $later high; jobctl list --state running; max_running in jobd.conf"
	lacks "$output" 'jobctl queue show'
	config_only 'max_running = 20' 'user_max_running = 1' 'queue import { }'
	ok jobctl reload
	ok jobctl why "$id"
	matches "$output" "next: .*jobctl list --state running --user $(id -un)"
}

@test "the audit refuses a verb that nothing is called" {
	expect 2 jobctl audit --verb nosuch
	contains "$error" "the journal has no 'nosuch'"
	expect 2 jobctl audit --verb queue-pause,cancle
	contains "$error" "did you mean 'cancel'?"
	ok jobctl audit --verb kill,seal,queue,'queue pause'
}
