# SPDX-License-Identifier: ISC
# Which room may know which: the #include lines against the arrows, and a few
# other habits that a compiler doesn't see.

: "${top_srcdir:=$(cd -P "$BATS_TEST_DIRNAME/../.." && pwd)}"
: "${top_builddir:=$top_srcdir/build}"

setup() {
	cd "$top_srcdir" || return
}

# The project's own sources, without what the build makes.
sources() {
	find lib jobd jobctl -name '*.[ch]' ! -name 'varlink_tables.c' ! -name 'varlink_handlers.h' | sort
}

# The room a file or a header lives in: its directory. jobd/ itself is main's.
room() {
	local directory=${1%/*}
	case $directory in
	jobd) echo main ;;
	*) echo "$directory" ;;
	esac
}

# may_know ROOM HEADER: whether a file of that room may include that header of ours.
may_know() {
	case $1:$2 in
	# The build's own, and what everyone may use.
	*:config.h | *:lib/*) return 0 ;;
	# main, with the little it has of its own, wires the rooms together.
	main:jobd/*) return 0 ;;
	# A room knows itself.
	jobd/store:jobd/store/* | jobd/proc:jobd/proc/* | jobd/core:jobd/core/*) return 0 ;;
	jobd/server:jobd/server/* | jobd/api:jobd/api/* | jobd/sys:jobd/sys/*) return 0 ;;
	jobd/keeper:jobd/keeper/* | jobctl:jobctl/*) return 0 ;;
	# api -> server, core; core -> store, proc, by their narrow headers.
	jobd/api:jobd/core/*.h | jobd/api:jobd/server/server.h) return 0 ;;
	jobd/core:jobd/store/store.h | jobd/core:jobd/proc/proc.h) return 0 ;;
	# The job and the journal entry as plain data are shared.
	jobd/store:jobd/core/job.h | jobd/store:jobd/core/journal.h) return 0 ;;
	jobd/proc:jobd/core/job.h) return 0 ;;
	esac
	return 1
}

# may_use ROOM HEADER: the same for libraries.
may_use() {
	case $2 in
	db.h) [[ $1 == jobd/store ]] ;;
	confuse.h) [[ $1 == jobd/sys ]] ;;
	jansson.h) [[ $1 == lib || $1 == jobd/server || $1 == jobd/api || $1 == jobctl ]] ;;
	event2/*) [[ $1 == jobd/server || $1 == jobd/api || $1 == jobd/proc || $1 == jobd/sys || $1 == main ]] ;;
	*) return 0 ;;
	esac
}

@test "the project's headers are included along the arrows only" {
	wrong=0
	while IFS=: read -r file header; do
		may_know "$(room "$file")" "$header" || {
			echo "$file includes \"$header\""
			wrong=1
		}
	done < <(sources | xargs grep -Eo '^#[[:space:]]*include "[^"]+"' | sed 's/#.*"\(.*\)"/\1/')
	return "$wrong"
}

@test "libraries are used where they belong: Berkeley DB in the store, JSON not in the core" {
	wrong=0
	while IFS=: read -r file header; do
		may_use "$(room "$file")" "$header" || {
			echo "$file includes <$header>"
			wrong=1
		}
	done < <(sources | xargs grep -Eo '^#[[:space:]]*include <[^>]+>' | sed 's/#.*<\(.*\)>/\1/')
	return "$wrong"
}

@test "the test sees the files it is about" {
	[[ $(sources | wc -l) -gt 60 ]]
	sources | grep -qx jobd/main.c
	may_know jobd/core jobd/store/store.h
	! may_know jobd/core jobd/server/server.h || false
	! may_know jobd/server jobd/api/api.h || false
	! may_know jobd/store jobd/core/engine.h || false
	! may_know jobctl jobd/core/job.h || false
	! may_know lib jobd/core/job.h || false
	! may_use jobd/core jansson.h || false
}

@test "one file of jobd/api never names another: they share common.h and no more" {
	wrong=0
	while IFS=: read -r file header; do
		case $header in
		jobd/api/common.h | jobd/api/api.h) ;;
		*)
			echo "$file includes \"$header\""
			wrong=1
			;;
		esac
	done < <(grep -HEo '^#[[:space:]]*include "jobd/api/[^"]+"' jobd/api/*.[ch] | sed 's/#.*"\(.*\)"/\1/')
	return "$wrong"
}

@test "the keeper needs libc and nothing else" {
	[[ -x $top_builddir/jobd/keeper/jobd-keeper ]]
	needed=$(objdump -p "$top_builddir/jobd/keeper/jobd-keeper" | awk '$1 == "NEEDED" { print $2 }')
	! grep -Ev '^(libc\.|ld-linux|libasan|libubsan|libgcov|libgcc_s|libm\.|libclang)' <<<"$needed" || false
}

@test "core and store have no other room's symbols" {
	# What the linker would have to find for them: nothing of server, api, JSON or events.
	for name in core store proc; do
		[[ -f $top_builddir/jobd/$name/lib$name.a ]]
	done
	! nm -u "$top_builddir/jobd/core/libcore.a" | grep -E ' U (server_|call_|api_|json_|event_|varlink_|db_)' || false
	! nm -u "$top_builddir/jobd/store/libstore.a" | grep -E ' U (server_|call_|api_|json_|event_|varlink_|engine_|proc_)' || false
	! nm -u "$top_builddir/jobd/proc/libproc.a" | grep -E ' U (server_|call_|api_|json_|varlink_|engine_|store_|db_)' || false
}

@test "every header compiles alone" {
	command -v "${CC:-cc}" >/dev/null || skip "no C compiler"
	wrong=0
	while read -r header; do
		"${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -Wall -Werror -fsyntax-only -I. -I"$top_builddir" \
		    -x c <(echo "#include \"$header\"") || wrong=1
	done < <(sources | grep '\.h$')
	return "$wrong"
}

@test "every file names its licence in its first lines" {
	wrong=0
	while read -r file; do
		head -n 2 "$file" | grep -q 'SPDX-License-Identifier: ISC' || {
			echo "$file"
			wrong=1
		}
	done < <(find lib jobd jobctl etc man tests -type f \
	    \( -name '*.[ch]' -o -name '*.am' -o -name '*.bats' -o -name '*.bash' -o -name '*.awk' \
	    -o -name '*.varlink' -o -name '*.[1-9]' -o -name '*.conf' \) \
	    ! -name varlink_tables.c ! -name varlink_handlers.h; echo bootstrap; echo configure.ac)
	return "$wrong"
}

@test "only the programs' main files exit" {
	! sources | grep -Ev '(^|/)(main|keeper)\.c$' |
	    xargs grep -nE '(^|[^_[:alnum:]])exit\(' || false
}

@test "no variable is shared between files that can change" {
	! sources | grep '\.h$' | xargs grep -nE '^extern ' | grep -vE 'extern const |const [a-z_]+(\[[^]]*\])?;' || false
}

@test "files stay short enough to be read" {
	wrong=0
	while read -r length file; do
		[[ $file == tests/* ]] && most=520 || most=500
		if ((length > most)); then
			echo "$file has $length lines"
			wrong=1
		fi
	done < <({ sources; find tests -name '*.[ch]' -o -name '*.ba[ts][sh]' -o -path 'tests/crash/*.tap'; } |
	    xargs wc -l | grep -v ' total$')
	return "$wrong"
}
