# SPDX-License-Identifier: ISC
# The daemon itself: start, stop, configuration.
load lib

# Starts jobd without -f, with what every test here needs.
daemon() {
	"$JOBD" -c "$D/jobd.conf" --state-dir "$D/state" --runtime-dir "$D/run" --socket "$D/s" \
	    "$@" </dev/null 3>&-
}

daemon_pid() {
	jobctl health --json | json pid
}

@test "jobd becomes a daemon, and the command returns when the socket answers" {
	daemon
	ok jobctl health
	pid=$(daemon_pid)
	read -r -a stat <<<"$(sed 's/.*) //' "/proc/$pid/stat")"
	is "${stat[3]}" "${stat[2]}" # leader or member of a session of its own,
	not [ "${stat[2]}" = "$(sed 's/.*) //' "/proc/$$/stat" | cut -d ' ' -f 4)" ]
	is "${stat[4]}" 0 # without a terminal,
	is "$(readlink "/proc/$pid/cwd")" / # holding no directory,
	for fd in 0 1 2; do
		is "$(readlink "/proc/$pid/fd/$fd")" /dev/null
	done
	ok jobctl shutdown
	eventually process_gone "$pid"
}

@test "who closes its standard descriptors has started it all the same" {
	daemon <&- >&- 2>&-
	ok jobctl health
	pid=$(daemon_pid)
	for fd in 0 1 2; do
		is "$(readlink "/proc/$pid/fd/$fd")" /dev/null
	done
	code=0
	jobctl submit -- true >&- 2>said || code=$?
	is "$code" 1
	contains "$(<said)" 'jobctl: cannot write to standard output'
	ok jobctl shutdown
	eventually process_gone "$pid"
}

@test "a start that fails says why and leaves with something else than 0" {
	mkdir "$D/file"
	: >"$D/file/state"
	expect 1 "$JOBD" -c "$D/jobd.conf" --state-dir "$D/file/state" --runtime-dir "$D/run" --socket "$D/s"
	contains "$error" "$D/file/state"
	not test -S "$D/s"
}

@test "there is one jobd for a state directory, and the second says so" {
	start_jobd
	expect 1 daemon --socket "$D/other"
	contains "$error" "$D/state"
	expect 1 daemon -f --socket "$D/other"
	ok jobctl health
}

@test "a lock that a dead daemon left behind keeps nobody out" {
	start_jobd
	kill_jobd
	start_jobd
	ok jobctl health
}

@test "a socket that a dead daemon left behind is taken over" {
	start_jobd
	kill_jobd
	test -S "$D/s"
	daemon
	ok jobctl health
	jobctl shutdown
}

@test "no configuration at all is a working configuration" {
	export XDG_STATE_HOME=$HOME/state XDG_RUNTIME_DIR=$D/xdg XDG_CONFIG_HOME=$HOME/config
	mkdir -m 700 "$XDG_RUNTIME_DIR"
	unset JOBD_SOCKET
	if [[ $(id -u) == 0 ]]; then
		skip "root's daemon uses the system's own directories"
	fi
	"$JOBD" 3>&-
	ok jobctl run -- echo hello
	is "$output" hello
	ok jobctl shutdown
	test -d "$XDG_STATE_HOME/jobd"
}

@test "the state directory is nobody else's" {
	start_jobd
	is "$(stat -c %a "$D/state")" 700
}

@test "--help and --version tell what they should, a wrong option leaves with 2" {
	ok "$JOBD" --help
	for option in -f -c -t --state-dir --runtime-dir --socket --accept-older-store --version --help; do
		contains "$output" "$option"
	done
	ok "$JOBD" --version
	matches "$output" '^jobd [0-9]+\.[0-9]+'
	expect 2 "$JOBD" --no-such-option
	contains "$error" no-such-option
	expect 2 "$JOBD" surplus
	expect 2 "$JOBD" --state-dir ''
	contains "$error" '--state-dir: an empty name'
}

@test "-t checks the configuration, says what it found, and starts nothing" {
	config 'max_running = 3'
	ok "$JOBD" -t -c "$D/jobd.conf" --state-dir "$D/state" --runtime-dir "$D/run" --socket "$D/s"
	contains "$output$error" "$D/jobd.conf"
	not test -e "$D/state"
	not test -e "$D/s"
}

@test "-t warns of names that nobody has, which are no mistake" {
	config 'max_running = 3' 'admin_group = "no-such-group"' 'submit_users = {"root", "no-such-user"}'
	ok "$JOBD" -t -c "$D/jobd.conf" --state-dir "$D/state" --runtime-dir "$D/run" --socket "$D/s"
	contains "$error" "$D/jobd.conf:2: there is no group \"no-such-group\""
	contains "$error" "$D/jobd.conf:3: there is no user \"no-such-user\""
	lacks "$error" '"root"'
}

@test "-t warns of a cgroup that can't be used, which is no mistake" {
	config "cgroup = \"$D/nowhere\""
	ok "$JOBD" -t -c "$D/jobd.conf" --state-dir "$D/state" --runtime-dir "$D/run" --socket "$D/s"
	contains "$error" "cgroup \"$D/nowhere\" can't be used: No such file or directory"
	mkdir "$D/nowhere"
	ok "$JOBD" -t -c "$D/jobd.conf" --state-dir "$D/state" --runtime-dir "$D/run" --socket "$D/s"
	contains "$error" 'it is no cgroup (v2)'
}

@test "names that nobody has are warned of at the start, also those of queues" {
	config 'admin_group = "no-such-group"' 'queue a { submit_users = {"no-such-user"} }'
	start_jobd
	has_line 'jobd.conf:1: there is no group' "$D/jobd.log"
	has_line 'jobd.conf:2: there is no user' "$D/jobd.log"
}

@test "who reloads is told what he should know of a configuration without mistakes" {
	config 'queue nightly { }'
	start_jobd
	ok jobctl reload
	is "$error" ''
	ok jobctl submit --hold --queue nightly -- true
	config_only 'cgroup = "/no/where"' 'admin_group = "no-such-group"' \
	    'queue a { submit_users = {"no-such-user"} }'
	ok jobctl reload
	is "$output" 'the configuration was read again'
	contains "$error" 'warning: cgroup needs a restart'
	contains "$error" "cgroup \"/no/where\" can't be used"
	contains "$error" 'jobd.conf:2: there is no group "no-such-group"'
	contains "$error" 'jobd.conf:3: there is no user "no-such-user"'
	contains "$error" 'warning: queue nightly is no longer declared in jobd.conf; it only finishes the jobs it has'
	# Also once more, as far as it is still so.
	ok jobctl reload
	contains "$error" 'there is no group "no-such-group"'
	contains "$error" 'warning: cgroup needs a restart'
	config_only 'queue a { }'
	ok jobctl reload # it is what it was at the start
	lacks "$error" 'needs a restart'
}

@test "every mistake in the configuration is told with its line, all at once" {
	config 'max_running = -3' 'kill_grace = "soon"' 'no_such_setting = 1'
	expect 1 "$JOBD" -t -c "$D/jobd.conf"
	contains "$error" "$D/jobd.conf:1: "
	contains "$error" "$D/jobd.conf:2: "
	contains "$error" "$D/jobd.conf:3: "
	contains "$error" max_running
	contains "$error" kill_grace
	contains "$error" no_such_setting
	expect 1 daemon
	contains "$error" "$D/jobd.conf:1: "
}

@test "a configuration file that is named must be there" {
	expect 1 "$JOBD" -t -c "$D/nowhere.conf"
	contains "$error" "$D/nowhere.conf"
}

@test "reload and SIGHUP take up a changed configuration" {
	config 'max_running = 1'
	start_jobd
	is "$(jobctl health --json | json max_running)" 1
	config_only 'max_running = 2'
	ok jobctl reload
	is "$(jobctl health --json | json max_running)" 2
	config_only 'max_running = 3'
	kill -HUP "$jobd_pid"
	eventually max_running_is 3
}

max_running_is() {
	is "$(jobctl health --json | json max_running)" "$1" >/dev/null
}

@test "a reload with mistakes names them and leaves the old configuration in force" {
	config 'max_running = 2'
	start_jobd
	config 'kill_grace = "soon"'
	not jobctl reload >/dev/null 2>reload.err
	contains "$(<reload.err)" "$D/jobd.conf:2: "
	is "$(jobctl health --json | json max_running)" 2
	kill -HUP "$jobd_pid"
	eventually has_line "$D/jobd.conf:2:" "$D/jobd.log"
	ok jobctl run -- true
}

@test "jobd tells a service manager when it is ready, reloads and stops" {
	listen_as_manager
	export NOTIFY_SOCKET=$D/notify
	start_jobd
	unset NOTIFY_SOCKET
	eventually has_line READY=1 told
	kill -HUP "$jobd_pid"
	eventually has_line RELOADING=1 told
	eventually has_line MONOTONIC_USEC= told
	eventually ready_twice
	stop_jobd
	wait "$listener"
	has_line STOPPING=1 told
}

ready_twice() {
	[[ $(count_lines READY=1 told) == 2 ]]
}

@test "SIGTERM and shutdown stop jobd, and its socket is gone" {
	start_jobd
	kill "$jobd_pid"
	wait "$jobd_pid"
	not test -e "$D/s"
	start_jobd
	jobctl shutdown
	wait "$jobd_pid"
	not test -e "$D/s"
	jobd_pid=
}

@test "a DB_CONFIG in the store's home keeps jobd from starting" {
	start_jobd
	stop_jobd
	home=$(dirname "$(find "$D/state" -name 'log.0*' | head -n 1)")
	: >"$home/DB_CONFIG"
	expect 1 daemon
	contains "$error" DB_CONFIG
}

@test "a state directory that others may read keeps jobd from starting" {
	mkdir -m 755 "$D/state"
	expect 1 daemon
	is "$error" "jobd: $D/state has mode 0755; it must be 0700: chmod 700 $D/state"
	expect 1 daemon -f
	contains "$error" 'event=start-failed error="'
	command -v script >/dev/null || skip "no script(1), for a terminal"
	expect 1 script -qec "'$JOBD' -f -c '$D/jobd.conf' --state-dir '$D/state' --runtime-dir '$D/run'" /dev/null
	is "${output%$'\r'}" "jobd: $D/state has mode 0755; it must be 0700: chmod 700 $D/state"
}

@test "health says that all is well" {
	start_jobd
	ok jobctl health
	contains "$output" ok
	is "$(jobctl health --json | json status)" ok
	is "$(jobctl health --json | json pid)" "$jobd_pid"
}
