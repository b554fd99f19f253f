# SPDX-License-Identifier: ISC
# Root's jobd among real users: whose a job is, and what can be reached of jobd's.
load lib
load accounts

local_setup() {
	need_accounts
	chmod 755 "$D"
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
