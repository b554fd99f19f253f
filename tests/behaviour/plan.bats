# SPDX-License-Identifier: ISC
# Plans: many jobs in a file, all or none.
load lib

local_setup() {
	config 'max_running = 20'
	start_jobd
}

# So many jobs in a chain, the last one first in the file.
chain() {
	awk -v n="$1" 'BEGIN {
		for (i = n; i > 0; i--)
			printf("{\"name\":\"j%d\",\"command\":[\"true\"],%s}\n", i,
			    i == 1 ? "\"hold\":true" : "\"after\":[\"j" (i - 1) "\"]")
	}'
}

@test "the jobs of a plan run in the order that they ask for" {
	cat >plan <<-'END'
		# what is waited for may stand below
		{"name": "last", "command": ["sh", "-c", "echo last >>order"], "after": ["a", {"name": "b", "on": "failed"}]}

		{"name": "a", "command": ["sh", "-c", "echo a >>order"]}
		{"name": "b", "command": ["sh", "-c", "exit 3"], "rules": {"timeout": "1h"}, "meta": {"k": "v"}}
	END
	ok jobctl submit --plan plan
	is "$output" 'plan plan: 3 jobs, 1 to 3, batch 1'
	ok jobctl wait --name last
	is "$(tr '\n' ' ' <order)" 'a last '
	# In the file's order, for scripts.
	is "$(jobctl submit --plan plan --parsable | tr '\n' ' ')" '6 4 5 '
	is "$(field 6 name)" last
	is "$(field 6 batch)" "$(field 4 batch)"
	expect 3 jobctl submit --plan - --wait <plan
	contains "$output" 'plan standard input: 3 jobs'
}

@test "every mistake of a plan is told with its line, and nothing is submitted" {
	cat >plan <<-'END'
		{"name": "a", "command": ["true"], "after": ["b"]}
		{"name": "b", "command": ["true"], "after": ["a"]}
		{"comand": ["true"]}
		not JSON
		{"command": ["true"], "after": ["bb", 99]}
	END
	stop_jobd
	expect 2 jobctl submit --plan plan
	contains "$error" 'plan:1: after: these wait for each other, and none could ever start: a -> b -> a'
	contains "$error" 'plan:3: there is no field "comand": did you mean "command"?'
	contains "$error" 'plan:4: is no JSON'
	contains "$error" 'plan:5: after: no line has the name "bb"'
	contains "$error" 'nothing was submitted'
	expect 2 jobctl submit --plan nowhere
	contains "$error" 'cannot read the plan nowhere: No such file or directory'
	expect 2 jobctl submit --plan /dev/null
	contains "$error" 'there is no job in the plan'
	expect 2 jobctl submit --plan plan -- true
	expect 2 jobctl submit --plan plan --queue import
	contains "$error" 'each line says that for itself'
	expect 125 jobctl run --plan plan
	contains "$error" '--plan does not go with run (jobctl submit --wait --plan FILE)'
}

@test "what jobd would refuse of the lines is told of all of them at once" {
	config 'queue import { }'
	ok jobctl reload
	ok jobctl template set convert --param file -- echo '{file}'
	cat >plan <<-'END'
		{"command": ["true"], "queue": "imprt"}
		{"command": ["true"], "after": [99, 98]}
		{"command": ["true"], "unique": "k"}
		{"command": ["true"], "unique": "k"}
		{"command": ["true"], "cwd": "not/absolute", "environment": ["x"], "umask": "9", "meta": {"a b": "c"}}
		{"template": "convert"}
		{"template": "nope", "at": "someday", "priority": "some"}
		{"command": [""], "deadline_us": 1, "rules": {"attempts": 2, "timeout": true}}
		{"command": [], "name": ""}
	END
	expect 2 jobctl submit --plan plan
	contains "$error" "plan:1: there is no queue 'imprt': did you mean 'import'?"
	contains "$error" 'plan:2: after: there is no job 99'
	contains "$error" 'plan:2: after: there is no job 98'
	contains "$error" 'plan:4: unique: line 3 has the key "k", too'
	contains "$error" 'plan:5: cwd: "not/absolute" is not an absolute path'
	contains "$error" 'plan:5: environment: "x" is not NAME=value'
	contains "$error" 'plan:5: umask: "9" is no umask'
	contains "$error" 'plan:5: meta: "a b": a key has letters'
	matches "$error" 'plan:6: parameters: .*file'
	contains "$error" "plan:7: there is no template 'nope'"
	contains "$error" 'plan:7: at: "someday" is no time to come'
	contains "$error" "plan:7: priority: 'some' is no priority"
	contains "$error" 'plan:8: command: the name of the program is empty'
	contains "$error" 'plan:8: deadline_us: has passed'
	contains "$error" 'plan:8: rules: timeout: must be a string, such as "2h", not true'
	contains "$error" 'plan:9: it has no "command"'
	contains "$error" 'plan:9: name: has 1 to 255 bytes, not 0'
	contains "$error" 'the plan has 17 mistakes: nothing was submitted'
	echo '{"command": ["true"], "after": [99]}' >plan
	expect 4 jobctl submit --plan plan
	is "$(jobctl list --json)" ''
}

@test "what only jobd knows of one line is told with that line, and nothing is there" {
	submit --hold --unique k -- true
	printf '%s\n' '{"command": ["true"]}' '# a comment' '{"command": ["true"], "unique": "k"}' >plan
	expect 3 jobctl submit --plan plan
	contains "$error" 'plan:3'
	contains "$error" 'nothing of the plan was submitted'
	is "$(jobctl list --json | json id)" 1
}

@test "a mistake is told once, with all that could stand there" {
	ok jobctl template set greet --param file -- echo '{file}'
	printf '%s\n' '{"template": "greet", "parameters": {"file": 3}}' \
	    '{"command": ["true"], "priority": 3.0}' >plan
	expect 2 jobctl submit --plan plan
	is "$(grep -c '^jobctl: plan:1: ' <<<"$error")" 1
	contains "$error" 'plan:1: parameters: must be an object of strings'
	contains "$error" 'plan:2: priority: must be a whole number, 1 (first) to 10 (last), or high, normal or low'
}

@test "a plan that was submitted says so where its answer can't be written" {
	local code=0
	echo '{"command": ["true"], "hold": true}' >plan
	jobctl submit --plan plan >/dev/full 2>said || code=$?
	is "$code" 1
	matches "$(<said)" 'the plan was submitted all the same \(batch [0-9]+\)'
	is "$(jobctl list --json | wc -l)" 1
}

@test "a rule of a plan that is a whole number may be written as one" {
	echo '{"command": ["true"], "hold": true, "rules": {"attempts": 3}}' | jobctl submit --plan -
	is "$(field 1 attempts)" 3
}

@test "the surroundings are the caller's, unless a line says otherwise" {
	mkdir sub
	cat >plan <<-END
		{"command": ["sh", "-c", "pwd; umask; echo \$FOO"]}
		{"command": ["sh", "-c", "pwd; umask; echo \$FOO"], "cwd": "$D/sub", "umask": 0, "environment": ["FOO=own"]}
	END
	FOO=mine ok jobctl submit --plan plan --umask 027 --wait
	is "$(jobctl log 1 | tr '\n' ' ')" "$D 0027 mine "
	is "$(jobctl log 2 | tr '\n' ' ')" "$D/sub 0000 own "
}

@test "a plan of several slices is one batch, and its jobs wait over their borders" {
	chain 1700 >plan
	ok jobctl submit --plan plan
	matches "$output" '^plan plan: 1700 jobs, 1 to 1700, batch [0-9]+$'
	is "$(jobctl list --json --limit 0 | json batch | sort -u | wc -l)" 1
	is "$(jobctl status --json 501 | json after.0.id)" 500
	is "$(field 1700 name)" j1700
	is "$(field 1700 reason)" dependency
}

# relay N [COMMAND]: at the socket "r" what the daemon at "s" answers comes through, but the Nth answer; with
# that the connection ends. The methods go to "calls". With a command, that is run after each Nth answer
# instead; without, and with N negative, each -Nth answer is lost.
relay() {
	perl -MIO::Socket::UNIX -e '
		my ($lost, $command, $n) = (shift, shift, 0);
		my $server = IO::Socket::UNIX->new(Local => "r.new", Listen => 5) or die;
		rename "r.new", "r" or die; # there when it listens
		open(my $calls, ">>", "calls") or die;
		$calls->autoflush(1);
		local $/ = "\0";
		$SIG{ALRM} = sub { exit 0 };
		alarm 60;
		while (my $c = $server->accept) {
			my $s = IO::Socket::UNIX->new(Peer => "s") or die;
			while (defined(my $call = <$c>)) {
				my ($method) = $call =~ /"method": ?"([^"]*)"/;
				print $calls "$method\n";
				print $s $call;
				my $reply = <$s> // last;
				$n++;
				last if !defined $command && ($n == $lost || $lost < 0 && $n % $lost == 0);
				system $command if defined $command && $n % $lost == 0;
				print $c $reply;
			}
		}' -- "$@" 3>&- &
	relay_pid=$!
	eventually test -S r
}

local_teardown() {
	[[ -z ${relay_pid-} ]] || kill "$relay_pid" 2>/dev/null || :
}

@test "when an answer is lost the plan is sent again, and makes nothing twice" {
	chain 1200 >plan
	# In the middle: what was not sealed is dropped.
	relay 2
	ok jobctl --socket "$D/r" submit --plan plan
	matches "$output" '^plan plan: 1200 jobs, [0-9]+ to [0-9]+, batch [0-9]+$'
	is "$(jobctl list --json --limit 0 | wc -l)" 1200
	kill "$relay_pid"
	wait "$relay_pid" || :
	rm r
	# The last one: it is sealed, and is not made again.
	relay 3
	ok jobctl --socket "$D/r" submit --plan plan --parsable
	is "$(wc -l <<<"$output")" 1200
	is "$(jobctl list --json --limit 0 | wc -l)" 2400
	is "$(jobctl status --json "$(head -n 1 <<<"$output")" | json name)" j1200
	is "$(jobctl status --json "$(tail -n 1 <<<"$output")" | json name)" j1
}

@test "a jobd that dies before the last slice keeps nothing of the plan" {
	chain 1200 >plan
	relay 2
	jobctl --socket "$D/r" submit --plan plan >out 2>&1 3>&- &
	submitter=$!
	eventually has_line SubmitMany calls
	kill_jobd
	start_jobd
	wait "$submitter" || :
	[[ $(jobctl list --json --limit 0 | wc -l) == @(0|1200) ]]
}

@test "a plan is submitted anew where jobd takes over another one meanwhile, and its connection stays" {
	chain 600 >plan
	cat >takes-over <<-'END'
		#!/bin/sh
		[ -e done ] || jobctl daemon-reexec >taken 2>&1
		: >done
	END
	chmod +x takes-over
	relay 1 "$D/takes-over"
	ok jobctl --socket "$D/r" submit --plan plan
	matches "$output" '^plan plan: 600 jobs, '
	is "$(jobctl list --json --limit 0 | wc -l)" 600
	(($(count_lines SubmitMany calls) > 3))
}

@test "one that can't be finished, however often it is begun, is given up, and nothing of it is there" {
	chain 600 >plan
	relay -2
	expect 7 jobctl --socket "$D/r" submit --plan plan
	contains "$error" 'nothing of the plan was submitted'
	is "$(count_lines SubmitMany calls)" 8
	is "$(jobctl list --json --limit 0)" ''
}

@test "of many mistakes the first are told, and how many there are" {
	for ((i = 0; i < 30; i++)); do
		echo '{"comand": ["true"]}'
	done >plan
	expect 2 jobctl submit --plan plan
	is "$(grep -c '^jobctl: plan:' <<<"$error")" 20
	contains "$error" 'and 10 more'
	contains "$error" 'the plan has 30 mistakes'
}

@test "times, priorities and umasks are taken as the options take them" {
	printf '\xef\xbb\xbf%s\n' '{"command": ["true"], "priority": "high", "umask": "027", "at": "2099-01-01 22:00", "deadline": "23:00"}' >plan
	ok jobctl submit --plan plan
	is "$(field 1 priority)" 2
	is "$(field 1 umask)" 23
	is $(($(field 1 deadline_us) - $(field 1 not_before_us))) 3600000000
}

@test "the error of one line names it, whatever its kind is" {
	ok jobctl queue list
	cat >plan <<-'END'
		{"command": ["true"]}
		{"command": ["true"], "queue": "nosuch"}
	END
	expect 4 jobctl submit --plan plan
	contains "$error" "plan:2: there is no queue 'nosuch'"
	echo '{"template": "nosuch"}' >plan
	expect 4 jobctl submit --plan plan
	contains "$error" "plan:1: there is no template 'nosuch'"
	printf '%s\n' '{"command": ["true"]}' '{"command": ["true"], "after": [99]}' >plan
	expect 4 jobctl submit --plan plan
	contains "$error" "plan:2: after: there is no job 99"
	id=$(submit --unique k --hold -- true)
	printf '%s\n' '{"command": ["true"]}' '{"command": ["true"], "unique": "k"}' >plan
	expect 3 jobctl submit --plan plan
	contains "$error" "plan:2: job $id has the key 'k'"
	lacks "$error" '--if-exists'
	expect 2 jobctl submit --plan plan --if-exists return
	contains "$error" "--if-exists does not go with it: where a line's key is another job's"
	printf '%s\n' '{"command": ["true"], "unique": "n"}' '{"command": ["true"], "unique": "n"}' >plan
	expect 2 jobctl submit --plan plan
	contains "$error" 'plan:2: unique: line 1 has the key "n", too'
	lacks "$error" 'jobs['
}

@test "the jobs of a plan are selected by its batch" {
	chain 5 >plan
	ok jobctl submit --plan plan
	other=$(submit --hold -- true)
	batch=${output##* }
	is "$(jobctl list --json --batch "$batch" | wc -l)" 5
	ok jobctl cancel --yes --batch "$batch"
	is "$(jobctl list --json --state live | json id)" "$other"
	expect 2 jobctl list --batch x
	contains "$error" "--batch: 'x' is no number"
}
