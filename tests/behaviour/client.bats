# SPDX-License-Identifier: ISC
# How jobctl stays with its jobs: over restarts, at Ctrl-C, at a terminal; and
# what it does when an answer never comes.
load lib

# A job that writes ten numbered lines, slowly.
counting() {
	# shellcheck disable=SC2016 # for the job's shell
	printf '%s' 'for i in 0 1 2 3 4 5 6 7 8 9; do echo line $i; sleep 0.1; done; exit 4'
}

@test "run shows every byte once and leaves with the job's code, though jobd is killed meanwhile" {
	start_jobd
	code=0
	{ jobctl run -- sh -c "$(counting)" >shown 2>complaints || echo $? >code; } 3>&- &
	runner=$!
	eventually has_line 'line 2' shown
	kill_jobd
	start_jobd
	wait "$runner"
	is "$(<code)" 4
	is "$(tr '\n' ' ' <shown)" "$(printf 'line %d ' 0 1 2 3 4 5 6 7 8 9)"
}

@test "wait goes on waiting over a restart of jobd" {
	start_jobd
	id=$(submit -- sh -c 'while [ ! -e go ]; do sleep 0.02; done; exit 5')
	jobctl wait "$id" 3>&- &
	waiter=$!
	reaches "$id" running
	eventually has_connected "$waiter"
	stop_jobd
	start_jobd
	: >go
	code=0
	wait "$waiter" || code=$?
	is "$code" 5
}

@test "log -f of a job that waits shows its output when it starts" {
	start_jobd
	id=$(submit --hold -- echo begun)
	jobctl log -f "$id" >shown 3>&- &
	follower=$!
	ok jobctl release "$id"
	wait "$follower"
	is "$(<shown)" begun
}

# interrupt N COMMAND...: runs it with SIGINT in force (a shell's background
# jobs ignore it), sends it N of them once "ready" is there, and leaves with its code.
interrupt() {
	perl -e '
		my $n = shift;
		$SIG{INT} = "DEFAULT";
		my $pid = fork() // die;
		if (!$pid) { exec(@ARGV) or die }
		select(undef, undef, undef, 0.02) until -e "ready";
		for (1 .. $n) {
			kill("INT", $pid);
			last if $_ == $n;
			select(undef, undef, undef, 0.02) until `cat complaints` =~ /again/;
		}
		waitpid($pid, 0);
		exit($? & 127 ? 128 + ($? & 127) : $? >> 8);' "$@"
}

@test "Ctrl-C at run cancels the job, and leaves with what it made of that" {
	start_jobd
	code=0
	interrupt 1 jobctl run -- sh -c 'trap "exit 9" TERM; : >ready; while :; do sleep 0.02; done' \
	    2>complaints 3>&- || code=$?
	is "$code" 9
	is "$(field 1 state)" cancelled
	contains "$(<complaints)" "cancelling job 1"
}

@test "a second Ctrl-C leaves at once" {
	start_jobd
	code=0
	interrupt 2 jobctl run -- sh -c 'trap "" TERM; : >ready; while :; do sleep 0.02; done' \
	    2>complaints 3>&- || code=$?
	is "$code" 130
	is "$(field 1 state)" running
	is "$(field 1 cancel_requested)" true
	ok jobctl cancel --now 1
}

@test "a reader that has seen enough ends run, not the job" {
	start_jobd
	code=0
	# shellcheck disable=SC2016 # for the job's shell
	jobctl run -- sh -c 'i=0; while [ ! -e go ]; do echo $i; i=$((i + 1)); sleep 0.01; done' \
	    2>complaints 3>&- | head -n 1 >shown || code=$?
	is "$(<shown)" 0
	contains "$(<complaints)" "job 1 goes on"
	is "$(field 1 state)" running
	: >go
	ok jobctl wait 1
}

@test "the log of a job that wrote nothing says why, where it never ran" {
	start_jobd
	id=$(submit -- ./no-such-command)
	reaches "$id" failed
	ok jobctl log "$id"
	is "$output" ""
	contains "$error" "could not be started: exec"
	ok jobctl log -f "$id"
	contains "$error" "could not be started: exec"
	id=$(submit --hold -- true)
	expect 3 jobctl log "$id"
	contains "$error" "log -f"
	ok jobctl cancel "$id"
	ok jobctl log "$id"
	contains "$error" "it never started"
	id=$(submit -- true)
	ok jobctl wait "$id"
	ok jobctl log "$id"
	is "$output$error" ""
}

@test "what fingers know from other programs is answered with what to type here" {
	expect 2 jobctl kill -9 7
	contains "$error" "jobctl cancel ID"
	contains "$error" "--now"
	expect 2 jobctl kill -TERM 7
	contains "$error" "jobctl signal ID TERM"
	for stops in STOP TTIN; do
		expect 2 jobctl cancel "-$stops" 7
		contains "$error" "jobctl pause ID"
	done
	expect 2 jobctl top
	contains "$error" "jobctl list"
	expect 2 jobctl tail 7
	contains "$error" "jobctl log -f"
	expect 2 jobctl pasue 7
	contains "$error" "did you mean 'pause'"
	expect 2 jobctl set 7 queue=mail
	contains "$error" "'jobctl edit'"
	expect 2 jobctl atrm 7
	contains "$error" "'jobctl cancel'"
	expect 2 jobctl ls --all
	contains "$error" '--all does not go with ls (all of them: -n 0'
	expect 2 jobctl resume --now 7
	contains "$error" --force
	for option in in=delay start=at begin=at; do
		expect 2 jobctl submit "--${option%=*}" 2h -- true
		contains "$error" "did you mean --${option#*=}?"
	done
}

# complains TEXT COMMAND: the command is refused as a wrong one, with this text.
complains() {
	local text=$1
	shift
	expect 2 jobctl "$@"
	contains "$error" "$text"
}

@test "what is suggested is an option of the verb's own, and near" {
	complains 'no option --foo (see' submit --foo
	complains 'did you mean --lines?' log --tail 5 1
	complains 'no option --watch (see' list --watch
	complains 'did you mean --project?' submit --tag x -- true
	complains 'did you mean --output?' list --full
	complains 'did you mean --queue?' list --quue x
}

@test "a letter that a verb does not take is named as it was typed" {
	complains '-n does not go with submit' submit -n foo -- true
	complains '-o does not go with submit' submit -o out -- true
	complains '-f does not go with list' list -f
	complains '-n needs a value: -n N' list -n
}

@test "what is missing or in the wrong place is named" {
	start_jobd
	complains "a signal is sent by: jobctl signal 24 KILL" kill -s KILL 24
	complains 'the signal comes last: signal 24 KILL' signal KILL 24
	complains 'which signal for job 1?' signal 1
	complains 'which priority for job 1?' priority 1
	complains 'which jobs?' signal TERM
	complains 'which queue?' queue set max_running=3
	complains "did you mean 'jobctl status 24'?" 24
	complains "there is no verb '' (see" ''
	complains "try 'jobctl reload'" daemon-reload
	complains "try 'jobctl release'" unhold 3
	complains "try 'jobctl resume'" unpause 3
	complains "try 'jobctl retry'" uncancel 3
	id=$(submit -- true)
	complains "jobctl edit $id --at '10:00'" hold --until 10:00 "$id"
}

@test "help is plain ASCII, since it can't know who reads it" {
	for verb in '' list submit audit report log; do
		# shellcheck disable=SC2086 # none, or one word
		ok jobctl $verb --help
		not grep -qP '[^\x00-\x7f]' <<<"$output"
	done
}

@test "what is no UTF-8 is refused in a command, and left out of the environment by name" {
	start_jobd
	expect 2 jobctl submit -- echo $'caf\xe9'
	contains "$error" 'is no UTF-8'
	lacks "$error" usage
	LEGACY=$'caf\xe9' OLD=$'\xff' ok jobctl submit --wait -- true
	contains "$error" 'no UTF-8: '
	contains "$error" LEGACY
	contains "$error" OLD
	lacks "$error" caf
}

# A terminal --------------------------------------------------------------------

# at_terminal COMMAND: what it shows on a terminal of 80 columns, answered with what is on stdin.
at_terminal() {
	command -v script >/dev/null || skip "no script(1)"
	script -qec "stty cols 80; NO_COLOR=1 TERM=xterm LC_ALL=${2:-C.UTF-8} $1" /dev/null | tr -d '\r'
}

@test "at a terminal wait shows how far the job is, and how it ended" {
	start_jobd
	id=$(submit -- sh -c 'jobctl report --percent 50 --step "2/3 sort" --count added:7
		while [ ! -e go ]; do sleep 0.02; done; exit 2')
	percent_is() { [[ $(field "$id" progress.percent) == "$1" ]]; }
	eventually percent_is 50
	command -v script >/dev/null || skip "no script(1)"
	script -qefc "stty cols 80; NO_COLOR=1 TERM=xterm LC_ALL=C.UTF-8 jobctl wait $id" shown \
	    </dev/null >/dev/null 3>&- &
	waiter=$!
	eventually has_line '50%' shown
	: >go
	wait "$waiter" || :
	contains "$(<shown)" '██████████░░░░░░░░░░  50%'
	contains "$(<shown)" 'step 2/3 sort'
	contains "$(<shown)" 'added 7'
	contains "$(<shown)" 'failed (exit 2)'
}

@test "where the terminal takes only ASCII the bar is ASCII, and names are escaped" {
	start_jobd
	submit --hold --name 'schön' -- true >/dev/null
	at_terminal 'jobctl list' C </dev/null >shown
	contains "$(<shown)" 'sch\u00f6n'
	not grep -qP '[^\x00-\x7f]' shown
}

@test "more than ten jobs are asked about at a terminal" {
	start_jobd
	for i in $(seq 11); do
		submit --hold --name "n$i" -- true >/dev/null
	done
	echo n | at_terminal "jobctl cancel --name 'n*'" >shown || :
	contains "$(<shown)" 'cancel 11 jobs? [y/N]'
	is "$(jobctl list --json --state held | wc -l)" 11
	echo n | at_terminal "jobctl cancel 1-10" >shown || :
	is "$(jobctl list --json --state held | wc -l)" 1
	for i in $(seq 11); do
		submit --hold --name "n$i" -- true >/dev/null
	done
	echo y | at_terminal "jobctl cancel --name 'n*'" >shown || :
	is "$(jobctl list --json --state held | wc -l)" 0
}

@test "a list that was cut short at a terminal says how to go on" {
	start_jobd
	for i in 1 2 3; do
		submit --hold -- true >/dev/null
	done
	at_terminal 'jobctl list -n 2 --state held' </dev/null >shown
	cursor=$(sed -n 's/.*--cursor \([^ ]*\).*/\1/p' shown)
	[[ -n $cursor ]]
	is "$(jobctl list --json --state held --cursor "$cursor" | json id)" 1
}

# A daemon whose answers get lost ---------------------------------------------------

# half_a_daemon: each connection takes one line of the file "script": how many calls it
# answers before it closes. It writes the calls it got to "calls", a line each.
half_a_daemon() {
	perl -MIO::Socket::UNIX -e '
		my $server = IO::Socket::UNIX->new(Local => "s.new", Listen => 5) or die;
		rename "s.new", "s" or die; # there when it listens
		open(my $calls, ">>", "calls") or die;
		$calls->autoflush(1);
		local $/ = "\0";
		for my $answers (@ARGV) {
			my $c = $server->accept or die;
			for my $i (0 .. $answers) {
				my $call = <$c> // last;
				chomp($call);
				print $calls "$call\n";
				last if $i == $answers;
				my ($id) = $call =~ /"id": ?(\d+)/;
				$id //= 7;
				print $c "{\"parameters\":{\"job\":{\"id\":$id,\"state\":\"cancelled\"},\"changed\":true}}\0";
			}
			close($c);
		}' "$@" 3>&- &
	daemon_pid=$!
	eventually test -S s
}

@test "a submission whose answer was lost is sent again, with the same token" {
	half_a_daemon 0 0 1
	ok jobctl submit --parsable -- true
	is "$output" 7
	wait "$daemon_pid"
	is "$(wc -l <calls)" 3
	is "$(json parameters.token <calls | sort -u | wc -l)" 1
	matches "$(json parameters.token <calls | head -n 1)" '^[0-9a-f]{32}$'
}

@test "of many calls only those are sent again that were not answered" {
	half_a_daemon 1 2
	ok jobctl cancel 3 4 5
	wait "$daemon_pid"
	is "$(wc -l <<<"$output")" 3
	is "$(json parameters.id <calls | tr '\n' ' ')" "3 4 4 5 "
}

@test "a signal whose answer was lost is not sent again" {
	half_a_daemon 0
	expect 7 jobctl signal 3 USR1
	wait "$daemon_pid"
	is "$(wc -l <calls)" 1
	# shellcheck disable=SC2154 # expect sets it
	contains "$error" "lost the connection"
}

@test "what does not speak the protocol is no daemon" {
	perl -MIO::Socket::UNIX -e '
		my $server = IO::Socket::UNIX->new(Local => "s.new", Listen => 5) or die;
		rename "s.new", "s" or die; # there when it listens
		my $c = $server->accept or die;
		local $/ = "\0";
		<$c>;
		print $c "220 mail.example.org ESMTP\r\n\0";' 3>&- &
	daemon_pid=$!
	eventually test -S s
	expect 1 jobctl health
	contains "$error" protocol
	wait "$daemon_pid"
}

@test "a reply that is too long to be taken is called that" {
	perl -MIO::Socket::UNIX -e '
		my $server = IO::Socket::UNIX->new(Local => "s.new", Listen => 5) or die;
		rename "s.new", "s" or die; # there when it listens
		my $c = $server->accept or die;
		local $/ = "\0";
		<$c>;
		local $SIG{PIPE} = "IGNORE";
		print $c "{\"parameters\":{\"x\":\"", "x" x (17 << 20);' 3>&- &
	daemon_pid=$!
	eventually test -S s
	expect 1 jobctl health
	contains "$error" "longer than 16 MB"
	wait "$daemon_pid"
}

# A daemon for Wait: the first connections (as many as its argument says) see the jobs run,
# the others see that they have ended. How many jobs each asked for goes to "calls".
waited_for() {
	perl -MIO::Socket::UNIX -MJSON::PP -e '
		my ($running, $total) = @ARGV;
		my $server = IO::Socket::UNIX->new(Local => "s.new", Listen => 5) or die;
		rename "s.new", "s" or die; # there when it listens
		open(my $calls, ">>", "calls") or die;
		local $/ = "\0";
		for my $n (1 .. $total) {
			my $c = $server->accept or die;
			my $call = <$c>;
			chomp($call);
			my @ids = @{ decode_json($call)->{parameters}{ids} };
			print $calls scalar(@ids), "\n";
			my $more = $n <= $running;
			my $state = $more ? "running" : "completed";
			print $c encode_json({ parameters => { jobs => [ map { { id => $_, state => $state,
			    command => [] } } @ids ] }, $more ? (continues => JSON::PP::true) : () }), "\0";
			$c->flush;
			$more and <$c>;
			close($c);
		}' "$@" 3>&- &
	daemon_pid=$!
	eventually test -S s
}

@test "more jobs than one call takes are waited for part by part" {
	waited_for 3 6
	# shellcheck disable=SC2046 # words
	ok jobctl wait $(seq 2500)
	wait "$daemon_pid"
	is "$(tr '\n' ' ' <calls)" "1000 1000 500 1000 1000 500 "
}

@test "of many jobs those that have ended already are looked at once" {
	waited_for 0 3
	# shellcheck disable=SC2046 # words
	ok jobctl wait $(seq 2500)
	wait "$daemon_pid"
	is "$(tr '\n' ' ' <calls)" "1000 1000 500 "
}

@test "a queue that is given to -q, as at has it, is not run as a command" {
	start_jobd
	expect 2 jobctl submit -q import -- echo hi
	contains "$error" '-q is --quiet: did you mean --queue import?'
	expect 125 jobctl run -q import -- echo hi
	ok jobctl submit -q -- echo -- hi
	ok jobctl submit -q echo hi -- x
	ok jobctl submit echo -- hi
	is "$(jobctl list --json | json command | sort -u)" '["echo","--","hi"]
["echo","hi","--","x"]'
}

@test "where -q can only be --quiet, a command's own two dashes are its own" {
	start_jobd
	ok jobctl submit --quiet --hold xargs -- ls
	ok jobctl submit --quiet xargs -- ls
	ok jobctl -q submit --hold xargs -- ls
	ok jobctl submit -q --hold xargs -- ls
	is "$(jobctl list --json | json command | sort -u)" '["xargs","--","ls"]'
}

@test "wait in a pipe names each job that did not end well, and run at a terminal its own" {
	start_jobd
	submit -- sh -c 'exit 3'
	submit -- true
	submit -- sh -c 'kill -9 $$'
	expect 3 jobctl wait 1-3
	matches "$error" 'job 1 failed \(exit 3\) after .*job 3 failed \(signal KILL\)'
	lacks "$error" 'job 2'
	expect 3 jobctl wait --quiet 1-3
	is "$error" ''
	expect 4 jobctl run -- sh -c 'exit 4'
	is "$error" ''
	at_terminal "jobctl run -- sh -c 'exit 4'" >shown || :
	matches "$(<shown)" 'job 5 failed \(exit 4\) after'
}

@test "what was probably not meant is noted, and submitted all the same" {
	start_jobd
	ok jobctl submit --hold 'echo hi | cat'
	contains "$error" "note: 'echo hi | cat' is one word"
	contains "$error" "--shell 'echo hi | cat'"
	printf '#!/bin/sh\n' >'a script'
	chmod +x 'a script'
	ok jobctl submit --hold './a script'
	is "$error" ''
	ok jobctl submit --hold --chdir nowhere -- true
	contains "$error" "note: there is no directory $D/nowhere (yet)"
	ok jobctl submit --hold --chdir / -- true
	is "$error" ''
	code=0
	jobctl submit --hold -- true >/dev/full 2>said || code=$?
	is "$code" 1
	contains "$(<said)" 'job 5 was submitted all the same'
}

@test "messages name what was typed, and not the protocol's parameters" {
	start_jobd
	ok jobctl submit --wait -- true
	expect 2 jobctl log --attempt 7 1
	contains "$error" 'there is no output of attempt 7'
	expect 2 jobctl list --reason foo
	contains "$error" '--reason: "foo" is none of'
	expect 2 jobctl --socket '' list
	contains "$error" '--socket'
}

@test "a program with a space in its name is looked for where the job runs" {
	start_jobd
	mkdir dir
	printf '#!/bin/sh\n' >'dir/a script'
	chmod +x 'dir/a script'
	ok jobctl submit --hold --chdir dir './a script'
	lacks "$error" 'is one word'
	ok jobctl submit --hold './a script'
	contains "$error" 'is one word'
}

@test "wait leaves when the first job ends, or when its time is up, and the jobs go on" {
	start_jobd
	submit -- sleep 600
	submit -- sh -c 'exit 3'
	expect 3 jobctl wait --any 1,2
	contains "$error" 'job 2 failed (exit 3)'
	lacks "$error" 'job 1'
	expect 124 jobctl wait --timeout 100ms 1,2
	contains "$error" 'the time is up: 1 of 2 ended'
	state_is 1 running
	expect 3 jobctl wait --timeout 1h 2
	expect 125 jobctl wait --timeout soon 2
}
