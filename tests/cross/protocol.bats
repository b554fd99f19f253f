# SPDX-License-Identifier: ISC
# jobd-varlink(7) has what lib/*.varlink has: every method with its parameters and its reply, every error
# with its parameters, and no others. And what a job may send is in jobd-report(7).

: "${top_srcdir:=$(cd -P "$BATS_TEST_DIRNAME/../.." && pwd)}"
PAGE=man/jobd-varlink.7

setup() {
	cd "$top_srcdir" || return
	export LC_ALL=C
	T=$BATS_TEST_TMPDIR
}

# The items of the page that the interface files make, as they are to stand there: "INTERFACE ITEM".
expected() {
	awk '
		# "a:?int,b:[]string" as "a? , b"
		function list(fields,   n, f, i, out, name) {
			n = split(fields, f, ",")
			for (i = 1; i <= n; i++) {
				name = f[i]
				sub(/:.*/, "", name)
				out = out (i > 1 ? " , " : "") name (f[i] ~ /:\?/ ? "?" : "")
			}
			return out
		}
		function method(text,   name, takes, gives) {
			name = takes = gives = text
			sub(/\(.*/, "", name)
			sub(/^[^(]*\(/, "", takes)
			sub(/\)->.*/, "", takes)
			sub(/.*->\(/, "", gives)
			sub(/\)$/, "", gives)
			print interface " .It Ic " name (takes ? " Po Ar " list(takes) " Pc" : "") \
			    (gives ? " No gives Ar " list(gives) : "")
		}
		function error(text,   name, takes) {
			name = takes = text
			sub(/\(.*/, "", name)
			sub(/^[^(]*\(/, "", takes)
			sub(/\)$/, "", takes)
			print "error .It Ic " interface "." name (takes ? " Pq Ar " list(takes) : "")
		}
		/^interface / { interface = $2 }
		/^(method|error) / { kind = $1; text = "" }
		kind && !/^#/ {
			sub(/^(method|error) /, "")
			gsub(/[ \t]/, "")
			text = text $0
			if (kind == "error" && text ~ /\)$/) {
				error(text)
				kind = ""
			} else if (text ~ /->\(.*\)$/) {
				method(text)
				kind = ""
			}
		}' lib/*.varlink | sort
}

# The same, as the page has them.
documented() {
	awk '
		/^\.Sh / { where = $0 == ".Sh METHODS" ? "" : $0 == ".Sh NAMED ERRORS" ? "error" : "-" ; next }
		/^\.Ss / && where != "-" { where = $2 }
		where != "-" && /^\.It Ic / { print where " " $0 }' "$PAGE" | sort
}

# differ: fails, and says what is to stand in the page and what is not.
differ() {
	diff "$1" "$2" >"$T/diff" && return
	echo "$PAGE is not as lib/*.varlink has it; METHODS, under .Ss INTERFACE, and NAMED ERRORS want:"
	sed -n 's/^< \([^ ]*\) /  add to \1:      /p; s/^> \([^ ]*\) /  take out of \1: /p' "$T/diff"
	return 1
}

@test "every method and error is in jobd-varlink(7) with its parameters, and none besides" {
	expected >"$T/expected"
	documented >"$T/documented"
	[[ $(grep -vc '^error' "$T/expected") -ge 20 && $(grep -c '^error' "$T/expected") -ge 14 ]]
	[[ $(cat lib/*.varlink | grep -cE '^(method|error) ') == "$(wc -l <"$T/expected")" ]]
	differ "$T/expected" "$T/documented"
}

@test "every method and error of jobd-varlink(7) has something said of it" {
	awk '/^\.It Ic / && last ~ /^\.It Ic / { print last; bad = 1 } { last = $0 } END { exit bad }' "$PAGE"
}

@test "every access that a method can need is in jobd-varlink(7)" {
	missing=0
	while read -r word; do
		grep -q "^\.It Cm $word\$" "$PAGE" || {
			echo "$PAGE, IDENTITY: .It Cm $word is missing"
			missing=1
		}
	done < <(sed -n 's/^# Access: //p' lib/*.varlink | sort -u)
	return "$missing"
}

@test "jobctl knows every error by name" {
	missing=0
	while read -r name; do
		grep -qE "\"(org\.jobd\.[A-Za-z]*\.)?$name\"" jobctl/fault.c || {
			echo "jobctl/fault.c: faults[] has not $name"
			missing=1
		}
	done < <(sed -n 's/^error \([A-Za-z]*\).*/\1/p' lib/org.jobd.*.varlink)
	return "$missing"
}

@test "the limits that jobd-varlink(7) and jobd-report(7) name are those of the code" {
	# FILE MACRO VALUE PAGE WORDS
	while read -r file macro value page words; do
		grep -qE "^#define ${macro}[[:space:]]+$value([^0-9]|\$)" "$file" || {
			echo "$file: $macro is not $value any more: see $page, '$words'"
			return 1
		}
		tr '\n' ' ' <"man/$page" | grep -qF -- "$words" || {
			echo "man/$page: '$words' is not there"
			return 1
		}
	done <<-'END'
		lib/varlink.h VARLINK_MESSAGE_MAX .1u.<<.20. jobd-varlink.7 A call has at most 1 MiB
		lib/varlink.h VARLINK_REPLY_MAX .16u.<<.20. jobd-varlink.7 A reply has at most 16 MiB
		jobd/server/room.h BACKLOG_MAX .1u.<<.20. jobd-varlink.7 While 1 MiB of replies
		jobd/server/room.h HELD_MAX .64u.<<.20. jobd-varlink.7 may come to 64 MiB
		jobd/api/common.h PAGE_MAX 1000 jobd-varlink.7 at most 1000 rows, 50 unless said
		jobd/api/common.h PAGE_LIMIT 50 jobd-varlink.7 at most 1000 rows, 50 unless said
		jobd/api/wait.c IDS_MAX 1000 jobd-varlink.7 takes at most 1000 numbers
		jobd/api/wait.c QUIET_S 25 jobd-varlink.7 more than 30 seconds
		jobd/api/many.c JOBS_MAX 1000 jobd-varlink.7 at most 1000 jobs
		lib/bounds.h AFTER_MAX 5000 jobd-varlink.7 waits for at most 5000 others
		jobd/core/query.c PAIRS_MAX 1000 jobd-varlink.7 at most 1000 of each
		lib/bounds.h LABEL_MAX 255 jobd-varlink.7 have 1 to 255 bytes
		lib/bounds.h META_MAX 64 jobd-varlink.7 at most 64 notes
		jobd/core/progress.c TEXT_MAX 512 jobd-report.7 cut after 512 bytes
		jobd/core/progress.c COUNTS_MAX 16 jobd-report.7 up to 16 counters
		jobd/core/progress.c NAME_LEN 32 jobd-report.7 1 to 32 bytes
		jobd/proc/notify.c DATAGRAM_MAX 8192 jobd-report.7 at most 8192 bytes
	END
}

@test "what a job may say and finds in its environment is in jobd-report(7), and nothing else" {
	sed -n 's/^\t\t{ "\([A-Z_]*=\)", take_.*/\1/p' jobd/core/progress.c | sort >"$T/keys"
	[[ $(wc -l <"$T/keys") -ge 5 ]]
	sed -n 's/^\.It Cm \([A-Z_]*=\).*/\1/p' man/jobd-report.7 | sort >"$T/manual"
	diff "$T/keys" "$T/manual" || {
		echo "man/jobd-report.7, REPORTING (>) is not as jobd/core/progress.c has it (<)"
		return 1
	}
	sed -n 's/.*put_var(b, "\([A-Z_]*\)".*/\1/p' jobd/proc/spawn.c | sort >"$T/variables"
	[[ $(wc -l <"$T/variables") -ge 7 ]]
	sed -n '/^\.Sh SURR/,/^\.El/s/^\.It Ev //p' man/jobd-report.7 | tr -d ' ' | tr ',' '\n' | sort >"$T/manual"
	diff "$T/variables" "$T/manual" || {
		echo "man/jobd-report.7, SURROUNDINGS (>) is not as jobd/proc/spawn.c has it (<)"
		return 1
	}
	sed -n '/^\.Sh JOBS/,/^\.Sh [^J]/s/^\.Ev //p' man/jobd.8 | tr -d ' .' | tr ',' '\n' | sort >"$T/manual"
	diff "$T/variables" "$T/manual" || {
		echo "man/jobd.8, JOBS (>) is not as jobd/proc/spawn.c has it (<)"
		return 1
	}
}
