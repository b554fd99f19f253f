# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Completion of jobctl(1) for bash. What there is to complete is asked of jobctl
# itself: verbs and options from its help, numbers of jobs from the daemon.

_jobctl_verbs() {
	jobctl --help 2>/dev/null | sed -n 's/^  \([a-z][a-z, ]*[a-z]\)  .*/\1/p' | tr -d ,
}

_jobctl_options() {
	jobctl ${1:+"$1"} --help 2>/dev/null | sed -n 's/^ *\(-[A-Za-z], \)\{0,1\}\(--[a-z-]*\).*/\2/p'
}

# The jobs that make sense for a verb.
_jobctl_ids() {
	local state=
	case $1 in
	pause | suspend | signal) state=running ;;
	resume | cont) state=paused ;;
	hold) state=queued ;;
	release) state=held ;;
	cancel | kill | wait | priority) state=live ;;
	retry | requeue) state=failed,cancelled ;;
	delete | rm) state=ended ;;
	list | ls | status | show | log | logs | cat | audit) ;;
	*) return ;;
	esac
	jobctl list --limit 200 ${state:+--state "$state"} --json 2>/dev/null |
	    sed -n 's/.*"id": *\([0-9]*\).*/\1/p'
}

# Whether the option, with this verb, takes its value from the next word.
_jobctl_takes_value() {
	case $1 in
	-n | -p | -C | -u | -s | -o) return 0 ;;
	--?*=* | --) return 1 ;;
	--?*) ;;
	*) return 1 ;;
	esac
	jobctl ${2:+"$2"} --help 2>/dev/null | grep -Eq -e "^ *(-[A-Za-z], )?$1 [^ ]"
}

# The values that an option can have, where they can be guessed.
_jobctl_values() {
	case $1 in
	--state | -s) echo queued held running paused completed failed cancelled live ended ;;
	--queue) echo default ;;
	--user | -u) compgen -u ;;
	--priority | -p) echo 1 2 3 4 5 6 7 8 9 10 high normal low ;;
	--output | -o) echo wide ;;
	--on-stop) echo keep pause cancel ;;
	--verb) _jobctl_verbs ;;
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

_jobctl_value() {
	case $1 in
	--socket) mapfile -t COMPREPLY < <(compgen -f -- "$2") ;;
	--chdir | -C) mapfile -t COMPREPLY < <(compgen -d -- "$2") ;;
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
		mapfile -t COMPREPLY < <(compgen -f -- "$2")
	fi
}

# Looks at the words before the one at the cursor: verb, how many words follow it, and
# option, if the word at the cursor is an option's value.
_jobctl_parse() {
	local i
	verb='' count=0 option='' plain=0
	for ((i = 1; i < ${#words[@]} - 1; i++)); do
		if [[ -n $option ]]; then
			option=
		elif ((!plain)) && [[ ${words[i]} == -- ]]; then
			plain=1
		elif ((!plain)) && [[ ${words[i]} == -?* ]]; then
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
	local words verb count option plain word
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
		mapfile -t COMPREPLY < <(compgen -W 'HUP INT QUIT USR1 USR2 TERM KILL' -- "$word")
	elif [[ $verb == priority ]] && ((count > 0)); then
		mapfile -t COMPREPLY < <(compgen -W '1 2 3 4 5 6 7 8 9 10 high normal low' -- "$word")
	else
		mapfile -t COMPREPLY < <(compgen -W "$(_jobctl_ids "$verb")" -- "$word")
	fi
}

complete -o filenames -F _jobctl jobctl
