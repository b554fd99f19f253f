# SPDX-License-Identifier: ISC
# What is left when jobd or a keeper goes away, and what the next jobd makes of it.
load lib

local_setup() {
	start_jobd
}

# A job that writes a line when it starts and one when it may end.
slow() {
	submit -- sh -c 'echo start >>runs; while [ ! -e go ]; do sleep 0.02; done; echo end >>runs; exit 7'
}

@test "SIGTERM leaves jobs running, and the next jobd takes them up" {
	id=$(slow)
	eventually has_line start runs
	pid=$(field "$id" pid)
	stop_jobd
	process_is "$pid" SRD
	start_jobd
	is "$(field "$id" state)" running
	is "$(field "$id" pid)" "$pid"
	is "$(field "$id" attempt)" 1
	: >go
	expect 7 jobctl wait "$id"
	is "$(count_lines start runs)" 1
}

@test "SIGKILL does the same" {
	id=$(slow)
	eventually has_line start runs
	pid=$(field "$id" pid)
	kill_jobd
	process_is "$pid" SRD
	start_jobd
	is "$(field "$id" state)" running
	is "$(field "$id" pid)" "$pid"
	: >go
	expect 7 jobctl wait "$id"
	is "$(count_lines start runs)" 1
}

@test "a job that ends while no jobd is there has its exit code told by the next" {
	id=$(slow)
	eventually has_line start runs
	pid=$(field "$id" pid)
	kill_jobd
	: >go
	eventually process_gone "$pid"
	start_jobd
	expect 7 jobctl wait "$id"
	is "$(field "$id" state)" failed
	is "$(field "$id" exit_code)" 7
	is "$(count_lines end runs)" 1
}

@test "a paused job stays paused over a kill, and can be resumed after it" {
	id=$(slow)
	eventually has_line start runs
	ok jobctl pause "$id"
	pid=$(field "$id" pid)
	kill_jobd
	process_is "$pid" TD
	start_jobd
	is "$(field "$id" state)" paused
	process_is "$pid" TD
	: >go
	ok jobctl resume "$id"
	expect 7 jobctl wait "$id"
}

@test "queued and held jobs are still there after a kill" {
	stop_jobd
	config 'max_running = 1'
	start_jobd
	running=$(slow)
	eventually has_line start runs
	queued=$(submit --name later --meta k=v -- true) held=$(submit --hold -- true)
	kill_jobd
	start_jobd
	is "$(field "$queued" state)" queued
	is "$(field "$queued" name)" later
	is "$(field "$queued" meta.k)" v
	is "$(field "$held" state)" held
	: >go
	expect 7 jobctl wait "$running"
	ok jobctl wait "$queued"
}

@test "a job can be cancelled by a jobd that did not start it" {
	id=$(slow)
	eventually has_line start runs
	pid=$(field "$id" pid)
	kill_jobd
	start_jobd
	ok jobctl cancel --wait "$id"
	is "$(field "$id" state)" cancelled
	process_gone "$pid"
}

@test "a keeper that is killed leaves a job that is still looked after" {
	id=$(slow)
	eventually has_line start runs
	pid=$(field "$id" pid)
	keeper=$(sed 's/.*) . //' "/proc/$pid/stat" | cut -d ' ' -f 1)
	is "$(<"/proc/$keeper/comm")" jobd-keeper
	kill -KILL "$keeper"
	eventually process_gone "$keeper"
	is "$(field "$id" state)" running
	ok jobctl pause "$id"
	process_is "$pid" TD
	ok jobctl resume "$id"
	: >go
	expect 7 jobctl wait "$id"
}

@test "a job that went with jobd and keeper is lost or known, and never run twice" {
	id=$(slow)
	eventually has_line start runs
	pid=$(field "$id" pid)
	keeper=$(sed 's/.*) . //' "/proc/$pid/stat" | cut -d ' ' -f 1)
	kill_jobd
	kill -KILL "$keeper" "$pid"
	eventually process_gone "$pid"
	start_jobd
	reaches "$id" failed
	is "$(count_lines start runs)" 1
	# What the kernel still tells of it is said, and nothing is made up.
	if [[ $(field "$id" reason) == signal ]]; then
		is "$(field "$id" signal)" 9
		expect 137 jobctl wait "$id"
	else
		is "$(field "$id" reason)" lost
		is "$(field "$id" signal)$(field "$id" exit_code)" ""
		expect 125 jobctl wait "$id"
	fi
}

@test "a submission that is repeated makes one job" {
	printf '%s\0' '{"method":"org.jobd.Job.Submit","parameters":{"command":["true"],"token":"t1"}}' >submission
	first=$(say <submission | json parameters.job.id)
	kill_jobd
	start_jobd
	is "$(say <submission | json parameters.job.id)" "$first"
	is "$(jobctl list --json --state queued,held,running,paused,completed | wc -l)" 1
}

# Sends what comes in to the daemon, and prints the replies a line each.
say() {
	socat -t 5 - "UNIX-CONNECT:$D/s" | tr '\0' '\n'
}

@test "the log of a job goes on over a kill" {
	id=$(submit -- sh -c 'echo before; while [ ! -e go ]; do sleep 0.02; done; echo after')
	reaches "$id" running
	kill_jobd
	start_jobd
	: >go
	ok jobctl wait "$id"
	ok jobctl log "$id"
	is "$output" $'before\nafter'
}

@test "numbers go on after a kill" {
	ok jobctl submit --wait -- true
	ok jobctl delete 1
	kill_jobd
	start_jobd
	is "$(submit -- true)" 2
	ok jobctl wait 2
}

@test "who did what is on record, also after a kill" {
	id=$(slow)
	eventually has_line start runs
	ok jobctl pause "$id"
	kill_jobd
	start_jobd
	ok jobctl resume "$id"
	: >go
	expect 7 jobctl wait "$id"
	verbs=$(jobctl audit --json "$id" | json verb | tr '\n' ' ')
	contains "$verbs" submit
	contains "$verbs" pause
	contains "$verbs" resume
}
