# SPDX-License-Identifier: ISC
# What may sleep is not done in the loop: closing what a job or a client passes, removing a log. jobd
# has a helper for it.
load lib

local_setup() {
	command -v "${CC:-cc}" >/dev/null || skip "no C compiler"
	"${CC:-cc}" -Wall -Werror -o "$D/passing" "$top_srcdir/tests/behaviour/passing.c"
}

# Ends what a test has left asleep.
local_teardown() {
	[[ -z ${client-} ]] || kill "$client" 2>/dev/null || :
}

answers_soon() {
	ok timeout $((10 * SLOWNESS)) "$JOBCTL" health
}

helper_of() {
	local pid
	for pid in $(<"/proc/$1/task/$1/children"); do
		[[ $(<"/proc/$pid/comm") != jobd-aside ]] || echo "$pid"
	done
}

# Whether the helper is at something: it has a thread for it.
is_busy() {
	local tasks=("/proc/$(helper_of "$jobd_pid")/task"/*)
	((${#tasks[@]} > 1))
}

# pass_to_notify TEXT: a job does, in $id, while jobd is stopped: so the last close is not the job's.
pass_to_notify() {
	rm -f go out
	id=$(submit --shell "until test -e go; do sleep 0.01; done; exec ./passing \"\$NOTIFY_SOCKET\" dgram 3 $1 >out")
	reaches "$id" running
	kill -STOP "$jobd_pid"
	touch go
	eventually has_line passed out || {
		kill -CONT "$jobd_pid"
		return 1
	}
	kill -CONT "$jobd_pid"
}

text_is() {
	[[ $(field "$1" progress.text) == "$2" ]]
}

@test "a job passes sockets that linger: jobd answers, and is replaced and stopped at once" {
	start_jobd
	pass_to_notify STATUS=hello
	answers_soon
	eventually text_is "$id" hello
	is_busy
	ok timeout $((10 * SLOWNESS)) jobctl daemon-reexec
	answers_soon
	ok timeout $((10 * SLOWNESS)) jobctl cancel --now --wait "$id"
	pass_to_notify STATUS=again
	eventually text_is "$id" again
	is_busy
	ok timeout $((10 * SLOWNESS)) jobctl cancel --now --wait "$id"
	ok timeout $((10 * SLOWNESS)) jobctl shutdown
	wait "$jobd_pid"
	jobd_pid=
	eventually no_leftovers
}

done_passing() {
	has_line passed out || ! kill -0 "$client" 2>/dev/null
}

@test "a client passes sockets that linger: they are refused, or jobd answers all the same" {
	start_jobd
	kill -STOP "$jobd_pid"
	./passing "$D/s" stream 3 '{' >out 3>&- &
	client=$!
	local code=0 is_done=yes
	eventually done_passing || is_done=
	kill -CONT "$jobd_pid"
	[[ -n $is_done ]]
	answers_soon
	if ! has_line passed out; then
		wait "$client" || code=$?
		is "$code" 77
		client=
	fi
	answers_soon
	ok timeout $((10 * SLOWNESS)) jobctl shutdown
}

@test "a log is removed without waiting, and by the next start where nobody came to it" {
	start_jobd
	id=$(submit -- echo hello)
	reaches "$id" completed
	other=$(submit -- echo hello)
	reaches "$other" completed
	[[ -s state/log/0/$id.1.log ]]
	helper=$(helper_of "$jobd_pid")
	kill -STOP "$helper"
	ok timeout $((10 * SLOWNESS)) jobctl delete --yes "$id"
	[[ ! -e state/log/0/$id.1.log && -s state/log/$id.1.0.gone ]]
	answers_soon
	kill -CONT "$helper"
	eventually test ! -e "state/log/$id.1.0.gone"
	kill -STOP "$helper"
	ok timeout $((10 * SLOWNESS)) jobctl delete --yes "$other"
	kill_jobd
	kill -KILL "$helper"
	[[ -s state/log/$other.1.0.gone ]]
	start_jobd
	eventually test ! -e "state/log/$other.1.0.gone"
}

@test "a helper that was killed is replaced" {
	start_jobd
	helper=$(helper_of "$jobd_pid")
	kill -KILL "$helper"
	id=$(submit -- echo hello)
	reaches "$id" completed
	ok jobctl delete --yes "$id"
	eventually test ! -e "state/log/$id.1.0.gone"
	[[ ! -e state/log/0/$id.1.log ]]
	[[ -n $(helper_of "$jobd_pid") ]]
}
