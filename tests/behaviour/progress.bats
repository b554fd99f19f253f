# SPDX-License-Identifier: ISC
# What a job says of itself while it runs.
load lib

local_setup() {
	start_jobd
}

# A job that runs what it is given and then waits for the file "go".
reporting() {
	submit -- sh -c "$1; : >told; while [ ! -e go ]; do sleep 0.02; done" >/dev/null
	eventually test -e told
}

is_field() {
	[[ $(field 1 "$1") == "$2" ]]
}

@test "a job reports percent, step, item, counters and text" {
	reporting 'jobctl report --percent 42 --step 2/5 --step-name comparing --item "a file" \
		--count added=3 --count updated=1 --count unchanged=96 "half way"'
	eventually is_field progress.percent 42
	is "$(field 1 progress.step)" 2
	is "$(field 1 progress.steps)" 5
	is "$(field 1 progress.step_name)" comparing
	is "$(field 1 progress.item)" "a file"
	is "$(field 1 progress.text)" "half way"
	is "$(field 1 progress.counts)" '{"added":3,"unchanged":96,"updated":1}'
	: >go
	ok jobctl wait 1
	is "$(field 1 progress.percent)" 42
}

@test "a percentage is worked out from done and total" {
	reporting 'jobctl report --progress 1/3'
	eventually is_field progress.done 1
	is "$(field 1 progress.total)" 3
	is "$(field 1 progress.percent)" 33
}

@test "any program can report with a datagram, and the notify socket is the job's own" {
	reporting 'printf "STATUS=by hand\nX_JOBD_PROGRESS=7/10\nX_JOBD_ITEM=x" | socat -u - UNIX-SENDTO:$NOTIFY_SOCKET'
	eventually is_field progress.text "by hand"
	is "$(field 1 progress.done)" 7
	is "$(field 1 progress.item)" x
}

@test "a step that there can't be is refused by report" {
	reporting 'jobctl report --step 9/3; echo $? >code; jobctl report --step 2/0; echo $? >>code'
	eventually has_line 2 code
	is "$(cat code)" $'2\n2'
}

@test "what is not understood is passed over, and breaks nothing" {
	reporting 'printf "X_JOBD_PROGRESS=lots\nX_JOBD_STEP=\nX_JOBD_COUNT=::,a:-1\nNOISE\n=\nSTATUS=still here" |
		socat -u - UNIX-SENDTO:$NOTIFY_SOCKET; head -c 60000 /dev/urandom | socat -u - UNIX-SENDTO:$NOTIFY_SOCKET; :'
	eventually is_field progress.text "still here"
	is "$(field 1 progress.done)" ""
	ok jobctl health
}

@test "a text that is far too long is cut, not lost, with all that came along" {
	# shellcheck disable=SC2016 # for the job's shell
	reporting 'jobctl report --percent 7 --item "$(printf "%0100000d" 0)"'
	eventually is_field progress.percent 7
	is "$(field 1 progress.item | tr -d '\n' | wc -c)" 512
}

@test "list shows how far a job is, a live wait tells of it" {
	reporting 'jobctl report --progress 50/100'
	eventually is_field progress.percent 50
	ok jobctl list
	contains "$output" 50%
}

@test "report outside a job says so" {
	not jobctl report --percent 5
	expect 2 jobctl report --percent many
}

@test "progress is still there when jobd was killed" {
	reporting 'jobctl report --percent 42'
	eventually is_field progress.percent 42
	kill_jobd
	start_jobd
	: >go
	ok jobctl wait 1
	is "$(field 1 state)" completed
}

@test "a job goes on reporting to the next jobd" {
	id=$(submit -- sh -c 'jobctl report --percent 1; : >told; while [ ! -e go ]; do sleep 0.02; done; jobctl report --percent 99')
	eventually test -e told
	kill_jobd
	start_jobd
	: >go
	ok jobctl wait "$id"
	is "$(field "$id" progress.percent)" 99
}

@test "the ingest that the demonstration runs counts what it added, updated and left alone" {
	ingest=$top_srcdir/etc/examples/ingest
	printf 'Package: %s\nVersion: 1\n\n' a b c >source
	ok jobctl submit --wait -- "$ingest" --source "$D/source" "$D/store"
	is "$(field 1 progress.counts)" '{"added":3,"unchanged":0,"updated":0}'
	is "$(field 1 progress.percent)" 100
	printf 'Package: %s\nVersion: 1\n\n' b c >source
	printf 'Package: %s\nVersion: 2\n\n' a d >>source
	ok jobctl submit --wait -- "$ingest" --source "$D/source" "$D/store"
	is "$(field 2 progress.counts)" '{"added":1,"unchanged":2,"updated":1}'
	cmp source store
}

@test "an ingest that was killed is gone on with where it was" {
	ingest=$top_srcdir/etc/examples/ingest
	for i in $(seq 100); do
		printf 'Package: p%s\nVersion: 1\n\n' "$i"
	done >source
	id=$(submit -- "$ingest" --source "$D/source" --pace 20 "$D/store")
	eventually has_line 'Package: p5' store.part
	ok jobctl cancel --now --wait "$id"
	not test -e store
	kept=$(grep -c ^Package: store.part)
	ok jobctl submit --wait -- "$ingest" --source "$D/source" "$D/store"
	is "$(field 2 progress.counts.unchanged)" "$kept"
	cmp source store
	not test -e store.part
}
