# SPDX-License-Identifier: ISC
# Which jobs are meant, and how they are shown.
load lib

local_setup() {
	start_jobd
}

# Five held jobs to choose from.
five() {
	submit --hold --name import-a --project web --meta ticket=1 -- true
	submit --hold --name import-b --project web --meta ticket=2 -- true
	submit --hold --name export-a --project shop -- true
	submit --hold --name export-b --project shop --priority high -- echo needle
	submit --hold -- true
} >/dev/null

# The numbers that list prints, ascending, in one line.
ids() {
	jobctl list --json "$@" | json id | sort -n | tr '\n' ' '
}

@test "jobs are named by number, range and list" {
	five
	is "$(ids 2)" "2 "
	is "$(ids 2-4)" "2 3 4 "
	is "$(ids 1,4)" "1 4 "
	is "$(ids 1 3-4 5)" "1 3 4 5 "
	expect 2 jobctl list 4-2
	expect 2 jobctl list 0
	expect 2 jobctl list 1,,2
}

@test "jobs are selected by what they are" {
	five
	ok jobctl cancel 5
	is "$(ids --state cancelled)" "5 "
	is "$(ids --state held,cancelled)" "1 2 3 4 5 "
	is "$(ids --project web)" "1 2 "
	is "$(ids --name 'import-*')" "1 2 "
	is "$(ids --name '*-a')" "1 3 "
	is "$(ids --meta ticket=2)" "2 "
	is "$(ids --queue default --project shop)" "3 4 "
	is "$(ids --queue nowhere)" ""
	is "$(ids --user "$(id -un)" --state held)" "1 2 3 4 "
	is "$(ids --search NEEDLE)" "4 "
	is "$(ids --project web --name '*-b')" "2 "
	expect 2 jobctl list --state asleep
	contains "$error" asleep
}

second_is() {
	(($(date +%s) >= $1))
}

@test "jobs are selected by when they were submitted" {
	submit --hold -- true >/dev/null
	now=$(($(field 1 submitted_at_us) / 1000000 + 1))
	eventually second_is "$now"
	submit --hold -- true >/dev/null
	is "$(ids --since "@$now")" "2 "
	is "$(ids --until "@$now")" "1 "
	is "$(ids --since 1h)" "1 2 "
	expect 2 jobctl list --since someday
}

@test "a selection serves the other verbs as well" {
	five
	ok jobctl release --yes --project web
	ok jobctl wait 1 2
	is "$(ids --state held)" "3 4 5 "
	ok jobctl cancel --yes --name 'export-*'
	is "$(ids --state held)" "5 "
	ok jobctl delete --yes --state completed,cancelled
	is "$(ids)" "5 "
}

@test "a verb with nothing to work on is a mistake, and a selection that finds nothing is none" {
	expect 2 jobctl cancel
	ok jobctl cancel --project nowhere
	is "$error" 'jobctl: no job matches that cancel could change'
	# Who only looks, or waits, from a cron job has done all there was to do...
	ok jobctl submit --wait --project here -- true
	ok jobctl wait --project here
	is "$error" ''
	ok jobctl status --state failed --project here
	is "$error" ''
	contains "$(shown 80 24 'jobctl wait --project here')" 'no job matches that has not ended'
	contains "$(shown 80 24 'jobctl status --state failed')" 'no job matches'
	is "$(shown 80 24 'jobctl wait --quiet --project here')" ''
	# ...but what no job ever matched is a slip.
	expect 125 jobctl wait --project nowhere
	is "$error" 'jobctl: wait: no job matches'
	for verb in status why; do
		expect 4 jobctl "$verb" --quiet --project nowhere
		is "$error" "jobctl: $verb: no job matches"
	done
	expect 125 jobctl wait --queue nowhere
	contains "$error" "there is no queue 'nowhere'"
}

@test "a selection that is bounded includes what has ended before anybody waited for it" {
	expect 3 jobctl submit --wait --project p --name n -- sh -c 'exit 3'
	expect 4 jobctl submit --wait --project p --name n -- sh -c 'exit 4'
	ok jobctl wait --project p # of all the years, what has not ended
	expect 4 jobctl wait --project p --since 1h
	expect 4 jobctl wait --project p --state failed
	expect 3 jobctl wait --project p 1-9
	expect 125 jobctl wait --project q --since 1h
	echo '{"command": ["sh", "-c", "exit 5"]}' >plan
	expect 5 jobctl submit --wait --plan plan
	batch=$(field 3 batch)
	expect 5 jobctl wait --batch "$batch"
}

@test "why answers for the newest of a selection of which all has ended" {
	expect 1 jobctl submit --wait --name n -- false
	expect 1 jobctl submit --wait --name n -- false
	ok jobctl why --name n
	contains "$output" 'job 2 is failed'
	lacks "$output" 'job 1'
	ok jobctl why --name n --state live
	is "$output" ''
	submit --name n --hold -- true
	ok jobctl why --name n
	contains "$output" 'job 3 is held'
	lacks "$output" 'job 2'
}

@test "users are known by name and by number, and one that is not there is told" {
	five
	is "$(ids --user "$(id -u)")" "1 2 3 4 5 "
	expect 4 jobctl list --user nosuchuser
	contains "$error" "there is no user 'nosuchuser'"
	expect 4 jobctl cancel --user 4199999999
	expect 125 jobctl wait --user nosuchuser
}

@test "of several jobs, each is dealt with, and 1 says that some failed" {
	five
	ok jobctl cancel 1
	expect 1 jobctl hold 1 2
	contains "$error" 1
	is "$(field 2 state)" held
	expect 1 jobctl cancel 2 99
	is "$(field 2 state)" cancelled
}

@test "more than ten jobs at a time are no trouble in a pipe" {
	for i in $(seq 12); do
		submit --hold -- true >/dev/null
	done
	ok jobctl cancel --state held
	is "$(ids --state cancelled | wc -w)" 12
}

@test "list shows the columns, and is what a bare jobctl does" {
	five
	ok jobctl list
	matches "$(head -n 1 <<<"$output")" '^ *ID +STATE +PRI +QUEUE +NAME +PROGRESS +ELAPSED +USER +REASON$'
	contains "$output" import-a
	is "$(wc -l <<<"$output")" 6
	ok jobctl ls
	is "$(wc -l <<<"$output")" 6
	ok jobctl
	is "$(wc -l <<<"$output")" 6
}

@test "list is never cut in a pipe" {
	long=$(printf 'n%.0s' {1..200})
	submit --hold --name "$long" -- true >/dev/null
	COLUMNS=40 ok jobctl list
	contains "$output" "$long"
}

@test "list sorts and pages" {
	five
	is "$(jobctl list --json --sort priority | json id | head -n 1)" 4
	is "$(jobctl list --json --limit 2 | wc -l)" 2
	jobctl list --json --limit 1000 | json id >all
	sort -c -n -r all || sort -c -n all
}

@test "the first page has all that have not ended, too" {
	for i in 1 2 3; do
		submit --hold -- true
		reaches "$(submit -- true)" completed
	done
	ok jobctl list --json --limit 2 --cursor ''
	is "$(json id <<<"$output" | sort -n | tr '\n' ' ')" '1 3 4 5 6 '
	matches "$error" '--cursor [0-9]+ goes on'
	expect 2 jobctl list 1-6 --cursor ''
	contains "$error" '--cursor goes on in a selection'
}

@test "a script pages by the cursor that is told, beginning with none" {
	five
	cursor='' found=''
	for _ in 1 2 3; do
		ok jobctl list --json --state held --limit 2 --cursor "$cursor"
		found+=$(json id <<<"$output")' '
		cursor=$(sed -n 's/.*--cursor \([0-9]*\) goes on.*/\1/p' <<<"$error")
	done
	is "$found" $'5\n4 3\n2 1 '
	is "$cursor" ''
	ok jobctl list --state held --limit 2 # nobody asked to go on
	is "$error" ''
}

@test "--json gives one object a line, with the fields' fixed names" {
	ok jobctl submit --wait --name n --project p --meta k=v -- sh -c 'jobctl report --percent 5; exit 3' || :
	ok jobctl list --json
	is "$(wc -l <<<"$output")" 1
	for name in id name state reason queue project user uid priority command cwd exit_code attempt \
	    attempts submitted_at_us started_at_us ended_at_us progress.percent usage.cpu_us \
	    usage.max_rss_kb meta.k; do
		[[ -n $(json "$name" <<<"$output") ]] || {
			echo "no $name"
			return 1
		}
	done
	is "$(json signal <<<"$output")" ""
	is "$(json cancel_requested <<<"$output")" ""
}

@test "-o wide shows more" {
	five
	ok jobctl list -o wide
	contains "$(head -n 1 <<<"$output")" PROJECT
}

@test "a name from outside can't work on the terminal" {
	submit --hold --name $'red\e[31m\nnext\tline\x7f' -- $'\e]0;title\a' >/dev/null
	for command in list 'status 1' 'list -o wide' 'audit'; do
		# shellcheck disable=SC2086 # words
		ok jobctl $command
		lacks "$output" $'\e'
		lacks "$output" $'\a'
		lacks "$output" $'\x7f'
	done
	ok jobctl list
	is "$(wc -l <<<"$output")" 2
	is "$(field 1 name)" $'red\e[31m\nnext\tline\x7f'
}

@test "no colour where there is no terminal, and none under NO_COLOR" {
	unset NO_COLOR
	five
	ok jobctl list
	lacks "$output" $'\e'
	script_list NO_COLOR=1 >shown
	lacks "$(<shown)" $'\e['
}

# Runs list on a terminal of its own, with these variables.
script_list() {
	command -v script >/dev/null || skip "no script(1)"
	script -qec "env $* TERM=xterm $JOBCTL list" /dev/null </dev/null
}

@test "at a terminal the list fits its width" {
	long=$(printf 'n%.0s' {1..200})
	submit --hold --name "$long" -- true >/dev/null
	command -v script >/dev/null || skip "no script(1)"
	script -qec "stty cols 80; NO_COLOR=1 TERM=xterm $JOBCTL list" /dev/null </dev/null |
	    tr -d '\r' >shown
	while read -r line; do
		[[ ${#line} -le 80 ]]
	done <shown
	has_line nnn shown
}

@test "at a narrow terminal NAME and REASON stay, and the queue goes first" {
	submit --name a-name-to-be-read -- sh -c 'jobctl report --percent 50; exit 3' >/dev/null
	expect 3 jobctl wait 1
	submit --hold -- true >/dev/null
	ok jobctl cancel 2
	command -v script >/dev/null || skip "no script(1)"
	script -qec "stty cols 60; NO_COLOR=1 TERM=xterm LC_ALL=C.UTF-8 $JOBCTL list" /dev/null \
	    </dev/null | tr -d '\r' >shown
	matches "$(head -n 1 shown)" '^ *ID +STATE +PRI +NAME +PROGRESS +ELAPSED +USER +REASON$'
	contains "$(<shown)" 'exit 3'
	contains "$(<shown)" ' 50% '
	script -qec "stty cols 40; NO_COLOR=1 TERM=xterm LC_ALL=C.UTF-8 $JOBCTL list" /dev/null \
	    </dev/null | tr -d '\r' >shown
	matches "$(head -n 1 shown)" '^ *ID +STATE +NAME +.*REASON$'
	contains "$(<shown)" 'exit 3'
}

@test "in a pipe a job with many arguments does not push the others aside" {
	submit --hold -- true >/dev/null
	# shellcheck disable=SC2046 # words
	submit --hold -- echo $(seq 1000) >/dev/null
	ok jobctl list
	contains "$output" ' 999 1000'
	shortest=$(awk '{ print length }' <<<"$output" | sort -n | head -n 1)
	[[ $shortest -lt 100 ]]
}

# shown COLUMNS LINES COMMAND: what it shows on such a terminal, where a user's name has four letters.
shown() {
	local user
	user=$(id -un)
	command -v script >/dev/null || skip "no script(1)"
	script -qec "stty cols $(($1 + ${#user} - 4)) rows $2; NO_COLOR=1 TERM=xterm LC_ALL=C.UTF-8 $3" /dev/null </dev/null | tr -d '\r'
}

@test "what runs stands before what waits, and at a terminal a screenful of all is shown" {
	running=$(submit -- sleep 600)
	reaches "$running" running
	for ((i = 0; i < 20; i++)); do
		submit --hold -- true >/dev/null
	done
	is "$(jobctl list --json | head -n 1 | json id)" "$running"
	is "$(jobctl list | wc -l)" 22
	shown 80 24 jobctl >seen
	matches "$(sed -n 2p seen)" "^ *$running running"
	is "$(grep -c ' held ' seen)" 19
	contains "$(<seen)" '1 more wait: jobctl list --limit 0 --state queued,held'
	is "$(shown 80 24 'jobctl list --limit 0' | grep -c ' held ')" 20
	is "$(jobctl list --json 3 5 4 | json id | tr '\n' ' ')" '3 5 4 '
}

@test "no more than 50 lines are filled up with what has ended" {
	for ((i = 0; i < 3; i++)); do
		submit --hold -- true >/dev/null
	done
	printf '{"command": ["true"], "meta": {"n": "%s"}}\n' {1..50} >plan
	ok jobctl submit --wait --plan plan
	is "$(jobctl list --json | wc -l)" 50
}

@test "sorting loses no job that has not ended" {
	printf '{"command": ["true"], "meta": {"n": "%s"}}\n' {1..55} >plan
	ok jobctl submit --wait --plan plan
	printf '{"command": ["true"], "hold": true, "meta": {"n": "%s"}}\n' {1..14} >plan
	ok jobctl submit --plan plan
	is "$(jobctl list --sort id --json | wc -l)" 50
	is "$(jobctl list --sort id --json --state live | wc -l)" 14
	is "$(jobctl list --sort id --json | grep -c '"held"')" 14
	is "$(jobctl list --sort id --json | head -n 1 | json id)" 1
	printf '{"command": ["true"], "hold": true, "meta": {"n": "%s"}}\n' {1..50} >plan
	ok jobctl submit --plan plan
	is "$(jobctl list --sort id --json | grep -c '"held"')" 64
	is "$(jobctl list --sort id | wc -l)" 65
	is "$(jobctl list --sort -id --limit 3 --json | json id | tr '\n' ' ')" '119 118 117 '
	is "$(jobctl list --sort id --limit 0 --json | wc -l)" 119
}

@test "the first of very many jobs are found without keeping them all" {
	printf '{"command": ["true"], "hold": true, "meta": {"n": "%s"}}\n' {1..2500} >plan
	ok jobctl submit --plan plan
	ok jobctl cancel --yes --quiet --state held
	is "$(jobctl list --sort id --limit 3 --json | json id | tr '\n' ' ')" '1 2 3 '
	is "$(jobctl list --sort -id --limit 3 --json | json id | tr '\n' ' ')" '2500 2499 2498 '
	is "$(jobctl list --sort id --json | wc -l)" 50
	is "$(jobctl list --sort id --limit 2300 --json | json id | tail -n 1)" 2300
}

@test "at a terminal a list that leaves jobs out says so" {
	printf '{"command": ["true"], "meta": {"n": "%s"}}\n' {1..3} >plan
	ok jobctl submit --wait --plan plan
	printf '{"command": ["true"], "hold": true, "meta": {"n": "%s"}}\n' {1..60} >plan
	ok jobctl submit --plan plan
	shown 80 24 'jobctl list 4-60' >seen
	is "$(grep -c ' held ' seen)" 50
	contains "$(<seen)" '7 more are left out: --limit 0 shows all'
	shown 80 24 jobctl >seen
	contains "$(<seen)" '40 more wait: '
	contains "$(<seen)" 'those that have ended are left out: jobctl list --state ended'
	ok jobctl list --limit 3
	is "$error" ''
	ok jobctl delete 1-3
	lacks "$(shown 80 24 jobctl)" 'those that have ended'
}

@test "the bar gives way before the reason can't be read" {
	id=$(submit --name one -- sh -c 'jobctl report --percent 50; sleep 600')
	percent_is() { [[ $(field "$id" progress.percent) == "$1" ]]; }
	eventually percent_is 50
	shown 80 24 jobctl >seen
	contains "$(<seen)" '█████░░░░░  50%'
	submit --name a-name-of-twenty-five-c --at '2099-01-02 3:00' -- true
	shown 80 24 jobctl >seen
	contains "$(<seen)" 'not-before 2099-01-02'
	contains "$(<seen)" '  50%'
	contains "$(shown 60 24 jobctl)" ' 2099-01-02'
	lacks "$(<seen)" '█████░'
	contains "$(shown 130 24 jobctl)" '█████░░░░░  50%'
}

@test "when a job may start is shown with the reason, and sorts" {
	submit --at '2099-01-02 3:00' -- true
	submit --at '2098-01-02 3:00' -- true
	matches "$(jobctl list 1 | tail -n 1)" 'not-before 2099-01-02$'
	is "$(jobctl list --json --sort start | json id | tr '\n' ' ')" '2 1 '
	contains "$(jobctl list -o wide 1)" '2099-01-02 03:00:00'
	expect 2 jobctl list --sort foo
	contains "$error" "there is no column 'foo'; there are id state"
	expect 2 jobctl list -o json
	contains "$error" 'JSON is --json'
}

@test "of the wide columns those that there is no room for are left out" {
	submit --hold --name x -- echo needle >/dev/null
	shown 80 24 'jobctl list -o wide' >seen
	lacks "$(<seen)" RSS
	lacks "$(<seen)" '…'
	contains "$(<seen)" needle
	shown 400 24 'jobctl list -o wide' >seen
	matches "$(head -n 1 seen)" 'QUEUE .* START .* RSS '
	# COLUMNS says otherwise.
	shown 80 24 'COLUMNS=30 jobctl list' >seen
	lacks "$(<seen)" QUEUE
}
