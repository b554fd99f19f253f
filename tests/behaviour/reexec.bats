# SPDX-License-Identifier: ISC
# Upgrading in place: another jobd takes over in the same process, and the jobs notice nothing.
load lib
load reexec

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
	while state_is "$c" running && ((SECONDS - start < 40)); do
		reexec
	done
	((SECONDS - start < 8 * SLOWNESS)) # it did not begin anew each time
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
