# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# What the crash tests share: a jobd that is started again whenever it dies, a
# client that tries again, jobs that record themselves, and what must be true in the
# end, whoever was killed and wherever.
#
# The two jobs: A writes "start ID ATTEMPT", waits for the file go, writes "end ID
# ATTEMPT" and exits with 7; B starts and sleeps until it is cancelled. Both have
# a grandchild in a session of its own, which nobody waits for.
#
# Jobs are found by their cgroups in every second test, where there are cgroups, and by
# walking in the others; JOBD_TEST_CGROUP (auto, no) settles it for all.
#
# By hand: tests/crash/jobd.tap [POINT…] (with the programs in build/).

: "${top_srcdir:=$(cd -P "${BASH_SOURCE[0]%/*}/../.." && pwd)}"
# shellcheck source=tests/behaviour/lib.bash
. "$top_srcdir/tests/behaviour/lib.bash"

[[ -x $JOBD && -x $JOBCTL ]] || {
	echo "Bail out! there is no jobd in $top_builddir"
	exit 1
}

# The babysitter --------------------------------------------------------------------

local_setup() {
	config "max_running = ${slots:-4}" 'kill_grace = 10' "cgroup = \"$cgroup\""
	cat >a <<-'END'
		#!/bin/sh
		echo "start $JOBD_ID $JOBD_ATTEMPT" >>runs
		setsid sleep 1000 &
		while [ ! -e go ]; do sleep 0.02; done
		echo "end $JOBD_ID $JOBD_ATTEMPT" >>runs
		exit 7
	END
	cat >b <<-'END'
		#!/bin/sh
		echo "start $JOBD_ID $JOBD_ATTEMPT" >>runs
		setsid sleep 1000 &
		exec sleep 1000
	END
	chmod +x a b
	: >runs
}

# Runs jobd over and over. $D/arm holds the crash point for the next start alone; while
# $D/away is there, no jobd is; $D/stop ends it. jobd may die of SIGKILL, and of nothing else.
babysit() {
	local spec code pid
	while [[ ! -e $D/stop ]]; do
		if [[ -e $D/away ]]; then
			sleep 0.01
			continue
		fi
		spec=
		if [[ -e $D/arm ]]; then
			spec=$(<"$D/arm")
			rm "$D/arm"
		fi
		JOBD_CRASH_AT=$spec "$JOBD" -f -c "$D/jobd.conf" --state-dir "$D/state" \
		    --runtime-dir "$D/run" --socket "$D/s" </dev/null >>"$D/jobd.log" 2>&1 &
		pid=$!
		echo "$pid" >"$D/pid"
		jobd_was_started "$pid"
		code=0
		wait "$pid" || code=$?
		((code == 137)) && continue
		[[ $code == 0 && -e $D/stop ]] || echo "jobd left with $code" >>"$D/wrong"
		break
	done 2>>"$D/babysitter.log"
}

# A test may want to know.
jobd_was_started() {
	:
}

start_babysitter() {
	babysit &
	babysitter=$!
}

# Arms a point for the next start, with $D/trace to tell that it was reached.
arm() {
	echo "$1@$D/trace" >"$D/arm"
}

# SIGKILL for the jobd that runs now, and until comes_back no other.
goes_away() {
	: >"$D/away"
	kill -KILL "$(<"$D/pid")"
	eventually process_gone "$(<"$D/pid")"
}

comes_back() {
	rm "$D/away"
}

jobd_is_there() {
	"$JOBCTL" health >/dev/null 2>&1
}

stop_babysitter() {
	: >"$D/stop"
	persist shutdown
	wait "$babysitter"
}

# The client ------------------------------------------------------------------------

all_states=queued,held,running,paused,completed,failed,cancelled

# jobctl, as often as it takes to reach a jobd (or, on a crowded machine, to start it: 254).
persist() {
	local end=$((SECONDS + PATIENCE)) code said=$D/.persist.$BASHPID
	while :; do
		code=0
		"$JOBCTL" "$@" 2>"$said" || code=$?
		(((code == 7 || code == 254) && SECONDS < end)) || break
		sleep 0.02
	done
	((code == 0)) || cat "$said" >&2 || :
	return "$code"
}

state_of() {
	local line
	line=$("$JOBCTL" status --json "$1" 2>/dev/null) || return 0
	[[ $line =~ \"state\":\ ?\"([a-z]+)\" ]] && echo "${BASH_REMATCH[1]}"
}

state_is() {
	[[ $(state_of "$1") == "$2" ]]
}

# Where jobctl gave up in the middle, the job may be there or not: it has a name.
submit_once() {
	local name=$1 id end=$((SECONDS + PATIENCE))
	shift
	while ((SECONDS < end)); do
		id=$("$JOBCTL" submit --parsable --name "$name" -- "$@" 2>/dev/null) && break
		eventually jobd_is_there || return
		id=$(persist list --json --name "$name" --state "$all_states" |
		    json id) && [[ -n $id ]] && break
	done
	echo "$id"
}

# The jobs --------------------------------------------------------------------------

submit_both() {
	A=$(submit_once A ./a)
	B=$(submit_once B ./b)
	[[ $A == 1 && $B == 2 ]]
}

both_run() {
	eventually has_line "start $A 1" runs
	eventually has_line "start $B 1" runs
	eventually state_is "$A" running
	eventually state_is "$B" running
}

# State letter and pid of every process of a job (of all, for ""), told by its environment. T is said, too, of one
# that waits for what it started with vfork, and stops as soon as that has executed.
processes_of() {
	perl -e '
		my ($d, $id) = @ARGV;
		for my $p (map { m{/(\d+)$} } glob("/proc/[0-9]*")) {
			local $/;
			open(my $f, "<", "/proc/$p/environ") or next;
			my $env = "\0" . (<$f> // "");
			next if $env !~ /\0JOBD_ID=(\d+)\0/ || $id ne "" && $1 != $id;
			next if index($env, "\0JOBD_SOCKET=$d/s\0") < 0;
			open(my $s, "<", "/proc/$p/stat") or next;
			my $state = <$s> =~ /.*\) (\S)/ ? $1 : "X";
			open(my $t, "<", "/proc/$p/status") or next;
			$state = "T" if $state eq "D" && grep { hex(substr($_, -5)) & 1 << 18 } <$t> =~ /^S\w+Pnd:\s*(\w+)/gm;
			print "$state $p\n" if $state !~ /[ZX]/;
		}' "$D" "$1"
}

no_process_of() {
	[[ -z $(processes_of "$1") ]]
}

all_stopped() {
	local list
	list=$(processes_of "$1")
	if [[ -z $list ]] || grep -qv '^T' <<<"$list"; then
		printf 'not all stopped:\n%s\n' "$list"
		return 1
	fi
}

# A pause that was answered is a fact.
pause_a() {
	persist pause "$A"
	all_stopped "$A"
	is_paused
}

is_paused() {
	eventually jobd_is_there
	is "$(state_of "$A")" paused
	all_stopped "$A"
}

resume_a() {
	persist resume "$A"
	eventually state_is "$A" running
}

cancel_b() {
	persist cancel "$B"
	eventually has_ended "$B"
}

let_a_go() {
	: >go
	eventually has_ended "$A"
}

has_ended() {
	[[ $(state_of "$1") == @(completed|failed|cancelled) ]]
}

# What must be true ------------------------------------------------------------------

# How long init takes to reap what was left to it, in milliseconds, 9999 at most.
reap_ms() {
	local pid start=${EPOCHREALTIME/[.,]/}
	pid=$(sleep 0 >/dev/null & echo $!)
	while [[ -e /proc/$pid ]] && ((${EPOCHREALTIME/[.,]/} - start < 9999000)); do
		sleep 0.02
	done
	echo $(((${EPOCHREALTIME/[.,]/} - start) / 1000))
}

# Whether it can be known how a process ended that is nobody's child here: Linux tells from 6.15
# on, once init has reaped it, and root before. jobd waits for five seconds.
kernel_tells() {
	local major minor
	IFS=.- read -r major minor _ < <(uname -r)
	((major > 6 || (major == 6 && minor >= 15))) || return
	[[ $(id -u) == 0 ]] || (($(reap_ms) < 4000))
}

reached() {
	[[ -e $D/trace ]]
}

not_reached() {
	echo "the point was never reached"
	return 1
}

# Ends as they were. Where an adopted keeper died that may be more than anybody can know: allow_lost.
may_be_lost=

allow_lost() {
	kernel_tells || may_be_lost=1
}

a_failed_with_7() {
	if [[ $may_be_lost && $(field "$A" reason) == lost ]]; then
		is_lost "$A"
		return
	fi
	is "$(field "$A" state)" failed
	is "$(field "$A" reason)" exit
	is "$(field "$A" exit_code)" 7
	expect 7 jobctl wait "$A"
}

b_was_cancelled() {
	if [[ $may_be_lost && $(field "$B" reason) == lost ]]; then
		is_lost "$B"
		return
	fi
	is "$(field "$B" state)" cancelled
	is "$(field "$B" signal)" 15
}

# What nobody is left to know is said to be so.
is_lost() {
	is "$(field "$1" state)" failed
	is "$(field "$1" reason)" lost
	is "$(field "$1" exit_code)" ""
	is "$(field "$1" signal)" ""
}

ran_once() {
	local id
	for id in "$A" "$B"; do
		is "$(field "$id" attempt)" 1
		is "$(count_lines "start $id " runs)" 1
	done
	is "$(count_lines "end $A 1" runs)" 1
	is "$(persist list --json --limit 100 --state "$all_states" | wc -l)" 2
}

# The journal: numbered without a gap, each job's entries a way through the state table from
# one submission to one end, stopped only after a pause, each attempt started once. A job of a batch
# may never have been, but then nothing was done with it.
journal_is_sound() {
	persist audit --json --limit 100000 >journal
	perl -MJSON::PP -e '
		my ($table, $journal) = @ARGV;
		my (%row, %job, %staged, @wrong, $n);
		open(my $t, "<", $table) or die "$table: $!";
		while (<$t>) {
			next unless /\{ JOB_(\w+), EVENT_(\w+), (?:JOB_(\w+)|0), ACTION/;
			my ($from, $event, $to) = map { lc tr/_/-/r } $1, $2, $3 // "";
			$row{"$from " . ($event eq "resume-later" ? "resume" : $event) . " $to"}++;
		}
		%row or die "no table in $table";
		open(my $f, "<", $journal) or die "$journal: $!";
		for (sort { $a->{number} <=> $b->{number} } map { decode_json($_) } <$f>) {
			$_->{number} == ++$n or push @wrong, "number $_->{number} is the $n. entry";
			my $id = $_->{id} or next;
			my ($verb, $from, $to) = ($_->{verb}, $_->{from} // "", $_->{to} // "");
			$staged{$id} = $to if $_->{result} eq "staged";
			next unless $_->{result} =~ /^(ok|already)$/;
			my $j = $job{$id} //= { state => $staged{$id} };
			my $is = $j->{state} // "";
			my $wrong = sub { push @wrong, "entry $n, job $id, $is: $verb from $from to $to: @_" };
			$is eq $from or $wrong->("it was not $from");
			if ($verb eq "submit") {
				$j->{state} and $wrong->("twice");
			} elsif ($verb eq "orphaned" || $verb eq "left") {
				$to eq $from or $wrong->("this changes no state");
			} else {
				$row{"$from $verb $to"} or $wrong->("not in the table");
			}
			$j->{pause} = 1 if $verb eq "pause" && $_->{result} eq "ok";
			$j->{pause} = 0 if $verb eq "resume";
			$verb ne "stopped" or $j->{pause}-- or $wrong->("nobody asked for it");
			if ($verb eq "start") {
				!$j->{started}++ or $wrong->("twice");
				$_->{attempt} == ++$j->{attempt} or $wrong->("it is attempt $_->{attempt}");
			}
			$j->{started} = 0 if $verb =~ /^(never-ran|again|set-aside|retry)$/;
			$j->{attempt}-- if $verb eq "never-ran" && $from ne "queued";
			$j->{state} = $to;
		}
		$job{$_}{state} =~ /^(completed|failed|cancelled|)$/ or push @wrong, "job $_ has no end"
		    for sort keys %job;
		print map { "$_\n" } @wrong;
		exit !!@wrong' "$top_srcdir/jobd/core/state.c" journal || {
		cat journal
		return 1
	}
}

nothing_lies_about() {
	local left
	left=$(find "$D/state/exits" "$D/run/keepers" "$D/run/notify" -mindepth 1)
	[[ -z $left ]] || {
		echo "left over: $left"
		return 1
	}
}

# Where the kernel gives jobs groups of their own, none is left.
no_cgroup_left() {
	local left
	left=$(find /sys/fs/cgroup -type d -path "*/jobd-$instance*" 2>/dev/null || :)
	[[ -z $left ]] || {
		echo "left over: $left"
		return 1
	}
}

# The babysitter has seen jobds die of nothing but SIGKILL.
nothing_is_wrong() {
	[[ ! -e wrong ]] || cat wrong
	[[ ! -e wrong ]]
}

# Everything that holds whatever happened. The jobs have ended.
all_is_well() {
	reached || not_reached
	eventually jobd_is_there
	b_was_cancelled
	ran_once
	ends_well
}

# And whatever the jobs were.
ends_well() {
	journal_is_sound
	eventually no_process_of ''
	eventually nothing_lies_about
	nothing_is_wrong
	instance=$("$JOBCTL" health --json | json instance)
	[[ -n $instance ]]
	stop_babysitter
	no_cgroup_left
}

# TAP ---------------------------------------------------------------------------------

tests=0

# check WHAT FUNCTION [ARGUMENT…]: a test with a directory of its own.
check() {
	local what=$1 out status=0
	shift
	out=$(mktemp "${TMPDIR:-/tmp}/jobd-crash.XXXXXX")
	cgroup=${JOBD_TEST_CGROUP:-$( ((tests % 2)) && echo no || echo auto)}
	(
		BATS_TEST_COMPLETED=
		setup
		trap 'status=$?; set +eE; : >"$D/stop"; teardown || status=1; exit "$status"' EXIT
		trap 'echo "failed: $BASH_COMMAND (line $LINENO)"' ERR
		set -eE
		"$@"
		# shellcheck disable=SC2034 # for teardown
		BATS_TEST_COMPLETED=1
	) >"$out" 2>&1
	status=$?
	report "$status" "$what" "$out"
	rm -f "$out"
}

# report STATUS WHAT [FILE]: what lines with ## in it say is told in any case, the rest of a failure.
report() {
	tests=$((tests + 1))
	if (($1 == 0)); then
		echo "ok $tests - $2"
		[[ -z ${3-} ]] || sed -n 's/^## /# /p' "$3"
	else
		echo "not ok $tests - $2"
		# What the test said comes first, the end of the daemon's log last.
		[[ -z ${3-} ]] || awk 'NR <= 60 { print "# " $0; next } { last[NR % 60] = $0 }
			END {
				if (NR > 120)
					print "# ..."
				for (i = NR - 59 > 61 ? NR - 59 : 61; i <= NR; i++)
					print "# " last[i % 60]
			}' "$3"
	fi
}

# All points there are: the program's own list.
points() {
	sed -n '/^static const char \*const points\[\]/,/NULL,/s/^\t"\([a-z-]*\)",$/\1/p' \
	    "$top_srcdir/lib/crash.c"
}
