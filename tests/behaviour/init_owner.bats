# SPDX-License-Identifier: ISC
# The init script where jobd is not root's, or where who asks has a jobd too.
load lib
load accounts

setup_file() {
	make_accounts
}

teardown_file() {
	remove_accounts
}

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
