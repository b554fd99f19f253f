# SPDX-License-Identifier: ISC
# Options: what a verb's help names, jobctl(1) has under that verb, completion offers, and the
# parser takes; and no other. The same for jobd and jobd(8).
#
# jobctl(1) gives a verb's options in its own paragraph, in what is said of all of its subsection,
# under WHICH JOBS where that refers to it, and under OPTIONS.

: "${top_srcdir:=$(cd -P "$BATS_TEST_DIRNAME/../.." && pwd)}"
: "${top_builddir:=$top_srcdir/build}"
JOBCTL=$top_builddir/jobctl/jobctl
JOBD=$top_builddir/jobd/jobd

setup() {
	cd "$top_srcdir" || return
	export LC_ALL=C
	PATH=$top_builddir/jobctl:$PATH
	T=$BATS_TEST_TMPDIR
}

verbs() {
	"$JOBCTL" --help | sed -nE 's/^  ([a-z][a-z-]*( [a-z][a-z-]*)?)(, |  ).*/\1/p' | grep -vx help
}

# The options that a help names, a line each; one that takes a value has that beside it.
helped() {
	perl -ne 'next unless /^ *(?:(-\w), )?(--[a-z-]+)(?: (\S+))?/;
		print join(" ", $_, $3 // ()), "\n" for grep { defined } $1, $2' "$1"
}

# "VERB OPTION" for each verb that jobctl's table has.
helps() {
	local verb words
	while read -r verb; do
		read -ra words <<<"$verb"
		"$JOBCTL" "${words[@]}" --help >"$T/help"
		helped "$T/help" | sed "s/ .*//; s/^/$verb /"
	done < <(verbs) | sort
}

# "VERB OPTION" for each verb that jobctl(1) describes.
manuals() {
	awk '
		function add(where, name) {
			sub(/^\\/, "", name)
			gsub(/\\/, "", name)
			if (name ~ /^-?[A-Za-z]/)
				of[where] = of[where] " -" name
		}
		# Words after Fl, up to the next macro.
		function flags(where,   i, on) {
			for (i = 1; i <= NF; i++) {
				if ($i == "Fl" || $i == ".Fl")
					on = 1
				else if ($i ~ /^\.?[A-Z][a-z]$/)
					on = 0
				else if (on)
					add(where, $i)
			}
		}
		/^\.\\"/ { next }
		/^\.Sh / { section = substr($0, 5); sub_ = ""; verb = ""; depth = 0; next }
		/^\.Ss / { sub_ = $0; verb = ""; depth = 0; next }
		/^\.Bl/ { depth++; next }
		/^\.El/ { if (--depth == 0) verb = ""; next }
		section == "WHICH JOBS" { flags("selection"); next }
		section == "OPTIONS" { flags("all"); next }
		section != "DESCRIPTION" || !sub_ { next }
		depth == 1 && /^\.It Ic / {
			verb = $3
			for (i = 4; i <= NF && $i ~ /^[a-z][a-z-]*$/; i++)
				verb = verb " " $i
			group[verb] = sub_
		}
		/Sx WHICH JOBS/ { selects[verb ? verb : sub_] = 1 }
		/options are those of$/ { take = verb; next }
		take && /^\.Ic / { like[verb] = $2; without = 1; take = ""; next }
		{ flags(verb in like ? "not " verb : verb ? verb : sub_) }
		END {
			for (v in group) {
				out = of[v] " " of[group[v]] " " of["all"]
				if (v in like)
					out = out " " of[like[v]]
				if (selects[v] || selects[group[v]])
					out = out " " of["selection"]
				n = split(out, word, " ")
				for (i = 1; i <= n; i++)
					if (index(" " of["not " v] " ", " " word[i] " ") == 0)
						print v, word[i]
			}
		}' man/jobctl.1 | grep -v '^help ' | sort -u
}

# differ WHAT THIS THAT: fails, and says what to do, where two sorted files have other lines.
differ() {
	diff "$2" "$3" >"$T/diff" && return
	echo "$1"
	sed -n 's/^< /  only the program has: /p; s/^> /  only it has:          /p' "$T/diff"
	return 1
}

@test "every option of every verb is in jobctl(1) under that verb, and none besides" {
	helps >"$T/helps"
	manuals >"$T/manuals"
	[[ $(wc -l <"$T/helps") -gt 250 ]]
	differ 'man/jobctl.1: the verb and its options do not agree with jobctl VERB --help:' \
	    "$T/helps" "$T/manuals"
}

@test "completion offers each verb's options, and no others" {
	# shellcheck source=etc/jobctl.bash disable=SC1091
	source etc/jobctl.bash
	helps >"$T/helps"
	while read -r verb; do
		read -ra COMP_WORDS <<<"jobctl $verb -"
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_jobctl
		printf "$verb %s\n" "${COMPREPLY[@]}"
	done < <(verbs) | sort >"$T/offered"
	differ 'etc/jobctl.bash: what _jobctl_options makes of jobctl VERB --help is not what is there:' \
	    "$T/helps" "$T/offered"
}

@test "completion knows which options take a value" {
	# shellcheck source=etc/jobctl.bash disable=SC1091
	source etc/jobctl.bash
	for verb in submit list log audit report cancel edit 'template set' 'queue drain'; do
		read -ra words <<<"$verb"
		"$JOBCTL" "${words[@]}" --help >"$T/help"
		[[ $(helped "$T/help" | wc -l) -ge 6 ]]
		while read -r option value; do
			takes=
			! _jobctl_takes_value "$option" "$verb" || takes=yes
			[[ ${value:+yes} == "$takes" ]] || {
				echo "etc/jobctl.bash, _jobctl_takes_value: $verb $option: '$takes' for '$value'"
				return 1
			}
		done < <(helped "$T/help")
	done
}

@test "jobctl knows the journal's verbs, and jobctl(1) and jobd(8) have each" {
	"$JOBCTL" audit --verb no-such-verb 2>&1 | sed -n '1s/.*(\(.*\))/\1/p' | tr ' ' '\n' | sort >"$T/journal"
	[[ $(wc -l <"$T/journal") -ge 40 ]]
	# What jobd writes into the syslog alone stands there, too.
	sed -n '/^\.Ss Events/,/^\.Ss Keys/s/^\.It Cm \([a-z ,-]*\) Pq .*/\1/p' man/jobd.8 | tr -d ',' | tr ' ' '\n' |
	    sort >"$T/events"
	run comm -23 "$T/journal" "$T/events"
	[[ -z $output ]] || {
		echo "man/jobd.8, Events: not there: $output"
		return 1
	}
	sed -n "/^The journal's verbs are/,/^\.It Ic health/p" man/jobctl.1 | tr -cs 'a-z-' '\n' | sort -u >"$T/words"
	grep -vxE 'get|list|why|wait|audit|health|(queue|template)-(get|list)' "$T/journal" >"$T/changes"
	run comm -23 "$T/changes" "$T/words"
	[[ -z $output ]] || {
		echo "man/jobctl.1, audit: not there: $output"
		return 1
	}
}

@test "completion offers the states, columns, reasons, journal's verbs and signals that there are" {
	# shellcheck source=etc/jobctl.bash disable=SC1091
	source etc/jobctl.bash
	"$JOBCTL" list --state x 2>&1 | sed -n '1s/.*(\(.*\))/\1/p' | tr -d ';,' | tr ' ' '\n' | sort >"$T/states"
	[[ $(wc -l <"$T/states") -ge 9 ]]
	_jobctl_values --state | tr ' ' '\n' | sort >"$T/offered"
	differ 'etc/jobctl.bash, _jobctl_values --state:' "$T/states" "$T/offered"
	"$JOBCTL" list --help | sed -n '/^Columns for --sort: /,/\.$/p' | sed 's/^Columns for --sort: //; s/\.$//' |
	    tr ' ' '\n' | sort >"$T/columns"
	[[ $(wc -l <"$T/columns") -ge 10 ]]
	_jobctl_values --sort | tr ' ' '\n' | sort >"$T/offered"
	differ 'etc/jobctl.bash, _jobctl_values --sort:' "$T/columns" "$T/offered"
	"$JOBCTL" audit --verb no-such-verb 2>&1 | sed -n '1s/.*(\(.*\))/\1/p' | tr ' ' '\n' | sort >"$T/journal"
	[[ $(wc -l <"$T/journal") -ge 40 ]]
	_jobctl_values --verb | tr ' ' '\n' | sort >"$T/offered"
	differ 'etc/jobctl.bash, _jobctl_values --verb:' "$T/journal" "$T/offered"
	sed -n 's/^[[:space:]]*{ REASON_[A-Z_]*, "\([a-z-]*\)" },$/\1/p' jobd/core/job.c | sort >"$T/reasons"
	[[ $(wc -l <"$T/reasons") -ge 15 ]]
	_jobctl_values --reason | tr ' ' '\n' | sort >"$T/offered"
	differ 'etc/jobctl.bash, _jobctl_values --reason:' "$T/reasons" "$T/offered"
	for signal in $_jobctl_signals; do
		kill -l "$signal" >/dev/null
	done
}

# Whether the verb of $T/own has a letter that stands for this option elsewhere.
letter_shared() {
	local letter
	while read -r letter; do
		! grep -qE -e "^$letter( |\$)" "$T/own" || return 0
	done < <(sed -n "s/^ *\\(-[A-Za-z]\\), $1 .*/\\1/p" "$T/helps")
	return 1
}

# The parser looks at all options before it heeds --help, so that nothing is done here.
@test "jobctl takes the options that a verb's help names, and no others" {
	while read -r verb; do
		read -ra words <<<"$verb"
		"$JOBCTL" "${words[@]}" --help
	done < <(echo; verbs) >"$T/helps"
	helped "$T/helps" | sort -u >"$T/all"
	[[ $(wc -l <"$T/all") -ge 50 ]]
	bad=0
	while read -r verb; do
		read -ra words <<<"$verb"
		"$JOBCTL" "${words[@]}" --help >"$T/help"
		helped "$T/help" | sort -u >"$T/own"
		args=()
		while read -r option value; do
			[[ $option == @(--version|--help|-h) ]] || args+=("$option" ${value:+x})
		done <"$T/own"
		"$JOBCTL" "${words[@]}" "${args[@]}" --help 2>&1 | cmp -s - "$T/help" || {
			echo "jobctl $verb ${args[*]}: the help names what is not taken (jobctl/verbs.c, options.c)"
			bad=1
		}
		while read -r option value; do
			# A letter that verbs share makes its long names stand for one another.
			[[ $option == --* ]] && ! grep -qE -e "^$option( |$)" "$T/own" || continue
			! letter_shared "$option" || continue
			! "$JOBCTL" "${words[@]}" "$option" ${value:+x} --help >/dev/null 2>&1 || {
				echo "jobctl $verb $option: taken, and not in its help"
				bad=1
			}
		done <"$T/all"
	done < <(verbs)
	return "$bad"
}

@test "jobd --help, jobd(8) and the parser have the same options" {
	"$JOBD" --help >"$T/help"
	helped "$T/help" | cut -d ' ' -f 1 | sort >"$T/jobd"
	[[ $(wc -l <"$T/jobd") -ge 12 ]]
	sed -n '/^\.Sh OPTIONS/,/^\.Sh [^O]/s/^\.It //p' man/jobd.8 | tr -d ',' | tr ' ' '\n' |
	    sed -n 's/^\(-[a-z-]*\)$/-\1/p; s/^\([a-z]\)$/-\1/p' | sort >"$T/manual"
	differ 'man/jobd.8, OPTIONS: not as in jobd --help:' "$T/jobd" "$T/manual"
	{
		sed -n 's/^\t{ "\([a-z-]*\)", [a-z]*_argument, .*/--\1/p' jobd/options.c
		sed -n 's/.*getopt_long(argc, argv, "\([a-zA-Z:]*\)".*/\1/p' jobd/options.c | tr -d ':' |
		    grep -o . | sed 's/^/-/'
	} | sort >"$T/parser"
	differ 'jobd/options.c: the help (usage) has not the options that are taken (longs):' \
	    "$T/jobd" "$T/parser"
	# And they are taken as they stand there.
	while read -r option value; do
		[[ $option == @(-h|--help|--version) ]] || "$JOBD" "$option" ${value:+x} --version >/dev/null
	done < <(helped "$T/help")
}

@test "the synopsis of jobd(8) has every option" {
	sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESC/p' man/jobd.8 >"$T/synopsis"
	missing=0
	for option in $("$JOBD" --help | sed -n 's/^  *\(-[A-Za-z], \)\{0,1\}\(--[a-z-]*\).*/\1\2/p' | tr -d ' '); do
		short=${option%%,*} long=${option#*,}
		grep -qE -e "Fl $long\b|Fl [a-z]*${short#-}[a-z]*( |$)|${long#-}" "$T/synopsis" || {
			echo "man/jobd.8, SYNOPSIS: $option is missing"
			missing=1
		}
	done
	return "$missing"
}
