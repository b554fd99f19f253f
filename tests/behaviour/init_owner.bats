# SPDX-License-Identifier: ISC
# The init script where jobd is not root's, or where who asks has a jobd too.
load lib
load accounts

local_setup() {
	need_accounts
	INIT=$top_builddir/etc/jobd.init
	chmod 755 "$D" "$D/home"
	# A build where nobody else may look can't be run by anybody else.
	as "$ANN" test -x "$JOBD" -a -x "$JOBCTL" -a -x "$INIT" || skip "another user can't reach $top_builddir"
	export JOBD_DEFAULTS=$D/default
	cat >"$JOBD_DEFAULTS" <<-END
		DAEMON=$JOBD
		JOBCTL=$JOBCTL
		JOBD_SOCKET=$D/ann/s
		DAEMON_ARGS="-c $D/jobd.conf --state-dir $D/ann/state --runtime-dir $D/ann/run"
		OWNER=$(id -u "$ANN")
	END
	mkdir "$D/ann"
	chown "$ANN" "$D/ann"
	JOBD_SOCKET=$D/ann/s
}

# Both are stopped, the system's and the user's own.
local_teardown() {
	[[ -z ${NO_ACCOUNTS-} ]] || return 0
	"$INIT" stop >/dev/null 2>&1 || :
	as "$ANN" env -u JOBD_SOCKET jobctl shutdown >/dev/null 2>&1 || :
	rm -rf "$HOMES/$ANN/.local"
}

init_as() {
	as "$1" env JOBD_DEFAULTS="$JOBD_DEFAULTS" "$INIT" "$2"
}

# Whose process it is: every uid and gid of it.
runs_as() {
	is "$(sed -n 's/^[UG]id://p' "/proc/$1/status" | tr -s '\t\n' ' ')" \
	    " $(id -u "$2") $(id -u "$2") $(id -u "$2") $(id -u "$2") $(id -g "$2") $(id -g "$2") $(id -g "$2") $(id -g "$2") "
}

daemon_pid() {
	jobctl health --json | json pid
}

@test "root's start, restart and start after a crash: jobd runs as OWNER, with the groups and the home" {
	XDG_STATE_HOME=$D/wrong ok "$INIT" start
	pid=$(daemon_pid)
	runs_as "$pid" "$ANN"
	is "$(sed -n 's/^Groups://p' "/proc/$pid/status" | xargs)" "$(id -G "$ANN" | sorted | xargs)"
	tr '\0' '\n' <"/proc/$pid/environ" >environ
	has_line "HOME=$HOMES/$ANN" environ
	has_line "LOGNAME=$ANN" environ
	not grep '^XDG_' environ
	is "$(stat -c %U "$D/ann/state")" "$ANN"
	id=$(as "$ANN" jobctl submit --parsable -- sleep 1000)
	reaches "$id" running
	ok "$INIT" restart
	is "$(daemon_pid)" "$pid"
	kill -KILL "$pid"
	eventually process_gone "$pid"
	ok "$INIT" restart
	pid=$(daemon_pid)
	runs_as "$pid" "$ANN"
	is "$(field "$id" state)" running
	ok "$INIT" status
	expect 4 init_as "$BOB" status
	expect 4 init_as "$BOB" stop
	ok init_as "$ANN" status
	ok init_as "$ANN" restart
	is "$(daemon_pid)" "$pid"
	ok as "$ANN" jobctl cancel --now --wait "$id"
	ok init_as "$ANN" stop
	expect 3 "$INIT" status
	ok init_as "$ANN" start
	runs_as "$(daemon_pid)" "$ANN"
	ok "$INIT" stop
	contains "$output" 'jobd has stopped'
}

@test "without options it is in the home and in /run/jobd, which root makes" {
	unshare --mount true 2>/dev/null || skip "no mount name space may be made here"
	sed -i '/^JOBD_SOCKET=/d; /^DAEMON_ARGS=/d' "$JOBD_DEFAULTS"
	# shellcheck disable=SC2016 # the inner shell's
	ok unshare --mount --propagation private bash -c '
		mount -t tmpfs -o mode=755 none /run || exit 99
		unset JOBD_SOCKET
		"$1" start && "$1" status && "$1" restart
		stat -c "%U %a" /run/jobd /run/jobd/jobd.sock
		"$1" stop
		# What was root'"'"'s before is not taken.
		chown root /run/jobd
		"$1" start
		echo "code $?"' inner "$INIT"
	is "$(sed -n '/^jt/p' <<<"$output")" "$ANN 755
$ANN 600"
	contains "$output" 'is in charge'
	contains "$output" 'code 6'
	contains "$error" 'give it to that user (chown)'
	[[ -d $HOMES/$ANN/.local/state/jobd/store ]]
}

@test "a uid that nobody has: 6, and nothing is started" {
	sed -i 's/^OWNER=.*/OWNER=4000111/' "$JOBD_DEFAULTS"
	expect 6 "$INIT" start
	contains "$error" "there is no user with the uid 4000111 (OWNER in $JOBD_DEFAULTS)"
	expect 3 "$INIT" status
}

@test "who has a jobd too is told of the system's" {
	cat >"$JOBD_DEFAULTS" <<-END
		DAEMON=$JOBD
		JOBCTL=$JOBCTL
		DAEMON_ARGS="-c $D/jobd.conf --state-dir $D/state --runtime-dir $D/run"
	END
	JOBD_SOCKET=$HOMES/$ANN/.local/state/jobd/run/jobd.sock
	ok as "$ANN" env -u JOBD_SOCKET "$JOBD"
	ok as "$ANN" env -u JOBD_SOCKET jobctl health
	contains "$output" "$JOBD_SOCKET"
	expect 3 init_as "$ANN" status
	JOBD_SOCKET=$D/run/jobd.sock
	ok "$INIT" start
	ok as "$ANN" env -u JOBD_SOCKET jobctl shutdown
	ok init_as "$ANN" status
	ok "$INIT" stop
}
