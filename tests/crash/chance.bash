# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# What the tests that kill at random share: who is killed and when, and what must hold
# meanwhile. They say whom with kill_one, how many in $kills; $patient has the jobs that are paused all
# the while. In the file kills is a line for each: "jobd PID TIME", "keeper ID TIME ATTEMPT".
#
# JOBD_TEST_SEED replays a run, as far as the machine's own timing lets it.

# shellcheck source=tests/crash/points.bash
. "${BASH_SOURCE[0]%/*}/points.bash"

: "${kills:=100}"
patient=()
seed=${JOBD_TEST_SEED:-$((RANDOM * 32768 + RANDOM))}

tell_seed() {
	echo "# JOBD_TEST_SEED=$seed"
	RANDOM=$((seed % 32749))
	((seed % 2)) || : "${JOBD_TEST_CGROUP:=no}"
}

# A keeper is known by having been seen as jobd's child.
declare -A keepers=() # pid → start time

start_time() {
	local line
	{ read -r line <"/proc/$1/stat"; } 2>/dev/null || return
	[[ $line == "$1 ($2) "* ]] || return
	read -ra line <<<"${line##*) }"
	[[ ${line[0]} != [ZX] ]] && echo "${line[19]}"
}

# Of a process; Z where there is none.
stat_of() {
	local line
	{ read -r line <"/proc/$1/stat"; } 2>/dev/null || line=') Z'
	line=${line##*) }
	echo "${line%% *}"
}

see_keepers() {
	local pid start children=
	{ read -r children <"/proc/$1/task/$1/children"; } 2>/dev/null
	for pid in $children; do
		[[ -n ${keepers[$pid]-} ]] && continue
		start=$(start_time "$pid" jobd-keeper) && keepers[$pid]=$start
	done
	for pid in "${!keepers[@]}"; do
		[[ $(start_time "$pid" jobd-keeper) == "${keepers[$pid]}" ]] || unset "keepers[$pid]"
	done
}

kill_jobd_now() {
	[[ -n $(start_time "$1" jobd) ]] || return 1
	echo "jobd $1 $EPOCHREALTIME" >>kills
	kill -KILL "$1" 2>/dev/null
}

kill_some_keeper() {
	local pids=("${!keepers[@]}") pid of
	((${#pids[@]})) || return 1
	pid=${pids[RANDOM % ${#pids[@]}]}
	[[ $(start_time "$pid" jobd-keeper) == "${keepers[$pid]}" ]] || return 1
	# Stopped first: between a look at its title and the kill it could take another job.
	kill -STOP "$pid" 2>/dev/null || return 1
	until [[ $(stat_of "$pid") == [TZ] ]]; do :; done
	of=$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline")
	of=${of#* }
	of=${of%% *}
	[[ $(start_time "$pid" jobd-keeper) ]] || return 1
	echo "keeper ${of%%.*} $EPOCHREALTIME ${of#*.}" >>kills
	kill -KILL "$pid" 2>/dev/null
	unset "keepers[$pid]"
}

kill_at_random() {
	local done=0 end=$((SECONDS + kills * 2 * SLOWNESS))
	: >kills
	while ((done < kills)); do
		sleep "0.$((RANDOM % 3))$((RANDOM % 10))"
		nothing_is_wrong
		if ((SECONDS >= end)); then
			echo "after $done kills there is nobody to kill"
			return 1
		fi
		kill_one "$done" || continue
		done=$((done + 1))
		((done % 10)) || still_paused
	done
}

still_paused() {
	local id
	for id in "${patient[@]}"; do
		all_stopped "$id"
	done
}

# For a test that fails: what is known of them.
who_is_left() {
	local state pid id
	while read -r state pid; do
		id=$(tr '\0' '\n' <"/proc/$pid/environ" | sed -n 's/^JOBD_ID=//p')
		echo "$pid ($state), of job $id: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
		grep -e "job=$id " jobd.log
		grep -se " $id " runs kills acknowledged
	done < <(processes_of '')
	return 1
}
