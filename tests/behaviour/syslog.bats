# SPDX-License-Identifier: ISC
# What a syslog daemon, a real one, gets from jobd: every kind of line, whatever is in it, and
# whatever becomes of that daemon.
load lib
load syslog

local_setup() {
	ns_open
	chmod 755 "$D"
	rsyslog_config
	[[ $BATS_TEST_DESCRIPTION == *'no syslog daemon'* ]] || start_rsyslog
	[[ $BATS_TEST_DESCRIPTION == *'start that fails'* ]] || start_daemon
}

local_teardown() {
	ns_close
}

as_daemon() {
	setpriv --reuid daemon --regid daemon --clear-groups "$@"
}

# How a line of job N begins, and how one ends that somebody of ours has caused.
job() {
	echo "job=$1 queue=default user=root"
}
by='by=root uid=0 pid=[0-9]+'

keeper_of() {
	sed 's/.*) . //' "/proc/$(field "$1" pid)/stat" | cut -d ' ' -f 1
}

@test "a job's ordinary life is info, and what people do with it is notice" {
	ok jobctl submit --name nightly --hold -- sleep 100
	logged info "event=submit $(job 1) to=held $by name=nightly detail=\"nightly: sleep 100\""
	ok jobctl hold 1
	logged notice "event=hold $(job 1) from=held to=held result=already $by name=nightly"
	ok jobctl priority 1 high
	logged notice "event=priority $(job 1) from=held to=held $by name=nightly detail=\"2, was 5\""
	ok jobctl release 1
	logged notice "event=release $(job 1) from=held to=queued $by name=nightly"
	logged info "event=start $(job 1) from=queued to=running attempt=1 name=nightly"
	ok jobctl pause 1
	logged notice "event=pause $(job 1) from=running to=running attempt=1 $by name=nightly"
	logged info "event=stopped $(job 1) from=running to=paused attempt=1 name=nightly"
	ok jobctl resume 1
	logged notice "event=resume $(job 1) from=paused to=running attempt=1 $by name=nightly"
	ok jobctl signal 1 WINCH
	logged notice "event=signal $(job 1) from=running to=running attempt=1 $by name=nightly detail=\"SIGWINCH to the command\""
	ok jobctl cancel --wait 1
	logged notice "event=cancel $(job 1) from=running to=running attempt=1 $by name=nightly"
	logged info "event=cancelled $(job 1) from=running to=cancelled signal=TERM attempt=1 name=nightly"
	ok jobctl retry 1
	logged notice "event=retry $(job 1) from=cancelled to=queued $by name=nightly"
	logged info "event=start $(job 1) from=queued to=running attempt=2 name=nightly"
	ok jobctl cancel --wait --now 1
	logged notice "event=cancel $(job 1) .* attempt=2 $by name=nightly detail=\"at once\""
	ok jobctl delete 1
	logged notice "event=delete $(job 1) from=cancelled attempt=2 $by name=nightly"
	ok jobctl run -- true
	logged info "event=completed $(job 2) from=running to=completed code=0 attempt=1"
	lines_as_promised
}

@test "a job that fails is a warning that says how" {
	submit -- sh -c 'exit 3'
	logged warning "event=failed $(job 1) from=running to=failed reason=exit code=3 attempt=1"
	submit -- sh -c 'kill -SEGV $$'
	logged warning "event=failed $(job 2) from=running to=failed reason=signal signal=SEGV attempt=1"
	submit -- /nonexistent/x
	logged warning "event=failed $(job 3) from=running to=failed reason=spawn code=127 attempt=1 detail=\"exec /nonexistent/x: No such file or directory\""
	submit --chdir /nonexistent -- true
	logged warning "event=failed $(job 4) from=running to=failed reason=spawn code=126 attempt=1 detail=\"chdir /nonexistent: .*\""
	lines_as_promised
}

@test "a job that is lost is an error, and so is what its keeper has left where it makes no sense" {
	submit -- sh -c "while [ ! -e $D/go ]; do sleep 0.05; done"
	reaches 1 running
	keeper=$(keeper_of 1)
	kill_daemon
	: >"$D/go"
	eventually process_gone "$keeper"
	for file in "$D"/state/exits/*; do
		echo nonsense >"$file"
	done
	start_daemon
	logged err "event=bad-exit-file job=1 attempt=1 keeper=$keeper detail=[^ ]+"
	logged err "event=keeper-died job=1 attempt=1 keeper=$keeper detail=\"[^\"]*\""
	logged err "event=failed $(job 1) from=running to=failed reason=lost attempt=1 detail=\"[^\"]*\""
	is "$(field 1 reason)" lost
	lines_as_promised
}

@test "trouble with keepers is told: one that dies, one that is silent, one that can't start a job" {
	submit -- sleep 100
	submit -- sleep 100
	reaches 2 running
	keeper=$(keeper_of 1)
	kill -KILL "$keeper"
	logged err "event=keeper-died job=1 attempt=1 keeper=$keeper detail=\"the keeper was ended by SIGKILL\""
	logged warning "event=orphaned $(job 1) from=running to=running attempt=1 detail=\"its keeper died; jobd looks after it\""
	keeper=$(keeper_of 2)
	kill -STOP "$keeper"
	jobctl pause 2 >/dev/null 2>&1 &
	logged warning "event=keeper-silent job=2 attempt=1 keeper=$keeper"
	kill -CONT "$keeper"
	logged warning "event=keeper-answers job=2 attempt=1 keeper=$keeper"
	wait $! || :
	jobctl cancel --wait --now 1 2
	# Somebody else continues what is paused.
	submit -- sleep 100
	reaches 3 running
	ok jobctl pause 3
	kill -CONT "$(field 3 pid)"
	logged notice "event=recontinued $(job 3) from=paused to=paused attempt=1 detail=\".*\""
	jobctl cancel --wait --now 3
	jobctl shutdown
	JOBD_CRASH_AT=keeper-forked start_daemon
	submit -- true
	logged warning "event=unstarted job=4 attempt=1 keeper=[0-9]+ detail=\"[^\"]*\""
	jobctl cancel 4
	lines_as_promised
}

@test "start, stop and reload are notice, and a configuration with mistakes is an error" {
	logged notice 'event=daemon-start detail=[0-9.]+'
	logged notice "event=daemon-ready socket=$D/s"
	ok jobctl reload
	logged notice "event=reload $by"
	kill -HUP "$daemon_pid"
	logged notice 'event=reload detail=SIGHUP'
	config 'admin_group = "no-such-group"'
	ok jobctl reload
	logged warning 'event=config error=".*/jobd.conf:1: there is no group ..no-such-group..; [^"]*"'
	config_only 'ballast = "1M"'
	ok jobctl reload
	logged warning 'event=config detail="ballast needs a restart, [^"]*"'
	config_only 'no_such_setting = 1'
	expect 1 jobctl reload
	logged err "event=config error=\"$D/jobd.conf:1: .*no_such_setting.*\""
	logged err "event=reload result=BadConfiguration $by"
	kill -HUP "$daemon_pid"
	logged err 'event=reload result=BadConfiguration detail=SIGHUP'
	: >"$D/jobd.conf"
	kill -TERM "$daemon_pid"
	logged notice 'event=daemon-stop detail=SIGTERM'
	logged notice "event=daemon-exit pid=$daemon_pid"
	eventually process_gone "$daemon_pid"
	start_daemon
	ok jobctl shutdown
	logged notice "event=daemon-stop $by"
	lines_as_promised
}

@test "an upgrade in place goes on in the same log" {
	submit -- sleep 100
	reaches 1 running
	ok jobctl daemon-reexec
	logged notice "event=daemon-reexec $by detail=\"version .*\""
	logged notice 'event=handover program=[^ ]+'
	logged notice 'event=daemon-start detail="[0-9.]+, in the place of [0-9.]+"'
	eventually eval 'is "$(grep -c "jobd\[$daemon_pid\]: event=daemon-ready " "$D/syslog")" 2'
	ok jobctl cancel --wait 1
	logged info "event=cancelled $(job 1) .*"
	expect 5 as_daemon jobctl daemon-reexec
	logged notice "event=daemon-reexec result=PermissionDenied by=daemon uid=1 pid=[0-9]+"
	lines_as_promised
}

@test "a start that fails is an error" {
	mkdir -p "$D/state/store"
	chmod 700 "$D/state" "$D/state/store"
	: >"$D/state/store/DB_CONFIG"
	expect 1 start_daemon
	logged err 'event=start-failed error=".*DB_CONFIG.*"'
	lines_as_promised
}

@test "a disk that is full is critical, and jobd says that it starts over" {
	ok jobctl shutdown
	mkdir "$D/small"
	$IN mount -t tmpfs -o size=12m,mode=700 jobd-test "$D/small"
	config 'ballast = "0"' 'low_disk = "0"'
	small() {
		start_daemon --state-dir "$D/small/state"
	}
	small
	submit -- sleep 100
	reaches 1 running
	$IN dd if=/dev/zero of="$D/small/full" bs=64k 2>/dev/null || :
	for n in {1..40}; do
		timeout $((5 * SLOWNESS)) jobctl submit --hold --name "$(printf 'x%.0s' {1..250})" -- true >/dev/null 2>&1 || break
	done
	logged crit 'event=store-failed error="[^"]*No space left on device[^"]*"'
	logged crit 'event=daemon-restart wait_s=[0-9]+ error="No space left on device"'
	$IN rm "$D/small/full"
	eventually jobctl health >/dev/null 2>&1
	logged notice 'event=daemon-start detail="after a failed commit"'
	is "$(field 1 state)" running
	lines_as_promised
}

@test "what is refused is notice, with who asked" {
	submit --hold -- true
	they='by=daemon uid=1 pid=[0-9]+'
	expect 3 jobctl pause 1
	logged notice "event=pause $(job 1) from=held result=WrongState $by"
	expect 4 jobctl cancel 77
	logged notice "event=cancel job=77 result=NotFound $by"
	for n in 1 2 3; do
		expect 5 as_daemon jobctl cancel 1
	done
	logged notice "event=cancel $(job 1) from=held result=PermissionDenied $they"
	# Once a minute: nobody fills the log.
	is "$(grep -c 'event=cancel .*by=daemon' "$D/syslog")" 1
	expect 5 as_daemon jobctl log 1
	logged notice "event=output $(job 1) from=held result=PermissionDenied $they"
	expect 5 as_daemon jobctl reload
	logged notice "event=reload result=PermissionDenied $they"
	expect 5 as_daemon jobctl shutdown
	logged notice "event=daemon-stop result=PermissionDenied $they"
	printf 'nonsense\0' | socat - UNIX-CONNECT:"$D/s"
	logged info 'event=bad-message uid=0 pid=[0-9]+ detail=.*'
	lines_as_promised
}

@test "nothing that a client names can forge or break a line" {
	nasty=(
		$'x\nNov 25 12:00:00 host jobd[1]: event=failed job=1'
		'x" event=failed job=1 reason=lost name="'
		'x\" event=failed'
		$'\e[2J\a\r\t\x7f\x01' $'\xc3\xa4\xe4\xb8\xad\xe2\x80\xae' '=' ' ' "\\" '"' '%s%n%m' '<0>kern' '#012'
		"$(printf 'long%.0s' {1..60})" "$(printf '\xe4\xb8\xad%.0s' {1..85})" "$(printf '\n"\\ %.0s' {1..60})x"
	)
	n=0
	for text in "${nasty[@]}"; do
		n=$((n + 1))
		submit --hold --name "$text" -- "$text" "$text" >/dev/null
		jobctl release "$n"
		reaches "$n" failed
		logged warning "event=failed job=$n .*"
	done
	jobctl shutdown
	logged notice "event=daemon-exit pid=$daemon_pid"
	# Each event once, and the reader of the file finds no other line.
	for event in submit release failed; do
		is "$(grep -cE "^daemon\\.[a-z]+ jobd\\[$daemon_pid\\]: event=$event job=" "$D/syslog")" "$n"
	done
	not grep -q 'reason=lost attempt' "$D/syslog"
	# What comes before the client's own words is whole, also behind the longest of them.
	is "$(grep -cE "event=submit [^\"]* $by name=" "$D/syslog")" "$n"
	[[ $(awk '{ sub(/^[^:]*: /, ""); if (length > m) m = length } END { print m }' "$D/syslog") -gt 500 ]]
	grep -qF 'name="x\x0aNov 25 12:00:00 host jobd[1]: event=failed job=1"' "$D/syslog"
	grep -qF 'name="x\" event=failed job=1 reason=lost name=\""' "$D/syslog"
	grep -qF 'name="x\\\" event=failed"' "$D/syslog"
	grep -qF 'name=\x1b[2J\x07\x0d\x09\x7f\x01' "$D/syslog"
	grep -qF 'name=\xc3\xa4\xe4\xb8\xad\xe2\x80\xae' "$D/syslog"
	lines_as_promised
}

# Sends calls that change a held job's priority, one after the other, without waiting between them.
flood() {
	perl -MIO::Socket::UNIX -e '
		my ($path, $n) = @ARGV;
		my $s = IO::Socket::UNIX->new($path) or die "$path: $!";
		my $left = $n;
		local $/ = "\0";
		for my $i (1 .. $n) {
			print $s "{\"method\":\"org.jobd.Job.SetPriority\",\"parameters\":{\"id\":1,\"priority\":", 1 + $i % 2, "}}\0";
			if ($i % 50 == 0) {
				$s->flush;
				$left--, <$s> for 1 .. 50;
			}
		}
		exit($left != 0);
	' "$D/s" "$1"
}

dropped() {
	jobctl health --json | json dropped_log_lines
}

leaves() {
	jobctl shutdown && eventually process_gone "$daemon_pid"
}

@test "a stuck syslog daemon stops nobody, and what was dropped is counted and told" {
	submit --hold -- true
	logged info 'event=submit .*'
	kill -STOP "$rsyslog_job"
	flood 3000
	swiftly 10 jobctl run -- true
	n=$(dropped)
	((n > 1000 && n < 3000))
	# Who looks is told.
	expect 1 jobctl health
	matches "$output" "problem: +$n log lines were dropped, and the log does not tell of it yet"
	kill -CONT "$rsyslog_job"
	logged warning "event=log-lines-dropped count=$n"
	# The first thousand and more arrived, and none is missing but those.
	is "$(grep -c ' event=' "$D/syslog")" $((2 + 1 + 3000 + 3 - n + 1))
	ok jobctl release 1
	logged info "event=completed $(job 1) .*"
	is "$(dropped)" "$n"
	# That it was lately is known to the next jobd, too.
	ok jobctl daemon-reexec
	expect 1 jobctl health
	matches "$output" "problem: +$n log lines were dropped, the last one less than 10 minutes ago"
	lines_as_promised
	# Nor does jobd wait long for it when it leaves.
	kill -STOP "$rsyslog_job"
	submit --hold -- true
	for n in {1..600}; do
		printf '{"method":"org.jobd.Job.SetPriority","parameters":{"id":3,"priority":%d}}\0' $((n % 2 + 1))
	done | socat -t 5 - UNIX-CONNECT:"$D/s" >/dev/null
	swiftly 8 leaves
}

@test "a syslog daemon that is killed and comes again has what was logged meanwhile" {
	ok jobctl run -- true
	logged info "event=completed $(job 1) .*"
	stop_rsyslog KILL
	ok jobctl run -- true
	expect 3 jobctl run -- sh -c 'exit 3'
	start_rsyslog
	ok jobctl run -- true
	logged info "event=completed $(job 4) .*"
	for n in 1 2 4; do
		logged info "event=completed $(job "$n") .*"
	done
	logged warning "event=failed $(job 3) .*"
	is "$(dropped)" 0
	# Another one in its place, while the first is stuck.
	kill -STOP "$rsyslog_job"
	flood_job=$(submit --hold -- true)
	stuck=$rsyslog_job
	$IN rm /dev/log
	start_rsyslog
	ok jobctl run -- true
	kill -KILL "$stuck"
	wait "$stuck" || :
	ok jobctl run -- true
	logged info "event=completed $(job $((flood_job + 2))) .*"
	lines_as_promised
}

@test "with no syslog daemon jobd starts, works and stops, and has the lines for one that comes" {
	ok jobctl run -- true
	swiftly 2 leaves
	start_daemon
	ok jobctl run -- true
	start_rsyslog
	logged notice "event=daemon-ready socket=$D/s"
	logged info "event=completed $(job 2) .*"
	is "$(dropped)" 0
	lines_as_promised
}

@test "the facility is the configured one, and less urgent lines are left out" {
	config 'syslog_facility = "local3"' 'log_level = "warning"'
	ok jobctl reload
	expect 3 jobctl run -- sh -c 'exit 3'
	eventually grep -qE '^local3\.warning jobd\[[0-9]+\]: event=failed ' "$D/syslog"
	not grep -q 'event=submit' "$D/syslog"
}

@test "the manual's patterns find what they are to find, and nothing that is forged" {
	# Through the drop-in, to a file in its place.
	sed "s,/var/log/jobd.log,$D/jobd.log," "$top_srcdir/etc/jobd.rsyslog" >"$D/drop-in"
	stop_rsyslog
	rsyslog_config "include(file=\"$D/drop-in\")"
	start_rsyslog
	mark=$(wc -l <"$D/syslog")
	as_daemon jobctl submit --chdir / -- sh -c 'exit 4'
	submit --name ' jobd[1]: event=failed job=9 queue=default user=daemon ' -- sh -c 'exit 4'
	submit --hold --name ' jobd[1]: event=x result=PermissionDenied by=eve uid=666 ' -- true
	submit --name ' reason=lost ' -- sh -c 'exit 4'
	reaches 4 failed
	expect 5 as_daemon jobctl cancel 3
	expect 5 as_daemon jobctl log 3
	eventually has_line 'event=output' "$D/jobd.log"
	sed -n '/^\.Ss What to watch for/,/^\.Ss Files/s/^\$ //p' "$top_srcdir/man/jobd.8" |
	    sed "s/\\\\e/\\\\/g; s,/var/log/jobd.log,$D/jobd.log,; s/user=ann/user=daemon/" >"$D/examples"
	is "$(wc -l <"$D/examples")" 3
	ok bash -c "$(sed -n 1p "$D/examples")"
	is "$(wc -l <<<"$output")" 1
	contains "$output" ' job=1 queue=default user=daemon '
	matches "$output" '^[0-9T:.+-]+ [^ ]+ warning jobd\[[0-9]+\]: event=failed '
	expect 1 bash -c "$(sed -n 2p "$D/examples")"
	echo 'Nov 25 12:00:00 h jobd[1]: event=failed job=7 queue=q user=u from=running to=failed reason=lost attempt=1' >>"$D/jobd.log"
	ok bash -c "$(sed -n 2p "$D/examples")"
	ok bash -c "$(sed -n 3p "$D/examples")"
	matches "$output" '^ +2 1 daemon$'
	# With "stop" they are in this file alone.
	is "$(sed "1,${mark}d" "$D/syslog" | grep -c jobd || :)" 0
}

@test "the manual's filter hands failed jobs to a program, and those alone" {
	sed -n '/^A filter for/,/^\.Ed/p' "$top_srcdir/man/jobd.8" | sed -n '/^if/,/action/p' |
	    sed "s,/usr/local/bin/job-failed,$D/job-failed," >"$D/filter"
	printf '#!/bin/sh\nexec cat >>%s\n' "$D/handed" >"$D/job-failed"
	chmod 755 "$D/job-failed"
	stop_rsyslog
	rsyslog_config 'module(load="omprog")' "$(<"$D/filter")"
	start_rsyslog
	ok jobctl run --name ' event=failed ' -- true
	expect 4 jobctl run -- sh -c 'exit 4'
	eventually has_line 'event=failed job=2' "$D/handed"
	is "$(wc -l <"$D/handed")" 1
}

@test "the drop-ins lose nothing where rsyslogd is not root's any more" {
	command -v logrotate >/dev/null || skip "no logrotate (Debian: logrotate)"
	mkdir "$D/logs"
	chown daemon:daemon "$D/logs"
	sed "s,/var/log/jobd.log,$D/logs/jobd.log," "$top_srcdir/etc/jobd.rsyslog" >"$D/drop-in"
	sed "s,/var/log/jobd.log,$D/logs/jobd.log,; s,/run/rsyslogd.pid,$D/rsyslog.pid,
	    s,/run/systemd/system,$D/none," "$top_srcdir/etc/jobd.logrotate" >"$D/logrotate.conf"
	# The directory is another's than who rotates, as /var/log of Ubuntu is.
	sed -i 's/^\tweekly$/\tsu root adm/' "$D/logrotate.conf"
	stop_rsyslog
	chown daemon "$D/syslog"
	# shellcheck disable=SC2016 # rsyslog's
	rsyslog_config '$PrivDropToUser daemon' '$PrivDropToGroup daemon' "include(file=\"$D/drop-in\")"
	start_rsyslog
	for n in 1 2; do
		ok jobctl run -- true
		eventually has_line "event=completed job=$n" "$D/logs/jobd.log"
		is "$(stat -c '%a %U %G' "$D/logs/jobd.log")" '640 daemon daemon'
		ok logrotate -f -s "$D/rotated" "$D/logrotate.conf"
	done
	has_line 'event=completed job=2' "$D/logs/jobd.log.1"
}

@test "the drop-in for logrotate has rsyslog go on in a new file" {
	command -v logrotate >/dev/null || skip "no logrotate (Debian: logrotate)"
	sed "s,/var/log/jobd.log,$D/jobd.log," "$top_srcdir/etc/jobd.rsyslog" >"$D/drop-in"
	sed "s,/var/log/jobd.log,$D/jobd.log,; s,/run/rsyslogd.pid,$D/rsyslog.pid,
	    s,/run/systemd/system,$D/none," "$top_srcdir/etc/jobd.logrotate" >"$D/logrotate.conf"
	stop_rsyslog
	rsyslog_config "include(file=\"$D/drop-in\")"
	start_rsyslog
	ok jobctl run -- true
	eventually has_line 'event=completed job=1' "$D/jobd.log"
	is "$(stat -c %a "$D/jobd.log")" 640
	chown daemon:adm "$D/jobd.log"
	ok logrotate -f -s "$D/rotated" "$D/logrotate.conf"
	has_line 'event=completed job=1' "$D/jobd.log.1"
	is "$(stat -c '%a %U %G' "$D/jobd.log")" '640 daemon adm'
	ok jobctl run -- true
	eventually has_line 'event=completed job=2' "$D/jobd.log"
	not has_line 'job=2' "$D/jobd.log.1"
	not has_line 'job=1 ' "$D/jobd.log"
}
