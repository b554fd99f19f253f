# SPDX-License-Identifier: ISC
# The manual is true: clean mdoc, every setting, option and error is there.

: "${top_srcdir:=$(cd -P "$BATS_TEST_DIRNAME/../.." && pwd)}"
: "${top_builddir:=$top_srcdir/build}"

setup() {
	cd "$top_srcdir" || return
	export LC_ALL=C
}

# The text of a manual page, without its overstriking.
page() {
	mandoc -Tascii "man/$1" | sed 's/.\x08//g'
}

# The settings that jobd's own configuration reader knows.
settings() {
	sed -n 's/^[[:space:]]*{ "\([a-z_]*\)", SETTING_.*/\1/p' jobd/sys/settings.c | sort -u
}

@test "mandoc finds nothing to complain of" {
	command -v mandoc >/dev/null || skip "no mandoc"
	run mandoc -Tlint -W warning man/*.[1-9]
	echo "$output"
	[[ $status == 0 && -z $output ]]
}

@test "every setting is in jobd.conf(5) and in the example, and none besides" {
	[[ $(settings | wc -l) -ge 6 ]]
	settings >"$BATS_TEST_TMPDIR/known"
	sed -n 's/^\.It Ic \([a-z_]*\).*/\1/p' man/jobd.conf.5 | sort -u >"$BATS_TEST_TMPDIR/manual"
	sed -n 's/^#\{0,1\}\([a-z_]*\) *=.*/\1/p' etc/jobd.conf | sort -u >"$BATS_TEST_TMPDIR/example"
	diff "$BATS_TEST_TMPDIR/known" "$BATS_TEST_TMPDIR/manual"
	diff "$BATS_TEST_TMPDIR/known" "$BATS_TEST_TMPDIR/example"
}

@test "the example configuration is accepted, as it is and with every line in force" {
	"$top_builddir/jobd/jobd" -t -c etc/jobd.conf
	sed 's/^#\([a-z_]* *=\)/\1/' etc/jobd.conf >"$BATS_TEST_TMPDIR/all.conf"
	[[ $(grep -c '^[a-z_]* *=' "$BATS_TEST_TMPDIR/all.conf") -ge 6 ]]
	"$top_builddir/jobd/jobd" -t -c "$BATS_TEST_TMPDIR/all.conf"
}

@test "every option of jobd is in jobd(8), and none besides" {
	"$top_builddir/jobd/jobd" --help | grep -Eo -e '--[a-z][a-z-]+' | sort -u >"$BATS_TEST_TMPDIR/help"
	[[ $(wc -l <"$BATS_TEST_TMPDIR/help") -ge 6 ]]
	sed -n '/^\.Sh OPTIONS/,/^\.Sh [^O]/s/^\.It .*Fl -\([a-z-]*\).*/--\1/p' man/jobd.8 | sort -u \
	    >"$BATS_TEST_TMPDIR/manual"
	diff "$BATS_TEST_TMPDIR/help" "$BATS_TEST_TMPDIR/manual"
}

@test "every error the protocol names is in jobd(8)" {
	page jobd.8 >"$BATS_TEST_TMPDIR/page"
	missing=0
	for file in lib/org.jobd.*.varlink; do
		while read -r name; do
			grep -qw -- "$name" "$BATS_TEST_TMPDIR/page" || {
				echo "$file: $name"
				missing=1
			}
		done < <(sed -n 's/^error \([A-Za-z]*\).*/\1/p' "$file")
	done
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
