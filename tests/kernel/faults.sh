#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Commands without memory: each with its first allocation failing, with its second, ... is done in full or
# refused with nothing left of it; the sources go on; no memory is lost.
# ktest: timeout=300 needs=faults
. ./lib.sh
# shellcheck source=tests/kernel/fault.sh
. ./fault.sh
U=66666666-2222-3333-4444-55555555555

# faulty WORD...: a command of rpl-dm within each_fails.
faulty()
{
	# shellcheck disable=SC2086
	[ -z "$FAIL" ] || dm fail $FAIL || die "no faults here"
	dm "$@"
}

# STATE: what can be asked about stores and what is in them, without counters and times.
state()
{
	ctl state || die "no state: $TEXT"
	STATE=$TEXT
}

state_is()
{
	state
	[ "$STATE" = "$1" ]
}

# state_stays WHAT STATE
state_stays()
{
	state_is "$2" || retry_until 5 state_is "$2" || die "$1: state '$STATE', was '$2'"
}

# needs_about WHO DO UNDO: MOST allocations, to within 16.
needs_about()
{
	local least=0 n=64 hit
	MOST=
	while [ -z "$MOST" ] || [ $((MOST - least)) -gt 16 ]; do
		FAIL="$1 $n"
		if $2; then
			hit=$HIT FAIL=''
			$3
		else
			hit=$HIT FAIL=''
		fi
		if [ "$hit" ]; then
			least=$n
		else
			MOST=$n
		fi
		n=$((n * 2))
		[ -z "$MOST" ] || n=$(((least + MOST) / 2))
	done
}

# each_fails WHO DO UNDO: the function DO with its first allocation failing, with its second, ... until
# it needs no more. It is refused, then nothing has changed; or it is done, then UNDO leads back.
# EVERY=N: one in N of them, at random.
# WHO allocates: self, the task of the command, or workers, those of the kernel.
each_fails()
{
	local who=$1 do=$2 undo=$3 n=0 spare=0 hits=0 refused=0 start after hit text
	$do || die "$do, without a fault: $TEXT"
	state
	after=$STATE
	$undo
	state
	start=$STATE
	needs_about "$who" "$do" "$undo"
	while [ $spare -lt 2 ]; do
		n=$((n + 1))
		[ $n -ge $((MOST - 20)) ] || n=$((n + RANDOM % (2 * EVERY - 1)))
		# pools of hundreds of the same are in the middle
		[ $n -lt 60 ] || [ $n -gt $((MOST - 120)) ] || n=$((n + 17))
		[ $n -le $((MOST + 100)) ] || die "$do: a fault at allocation $n still, about $MOST before"
		FAIL="$who $n"
		if $do; then
			hit=$HIT FAIL=''
			state_stays "$do is done, fault $n of $who" "$after"
			$undo
			state_stays "$undo, fault $n of $who" "$start"
		else
			hit=$HIT text=$TEXT FAIL=''
			[ "$hit" ] || die "$do: refused without a fault: $text"
			refused=$((refused + 1))
			state_stays "$do is refused, fault $n of $who" "$start"
		fi
		spare=$((spare + 1))
		[ -z "$hit" ] || hits=$((hits + 1)) spare=0
	done
	diag "$do: $hits allocations of $who failed, $refused times it was refused"
	[ $hits -gt 0 ] || die "$do: no fault was felt"
}
FAIL='' BLANK='' EVERY=${EVERY:-1}

# ---- commands ----

snapshots_made()
{
	faulty message store 0 create_group $G "201:1:${U}1:snapshot,202:2:${U}2:snapshot"
}

snapshots_undone()
{
	must "delete 201" msg delete 201
	must "delete 202" msg delete 202
}

snapshot_groups()
{
	volumes
	each_fails self snapshots_made snapshots_undone
	each_fails workers snapshots_made snapshots_undone
	still_works
}

group_made()
{
	faulty message store 0 create_group $G "101:1:${U}1,102:2:${U}2,201:1:${U}3:snapshot"
}

group_undone()
{
	local c
	must "delete 201" msg delete 201
	for c in 101 102; do
		must "detach $c" msg detach $c force
		must "remove c-$c" dmsetup remove --retry "c-$c"
		clone_open $c $((c - 100))
		slowly $c
	done
}

clone_groups()
{
	volumes
	clone_new 101 1
	clone_new 102 2
	slowly 101 102
	each_fails self group_made group_undone
	each_fails workers group_made group_undone
	still_works
	must "create it once more" msg create_group $G "101:1:${U}1,102:2:${U}2"
	must "at full speed" msg set_rate $G 0 0
	state_becomes 101 synchronized 20
	same "the clone" "$(sum "$(cln 101)")" "$(sum "$(src 1)")"
}

deleted()
{
	faulty message store 0 delete 201
}

space_is_back()
{
	dm status store || return
	# shellcheck disable=SC2086
	set -- $TEXT
	[ "${11}" = 0 ]
}

# The space of the last one comes back although no other deletion follows.
undeleted()
{
	space_is_back || retry_until 20 space_is_back || die "space in use after a deletion: $TEXT"
	must "create 201" msg create_group $G "201:1:${U}1:snapshot"
	write_at "$(src 1)" 0 65536 9
}

deletions()
{
	volumes
	undeleted
	each_fails self deleted undeleted
	each_fails workers deleted undeleted
	still_works
}

suspended()
{
	faulty message store 0 suspend 101
}

not_suspended()
{
	must "resume 101" msg resume 101
}

resumed()
{
	faulty message store 0 resume 101
}

not_resumed()
{
	must "suspend 101" msg suspend 101
}

rated()
{
	faulty message store 0 set_rate 101 0 2
}

not_rated()
{
	must "set_rate" msg set_rate 101 0 1
}

aborted()
{
	faulty message store 0 abort 101
}

clone_again()
{
	must "detach 101" msg detach 101 force
	clone_renewed
}

clone_renewed()
{
	must "remove c-101" dmsetup remove --retry c-101
	clone_open 101 1
	slowly 101
	must "create 101" msg create_group $G "101:1:${U}1"
}

detached()
{
	faulty message store 0 detach 101 force
}

modifications()
{
	local who
	volumes
	clone_new 101 1
	slowly 101
	must "create 101" msg create_group $G "101:1:${U}1"
	for who in self workers; do
		each_fails $who suspended not_suspended
		not_resumed
		each_fails $who resumed not_resumed
		not_suspended
		each_fails $who rated not_rated
		each_fails $who aborted clone_again
		each_fails $who detached clone_renewed
	done
	still_works
}

# ---- tables ----

# BLANK is to be formatted each time.
table_loaded()
{
	[ -z "$BLANK" ] || dd if=/dev/zero of="$BLANK" bs=128k count=1 oflag=direct status=none
	# shellcheck disable=SC2086
	faulty load $READONLY "$DEV" --table "$TABLE"
}

table_cleared()
{
	must "clear $DEV" dmsetup clear "$DEV"
}

# table_fails NAME TABLE [--readonly]: make the device by it.
table_fails()
{
	DEV=$1 TABLE=$2 READONLY=${3:-}
	# shellcheck disable=SC2086
	must "make $DEV" /usr/sbin/dmsetup create $READONLY "$DEV" --notable
	each_fails self table_loaded table_cleared
	# shellcheck disable=SC2086
	must "load $DEV" dmsetup load $READONLY "$DEV" --table "$TABLE"
	must "resume $DEV" dmsetup resume "$DEV"
	/usr/sbin/dmsetup mknodes "$DEV"
}

# A table is loaded while there is another of its kind: else the kernel makes a cache for it, and
# 6.1 loses memory itself where that fails.
store_beside()
{
	blank sd2 $((16 * MIB))
	must "create another store" dmsetup create store2 --table \
		"0 $(sectors $((16 * MIB))) replica-store $(sl sd2) $CHUNK 3 format max_volumes 4"
}

tables_of_all()
{
	local before
	faults_ready
	store_beside
	blank sd $((16 * MIB))
	slice lo-1 $SIZE
	pattern "$(sl lo-1)" 1
	BLANK=$(sl sd)
	table_fails store "$(store_table '3 format max_volumes 4')"
	BLANK=''
	source_new 2 $SIZE
	table_fails v-1 "$(source_table 1)"
	clone_new 102 2
	# a clone whose source is not there yet: its volume comes, and goes, with it
	slice lo-3 $SIZE
	slice tg-103 $SIZE
	table_fails c-103 "$(clone_table 103 3)"
	clone_new 101 1
	group $G 101:1 201:1:snapshot 202:2:snapshot
	snap_open 202 2
	table_fails n-201 "$(snap_table 201 1)" --readonly
	before=$(sum "$(src 1)")
	write_at "$(src 1)" 0 $SIZE 9
	same "the snapshot" "$(sum "$(snp 201)")" "$before"
	state_becomes 101 synchronized 20
	same "the clone" "$(sum "$(cln 101)")" "$before"
}

# A store with content is opened: what it has to read is more.
opening()
{
	local before
	volumes
	clone_new 101 1
	slowly 101
	group $G 101:1 201:1:snapshot 202:2:snapshot
	snap_open_rw 201 1
	write_at "$(snp 201)" 65536 65536 5
	before=$(sum "$(snp 201)")
	write_at "$(src 1)" 0 $SIZE 9
	write_at "$(src 2)" 0 $SIZE 9
	must "close all" dmsetup remove --retry n-201 c-101 v-1 v-2 store
	store_beside
	table_fails store "$(store_table 0)"
	source_open 1
	source_open 2
	clone_open 101 1
	snap_open 201 1
	same "the snapshot" "$(sum "$(snp 201)")" "$before"
	still_works
}

# As there is no way back: it grows by what it needs each time that it has grown.
growth()
{
	local n=0 spare=0 hits=0 bytes=$((16 * MIB)) data was=0 grew=0 hit
	faults_ready
	store_room $bytes $((128 * MIB))
	source_new 1 $SIZE
	snap_now 1 201
	while [ $spare -lt 2 ]; do
		n=$((n + 1))
		[ $n -le 600 ] || die "growth: a fault at allocation $n still"
		data=$(store_data)
		if [ "$data" != "$was" ]; then
			bytes=$((bytes + 2 * MIB))
			slice_grow sd $bytes
			was=$data
		fi
		must "load" dmsetup load store --table "$(store_table 0)"
		must "suspend" dmsetup suspend store
		FAIL="self $n"
		faulty resume store
		hit=$HIT FAIL=''
		[ "$(store_mode)" = open ] || die "the store is $(store_mode) after fault $n"
		spare=$((spare + 1))
		[ -z "$hit" ] || hits=$((hits + 1)) spare=0
		[ "$(store_data)" = "$data" ] || grew=$((grew + 1))
		# not suspended, whatever failed
		dmsetup resume store
		[ "$(store_data)" -ge "$data" ] || die "the store became smaller"
	done
	diag "growth: $hits allocations failed, $grew times it has grown"
	[ $hits -gt $grew ] || die "no fault was felt"
	[ $grew -gt 0 ] || die "it never grew"
	still_works
}

# ---- dumps ----

dumps()
{
	local what n spare hits want
	volumes
	clone_new 101 1
	slowly 101
	group $G 101:1 201:1:snapshot 202:2:snapshot
	must suspend msg suspend 101
	for what in stores sources relations groups; do
		n=0 spare=0 hits=0
		ctl $what || die "$what: $TEXT"
		want=$TEXT
		while [ $spare -lt 2 ]; do
			n=$((n + 1))
			[ $n -le 600 ] || die "$what: a fault at allocation $n still"
			ctl fail self $n || die "no faults here"
			! ctl $what || same "$what, fault $n" "$TEXT" "$want"
			spare=$((spare + 1))
			[ -z "$HIT" ] || hits=$((hits + 1)) spare=0
		done
		[ $hits -gt 0 ] || die "$what: no fault was felt"
	done
	still_works
}

# ---- several at a time ----

# More than one allocation of a command fails: the way back has none either.
commands_without_memory()
{
	local i made=0 start
	volumes
	state
	start=$STATE
	for i in $(seq 1 40); do
		workers_may_fail 1
		faults_begin 3 failslab fail_page_alloc
		if dm message store 0 create_group $G "201:1:${U}1:snapshot,202:2:${U}2:snapshot"; then
			made=$((made + 1))
			retry_until 10 dm message store 0 delete 201 || die "delete 201: $TEXT"
			retry_until 10 dm message store 0 delete 202 || die "delete 202: $TEXT"
		fi
		faults_end failslab fail_page_alloc
		state_stays "after round $i" "$start"
	done
	workers_may_fail 0
	diag "$made of 40 groups were made"
	[ $made -gt 0 ] && [ $made -lt 40 ] || die "$made of 40 groups were made"
	still_works
}

tc snapshot_groups "create_group of snapshots, each of its allocations failing once"
tc clone_groups "create_group of clones and a snapshot"
tc deletions "delete of a snapshot that has content"
tc modifications "suspend, resume, set_rate, abort and detach"
tc tables_of_all "the tables of a new store, a source, a clone and a snapshot"
tc opening "the table of a store with content"
tc growth "the growth of a store: it grows, or stays as it is"
tc dumps "dumps: whole or an error"
tc commands_without_memory "commands of which more than one allocation fails"
run_cases
