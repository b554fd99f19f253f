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
	esac
	jobctl list --limit 200 ${state:+--state "$state"} --json 2>/dev/null |
	    sed -n 's/.*"id": *\([0-9]*\).*/\1/p'
}

_jobctl() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb='' i
	COMPREPLY=()

	# The first word that is no option, nor an option's value, is the verb.
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--socket) ((i++)) ;;
		-*) ;;
		*)
			verb=${COMP_WORDS[i]}
			break
			;;
		esac
	done

	case $before in
	--socket | --chdir | -C)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	--state | -s)
		mapfile -t COMPREPLY < <(compgen -W \
		    'queued held running paused completed failed cancelled live ended' -- "$word")
		return
		;;
	--user | -u)
		mapfile -t COMPREPLY < <(compgen -u -- "$word")
		return
		;;
	--priority | -p)
		mapfile -t COMPREPLY < <(compgen -W 'high normal low 1 2 3 4 5 6 7 8 9 10' -- "$word")
		return
		;;
	--output | -o)
		mapfile -t COMPREPLY < <(compgen -W wide -- "$word")
		return
		;;
	esac

	if [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_jobctl_options "$verb")" -- "$word")
	elif [[ -z $verb || $verb == help ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_jobctl_verbs)" -- "$word")
	elif [[ $verb == signal && $before =~ ^[0-9] ]]; then
		mapfile -t COMPREPLY < <(compgen -W 'HUP INT QUIT USR1 USR2 TERM KILL' -- "$word")
	elif [[ $verb == @(submit|add|run) ]]; then
		mapfile -t COMPREPLY < <(compgen -c -- "$word")
	else
		mapfile -t COMPREPLY < <(compgen -W "$(_jobctl_ids "$verb")" -- "$word")
	fi
}

complete -o filenames -F _jobctl jobctl
