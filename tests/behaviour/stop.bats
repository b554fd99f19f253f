# SPDX-License-Identifier: ISC
# What becomes of the jobs when jobd stops: on_stop, and what people do meanwhile.
load lib

local_setup() {
	config 'max_running = 8' 'kill_grace = "10s"'
}

# A job that writes a line a moment, so that it can be seen to go on, or not to.
ticking() {
	submit -- sh -c 'while :; do echo tick >>"ticks.$JOBD_ID"; sleep 0.05; done'
}

# One that takes no notice of SIGTERM.
stubborn() {
	submit -- sh -c 'trap "" TERM; echo up >>stubborn; while :; do sleep 0.05; done'
}

ticks() {
	local n
	n=$(count_lines tick "ticks.$1")
	echo "${n:-0}"
}

ticks_on() {
	local before
	before=$(ticks "$1")
	eventually ticked_past "$1" "$before"
}

ticked_past() {
	(($(ticks "$1") > $2))
}

# Every process of the job's session is stopped.
stands_still() {
	local pid
	for pid in $(pgrep -s "$1"); do
		process_is "$pid" TD || return
	done
}

keeper_of() {
	ps -o ppid= -p "$(field "$1" pid)" | tr -d ' '
}

# What the journal has of a job, a verb a line, with who did it.
verbs_of() {
	jobctl audit --json -n 0 "$1" | perl -MJSON::PP -ne 'my $e = decode_json($_);
		print(($e->{user} // "jobd"), " $e->{verb}", defined $e->{detail} ? " ($e->{detail})" : "", "\n")'
}

me() {
	id -un
}

@test "jobs go on by default, and with on_stop = keep" {
	start_jobd
	id=$(ticking)
	ticks_on "$id"
	stop_jobd
	ticks_on "$id"
	config 'on_stop = "keep"'
	start_jobd
	jobctl shutdown
	ticks_on "$id"
	start_jobd
	is "$(field "$id" state)" running
}

@test "pause: SIGTERM leaves every job stopped, and the next start resumes what it had paused" {
	config 'on_stop = "pause"'
	start_jobd
	a=$(ticking) b=$(ticking) c=$(ticking)
	for id in "$a" "$b" "$c"; do
		ticks_on "$id"
	done
	pid_a=$(field "$a" pid) pid_c=$(field "$c" pid)
	ok jobctl pause "$b"
	stop_jobd
	stands_still "$pid_a"
	stands_still "$pid_c"
	start_jobd
	is "$(field "$a" state)" running
	is "$(field "$b" state)" paused
	is "$(field "$c" state)" running
	ticks_on "$a"
	ticks_on "$c"
	is "$(field "$a" attempt)" 1
	is "$(field "$a" pid)" "$pid_a"
	# It has its reason in the journal, where jobd says that it was itself.
	verbs_of "$a" >journal
	has_line 'jobd pause (jobd is stopping)' journal
	has_line 'jobd resume (it was paused for the stop of jobd)' journal
	lacks "$(verbs_of "$b")" resume
	# The mark went with the pause: a stop of another kind is no reason to resume what a person paused.
	ok jobctl pause "$a"
	ok jobctl shutdown --on-stop keep
	wait "$jobd_pid"
	start_jobd
	is "$(field "$a" state)" paused
	is "$(field "$c" state)" running
}

@test "pause: time stands still for a job while there is no jobd" {
	start_jobd
	id=$(ticking)
	ticks_on "$id"
	ok jobctl shutdown --on-stop pause
	contains "$output$error" '1 job is paused first'
	wait "$jobd_pid"
	before=$(ticks "$id")
	sleep 0.3 # what it would tick in
	is "$(ticks "$id")" "$before"
	start_jobd
	ticks_on "$id"
	[[ $(field "$id" paused_total_us) -ge 300000 ]]
}

@test "cancel: every job is ended, the stubborn one after the grace, and their ends are on disk" {
	config 'on_stop = "cancel"'
	config_only 'max_running = 3' 'kill_grace = "500ms"' 'on_stop = "cancel"'
	start_jobd
	a=$(submit -- sh -c 'trap "echo bye >>farewell; exit 3" TERM; echo up >>polite; while :; do sleep 0.05; done')
	b=$(stubborn)
	c=$(ticking)
	d=$(submit -- sh -c 'echo ran >>queued')
	eventually has_line up polite
	eventually has_line up stubborn
	ticks_on "$c"
	ok jobctl pause "$c"
	ok jobctl shutdown
	contains "$output$error" '3 jobs are cancelled first'
	wait "$jobd_pid"
	has_line bye farewell
	not test -e queued
	no_leftovers
	start_jobd
	is "$(field "$a" state)" cancelled
	is "$(field "$a" exit_code)" 3
	is "$(field "$b" state)" cancelled
	is "$(field "$b" signal)" 9
	is "$(field "$c" state)" cancelled
	verbs_of "$c" >journal
	has_line 'jobd cancel (jobd is stopping)' journal
	# What waited goes on waiting, and has its turn.
	reaches "$d" completed
	is "$(field "$d" attempt)" 1
}

@test "while it waits nothing is started, and what is submitted stays queued" {
	start_jobd
	a=$(stubborn)
	eventually has_line up stubborn
	jobctl shutdown --on-stop cancel >told 2>&1 3>&- &
	client=$!
	eventually is_stopping
	expect 1 jobctl health
	contains "$output" 'it is stopping, and waits for 1 job'
	b=$(submit -- sh -c 'echo ran >>late')
	is "$(field "$b" state)" queued
	is "$(field "$b" reason)" draining
	# A second signal is for those who can't wait; the keeper goes on.
	kill "$jobd_pid"
	wait "$jobd_pid"
	wait "$client"
	has_line 'jobd has stopped' told
	not test -e late
	has_line 'event=left' jobd.log
	start_jobd
	reaches "$b" completed
	is "$(field "$a" state)" running
	is "$(field "$a" cancel_requested)" true
	verbs_of "$a" >journal
	has_line 'jobd left (jobd stops, and it has not ended yet; its keeper sees to it)' journal
	expect 0 jobctl cancel --now --wait "$a"
	is "$(field "$a" state)" cancelled
}

is_stopping() {
	[[ $(jobctl health --json) == *'it is stopping'* ]]
}

@test "while it waits a second shutdown joins the first, and --on-stop keep makes it leave" {
	start_jobd
	a=$(stubborn)
	eventually has_line up stubborn
	jobctl shutdown --on-stop cancel >told.1 2>&1 3>&- &
	first=$!
	eventually is_stopping
	jobctl shutdown >told.2 2>&1 3>&- &
	second=$!
	eventually has_line cancelled told.2
	kill -0 "$jobd_pid"
	ok jobctl shutdown --on-stop keep
	wait "$jobd_pid"
	wait "$first"
	wait "$second"
	has_line 'jobd has stopped' told.2
	is "$(count_lines 'event=cancel ' jobd.log)" 1
	start_jobd
	is "$(field "$a" state)" running
}

@test "a job that can't be stopped in time is named and left, and what people did meanwhile holds" {
	start_jobd
	a=$(ticking) b=$(ticking) c=$(ticking) d=$(ticking)
	for id in "$a" "$b" "$c" "$d"; do
		ticks_on "$id"
	done
	# Its keeper hears nothing; so the stop takes as long as it may.
	keeper=$(keeper_of "$a")
	kill -STOP "$keeper"
	start=$SECONDS
	jobctl shutdown --on-stop pause >told 2>&1 3>&- &
	client=$!
	eventually state_is "$b" paused
	eventually state_is "$c" paused
	eventually state_is "$d" paused
	ok jobctl pause "$b"
	ok jobctl resume "$c"
	ok jobctl cancel "$d"
	wait "$jobd_pid"
	((SECONDS - start < 15 * SLOWNESS))
	wait "$client"
	is "$(count_lines 'event=left' jobd.log)" 1
	has_line "warning: event=left job=$a queue=default user=$(me) from=" jobd.log
	ticks_on "$c"
	kill -CONT "$keeper"
	start_jobd
	eventually state_is "$a" running
	ticks_on "$a"
	is "$(field "$b" state)" paused
	is "$(field "$c" state)" running
	reaches "$d" cancelled
	verbs_of "$b" >journal
	has_line "$(me) pause (the next start does not resume it)" journal
	lacks "$(verbs_of "$c")" 'jobd resume'
}

@test "pause: a start that stands at the gate is taken back, and has its turn later" {
	config_only 'max_running = 100'
	start_jobd
	for i in {1..20}; do
		submit --quiet -- sh -c 'echo "start $JOBD_ID" >>starts; exec sleep 1000' >/dev/null
	done
	ok jobctl shutdown --on-stop pause
	wait "$jobd_pid"
	start_jobd
	eventually twenty_run
	is "$(sort starts | uniq -d)" ""
}

twenty_run() {
	is "$(jobctl health --json | json jobs.running)" 20 && is "$(count_lines start starts)" 20
}

# Kills -------------------------------------------------------------------------------

# stops_at POINT: with a job that runs and one that somebody paused, jobd is told to stop, and dies there.
stops_at() {
	JOBD_CRASH_AT=$1 start_jobd
	a=$(ticking) b=$(ticking)
	ticks_on "$a"
	ticks_on "$b"
	kill -TERM "$jobd_pid"
	wait "$jobd_pid" || code=$?
	is "$code" 137
}

@test "jobd killed when the intent to pause is on disk: the job runs, and goes on" {
	config 'on_stop = "pause"'
	stops_at pause-committed
	start_jobd
	for id in "$a" "$b"; do
		reaches "$id" running
		ticks_on "$id"
	done
}

@test "jobd killed when the pause is on disk: the next start resumes the job" {
	config 'on_stop = "pause"'
	stops_at paused-committed
	start_jobd
	for id in "$a" "$b"; do
		reaches "$id" running
		ticks_on "$id"
	done
}

@test "jobd killed when the resumption is on disk: the start after that makes it true" {
	config 'on_stop = "pause"'
	start_jobd
	a=$(ticking)
	ticks_on "$a"
	stop_jobd
	JOBD_CRASH_AT=resume-committed "$JOBD" -f -c jobd.conf --state-dir state --runtime-dir run \
	    --socket s </dev/null >>jobd.log 2>&1 3>&- || code=$?
	is "$code" 137
	start_jobd
	is "$(field "$a" state)" running
	ticks_on "$a"
}

@test "jobd killed when the cancellation is on disk: the next start carries it out" {
	config 'on_stop = "cancel"'
	stops_at cancel-committed
	start_jobd
	reaches "$a" cancelled
	reaches "$b" cancelled
}

@test "killed anywhere in a stop, it loses nothing: who was paused stays so, the others run" {
	config 'on_stop = "pause"'
	start_jobd
	a=$(ticking) b=$(ticking) c=$(ticking)
	for id in "$a" "$b" "$c"; do
		ticks_on "$id"
	done
	ok jobctl pause "$b"
	for delay in 0 0.001 0.002 0.004 0.006 0.01 0.02; do
		kill -TERM "$jobd_pid"
		sleep "$delay"
		kill -KILL "$jobd_pid" 2>/dev/null || : # it may have left already
		wait "$jobd_pid" || :
		start_jobd
		reaches "$a" running
		reaches "$c" running
		is "$(field "$b" state)" paused
		ticks_on "$a"
		ticks_on "$c"
	done
	is "$(field "$a" attempt)" 1
}

# A service manager -------------------------------------------------------------------

@test "a service manager hears at once that jobd stops, and how long that may take" {
	perl -MSocket -e '
		socket(S, AF_UNIX, SOCK_DGRAM, 0) && bind(S, pack_sockaddr_un("notify")) or die;
		$SIG{ALRM} = sub { exit 0 };
		$| = 1;
		alarm 60;
		print "listening\n";
		while (defined recv(S, $b, 4096, 0)) { print "$b\n"; last if $b =~ /^STOPPING=1/m }' >heard 3>&- &
	listener=$!
	eventually has_line listening heard
	NOTIFY_SOCKET=$D/notify start_jobd
	a=$(stubborn)
	eventually has_line up stubborn
	jobctl shutdown --on-stop cancel >told 2>&1 3>&- &
	client=$!
	wait "$listener"
	kill -0 "$jobd_pid"
	has_line STOPPING=1 heard
	# The grace of 10 s, 5 s for the end to be told, and 5 s to leave.
	[[ $(sed -n 's/^EXTEND_TIMEOUT_USEC=//p' heard) -gt 15000000 ]]
	[[ $(sed -n 's/^EXTEND_TIMEOUT_USEC=//p' heard) -le 20000000 ]]
	ok jobctl cancel --now "$a"
	wait "$jobd_pid"
	wait "$client"
}

# A daemon that hangs -------------------------------------------------------------------

@test "shutdown --force kills a jobd that does not answer, and its jobs go on" {
	start_jobd
	id=$(ticking)
	ticks_on "$id"
	kill -STOP "$jobd_pid"
	ok jobctl shutdown --force
	contains "$error" 'did not answer within 10 s'
	contains "$output" "process $jobd_pid, was killed"
	wait "$jobd_pid" || code=$?
	is "$code" 137
	ticks_on "$id"
	expect 7 jobctl shutdown --force # nobody is left to be killed
	start_jobd
	is "$(field "$id" state)" running
	ok jobctl shutdown --force # asks first
	wait "$jobd_pid"
	contains "$output" 'jobd has stopped'
	start_jobd
}
