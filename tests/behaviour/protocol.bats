# SPDX-License-Identifier: ISC
# The protocol, as one who has nothing of ours speaks it.
load lib

local_setup() {
	command -v socat >/dev/null || skip "no socat"
	start_jobd
}

# call METHOD [PARAMETERS [MORE]]: one call; its replies, a line each.
call() {
	local parameters=${2:-{\}}
	printf '{"method":"%s","parameters":%s%s}\0' "$1" "$parameters" "${3:+,\"more\":true}" | say
}

# Sends what comes in, and prints the replies a line each.
say() {
	socat -t 5 - "UNIX-CONNECT:$D/s" | tr '\0' '\n'
}

@test "GetInfo names the daemon and its interfaces" {
	reply=$(call org.varlink.service.GetInfo)
	is "$(json parameters.product <<<"$reply")" jobd
	for field in vendor version; do
		[[ -n $(json "parameters.$field" <<<"$reply") ]]
	done
	contains "$reply" '"url":'
	for interface in org.varlink.service org.jobd.Job org.jobd.Monitor org.jobd.Daemon; do
		contains "$(json parameters.interfaces <<<"$reply")" "\"$interface\""
	done
}

@test "GetInterfaceDescription returns the interface's own file" {
	for interface in org.varlink.service org.jobd.Job org.jobd.Monitor org.jobd.Daemon; do
		call org.varlink.service.GetInterfaceDescription "{\"interface\":\"$interface\"}" |
		    json parameters.description >got
		contains "$(<got)" "interface $interface"
		[[ $(grep -c '^method' got) == $(grep -c '^method' "$top_srcdir/lib/$interface.varlink") ]]
	done
}

@test "what is not there is refused by name" {
	is "$(call org.jobd.Job.Fly | json error)" org.varlink.service.MethodNotFound
	is "$(call org.jobd.Sky.Fly | json error)" org.varlink.service.InterfaceNotFound
	is "$(call org.varlink.service.GetInterfaceDescription '{"interface":"a.b"}' | json error)" \
	    org.varlink.service.InterfaceNotFound
	reply=$(call org.jobd.Job.Get '{"id":99}')
	is "$(json error <<<"$reply")" org.jobd.Job.NotFound
	is "$(json parameters.id <<<"$reply")" 99
}

@test "a parameter that is missing, unknown or wrong is named" {
	for bad in '{}' '{"id":"1"}' '{"id":1.5}' '{"id":1,"extra":2}' '{"id":null}'; do
		reply=$(call org.jobd.Job.Get "$bad")
		is "$(json error <<<"$reply")" org.varlink.service.InvalidParameter
	done
	is "$(json parameters.parameter <<<"$(call org.jobd.Job.Get '{"id":1,"extra":2}')")" extra
	is "$(call org.jobd.Job.Submit '{"command":[]}' | json error)" org.jobd.Job.Invalid
	is "$(call org.jobd.Job.Submit '{"command":["true"],"priority":11}' | json error)" org.jobd.Job.Invalid
}

@test "calls may be pipelined, and are answered in their order" {
	{
		for i in $(seq 50); do
			printf '{"method":"org.jobd.Job.Submit","parameters":{"command":["true"],"hold":true}}\0'
		done
		printf '{"method":"org.jobd.Job.Get","parameters":{"id":50}}\0'
	} | say >replies
	is "$(wc -l <replies)" 51
	is "$(head -n 50 replies | json parameters.job.id | tr '\n' ' ')" "$(seq -s ' ' 50) "
	is "$(tail -n 1 replies | json parameters.job.id)" 50
}

@test "a oneway call is not answered" {
	printf '%s\0%s\0' \
	    '{"method":"org.jobd.Job.Submit","parameters":{"command":["true"],"hold":true},"oneway":true}' \
	    '{"method":"org.jobd.Job.Get","parameters":{"id":1}}' | say >replies
	is "$(wc -l <replies)" 1
	is "$(json parameters.job.state <replies)" held
}

@test "Submit returns the job" {
	reply=$(call org.jobd.Job.Submit '{"command":["sleep","60"],"name":"n","meta":{"k":"v"},"hold":true}')
	is "$(json parameters.job.id <<<"$reply")" 1
	is "$(json parameters.job.state <<<"$reply")" held
	is "$(json parameters.job.command <<<"$reply")" '["sleep","60"]'
	is "$(json parameters.job.meta <<<"$reply")" '{"k":"v"}'
}

@test "Wait streams the states up to the end" {
	id=$(submit -- sh -c 'while [ ! -e go ]; do sleep 0.02; done')
	reaches "$id" running
	printf '{"method":"org.jobd.Job.Wait","parameters":{"ids":[%s]},"more":true}\0' "$id" >wait.call
	{
		cat wait.call
		eventually test -e ended
	} | socat -t 5 - "UNIX-CONNECT:$D/s" >raw 3>&- &
	eventually grep -qa running raw
	: >go
	eventually grep -qa completed raw
	: >ended
	wait $!
	tr '\0' '\n' <raw >states
	is "$(head -n 1 states | json continues)" true
	is "$(tail -n 1 states | json continues)" ""
	is "$(tail -n 1 states | json parameters.jobs.0.state)" completed
}

@test "lists come in pages with a cursor" {
	for i in $(seq 5); do
		submit --hold -- true >/dev/null
	done
	cursor='' seen=''
	for page in 1 2 3 4 5 6; do
		reply=$(call org.jobd.Job.List "{\"limit\":2${cursor:+,\"cursor\":\"$cursor\"}}")
		seen+=$(json parameters.jobs <<<"$reply" | perl -MJSON::PP -ne 'print map { "$_->{id} " } @{decode_json($_)}')
		cursor=$(json parameters.cursor <<<"$reply")
		[[ -n $cursor ]] || break
	done
	is "$seen" "5 4 3 2 1 "
}

@test "nonsense ends the connection, and no other" {
	for bad in 'hello' '[]' '{"method":' '{"method":1}' '{"a":1,"a":2}' $'{"method":"\xff"}' '{}'; do
		printf '%s\0' "$bad" | say >/dev/null
		ok jobctl health
	done
	head -c 2000000 /dev/zero | tr '\0' x | say >/dev/null
	ok jobctl health
}

@test "silent, slow and half-spoken connections cost the others nothing" {
	perl -MIO::Socket::UNIX -e '
		my @held;
		for my $n (1 .. 30) {
			my $s = IO::Socket::UNIX->new($ARGV[0]) or die;
			# Nothing said; half a message; much asked and nothing read.
			syswrite($s, "{\"method\":\"org.jobd") if $n % 3 == 1;
			$s->blocking(0);
			syswrite($s, "{\"method\":\"org.varlink.service.GetInfo\"}\0" x 20000) if $n % 3 == 2;
			push @held, $s;
		}
		$| = 1;
		print "held\n";
		sleep 60' "$D/s" >holder.out 3>&- &
	holder=$!
	eventually has_line held holder.out
	ok jobctl run -- echo hello
	is "$output" hello
	kill "$holder"
	wait "$holder" 2>/dev/null || :
	ok jobctl health
}
