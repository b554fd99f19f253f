# SPDX-License-Identifier: ISC
# Upgrading in place, as clients see it: what they wait for, follow, send and ask for goes on.
load lib
load reexec

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
	expect 1 timeout $((10 * SLOWNESS)) "$BUILT" -f -c "$D/jobd.conf" --state-dir "$D/state" --runtime-dir "$D/run2" --socket "$D/other"
	contains "$error" 'another jobd'
	expect 1 timeout $((10 * SLOWNESS)) "$BUILT" -f -c "$D/jobd.conf" --state-dir "$D/state2" --runtime-dir "$D/run" --socket "$D/other"
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
