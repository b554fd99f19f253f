# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# What the behaviour tests share: a private jobd for each test, made from the
# build tree, and ways to wait and to compare.
#
# Each test has a directory of its own, $D, which holds its jobd's state, its
# sockets, its logs and whatever its jobs write. Teardown stops the daemon, and
# fails the test if any process that has to do with $D is still there.
#
# By hand: bats tests/behaviour/control.bats (with the programs in build/).

: "${top_srcdir:=$(cd -P "${BATS_TEST_DIRNAME:-.}/../.." && pwd)}"
: "${top_builddir:=$top_srcdir/build}"
JOBD=$top_builddir/jobd/jobd
JOBCTL=$top_builddir/jobctl/jobctl
SLOWNESS=${JOBD_TEST_SLOWNESS:-1} # how many times as long the programs may take as in an ordinary build
PATIENCE=$((20 * SLOWNESS))       # seconds that eventually goes on trying

# Each test ---------------------------------------------------------------------

setup() {
	local name
	for name in ${!JOBD_*} ${!XDG_*} NOTIFY_SOCKET; do
		[[ $name == JOBD_TEST_* ]] || unset "$name"
	done
	export NO_COLOR=1 LC_ALL=C
	umask 022 # root's jobd takes no configuration that others may write
	D=$(mktemp -d "${TMPDIR:-/tmp}/jobd.XXXXXX")
	export HOME=$D/home JOBD_SOCKET=$D/s
	export PATH=$top_builddir/jobctl:$top_builddir/jobd:$PATH
	mkdir "$HOME"
	: >"$D/jobd.conf"
	cd "$D" || return
	jobd_pid=
	local_setup
}

# A file's own additions to setup.
local_setup() {
	:
}

# What a file's own setup has started is ended here.
local_teardown() {
	:
}

teardown() {
	local failed=0
	cd /
	stop_everything
	local_teardown
	eventually no_leftovers || failed=1
	if [[ -z ${BATS_TEST_COMPLETED-} || $failed = 1 ]]; then
		echo "== the daemon's log:"
		cat "$D/jobd.log" 2>/dev/null
		echo "== still there:"
		leftovers
		kill_leftovers
	fi
	rm -rf "$D"
	return "$failed"
}

# Ends the jobs and the daemon, also where a test left early.
stop_everything() {
	[[ -S $D/s ]] || return 0
	{
		"$JOBCTL" resume --yes --state paused
		"$JOBCTL" cancel --now --yes --state queued,held,running,paused
	} >/dev/null 2>&1
	eventually no_live_jobs >/dev/null 2>&1
	"$JOBCTL" shutdown >/dev/null 2>&1
	if [[ -n $jobd_pid ]]; then
		wait "$jobd_pid" 2>/dev/null
	fi
	return 0
}

no_live_jobs() {
	[[ -z $("$JOBCTL" list --json --state queued,held,running,paused 2>/dev/null) ]]
}

# Pid and command of every process (but our ancestors) whose environment, command
# line, directory or open files name $D.
leftovers() {
	perl -e '
		my $d = shift;
		my %mine;
		for (my $p = $$; $p > 1;) {
			$mine{$p} = 1;
			open(my $f, "<", "/proc/$p/stat") or last;
			($p) = <$f> =~ /.*\) \S+ (\d+)/;
		}
		for my $p (map { m{/(\d+)$} } glob("/proc/[0-9]*")) {
			next if $mine{$p};
			local $/;
			my $text = "";
			for my $name ("cmdline", "environ") {
				open(my $f, "<", "/proc/$p/$name") or next;
				my $read = <$f>;
				$text .= $read if defined $read;
			}
			$text .= "\0" . (readlink($_) // "") for "/proc/$p/cwd", glob("/proc/$p/fd/*");
			next if index($text, $d) < 0;
			open(my $f, "<", "/proc/$p/cmdline") or next;
			my $command = <$f> // "";
			$command =~ tr/\0/ /;
			print "$p $command\n";
		}' "$D"
}

no_leftovers() {
	[[ -z $(leftovers) ]]
}

kill_leftovers() {
	local pid rest
	while read -r pid rest; do
		kill -KILL "$pid" 2>/dev/null || :
	done < <(leftovers)
}

# The daemon --------------------------------------------------------------------

# Lines for the configuration; jobd reads them at its next start or reload.
config() {
	printf '%s\n' "$@" >>"$D/jobd.conf"
}

# The same, instead of what was there.
config_only() {
	: >"$D/jobd.conf"
	config "$@"
}

# Starts jobd in the foreground, its log to $D/jobd.log, and waits until it answers.
start_jobd() {
	"$JOBD" -f -c "$D/jobd.conf" --state-dir "$D/state" --runtime-dir "$D/run" \
	    --socket "$D/s" "$@" </dev/null >>"$D/jobd.log" 2>&1 3>&- &
	jobd_pid=$!
	eventually jobd_answers
}

# A client, by its pid: who never was connected is told that there is no jobd, and does not wait for one.
has_connected() {
	find "/proc/$1/fd" -lname 'socket:*' 2>/dev/null | grep -q .
}

# Says so at once when it has died instead.
jobd_answers() {
	kill -0 "$jobd_pid" 2>/dev/null || {
		echo "jobd has left:"
		tail -n 5 "$D/jobd.log"
		return "$HOPELESS"
	}
	"$JOBCTL" health >/dev/null 2>&1
}

# Stops jobd as an administrator would, or with the signal named.
stop_jobd() {
	kill "-${1:-TERM}" "$jobd_pid"
	wait "$jobd_pid" 2>/dev/null || :
	jobd_pid=
}

kill_jobd() {
	stop_jobd KILL
}

# Waiting and comparing -----------------------------------------------------------

# Tries a command until it succeeds, PATIENCE seconds long, or leaves with HOPELESS.
HOPELESS=99
eventually() {
	local end=$((SECONDS + PATIENCE)) code
	while :; do
		code=0
		"$@" || code=$?
		((code != 0)) || return 0
		if ((code == HOPELESS || SECONDS >= end)); then
			echo "never came true: $*"
			return 1
		fi
		sleep 0.02
	done
}

# Runs a command that must leave with this code. Its output is in $output, its
# complaints are in $error.
expect() {
	local want=$1 got=0
	shift
	"$@" >"$D/.out" 2>"$D/.err" 3>&- || got=$?
	output=$(tr -d '\0' <"$D/.out")
	# In a coverage build, who is not root may not add to root's counters, and is told so.
	error=$(tr -d '\0' <"$D/.err" | grep -v '^profiling:') || :
	if [[ $got != "$want" ]]; then
		printf '%s\n' "left with $got, not $want: $*" "-- output:" "$output" "-- error:" "$error"
		return 1
	fi
}

# Runs a command that must succeed, within so many seconds.
swiftly() {
	local seconds=$1 start=${EPOCHREALTIME/./} took
	shift
	ok "$@"
	took=$((${EPOCHREALTIME/./} - start))
	((took < seconds * SLOWNESS * 1000000)) || {
		echo "took $((took / 1000)) ms: $*"
		return 1
	}
}

# Runs a command that must succeed.
ok() {
	expect 0 "$@"
}

is() {
	[[ $1 == "$2" ]] || {
		printf 'is:     %s\nwanted: %s\n' "$1" "$2"
		return 1
	}
}

contains() {
	[[ $1 == *"$2"* ]] || {
		printf 'in:      %s\nmissing: %s\n' "$1" "$2"
		return 1
	}
}

lacks() {
	[[ $1 != *"$2"* ]] || {
		printf 'in:      %s\nshould not be there: %s\n' "$1" "$2"
		return 1
	}
}

matches() {
	[[ $1 =~ $2 ]] || {
		printf 'is:           %s\ndoesn'"'"'t match: %s\n' "$1" "$2"
		return 1
	}
}

# Fails where the command succeeds (set -e looks away at a plain "!").
not() {
	if "$@"; then
		echo "should have failed: $*"
		return 1
	fi
}

# Jobs --------------------------------------------------------------------------

# Submits a command, with options before it, and prints the job's number.
submit() {
	"$JOBCTL" submit --parsable "$@"
}

# A field of each JSON object on stdin: json progress.percent, json command.0. Nothing
# where it is absent.
json() {
	perl -MJSON::PP -ne '
		BEGIN { @path = split(/\./, shift); binmode(STDOUT, ":utf8"); }
		my $v = decode_json($_);
		for my $p (@path) {
			$v = ref($v) eq "ARRAY" ? $v->[$p] : ref($v) eq "HASH" ? $v->{$p} : undef;
		}
		next unless defined $v;
		print ref($v) && !JSON::PP::is_bool($v) ? JSON::PP->new->canonical->encode($v)
		    : JSON::PP::is_bool($v) ? ($v ? "true" : "false") : $v, "\n";' "$1"
}

# field ID NAME: a field of a job.
field() {
	"$JOBCTL" status --json "$1" | json "$2"
}

state_is() {
	[[ $(field "$1" state) == "$2" ]]
}

# Waits until the job has come to a state.
reaches() {
	eventually state_is "$1" "$2" || {
		"$JOBCTL" status "$1"
		return 1
	}
}

# The state letter of a process, as /proc has it; nothing when it is gone.
process_state() {
	local line
	[[ $1 =~ ^[0-9]+$ ]] || {
		echo "no process: '$1'" >&2
		return 1
	}
	{ read -r line </proc/"$1"/stat; } 2>/dev/null || return 0
	line=${line##*) }
	printf '%s' "${line%% *}"
}

process_is() {
	[[ $(process_state "$1") == [$2] ]]
}

process_gone() {
	local state
	state=$(process_state "$1") && [[ -z $state || $state == Z ]]
}

# How many lines a file has that hold the text; 0 where there is no file.
count_lines() {
	grep -cF -- "$1" "$2" 2>/dev/null || :
}

has_line() {
	grep -qF -- "$1" "$2" 2>/dev/null
}

as_root_only() {
	[[ $(id -u) == 0 ]] || skip "only root can do this"
}

# Listens at ./notify as a service manager does; what it hears is in ./told, until STOPPING=1. Its
# pid is in $listener.
listen_as_manager() {
	perl -MSocket -e '
		socket(S, AF_UNIX, SOCK_DGRAM, 0) && bind(S, pack_sockaddr_un("notify")) or die;
		$SIG{ALRM} = sub { exit 0 };
		$| = 1;
		alarm 30;
		print "listening\n";
		while (defined recv(S, $b, 4096, 0)) { print "$b\n"; last if $b =~ /^STOPPING=1/m }' >told 3>&- &
	# shellcheck disable=SC2034 # the tests that called this wait for it
	listener=$!
	eventually has_line listening told
}
