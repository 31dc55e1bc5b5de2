#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# I2, I1: what a snapshot returns never changes, whatever happens to its source and to the other
# snapshots, and snapshots of one command are of one point in time.
# ktest: timeout=240
. ./lib.sh
SIZE=$((4 * MIB))
ROUNDS=${ROUNDS:-12}

# some_writes SEED: random small writes to source 1, then it is at rest.
some_writes()
{
	"$STAMP" write -w 4 -b "${2:-4096}" -n "${3:-120}" -S "$1" -L "$WORK/wlog.$1" "$(src 1)" \
		> "$WORK/writer" 2>&1 || die "writer: $(cat "$WORK/writer")"
}

# All snapshots that are there, against what they held when they were made: $WORK/past.ID.
verify_all()
{
	local n
	for n in $live; do
		same "snapshot $n $1" "$(sum "$(snp "$n")")" "$(cat "$WORK/past.$n")"
	done
}

# point ID: a snapshot of source 1 at rest.
point()
{
	sum "$(src 1)" > "$WORK/past.$1"
	snap_now 1 "$1"
	live="$live $1"
}

forget()
{
	local n rest=
	snap_gone "$1"
	for n in $live; do
		[ "$n" = "$1" ] || rest="$rest $n"
	done
	live=$rest
}

over_time()
{
	local i live=
	store_new $((96 * MIB))
	source_new 1 $SIZE
	for i in 1 2 3 4 5 6 7 8; do
		point 20$i
		some_writes $i
		verify_all "after $i rounds"
	done
	# In any order: the middle, the newest and then a write, the oldest.
	for i in 204 208 201 206; do
		forget $i
		some_writes $i
		verify_all "without $i"
	done
	point 210
	some_writes 10
	forget 210
	some_writes 11
	point 211
	some_writes 12
	verify_all "after the newest went, twice"
	for i in $live; do
		forget "$i"
	done
	retry_until 30 used_is 0 || die "used after all deletions: $(store_used)"
	checked_closed
}

# The second opinion, of a store that is closed.
checked_closed()
{
	dmsetup remove --retry v-1 && dmsetup remove --retry store
	checked 0
}

# The rule of R11: a copy filed under a deleted, younger tag serves the older snapshot, and stays.
newest_goes()
{
	local before
	store_new $((64 * MIB))
	source_new 1 $SIZE
	before=$(sum "$(src 1)")
	snap_now 1 201
	snap_now 1 202
	write_at "$(src 1)" 65536 65536 5
	snap_now 1 203
	snap_gone 203 202
	write_at "$(src 1)" 65536 65536 6
	write_at "$(src 1)" $((3 * MIB)) 65536 6
	same "the oldest" "$(sum "$(snp 201)")" "$before"
	same "used" "$(store_used)" 256
}

# Reads that fall through to the source while first writes race with them.
racing_reads()
{
	local before i
	store_new $((64 * MIB))
	source_new 1 $((8 * MIB))
	before=$(sum "$(src 1)")
	snap_now 1 201
	# Reads arrive late: copies and writes that begin after them pass by them.
	slice_delay lo-1 "25 $RAM START 0"
	for i in 1 2 3 4 5 6; do
		"$STAMP" write -w 8 -b 4096 -n 200 -S $i -L "$WORK/wlog.$i" "$(src 1)" \
			> "$WORK/writer" 2>&1 &
		writer=$!
		background $writer
		same "read $i beside the writer" "$(sum "$(snp 201)")" "$before"
		wait $writer || die "writer: $(cat "$WORK/writer")"
	done
	same "afterwards" "$(sum "$(snp 201)")" "$before"
}

# points_are_right ROUND...: of three volumes each, beside the writers or after them.
points_are_right()
{
	local i k
	for i; do
		for k in 1 2 3; do
			snap_open 2$i$k $k
		done
		must "point $i" "$STAMP" check -f 9 -L "$WORK/log" "$(snp 2${i}1)" "$(snp 2${i}2)" \
			"$(snp 2${i}3)"
		for k in 1 2 3; do
			dmsetup remove --retry n-2$i$k
		done
	done
}

# Snapshots come and go while writers run all the time; with ROUNDS=10000 for long.
under_load()
{
	local i k
	store_new $((128 * MIB))
	for i in 1 2 3; do
		slice lo-$i $SIZE
	done
	# One fill: its stamps have the place of each volume in the list.
	must fill "$STAMP" fill -f 9 "$(sl lo-1)" "$(sl lo-2)" "$(sl lo-3)"
	for i in 1 2 3; do
		source_open $i
	done
	start_writers 16 "$(src 1)" "$(src 2)" "$(src 3)"
	for i in $(seq 1 "$ROUNDS"); do
		group "$(uuid)" 2${i}1:1:snapshot 2${i}2:2:snapshot 2${i}3:3:snapshot
		[ $((i % 100)) != 0 ] || points_are_right "$i"
		[ "$i" -le 4 ] || for k in 1 2 3; do
			must "delete" msg delete 2$((i - 4))$k
		done
	done
	stop_writers
	points_are_right $(seq $((ROUNDS - 3)) "$ROUNDS")
}

# Everything below is a stack that splits and clones bios of its own.
over_stripes()
{
	local before i
	modprobe dm-mod 2> /dev/null
	store_new $((64 * MIB))
	slice st-a $SIZE
	slice st-b $SIZE
	dmsetup create sl-lo-1 --table \
		"0 $(sectors $((2 * SIZE))) striped 2 16 $(sl st-a) 0 $(sl st-b) 0" ||
		skip "this kernel has no striped target"
	echo "0 $(sectors $((2 * SIZE)))" > "$WORK/slice.lo-1"
	pattern "$(sl lo-1)" 1
	source_open 1
	before=$(sum "$(src 1)")
	snap_now 1 201
	"$STAMP" write -w 8 -b 12288 -t 2 -L "$WORK/wlog" "$(src 1)" > "$WORK/writer" 2>&1 &
	writer=$!
	background $writer
	for i in 1 2 3; do
		same "read $i" "$(sum "$(snp 201)")" "$before"
	done
	wait $writer || die "writer: $(cat "$WORK/writer")"
	same "afterwards" "$(sum "$(snp 201)")" "$before"
}

tc over_time "eight snapshots over time, verified all along; deletions in any order; space comes back"
tc newest_goes "deleting the newest, and then a write: what it kept goes on serving the older ones"
tc racing_reads "reads of a snapshot beside first writes of its source"
tc under_load "points in time of three volumes come and go under load: each is one instant (I1)"
tc over_stripes "a source over stripes"
run_cases
