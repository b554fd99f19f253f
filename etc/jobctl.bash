# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Completion of jobctl(1) for bash. What there is to complete is asked of jobctl
# itself: verbs and options from its help, jobs from the daemon, which has two seconds to
# answer. In a list of several jobs each has its state and name beside its number.

_jobctl_verbs() {
	_jobctl_verb_names | sed 's/ .*//' | sort -u
}

# Every verb and alias, a line each; of a family like queue each with its two words.
_jobctl_verb_names() {
	jobctl --help 2>/dev/null | sed -n 's/^  \([a-z][a-z, -]*[a-z]\)  .*/\1/p' |
	    awk -F ', ' '{
		family = $1 ~ / / ? substr($1, 1, index($1, " ")) : ""
		print $1
		for (i = 2; i <= NF; i++)
			print family $i
	    }'
}

# The second words that a verb can have; nothing where it is whole.
_jobctl_seconds() {
	_jobctl_verb_names | sed -n "s/^$1 //p"
}

# The help of a verb, which may be two words.
_jobctl_help() {
	local named
	read -ra named <<<"$1"
	jobctl "${named[@]}" --help 2>/dev/null
}

# The options of a verb.
_jobctl_options() {
	_jobctl_help "${1-}" |
	    sed -n 's/^  *\(-[A-Za-z]\), \(--[a-z-]*\).*/\1\n\2/p; t
		s/^  *\(--[a-z-]*\).*/\1/p'
}

# The states in which the verb can do something, with commas between; nothing for all. Fails
# where the verb takes no job.
_jobctl_states() {
	case $1 in
	# A slot can be given up later, too.
	pause | suspend) [[ " ${words[*]-} " == *' --release-slot '* ]] && echo running,paused || echo running ;;
	signal) echo running,paused ;;
	resume | cont) echo paused ;;
	hold) echo queued ;;
	release) echo held ;;
	cancel | kill | wait | priority) echo live ;;
	edit) echo queued,held ;;
	retry | requeue) echo failed,cancelled ;;
	delete | rm) echo ended ;;
	list | ls | status | show | log | logs | cat | audit | why) ;;
	*) return 1 ;;
	esac
}

# Asks the daemon, which must not hold up the line that is being typed when it does not answer.
_jobctl_ask() {
	timeout 2 jobctl ${socket:+--socket "$socket"} "$@" 2>/dev/null </dev/null
}

# Whether the verb does something with every job for who asks, and not with those alone that one may control.
_jobctl_takes_all() {
	case $1 in
	list | ls | status | show | audit | wait) ;;
	*) ((EUID == 0)) ;;
	esac
}

# Jobs in these states that the verb would not be refused, each as an object of JSON, at most as many as would
# be looked at in a list. One's own come first, and are more than those of a list if others have many.
_jobctl_in_states() {
	if _jobctl_takes_all "$2"; then
		_jobctl_ask list --limit 100 --state "$1" --json
	else
		_jobctl_ask list --limit 100 --state "$1" --user "$(id -un)" --json || return 1 # nor will it answer then
		# Who may control another's job is told its command.
		_jobctl_ask list --limit 100 --state "$1" --json | grep '"command": *\[' || :
	fi
}

# The jobs that make sense for a verb, the newest first: number, state and name. Where it is for all, what has
# ended fills up what those leave that have not: a job that runs for long may be older than many that have ended.
_jobctl_jobs() {
	local states
	states=$(_jobctl_states "$1") || return 0
	# What JSON escapes stays so: a name can't do anything to the terminal.
	{
		if [[ -n $states ]]; then
			_jobctl_in_states "$states" "$1"
		else
			_jobctl_in_states live "$1" && _jobctl_in_states ended "$1"
		fi
	} | awk '!seen[$0]++' | head -n 100 |
	    sed -n 's/^{"id": *\([0-9]*\), *"state": *"\([a-z]*\)"[^{]*"name": *"\(\([^"\\]\|\\.\)*\)".*/\1 \2 \3/p; t
		s/^{"id": *\([0-9]*\), *"state": *"\([a-z]*\)".*/\1 \2/p' |
	    sort -u -k 1,1nr # one that ended meanwhile was there twice
}

# The names of all queues, or templates.
_jobctl_names() {
	_jobctl_ask "$1" list --json | sed -n 's/^{"name": *"\([A-Za-z0-9_.-]*\)".*/\1/p'
}

_jobctl_queues() {
	_jobctl_names queue | grep . || echo default
}

# The parameters of a template, as they begin: date=
_jobctl_parameters() {
	_jobctl_ask template show --json -- "$1" |
	    sed -n 's/.*"parameters": *\[\([^]]*\)\].*/\1/p' | tr ',' '\n' |
	    sed -n 's/^ *"\([A-Za-z0-9_.-]*\)[="].*/\1=/p'
}

# Whether a number is on the line already, by itself, in a list or in a range.
_jobctl_is_given() {
	local word part parts
	for word in "${given[@]-}"; do
		IFS=, read -ra parts <<<"$word"
		for part in "${parts[@]-}"; do
			[[ $part =~ ^([0-9]{1,18})(-([0-9]{1,18}))?$ ]] || continue
			(($1 < 10#${BASH_REMATCH[1]} || $1 > 10#${BASH_REMATCH[3]:-${BASH_REMATCH[1]}})) || return 0
		done
	done
	return 1
}

# Offers these jobs, but for those that are on the line. Bash puts what all that is offered begins with
# on the line, so the words beside the number can stay where several are shown (COMP_TYPE says so), as
# numbers differ.
_jobctl_offer_jobs() {
	local line jobs=()
	while read -r line; do
		[[ $line != "$2"* ]] || _jobctl_is_given "${line%% *}" || jobs+=("${line:0:72}")
	done < <(_jobctl_jobs "$1")
	if ((${#jobs[@]} < 2)) || [[ ${COMP_TYPE-} != @(33|63|64) ]]; then
		jobs=("${jobs[@]%% *}")
	fi
	COMPREPLY=("${jobs[@]}")
	compopt -o nosort 2>/dev/null || :
}

# Whether the option, with this verb, takes its value from the next word.
_jobctl_takes_value() {
	local option=$1
	case $option in
	--?*=* | --) return 1 ;;
	--?*) option="(-[A-Za-z], )?$option" ;;
	-?) option="$option, --[a-z-]*" ;;
	*) return 1 ;;
	esac
	_jobctl_help "${2-}" | grep -Eq -e "^ *$option [^ ]"
}

_jobctl_signals='HUP INT QUIT USR1 USR2 TERM KILL ALRM WINCH'
_jobctl_priorities='1 2 3 4 5 6 7 8 9 10 high normal low'
_jobctl_rules='timeout warn attempts backoff backoff_max backoff_jitter retry_on retry_not recovery'
_jobctl_reasons='exit signal timeout deadline spawn dependency watchdog oom shutdown lost priority queue-full
queue-paused draining not-before backoff user-limit low-disk'
_jobctl_journal='submit seal drop hold release pause resume cancel signal retry priority edit delete queue-set
queue-reset queue-pause queue-resume queue-drain template-set template-delete reload connect start never-ran
stopped unstoppable recontinued warned timeout again set-aside completed failed cancelled orphaned left
daemon-start daemon-reexec daemon-stop store-accepted get list why wait output audit health queue-get
queue-list template-get template-list'
_jobctl_queue_rules="max_running priority submit_users submit_groups $_jobctl_rules"

# The values that an option can have, where they can be guessed.
_jobctl_values() {
	case $1 in
	--state | -s) echo queued held running paused completed failed cancelled live ended ;;
	--reason) echo "$_jobctl_reasons" ;;
	--queue) _jobctl_queues ;;
	--template) _jobctl_names template ;;
	--after | --after-ok | --after-failed | --after-any) _jobctl_jobs wait | sed 's/ .*//' ;;
	--at | --deadline) echo now noon midnight tomorrow monday ;;
	--if-exists) echo refuse return ;;
	--recovery) echo retry fail hold ;;
	--retry-on) echo any ;;
	--retry-not | --warn) echo none ;;
	--clear) echo at deadline after drop_unmet name project meta "$_jobctl_rules" ;;
	--user | -u) compgen -u ;;
	--priority | -p) echo "$_jobctl_priorities" ;;
	--output | -o) echo wide ;;
	--on-stop) echo keep pause cancel ;;
	--verb) echo "$_jobctl_journal" ;;
	--env) compgen -e ;;
	--since | --until) echo now today yesterday ;;
	--umask) echo 022 027 077 ;;
	--sort) echo id state priority queue name progress elapsed user reason project \
	    pid attempt submitted start started ended cpu rss command ;;
	*) return 1 ;;
	esac
}

# The values that one of a queue's rules can have, where they can be guessed.
_jobctl_rule_values() {
	case $1 in
	submit_users) compgen -u ;;
	submit_groups) compgen -g ;;
	*) _jobctl_values "--${1//_/-}" ;;
	esac
}

# Completes the last of the values that stand with commas between, with one that is not there yet; bash
# replaces the whole word.
_jobctl_list() {
	local word=$1 before='' value all values=()
	shift
	[[ $word != *,* ]] || before=${word%,*},
	read -r -d '' -a all <<<"$*" || :
	for value in "${all[@]-}"; do
		[[ ,$before == *",$value,"* ]] || values+=("$value")
	done
	mapfile -t COMPREPLY < <(compgen -P "$before" -W "${values[*]-}" -- "${word##*,}")
}

# Files or directories, whose names may want quoting.
_jobctl_files() {
	compopt -o filenames 2>/dev/null || :
	mapfile -t COMPREPLY < <(compgen "$1" -- "$2")
}

_jobctl_value() {
	case $1 in
	--socket | --plan) _jobctl_files -f "$2" ;;
	--chdir | -C) _jobctl_files -d "$2" ;;
	*) _jobctl_list "$2" "$(_jobctl_values "$1")" ;;
	esac
}

# The line's words up to the cursor, with what bash takes apart at "=" put together again:
# words, the last of which is to be completed.
_jobctl_words() {
	local i last
	words=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		last=$((${#words[@]} - 1))
		if ((i > 1)) && [[ ${COMP_WORDS[i]} == = || ${COMP_WORDS[i - 1]} == = ]]; then
			words[last]+=${COMP_WORDS[i]}
		else
			words+=("${COMP_WORDS[i]}")
		fi
	done
}

# The job's own command: a program, then whatever it may take.
_jobctl_command() {
	if (($1)) && [[ $2 != */* ]]; then
		mapfile -t COMPREPLY < <(compgen -c -- "$2")
	else
		_jobctl_files -f "$2"
	fi
}

# Takes one of the words before the cursor that is no option.
_jobctl_word() {
	if [[ -z $verb ]]; then
		verb=$1
		seconds=$(_jobctl_seconds "$verb")
	elif [[ -n $seconds ]]; then
		verb+=" $1"
		seconds=
	else
		((++count))
		[[ -n $first ]] || first=$1
		given+=("$1")
		# The options end where the command begins.
		case $verb in
		submit | add | run) [[ -n $template ]] || plain=1 ;;
		edit | 'template set') ((count < 2)) || plain=1 ;;
		esac
	fi
}

# Looks at the words before the one at the cursor: verb (seconds: the words one of which still has to follow),
# how many words follow it (given) and the first of them, option, if the word at the cursor is an option's value, and the
# socket and the template, if they are named.
_jobctl_parse() {
	local i
	verb='' seconds='' first='' given=() count=0 option='' plain=0 socket='' template=''
	for ((i = 1; i < ${#words[@]} - 1; i++)); do
		if [[ -n $option ]]; then
			[[ $option != --socket ]] || socket=${words[i]}
			[[ $option != --template ]] || template=${words[i]}
			option=
		elif ((!plain)) && [[ ${words[i]} == -- ]]; then
			plain=1
		elif ((!plain)) && [[ ${words[i]} == -?* ]]; then
			[[ ${words[i]} != --socket=* ]] || socket=${words[i]#*=}
			[[ ${words[i]} != --template=* ]] || template=${words[i]#*=}
			! _jobctl_takes_value "${words[i]}" "$verb" || option=${words[i]}
		else
			_jobctl_word "${words[i]}"
		fi
	done
}

# Offers those of these words that begin so. Where a value is to follow, no space does.
_jobctl_offer() {
	mapfile -t COMPREPLY < <(compgen -W "$2" -- "$1")
	[[ ${COMPREPLY[*]-} != *= ]] || compopt -o nospace 2>/dev/null || :
}

# The first word after a verb: what it is about.
_jobctl_first() {
	case $verb in
	'queue '*) _jobctl_offer "$1" "$(_jobctl_queues)" ;;
	'template '*) _jobctl_offer "$1" "$(_jobctl_names template)" ;;
	*) _jobctl_offer_jobs "$verb" "$1" ;;
	esac
}

# Keys with their values, "recovery=hold" or in two words.
_jobctl_setting() {
	local before=${words[${#words[@]} - 2]}
	if [[ $1 == *=* ]]; then
		_jobctl_list "${1#*=}" "$(_jobctl_rule_values "${1%%=*}")"
	elif ((count > 1)) && [[ " $_jobctl_queue_rules " == *" ${before//-/_} "* ]]; then
		_jobctl_list "$1" "$(_jobctl_rule_values "${before//-/_}")"
	else
		_jobctl_offer "$1" "${_jobctl_queue_rules// /= }="
	fi
}

# The words after that.
_jobctl_later() {
	case $verb in
	signal) _jobctl_offer "$1" "$_jobctl_signals" ;;
	priority) _jobctl_offer "$1" "$_jobctl_priorities" ;;
	'queue set') _jobctl_setting "$1" ;;
	'queue reset') _jobctl_offer "$1" "$_jobctl_queue_rules" ;;
	edit) ((!plain)) || _jobctl_command $((count == 1)) "$1" ;;
	'template set') _jobctl_command $((count == 1)) "$1" ;;
	*) _jobctl_first "$1" ;;
	esac
}

# What can stand at the cursor after a verb, if it is no option.
_jobctl_argument() {
	case $verb in
	submit | add | run)
		if [[ -n $template ]]; then
			_jobctl_offer "$1" "$(_jobctl_parameters "$template")"
		else
			_jobctl_command $((count == 0)) "$1"
		fi
		;;
	'queue list' | 'queue ls' | 'template list' | 'template ls') ;;
	help) ((count > 1)) || _jobctl_offer "$1" "$(_jobctl_seconds "$first")" ;;
	*) if ((count > 0)); then _jobctl_later "$1"; else _jobctl_first "$1"; fi ;;
	esac
}

_jobctl() {
	local words verb seconds first given count option plain socket template word
	COMPREPLY=()
	_jobctl_words
	_jobctl_parse
	word=${words[${#words[@]} - 1]}

	if [[ -n $option ]]; then
		_jobctl_value "$option" "$word"
	elif ((!plain)) && [[ $word == --*=* ]]; then
		_jobctl_value "${word%%=*}" "${word#*=}"
	elif ((!plain)) && [[ $word == -* ]]; then
		_jobctl_offer "$word" "$(_jobctl_options "$verb")"
	elif [[ -z $verb || ($verb == help && -z $first) ]]; then
		_jobctl_offer "$word" "$(_jobctl_verbs)"
	elif [[ -n $seconds ]]; then
		_jobctl_offer "$word" "$seconds"
	else
		_jobctl_argument "$word"
	fi
}

complete -F _jobctl jobctl
