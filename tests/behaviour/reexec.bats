# SPDX-License-Identifier: ISC
# Upgrading in place: another jobd takes over, and nobody notices but the journal.
load lib

# A jobd of the test's own, whose program may be replaced; its keeper is the build's.
local_setup() {
	mkdir -p "$D/bin/keeper"
	cp "$JOBD" "$D/bin/jobd"
	ln -s "$top_builddir/jobd/keeper/jobd-keeper" "$D/bin/keeper/jobd-keeper"
	BUILT=$JOBD
	JOBD=$D/bin/jobd
	config 'max_running = 8' 'kill_grace = 10'
}

inode() {
	stat -Lc %d:%i "$1"
}

reexec() {
	ok jobctl daemon-reexec
	contains "$output" 'is in charge, in the place of'
}

journalled() {
	jobctl audit --json --limit 1000 --verb "$1" | grep -c "\"result\": *\"$2\""
}

# Another program where jobd's was: the lines of a shell script.
replace_by() {
	printf '%s\n' '#!/bin/sh' "$@" >"$D/bin/new"
	chmod +x "$D/bin/new"
	mv "$D/bin/new" "$D/bin/jobd"
}

# A client that speaks the protocol byte by byte: perl, with $s connected, say() and hear().
client() {
	perl -MIO::Socket::UNIX -MTime::HiRes=sleep -e '
		$SIG{ALRM} = sub { die "no answer\n" };
		alarm 30;
		our ($s, $in) = (IO::Socket::UNIX->new($ENV{JOBD_SOCKET}), "");
		$s or die "cannot connect: $!";
		$s->autoflush(1);
		sub hear {
			while ($in !~ /\0/) {
				sysread($s, $in, 65536, length $in) or die "the connection ended\n";
			}
			$in =~ s/^([^\0]*)\0//;
			return $1;
		}
		sub reexec { system("jobctl daemon-reexec >/dev/null") == 0 or die "no reexec\n" }
		sub await { until (-e $_[0]) { sleep 0.01 } }
		eval $ARGV[0];
		die $@ if $@;' "$1"
}

@test "the new program is the one that runs, in the same process, at the same socket" {
	start_jobd
	before=$(inode "$D/s")
	old=$(inode "/proc/$jobd_pid/exe")
	cp "$BUILT" "$D/bin/new"
	mv "$D/bin/new" "$D/bin/jobd"
	new=$(inode "$D/bin/jobd")
	not [ "$old" = "$new" ]
	reexec
	is "$(inode "/proc/$jobd_pid/exe")" "$new"
	is "$(readlink "/proc/$jobd_pid/exe")" "$D/bin/jobd"
	is "$(inode "$D/s")" "$before"
	is "$(jobctl health --json | json pid)" "$jobd_pid"
	is "$(journalled daemon-reexec ok)" 1
	is "$(journalled daemon-start ok)" 2
	ok jobctl audit --verb daemon-start
	contains "$output" 'in the place of'
	has_line 'event=daemon-reexec by=' jobd.log
	ok jobctl run -- echo hello
	is "$output" hello
	# What was counted is not begun anew.
	since=$(jobctl health --json | json started_at_us)
	client '
		print $s "{\"method\":\"org.jobd.Job.Wait\",\"parameters\":{\"ids\":["
		    . join(",", 1 .. 1001) . "]}}\0";
		hear() =~ /LimitReached/ or die "no limit\n"; '
	reexec
	reexec
	is "$(jobctl health --json | json started_at_us)" "$since"
	is "$(jobctl health --json | json limits_met.ids)" 1
}

@test "a daemon that was started with relative paths finds them again" {
	cd "$D"
	bin/jobd -c jobd.conf --state-dir state --runtime-dir run --socket s </dev/null 3>&-
	ok jobctl health
	pid=$(jobctl health --json | json pid)
	is "$(readlink "/proc/$pid/cwd")" /
	id=$(submit -- sleep 100)
	reaches "$id" running
	reexec
	reexec
	is "$(jobctl health --json | json pid)" "$pid"
	is "$(readlink "/proc/$pid/cwd")" /
	for fd in 0 1 2; do
		is "$(readlink "/proc/$pid/fd/$fd")" /dev/null
	done
	is "$(field "$id" state)" running
	ok jobctl cancel --wait "$id"
	ok jobctl shutdown
	eventually process_gone "$pid"
}

@test "jobs keep their pids, their pauses and their graces" {
	config_only 'max_running = 8' 'kill_grace = 3'
	start_jobd
	cat >stubborn <<-'END'
		#!/bin/sh
		trap 'echo told >>told' TERM
		: >trapped
		while :; do sleep 0.05; done
	END
	chmod +x stubborn
	a=$(submit -- sleep 1000)
	b=$(submit -- sleep 1000)
	c=$(submit -- ./stubborn)
	reaches "$a" running
	reaches "$b" running
	eventually test -e trapped
	pa=$(field "$a" pid) pb=$(field "$b" pid)
	ok jobctl pause "$b"
	ok jobctl cancel "$c"
	eventually test -e told
	start=$SECONDS
	while state_is "$c" running && ((SECONDS - start < 20)); do
		reexec
	done
	((SECONDS - start < 8)) # it did not begin anew each time
	state_is "$c" cancelled
	is "$(field "$c" signal)" 9
	is "$(wc -l <told)" 1
	is "$(field "$a" state)" running
	is "$(field "$b" state)" paused
	is "$(field "$a" pid)" "$pa"
	is "$(field "$b" pid)" "$pb"
	process_is "$pa" S
	process_is "$pb" T
	is "$(field "$a" attempt)" 1
	is "$(jobctl audit --json --verb start | wc -l)" 3
	ok jobctl resume "$b"
	ok jobctl cancel --wait "$a" "$b"
}

@test "a pause that waits for its job waits on, and is asked for once" {
	start_jobd
	id=$(submit -- sleep 1000)
	other=$(submit -- sleep 1000)
	reaches "$id" running
	reaches "$other" running
	pid=$(field "$id" pid)
	read -r -a stat <<<"$(sed 's/.*) //' "/proc/$pid/stat")"
	keeper=${stat[1]}
	kill -STOP "$keeper" # it does not come to it
	jobctl pause "$id" >paused 2>&1 3>&- &
	pauser=$!
	eventually pause_is_asked "$id"
	reexec
	reexec
	kill -0 "$pauser"
	kill -CONT "$keeper"
	wait "$pauser"
	contains "$(<paused)" "job $id paused"
	is "$(field "$id" state)" paused
	process_is "$pid" T
	is "$(jobctl audit --json --verb pause "$id" | wc -l)" 1
	is "$(jobctl audit --json --verb stopped "$id" | wc -l)" 1
	# One that is taken back meanwhile is answered, too.
	pid=$(field "$other" pid)
	read -r -a stat <<<"$(sed 's/.*) //' "/proc/$pid/stat")"
	kill -STOP "${stat[1]}"
	jobctl pause "$other" >paused 2>&1 3>&- &
	pauser=$!
	eventually pause_is_asked "$other"
	reexec
	ok jobctl cancel "$other"
	code=0
	wait "$pauser" || code=$?
	is "$code" 3
	kill -CONT "${stat[1]}"
	ok jobctl resume "$id"
}

pause_is_asked() {
	[[ -n $(jobctl audit --json --verb pause "$1") ]]
}

@test "a stream that is followed loses no line and doubles none; waits end properly" {
	start_jobd
	cat >count <<-'END'
		#!/usr/bin/perl
		$| = 1;
		for (1 .. 4000) { print "line $_\n"; select(undef, undef, undef, 0.001) if $_ % 2 }
		until (-e "go") { select(undef, undef, undef, 0.02) }
		print "the end\n";
		exit 3;
	END
	chmod +x count
	a=$(submit -- ./count)
	b=$(submit -- sh -c 'until [ -e go ]; do sleep 0.02; done')
	jobctl log -f "$a" >followed 2>complaints 3>&- &
	follower=$!
	jobctl wait "$a" "$b" >waited 2>&1 3>&- &
	waiter=$!
	eventually has_line 'line 10' followed
	for _ in {1..12}; do
		reexec
	done
	: >go
	wait "$follower"
	code=0
	wait "$waiter" || code=$?
	is "$code" 3
	{
		seq -f 'line %g' 4000
		echo the end
	} | cmp - followed
	is "$(<complaints)" ''
	is "$(journalled daemon-reexec ok)" 12
}

@test "while neither the old one nor the new one is there, nothing is missed" {
	start_jobd
	id=$(submit -- sh -c 'echo before; until [ -e end ]; do sleep 0.02; done; echo after; exit 5')
	reaches "$id" running
	jobctl log -f "$id" >followed 2>complaints 3>&- &
	follower=$!
	jobctl wait "$id" >waited 2>&1 3>&- &
	waiter=$!
	eventually has_line before followed
	# A wrapper that takes its time to become jobd.
	replace_by "case \$1 in -t) exec $BUILT \"\$@\" ;; esac" ': >gap' \
	    'n=0; until [ -e "'"$D"'/go" ] || [ $n = 400 ]; do n=$((n + 1)); sleep 0.02; done' \
	    "cp $BUILT $D/bin/new && mv $D/bin/new $D/bin/jobd" "exec $D/bin/jobd \"\$@\""
	jobctl daemon-reexec >taken 2>&1 3>&- &
	asker=$!
	eventually test -e gap
	# Nobody else takes the place.
	expect 1 timeout 10 "$BUILT" -f -c "$D/jobd.conf" --state-dir "$D/state" --runtime-dir "$D/run2" --socket "$D/other"
	contains "$error" 'another jobd'
	expect 1 timeout 10 "$BUILT" -f -c "$D/jobd.conf" --state-dir "$D/state2" --runtime-dir "$D/run" --socket "$D/other"
	contains "$error" 'another jobd'
	# A connect is not refused, and answered in time.
	jobctl submit -- true >late 2>&1 3>&- &
	late=$!
	: >end
	eventually an_exit_file_is_there
	is "$(<taken)" ''
	: >go
	wait "$asker" "$late"
	contains "$(<taken)" 'is in charge'
	contains "$(<late)" queued
	wait "$follower"
	code=0
	wait "$waiter" || code=$?
	is "$code" 5
	is "$(tr '\n' ' ' <followed)" 'before after '
	is "$(<complaints)" ''
	is "$(jobctl health --json | json pid)" "$jobd_pid"
}

an_exit_file_is_there() {
	[[ -n $(find "$D/state/exits" -type f ! -name '*.new') ]]
}

@test "clients that submit all the while get every job once, and never a refused connection" {
	start_jobd
	before=$(inode "$D/s")
	for c in 1 2 3; do
		client '
			# Its own connections, and no second try: whatever fails is seen.
			my @got;
			for my $n (1 .. 10000) {
				if ($n % 3 == 0) {
					$s = IO::Socket::UNIX->new($ENV{JOBD_SOCKET}) or die "connect: $!\n";
					$s->autoflush(1);
				}
				print $s "{\"method\":\"org.jobd.Job.Submit\",\"parameters\":{\"command\":[\"true\"],"
				    . "\"cwd\":\"/\",\"hold\":true,\"token\":\"c'"$c"'-$n\"}}\0";
				hear() =~ /"id":(\d+)/ or die "no id\n";
				print "$1\n";
				last if -e "enough";
			}' >"ids.$c" 2>"wrong.$c" 3>&- &
		clients[c]=$!
	done
	for _ in {1..10}; do
		reexec
	done
	: >enough
	for c in 1 2 3; do
		wait "${clients[c]}" || { cat "wrong.$c"; false; }
		is "$(<"wrong.$c")" ''
	done
	cat ids.? | sort -n >answered
	[[ $(wc -l <answered) -gt 20 ]]
	is "$(uniq -d answered)" ''
	jobctl list --json --limit 100000 --state held | json id | sort -n | cmp - answered
	is "$(inode "$D/s")" "$before"
	is "$(journalled daemon-reexec ok)" 10
	# Nothing that an earlier self had open is open still.
	is "$(find "/proc/$jobd_pid/fd" -lname '*jobd-handover*' | wc -l)" 0
	ok jobctl cancel --now --yes --quiet --state held
}

@test "jobs that begin and end all the while run once, and end as they did" {
	start_jobd
	cat >work <<-'END'
		#!/bin/sh
		echo "$JOBD_ID $JOBD_ATTEMPT" >>runs
		exit $((JOBD_ID % 5))
	END
	chmod +x work
	: >runs
	(
		n=0
		until [[ -e enough ]]; do
			submit -- ./work || exit
			n=$((n + 1))
			((n % 20 != 0)) || jobctl wait "$n" >/dev/null || :
		done
	) >ids 2>complaints 3>&- &
	submitter=$!
	for _ in {1..15}; do
		reexec
	done
	: >enough
	wait "$submitter"
	is "$(<complaints)" ''
	[[ $(wc -l <ids) -gt 20 ]]
	eventually no_live_jobs
	sort -n ids | sed 's/$/ 1/' | diff - <(sort -n runs)
	jobctl list --json --limit 100000 --state completed,failed |
	    perl -MJSON::PP -ne '
		my $j = decode_json($_);
		my $code = $j->{id} % 5;
		($j->{exit_code} // 0) == $code && $j->{state} eq ($code ? "failed" : "completed") &&
		    ($j->{reason} // "") eq ($code ? "exit" : "") or print "wrong: $_";
		$n++;
		END { print "$n\n" }' >told
	is "$(<told)" "$(wc -l <ids)"
}

@test "a call that is half received, those behind it and a client that does not read go on" {
	start_jobd
	dd if=/dev/zero bs=1M count=6 2>/dev/null | tr '\0' x >big
	id=$(submit -- cat big)
	ok jobctl wait "$id"
	client '
		my $call = "{\"method\":\"org.jobd.Job.Get\",\"parameters\":{\"id\":'"$id"'}}\0";
		print $s $call x 3 . substr($call, 0, 20);
		reexec();
		print $s substr($call, 20) . substr($call, 0, 5);
		reexec();
		print $s substr($call, 5) . "{\"method\":\"org.jobd.Job.Get\",\"parameters\":{\"id\":99}}\0";
		for (1 .. 5) { hear() =~ /"completed"/ or die "not the job\n" }
		hear() =~ /NotFound.*99/ or die "not in order\n";

		# Nothing of this is read before it stands still; then a little between the rest.
		print $s "{\"method\":\"org.jobd.Job.Output\",\"parameters\":{\"id\":'"$id"'},\"more\":true}\0", $call;
		sleep 0.1;
		my ($got, $last, $n) = (0, 0, 0);
		do {
			reexec() if $n++ % 16 == 0;
			$_ = hear();
			/"data":"(x*)"/ and $got += length $1;
			/"offset":(\d+)/ and $last = $1;
		} while (/"continues":true/);
		$got == 6 << 20 && $last == $got or die "$got bytes, to $last\n";
		hear() =~ /"completed"/ or die "what stood behind it\n"; '
}

@test "a Wait without more is answered once; with it, it tells what changed" {
	start_jobd
	a=$(submit -- sh -c 'until [ -e go ]; do sleep 0.02; done')
	b=$(submit -- true)
	ok jobctl wait "$b"
	reaches "$a" running
	client '
		print $s "{\"method\":\"org.jobd.Job.Wait\",\"parameters\":{\"ids\":['"$b,$a"']}}\0";
		my $first = $s;
		$s = IO::Socket::UNIX->new($ENV{JOBD_SOCKET});
		$s->autoflush(1);
		print $s "{\"method\":\"org.jobd.Job.Wait\",\"parameters\":{\"ids\":['"$b,$a"']},\"more\":true}\0";
		hear() =~ /"running"/ or die "not the present\n";
		reexec();
		system("jobctl", "delete", "'"$b"'") == 0 or die; # that it is forgotten ends nobody
		reexec();
		system("touch go");
		my ($empty, $told) = (0, "");
		do { $_ = hear(); /"jobs":\[\]/ ? $empty++ : ($told .= "$_\n") } while (/"continues":true/);
		$empty <= 2 && $told =~ /"id":'"$a"'\b.*"completed"/ && $told !~ /"id":'"$b"'\b/
		    or die "$empty empty ones, and $told\n";
		$s = $first;
		hear() =~ /"completed"/ or die "no end\n";
		$in eq "" or die "and again: $in\n";
		print $s "{\"method\":\"org.varlink.service.GetInfo\"}\0";
		hear() =~ /"vendor"/ or die "answers are out of step\n"; ' 3>&-
}

@test "what a job reports meanwhile is not lost, nor the socket that it keeps" {
	start_jobd
	cat >reports <<-'END'
		#!/usr/bin/perl
		use IO::Socket::UNIX;
		my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Peer => $ENV{NOTIFY_SOCKET}) or die;
		my $n = 0;
		until (-e "enough") {
			# One that nobody takes is tried again; one that nobody is there for is wrong.
			$n++ if $s->send("X_JOBD_PROGRESS=$n/1000000") or die "report: $!\n";
			select(undef, undef, undef, 0.002);
		}
		$s->send("X_JOBD_PROGRESS=77/100") or die "report: $!\n";
		open(my $f, ">", "said");
		select(undef, undef, undef, 0.02) until -e "go";
	END
	chmod +x reports
	id=$(submit -- ./reports)
	reaches "$id" running
	for _ in {1..8}; do
		reexec
	done
	: >enough
	eventually test -e said
	reexec
	is "$(field "$id" progress.percent)" 77
	: >go
	jobctl wait "$id" || { jobctl log "$id"; false; }
}

@test "a program that is not fit is refused with the reason, and the old one goes on" {
	start_jobd
	id=$(submit -- sleep 1000)
	reaches "$id" running
	old=$(inode "/proc/$jobd_pid/exe")

	replace_by 'echo "no library" >&2' 'exit 1'
	expect 1 jobctl daemon-reexec
	contains "$error" 'not fit'
	contains "$error" 'no library'
	replace_by 'exit 0' # says nothing, as /bin/true does
	expect 1 jobctl daemon-reexec
	contains "$error" 'without a word'
	replace_by 'echo "jobd 0.0.1 is fit to take over: hand-over 0"'
	expect 1 jobctl daemon-reexec
	contains "$error" 'too old'
	replace_by "exec $BUILT" # with an option that it does not have
	sed -i 's/^exec .*/& --no-such-option "$@"/' bin/jobd
	expect 1 jobctl daemon-reexec
	contains "$error" no-such-option
	replace_by 'kill -SEGV $$'
	expect 1 jobctl daemon-reexec
	chmod -x bin/jobd
	expect 1 jobctl daemon-reexec
	contains "$error" 'ermission denied'
	rm bin/jobd
	expect 1 jobctl daemon-reexec
	contains "$error" 'No such file'
	cp "$BUILT" bin/jobd
	config 'kill_grace = "soon"'
	expect 1 jobctl daemon-reexec
	contains "$error" "$D/jobd.conf:3: "
	config_only 'max_running = 8'
	local schema
	schema=$(<state/schema)
	echo 99 >state/schema # a newer jobd has been here
	expect 1 jobctl daemon-reexec
	contains "$error" 'newer jobd'
	echo "$schema" >state/schema

	is "$(inode "/proc/$jobd_pid/exe")" "$old"
	is "$(journalled daemon-reexec ReexecRefused)" 9
	is "$(journalled daemon-start ok)" 1
	[[ $(count_lines event=reexec-refused jobd.log) -ge 9 ]]
	is "$(field "$id" state)" running
	reexec
	ok jobctl cancel --wait "$id"
}

@test "one that can't be executed after all is told, and nothing is lost" {
	start_jobd
	id=$(submit -- sh -c 'until [ -e go ]; do sleep 0.02; done')
	reaches "$id" running
	jobctl wait "$id" >waited 2>&1 3>&- &
	waiter=$!
	for _ in 1 2 3; do
		# It is fit, and gone when it is to take over.
		replace_by "rm $D/bin/jobd" "exec $BUILT \"\$@\""
		expect 1 jobctl daemon-reexec
		contains "$error" 'could not be executed'
	done
	is "$(journalled daemon-reexec ReexecRefused)" 3
	# Nothing is inherited by what is started from now on.
	ok jobctl run -- sh -c 'ls -l /proc/$$/fd'
	lacks "$output" jobd-handover
	is "$(find "/proc/$jobd_pid/fd" -lname '*jobd-handover*' | wc -l)" 0
	while read -r fd; do
		[[ $(readlink "$fd") == @(socket:*|anon_inode:*|"$D"/state/*|"$D"/run/*) ]] || continue
		grep -q 'flags:.*02[0-7]\{6\}$' "/proc/$jobd_pid/fdinfo/${fd##*/}" || {
			echo "not close-on-exec: $(readlink "$fd")"
			false
		}
	done < <(find "/proc/$jobd_pid/fd" -type l)
	: >go
	wait "$waiter"
	is "$(field "$id" state)" completed
}

@test "a program that hangs when it is tried is given up, and jobd serves meanwhile" {
	start_jobd
	replace_by 'echo $$ >tried' 'exec sleep 1000'
	jobctl daemon-reexec >refused 2>&1 3>&- &
	asker=$!
	eventually test -s tried
	ok jobctl run -- true
	is "$(jobctl health --json | json status)" ok
	# A second one waits for the same trial.
	jobctl daemon-reexec >too 2>&1 3>&- &
	second=$!
	# Who asked may leave.
	kill "$asker"
	wait "$asker" || :
	stop_jobd # and the daemon, which takes the trial along
	eventually process_gone "$(<tried)"
	not wait "$second"
}

@test "a daemon that is being stopped is not upgraded, and stops" {
	start_jobd
	cat >patient <<-'END'
		#!/bin/sh
		trap 'while [ ! -e go ]; do sleep 0.02; done; exit 0' TERM
		: >trapped
		while :; do sleep 0.02; done
	END
	chmod +x patient
	id=$(submit -- ./patient)
	eventually test -e trapped
	jobctl shutdown --on-stop cancel >stopped 2>&1 3>&- &
	stopper=$!
	eventually has_line 'is cancelled first' stopped
	expect 1 jobctl daemon-reexec
	contains "$error" 'being stopped'
	: >go
	wait "$stopper"
	wait "$jobd_pid"
	jobd_pid=
}

@test "signals that come while it executes itself are not lost, and kill nobody" {
	start_jobd
	for _ in {1..6}; do
		jobctl daemon-reexec >/dev/null 3>&- &
		asker=$!
		for _ in {1..30}; do
			kill -HUP "$jobd_pid"
			sleep 0.002
		done
		wait "$asker"
	done
	ok jobctl health
	is "$(journalled daemon-reexec ok)" 6
	[[ $(journalled reload ok) -ge 6 ]]
}

@test "only an administrator may" {
	as_root_only
	chmod 755 "$D"
	start_jobd
	expect 5 setpriv --reuid 65533 --regid 65533 --clear-groups \
	    "$top_builddir/jobctl/jobctl" --socket "$D/s" daemon-reexec
	is "$(journalled daemon-reexec ok || :)" 0
}

@test "a service manager hears RELOADING and READY, from the same process" {
	listen_as_manager
	export NOTIFY_SOCKET=$D/notify
	start_jobd
	unset NOTIFY_SOCKET
	reexec
	reexec
	stop_jobd
	wait "$listener"
	is "$(grep -E '^(READY|RELOADING|STOPPING)=' told | tr '\n' ' ')" \
	    'READY=1 RELOADING=1 READY=1 RELOADING=1 READY=1 STOPPING=1 '
	is "$(grep ^MAINPID= told | sort -u | wc -l)" 1
}
