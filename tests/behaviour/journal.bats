# SPDX-License-Identifier: ISC
# The journal that people read, and the log that syslog gets.
load lib

local_setup() {
	start_jobd
}

audit_verbs() {
	jobctl audit --json "$@" | json verb | tr '\n' ' '
}

@test "every hand that touched a job is on record, with who, what and the result" {
	ok jobctl submit --parsable --hold -- sleep 60
	ok jobctl release 1
	reaches 1 running
	ok jobctl pause 1
	ok jobctl resume 1
	ok jobctl priority 1 3
	ok jobctl cancel --wait 1
	verbs=$(audit_verbs 1)
	for verb in submit release pause resume priority cancel; do
		contains "$verbs" "$verb"
	done
	ok jobctl audit --json 1
	while read -r entry; do
		is "$(json uid <<<"$entry")" "$(id -u)"
		is "$(json user <<<"$entry")" "$(id -un)"
		is "$(json process <<<"$entry")" jobctl
		is "$(json result <<<"$entry")" ok
	done < <(grep -E '"verb": ?"(submit|release|pause|resume|cancel)"' <<<"$output")
}

@test "what was refused is on record too" {
	id=$(submit --hold -- true)
	expect 3 jobctl pause "$id"
	results=$(jobctl audit --json "$id" | grep -E '"verb": ?"pause"' | json result)
	contains "$results" WrongState
}

@test "numbers of the journal have no gaps, over a kill neither" {
	submit --hold -- true
	kill_jobd
	start_jobd
	ok jobctl cancel 1
	jobctl audit --json --limit 1000 | json number | sort -n >numbers
	is "$(tail -n 1 numbers)" "$(wc -l <numbers)"
	is "$(head -n 1 numbers)" 1
}

@test "audit tells a person who did what, by user and verb and time" {
	ok jobctl submit --wait --name x -- true
	ok jobctl audit
	contains "$output" submit
	contains "$output" "$(id -un)"
	is "$(audit_verbs --user nobody)" ""
	contains "$(audit_verbs --since 1h)" submit
	is "$(audit_verbs --until 1h)" ""
}

@test "each change of state is one line of the log, key=value" {
	expect 3 jobctl run -- sh -c 'exit 3'
	eventually has_line 'to=failed' "$D/jobd.log"
	line=$(grep -F 'to=failed' "$D/jobd.log")
	for pair in job=1 queue=default "user=$(id -un)" from=running reason=exit code=3; do
		contains "$line" "$pair"
	done
}

@test "nothing a job or a client names can forge or break a line of the log" {
	before=$(wc -l <"$D/jobd.log")
	ok jobctl submit --wait --name $'x\njob=9 to=completed \e[31m "q\\' --project $'p\r' -- true
	eventually has_line 'to=completed' "$D/jobd.log"
	tail -n "+$((before + 1))" "$D/jobd.log" >new
	not grep -q '^job=9' new
	not grep -q ' job=9 ' <(sed 's/"[^"]*\(\\"[^"]*\)*"//g' new)
	not grep -qP '[^\x20-\x7e]' new
}

@test "refused commands do not shout in the log" {
	expect 4 jobctl cancel 99
	not grep -qi error "$D/jobd.log"
}

@test "audit takes the names of jobctl's verbs as well as the journal's" {
	ok jobctl submit --hold -- true
	ok jobctl kill 1
	ok jobctl audit --verb kill
	contains "$output" cancel
	stop_jobd
	start_jobd
	ok jobctl shutdown
	wait "$jobd_pid" || :
	start_jobd
	ok jobctl audit --json --verb shutdown --control
	is "$(json verb <<<"$output" | tail -n 1)" daemon-stop
	ok jobctl audit --json --verb run,daemon-start
	contains "$(json verb <<<"$output")" submit
	contains "$(json verb <<<"$output")" daemon-start
	ok jobctl health
	matches "$output" 'journal: +[0-9]+ entries'
}
