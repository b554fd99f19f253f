# SPDX-License-Identifier: ISC
# What the methods take and refuse, asked directly.
load lib

local_setup() {
	command -v socat >/dev/null || skip "no socat"
	start_jobd
}

# call METHOD [PARAMETERS [MORE]]: one call of org.jobd; its replies, a line each.
call() {
	local parameters=${2:-{\}}
	printf '{"method":"org.jobd.%s","parameters":%s%s}\0' "$1" "$parameters" "${3:+,\"more\":true}" |
	    socat -t 10 - "UNIX-CONNECT:$D/s" | tr '\0' '\n'
}

# refused PARAMETER METHOD PARAMETERS: the call is answered by Invalid, naming the parameter.
refused() {
	local reply
	reply=$(call "$2" "$3")
	is "$(json error <<<"$reply")" org.jobd.Job.Invalid
	is "$(json parameters.parameter <<<"$reply")" "$1"
	[[ -n $(json parameters.message <<<"$reply") ]]
}

# A string of so many letters.
letters() {
	head -c "$1" /dev/zero | tr '\0' n
}

@test "Submit refuses what a job can't have, and says which parameter" {
	refused command Job.Submit '{"command":[]}'
	refused command Job.Submit '{"command":[""]}'
	refused name Job.Submit '{"command":["true"],"name":""}'
	refused name Job.Submit "{\"command\":[\"true\"],\"name\":\"$(letters 5000)\"}"
	refused project Job.Submit '{"command":["true"],"project":""}'
	refused token Job.Submit '{"command":["true"],"token":""}'
	refused cwd Job.Submit '{"command":["true"],"cwd":"not/absolute"}'
	refused umask Job.Submit '{"command":["true"],"umask":512}'
	refused priority Job.Submit '{"command":["true"],"priority":0}'
	refused environment Job.Submit '{"command":["true"],"environment":["A=1","no-assignment"]}'
	refused meta Job.Submit '{"command":["true"],"meta":{"a key":"v"}}'
	is "$(jobctl list --json)" ""
}

@test "Submit without an environment gives the usual few variables" {
	id=$(call Job.Submit '{"command":["env"]}' | json parameters.job.id)
	ok jobctl wait "$id"
	ok jobctl log "$id"
	for name in HOME USER LOGNAME SHELL PATH; do
		contains "$output" "$name="
	done
	lacks "$output" LC_ALL
}

@test "with too little space nothing new is taken, and health says so" {
	running=$(submit -- sleep 60)
	reaches "$running" running
	config 'low_disk = "1000000G"'
	ok jobctl reload
	eventually reply_is org.jobd.Job.LowDisk Job.Submit '{"command":["true"]}'
	not jobctl submit -- true
	expect 1 jobctl health
	contains "$output" degraded
	# Those that run go on.
	is "$(field "$running" state)" running
	config_only 'low_disk = "1M"'
	ok jobctl reload
	eventually jobctl submit -- true
	ok jobctl health
}

reply_is() {
	[[ $(call "$2" "$3" | json error) == "$1" ]]
}

@test "lists refuse states, limits and cursors that are none" {
	refused states Job.List '{"states":["asleep"]}'
	refused limit Job.List '{"limit":0}'
	refused limit Job.List '{"limit":100000}'
	refused cursor Job.List '{"cursor":"tomorrow"}'
	refused cursor Monitor.Audit '{"cursor":"-1"}'
	refused limit Monitor.Audit '{"limit":0}'
}

@test "Signal and SetPriority refuse what is none" {
	id=$(submit -- sleep 60)
	reaches "$id" running
	refused signal Job.Signal "{\"id\":$id,\"signal\":0}"
	refused signal Job.Signal "{\"id\":$id,\"signal\":1000}"
	refused priority Job.SetPriority "{\"id\":$id,\"priority\":11}"
	is "$(call Job.Signal "{\"id\":$id,\"signal\":15,\"all\":true}" | json error)" ""
	expect 143 jobctl wait "$id"
}

@test "every method that takes a number says when there is no such job" {
	for method in Get Hold Release Pause Resume Cancel Delete Retry Output; do
		reply=$(call "Job.$method" '{"id":77}')
		is "$(json error <<<"$reply")" org.jobd.Job.NotFound
		is "$(json parameters.id <<<"$reply")" 77
	done
	is "$(call Job.Wait '{"ids":[77]}' | json error)" org.jobd.Job.NotFound
	for method in Get Why Hold Cancel; do
		reply=$(call "Job.$method" '{"id":-1}')
		is "$(json error <<<"$reply")" org.jobd.Job.NotFound
		is "$(json parameters.id <<<"$reply")" -1
	done
}

@test "Retry of an attempt that is no longer the last changes nothing" {
	id=$(submit -- false)
	expect 1 jobctl wait "$id"
	reply=$(call Job.Retry "{\"id\":$id,\"attempt\":1}")
	is "$(json parameters.changed <<<"$reply")" true
	expect 1 jobctl wait "$id"
	reply=$(call Job.Retry "{\"id\":$id,\"attempt\":1}")
	is "$(json error <<<"$reply")" org.jobd.Job.WrongState
	contains "$(json parameters.can <<<"$reply")" "gone on"
	is "$(field "$id" attempt)" 2
}

@test "Output gives pieces from an offset, from so many lines before the end, and of an attempt" {
	ok jobctl submit --wait -- sh -c 'echo one; echo two; echo three'
	is "$(call Job.Output '{"id":1}' | json parameters.data)" $'one\ntwo\nthree'
	is "$(call Job.Output '{"id":1,"offset":4}' | json parameters.data)" $'two\nthree'
	is "$(call Job.Output '{"id":1,"tail":1}' | json parameters.data)" three
	is "$(call Job.Output '{"id":1,"tail":0}' | json parameters.data)" ""
	is "$(call Job.Output '{"id":1,"offset":14}' | json parameters.offset)" 14
	refused attempt Job.Output '{"id":1,"attempt":9}'
	held=$(submit --hold -- true)
	is "$(call Job.Output "{\"id\":$held}" | json error)" org.jobd.Job.WrongState
}

@test "Output of a long log comes in pieces that fit together" {
	ok jobctl submit --wait -- sh -c 'seq 200000'
	seq 200000 >want
	call Job.Output '{"id":1}' more | perl -MJSON::PP -ne 'print decode_json($_)->{parameters}{data} // ""' >got
	cmp want got
	ok jobctl log -n 3 1
	is "$output" $'199998\n199999\n200000'
}

# How many connections jobd has, not counting the one that asks.
others_are() {
	[[ $(call Monitor.Health | json parameters.connections) == "$(($1 + 1))" ]]
}

@test "following a job that has not started shows what it writes once it does" {
	held=$(submit --hold -- sh -c 'echo at last')
	jobctl log -f "$held" >followed 3>&- &
	follower=$!
	eventually others_are 2 # what it asks by, and the stream
	ok jobctl release "$held"
	wait "$follower"
	is "$(<followed)" "at last"
}

@test "Wait without more answers once, when all have ended, and counts a deleted job as ended" {
	a=$(submit -- sh -c 'while [ ! -e go ]; do sleep 0.02; done') b=$(submit -- true)
	ok jobctl wait "$b"
	call Job.Wait "{\"ids\":[$a,$b]}" >reply 3>&- &
	waiter=$!
	reaches "$a" running
	: >go
	wait "$waiter"
	is "$(wc -l <reply)" 1
	is "$(json parameters.jobs.1.state <reply)" completed
	is "$(call Job.Wait '{"ids":[]}' | json error)" ""
}

@test "Wait with progress tells of progress while the job runs" {
	id=$(submit -- sh -c 'while [ ! -e start ]; do sleep 0.02; done; jobctl report --percent 10
		while [ ! -e go ]; do sleep 0.02; done')
	printf '{"method":"org.jobd.Job.Wait","parameters":{"ids":[%s],"progress":true},"more":true}\0' "$id" >wait.call
	{
		cat wait.call
		eventually test -e ended
	} | socat -t 5 - "UNIX-CONNECT:$D/s" >raw 3>&- &
	waiter=$!
	eventually grep -qa running raw
	: >start
	eventually grep -qaE '"percent": ?10' raw
	: >go
	eventually grep -qa completed raw
	: >ended
	wait "$waiter"
}

@test "callers that leave in the middle of a stream or a pause are forgotten" {
	id=$(submit -- sh -c 'while :; do echo tick; sleep 0.02; done')
	reaches "$id" running
	for call in '{"method":"org.jobd.Job.Wait","parameters":{"ids":[ID],"progress":true},"more":true}' \
	    '{"method":"org.jobd.Job.Output","parameters":{"id":ID,"follow":true},"more":true}' \
	    '{"method":"org.jobd.Job.Wait","parameters":{"ids":[ID]}}' \
	    '{"method":"org.jobd.Job.Pause","parameters":{"id":ID}}'; do
		# Writes, and closes without reading.
		perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new($ARGV[0]) or die;
			syswrite($s, "$ARGV[1]\0")' "$D/s" "${call//ID/$id}"
	done
	ok jobctl health
	eventually state_is "$id" paused
	ok jobctl cancel --now --wait "$id"
	eventually connections_are 1
}

# health's own is one of them.
connections_are() {
	[[ $(jobctl health --json | json connections) == "$1" ]]
}

@test "a job that is cancelled while it is being paused ends, and the pause says why it failed" {
	id=$(submit -- sleep 60)
	reaches "$id" running
	printf '{"method":"org.jobd.Job.Pause","parameters":{"id":%s}}\0{"method":"org.jobd.Job.Cancel","parameters":{"id":%s,"now":true}}\0' \
	    "$id" "$id" | socat -t 10 - "UNIX-CONNECT:$D/s" | tr '\0' '\n' >replies
	is "$(wc -l <replies)" 2
	reaches "$id" cancelled
}
