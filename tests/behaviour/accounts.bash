# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Real accounts for a file of tests: two users, ann and bob under names that are nobody else's,
# each with a home that nobody else may enter, and a group, crew, that ann is in.
#
# They are there for the file that loads this. Where the tests are killed a guard removes them. The
# names, ids and homes are in $ANN, $BOB, $CREW, $HOMES.

# Why there can't be any; nothing where there can.
no_accounts() {
	local program
	if [[ $(id -u) != 0 ]]; then
		echo "only root can make accounts"
		return
	fi
	for program in useradd userdel groupadd groupdel setpriv; do
		command -v "$program" >/dev/null || {
			echo "there is no $program"
			return
		}
	done
}

need_accounts() {
	[[ -z ${NO_ACCOUNTS-} ]] || skip "$NO_ACCOUNTS"
}

# Others may have the files of accounts locked for a moment.
patiently() {
	local end=$((SECONDS + 60)) said
	until said=$("$@" 2>&1); do
		((SECONDS < end)) || {
			echo "$*: $said"
			return 1
		}
		sleep 0.$((RANDOM % 9 + 1))
	done
}

make_accounts() {
	local user
	NO_ACCOUNTS=$(no_accounts)
	export NO_ACCOUNTS
	[[ -z $NO_ACCOUNTS ]] || return 0
	HOMES=$(mktemp -d "${TMPDIR:-/tmp}/jobd-homes.XXXXXX")
	chmod 755 "$HOMES"
	local tag
	tag=$(printf '%s' "${HOMES##*.}" | od -An -tx1 | tr -d ' \n')
	ANN=jtann$tag BOB=jtbob$tag CREW=jtcrew$tag
	export HOMES ANN BOB CREW
	# shellcheck disable=SC2016 # the inner shell's
	setsid bash -c 'tail --pid="$1" -f /dev/null
		for _ in {1..60}; do
			pkill -KILL -u "$2,$3"
			userdel "$2"; userdel "$3"; groupdel "$4"
			getent passwd "$2" "$3" || getent group "$4" || break
			sleep 1
		done
		rm -rf "$5"' guard "$$" "$ANN" "$BOB" "$CREW" "$HOMES" </dev/null >/dev/null 2>&1 3>&- &
	GUARD=$!
	export GUARD
	patiently groupadd "$CREW"
	for user in "$ANN" "$BOB"; do
		mkdir -m 700 "$HOMES/$user"
		patiently useradd --no-create-home --no-log-init --home-dir "$HOMES/$user" \
		    --shell /bin/bash --user-group "$user"
		chown "$user:" "$HOMES/$user"
	done
	patiently usermod --append --groups "$CREW" "$ANN"
}

remove_accounts() {
	[[ -z $NO_ACCOUNTS ]] || return 0
	kill -- "-$GUARD" || :
	patiently userdel "$ANN"
	patiently userdel "$BOB"
	patiently groupdel "$CREW"
	rm -rf "$HOMES"
}

setup_file() {
	make_accounts
}

teardown_file() {
	remove_accounts
}

# Runs a command as a user, as if that user had logged in: with the groups, environment and home.
as() {
	local user=$1 home=$HOMES/$1
	shift
	(cd "$home" && exec setpriv --reuid "$user" --regid "$user" --init-groups \
	    env -i HOME="$home" USER="$user" LOGNAME="$user" SHELL=/bin/bash LC_ALL=C NO_COLOR=1 \
	    PATH="$PATH" JOBD_SOCKET="$JOBD_SOCKET" "$@")
}

# What a job printed, which ran as a user with these options and this command.
job_of() {
	local user=$1
	shift
	ok as "$user" jobctl run "$@"
}

sorted() {
	tr ' ' '\n' | sort
}
