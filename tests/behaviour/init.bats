# SPDX-License-Identifier: ISC
# The init script, run for real over a jobd of the test's own, and the systemd unit.
# The exit codes are those of LSB 5, 22.2 (Init Script Actions).
load lib

local_setup() {
	INIT=$top_builddir/etc/jobd.init
	export JOBD_DEFAULTS=$D/default
	cat >"$JOBD_DEFAULTS" <<-END
		DAEMON=$JOBD
		JOBCTL=$JOBCTL
		JOBD_SOCKET=$D/s
		DAEMON_ARGS="-c $D/jobd.conf --state-dir $D/state --runtime-dir $D/run"
		OWNER=$(id -u)
		PATIENCE=4
	END
	config 'max_running = 4'
}

init() {
	"$INIT" "$@"
}

daemon_pid() {
	jobctl health --json | json pid
}

# A job that runs until it is cancelled.
long_job() {
	submit -- sleep 1000
}

# Kills the daemon, which has no parent here.
kill_daemon() {
	local pid
	pid=$(daemon_pid)
	kill "-$1" "$pid"
	[[ $1 != KILL ]] || eventually process_gone "$pid"
}

@test "start, status, stop: 0, also where it is so already; status of what does not run is 3" {
	expect 3 init status
	contains "$output" 'does not run'
	ok init stop
	contains "$output" 'does not run'
	ok init start
	contains "$output" started
	ok jobctl health
	ok init status
	contains "$output" 'it runs'
	pid=$(daemon_pid)
	ok init start
	contains "$output" 'already'
	is "$(daemon_pid)" "$pid"
	ok init stop
	contains "$output" 'jobd has stopped'
	eventually process_gone "$pid"
	expect 3 init status
	ok init stop
}

started() {
	jobctl audit --json --verb daemon-start | grep -c .
}

@test "restart, try-restart: the program anew in the same process, the same jobs, no connect refused" {
	expect 0 init try-restart # what does not run is left alone
	expect 3 init status
	ok init restart # and by this one started
	first=$(daemon_pid)
	id=$(long_job)
	reaches "$id" running
	pid=$(field "$id" pid)
	perl -MIO::Socket::UNIX -e '
		until (-e "enough") {
			$n++;
			IO::Socket::UNIX->new($ARGV[0]) or print "refused: $!\n";
			select(undef, undef, undef, 0.002);
		}
		print "$n connects\n";' "$D/s" >connects 3>&- &
	connects=$!
	n=1
	for action in restart try-restart; do
		ok init "$action"
		contains "$output" 'is in charge'
		n=$((n + 1))
		is "$(started)" "$n"
		is "$(daemon_pid)" "$first"
		is "$(field "$id" state)" running
		is "$(field "$id" pid)" "$pid"
		process_is "$pid" SRD
	done
	: >enough
	wait "$connects"
	matches "$(<connects)" '^[0-9]+ connects$'
}

@test "restart starts another daemon where it would be started otherwise, and where it must" {
	printf '%s\n' '#!/bin/sh' "[ \"\$1\" != daemon-reexec ] || [ ! -e $D/refused ] || exit 1" \
	    "exec $JOBCTL \"\$@\"" >ctl
	chmod +x ctl
	echo "JOBCTL=$D/ctl" >>"$JOBD_DEFAULTS"
	start_jobd # not by the script
	id=$(long_job)
	reaches "$id" running
	first=$(daemon_pid)
	anew() {
		ok init restart
		contains "$output" started
		not [ "$(daemon_pid)" = "$first" ]
		first=$(daemon_pid)
		is "$(field "$id" state)" running
	}
	anew
	# By its options, and by whatever else is set for it.
	# shellcheck disable=SC2016 # for the script
	echo 'DAEMON_ARGS="$DAEMON_ARGS --socket=$JOBD_SOCKET"' >>"$JOBD_DEFAULTS"
	anew
	echo 'ulimit -c 0; export COLOUR=blue' >>"$JOBD_DEFAULTS"
	anew
	contains "$(tr '\0' '\n' <"/proc/$first/environ")" COLOUR=blue
	ok init restart
	is "$(daemon_pid)" "$first"
	# And where the one that runs does not want it.
	: >refused
	anew
	contains "$output" 'stopped and started'
}

@test "stop does to the jobs what on_stop says, restart leaves them alone" {
	config 'on_stop = "pause"'
	ok init start
	id=$(long_job)
	reaches "$id" running
	pid=$(field "$id" pid)
	ok init restart
	lacks "$(jobctl audit --json -n 0 "$id")" '"pause"'
	process_is "$pid" SRD
	ok init stop
	contains "$output" '1 job is paused first'
	process_is "$pid" T
	ok init start
	is "$(field "$id" state)" running
}

@test "stop says so where nobody was there to do what on_stop says" {
	config 'on_stop = "cancel"'
	ok init start
	id=$(long_job)
	reaches "$id" running
	kill_daemon KILL
	ok init stop
	contains "$output" 'it had died; its jobs go on'
	contains "$output" 'on_stop = "cancel" could not be carried out'
	ok init start
	kill_daemon STOP
	ok init stop
	contains "$output" 'was killed; its jobs go on'
	contains "$output" 'on_stop = "cancel" could not be carried out'
	ok init start
	is "$(field "$id" state)" running
	ok init stop
	lacks "$output" 'could not be'
	ok init start
	is "$(field "$id" state)" cancelled
	# With "keep" nothing is missing.
	config_only
	kill_daemon KILL
	ok init stop
	lacks "$output" on_stop
}

@test "reload, force-reload: 0, 7 where it does not run, 1 with mistakes, and the old settings hold" {
	expect 7 init reload
	expect 7 init force-reload
	ok init start
	pid=$(daemon_pid)
	config_only 'max_running = 2'
	ok init reload
	is "$(jobctl health --json | json max_running)" 2
	config_only 'max_running = 3'
	ok init force-reload
	is "$(jobctl health --json | json max_running)" 3
	config 'kill_grace = "soon"'
	expect 1 init reload
	contains "$error" "$D/jobd.conf:2: "
	is "$(daemon_pid)" "$pid"
}

@test "the socket is where the options have it" {
	local args="-c $D/jobd.conf --state-dir $D/state" at
	unset JOBD_SOCKET
	try() {
		at=$1
		sed -i '/^JOBD_SOCKET=/d; /^DAEMON_ARGS=/d' "$JOBD_DEFAULTS"
		printf '%s\n' "${@:3}" "DAEMON_ARGS='$args $2'" >>"$JOBD_DEFAULTS"
		expect 3 init status
		ok init start
		[[ -S $at ]]
		ok init status
		ok init restart
		# A mistake in the configuration hides nothing.
		config 'kill_grace = "soon"'
		ok init status
		ok init stop
		contains "$output" 'jobd has stopped'
		expect 3 init status
		config_only
	}
	try "$D/run/jobd.sock" "--runtime-dir $D/run"
	try "$D/a" "--runtime-dir $D/run --socket $D/a"
	try "$D/b" "--socket=$D/b --runtime-dir=$D/run"
	try "$D/a" "--runtime-dir $D/none --socket $D/b --runtime-dir $D/run --socket $D/a"
	try "$D/a" "--runtime-dir $D/run" "JOBD_SOCKET=$D/a"
	try "$D/b" "--runtime-dir $D/run --socket $D/b" "JOBD_SOCKET=$D/a"
}

@test "a daemon that can't be reached is not said to have ended: 4, 1" {
	ok init start
	pid=$(daemon_pid)
	apart() {
		expect 4 init status
		contains "$output" "it runs, and does not listen at $D/$1: process $pid holds $D/$2"
	}
	mv "$D/s" "$D/t"
	apart s state/lock
	for action in start stop restart reload; do
		expect 1 init "$action"
		contains "$error" "process $pid holds $D/state/lock"
	done
	process_is "$pid" SRD
	mv "$D/t" "$D/s"
	ok init status
	cp "$JOBD_DEFAULTS" kept
	echo "JOBD_SOCKET=$D/elsewhere" >>"$JOBD_DEFAULTS"
	apart elsewhere state/lock
	echo "DAEMON_ARGS='--state-dir $D/other --runtime-dir $D/run'" >>"$JOBD_DEFAULTS"
	apart elsewhere run/jobd.lock
	mv kept "$JOBD_DEFAULTS"
	ok init stop
	expect 3 init status
}

@test "two starts at once: one daemon, and both are content" {
	init start >first 2>&1 3>&- &
	other=$!
	ok init start
	wait "$other"
	ok init status
}

@test "a configuration with mistakes: 6, and a daemon that runs goes on" {
	config 'kill_grace = "soon"'
	expect 6 init start
	contains "$error" "$D/jobd.conf:2: "
	expect 3 init status
	config_only 'max_running = 2'
	ok init start
	pid=$(daemon_pid)
	config 'no_such_setting = 1'
	expect 6 init restart
	contains "$error" no_such_setting
	expect 6 init try-restart
	is "$(daemon_pid)" "$pid"
}

@test "a start that fails says why: 1, and 6 where that is known before" {
	echo "JOBD_SOCKET=$D/nowhere/s" >>"$JOBD_DEFAULTS"
	expect 1 init start
	contains "$error" "$D/nowhere"
	expect 1 init restart
	chmod 755 "$D/state"
	expect 6 init start
	contains "$error" "$D/state"
	expect 6 init restart
}

@test "a wrong or missing action: 2" {
	expect 2 init
	contains "$error" usage
	expect 2 init sing
	contains "$error" force-reload
}

@test "what is not installed: 5, and its status is unknown" {
	echo "DAEMON=$D/nowhere" >>"$JOBD_DEFAULTS"
	for action in start stop restart try-restart reload force-reload; do
		expect 5 init "$action"
		contains "$error" "$D/nowhere"
	done
	expect 4 init status
	echo "DAEMON=$JOBD JOBCTL=$D/neither" >>"$JOBD_DEFAULTS"
	expect 5 init start
	contains "$error" "$D/neither"
	expect 4 init status
}

@test "who is neither root nor its owner: 4, and the status" {
	as_root_only
	chmod 755 "$D" "$D/home"
	# A build where nobody else may look can't be run by anybody else.
	setpriv --reuid daemon --regid daemon --clear-groups test -x "$JOBD" -a -x "$JOBCTL" -a -x "$INIT" ||
	    skip "another user can't reach $top_builddir"
	ok init start
	for action in start stop restart try-restart reload force-reload; do
		expect 4 setpriv --reuid daemon --regid daemon --clear-groups "$INIT" "$action"
		contains "$error" "only root may $action it"
	done
	ok setpriv --reuid daemon --regid daemon --clear-groups "$INIT" status
	ok init status
	# Who may not connect can't tell.
	chmod 600 "$D/s"
	expect 4 setpriv --reuid daemon --regid daemon --clear-groups "$INIT" status
}

@test "a daemon that was killed: status 1, stop 0, and start takes its jobs up" {
	ok init start
	id=$(long_job)
	reaches "$id" running
	kill_daemon KILL
	expect 1 init status
	contains "$output" 'has died'
	expect 7 init reload
	ok init stop
	expect 3 init status
	ok init start
	ok init status
	is "$(field "$id" state)" running
	kill_daemon KILL
	ok init restart
	is "$(field "$id" state)" running
	kill_daemon KILL
	ok init try-restart
	expect 1 init status
	ok init start
}

@test "a daemon that hangs: status 4, start 1, and restart gets rid of it under its jobs" {
	ok init start
	id=$(long_job)
	reaches "$id" running
	pid=$(daemon_pid)
	kill -STOP "$pid"
	expect 4 init status
	contains "$output" 'does not answer'
	expect 1 init start
	contains "$error" 'does not answer'
	expect 1 init reload
	ok init restart
	contains "$output" "process $pid, was killed"
	eventually process_gone "$pid"
	is "$(field "$id" state)" running
	ok init status
}

@test "a daemon that hangs is killed by stop" {
	ok init start
	pid=$(daemon_pid)
	kill -STOP "$pid"
	ok init stop
	eventually process_gone "$pid"
	expect 3 init status
	ok init start
}

@test "a jobctl that can't be run is no sign that the daemon has died" {
	ok init start
	printf '#!/bin/sh\nexit 127\n' >broken
	chmod +x broken
	echo "JOBCTL=$PWD/broken" >>"$JOBD_DEFAULTS"
	expect 4 init status
	expect 1 init stop
	contains "$error" "can't tell"
	expect 1 init restart
	sed -i '$d' "$JOBD_DEFAULTS"
	ok init status
}

@test "nothing of the caller's is the daemon's: no descriptor, no terminal, no NOTIFY_SOCKET" {
	exec 8<"$JOBD_DEFAULTS"
	NOTIFY_SOCKET=$D/none ok init start
	exec 8<&-
	pid=$(daemon_pid)
	lacks "$(ls -l "/proc/$pid/fd")" "$JOBD_DEFAULTS"
	lacks "$(tr '\0' '\n' <"/proc/$pid/environ")" NOTIFY_SOCKET
	is "$(readlink "/proc/$pid/cwd")" /
}

@test "the script has LSB's header, and no place left to be filled in" {
	head -n 20 "$INIT" | sed -n '/^### BEGIN INIT INFO$/,/^### END INIT INFO$/p' >header
	for key in Provides Required-Start Required-Stop Default-Start Default-Stop Short-Description Description; do
		grep -Eq "^# $key: +[^ ]" header
	done
	not grep -E '@[a-z]+@' "$INIT" "$top_builddir/etc/jobd.service"
	sh -n "$INIT"
}

# The unit ------------------------------------------------------------------------------

# The unit, with programs that are there.
unit() {
	sed "s,^ExecStart=[^ ]*,ExecStart=$JOBD,; s,^ExecReload=[^ ]*,ExecReload=$JOBCTL," \
	    "$top_builddir/etc/jobd.service" >"$D/jobd.service"
}

@test "systemd finds nothing to complain of in the unit" {
	command -v systemd-analyze >/dev/null || skip "no systemd-analyze"
	unit
	ok systemd-analyze verify --man=no "$D/jobd.service"
	is "$output$error" ""
	# A word it does not know would have been told.
	sed -i 's/^KillMode=.*/KillMode=prcess/' "$D/jobd.service"
	systemd-analyze verify --man=no "$D/jobd.service" >told 2>&1 || :
	has_line prcess told
}

@test "the unit leaves jobs alone, and has no sandboxing that they would inherit" {
	for line in Type=notify KillMode=process SendSIGKILL=no Delegate=yes TasksMax=infinity \
	    OOMPolicy=continue RuntimeDirectory=jobd RuntimeDirectoryPreserve=yes StateDirectory=jobd \
	    StateDirectoryMode=0700; do
		grep -qx "$line" "$top_builddir/etc/jobd.service"
	done
	not grep -E '^(NoNewPrivileges|Protect|Private|Restrict|SystemCall|Capability|ReadOnly|Inaccessible|Memory|Lock|Dynamic|Remove|UMask|User)' \
	    "$top_builddir/etc/jobd.service"
}

@test "both are installed where configure was told, and nothing of them is left" {
	[[ -w $top_builddir/etc ]] || skip "may not write to $top_builddir"
	unset MAKEFLAGS MFLAGS MAKELEVEL
	ok make -s -C "$top_builddir/etc" install DESTDIR="$D/dest" \
	    initdir=/etc/init.d systemdsystemunitdir=/usr/lib/systemd/system
	[[ -x $D/dest/etc/init.d/jobd && -f $D/dest/usr/lib/systemd/system/jobd.service ]]
	JOBD_DEFAULTS=$JOBD_DEFAULTS expect 3 "$D/dest/etc/init.d/jobd" status
	ok make -s -C "$top_builddir/etc" uninstall DESTDIR="$D/dest" \
	    initdir=/etc/init.d systemdsystemunitdir=/usr/lib/systemd/system
	is "$(find "$D/dest" -type f)" ""
}
