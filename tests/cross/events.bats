# SPDX-License-Identifier: ISC
# What jobd logs and what jobd(8) says that it logs, under SYSLOG, is the same.

: "${top_srcdir:=$(cd -P "$BATS_TEST_DIRNAME/../.." && pwd)}"

# The C files that may log, but the logger's own.
sources() {
	find jobd lib -name '*.c' ! -path lib/log.c -print0
}

setup() {
	cd "$top_srcdir" || return
	export LC_ALL=C PATH=$PATH:/usr/sbin
}

# The manual's list: events, a line each.
manual() {
	sed -n '/^\.Sh SYSLOG/,/^\.Ss Keys/s/^\.It Cm \(.*\) Pq Em .*/\1/p' man/jobd.8 | sed 's/ , /\n/g'
}

# The first string among the arguments of each call of a function; of "x ? A : B", both.
named_by() {
	sources | xargs -0 perl -0777 -ne '
		BEGIN { $function = shift @ARGV }
		while (/\b$function\(((?:[^()";]|\([^()]*\))*)"([a-z-]+)"(?:\s*:\s*"([a-z-]+)")?/g) {
			print "$2\n", defined $3 ? "$3\n" : "";
		}' "$1"
}

# The verb that a refused call has in the journal, as jobd/api/access.c makes it.
methods() {
	local file prefix
	for file in lib/org.jobd.*.varlink; do
		case $file in
		*.Queue.varlink) prefix=queue- ;;
		*.Template.varlink) prefix=template- ;;
		*) prefix= ;;
		esac
		sed -n "s/^method \([A-Za-z]*\).*/$prefix\1/p" "$file"
	done | tr '[:upper:]' '[:lower:]' |
	    sed 's/^setpriority$/priority/; s/^submitmany$/submit/; s/^\(stop\|reexec\)$/daemon-\1/'
}

events() {
	local function
	for function in log_event log_begin keeper_log tally_init engine_note engine_refused engine_refused_job \
	    engine_limited journal; do
		named_by "$function"
	done | grep -vx ok # the result, where the verb is a variable
	grep -hoE 'entry\.verb = "[a-z-]+"' -r jobd | sed 's/.*"\(.*\)"/\1/'
	sed -n '/event_names\[/,/^}/s/^[[:space:]]*\[EVENT_[A-Z_]*\] = "\([a-z-]*\)",/\1/p' jobd/core/state.c
	methods
}

@test "every event that jobd may log is in jobd(8), and none besides" {
	events | sort -u >"$BATS_TEST_TMPDIR/source"
	[[ $(wc -l <"$BATS_TEST_TMPDIR/source") -ge 55 ]]
	manual | sort >"$BATS_TEST_TMPDIR/manual"
	diff "$BATS_TEST_TMPDIR/source" "$BATS_TEST_TMPDIR/manual"
}

@test "an event that has no name where it is logged has it from one of four places" {
	# Where the name is a variable, events() must know where it comes from.
	run grep -rnE '\blog_(begin\([^,]*, |event\([A-Z_a-z>.-]*,[[:space:]]*)[a-z]' jobd --include='*.c'
	echo "$output"
	[[ $(sort <<<"$output" | sed 's/:.*//' | tr '\n' ' ') == \
	    'jobd/core/outbox.c jobd/proc/keeper.c jobd/server/tally.c jobd/server/tally.c ' ]]
	# And the journal's verbs that are given on come from the places that events() reads.
	[[ $(grep -rlE 'entry\.verb = [a-z]' jobd) == jobd/core/note.c ]]
}

@test "each event has its priorities and its keys, which are explained or speak for themselves" {
	sed -n '/^\.Sh SYSLOG/,/^\.Ss Keys/p' man/jobd.8 | awk '
		/^\.It Cm / {
			items++
			if (!/ Pq Em (debug|info|notice|warning|err|crit)( , (info|notice|warning|err|crit))*$/) print
			getline
			if (!/^\.D1 Ar [a-z_ ]+$/) print
		}
		END { if (items < 30) print items " events" }' >"$BATS_TEST_TMPDIR/wrong"
	cat "$BATS_TEST_TMPDIR/wrong"
	[[ ! -s $BATS_TEST_TMPDIR/wrong ]]
}

@test "every key that is logged is one of the manual's, and none besides" {
	sed -n '/^\.Sh SYSLOG/,/^\.Ss Keys/s/^\.D1 Ar //p' man/jobd.8 | tr ' ' '\n' | sort -u >"$BATS_TEST_TMPDIR/manual"
	{
		grep -rhoE '\blog_(str|u64|i64)\(&?l, "[a-z_]+"' jobd --include='*.c' | sed 's/.*"\(.*\)"/\1/'
		named_by table_set_name_aside
		sources | xargs -0 perl -0777 -ne 'print "$1\n" while /\blog_event\([A-Z_]+,\s*"[a-z-]+",\s*"([a-z_]+)"/g'
	} | sort -u >"$BATS_TEST_TMPDIR/source"
	diff "$BATS_TEST_TMPDIR/source" "$BATS_TEST_TMPDIR/manual"
}

@test "nobody but the logger speaks to the log, and no line is free text" {
	! grep -rnE '\b(v?syslog|openlog|log_text)[[:space:]]*\(([^3]|$)' jobd lib --include='*.[ch]' |
	    grep -v '^jobd/sys/devlog\.c:' || false
	! grep -rlE '_PATH_LOG|/dev/log' jobd lib --include='*.c' | grep -v '^jobd/sys/devlog\.c$' || false
}

@test "the drop-in for rsyslog is accepted, with its example in force too" {
	command -v rsyslogd >/dev/null || skip "no rsyslogd (Debian: rsyslog)"
	rsyslogd -N1 -f etc/jobd.rsyslog
	sed 's/^\(\t*\)#\(.*[a-z].*\)/\1\2/' etc/jobd.rsyslog | sed -n '/^template/,/^}/p' |
	    sed '/Failed jobs\|the disk (below/d' >"$BATS_TEST_TMPDIR/all"
	grep -q '^	if .*omfwd\|^		action(type="omfwd"' "$BATS_TEST_TMPDIR/all"
	rsyslogd -N1 -f "$BATS_TEST_TMPDIR/all"
	# The check is one: a mistake is found.
	sed 's/"omfile"/"nofile"/' etc/jobd.rsyslog >"$BATS_TEST_TMPDIR/wrong"
	! rsyslogd -N1 -f "$BATS_TEST_TMPDIR/wrong" || false
}

@test "the drop-in for logrotate is accepted" {
	command -v logrotate >/dev/null || skip "no logrotate (Debian: logrotate)"
	cp etc/jobd.logrotate "$BATS_TEST_TMPDIR/conf"
	chmod 644 "$BATS_TEST_TMPDIR/conf"
	run logrotate -d -s "$BATS_TEST_TMPDIR/state" "$BATS_TEST_TMPDIR/conf"
	echo "$output"
	[[ $status == 0 && $output == *'/var/log/jobd.log'*'12 rotations'* ]]
	! grep -i '^error' <<<"$output" || false
	sed -i 's/rotate 12/rotate twelve/' "$BATS_TEST_TMPDIR/conf"
	run logrotate -d -s "$BATS_TEST_TMPDIR/state" "$BATS_TEST_TMPDIR/conf"
	[[ $status != 0 || $output == *error:* ]]
}

@test "both drop-ins are installed where jobd(8) says, and name each other's file" {
	grep -q '^examplesdir = \$(docdir)/examples' etc/Makefile.am
	for file in jobd.rsyslog jobd.logrotate; do
		grep -q "^dist_examples_DATA = .*$file" etc/Makefile.am
		grep -q "examples/$file" man/jobd.8
		grep -q '/var/log/jobd\.log' "etc/$file"
	done
}
