# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# A syslog daemon of the test's own: jobd and rsyslogd share a mount name space whose /dev has
# a log socket that nobody else sees, so the machine's log is neither read nor written.
#
# Needs root, rsyslogd and name spaces; where one is missing the test is skipped.

IN= # what puts a command into the name space

# ns_open: makes the name space, held by a process of ours.
ns_open() {
	local name
	as_root_only
	command -v rsyslogd >/dev/null || skip "no rsyslogd (Debian: rsyslog)"
	unshare --mount true 2>/dev/null || skip "no mount name space may be made here"
	mkdir "$D/dev"
	for name in null zero full random urandom; do
		: >"$D/dev/$name"
	done
	# shellcheck disable=SC2016
	unshare --mount --propagation private bash -c '
		set -e
		cd "$1/dev"
		for name in *; do mount --bind "/dev/$name" "$name"; done
		ln -s /proc/self/fd fd
		mount --rbind . /dev
		: >"$1/ready"
		exec sleep infinity' ns "$D" </dev/null >"$D/ns.log" 2>&1 3>&- &
	ns_pid=$!
	eventually ns_is_ready || {
		cat "$D/ns.log"
		return 1
	}
	IN="nsenter --target $ns_pid --mount --wd=/ --"
}

ns_is_ready() {
	kill -0 "$ns_pid" || return "$HOPELESS"
	[[ -e $D/ready ]]
}

# Writes what the test's rsyslogd reads: where from, and $D/syslog as where to. A line of
# that file is FACILITY.PRIORITY PROGRAM[PID]:TEXT; after the socket come the lines given.
rsyslog_config() {
	cat >"$D/rsyslog.conf" <<-END
	global(workDirectory="$D/rsyslog" net.enableDNS="off")
	module(load="imuxsock" SysSock.Use="off")
	input(type="imuxsock" Socket="/dev/log" Unlink="on")
	$(printf '%s\n' "$@")
	template(name="seen" type="string"
	    string="%syslogfacility-text%.%syslogpriority-text% %programname%[%procid%]:%msg%\\n")
	action(type="omfile" file="$D/syslog" template="seen")
	END
}

start_rsyslog() {
	mkdir -p "$D/rsyslog"
	rm -f "$D/rsyslog.pid"
	: >>"$D/syslog"
	$IN rsyslogd -n -f "$D/rsyslog.conf" -i "$D/rsyslog.pid" </dev/null >>"$D/rsyslog.log" 2>&1 3>&- &
	rsyslog_job=$!
	eventually rsyslog_listens || {
		cat "$D/rsyslog.log"
		return 1
	}
}

rsyslog_listens() {
	kill -0 "$rsyslog_job" || return "$HOPELESS"
	[[ -s $D/rsyslog.pid ]] && $IN test -S /dev/log
}

# stop_rsyslog [SIGNAL]
stop_rsyslog() {
	kill -CONT "$rsyslog_job" 2>/dev/null || :
	kill "-${1:-TERM}" "$rsyslog_job" 2>/dev/null || :
	wait "$rsyslog_job" 2>/dev/null || :
	rsyslog_job=
}

# jobd as a daemon, which logs to the test's /dev/log.
start_daemon() {
	$IN "$JOBD" -c "$D/jobd.conf" --state-dir "$D/state" --runtime-dir "$D/run" --socket "$D/s" \
	    "$@" </dev/null 3>&- || return
	daemon_pid=$("$JOBCTL" health --json | json pid)
}

kill_daemon() {
	kill -KILL "$daemon_pid"
	eventually process_gone "$daemon_pid"
}

ns_close() {
	[[ -z ${rsyslog_job-} ]] || stop_rsyslog KILL
	if [[ -n ${ns_pid-} ]]; then
		kill "$ns_pid"
		wait "$ns_pid" 2>/dev/null || :
	fi
}

# logged PRIORITY REGEX: waits for a line of jobd's whose text is this, whole.
logged() {
	eventually grep -qxE "daemon\\.$1 jobd\\[[0-9]+\\]: $2" "$D/syslog" || {
		grep -F "$(cut -d ' ' -f 1 <<<"$2")" "$D/syslog" || tail -n 20 "$D/syslog"
		return 1
	}
}

# lines_as_promised: each line of jobd's in $D/syslog is one that SYSLOG in jobd(8) has: its form, its
# event, that event's priorities, its keys in their order.
# shellcheck disable=SC2154 # lib.bash knows top_srcdir
lines_as_promised() {
	perl -e '
		my (%event, @names);
		open(my $man, "<", shift) or die;
		while (<$man>) {
			if (/^\.It Cm (.*) Pq Em (.*)$/) {
				@names = split(/ , /, $1);
				@$_{"priorities", "keys"} = ({ map { $_ => 1 } split(/ , /, $2) }, [])
				    for map { $event{$_} = {} } @names;
			} elsif (/^\.D1 Ar (.*)$/) {
				$event{$_}{keys} = [split(/ /, $1)] for @names;
			}
		}
		keys %event >= 40 or die "the manual has only ", scalar(keys %event), " events\n";
		my ($seen, $wrong) = (0, 0);
		my $quoted = qr/"(?:[ !#-\[\]-~]|\\["\\]|\\x[0-9a-f]{2})*"/;
		my $plain = qr/(?:[!#-<>-\[\]-~]|\\x[0-9a-f]{2})+/;
		sub wrong { print "$_[0]: $_\n"; $wrong++; }
		open(my $log, "<", shift) or die;
		while (<$log>) {
			chomp;
			/^(\w+)\.(\w+) jobd\[\d+\]: (.*)$/ or /^syslog\.\w+ rsyslogd/ && next or wrong("form"), next;
			my ($facility, $priority, $text) = ($1, $2, $3);
			$seen++;
			length($text) <= 1023 or wrong("too long");
			$text =~ s/ \.\.\.$//;
			$text =~ /^event=([a-z-]+)((?: [a-z_]+=(?:$quoted|$plain))*)$/ or wrong("form"), next;
			my ($name, $pairs) = ($1, $2);
			my $e = $event{$name} or wrong("unknown event"), next;
			$e->{priorities}{$priority} or wrong("priority");
			my @keys = @{$e->{keys}};
			while ($pairs =~ / ([a-z_]+)=(?:$quoted|$plain)/g) {
				my $key = $1;
				shift @keys while @keys && $keys[0] ne $key;
				@keys ? shift @keys : wrong("$key is out of order, or unknown");
			}
		}
		$seen or print "no line at all\n";
		exit($wrong || !$seen);
	' "$top_srcdir/man/jobd.8" "$D/syslog"
}
