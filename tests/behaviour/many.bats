# SPDX-License-Identifier: ISC
# Many jobs in a call, edits, queues and templates, asked directly.
load lib

local_setup() {
	command -v socat >/dev/null || skip "no socat"
	config 'queue narrow {' '	max_running = 1' '	timeout = 2h' '}'
	config 'template nightly {' '	command = {"echo", "on {date}", "{mode}"}' \
	    '	parameters = {"date", "mode=full"}' '	queue = narrow' '	environment = {"NOTED=x"}' '}'
	start_jobd
}

# call METHOD [PARAMETERS]: one call of org.jobd; its reply in a line.
call() {
	local parameters=${2:-{\}}
	printf '{"method":"org.jobd.%s","parameters":%s}\0' "$1" "$parameters" |
	    socat -t 10 - "UNIX-CONNECT:$D/s" | tr '\0' '\n'
}

# gives FIELD VALUE METHOD PARAMETERS: what a field of the reply is.
gives() {
	local reply
	reply=$(call "$3" "${4-}")
	[[ $(json "$1" <<<"$reply") == "$2" ]] || {
		printf '%s is not %s in:\n%s\n' "$1" "$2" "$reply"
		return 1
	}
}

# fails ERROR FIELD VALUE METHOD PARAMETERS: the error of that name, of which a parameter is so.
fails() {
	local reply
	reply=$(call "$4" "$5")
	is "$(json error <<<"$reply")" "org.jobd.$1"
	is "$(json "parameters.$2" <<<"$reply")" "$3"
}

nothing_is_listed() {
	is "$(jobctl list --json)" ""
}

@test "jobs that are submitted together are there together, and wait for each other by their places" {
	# shellcheck disable=SC2016 # the job is to expand them
	reply=$(call Job.SubmitMany '{"environment":["A=shared"],"cwd":"/","jobs":[
	    {"command":["sh","-c","echo one $A"]},
	    {"command":["sh","-c","echo two $A $PWD"],"after":[{"item":0}]},
	    {"command":["sh","-c","echo three $A"],"environment":["A=own"],"after":[{"item":0},{"item":1}]}]}')
	is "$(json parameters.ids <<<"$reply")" '[1,2,3]'
	is "$(json parameters.sealed <<<"$reply")" true
	ok jobctl wait 1 2 3
	is "$(jobctl log 1)" "one shared"
	is "$(jobctl log 2)" "two shared /"
	is "$(jobctl log 3)" "three own"
	[[ $(field 3 started_at_us) -ge $(field 2 ended_at_us) ]]
}

@test "of jobs that are submitted together none is taken where one can't be" {
	fails Job.Invalid parameter 'jobs[1].rules.timeout' Job.SubmitMany \
	    '{"jobs":[{"command":["true"]},{"command":["true"],"rules":{"timeout":"soon"}}]}'
	is "$(call Job.SubmitMany '{"jobs":[{"command":["true"]},{"command":["true"],"priority":"high"}]}')" \
	    '{"error":"org.varlink.service.InvalidParameter","parameters":{"parameter":"jobs[1].priority"}}'
	two='{"jobs":[{"command":["true"]},{"command":["true"],"queue":"elsewhere"}]}'
	fails Queue.NotFound name elsewhere Job.SubmitMany "$two"
	fails Queue.NotFound parameter 'jobs[1].queue' Job.SubmitMany "$two"
	two='{"jobs":[{"command":["true"]},{"command":["true"],"after":[{"item":0},{"id":77}]}]}'
	fails Job.NotFound id 77 Job.SubmitMany "$two"
	fails Job.NotFound parameter 'jobs[1].after[1]' Job.SubmitMany "$two"
	fails Template.NotFound parameter 'jobs[0].template' Job.SubmitMany '{"jobs":[{"template":"daily"}]}'
	fails Job.Invalid parameter 'jobs[1].unique' Job.SubmitMany \
	    '{"jobs":[{"command":["true"],"unique":"k"},{"command":["true"],"unique":"k"}]}'
	nothing_is_listed
	ok jobctl submit -- true
	ok jobctl list --json
	is "$(wc -l <<<"$output")" 1
}

@test "a batch of several calls is nowhere to be seen until the last one seals it" {
	batch=$(call Job.SubmitMany '{"jobs":[{"command":["true"]}],"more_follows":true}' | json parameters.batch)
	nothing_is_listed
	gives parameters.sealed false Job.SubmitMany \
	    "{\"jobs\":[{\"command\":[\"true\"],\"after\":[{\"id\":$batch}]}],\"batch\":$batch,\"more_follows\":true}"
	nothing_is_listed
	reply=$(call Job.SubmitMany "{\"jobs\":[{\"command\":[\"true\"]}],\"batch\":$batch,\"token\":\"t\"}")
	is "$(json parameters.sealed <<<"$reply")" true
	ok jobctl wait "$batch" "$(json parameters.ids.0 <<<"$reply")"
	is "$(jobctl list --json | wc -l)" 3
	# The same once more makes nothing.
	gives parameters.batch "$batch" Job.SubmitMany '{"jobs":[{"command":["true"]}],"token":"t"}'
	is "$(jobctl list --json | wc -l)" 3
}

@test "a batch that is dropped, or that a new jobd finds, was never there" {
	batch=$(call Job.SubmitMany '{"jobs":[{"command":["true"]}],"more_follows":true}' | json parameters.batch)
	gives parameters.sealed false Job.SubmitMany "{\"jobs\":[],\"batch\":$batch,\"drop\":true}"
	eventually gone "$batch"
	batch=$(call Job.SubmitMany '{"jobs":[{"command":["true"]}],"more_follows":true}' | json parameters.batch)
	kill_jobd
	start_jobd
	eventually gone "$batch"
	fails Job.NotFound id "$batch" Job.SubmitMany "{\"jobs\":[],\"batch\":$batch}"
	nothing_is_listed
}

gone() {
	gives error org.jobd.Job.NotFound Job.Get "{\"id\":$1}" >/dev/null
}

@test "a call has at most a thousand jobs" {
	jobs=$(printf ',{"command":["true"],"hold":true}%.0s' {1..1001})
	fails Job.LimitReached limit jobs Job.SubmitMany "{\"jobs\":[${jobs:1}]}"
	nothing_is_listed
}

@test "a job that waits is edited, and says why it waits" {
	jobctl submit --hold -- true
	call Job.Submit '{"command":["false"],"after":[{"id":1}],"rules":{"timeout":"5min"},"name":"old"}' >/dev/null
	reply=$(call Job.Why '{"id":2}')
	is "$(json parameters.reason <<<"$reply")" dependency
	is "$(json parameters.ids <<<"$reply")" '[1]'
	contains "$(json parameters.message <<<"$reply")" 1
	gives parameters.job.before.0.id 2 Job.Get '{"id":1}'
	reply=$(call Job.Edit '{"id":2,"command":["echo","new"],"clear":["timeout","name","after"]}')
	is "$(json parameters.changed <<<"$reply")" true
	is "$(json parameters.job.command <<<"$reply")" '["echo","new"]'
	is "$(json parameters.job.name <<<"$reply")" ""
	ok jobctl wait 2
	is "$(jobctl log 2)" new
	fails Job.WrongState state completed Job.Edit '{"id":2,"name":"late"}'
	fails Job.Cycle id 1 Job.Edit '{"id":1,"after":[{"id":1}]}'
	fails Job.NotFound id 9 Job.Edit '{"id":9,"name":"n"}'
	fails Job.NotFound parameter 'after[0]' Job.Edit '{"id":1,"after":[{"id":9}]}'
}

@test "a variable is set in the environment that a job has, which stays as it was" {
	# shellcheck disable=SC2016 # the job is to expand them
	call Job.Submit '{"command":["sh","-c","echo $A $B $C"],"environment":["A=1","B=2"],"hold":true}' >/dev/null
	gives parameters.changed true Job.Edit '{"id":1,"set_environment":["B=3","C=4"]}'
	fails Job.Invalid parameter set_environment Job.Edit '{"id":1,"set_environment":["B=3"],"environment":[]}'
	fails Job.Invalid parameter set_environment Job.Edit '{"id":1,"set_environment":["B"]}'
	ok jobctl release 1
	ok jobctl wait 1
	is "$(jobctl log 1)" '1 3 4'
	# One that had none has what every job has, besides.
	# shellcheck disable=SC2016
	id=$(call Job.Submit '{"command":["sh","-c","echo $A ${HOME:+home}"],"hold":true}' | json parameters.job.id)
	gives parameters.changed true Job.Edit "{\"id\":$id,\"set_environment\":[\"A=1\"]}"
	ok jobctl release "$id"
	ok jobctl wait "$id"
	is "$(jobctl log "$id")" '1 home'
}

# listed PARAMETERS: the ids of the jobs that List gives, in one page.
listed() {
	call Job.List "$1" | json parameters.jobs | perl -MJSON::PP -e 'print join " ", map { $_->{id} } @{decode_json(<STDIN>)}'
}

@test "jobs are listed by the batch they came in, and by the reason they wait or have ended for" {
	submit --hold -- true
	call Job.SubmitMany '{"jobs":[{"command":["false"]},{"command":["true"],"after":[{"item":0}]},
	    {"command":["true"],"hold":true},{"command":["true"],"after":[{"item":2}]}]}' >/dev/null
	reaches 3 failed
	is "$(listed '{"batch":2}')" '5 4 3 2'
	is "$(listed '{"batch":2,"states":["failed"]}')" '3 2'
	is "$(listed '{"batch":3}')" ''
	is "$(listed '{"reasons":["dependency"]}')" '5 3'
	is "$(listed '{"reasons":["exit","not-before"]}')" '2'
	is "$(listed '{"reasons":["queue-full"]}')" ''
	is "$(listed '{"reasons":[]}')" ''
	fails Job.Invalid parameter reasons Job.List '{"reasons":["bored"]}'
	fails Job.Invalid parameter batch Job.List '{"batch":0}'
}

@test "a unique key is one job's, and returns it where that is asked for" {
	gives parameters.job.unique k Job.Submit '{"command":["true"],"hold":true,"unique":"k"}'
	fails Job.Exists id 1 Job.Submit '{"command":["true"],"unique":"k"}'
	reply=$(call Job.Submit '{"command":["true"],"unique":"k","return_existing":true}')
	is "$(json parameters.job.id <<<"$reply")" 1
	is "$(json parameters.existed <<<"$reply")" true
	ok jobctl cancel 1
	gives parameters.job.id 2 Job.Submit '{"command":["true"],"unique":"k"}'
}

# rule NAME FIELD: of job 1.
rule() {
	call Job.Get '{"id":1}' | json parameters.job.rules |
	    perl -MJSON::PP -e 'print map { $_->{$ARGV[1]} } grep { $_->{name} eq $ARGV[0] }
		@{decode_json(<STDIN>)}' "$@"
}

@test "each rule of a job says where it is from" {
	call Job.Submit '{"command":["true"],"queue":"narrow","hold":true,"rules":{"attempts":"3"}}' >/dev/null
	is "$(rule attempts value) $(rule attempts origin)" "3 job"
	is "$(rule timeout value) $(rule timeout origin)" "2h config"
	is "$(rule recovery value) $(rule recovery origin)" "retry default"
	gives parameters.job.timeout_s 7200 Job.Get '{"id":1}'
	call Queue.Set '{"name":"narrow","values":{"timeout":"1h"}}' >/dev/null
	is "$(rule timeout value) $(rule timeout origin)" "1h runtime"
}

@test "a queue's values are set and reset while jobd runs, and survive it" {
	gives parameters.queue.max_running 1 Queue.Get '{"name":"narrow"}'
	gives parameters.queue.max_running 3 Queue.Set '{"name":"narrow","values":{"max_running":"3"}}'
	kill_jobd
	start_jobd
	gives parameters.queue.max_running 3 Queue.Get '{"name":"narrow"}'
	gives parameters.queue.max_running 1 Queue.Reset '{"name":"narrow","values":["max_running"]}'
	fails Job.Invalid parameter values.max_running Queue.Set '{"name":"narrow","values":{"max_running":"x"}}'
	fails Job.Invalid parameter values.colour Queue.Set '{"name":"narrow","values":{"colour":"red"}}'
	fails Job.Invalid parameter values Queue.Set '{"name":"narrow","values":{}}'
	fails Job.Invalid parameter values.submit_users Queue.Set '{"name":"narrow","values":{"submit_users":""}}'
	fails Job.Invalid parameter values.attempts Queue.Set '{"name":"narrow","values":{"attempts":"101"}}'
	fails Job.Invalid parameter values.colour Queue.Reset '{"name":"narrow","values":["colour"]}'
	fails Queue.NotFound known '["default","narrow"]' Queue.Get '{"name":"elsewhere"}'
	is "$(call Queue.List | json parameters.queues | grep -o '"name":"[a-z]*"' | tr '\n' ' ')" \
	    '"name":"default" "name":"narrow" '
}

@test "a queue that is paused or drained starts none until it is resumed" {
	gives parameters.changed true Queue.Drain '{"name":"narrow"}'
	gives parameters.changed false Queue.Drain '{"name":"narrow"}'
	call Job.Submit '{"command":["true"],"queue":"narrow"}' >/dev/null
	gives parameters.reason draining Job.Why '{"id":1}'
	gives parameters.queue.state paused Queue.Pause '{"name":"narrow"}'
	gives parameters.reason queue-paused Job.Why '{"id":1}'
	gives parameters.queue.state open Queue.Resume '{"name":"narrow"}'
	ok jobctl wait 1
}

@test "a template is used, replaced and deleted" {
	reply=$(call Job.Submit '{"template":"nightly","parameters":{"date":"a  b"}}')
	is "$(json parameters.job.command <<<"$reply")" '["echo","on a  b","full"]'
	is "$(json parameters.job.queue <<<"$reply")" narrow
	is "$(json parameters.job.template <<<"$reply")" nightly
	fails Job.Invalid parameter parameters Job.Submit '{"template":"nightly"}'
	fails Template.NotFound known '["nightly"]' Job.Submit '{"template":"daily"}'
	gives parameters.template.origin runtime Template.Set \
	    '{"template":{"name":"nightly","command":["true","{x}"],"parameters":["x"],"umask":63,"rules":{"timeout":"60s"}}}'
	gives parameters.template.umask 63 Template.Get '{"name":"nightly"}'
	gives parameters.template.rules.timeout 1min Template.Get '{"name":"nightly"}'
	fails Job.Invalid parameter template Template.Set \
	    '{"template":{"name":"bad","command":["sh","-c","echo {x}"],"parameters":["x"]}}'
	fails Queue.NotFound parameter template.queue Template.Set \
	    '{"template":{"name":"bad","command":["true"],"queue":"elsewhere"}}'
	fails Job.Invalid parameter template.name Template.Set '{"template":{"name":"a b","command":["true"]}}'
	fails Job.Invalid parameter template.timeout Template.Set \
	    '{"template":{"name":"bad","command":["true"],"rules":{"timeout":"x"}}}'
	is "$(call Template.Delete '{"name":"nightly"}')" '{"parameters":{}}'
	gives parameters.template.origin config Template.Get '{"name":"nightly"}'
	fails Job.Invalid parameter name Template.Delete '{"name":"nightly"}'
	fails Template.NotFound name daily Template.Delete '{"name":"daily"}'
}

@test "a reload declares other queues and templates" {
	once='{"command":["true"],"queue":"narrow","token":"t"}'
	id=$(call Job.Submit "$once" | json parameters.job.id)
	config_only 'queue wide {' '}'
	ok jobctl reload
	fails Queue.NotFound known '["default","wide"]' Job.Submit '{"command":["true"],"queue":"narrow"}'
	fails Template.NotFound known '[]' Job.Submit '{"template":"nightly"}'
	gives parameters.job.queue wide Job.Submit '{"command":["true"],"queue":"wide","hold":true}'
	# What was submitted before is there when it is asked for again.
	gives parameters.job.id "$id" Job.Submit "$once"
}

# Three jobs a third of a second apart start at most 0.6 s late; what looks once a second can't do that.
start_in_time() {
	local now first id late
	now=$(date +%s%6N)
	first=$(call Job.SubmitMany "{\"jobs\":[
	    {\"command\":[\"true\"],\"not_before_us\":$((now + 500000))},
	    {\"command\":[\"true\"],\"not_before_us\":$((now + 833333))},
	    {\"command\":[\"true\"],\"not_before_us\":$((now + 1166666))}]}" | json parameters.batch)
	gives parameters.reason not-before Job.Why "{\"id\":$((first + 2))}"
	ok jobctl wait "$first" $((first + 1)) $((first + 2))
	for id in 0 1 2; do
		late=$(($(field $((first + id)) started_at_us) - now - 500000 - id * 333333))
		((late >= 0)) || return "$HOPELESS"
		((late < 600000)) || return 1
	done
}

@test "a job starts when its time has come, and not a second later" {
	eventually start_in_time
}

@test "what is refused of queues, templates and edits is journalled by its verb" {
	as_root_only
	command -v setpriv >/dev/null || skip "no setpriv"
	chmod 755 "$D"
	submit --hold -- true
	other() {
		printf '{"method":"org.jobd.%s","parameters":%s}\0' "$1" "$2" |
		    setpriv --reuid=1 --regid=1 --clear-groups socat -t 10 - "UNIX-CONNECT:$D/s" | tr '\0' '\n'
	}
	for call in 'Queue.Set {"name":"default","values":{"max_running":"1"}}' 'Queue.Drain {"name":"default"}' \
	    'Template.Delete {"name":"nightly"}' 'Job.Edit {"id":1,"name":"n"}' 'Job.Resume {"id":1,"force":true}'; do
		reply=$(other "${call%% *}" "${call#* }")
		is "$(json error <<<"$reply")" org.varlink.service.PermissionDenied
	done
	for verb in queue-set queue-drain template-delete edit resume; do
		contains "$(jobctl audit --verb "$verb" --json | json result)" PermissionDenied
	done
	# A template can be seen by all: its variables come to whoever uses it.
	is "$(other Template.Get '{"name":"nightly"}' | json parameters.template.environment)" '["NOTED=x"]'
	# A queue is open to those it names.
	call Queue.Set '{"name":"narrow","values":{"submit_users":"root"}}' >/dev/null
	reply=$(other Job.Submit '{"command":["true"],"queue":"narrow"}')
	is "$(json error <<<"$reply")" org.jobd.Queue.NotAllowed
	is "$(json parameters.queue <<<"$reply")" narrow
	contains "$(jobctl audit --verb submit --json | json result)" NotAllowed
	call Queue.Set "{\"name\":\"narrow\",\"values\":{\"submit_groups\":\"$(id -gn 1)\"}}" >/dev/null
	is "$(other Job.Submit '{"command":["true"],"queue":"narrow"}' | json error)" ""
}

@test "root submits many jobs for somebody else, and nobody else does" {
	as_root_only
	command -v setpriv >/dev/null || skip "no setpriv"
	chmod 755 "$D"
	one='"jobs":[{"command":["true"],"hold":true},{"command":["true"],"hold":true}]'
	gives parameters.ids '[1,2]' Job.SubmitMany "{$one,\"user\":\"$(id -un 1)\"}"
	is "$(jobctl list --json | json user | sort -u)" "$(id -un 1)"
	fails Job.Invalid parameter user Job.SubmitMany "{$one,\"user\":\"nosuchuser\"}"
	reply=$(printf '{"method":"org.jobd.Job.SubmitMany","parameters":{%s,"user":"root"}}\0' "$one" |
	    setpriv --reuid=1 --regid=1 --clear-groups socat -t 10 - "UNIX-CONNECT:$D/s" | tr '\0' '\n')
	is "$(json error <<<"$reply")" org.varlink.service.PermissionDenied
}
