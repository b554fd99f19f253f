# SPDX-License-Identifier: ISC
# A name service that hangs harms only the jobs that need it: jobd runs in a mount namespace where
# it hangs for ann, or for everybody, as long as a file is there.
load lib
load accounts

# A module of the C library's that this machine does not need for users; its file gives way to ours.
find_module() {
	local dir name
	dir=$(ldd "$JOBD" 2>/dev/null | sed -n 's|.*=> \(/.*\)/libc\.so.*|\1|p')
	for name in hesiod compat; do
		if [[ -e $dir/libnss_$name.so.2 ]]; then
			module=$name module_file=$(readlink -f "$dir/libnss_$name.so.2")
			return 0
		fi
	done
	return 1
}

local_setup() {
	need_accounts
	command -v unshare >/dev/null || skip "there is no unshare"
	unshare --mount true 2>/dev/null || skip "no mount namespace can be made"
	command -v "${CC:-cc}" >/dev/null || skip "there is no C compiler"
	find_module || skip "there is no module of the name service to take the place of"
	chmod 755 "$D"
	"${CC:-cc}" -shared -fPIC -Wall -Werror -o "$D/hang.so" -DMODULE="$module" -DID="$(id -u "$ANN")" \
	    -DFLAG="\"$D/hang\"" -DUSER="\"$ANN\"" "$top_srcdir/tests/behaviour/hanging.c"
	sed "s/^passwd:/& $module/" /etc/nsswitch.conf >"$D/nsswitch.conf"
	grep -q "^passwd: $module" "$D/nsswitch.conf"
}

eval "$(declare -f teardown | sed '1s/teardown/usual_teardown/')"
teardown() {
	rm -f "$D/hang" "$D/hang-all" # what hangs goes on
	usual_teardown
}

# As start_jobd, where names are looked up in our way.
start_jobd_there() {
	# shellcheck disable=SC2016 # the inner shell's
	unshare --mount --propagation private sh -c '
	    mount --bind "$1/hang.so" "$2" && mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf &&
	    shift 2 && exec "$@"' - "$D" "$module_file" \
	    "$JOBD" -f -c "$D/jobd.conf" --state-dir "$D/state" --runtime-dir "$D/run" \
	    --socket "$D/s" </dev/null >>"$D/jobd.log" 2>&1 3>&- &
	jobd_pid=$!
	eventually jobd_answers
}

@test "while the name of one user can't be had the others' jobs, and all control, go on" {
	config 'max_running = 4'
	start_jobd_there
	ok as "$ANN" jobctl run -- true # it is there
	: >"$D/hang"
	mine=$(as "$BOB" jobctl submit --parsable -- sleep 60)
	reaches "$mine" running
	id=$(as "$ANN" jobctl submit --parsable -- id -un)
	submitted=$SECONDS
	for _ in 1 2 3 4 5; do
		swiftly 4 as "$BOB" jobctl run -- true
		swiftly 4 jobctl run -- true
		swiftly 4 as "$BOB" jobctl pause "$mine"
		swiftly 4 as "$BOB" jobctl resume "$mine"
		swiftly 4 jobctl list
		swiftly 4 as "$BOB" jobctl list
		swiftly 4 as "$ANN" jobctl status "$id"
		swiftly 4 jobctl health
	done
	is "$(field "$id" state)" queued
	# It is given up after ten seconds, which is said, and tried again.
	eventually has_line "event=unready" "$D/jobd.log"
	((SECONDS - submitted >= 9))
	contains "$(grep event=unready "$D/jobd.log")" "job=$id attempt=1"
	contains "$(grep event=unready "$D/jobd.log")" "a name service, or a file system, hangs"
	ok as "$ANN" jobctl status --json "$id"
	is "$(json state <<<"$output") $(json reason <<<"$output")" "queued backoff"
	matches "$(jobctl list "$id" | tail -n 1)" 'backoff$'
	# When the name can be had it runs, as its first attempt.
	rm "$D/hang"
	reaches "$id" completed
	is "$(field "$id" attempt)" 1
	is "$(jobctl log "$id")" "$ANN"
}

@test "where no name can be had there is control all the same, and jobs start when there is one again" {
	start_jobd_there
	mine=$(as "$BOB" jobctl submit --parsable -- sleep 60)
	reaches "$mine" running
	: >"$D/hang-all"
	ok jobctl reload # forgets all names
	# Who calls first is waited for two seconds; then the number has to do.
	for who in "$BOB" "$ANN"; do
		ok as "$who" jobctl list
		swiftly 4 as "$who" jobctl list
	done
	ok jobctl list
	swiftly 4 as "$BOB" jobctl pause "$mine"
	swiftly 4 as "$BOB" jobctl resume "$mine"
	swiftly 4 jobctl pause "$mine"
	is "$(field "$mine" state)" paused
	id=$(as "$ANN" jobctl submit --parsable -- id -un)
	swiftly 4 as "$ANN" jobctl status "$id"
	expect 5 as "$BOB" jobctl cancel "$id" # by the number, bob is another
	expect 1 jobctl submit --user "$ANN" -- true
	contains "$error" "the name service does not answer"
	ok as "$BOB" jobctl cancel --wait "$mine"
	rm "$D/hang-all"
	reaches "$id" completed
	is "$(jobctl log "$id")" "$ANN"
	ok jobctl run --user "$ANN" -- true
}

@test "who waits for names after a reload is answered also when another reload needs none" {
	config_only 'queue a { }' 'queue b { }'
	start_jobd_there
	ok jobctl submit --hold --queue b -- true
	: >"$D/hang"
	config_only 'ballast = "1M"' "queue a { submit_users = {\"$ANN\"} }"
	timeout $((20 * SLOWNESS)) "$JOBCTL" reload >first 2>first.err 3>&- &
	first=$!
	eventually has_line event=reload "$D/jobd.log"
	config_only 'ballast = "1M"' 'queue a { }'
	ok jobctl reload
	wait "$first"
	is "$(grep -c 'ballast needs a restart' first.err)" 1
	is "$(grep -c 'queue b is no longer declared' first.err)" 1
	rm "$D/hang"
}
