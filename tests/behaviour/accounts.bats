# SPDX-License-Identifier: ISC
# Root's jobd among real users: whose a job is, and what another may know of it, and can reach.
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
	chmod 755 "$D"
}

# What a job printed, which ran as a user with these options and this command.
job_of() {
	local user=$1
	shift
	ok as "$user" jobctl run "$@"
}

# The names of an object's fields, sorted, in one line.
fields() {
	perl -MJSON::PP -e 'local $/; print join(" ", sort keys %{decode_json(<STDIN>)}), "\n"'
}

sorted() {
	tr ' ' '\n' | sort
}

@test "a job is its submitter: ids, all groups, home and shell" {
	start_jobd
	job_of "$ANN" -- id -u
	is "$output" "$(id -u "$ANN")"
	job_of "$ANN" -- id -g
	is "$output" "$(id -g "$ANN")"
	job_of "$ANN" -- id -G
	is "$(sorted <<<"$output")" "$(id -G "$ANN" | sorted)"
	contains " $(id -Gn "$ANN") " " $CREW "
	job_of "$BOB" -- id -G
	is "$(sorted <<<"$output")" "$(id -G "$BOB" | sorted)"
	job_of "$ANN" -- awk '/^(Uid|Gid):/ { print $2, $3, $4, $5 }' /proc/self/status
	u=$(id -u "$ANN") g=$(id -g "$ANN")
	is "$output" "$u $u $u $u"$'\n'"$g $g $g $g"
	job_of "$ANN" --clean-env -- env
	for entry in "HOME=$HOMES/$ANN" "USER=$ANN" "LOGNAME=$ANN" SHELL=/bin/bash; do
		grep -qxF "$entry" <<<"$output"
	done
	job_of "$ANN" -- sh -c 'echo mine >there && cat there && stat -c %U there'
	is "$output" $'mine\n'"$ANN"
	[[ -f $HOMES/$ANN/there ]]
}

@test "a job that root submits for a user is that user, at home" {
	start_jobd
	mkdir -m 700 "$D/root-only"
	cd "$D/root-only"
	ok jobctl run --user "$ANN" -- sh -c 'id -un; pwd; id -G'
	is "$(sed -n 1p <<<"$output")" "$ANN"
	is "$(sed -n 2p <<<"$output")" "$HOMES/$ANN"
	is "$(sed -n 3p <<<"$output" | sorted)" "$(id -G "$ANN" | sorted)"
	ok jobctl run --user "$ANN" --chdir / -- pwd
	is "$output" /
	expect 126 jobctl run --user "$ANN" --chdir "$D/root-only" -- pwd
	ok jobctl run -- pwd # as oneself: here
	is "$output" "$D/root-only"
	# The job is the user's, who may control it, and see it.
	id=$(jobctl submit --parsable --user "$ANN" -- sleep 60)
	reaches "$id" running
	ok as "$ANN" jobctl cancel --wait "$id"
	ok as "$ANN" jobctl status "$id"
	contains "$output" "sleep 60"
}

# What a job prints of itself, for a comparison with what is due.
of_itself='
	grep -E "^(Groups|Cap|NoNewPrivs|Seccomp:|Sig(Blk|Ign|Cgt))" /proc/self/status
	setpriv --dump | grep -E "^(Ambient|Securebits|Parent)"
	cat /proc/self/limits /proc/self/oom_score_adj
	readlink /proc/self/fd/0
	tr " " "\n" </proc/$$/stat | sed -n "s/^/stat /; 7p"
	id -G'

@test "nothing of the daemon's descriptors, environment or privilege is in a job" {
	export SECRET=of-root NOTIFY_SOCKET=$D/nowhere LISTEN_FDS=1 JOBD_X=1
	(
		umask 077
		trap '' HUP USR1 INT PIPE RTMIN+3
		exec 6</etc/shadow 8>"$D/root-file" 19</etc/passwd
		exec nice -n -40 setpriv --inh-caps +net_raw,+chown --ambient-caps +net_raw --groups 0,1,2 \
		    --securebits +no_setuid_fixup \
		    "$JOBD" -f -c "$D/jobd.conf" --state-dir "$D/state" --runtime-dir "$D/run" \
		    --socket "$D/s" </dev/null >>"$D/jobd.log" 2>&1 3>&-
	) &
	jobd_pid=$!
	eventually jobd_answers
	unset SECRET NOTIFY_SOCKET LISTEN_FDS JOBD_X

	job_of "$ANN" --clean-env -- bash -c "$of_itself"
	got=$output
	due=$(as "$ANN" bash -c "$of_itself" </dev/null 3>&-)
	# As for anybody whom root has made ann, but for the signals that the tests ignore.
	diff <(grep -vE '^(SigIgn|stat|[0-9-]+$)' <<<"$due") \
	    <(grep -vE '^(SigIgn|stat|[0-9-]+$)' <<<"$got")
	contains "$got" $'CapInh:\t0000000000000000'
	contains "$got" $'CapPrm:\t0000000000000000'
	contains "$got" $'CapEff:\t0000000000000000'
	contains "$got" $'CapAmb:\t0000000000000000'
	contains "$got" $'NoNewPrivs:\t0'
	contains "$got" $'SigBlk:\t0000000000000000'
	contains "$got" $'SigIgn:\t0000000000000000'
	contains "$got" "stat 0" # no terminal
	contains "$got" /dev/null
	job_of "$ANN" --clean-env -- sh -c 'cat /proc/self/oom_score_adj; nice'
	is "$output" 0$'\n'0
	# 3 is the directory that ls reads.
	job_of "$ANN" --clean-env -- ls /proc/self/fd
	is "$(tr '\n' ' ' <<<"$output")" "0 1 2 3 "
	job_of "$ANN" --clean-env -- bash -c 'ulimit -Sn; ulimit -Hn; umask'
	is "$output" "$(ulimit -Sn; ulimit -Hn)"$'\n'"$(umask)"
	job_of "$ANN" --clean-env --name x -- env
	is "$(cut -d = -f 1 <<<"$output" | sort | tr '\n' ' ')" \
	    "HOME JOBD_ATTEMPT JOBD_ID JOBD_INVOCATION JOBD_NAME JOBD_QUEUE JOBD_SOCKET LOGNAME NOTIFY_SOCKET PATH SHELL USER "
	# What is asked for as jobd's own is not taken from whoever calls.
	ok as "$ANN" env JOBD_ID=77 NOTIFY_SOCKET=/x jobctl run -- sh -c 'echo $JOBD_ID $NOTIFY_SOCKET'
	is "$output" "6 $D/run/notify/6.1"
}

# Runs a command with a session keyring of its own that holds a key. The numbers are x86-64's.
with_key() {
	perl -e 'my $name = "keyring-of-root"; syscall(250, 1, $name);
	    my ($type, $key, $value) = ("user", "secret", "hunter2");
	    syscall(248, $type, $key, $value, 7, -3) > 0 or exit 77;
	    exec @ARGV' -- "$@"
}

read_key='my ($type, $key, $buf) = ("user", "secret", "\0" x 16);
    my $id = syscall(250, 10, -3, $type, $key, 0);
    print $id < 0 ? "none\n" : syscall(250, 11, $id, $buf, 16) . " bytes: $buf\n"'

@test "the keys of whoever started jobd are not in a job" {
	[[ $(uname -m) == x86_64 ]] || skip "the numbers of system calls are x86-64's"
	with_key true || skip "there are no keyrings here"
	with_key "$JOBD" -f -c "$D/jobd.conf" --state-dir "$D/state" --runtime-dir "$D/run" \
	    --socket "$D/s" </dev/null >>"$D/jobd.log" 2>&1 3>&- &
	jobd_pid=$!
	eventually jobd_answers
	contains "$(with_key perl -e "$read_key")" hunter2 # the test's own eyes are good
	job_of "$ANN" -- perl -e "$read_key"
	is "$output" none
	ok jobctl run -- perl -e "$read_key"
	is "$output" none
}

@test "set-user-ID programs work in jobs" {
	! findmnt -no OPTIONS --target "$D" | tr , '\n' | grep -qx nosuid || skip "$D is on a nosuid mount"
	install -m 4755 -o root "$(command -v id)" "$D/who"
	start_jobd
	job_of "$ANN" -- "$D/who" -u
	is "$output" 0
	install -m 2755 -o root -g "$CREW" "$(command -v id)" "$D/who"
	job_of "$BOB" -- "$D/who" -gn
	is "$output" "$CREW"
	# What has become root in ann's job is of it still, and she can signal it.
	install -m 4755 -o root "$(command -v perl)" "$D/become"
	id=$(as "$ANN" jobctl submit --parsable -- "$D/become" -e '$SIG{USR1} = sub { print "$<\n"; exit };
	    $< = $>; $0 = "ready"; sleep 1 while 1')
	eventually grep -qx ready "/proc/$(pid_of "$id")/comm"
	ok as "$ANN" jobctl signal "$id" USR1
	reaches "$id" completed
	is "$(jobctl log "$id")" 0
}

pid_of() {
	reaches "$1" running
	field "$1" pid
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
	expect 5 as "$BOB" jobctl wait "$id"
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

# What a user finds below jobd's directories that this user could write to, or read.
reach_of() {
	as "$1" find "$D/state" "$D/run" ! -type l \( -writable -o -type f -readable \) ! -name jobd.sock \
	    2>/dev/null || :
}

@test "nobody reaches anything in jobd's directories but the notify socket of a job of their own" {
	start_jobd
	id=$(as "$ANN" jobctl submit --parsable -- sh -c 'echo secret-o; sleep 60')
	reaches "$id" running
	stopped=$(as "$ANN" jobctl submit --parsable --wait -- echo secret-o)
	notify=$D/run/notify/$id.1
	[[ -S $notify && -n $stopped ]]

	is "$(reach_of "$BOB")" ""
	is "$(reach_of "$ANN")" ""
	for dir in state run run/keepers run/notify state/log state/store state/exits; do
		for name in x "$id" "$id.2" 1.1.log; do
			not as "$BOB" touch "$D/$dir/$name"
			not as "$ANN" touch "$D/$dir/$name"
			not as "$BOB" ln -s /etc/passwd "$D/$dir/$name"
			not as "$ANN" ln -s "$HOMES/$ANN" "$D/$dir/$name"
			not as "$ANN" mkdir "$D/$dir/$name"
		done
		not as "$BOB" mv "$D/$dir" "$D/$dir.old"
		not as "$ANN" mv "$D/$dir" "$HOMES/$ANN/dir"
	done
	not as "$ANN" rm -f "$notify"
	not as "$ANN" mv "$notify" "$HOMES/$ANN/notify"
	not as "$BOB" ls "$D/run/notify"
	not as "$BOB" cat "$D/state/log/0/$stopped.1.log"
	# By what the log is to the job: bob can't, and ann can't get another's.
	pid=$(field "$id" pid)
	not as "$BOB" cat "/proc/$pid/fd/1"
	not as "$BOB" ls "/proc/$pid/cwd/"
	not as "$ANN" cat "$D/state/log/0/$id.1.log"

	# The notify socket hears its owner alone.
	say='use Socket; socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die;
	    connect($s, pack_sockaddr_un($ARGV[0])) && send($s, "STATUS=$ARGV[1]\n", 0) or exit 13'
	expect 13 as "$BOB" perl -e "$say" "$notify" of-bob
	ok as "$ANN" perl -e "$say" "$notify" of-ann
	eventually has_text "$id" of-ann
	# A hard link of it is of no use to bob, who can't even make one.
	not as "$BOB" ln "$notify" "$HOMES/$BOB/notify"
}

has_text() {
	[[ $(field "$1" progress.text) == "$2" ]]
}

@test "a directory that one can't enter is not entered, by whichever way" {
	start_jobd
	secret=$D/secret
	mkdir -m 700 "$secret"
	echo secret-d >"$secret/file"
	expect 126 as "$ANN" jobctl run --chdir "$secret" -- ls
	contains "$output$error" "chdir"
	as "$ANN" ln -s "$secret" "$HOMES/$ANN/link"
	expect 126 as "$ANN" jobctl run --chdir "$HOMES/$ANN/link" -- cat file
	expect 126 as "$BOB" jobctl run --chdir "$HOMES/$ANN" -- ls
	# Swapped between the submission and the start.
	as "$ANN" mkdir "$HOMES/$ANN/work"
	id=$(as "$ANN" jobctl submit --parsable --hold --chdir "$HOMES/$ANN/work" -- cat file)
	as "$ANN" sh -c 'rmdir work && ln -s "$1" work' - "$secret"
	ok as "$ANN" jobctl release "$id"
	reaches "$id" failed
	lacks "$(jobctl log "$id")" secret-d
	# A job that swaps its own, and is retried there.
	as "$ANN" sh -c 'rm work; mkdir work'
	swap='cd ..; rmdir work; ln -s "$1" work; exit 3'
	id=$(as "$ANN" jobctl submit --parsable --chdir "$HOMES/$ANN/work" -- sh -c "$swap" - "$secret")
	reaches "$id" failed
	is "$(field "$id" reason)" exit
	ok as "$ANN" jobctl retry "$id"
	reaches "$id" failed
	is "$(field "$id" reason)" spawn
	contains "$(field "$id" error)" "chdir $HOMES/$ANN/work"
	# HOME says where a program looks for its things, not where jobd looks for the user's home.
	ok as "$ANN" env HOME="$secret" jobctl run -- sh -c 'echo $HOME; pwd'
	is "$output" "$secret"$'\n'"$HOMES/$ANN"
}

# Listens as a user where that user's daemon would, and notes what comes.
listen_as() {
	as "$1" sh -c 'mkdir -p jobd && echo $$ >pid
	    exec socat -u UNIX-LISTEN:jobd/jobd.sock,fork OPEN:heard,creat,append' \
	    </dev/null >/dev/null 2>&1 3>&- &
	eventually test -S "$HOMES/$1/jobd/jobd.sock"
	listener=$(cat "$HOMES/$1/pid")
}

@test "another's directories do not lead root's jobctl, or root's jobd, to another" {
	command -v socat >/dev/null || skip "no socat"
	listen_as "$BOB"
	got=0
	env -u JOBD_SOCKET XDG_RUNTIME_DIR="$HOMES/$BOB" XDG_STATE_HOME="$HOMES/$BOB" HOME="$HOMES/$BOB" \
	    "$JOBCTL" list >"$D/out" 2>&1 || got=$?
	kill "$listener"
	[[ ! -s $HOMES/$BOB/heard ]] # whether or not the machine has a jobd of its own
	# Directories that somebody else could change are not taken.
	as "$BOB" mkdir state
	expect 1 "$JOBD" -f -c "$D/jobd.conf" --state-dir "$HOMES/$BOB/state" --runtime-dir "$D/run" \
	    --socket "$D/s"
	as "$BOB" ln -s "$D/elsewhere" link
	mkdir -m 700 "$D/elsewhere"
	expect 1 "$JOBD" -f -c "$D/jobd.conf" --state-dir "$HOMES/$BOB/link" --runtime-dir "$D/run" \
	    --socket "$D/s"
	expect 1 "$JOBD" -f -c "$D/jobd.conf" --state-dir "$D/state" --runtime-dir "$HOMES/$BOB/link" \
	    --socket "$D/s"
	is "$(ls "$D/elsewhere")" ""
}
