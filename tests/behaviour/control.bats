# SPDX-License-Identifier: ISC
# Controlling jobs: hold, pause, cancel, signal, retry, delete.
load lib

local_setup() {
	start_jobd
}

# Submits a job that counts in the file "ticks" until it is ended; prints its number.
ticking() {
	submit -- sh -c 'while :; do echo tick >>ticks; sleep 0.02; done'
}

ticks() {
	wc -l <ticks
}

ticks_past() {
	(($(ticks 2>/dev/null || echo 0) > $1))
}

@test "a paused job stands still, a resumed one goes on where it was" {
	id=$(ticking)
	eventually ticks_past 2
	ok jobctl pause "$id"
	is "$(field "$id" state)" paused
	pid=$(field "$id" pid)
	process_is "$pid" TD
	before=$(ticks)
	sleep 0.2
	is "$(ticks)" "$before"
	ok jobctl resume "$id"
	is "$(field "$id" state)" running
	eventually ticks_past "$before"
	is "$(field "$id" pid)" "$pid"
}

@test "suspend and cont are pause and resume" {
	id=$(submit -- sleep 60)
	reaches "$id" running
	ok jobctl suspend "$id"
	is "$(field "$id" state)" paused
	ok jobctl cont "$id"
	is "$(field "$id" state)" running
}

@test "a pause stops every process of the job, also one that left its session" {
	id=$(submit -- sh -c 'setsid sleep 61 & setsid sh -c "sleep 62 & echo \$! >>pids; wait" & echo $! >>pids; echo $$ >>pids; wait')
	eventually lines_are 3 pids
	ok jobctl pause "$id"
	while read -r pid; do
		process_is "$pid" TD
	done <pids
	ok jobctl resume "$id"
	while read -r pid; do
		not process_is "$pid" T
	done <pids
}

lines_are() {
	[[ $(wc -l <"$2" 2>/dev/null) == "$1" ]]
}

@test "the time a job was paused is told" {
	id=$(submit -- sleep 60)
	reaches "$id" running
	ok jobctl pause "$id"
	[[ $(field "$id" paused_at_us) -gt 0 ]]
	sleep 0.1
	ok jobctl resume "$id"
	is "$(field "$id" paused_at_us)" ""
	[[ $(field "$id" paused_total_us) -ge 100000 ]]
}

@test "what is already so is no mistake" {
	id=$(submit -- sleep 60)
	reaches "$id" running
	ok jobctl pause "$id"
	ok jobctl pause "$id"
	ok jobctl resume "$id"
	ok jobctl resume "$id"
	held=$(submit --hold -- true)
	ok jobctl hold "$held"
	ok jobctl release "$held"
}

@test "what the job's state does not allow leaves with 3 and says what could be done" {
	id=$(submit -- sleep 60)
	reaches "$id" running
	expect 3 jobctl delete "$id"
	contains "$error" running
	expect 3 jobctl retry "$id"
	expect 3 jobctl hold "$id"
	expect 3 jobctl release "$id"
	held=$(submit --hold -- true)
	expect 3 jobctl pause "$held"
	contains "$error" held
	expect 3 jobctl resume "$held"
	expect 3 jobctl delete "$held"
	ok jobctl cancel --now --wait "$id" "$held"
	expect 3 jobctl pause "$id"
	contains "$error" cancelled
	expect 3 jobctl priority "$id" 1
	ok jobctl cancel "$id"
}

@test "a completed job is neither retried nor cancelled" {
	ok jobctl submit --wait -- true
	expect 3 jobctl retry 1
	contains "$error" completed
	expect 3 jobctl cancel 1
}

@test "cancel ends the command with SIGTERM, and the job is cancelled" {
	id=$(submit -- sh -c 'trap "echo bye >bye; exit 9" TERM; : >ready; while :; do sleep 0.02; done')
	eventually test -e ready
	ok jobctl cancel --wait "$id"
	is "$(field "$id" state)" cancelled
	is "$(<bye)" bye
	is "$(field "$id" exit_code)" 9
}

@test "cancel ends what does not listen with SIGKILL after the grace" {
	stop_jobd
	config 'kill_grace = "200ms"'
	start_jobd
	id=$(submit -- sh -c 'trap "" TERM; : >ready; while :; do sleep 0.02; done')
	eventually test -e ready
	ok jobctl cancel --wait "$id"
	is "$(field "$id" state)" cancelled
	is "$(field "$id" signal)" 9
}

@test "cancel --now does not wait for the grace" {
	id=$(submit -- sh -c 'trap "" TERM; : >ready; while :; do sleep 0.02; done')
	eventually test -e ready
	ok jobctl cancel --now --wait "$id"
	is "$(field "$id" signal)" 9
	expect 137 jobctl wait "$id"
}

@test "kill is cancel, and a paused job can be cancelled" {
	id=$(submit -- sleep 60)
	reaches "$id" running
	ok jobctl pause "$id"
	ok jobctl kill --wait "$id"
	is "$(field "$id" state)" cancelled
	is "$(field "$id" signal)" 15
}

@test "a job that is waiting is cancelled without having run" {
	id=$(submit --hold -- touch ran)
	ok jobctl cancel "$id"
	is "$(field "$id" state)" cancelled
	is "$(field "$id" started_at_us)" ""
	not test -e ran
}

@test "nothing of a cancelled job is left, wherever it went" {
	id=$(submit -- sh -c 'setsid sh -c "trap \"\" TERM HUP; echo \$\$ >>pids; while :; do sleep 0.05; done" & (trap "" TERM; echo $(exec sh -c "echo \$PPID") >>pids; exec sleep 61) & wait')
	eventually lines_are 2 pids
	ok jobctl cancel --now --wait "$id"
	while read -r pid; do
		process_gone "$pid"
	done <pids
}

@test "what a command leaves behind when it ends is ended too" {
	ok jobctl submit --wait -- sh -c 'setsid sleep 61 & echo $! >pid'
	is "$(field 1 state)" completed
	process_gone "$(<pid)"
}

@test "held jobs do not start until they are released" {
	stop_jobd
	config 'max_running = 1'
	start_jobd
	first=$(submit -- sleep 60)
	reaches "$first" running
	second=$(submit -- true)
	ok jobctl hold "$second"
	is "$(field "$second" state)" held
	ok jobctl cancel --now --wait "$first"
	is "$(field "$second" state)" held
	ok jobctl release "$second"
	ok jobctl wait "$second"
}

@test "signal reaches the command" {
	id=$(submit -- sh -c 'trap "echo usr1 >got" USR1; : >ready; while [ ! -e got ]; do sleep 0.02; done')
	eventually test -e ready
	ok jobctl signal "$id" USR1
	ok jobctl wait "$id"
	is "$(<got)" usr1
}

@test "signal takes names and numbers, and refuses to stop a job behind jobd's back" {
	id=$(submit -- sleep 60)
	reaches "$id" running
	expect 2 jobctl signal "$id" NOSUCH
	not jobctl signal "$id" STOP
	is "$(field "$id" state)" running
	ok jobctl signal "$id" 2
	expect 130 jobctl wait "$id"
	is "$(field "$id" state)" failed
	is "$(field "$id" reason)" signal
}

@test "a paused job that somebody continues is stopped again, and the journal says so" {
	id=$(ticking)
	eventually ticks_past 2
	ok jobctl pause "$id"
	kill -CONT "$(field "$id" pid)"
	eventually audit_has "$id" recontinued
	eventually process_is "$(field "$id" pid)" TD
	is "$(field "$id" state)" paused
}

audit_has() {
	jobctl audit "$1" | grep -q -- "$2"
}

@test "a failed job is retried anew, and its old attempts are kept" {
	id=$(submit -- sh -c 'echo x >>runs; [ "$(wc -l <runs)" -ge 2 ]')
	expect 1 jobctl wait "$id"
	ok jobctl retry "$id"
	ok jobctl wait "$id"
	is "$(field "$id" state)" completed
	is "$(field "$id" attempt)" 2
	is "$(field "$id" history.0.state)" failed
	is "$(field "$id" history.0.exit_code)" 1
	is "$(field "$id" error)" ""
}

@test "a chain that failed is tried again as the chain it was, in whatever order it is named" {
	ok jobctl queue pause default
	one=$(submit --project chain -- false)
	two=$(submit --project chain --after "$one" -- true)
	three=$(submit --project chain --after "$two" -- true)
	for way in "$three $one,$two" "--project chain" "$one-$three"; do
		ok jobctl cancel --yes --project chain
		# shellcheck disable=SC2086 # several words
		ok jobctl retry $way
		is "$output" "job $one queued again
job $two queued again
job $three queued again"
		is "$(field "$two" reason)" dependency
		is "$(field "$three" reason)" dependency
	done
	ok jobctl cancel "$one" "$two"
	ok jobctl retry "$two" # alone: what it waited for has ended
	is "$(field "$two" reason)" queue-paused
}

@test "what lets jobs go on takes the oldest of a selection first, what stops them the newest" {
	config 'max_running = 3'
	ok jobctl reload
	for _ in 1 2 3; do
		submit --project p --hold -- sleep 60 >/dev/null
	done
	ok jobctl release --project p
	is "$output" "job 1 released
job 2 released
job 3 released"
	reaches 1 running
	reaches 2 running
	reaches 3 running
	ok jobctl pause --project p
	is "$output" "job 3 paused
job 2 paused
job 1 paused"
	ok jobctl resume --project p
	is "$output" "job 1 resumed
job 2 resumed
job 3 resumed"
}

@test "a selection that is paused loses nothing that waits to go on" {
	ok jobctl queue set default max_running=1
	submit --name one -- sleep 60 >/dev/null
	reaches 1 running
	ok jobctl pause --release-slot 1
	submit --name two -- sleep 60 >/dev/null
	reaches 2 running
	ok jobctl resume --name one
	is "$(field 1 resume_requested)" true
	ok jobctl pause --name one
	is "$output" "job 1 paused"
	is "$(field 1 resume_requested)" ""
	ok jobctl pause --name one # it is paused, and stays so
	is "$output" ""
	contains "$error" "no job matches that pause could change"
	ok jobctl pause --name one --state paused
	is "$output" "job 1 is already paused"
}

@test "the log of a job that did not start again does not say that it never did" {
	silent=$(submit -- false)
	loud=$(submit -- sh -c 'echo said; false')
	expect 1 jobctl wait --quiet "$silent" "$loud"
	ok jobctl queue drain default
	ok jobctl retry "$silent" "$loud"
	ok jobctl cancel "$silent" "$loud"
	ok jobctl log "$silent"
	is "$error" "jobctl: job $silent is cancelled; it did not start again, and attempt 1 wrote nothing"
	ok jobctl log "$loud"
	is "$output$error" said
}

@test "requeue is retry, and a retried job has its progress and times cleared" {
	id=$(submit -- sh -c 'jobctl report --percent 50; exit 1')
	expect 1 jobctl wait "$id"
	is "$(field "$id" progress.percent)" 50
	stop_jobd
	config 'max_running = 1'
	start_jobd
	blocker=$(submit --priority 1 -- sleep 60)
	reaches "$blocker" running
	ok jobctl requeue "$id"
	is "$(field "$id" state)" queued
	is "$(field "$id" progress.percent)" ""
	is "$(field "$id" started_at_us)" ""
	is "$(field "$id" ended_at_us)" ""
	is "$(field "$id" exit_code)" ""
	is "$(field "$id" reason)" queue-full
}

@test "delete forgets an ended job, and the journal remembers it" {
	ok jobctl submit --wait -- echo something
	ok jobctl rm 1
	expect 4 jobctl status 1
	expect 4 jobctl log 1
	audit_has 1 delete
	is "$(find "$D/state" -name '1.*' -o -name '1' | wc -l)" 0
}

@test "priority moves a waiting job ahead" {
	stop_jobd
	config 'max_running = 1'
	start_jobd
	blocker=$(submit -- sleep 60)
	reaches "$blocker" running
	a=$(submit -- sh -c 'echo a >>order') b=$(submit -- sh -c 'echo b >>order')
	ok jobctl priority "$b" high
	is "$(field "$b" priority)" 2
	expect 2 jobctl priority "$b" 0
	ok jobctl cancel --now "$blocker"
	ok jobctl wait "$a" "$b"
	is "$(tr '\n' ' ' <order)" "b a "
}

@test "what is being cancelled can't be resumed, and is not said to run" {
	id=$(submit -- sh -c 'trap "" TERM; while :; do sleep 0.1; done')
	reaches "$id" running
	ok jobctl cancel "$id"
	expect 3 jobctl resume "$id"
	is "$error" "jobctl: cannot resume job $id: it is being cancelled"
}

@test "of many jobs it is told at the end how many it went well with" {
	for ((i = 0; i < 11; i++)); do
		submit --hold -- true >/dev/null
	done
	ok jobctl cancel 1
	expect 1 jobctl hold 1-11
	contains "$error" 'hold: 10 of 11 jobs done, the others not'
	expect 4 jobctl priority 50-60 3
	is "$error" 'jobctl: priority: there is no job in the range 50-60'
	# All is well: nothing that cron(8) would mail.
	submit --hold -- true >/dev/null
	ok jobctl hold 2-12
	is "$error" ''
	if command -v script >/dev/null; then
		script -qec 'jobctl priority --yes 2-12 3' /dev/null </dev/null >seen
		contains "$(<seen)" 'priority: 11 of 11 jobs done'
	fi
	ok jobctl release --quiet 2-12
	is "$error" ''
}

@test "wait is not late when its time is up, and with none to spend it looks once" {
	submit -- sleep 600
	submit -- sh -c 'exit 3'
	reaches 2 failed
	expect 124 timeout $((5 * SLOWNESS)) jobctl wait --timeout 0 1
	contains "$error" '0 of 1 ended'
	expect 3 timeout $((5 * SLOWNESS)) jobctl wait --timeout 0 2
	expect 124 timeout $((5 * SLOWNESS)) jobctl wait --timeout 0 1 2
	contains "$error" '1 of 2 ended'
	expect 3 timeout $((5 * SLOWNESS)) jobctl wait --any --timeout 0 1 2
	# It once took a second more.
	best=9999999
	for _ in 1 2 3; do
		from=${EPOCHREALTIME/./}
		expect 124 jobctl wait --timeout 100ms 1
		took=$((${EPOCHREALTIME/./} - from))
		((took >= 100000))
		((took >= best)) || best=$took
	done
	((best < 1000000 * SLOWNESS))
}
