# SPDX-License-Identifier: ISC
# usage: perl queues.pl LIMIT [keepers]
#
# What must be true after queues.tap, in whose directory this runs: all.json (every job) and journal are what
# jobd says, runs is what the jobs wrote of themselves, the other files are what the clients asked and were
# answered. LIMIT is how many may run at once in all. Tells what is wrong, a line each, and exits with 1 then.
#
# The journal is in one order, so that limits are checked by it alone, entry by entry; and what was run is
# held against it by time: nothing of an attempt may be outside of what the journal has of it.
use strict;
use warnings;
use JSON::PP;

my ($most, $keepers) = @ARGV;
my (@wrong, %asked, %answer, %id, %job, %life, %sealed);
my (%start, %end, %killed);

sub lines { open(my $f, "<", $_[0]) or return; map { [split] } <$f> }
sub objects { open(my $f, "<", $_[0]) or die "$_[0]: $!"; map { decode_json($_) } <$f> }
sub wrong { push @wrong, join("", @_) }
sub seconds { $_[0] / 1e6 }

# What is there ------------------------------------------------------------------------------

for (lines("asked")) {
	my ($name, $queue, $fails, $attempts, $unique, $after, $plan) = @$_;
	my @after = $after eq "-" ? () : map { [split /:/] } split /,/, $after;
	$asked{$name} = { name => $name, queue => $queue, fails => $fails, attempts => $attempts,
		unique => $unique, after => \@after, plan => $plan };
}
$answer{$_->[0]} = { code => $_->[1], id => $_->[2] } for lines("answered");
$job{$_->{id}} = $_ for objects("all.json");
for (lines("runs")) {
	my ($what, $id, $attempt, $value, $at) = @$_;
	my $of = $what eq "start" ? \%start : \%end;
	!$of->{$id}{$attempt} or wrong("job $id: attempt $attempt recorded two ${what}s");
	$of->{$id}{$attempt} = { value => $value, at => $at };
}
$killed{"$_->[1] $_->[3]"} = 1 for grep { $_->[0] eq "keeper" } lines("kills");
my @journal = sort { $a->{number} <=> $b->{number} } objects("journal");

# Each job's life, as the journal has it. One that was staged, and no more, has none.
my %staged;
for my $x (@journal) {
	$sealed{$1} = $2 if $x->{verb} eq "seal" && $x->{detail} =~ /^batch (\d+): (\d+) jobs?$/;
	my $id = $x->{id} or next;
	my $is_new = $x->{verb} eq "submit" && $x->{result} =~ /^(ok|staged)$/;
	if ($is_new) {
		my ($name) = $x->{detail} =~ /^(\S+): /;
		$staged{$id} = { id => $id, name => $name, asked => $asked{$name}, born => $x->{number} };
	}
	next unless $x->{result} =~ /^(ok|already)$/;
	my $l = $life{$id} //= $staged{$id} or next;
	push @{$l->{entries}}, $x;
	my $to = $x->{to} // "";
	if ($to =~ /^(completed|failed|cancelled)$/) {
		$l->{ended} = $x->{number};
		$l->{as} = $to;
		$l->{reason} = $x->{reason} // "";
	}
	$l->{deleted} = 1 if $x->{verb} eq "delete";
}
# What is sealed and waits for its start all the time has no entry of its own, but it has ended by now.
for my $id (keys %job) {
	$life{$id} or wrong("job $id is in no journal");
}
for my $l (values %life) {
	!defined $id{$l->{name}} or wrong("$l->{name} is there twice: $id{$l->{name}} and $l->{id}");
	$id{$l->{name}} = $l->{id};
	$l->{asked} or wrong("job $l->{id}, $l->{name}, was never asked for");
	$job{$l->{id}} || $l->{deleted} or wrong("job $l->{id}, $l->{name}, is lost without a trace");
}

# Submissions -------------------------------------------------------------------------------

my (%lines, %there, %of_batch);
for my $a (values %asked) {
	next if $a->{plan} eq "-";
	$lines{$a->{plan}}++;
	$there{$a->{plan}}++ if $id{$a->{name}};
}
my $plans = 0;
for my $plan (sort keys %lines) {
	my $n = $there{$plan} // 0;
	my $code = $answer{$plan} ? $answer{$plan}{code} : "-";
	$plans += !!$n;
	$n == 0 || $n == $lines{$plan} or wrong("plan $plan: $n of $lines{$plan} are there (answer: $code)");
	$code ne "0" || $n or wrong("plan $plan was acknowledged, and is not there");
	$code ne "3" || !$n or wrong("plan $plan was refused, and is there");
}
$of_batch{$_->{batch}}++ for grep { $_->{batch} } values %job;
($sealed{$_} // 0) == $of_batch{$_} or wrong("batch $_ has $of_batch{$_} jobs, and was sealed with ", $sealed{$_} // 0)
    for keys %of_batch;
$of_batch{$_} or wrong("batch $_ was sealed, and has no jobs") for keys %sealed;

my %deleted;
push @{$deleted{$_->[0]}}, $_->[1] for lines("deleted");
for my $name (grep { !$lines{$_} } keys %answer) {
	my ($code, $id) = @{$answer{$name}}{qw(code id)};
	next if $code !~ /^[034]$/;
	if ($code ne "0") {
		!$id{$name} or wrong("$name was refused, and is there");
		next;
	}
	my $l = $life{$id} or wrong("$name was acknowledged as $id, and is not there"), next;
	next if $l->{name} eq $name;
	my ($want, $is) = ($asked{$name}{unique}, $l->{asked}{unique});
	$want ne "-" && $want eq $is or wrong("$name was answered with $id, which is $l->{name}");
}
for my $id (keys %deleted) {
	my $was = grep { $_ eq "0" } @{$deleted{$id}};
	!$was || !$job{$id} or wrong("job $id was deleted, and is there");
}
!$life{$_}{deleted} || $deleted{$_} or wrong("job $_ was deleted by nobody") for keys %life;

# Edits: the last one that was answered holds, or one that may have been done since.
my %edits;
push @{$edits{"$_->[0] $_->[1]"}}, [$_->[2], $_->[3]] for lines("edited");
for my $key (keys %edits) {
	my ($id, $field) = split / /, $key;
	my $j = $job{$id} or next;
	my @may = ($life{$id}{asked}{$field} // "");
	for (@{$edits{$key}}) {
		my ($value, $code) = @$_;
		@may = () if $code eq "0";
		push @may, $value;
	}
	my $is = $j->{$field} // "";
	grep { $_ eq $is } @may or wrong("job $id: $field is $is, and not one of @may");
}

# Attempts ---------------------------------------------------------------------------------

# {attempt => [entry of the start, entry of the end]}; what never ran is none.
sub attempts {
	my ($l) = @_;
	my (%of, $now);
	for (@{$l->{entries}}) {
		my $verb = $_->{verb};
		$now = $of{$_->{attempt}} = [$_] if $verb eq "start";
		if ($verb eq "never-ran" && $now) {
			delete $of{$now->[0]{attempt}};
			undef $now;
		}
		if ($verb =~ /^(again|set-aside|completed|failed|cancelled)$/ && $now) {
			$now->[1] = $_;
			undef $now;
		}
	}
	return \%of;
}

my $lost = 0;
for my $l (values %life) {
	my $of = attempts($l);
	my $s = $start{$l->{id}} // {};
	my $last = 0;
	for my $n (sort { $a <=> $b } keys %$of) {
		my ($from, $to) = @{$of->{$n}};
		my ($began, $ended) = ($s->{$n}, $end{$l->{id}}{$n});
		my $what = "job $l->{id}, attempt $n";
		$n == ++$l->{attempts} or wrong("$what comes after $l->{attempts}");
		if ($to && ($to->{reason} // "") eq "lost") {
			$lost++;
			$killed{"$l->{id} $n"} or wrong("$what is lost, and its keeper lived");
		} else {
			$began or wrong("$what is on record, and did not run"), next;
			$ended or wrong("$what recorded no end"), next;
			my $code = $to ? $to->{exit_code} // "-" : "-";
			$ended->{value} eq $code or wrong("$what: it recorded $ended->{value}, the journal has $code");
			$ended->{at} <= seconds($to->{at_us}) or wrong("$what ran on after its end");
		}
		next unless $began;
		$began->{at} >= seconds($from->{at_us}) or wrong("$what ran before its start");
		$began->{at} >= $last or wrong("$what began while the one before ran");
		$last = $ended->{at} if $ended;
		$l->{first} //= $began->{at};
		$l->{last} = $last;
	}
	$of->{$_} or wrong("job $l->{id} ran attempt $_, which is not on record") for keys %$s;
	$l->{first_start} = $of->{1} ? $of->{1}[0]{number} : undef;
	my $j = $job{$l->{id}} or next;
	my @history = ((map { $_->{attempt} } @{$j->{history} // []}), $j->{attempt} // ());
	my @ran = sort { $a <=> $b } keys %$of;
	"@history" eq "@ran" or wrong("job $l->{id}: status has attempts @history, the journal @ran");
	@ran <= $j->{attempts} or wrong("job $l->{id} had ", scalar @ran, " attempts of $j->{attempts}");
	$j->{state} eq $l->{as} or wrong("job $l->{id} is $j->{state}, the journal has $l->{as}");
	as_it_should($l, $j, scalar @ran) if @ran;
}

# One that ran: it goes on until an attempt is good, or none is left.
sub as_it_should {
	my ($l, $j, $n) = @_;
	my $good = $n > $l->{asked}{fails};
	my $reason = $j->{reason} // "-";
	my $is = "job $l->{id} ($l->{name}, fails $l->{asked}{fails}) is $j->{state} ($reason) after $n of $j->{attempts}";
	if ($j->{state} eq "completed") {
		$good or wrong($is);
	} elsif ($reason eq "lost") {
		$n == $j->{attempts} or wrong($is);
	} else {
		!$good && $j->{state} eq "failed" && $reason eq "exit" && $n == $j->{attempts} or wrong($is);
	}
}

# Order ------------------------------------------------------------------------------------

sub is_met {
	my ($on, $as) = @_;
	return $on eq "any" || ($on eq "ok" ? $as eq "completed" : $as =~ /^(failed|cancelled)$/);
}

for my $l (values %life) {
	my (@unmet, $latest);
	for (@{$l->{asked}{after}}) {
		my ($on, $ref) = @$_;
		my $o = $life{$ref =~ /^\d+$/ ? $ref : $id{$ref} // 0};
		my $what = "job $l->{id}, which was to wait for $ref ($on),";
		$o && $o->{ended} or wrong("$what waited for nothing"), next;
		push @unmet, $o if !is_met($on, $o->{as});
		next unless $l->{first_start};
		$l->{first_start} > $o->{ended} or wrong("$what was started before");
		!$l->{first} || !$o->{last} || $l->{first} >= $o->{last} or wrong("$what ran before its end");
	}
	my $is = "job $l->{id} ($l->{as}, $l->{reason})";
	if (@unmet) {
		$l->{as} eq "failed" && $l->{reason} eq "dependency"
		    or wrong("$is waited for $unmet[0]{id}, which is $unmet[0]{as}");
		!$l->{first_start} or wrong("$is was started");
		grep { $_->{ended} < $l->{ended} } @unmet or wrong("$is failed before its time");
	} else {
		$l->{reason} ne "dependency" or wrong("$is, though all that it waited for came true");
		$l->{first_start} or wrong("$is never ran");
	}
}

# Of a unique key one at a time.
my %last;
for my $l (sort { $a->{id} <=> $b->{id} } values %life) {
	my $key = $l->{asked}{unique};
	next if $key eq "-";
	my $o = $last{$key};
	!$o || $o->{ended} < $l->{born} or wrong("jobs $o->{id} and $l->{id} of key $key were live at once");
	$last{$key} = $l;
}

# Limits -----------------------------------------------------------------------------------

# As queues.tap configures them.
my %limit = (a => 3, b => 3, c => 2, default => 0);
my %state = map { ($_, "open") } keys %limit;
my (%slot, %paused, %releases, %peak, @turns, $pauses, $went_on); # slot: id → queue

sub of_queue { my $queue = shift; return scalar grep { $slot{$_} eq $queue } @_ }

sub take_slot {
	my ($x, $queue) = @_;
	my $what = "entry $x->{number}, job $x->{id}: $x->{verb}";
	my $n = of_queue($queue, keys %slot);
	!$limit{$queue} || $n < $limit{$queue} or wrong("$what, where $queue runs $n of $limit{$queue}");
	keys %slot < $most or wrong("$what, where ", scalar keys %slot, " of $most run");
	$slot{$x->{id}} = $queue;
	$peak{$queue} = $n + 1 if $n + 1 > ($peak{$queue} // 0);
}

sub turn {
	my ($x) = @_;
	my ($queue, $value) = $x->{detail} =~ /^(\w+)(?:: max_running=(\d+))?/;
	push @turns, "$x->{verb} $queue " . ($value // "-");
	$limit{$queue} = $value if $x->{verb} eq "queue-set";
	$state{$queue} = { pause => "paused", drain => "draining", resume => "open" }->{$1}
	    if $x->{verb} =~ /^queue-(pause|drain|resume)$/;
}

# A paused job that has a slot keeps it where no more run then than may; else it needs one that is free.
sub go_on {
	my ($x, $queue) = @_;
	my @run = grep { !$paused{$_} } keys %slot;
	$state{$queue} ne "paused" or wrong("entry $x->{number}, job $x->{id}: resume, where $queue is paused");
	return if $slot{$x->{id}} && @run < $most && (!$limit{$queue} || of_queue($queue, @run) < $limit{$queue});
	delete $slot{$x->{id}};
	take_slot($x, $queue);
}

# The queue a start is in: what the attempt was told; of one that never ran, what it is in now.
sub queue_of {
	my ($x) = @_;
	my $s = $start{$x->{id}}{$x->{attempt}};
	return $s ? $s->{value} : ($job{$x->{id}} // {})->{queue} // $life{$x->{id}}{asked}{queue};
}

for my $x (@journal) {
	turn($x) if $x->{verb} =~ /^queue-/ && $x->{result} eq "ok";
	my $id = $x->{id} or next;
	my ($verb, $from, $to) = ($x->{verb}, $x->{from} // "", $x->{to} // "");
	next if $x->{result} !~ /^(ok|already)$/;
	$releases{$id} = 1 if $verb eq "pause" && ($x->{detail} // "") eq "without a slot";
	if ($verb eq "start") {
		my $queue = queue_of($x);
		delete $releases{$id};
		$state{$queue} eq "open" or wrong("entry $x->{number}, job $id: start, where $queue is $state{$queue}");
		take_slot($x, $queue);
	} elsif ($verb eq "resume" && $from eq "paused") {
		if ($to eq "running") {
			go_on($x, queue_of($x));
			$went_on++;
		} else {
			delete $slot{$id}; # until there is one for it
		}
	} elsif ($verb eq "unstoppable") {
		$slot{$id} = queue_of($x);
	} elsif ($to eq "paused" && $releases{$id} || $to ne "running" && $to ne "paused") {
		delete $slot{$id};
	}
	$to eq "paused" ? $paused{$id} = 1 : delete $paused{$id};
	$pauses++ if $verb eq "stopped";
	delete $releases{$id} if $verb eq "resume" && $to eq "running";
}
!%slot or wrong("jobs ", join(" ", sort keys %slot), " run for ever");
my @asked_turns = map { join " ", @$_ } lines("turns");
"@turns" eq "@asked_turns" or wrong("queues were turned thus:\n", join("\n", @turns), "\nand asked for thus:\n",
    join("\n", @asked_turns));

printf "## %d jobs, %d attempts, %d plans of %d, %d turns of queues, %d pauses, %d resumed, %d lost; at once: %s\n",
    scalar keys %life, scalar(map { keys %$_ } values %start), $plans, scalar keys %lines, scalar @turns,
    $pauses, $went_on, $lost,
    join(", ", map { "$_ $peak{$_}" } sort keys %peak);
print map { "$_\n" } @wrong > 40 ? @wrong[0 .. 39] : @wrong;
exit !!@wrong;
