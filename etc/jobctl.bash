# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Completion of jobctl(1) for bash. What there is to complete is asked of jobctl
# itself: verbs and options from its help, jobs from the daemon, which has two seconds to
# answer. In a list of several jobs each has its state and name beside its number.

_jobctl_verbs() {
	jobctl --help 2>/dev/null | sed -n 's/^  \([a-z][a-z, -]*[a-z]\)  .*/\1/p' | tr -d ,
}

# The options of a verb.
_jobctl_options() {
	jobctl ${1:+"$1"} --help 2>/dev/null |
	    sed -n 's/^  *\(-[A-Za-z]\), \(--[a-z-]*\).*/\1\n\2/p; t
		s/^  *\(--[a-z-]*\).*/\1/p'
}

# The states in which the verb can do something, with commas between; nothing for all. Fails
# where the verb takes no job.
_jobctl_states() {
	case $1 in
	pause | suspend) echo running ;;
	signal) echo running,paused ;;
	resume | cont) echo paused ;;
	hold) echo queued ;;
	release) echo held ;;
	cancel | kill | wait | priority) echo live ;;
	retry | requeue) echo failed,cancelled ;;
	delete | rm) echo ended ;;
	list | ls | status | show | log | logs | cat | audit) ;;
	*) return 1 ;;
	esac
}

# The jobs that make sense for a verb, the newest first: number, state and name. A daemon that does not
# answer must not hold up the line that is being typed.
_jobctl_jobs() {
	local states
	states=$(_jobctl_states "$1") || return 0
	# What JSON escapes stays so: a name can't do anything to the terminal.
	timeout 2 jobctl ${socket:+--socket "$socket"} list --limit 100 ${states:+--state "$states"} --json \
	    2>/dev/null </dev/null |
	    sed -n 's/^{"id": *\([0-9]*\), *"state": *"\([a-z]*\)"[^{]*"name": *"\(\([^"\\]\|\\.\)*\)".*/\1 \2 \3/p; t
		s/^{"id": *\([0-9]*\), *"state": *"\([a-z]*\)".*/\1 \2/p'
}

# Offers these jobs. Bash puts what all that is offered begins with on the line, so the words beside the
# number can stay where several are shown (COMP_TYPE says so), as numbers differ.
_jobctl_offer_jobs() {
	local line jobs=()
	while read -r line; do
		[[ $line != "$2"* ]] || jobs+=("${line:0:72}")
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
	jobctl ${2:+"$2"} --help 2>/dev/null | grep -Eq -e "^ *$option [^ ]"
}

_jobctl_signals='HUP INT QUIT USR1 USR2 TERM KILL ALRM WINCH'
_jobctl_priorities='1 2 3 4 5 6 7 8 9 10 high normal low'

# The values that an option can have, where they can be guessed.
_jobctl_values() {
	case $1 in
	--state | -s) echo queued held running paused completed failed cancelled live ended ;;
	--queue) echo default ;;
	--user | -u) compgen -u ;;
	--priority | -p) echo "$_jobctl_priorities" ;;
	--output | -o) echo wide ;;
	--on-stop) echo keep pause cancel ;;
	--verb) _jobctl_verbs ;;
	--env) compgen -e ;;
	--since | --until) echo now today yesterday ;;
	--umask) echo 022 027 077 ;;
	--sort) echo id state priority queue name progress elapsed user reason project \
	    submitted started ended cpu rss ;;
	*) return 1 ;;
	esac
}

# Completes the last of the values that stand with commas between; bash replaces the whole word.
_jobctl_list() {
	local word=$1 before=
	shift
	[[ $word != *,* ]] || before=${word%,*},
	mapfile -t COMPREPLY < <(compgen -P "$before" -W "$*" -- "${word##*,}")
}

# Files or directories, whose names may want quoting.
_jobctl_files() {
	compopt -o filenames 2>/dev/null || :
	mapfile -t COMPREPLY < <(compgen "$1" -- "$2")
}

_jobctl_value() {
	case $1 in
	--socket) _jobctl_files -f "$2" ;;
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

# Looks at the words before the one at the cursor: verb, how many words follow it,
# option, if the word at the cursor is an option's value, and the socket, if one is named.
_jobctl_parse() {
	local i
	verb='' count=0 option='' plain=0 socket=''
	for ((i = 1; i < ${#words[@]} - 1; i++)); do
		if [[ -n $option ]]; then
			[[ $option != --socket ]] || socket=${words[i]}
			option=
		elif ((!plain)) && [[ ${words[i]} == -- ]]; then
			plain=1
		elif ((!plain)) && [[ ${words[i]} == -?* ]]; then
			[[ ${words[i]} != --socket=* ]] || socket=${words[i]#*=}
			! _jobctl_takes_value "${words[i]}" "$verb" || option=${words[i]}
		elif [[ -z $verb ]]; then
			verb=${words[i]}
		else
			((++count))
			# The options end where the command begins.
			[[ $verb != @(submit|add|run) ]] || plain=1
		fi
	done
}

_jobctl() {
	local words verb count option plain socket word
	COMPREPLY=()
	_jobctl_words
	_jobctl_parse
	word=${words[${#words[@]} - 1]}

	if [[ -n $option ]]; then
		_jobctl_value "$option" "$word"
	elif ((!plain)) && [[ $word == --*=* ]]; then
		_jobctl_value "${word%%=*}" "${word#*=}"
	elif ((!plain)) && [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_jobctl_options "$verb")" -- "$word")
	elif [[ -z $verb || $verb == help ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_jobctl_verbs)" -- "$word")
	elif [[ $verb == @(submit|add|run) ]]; then
		_jobctl_command $((count == 0)) "$word"
	elif [[ $verb == signal ]] && ((count > 0)); then
		mapfile -t COMPREPLY < <(compgen -W "$_jobctl_signals" -- "$word")
	elif [[ $verb == priority ]] && ((count > 0)); then
		mapfile -t COMPREPLY < <(compgen -W "$_jobctl_priorities" -- "$word")
	else
		_jobctl_offer_jobs "$verb" "$word"
	fi
}

complete -F _jobctl jobctl
