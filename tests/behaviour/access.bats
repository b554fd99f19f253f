# SPDX-License-Identifier: ISC
# Root's jobd among real users: what another may know of a job, and do to it; and who may submit.
load lib
load accounts

local_setup() {
	need_accounts
	chmod 755 "$D"
}

# The names of an object's fields, sorted, in one line.
fields() {
	perl -MJSON::PP -e 'local $/; print join(" ", sort keys %{decode_json(<STDIN>)}), "\n"'
}

# What anybody may know of a job.
PUBLIC="id priority queue state submitted_at_us uid user"

@test "of another's job there is what the manual says, field by field" {
	start_jobd
	config 'max_running = 1'
	ok jobctl reload
	job=(jobctl submit --parsable --name secret-n --project secret-p --meta k=secret-m)
	work='jobctl report --progress 1/2 --item secret-i --text secret-t; echo secret-o; sleep 60'
	id=$(as "$ANN" "${job[@]}" -- sh -c "$work")
	reaches "$id" running
	eventually has_progress "$id"
	waiting=$(as "$ANN" "${job[@]}" -- true secret-c)
	held=$(as "$ANN" "${job[@]}" --hold -- true secret-c)

	is "$(as "$BOB" jobctl status --json "$id" | fields)" \
	    "$(sorted <<<"$PUBLIC started_at_us" | tr '\n' ' ' | sed 's/ $//')"
	ok jobctl pause "$id"
	is "$(as "$BOB" jobctl status --json "$id" | fields)" \
	    "$(sorted <<<"$PUBLIC started_at_us paused_at_us" | tr '\n' ' ' | sed 's/ $//')"
	is "$(as "$BOB" jobctl status --json "$waiting" | fields)" \
	    "$(sorted <<<"$PUBLIC reason" | tr '\n' ' ' | sed 's/ $//')"
	is "$(as "$BOB" jobctl status --json "$held" | fields)" \
	    "$(sorted <<<"$PUBLIC" | tr '\n' ' ' | sed 's/ $//')"
	ok jobctl resume "$id"
	ok jobctl signal --all "$id" KILL
	reaches "$id" failed
	got=$(as "$BOB" jobctl status --json "$id" | fields)
	is "$(tr ' ' '\n' <<<"$got" | grep -vx paused_total_us | tr '\n' ' ')" \
	    "$(sorted <<<"$PUBLIC reason started_at_us ended_at_us" | tr '\n' ' ')"
	# List, Wait and the journal tell no more.
	ok as "$BOB" jobctl list --json
	is "$(wc -l <<<"$output")" 3
	lacks "$output" secret
	expect 125 as "$BOB" jobctl wait "$id"
	lacks "$output$error" secret
	ok as "$BOB" jobctl audit --json
	lacks "$output" secret
	lacks "$output" "$ANN"
	# The owner, root and an administrator see it all.
	for who in "as $ANN" ""; do
		for word in secret-n secret-p secret-m secret-i secret-t secret-o; do
			# shellcheck disable=SC2086 # two words, or none
			contains "$($who jobctl status --json "$id")" "$word"
		done
	done
	lacks "$(as "$BOB" jobctl list --json)" secret
	config "admin_group = \"$(id -gn "$BOB")\""
	ok jobctl reload
	contains "$(as "$BOB" jobctl list --json)" secret-n
	ok as "$BOB" jobctl log "$id"
	contains "$output" secret-o
	contains "$(as "$BOB" jobctl audit --json)" secret-n
}

has_progress() {
	[[ -n $(field "$1" progress.item) ]]
}

# Calls a method as a user, with these parameters, and prints the reply.
call_as() {
	as "$1" sh -c 'printf "{\"method\":\"org.jobd.%s\",\"parameters\":%s}\0" "$1" "$2" |
	    socat -t 5 - "UNIX-CONNECT:$JOBD_SOCKET" | tr "\0" "\n"' - "$2" "$3"
}

@test "what one may not see can't be found by looking for it" {
	command -v socat >/dev/null || skip "no socat"
	start_jobd
	as "$ANN" jobctl submit --wait --name secret-n --project secret-p --meta k=secret-m \
	    -- true secret-c
	as "$ANN" jobctl submit --hold --name secret-n --project secret-p --meta k=secret-m \
	    -- true secret-c
	as "$BOB" jobctl submit --hold --name own-n --project secret-p -- true own-c
	for filter in '"name":"secret*"' '"name":"*"' '"search":"secret"' '"search":"secret-c"' \
	    '"meta":{"k":"secret-m"}' '"projects":["secret-p"]'; do
		for more in '' ',"states":["completed"]' ',"ids":[1]' ',"limit":1' \
		    ",\"users\":[\"$ANN\"]"; do
			reply=$(call_as "$BOB" Job.List "{$filter$more}")
			lacks "$reply" "\"$ANN\""
			[[ $more == *limit* ]] || lacks "$reply" cursor
			lacks "$reply" secret-n
			contains "$(call_as "$ANN" Job.List "{$filter$more}")" secret-n
		done
	done
	# One's own are found, as before.
	contains "$(call_as "$BOB" Job.List '{"projects":["secret-p"]}')" own-n
	contains "$(call_as "$BOB" Job.List '{"search":"own-c"}')" own-n
	# Nor by what the journal tells of.
	for filter in '"ids":[1,2]' '"verbs":["submit"],"ids":[1]' "\"users\":[\"$ANN\"]"; do
		is "$(call_as "$BOB" Monitor.Audit "{$filter}")" '{"parameters":{"entries":[]}}'
	done
	contains "$(call_as "$ANN" Monitor.Audit '{"ids":[1]}')" secret-n
	# A token is one's own.
	submit='{"command":["true"],"hold":true,"cwd":"/","token":"t-1"}'
	contains "$(call_as "$ANN" Job.Submit "$submit")" '"id":4'
	contains "$(call_as "$BOB" Job.Submit "$submit")" '"id":5'
	contains "$(call_as "$ANN" Job.Submit "$submit")" '"id":4'
}

@test "every method that is the owner's is refused to others, and that is on record once a minute" {
	command -v socat >/dev/null || skip "no socat"
	start_jobd
	id=$(as "$ANN" jobctl submit --parsable -- sleep 60)
	reaches "$id" running
	tried=0
	# Whatever the interface says takes the owner, with what it needs besides the number.
	while read -r method; do
		case $method in
		Signal) p="{\"id\":$id,\"signal\":15}" ;;
		SetPriority) p="{\"id\":$id,\"priority\":1}" ;;
		*) p="{\"id\":$id}" ;;
		esac
		for _ in 1 2 3; do
			is "$(call_as "$BOB" "Job.$method" "$p")" \
			    '{"error":"org.varlink.service.PermissionDenied","parameters":{}}'
		done
		tried=$((tried + 1))
	done < <(awk '/^# Access: owner/ { owner = 1 } /^method / { if (owner) print $2; owner = 0 }' \
	    FS='[ (]' "$top_srcdir/lib/org.jobd.Job.varlink")
	[[ $tried -ge 9 ]]
	is "$(field "$id" state)" running
	is "$(field "$id" priority)" 5
	refused=$(jobctl audit --json --lines 0 --user "$BOB" | json result)
	is "$(grep -c PermissionDenied <<<"$refused")" "$tried"
	is "$(sort -u <<<"$refused")" PermissionDenied
	is "$(jobctl audit --json --lines 0 --user "$BOB" --verb output | json id)" "$id"
	is "$(count_lines "event=pause job=$id queue=default user=$ANN from=running attempt=1 result=PermissionDenied by=$BOB" "$D/jobd.log")" 1
}

# What each call of a member of admin_group was answered: its error, or "ok".
errors_of() {
	local pair
	for pair in "$@"; do
		call_as "$BOB" "${pair%% *}" "${pair#* }"
	done | perl -MJSON::PP -ne 'print(decode_json($_)->{error} // "ok", "\n")'
}

@test "a member of admin_group can't say what runs as somebody else" {
	command -v socat >/dev/null || skip "no socat"
	config "admin_group = \"$(id -gn "$BOB")\"" 'queue mail {}'
	start_jobd
	roots=$(jobctl submit --parsable --hold --chdir / -- sh -c 'echo of-root')
	anns=$(as "$ANN" jobctl submit --parsable --hold -- sh -c 'echo of-ann')
	pwn="\"command\":[\"sh\",\"-c\",\"touch $HOMES/$BOB/pwned\"]"
	for id in "$roots" "$anns"; do
		for change in "$pwn" '"name":"n"' '"project":"p"' '"meta":{"k":"v"}' "\"cwd\":\"$HOMES/$BOB\"" \
		    '"environment":["LD_PRELOAD=/tmp/x.so"]' '"set_environment":["LD_PRELOAD=/tmp/x.so"]' \
		    '"umask":0' '"clear":["cwd"]' '"clear":["environment"]' "\"queue\":\"mail\",$pwn"; do
			contains "$(call_as "$BOB" Job.Edit "{\"id\":$id,$change}")" '"org.jobd.Job.NotAllowed"'
		done
	done
	expect 5 as "$BOB" jobctl edit "$roots" -- id
	is "$error" "jobctl: cannot edit job $roots: command: what a job runs, and how, only its user (root) and root may change"
	expect 5 as "$BOB" jobctl edit "$anns" --env LD_PRELOAD=/tmp/x.so
	contains "$error" '--env: what a job runs'
	contains "$(jobctl audit --json --lines 0 --user "$BOB" --verb edit | json result)" NotAllowed
	# When and where it runs a member may say, and that it does.
	ok as "$BOB" jobctl edit "$roots" --queue mail --timeout 1h --after "$anns" --at now
	ok as "$BOB" jobctl edit "$roots" --clear after,timeout
	ok as "$BOB" jobctl priority "$roots" 1
	ok as "$BOB" jobctl release "$roots" "$anns"
	reaches "$roots" completed
	reaches "$anns" completed
	is "$(jobctl log "$roots")" of-root
	is "$(jobctl log "$anns")" of-ann
	# So may root of anybody's job, and its user.
	anns=$(as "$ANN" jobctl submit --parsable --hold -- false)
	ok as "$ANN" jobctl edit "$anns" -- sh -c 'exit 7'
	ok jobctl edit "$anns" --env CODE=8 -- sh -c 'id -u; exit $CODE'
	ok as "$BOB" jobctl release "$anns"
	reaches "$anns" failed
	# One that is repeated is what it was, as who it was.
	ok as "$BOB" jobctl retry "$anns"
	reaches "$anns" failed
	is "$(jobctl log "$anns")" "$(id -u "$ANN")"
	is "$(field "$anns" exit_code)" 8
	# Nor is there another call by which something of his becomes another's.
	is "$(errors_of 'Job.Submit {"command":["id"],"user":"root"}' \
	    "Job.Submit {\"command\":[\"id\"],\"user\":\"$ANN\"}" \
	    "Job.SubmitMany {\"jobs\":[{\"command\":[\"id\"]}],\"user\":\"$ANN\"}")" \
	    $'org.varlink.service.PermissionDenied\norg.varlink.service.PermissionDenied\norg.varlink.service.PermissionDenied'
	batch=$(call_as "$ANN" Job.SubmitMany '{"jobs":[{"command":["true"]}],"more_follows":true}' |
	    json parameters.batch)
	is "$(errors_of "Job.SubmitMany {\"jobs\":[{\"command\":[\"id\"]}],\"batch\":$batch}" \
	    "Job.SubmitMany {\"jobs\":[],\"batch\":$batch}")" $'org.jobd.Job.NotFound\norg.jobd.Job.NotFound'
	not test -e "$HOMES/$BOB/pwned"
}

@test "root runs no template that somebody else made, and others see who did" {
	config "admin_group = \"$(id -gn "$BOB")\"" 'template hello { command = {"echo", "declared"} }'
	start_jobd
	expect 5 as "$ANN" jobctl template set hello -- id
	ok jobctl run --template hello
	is "$output" declared
	ok as "$BOB" jobctl template set hello -- id -un
	for _ in 1 2; do
		for user in '' "--user $ANN"; do
			# shellcheck disable=SC2086 # two words, or none
			expect 5 jobctl submit --template hello $user
			is "$error" "jobctl: cannot submit the job: $BOB made the template hello; root takes those of root and of the configuration"
		done
		echo '{"template":"hello"}' >plan
		expect 5 jobctl submit --plan plan
		contains "$error" "$BOB made the template hello"
		# Whoever else takes it is told whose it is, and runs it as himself.
		ok as "$ANN" jobctl template show hello
		matches "$output" "made by: +$BOB"
		job_of "$ANN" --template hello
		is "$output" "$ANN"
		stop_jobd
		start_jobd
	done
	contains "$(jobctl audit --verb submit --json --user root | json result)" NotAllowed
	ok jobctl template set hello -- echo of-root
	ok jobctl run --template hello
	is "$output" of-root
	ok as "$BOB" jobctl template set hello -- id -un
	ok as "$BOB" jobctl template delete hello
	ok jobctl run --template hello
	is "$output" declared
}

@test "root takes the templates of a user's own jobd, where all jobs are that user's" {
	mkdir -m 700 "$D/state" "$D/run"
	chown "$ANN" "$D" "$D/state" "$D/run"
	as "$ANN" "$JOBD" -f -c "$D/jobd.conf" --state-dir "$D/state" --runtime-dir "$D/run" \
	    --socket "$D/s" </dev/null >>"$D/jobd.log" 2>&1 3>&- &
	jobd_pid=$!
	eventually jobd_answers
	ok as "$ANN" jobctl template set hello -- id -un
	ok jobctl run --template hello
	is "$output" "$ANN"
}

@test "a member of admin_group brings neither a configuration nor a program of his own" {
	config "admin_group = \"$(id -gn "$BOB")\""
	start_jobd
	was=$(readlink "/proc/$jobd_pid/exe")
	as "$BOB" sh -c 'mkdir own && cd own && printf "template evil { command = {\"id\"} }\n" | tee jobd.conf >.jobdrc
		printf "#!/bin/sh\ntouch ran\n" | tee jobd >jobd-keeper; chmod 755 jobd jobd-keeper'
	own=$HOMES/$BOB/own
	bring=(env --chdir="$own" HOME="$own" XDG_CONFIG_HOME="$own" PATH="$own:$PATH"
		JOBD_HANDOVER=3 JOBD_RESTART=1)
	ok as "$BOB" "${bring[@]}" jobctl reload
	ok as "$BOB" "${bring[@]}" jobctl daemon-reexec
	is "$(readlink "/proc/$jobd_pid/exe")" "$was"
	expect 4 jobctl template show evil
	ok as "$BOB" "${bring[@]}" jobctl run -- id -u
	is "$output" "$(id -u "$BOB")"
	not test -e "$own/ran"
}

@test "what jobd itself tells a job can't be said by whoever submits it" {
	command -v socat >/dev/null || skip "no socat"
	start_jobd
	said='["JOBD_ID=77","JOBD_ATTEMPT=9","JOBD_INVOCATION=x","JOBD_SOCKET=/x","JOBD_X=1","NOTIFY_SOCKET=/x"]'
	work='["sh","-c","env | grep -E \"^(JOBD_|NOTIFY_)\" | sort"]'
	call_as "$ANN" Job.Submit "{\"command\":$work,\"cwd\":\"/\",\"environment\":$said}"
	id=$(call_as "$ANN" Job.Submit "{\"command\":$work,\"cwd\":\"/\",\"hold\":true}" | json parameters.job.id)
	call_as "$ANN" Job.Edit "{\"id\":$id,\"set_environment\":$said}"
	ok as "$ANN" jobctl release "$id"
	for id in 1 2; do
		reaches "$id" completed
		is "$(jobctl log "$id" | grep -v INVOCATION | tr '\n' ' ')" \
		    "JOBD_ATTEMPT=1 JOBD_ID=$id JOBD_QUEUE=default JOBD_SOCKET=$D/s NOTIFY_SOCKET=$D/run/notify/$id.1 "
		lacks "$(jobctl log "$id")" INVOCATION=x
	done
}

@test "of a selection nobody waits for, or is told why of, what has ended of another's" {
	start_jobd
	expect 1 as "$ANN" jobctl run --project web -- false
	ok as "$BOB" jobctl run -- true
	expect 1 as "$ANN" jobctl run -- false
	ok as "$BOB" jobctl wait --since 1h
	is "$error" ''
	ok as "$BOB" jobctl wait --state failed --queue default
	is "$error" ''
	expect 1 as "$ANN" jobctl wait --since 1h
	ok as "$BOB" jobctl why --queue default
	contains "$output" 'job 2 completed'
}

@test "a key is a user's own: another's job with the same is neither returned nor in the way" {
	command -v socat >/dev/null || skip "no socat"
	start_jobd
	ok as "$ANN" jobctl submit --hold --unique nightly -- true
	submit='{"command":["id"],"cwd":"/","hold":true,"unique":"nightly","return_existing":true}'
	contains "$(call_as "$BOB" Job.Submit "$submit")" "\"user\":\"$BOB\""
	is "$(jobctl submit --parsable --hold --chdir / --unique nightly -- true)" 3
	is "$(jobctl list --json | json user | sort)" "$(printf '%s\n' "$ANN" "$BOB" root | sort)"
}

@test "who may submit is configured, and a reload changes it" {
	config "submit_groups = {\"$CREW\"}"
	start_jobd
	ok as "$ANN" jobctl submit --wait -- true # by a supplementary group
	expect 5 as "$BOB" jobctl submit -- true
	contains "$error" submit_groups
	config_only "submit_users = {\"$BOB\"}"
	ok jobctl reload
	ok as "$BOB" jobctl submit --wait -- true
	expect 5 as "$ANN" jobctl submit -- true
	# Who may not submit still controls the jobs that are there.
	ok as "$ANN" jobctl status 1
	config_only "submit_users = {\"$BOB\"}" "submit_groups = {\"$CREW\"}"
	kill -HUP "$jobd_pid"
	eventually as "$ANN" jobctl submit --wait -- true
	ok as "$BOB" jobctl submit --wait -- true
	config_only
	ok jobctl reload
	ok as "$BOB" jobctl submit --wait -- true
}

@test "who may submit no more runs nothing new, and keeps what was taken" {
	config 'queue import {}'
	start_jobd
	for queue in default import; do
		expect 3 as "$BOB" jobctl run --queue "$queue" -- sh -c 'exit 3'
		as "$BOB" jobctl submit --queue "$queue" --hold -- echo as-it-was
	done
	# One that fails first, and is tried again by itself.
	as "$BOB" jobctl submit --hold --attempts 2 --backoff 1ms -- sh -c 'mkdir tried || exit 0; exit 3'
	config_only "submit_users = {\"$ANN\"}" 'queue import {}'
	ok jobctl reload
	expect 5 as "$BOB" jobctl retry 1
	contains "$error" 'cannot retry job 1: not permitted'
	contains "$error" submit_users
	expect 1 as "$BOB" jobctl retry 1 3 # several: some
	expect 5 as "$BOB" jobctl edit 2 -- echo pwned
	contains "$error" submit_users
	expect 5 as "$BOB" jobctl edit 2 --queue import --env PATH=/tmp
	is "$(jobctl audit --json --lines 0 --user "$BOB" --verb retry | json result | sort -u)" PermissionDenied
	# When it runs is still the owner's.
	ok as "$BOB" jobctl edit 2 --timeout 1h --queue import
	ok as "$BOB" jobctl priority 2 1

	config_only "queue import { submit_users = {\"$ANN\"} }"
	ok jobctl reload
	is "$(as "$BOB" jobctl submit --queue import -- true 2>&1)" \
	    "jobctl: cannot submit the job: not permitted: it is open to submit_users $ANN and administrators (jobctl queue show import: submit_users, submit_groups)"
	expect 5 as "$BOB" jobctl retry 3
	is "$error" "jobctl: cannot retry job 3: not permitted: it is open to submit_users $ANN and administrators (jobctl queue show import: submit_users, submit_groups)"
	expect 5 as "$BOB" jobctl edit 4 -- echo pwned
	contains "$error" 'jobctl queue show import'
	expect 5 as "$BOB" jobctl edit 4 --queue import -- echo pwned
	ok as "$BOB" jobctl edit 4 --queue default -- echo elsewhere
	ok as "$BOB" jobctl retry 1
	ok jobctl queue set import "submit_users=$BOB"
	ok as "$BOB" jobctl retry 3
	expect 3 jobctl wait 1 3

	config_only "submit_users = {\"$ANN\"}" "queue import { submit_users = {\"$ANN\"} }"
	ok jobctl queue reset import
	ok jobctl reload
	ok as "$BOB" jobctl release 2 4 5
	for id in 2 4 5; do
		reaches "$id" completed
	done
	is "$(jobctl log 2) $(jobctl log 4) $(field 5 attempt)" 'as-it-was elsewhere 2'
	# Root and administrators may repeat it.
	ok jobctl retry 1
}
