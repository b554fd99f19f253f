# SPDX-License-Identifier: ISC
# What the manual shows works when it is typed: the examples of jobctl(1), jobd-varlink(7) and
# jobd-report(7), and the programs in them.
#
# In these pages, each block of code (.Bd -literal) is
# - a file, where a comment .\" file: NAME stands before it: it is saved under that name; or
# - a session, where a line begins with "$ ": these lines are typed, in their order, in one shell a
#   page. Lines that begin with "> " go on with the one before. What stands below is what
#   came, where "..." stands for anything in a line, and as a line of its own for any lines; where
#   nothing is shown, anything may come. All must leave with 0.
# Other blocks are no examples.
load lib

# The blocks of a page: "== file NAME" or "== block LINE", and the code as a reader sees it.
blocks() {
	awk '
		/^\.\\" file: / { name = $3 }
		/^\.Ed/ { inside = 0 }
		inside { print }
		/^\.Bd -literal/ { print name ? "== file " name : "== block " NR; name = ""; inside = 1 }
	' "$top_srcdir/man/$1" | sed -e 's/\\(aq/'"'"'/g' -e 's/\\(ga/`/g' -e 's/\\(ha/^/g' \
	    -e 's/\\(ti/~/g' -e 's/\\(dq/"/g' -e 's/\\-/-/g' -e 's/^\\&//' -e 's/\\e/\\/g'
}

# The same with what is the test's own language is left to mandoc: each line of a block is one of
# the page as it is printed.
as_printed() {
	mandoc -Tascii "$top_srcdir/man/$1" | sed 's/.\x08//g; s/^ *//' >printed
	while IFS= read -r line; do
		line=${line#"${line%%[![:space:]]*}"}
		# Tabs become spaces.
		[[ $line != *$'\t'* ]] || continue
		grep -qxF -- "$line" printed || {
			echo "man/$1: is printed in another way than it was typed: $line"
			return 1
		}
	done < <(blocks "$1" | grep -v '^== ')
}

save_files() {
	local line out=
	while IFS= read -r line; do
		case $line in
		'== file '*) out=${line#== file } ;;
		'== '*) out= ;;
		*) [[ -z $out ]] || printf '%s\n' "$line" >>"$out" ;;
		esac
	done < <(blocks "$1")
}

# Nobody types as fast as a test: what was submitted has begun, or has ended, or waits for what may take long.
settled() {
	! jobctl list --json --state queued | grep -Evq '"reason": *"(not-before|dependency)"'
}

# A line that is shown, as a pattern.
pattern() {
	local text=$1 out=
	while [[ $text == *...* ]]; do
		out+=$(printf '%q' "${text%%...*}")'*'
		text=${text#*...}
	done
	[[ -z $text ]] || out+=$(printf '%q' "$text")
	printf '%s' "$out"
}

# Whether the lines in the file came: shown LINE...
shown() {
	local came=$1 i=0 skip=0 want lines
	shift
	mapfile -t lines <"$came"
	for want; do
		if [[ $want == ... ]]; then
			skip=1
			continue
		fi
		while ((skip && i < ${#lines[@]})); do
			# shellcheck disable=SC2053 # a pattern
			[[ ${lines[i]} != $(pattern "$want") ]] || break
			((++i))
		done
		# shellcheck disable=SC2053
		[[ $i -lt ${#lines[@]} && ${lines[i]} == $(pattern "$want") ]] || {
			printf 'shown: %s\n' "$want"
			return 1
		}
		((++i))
		skip=0
	done
	((skip || i == ${#lines[@]})) || {
		echo "more came than is shown"
		return 1
	}
}

# Types one command, and compares.
type_one() {
	local command=$1 code=0
	shift
	eventually settled
	eval "$command" >came 2>&1 3>&- </dev/null || code=$?
	if ((code != 0)) || { (($# > 0)) && ! shown came "$@"; }; then
		printf 'typed: %s\nit left with %s; what came:\n' "$command" "$code"
		cat came
		return 1
	fi
}

# Types what a page shows; says how many commands that were in $typed.
type_page() {
	local line command='' below=()
	typed=0
	while IFS= read -r line <&9; do
		case $line in
		'$ '* | '== '*)
			if [[ -n $command ]]; then
				type_one "$command" "${below[@]}" || return
				((++typed))
			fi
			command='' below=()
			[[ $line != '$ '* ]] || command=${line#* }
			;;
		'> '*) command+=$'\n'${line#* } ;;
		*) [[ -z $command ]] || below+=("$line") ;;
		esac
	done 9< <(blocks "$1"; echo '== end')
}

needs() {
	local tool
	for tool; do
		command -v "$tool" >/dev/null || skip "no $tool"
	done
}

# Python as a job finds it: not one that needs the HOME it was installed in.
needs_python() {
	local python
	while read -r python; do
		if "$python" -c 'import json, socket' 2>/dev/null; then
			mkdir -p bin
			ln -sf "$python" bin/python3
			PATH=$D/bin:$PATH
			return
		fi
	done < <(type -aP python3)
	skip "no python3"
}

local_setup() {
	needs mandoc
	config 'max_running = 20'
	printf 'a\nb\n' >one.csv
	printf '1\n2\n3\n' >three.csv
	echo x >two.csv
	start_jobd
}

@test "what jobctl(1) shows works when typed" {
	cat >import <<-'END'
		#!/bin/sh
		case $1 in
		broken.csv) echo "$1 is no table"; exit 3 ;;
		huge.csv) while :; do sleep 0.1; done ;;
		esac
		jobctl report --progress 3/3 --item "$1"
		echo "3 rows"
	END
	chmod +x import
	touch broken.csv huge.csv
	as_printed jobctl.1
	save_files jobctl.1
	type_page jobctl.1
	((typed >= 27))
}

@test "what jobd-varlink(7) shows works when typed, its program included" {
	needs socat
	needs_python
	as_printed jobd-varlink.7
	save_files jobd-varlink.7
	[[ -s jobs.py ]]
	type_page jobd-varlink.7
	((typed >= 9))
}

@test "what jobd-report(7) shows works when typed, its programs included" {
	needs socat cc gzip
	needs_python
	as_printed jobd-report.7
	save_files jobd-report.7
	[[ -s load.sh && -s count.c && -s count.py ]]
	type_page jobd-report.7
	((typed >= 11))
	[[ -s one.csv.gz && -s two.csv.gz && -s three.csv.gz ]]
}

@test "the shell example of jobd-report(7) can be stopped, and a retry goes on with it" {
	save_files jobd-report.7
	# A gzip that waits at the second file, and says what it was given.
	mkdir bin
	cat >bin/gzip <<-'END'
		#!/bin/sh
		echo "$2" >>packed
		while [ "$2" = three.csv ] && [ ! -e go ]; do sleep 0.02; done
	END
	chmod +x bin/gzip
	PATH=$D/bin:$PATH submit -- sh load.sh one.csv three.csv two.csv
	eventually has_line three.csv packed
	ok jobctl cancel --wait 1
	is "$(field 1 state)" cancelled
	is "$(field 1 progress.text)" 'stopped at file 2 of 3'
	: >go
	ok jobctl retry 1
	expect 0 jobctl wait 1
	is "$(tr '\n' ' ' <packed)" 'one.csv three.csv three.csv two.csv '
	is "$(field 1 progress.text)" 'all 3 files'
	not test -e load.1
}

@test "the C example of jobd-report(7) has no warning, and works where nobody listens" {
	needs cc
	save_files jobd-report.7
	cc -Wall -Wextra -Werror -o count count.c
	is "$(./count one.csv two.csv)" '3 lines'
	is "$(NOTIFY_SOCKET=$D/nobody ./count one.csv two.csv)" '3 lines'
	not ./count not-there.csv 2>/dev/null
}
