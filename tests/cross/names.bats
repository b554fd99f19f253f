# SPDX-License-Identifier: ISC
# Protocol, verbs, manual and completion name the same commands. The table in
# jobctl(1), under PROTOCOL, says which method a verb calls; it is checked
# against all the others.

: "${top_srcdir:=$(cd -P "$BATS_TEST_DIRNAME/../.." && pwd)}"
: "${top_builddir:=$top_srcdir/build}"
JOBCTL=$top_builddir/jobctl/jobctl

setup() {
	cd "$top_srcdir" || return
	T=$BATS_TEST_TMPDIR
}

# The verbs that jobctl knows, a line each with their aliases: "list, ls", "queue list, queue ls".
verb_lines() {
	"$JOBCTL" --help | sed -n 's/^  \([a-z][a-z, -]*[a-z]\)  .*/\1/p' | awk -F ', ' '{
		family = $1 ~ / / ? substr($1, 1, index($1, " ")) : ""
		line = $1
		for (i = 2; i <= NF; i++)
			line = line ", " family $i
		print line
	}'
}

verbs() {
	verb_lines | sed 's/,.*//' | sort
}

# Every method the daemon has, without those every Varlink service has.
methods() {
	local file
	for file in lib/org.jobd.*.varlink; do
		sed -n "s/^method \([A-Za-z]*\).*/$(basename "$file" .varlink).\1/p" "$file"
	done | sort
}

# The manual's table: a method and its verbs a line.
table() {
	sed -n 's/^\.It \(org\.jobd\.[A-Za-z.]*\) Ta \(.*\)$/\1 \2/p' man/jobctl.1
}

@test "the manual's table has every method, and none besides" {
	[[ $(methods | wc -l) -ge 18 ]]
	diff <(methods) <(table | cut -d ' ' -f 1 | sort)
}

@test "every verb calls a method of the table, and none besides" {
	# report speaks to the job's own socket, help to nobody.
	diff <(verbs | grep -vxE 'report|help') <(table | cut -d ' ' -f 2- | sed 's/ , /\n/g' | sort -u)
}

@test "every method is called by jobctl" {
	missing=0
	while read -r method; do
		name=${method##*.}
		grep -qE "\"$method\"|\"(org\.jobd\.)?([A-Z][a-z]+\.)?$name\"" jobctl/*.c || {
			echo "$method"
			missing=1
		}
	done < <(methods)
	return "$missing"
}

@test "every method has a handler in jobd/api" {
	missing=0
	while read -r method; do
		snake=$(sed 's/^org\.jobd\.//; s/\.//; s/\([A-Z]\)/_\L\1/g; s/^_//' <<<"$method")
		grep -q "$snake" jobd/api/*.c || {
			echo "$method: no $snake"
			missing=1
		}
	done < <(methods)
	return "$missing"
}

@test "every verb and alias is in jobctl(1), and none besides" {
	awk '/^\.It Ic / {
		verb = $3
		for (i = 4; i <= NF && $i ~ /^[a-z][a-z-]*$/; i++)
			verb = verb " " $i
		print verb
	    }
	    aliases { gsub(/^\.Ic | \.$/, ""); gsub(/ , /, "\n"); print; aliases = 0 }
	    /^Alias(es)?$/ { aliases = 1 }' man/jobctl.1 | sort >"$T/manual"
	verb_lines | sed 's/, /\n/g' | sort >"$T/help"
	diff "$T/help" "$T/manual"
}

@test "each verb's help names it, its aliases and what it takes" {
	while IFS= read -r line; do
		[[ $line != help ]] || continue
		read -ra verb <<<"${line%%,*}"
		"$JOBCTL" "${verb[@]}" --help >"$T/help"
		grep -q "jobctl ${verb[*]}" "$T/help"
		while IFS= read -r name; do
			read -ra verb <<<"$name"
			"$JOBCTL" "${verb[@]}" --help | diff - "$T/help"
		done <<<"${line//, /$'\n'}"
	done < <(verb_lines)
}

@test "a family's help names each of its verbs, and so does a mistake in the second word" {
	for family in $(verbs | sed -n 's/ .*//p' | sort -u); do
		"$JOBCTL" help "$family" >"$T/help"
		"$JOBCTL" "$family" --help | diff - "$T/help"
		verbs | sed -n "s/^$family //p" >"$T/seconds"
		[[ $(wc -l <"$T/seconds") -ge 4 ]]
		while read -r second; do
			grep -q "^  $family ${second}[ ,]" "$T/help"
			code=0
			"$JOBCTL" "$family" "${second}x" 2>"$T/said" || code=$?
			[[ $code == 2 ]]
			grep -q "did you mean '$family $second'" "$T/said"
		done <"$T/seconds"
	done
}

@test "completion offers every verb and its options" {
	PATH=$top_builddir/jobctl:$PATH
	# shellcheck source=etc/jobctl.bash disable=SC1091
	source etc/jobctl.bash
	COMP_WORDS=(jobctl '') COMP_CWORD=1
	_jobctl
	diff <(printf '%s\n' "${COMPREPLY[@]}" | sort) <(verb_lines | sed 's/, /\n/g' | sed 's/ .*//' | sort -u)
	for family in queue template; do
		COMP_WORDS=(jobctl "$family" '') COMP_CWORD=2
		_jobctl
		diff <(printf '%s\n' "${COMPREPLY[@]}" | sort) \
		    <(verb_lines | sed 's/, /\n/g' | sed -n "s/^$family //p" | sort)
	done
	COMP_WORDS=(jobctl submit --pri) COMP_CWORD=2
	_jobctl
	[[ ${COMPREPLY[*]} == --priority ]]
	COMP_WORDS=(jobctl list --state pa) COMP_CWORD=3
	_jobctl
	[[ ${COMPREPLY[*]} == paused ]]
}

# What is offered for the last of these words, in one line.
offered() {
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
	_jobctl
	echo "${COMPREPLY[*]}"
}

@test "completion knows what can stand where" {
	PATH=$top_builddir/jobctl:$PATH
	# shellcheck source=etc/jobctl.bash disable=SC1091
	source etc/jobctl.bash
	_jobctl_jobs() { [[ $1 != @(cancel|list|wait|edit) ]] || printf '%s\n' '7 running x' '8 queued'; }
	_jobctl_names() { [[ $1 == queue ]] && printf '%s\n' default import || echo nightly; }
	_jobctl_parameters() { printf '%s=\n' date mode; }
	[[ $(offered jobctl cancel '') == '7 8' ]]
	[[ $(offered jobctl cancel --now '') == '7 8' ]]
	[[ $(offered jobctl list --state failed '') == '7 8' ]]
	[[ $(offered jobctl list --limit '') == '' ]]
	[[ $(offered jobctl list --sort el) == elapsed ]]
	[[ $(offered jobctl list --queue '') == 'default import' ]]
	[[ $(offered jobctl submit --queue im) == import ]]
	[[ $(offered jobctl submit --after 7,) == '7,8' ]]
	[[ $(offered jobctl submit --recovery h) == hold ]]
	[[ $(offered jobctl submit --template '') == nightly ]]
	[[ $(offered jobctl submit --template nightly '') == 'date= mode=' ]]
	[[ $(offered jobctl submit --template nightly date = x --pri) == --priority ]]
	[[ $(offered jobctl queue p) == pause ]]
	[[ $(offered jobctl queue pause '') == 'default import' ]]
	[[ $(offered jobctl queue set import max) == max_running= ]]
	[[ $(offered jobctl queue reset import backoff_) == 'backoff_max backoff_jitter' ]]
	[[ $(offered jobctl queue drain --w) == --wait ]]
	[[ $(offered jobctl template show '') == nightly ]]
	[[ $(offered jobctl edit '') == '7 8' ]]
	[[ $(offered jobctl edit 7 --clear dead) == deadline ]]
	[[ $(offered jobctl help queue dr) == drain ]]
	[[ $(offered jobctl audit --verb sea) == seal ]]
	[[ $(offered jobctl priority 7 '') == '1 2 3 4 5 6 7 8 9 10 high normal low' ]]
	[[ $(offered jobctl signal 7 K) == KILL ]]
	[[ $(offered jobctl shutdown --on-stop p) == pause ]]
	# As bash takes the line apart.
	[[ $(offered jobctl list --state failed,can) == failed,cancelled ]]
	[[ $(offered jobctl list --state = fa) == failed ]]
	[[ $(offered jobctl list --state = '') == 'queued held running'* ]]
}

@test "completion offers jobs only where jobs are named" {
	printf '%s\n' '#!/bin/sh' "[ \"\$1\" = list ] || exec '$JOBCTL' \"\$@\"" \
	    'echo "{\"id\":7,\"state\":\"running\"}"' >"$T/jobctl"
	chmod +x "$T/jobctl"
	PATH=$T:$PATH
	# shellcheck source=etc/jobctl.bash disable=SC1091
	source etc/jobctl.bash
	for verb in reload health daemon-reexec shutdown report; do
		[[ $(offered jobctl "$verb" '') == '' ]]
	done
	for verb in cancel kill log wait status list audit delete rm; do
		[[ $(offered jobctl "$verb" '') == 7 ]]
	done
}

@test "completion of a job's command offers programs and files, and no option of jobctl's" {
	PATH=$top_builddir/jobctl:$PATH
	# shellcheck source=etc/jobctl.bash disable=SC1091
	source etc/jobctl.bash
	: >"$T/file-of-mine"
	[[ " $(offered jobctl submit --name x --meta k = v mkdi) " == *' mkdir '* ]]
	[[ $(offered jobctl run -- "$T/file-o") == "$T/file-of-mine" ]]
	[[ $(offered jobctl submit --hold cat "$T/file-o") == "$T/file-of-mine" ]]
	[[ $(offered jobctl submit cat --pri) == '' ]]
	[[ $(offered jobctl submit --pri) == --priority ]]
}
