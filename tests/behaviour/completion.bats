# SPDX-License-Identifier: ISC
# Completion in bash, with a daemon to ask: what a person is offered at each place of a line.
load lib

local_setup() {
	# shellcheck source=etc/jobctl.bash disable=SC1091
	source "$top_srcdir/etc/jobctl.bash"
	start_jobd
}

# What is offered for the last of these words, in one line. COMP_TYPE is what bash says: 9 for a first
# Tab, 63 where it lists what there is.
offered() {
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
	_jobctl
	echo "${COMPREPLY[*]}"
}

# A job in each state: 1 completed, 2 failed, 3 cancelled, 4 running, 5 paused, 6 held, 7 queued.
jobs_in_all_states() {
	config 'max_running = 2'
	ok jobctl reload
	ok jobctl submit --wait --name first -- true
	expect 1 jobctl submit --wait --name second -- false
	submit --hold -- true
	ok jobctl cancel 3
	submit --name 'a "running" one' --meta state=x --meta name=y -- sleep 600
	submit --name $'five\e[2J' -- sleep 600
	reaches 4 running
	reaches 5 running
	ok jobctl pause 5
	submit --hold -- true
	submit -- true
}

@test "each verb offers the jobs it can do something with, the newest first" {
	jobs_in_all_states
	is "$(offered jobctl status '')" '7 6 5 4 3 2 1'
	is "$(offered jobctl log '')" '7 6 5 4 3 2 1'
	is "$(offered jobctl list '')" '7 6 5 4 3 2 1'
	is "$(offered jobctl audit '')" '7 6 5 4 3 2 1'
	is "$(offered jobctl wait '')" '7 6 5 4'
	is "$(offered jobctl cancel '')" '7 6 5 4'
	is "$(offered jobctl kill --now '')" '7 6 5 4'
	is "$(offered jobctl priority '')" '7 6 5 4'
	is "$(offered jobctl pause '')" 4
	is "$(offered jobctl resume '')" 5
	is "$(offered jobctl release '')" 6
	is "$(offered jobctl hold '')" 7
	is "$(offered jobctl signal '')" '5 4'
	is "$(offered jobctl retry '')" '3 2'
	is "$(offered jobctl rm '')" '3 2 1'
	is "$(offered jobctl status 9)" ''
}

@test "a job whose number is on the line is not offered again" {
	jobs_in_all_states
	is "$(offered jobctl pause 4 '')" ''
	is "$(offered jobctl cancel 4 6 '')" '7 5'
	is "$(offered jobctl cancel --now 5-7 '')" 4
	is "$(offered jobctl status 1,3-5 9 '')" '7 6 2'
	is "$(offered jobctl retry 02 x 1- '')" 3
}

# As daemon would be, who sources this file in a shell of its own.
offered_to_daemon() {
	local words
	printf -v words '%q ' "$@"
	setpriv --reuid daemon --regid daemon --clear-groups bash -c "
		source '$top_srcdir/etc/jobctl.bash'
		COMP_WORDS=($words) COMP_CWORD=$(($# - 1))
		_jobctl
		echo \"\${COMPREPLY[*]}\""
}

@test "who is not root is offered those jobs to control that he may" {
	as_root_only
	chmod 755 "$D"
	jobs_in_all_states
	for job in 'true' 'false'; do
		setpriv --reuid daemon --regid daemon --clear-groups jobctl submit --hold --chdir / -- "$job"
	done
	is "$(offered_to_daemon jobctl cancel '')" '9 8'
	is "$(offered_to_daemon jobctl release 8 '')" 9
	is "$(offered_to_daemon jobctl log '')" '9 8'
	is "$(offered_to_daemon jobctl retry '')" ''
	is "$(offered_to_daemon jobctl status '')" '9 8 7 6 5 4 3 2 1'
	is "$(offered_to_daemon jobctl wait '')" '9 8 7 6 5 4'
	is "$(offered jobctl cancel '')" '9 8 7 6 5 4'
	config "admin_group = \"$(id -gn daemon)\""
	ok jobctl reload
	is "$(offered_to_daemon jobctl cancel '')" '9 8 7 6 5 4'
}

@test "what runs is offered even if many have ended since" {
	submit -- sleep 600
	printf '{"command": ["true"], "meta": {"n": "%s"}}\n' {1..110} >plan
	ok jobctl submit --plan plan
	eventually_ended() { [[ $(jobctl list --limit 0 --state ended --json | wc -l) == 110 ]]; }
	eventually eventually_ended
	matches "$(offered jobctl status '')" '^111 110 .* 1$'
	is "$(offered jobctl status '' | wc -w)" 100
}

@test "every verb offers jobs that it takes, or none" {
	jobs_in_all_states
	while read -r verb; do
		case $verb in
		submit | run | help | report | reload | health | shutdown | signal | priority) continue ;;
		log | status | list | audit | wait | why | edit) continue ;; # they look, or want more
		esac
		_jobctl_states "$verb" >/dev/null || {
			# A verb that takes jobs says ID in its usage.
			if jobctl "$verb" --help | grep -q '^Usage:.* ID'; then
				echo "etc/jobctl.bash: _jobctl_states does not know which jobs '$verb' is for"
				return 1
			fi
			continue
		}
		for id in $(offered jobctl "$verb" ''); do
			[[ $verb == retry && $id == 2 ]] || ok jobctl "$verb" --yes "$id"
			break
		done
	done < <(jobctl --help | sed -n 's/^  \([a-z][a-z-]*\)[ ,].*/\1/p')
}

@test "where several are listed, each has its state and name, and none can do harm" {
	jobs_in_all_states
	COMP_TYPE=63
	COMP_WORDS=(jobctl cancel '') COMP_CWORD=2
	_jobctl
	is "${#COMPREPLY[@]}" 4
	is "${COMPREPLY[0]}" '7 queued'
	is "${COMPREPLY[1]}" '6 held'
	is "${COMPREPLY[2]}" '5 paused five\u001B[2J'
	is "${COMPREPLY[3]}" '4 running a \"running\" one'
	# A single one goes on the line.
	is "$(offered jobctl cancel 4)" 4
	is "$(offered jobctl resume '')" 5
	# Menu completion puts each on the line in its turn.
	COMP_TYPE=37
	is "$(offered jobctl cancel '')" '7 6 5 4'
}

@test "in a bash at a terminal, Tab lists the jobs and completes a number" {
	command -v script >/dev/null || skip "no script(1)"
	submit --name alpha --hold -- true
	submit --name beta --hold -- true
	# Two Tabs list, then the number is completed, and the line is run.
	cat >rc <<-END
		PS1='ready> '
		bind 'set bell-style none' 'set enable-bracketed-paste off'
		source '$top_srcdir/etc/jobctl.bash'
	END
	mkfifo keys
	script -qfec 'bash --noprofile --rcfile rc -i' seen <keys >/dev/null 2>&1 3>&- &
	typist=$!
	exec 8>keys
	eventually has_line 'ready>' seen
	printf 'jobctl release \t\t' >&8
	eventually has_line '1 held alpha' seen
	eventually has_line '2 held beta' seen
	printf '2\t\n' >&8
	eventually has_line 'job 2 released' seen
	printf 'exit\n' >&8
	exec 8>&-
	wait "$typist"
	is "$(field 1 state)" held
}

@test "the daemon that the line names is asked" {
	submit --hold -- true
	is "$(JOBD_SOCKET=$D/nobody offered jobctl release '')" ''
	is "$(JOBD_SOCKET=$D/nobody offered jobctl --socket "$D/s" release '')" 1
	is "$(JOBD_SOCKET=$D/nobody offered jobctl release --socket "$D/s" '')" 1
	is "$(JOBD_SOCKET=$D/nobody offered jobctl --socket = "$D/s" release '')" 1
}

@test "a daemon that does not answer holds nobody up" {
	perl -MIO::Socket::UNIX -e '
		my $s = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 5) or die;
		open(my $f, ">", "mute.ready");
		sleep 600' "$D/mute" 3>&- &
	mute=$!
	eventually test -e mute.ready
	start=$SECONDS
	is "$(offered jobctl --socket "$D/mute" cancel '')" ''
	took=$((SECONDS - start))
	kill "$mute"
	wait "$mute" || :
	((took < 10 * SLOWNESS))
}

@test "a queue's values are offered after their keys, and what is in a list is not offered again" {
	is "$(offered jobctl queue set default rec)" recovery=
	is "$(offered jobctl queue set default recovery = '')" 'retry fail hold'
	is "$(offered jobctl queue set default recovery h)" hold
	is "$(offered jobctl queue set default max_running '')" ''
	is "$(offered jobctl queue set default max_running 4 warn)" warn=
	is "$(offered jobctl edit 1 --clear at,de)" at,deadline
	is "$(offered jobctl edit 1 --clear at,a)" 'at,after at,attempts'
	is "$(offered jobctl audit --verb se)" 'seal set-aside'
	is "$(offered jobctl audit --verb queue-p)" queue-pause
}

@test "a slot can be given up by what runs, and by what is paused" {
	jobs_in_all_states
	is "$(offered jobctl pause --release-slot '')" '5 4'
}
