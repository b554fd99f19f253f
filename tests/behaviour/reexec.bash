# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# A jobd that can be replaced while it runs: each test has a copy of the program in $D/bin, and may
# put another in its place. $BUILT is the one of the build.

# A jobd of the test's own, whose program may be replaced; its keeper is the build's.
local_setup() {
	mkdir -p "$D/bin/keeper"
	cp "$JOBD" "$D/bin/jobd"
	# shellcheck disable=SC2154 # lib.bash's, as $output is
	ln -s "$top_builddir/jobd/keeper/jobd-keeper" "$D/bin/keeper/jobd-keeper"
	# shellcheck disable=SC2034 # the tests put it back
	BUILT=$JOBD
	JOBD=$D/bin/jobd
	config 'max_running = 8' 'kill_grace = 10'
}

inode() {
	stat -Lc %d:%i "$1"
}

reexec() {
	ok jobctl daemon-reexec
	# shellcheck disable=SC2154
	contains "$output" 'is in charge, in the place of'
}

journalled() {
	jobctl audit --json --limit 1000 --verb "$1" | grep -c "\"result\": *\"$2\""
}

# Another program where jobd's was: the lines of a shell script.
replace_by() {
	printf '%s\n' '#!/bin/sh' "$@" >"$D/bin/new"
	chmod +x "$D/bin/new"
	mv "$D/bin/new" "$D/bin/jobd"
}

# A client that speaks the protocol byte by byte: perl, with $s connected, hear() and reexec().
client() {
	perl -MIO::Socket::UNIX -MTime::HiRes=sleep -e '
		$SIG{ALRM} = sub { die "no answer\n" };
		alarm 30;
		our ($s, $in) = (IO::Socket::UNIX->new($ENV{JOBD_SOCKET}), "");
		$s or die "cannot connect: $!";
		$s->autoflush(1);
		sub hear {
			while ($in !~ /\0/) {
				sysread($s, $in, 65536, length $in) or die "the connection ended\n";
			}
			$in =~ s/^([^\0]*)\0//;
			return $1;
		}
		sub reexec { system("jobctl daemon-reexec >/dev/null") == 0 or die "no reexec\n" }
		eval $ARGV[0];
		die $@ if $@;' "$1"
}
