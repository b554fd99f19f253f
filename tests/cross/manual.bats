# SPDX-License-Identifier: ISC
# The manual is true: clean mdoc, every setting, option and error is there.

: "${top_srcdir:=$(cd -P "$BATS_TEST_DIRNAME/../.." && pwd)}"
: "${top_builddir:=$top_srcdir/build}"

setup() {
	cd "$top_srcdir" || return
	export LC_ALL=C
	T=$BATS_TEST_TMPDIR
	umask 022 # root's jobd takes no configuration that others may write
}

# The text of a manual page, without its overstriking.
page() {
	mandoc -Tascii "man/$1" | sed 's/.\x08//g'
}

# What jobd.conf(5) has in one of its sections, as it is written.
chapter() {
	awk -v heading=".Sh $1" '/^\.Sh / { on = $0 == heading; next } on' man/jobd.conf.5
}

# The settings that it lists there.
listed() {
	chapter "$1" | sed -n 's/^\.It Ic \([a-z_]*\) = .*/\1/p' | sort
}

# "name = value" for each default that it names there; those in words are for people.
named_defaults() {
	chapter "$1" | awk '/^\.It Ic / { name = $3 }
	    /^Default:$/ { getline; gsub(/\\\(dq/, ""); print name " = " $2 }
	    /^Default: [0-9]/ { sub(/\.$/, ""); print name " = " $2 }'
}

# The rules of lib/rules.h, and "name = default" as its test has them.
rules() {
	sed -n 's/^\t\[RULE_[A-Z_]*\] = { "\([a-z_]*\)", KIND_.*/\1/p' lib/rules.c | sort
}

rule_defaults() {
	sed -n '/ defaults\[RULES\]/,/}/s/^\t*\[RULE_\([A-Z_]*\)\] = "\(.*\)",$/\L\1\E = \2/p' \
	    tests/unit/test_rules.c | sort
}

# The names that this section of the example has.
shown_in() {
	sed -n "/^$1 {/,/^#}/s/^#\t\([a-z_]*\) = .*/\1/p" etc/jobd.conf | sort
}

# What an example shows, commented out or not, with its sections' lines in force.
sections_in_force() {
	sed 's/^#\(\(queue\|template\) .*{\|\t.*\|}\)$/\1/' etc/jobd.conf
}

# What is in force with this configuration: "name = value" a line, as `jobd -t` says it.
in_force() {
	"$top_builddir/jobd/jobd" -t -c "$1" | sed -n 's/^\(# \)\{0,1\}\([a-z_]* = [^#]*\).*/\2/p' | sed 's/ *$//'
}

# The settings that jobd takes.
settings() {
	: >"$T/empty.conf"
	in_force "$T/empty.conf" | sed 's/ =.*//' | sort
}

# agree WHERE PROGRAM DOCUMENT: fails, and says what is to be done, where the two lists differ.
agree() {
	diff "$2" "$3" >"$T/diff" && return
	sed -n "s|^< |$1: add |p; s|^> |$1: jobd does not know |p" "$T/diff"
	return 1
}

@test "mandoc finds nothing to complain of" {
	command -v mandoc >/dev/null || skip "no mandoc"
	run mandoc -Tlint -W warning man/*.[1-9]
	echo "$output"
	[[ $status == 0 && -z $output ]]
}

@test "every setting is in jobd.conf(5) and in the example, and none besides" {
	settings >"$T/known"
	[[ $(wc -l <"$T/known") -ge 12 ]]
	listed SETTINGS >"$T/manual"
	sed -n 's/^#\{0,1\}\([a-z_]*\) *=.*/\1/p' etc/jobd.conf | sort >"$T/example"
	agree 'man/jobd.conf.5, SETTINGS (.It Ic NAME = Ar type)' "$T/known" "$T/manual"
	agree 'etc/jobd.conf (#NAME = its default)' "$T/known" "$T/example"
}

@test "the example configuration is accepted, and with every line in force it is the defaults" {
	cat etc/jobd.conf >"$T/as-it-is.conf"
	"$top_builddir/jobd/jobd" -t -c "$T/as-it-is.conf"
	sed 's/^#\([a-z_]* *=\)/\1/' etc/jobd.conf >"$T/all.conf"
	[[ $(grep -c '^[a-z_]* *=' "$T/all.conf") -ge 12 ]]
	"$top_builddir/jobd/jobd" -t -c "$T/all.conf"
	# But where the default is said in words.
	awk '/^# .*\(default: / { words = 1 } /^$/ { words = 0 }
	    words && /^[a-z_]* *=/ { sub(/ *=.*/, ""); print "^" $0 " =" }' "$T/all.conf" >"$T/words"
	[[ $(wc -l <"$T/words") -le 6 ]]
	: >"$T/empty.conf"
	in_force "$T/empty.conf" | grep -vf "$T/words" | sort >"$T/defaults"
	in_force "$T/all.conf" | grep -vf "$T/words" | sort >"$T/example"
	agree 'etc/jobd.conf: its values are to be the defaults' "$T/defaults" "$T/example"
}

@test "the defaults that jobd.conf(5) names are those in force" {
	: >"$T/empty.conf"
	in_force "$T/empty.conf" | tr -d '"' >"$T/defaults"
	named_defaults SETTINGS >"$T/manual"
	[[ $(wc -l <"$T/manual") -ge 8 ]]
	wrong=0
	while read -r line; do
		grep -qxF -- "$line" "$T/defaults" || {
			echo "man/jobd.conf.5: '$line' is not what is in force"
			wrong=1
		}
	done <"$T/manual"
	return "$wrong"
}

@test "every rule is in jobd.conf(5), under QUEUES, and in the example, and none besides" {
	rules >"$T/known"
	[[ $(wc -l <"$T/known") -ge 13 ]]
	listed QUEUES >"$T/manual"
	agree 'man/jobd.conf.5, QUEUES (.It Ic NAME = Ar type)' "$T/known" "$T/manual"
	shown_in '#queue example' >"$T/example"
	agree 'etc/jobd.conf, queue example' "$T/known" "$T/example"
}

@test "the defaults of rules that jobd.conf(5) and the example name are those in force" {
	rule_defaults >"$T/defaults"
	diff <(rules) <(sed 's/ =.*//' "$T/defaults")
	named_defaults QUEUES >"$T/manual"
	[[ $(wc -l <"$T/manual") -ge 11 ]]
	run grep -vxFf "$T/defaults" "$T/manual"
	echo "not the default: $output"
	[[ -z $output ]]
	sections_in_force >"$T/all.conf"
	"$top_builddir/jobd/jobd" -t -c "$T/all.conf" |
	    sed -n '/^queue example {/,/^}/s/^\t//p' | tr -d '"' | grep -v '^submit_' | sort >"$T/example"
	diff "$T/example" <(grep -v '^submit_' "$T/defaults")
}

@test "every field of a template is in jobd.conf(5), under TEMPLATES, and in the example, and none besides" {
	sed -n 's/^[[:space:]]*{ *"\([a-z_]*\)", KIND_.*/\1/p' lib/template.c | sort >"$T/known"
	[[ $(wc -l <"$T/known") -ge 10 ]]
	listed TEMPLATES >"$T/manual"
	agree 'man/jobd.conf.5, TEMPLATES (.It Ic NAME = Ar type)' "$T/known" "$T/manual"
	# It shows rules as well, which the example of a queue has.
	shown_in '#template nightly' | grep -vxFf <(rules | grep -vx priority) >"$T/example"
	agree 'etc/jobd.conf, template nightly' "$T/known" "$T/example"
}

@test "the example has a section of every kind that jobd takes" {
	sed -n '/part_field kinds\[\] = {/,/};/p' jobd/sys/settings-parts.c | grep -oE '"[a-z]+"' | tr -d '"' |
	    sort >"$T/known"
	[[ $(wc -l <"$T/known") -ge 2 ]]
	sed -n 's/^#\([a-z]*\) [a-z]* {$/\1/p' etc/jobd.conf | sort >"$T/example"
	agree 'etc/jobd.conf, sections' "$T/known" "$T/example"
}

@test "what jobd.conf(5) shows is accepted" {
	shown() {
		chapter "$1" | sed -n '/^\.Bd -literal/,/^\.Ed/{/^\./!p}' | sed 's/\\e/\\/g'
	}
	{ shown QUEUES; shown TEMPLATES; } >"$T/sections.conf"
	[[ $(grep -cE '^(queue|template) ' "$T/sections.conf") -ge 2 ]]
	"$top_builddir/jobd/jobd" -t -c "$T/sections.conf"
	shown EXAMPLES >"$T/example.conf"
	[[ $(wc -l <"$T/example.conf") -ge 4 ]]
	"$top_builddir/jobd/jobd" -t -c "$T/example.conf"
}

@test "every file in man/ is installed, and every page of ours that is named is there" {
	unset MAKEFLAGS MFLAGS MAKELEVEL
	make -s -C "$top_builddir/man" install DESTDIR="$T/root" >/dev/null
	find "$T/root" -type f -name '*.[1-9]' | sed 's|.*/||' | sort >"$T/installed"
	(cd man && ls ./*.[1-9]) | sed 's|^\./||' | sort >"$T/there"
	[[ $(wc -l <"$T/there") -ge 5 ]]
	diff "$T/there" "$T/installed" || {
		echo "man/Makefile.am: dist_man_MANS is not what is in man/"
		return 1
	}
	missing=0
	while read -r name section; do
		[[ -e man/$name.$section ]] || {
			echo "man/$name.$section is named by another page, and is not there"
			missing=1
		}
	done < <(sed -n 's/.*Xr \(job[a-z.-]*\) \([0-9]\).*/\1 \2/p' man/*.[1-9] | sort -u)
	while read -r page; do
		grep -qF "${page%.*}(${page##*.})" README.md || {
			echo "README.md: ${page%.*}(${page##*.}) is not named"
			missing=1
		}
	done <"$T/there"
	return "$missing"
}

@test "every state and reason is in jobctl(1)" {
	page jobctl.1 >"$BATS_TEST_TMPDIR/page"
	[[ $(grep -cE '^[[:space:]]*\{ (JOB|REASON)_[A-Z_]*, "' jobd/core/job.c) -ge 20 ]]
	missing=0
	while read -r word; do
		grep -qwF -- "$word" "$BATS_TEST_TMPDIR/page" || {
			echo "$word"
			missing=1
		}
	done < <(sed -n 's/^[[:space:]]*{ \(JOB\|REASON\)_[A-Z_]*, "\([a-z-]*\)" },$/\2/p' jobd/core/job.c)
	return "$missing"
}

@test "every exit code is in jobctl(1), and none besides" {
	sed -n 's/^\tCODE_[A-Z_]* = \([0-9]*\),.*/\1/p' jobctl/code.h | sort >"$T/codes"
	[[ $(wc -l <"$T/codes") -ge 12 ]]
	sed -n '/^\.Sh EXIT STATUS/,/^\.Sh EXA/s/^\.It \([0-9]*\)$/\1/p' man/jobctl.1 | sort >"$T/manual"
	agree 'man/jobctl.1, EXIT STATUS' "$T/codes" "$T/manual"
}

@test "every field of a job is in jobctl(1), under FIELDS" {
	sed -n '/^\.Sh FIELDS/,/^\.Ed/p' man/jobctl.1 | sed '1,/^\.Bd/d' | tr -cs 'a-z_\n' ' ' >"$BATS_TEST_TMPDIR/fields"
	sed -n '/^type \(Job\|Progress\|Usage\|Attempt\) /,/^)/s/^  \([a-z_]*\):.*/\1/p' \
	    lib/org.jobd.Job.varlink | sort -u >"$BATS_TEST_TMPDIR/protocol"
	[[ $(wc -l <"$BATS_TEST_TMPDIR/protocol") -ge 40 ]]
	missing=0
	while read -r name; do
		grep -qw -- "$name" "$BATS_TEST_TMPDIR/fields" || {
			echo "$name"
			missing=1
		}
	done <"$BATS_TEST_TMPDIR/protocol"
	return "$missing"
}

@test "the README's commands are there" {
	grep -qF './bootstrap demo' README.md
	grep -qF './bootstrap check' README.md
	./bootstrap --help | grep -q demo
	[[ -x etc/demo && -x etc/examples/ingest ]]
}

# The fields of one row of jobd(8)'s table of what others see of a job.
seen_row() {
	perl -0ne '/^\.It \Q'"$1"'\E Ta ((?:\.?Cm .*\n)+)/m or exit 1;
	    print "$_\n" for sort $1 =~ /\b([a-z_]+)\b/g' <(sed 's/^\.Cm/Cm/' man/jobd.8)
}

@test "jobd(8) says of every field of a job whether all may see it, as the code has it" {
	seen_row 'Seen by all' >"$BATS_TEST_TMPDIR/seen"
	seen_row Hidden >"$BATS_TEST_TMPDIR/hidden"
	sed -n '/^static void put_public/,/^}/s/.*(o, "\([a-z_]*\)".*/\1/p' jobd/api/json.c | sort \
	    >"$BATS_TEST_TMPDIR/public"
	[[ $(wc -l <"$BATS_TEST_TMPDIR/public") -ge 10 ]]
	diff "$BATS_TEST_TMPDIR/seen" "$BATS_TEST_TMPDIR/public"
	sed -n '/^type Job /,/^)/s/^  \([a-z_]*\):.*/\1/p' lib/org.jobd.Job.varlink | sort |
	    diff - <(sort "$BATS_TEST_TMPDIR/seen" "$BATS_TEST_TMPDIR/hidden")
}
