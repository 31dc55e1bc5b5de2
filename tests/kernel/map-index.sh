#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What an opening reads of a store: of the map, the runs of pages that were ever written, as its index
# says, or all of them if the index does not count; and that the snapshots are the same either way.
# ktest: any smp=1
. ./lib.sh
CHUNK=8
SIZE=$((4 * MIB))
STORE_SIZE=$((128 * MIB))		# 156 pages of the map, 10 runs
RUN=256					# sectors of a run, both slots of 16 pages
JOURNAL=$((STORE_SIZE / 16 / 512))	# sectors
INDEX=69632				# its place on the device

# sectors_read: from the store's device, since it was made.
sectors_read()
{
	local d
	d=$(ls -lL "$(sl sd)" | awk '{ print $6 }')
	awk '{ print $3 }' "/sys/block/dm-$d/stat"
}

# index_block FILE: keep it; index_back FILE: put it there.
index_block()
{
	dd if="$(sl sd)" of="$1" bs=4096 skip=$((INDEX / 4096)) count=1 iflag=direct status=none
}

index_back()
{
	dd if="$1" of="$(sl sd)" bs=4096 seek=$((INDEX / 4096)) count=1 oflag=direct conv=notrunc status=none
}

closed()
{
	for d in n-201 v-1 store; do
		gone "$d" || must "remove $d" dmsetup remove --retry "$d"
	done
}

# opened: the snapshot has its bytes; $read sectors were read to open the store.
opened()
{
	read=$(sectors_read)
	must "open the store" dmsetup create store --table "$(store_table 0)"
	read=$(($(sectors_read) - read))
	snap_open 201 1
	same "the snapshot" "$(sum "$(snp 201)")" "$past"
}

# one_snapshot WRITES: a snapshot, and first writes to so many chunks; $past is what it holds.
one_snapshot()
{
	store_new $STORE_SIZE
	source_new 1 $SIZE
	past=$(sum "$(src 1)")
	snap_now 1 201
	write_at "$(src 1)" 0 $((4096 * $1)) 7
}

# fewer_than FEW ALL: eight of the ten runs were not read, at least.
fewer_than()
{
	[ "$1" -le $(($2 - 8 * RUN)) ] || die "$1 sectors were read, with all runs $2"
}

reads_what_was_written()
{
	local few
	one_snapshot 15
	closed
	checked 0
	opened
	few=$read
	closed
	dd if=/dev/zero of="$WORK/zero" bs=4096 count=1 status=none
	index_back "$WORK/zero"
	checked 0
	opened
	fewer_than $few $read
	closed
	opened
	same "sectors read by the next opening" $read $few
}

after_a_cut()
{
	local few
	one_snapshot 15
	dd if="$(sl sd)" of="$WORK/image" bs=1M iflag=direct status=none
	closed
	opened
	few=$read
	closed
	# all of it in the journal only: no page was ever written
	dd if="$WORK/image" of="$(sl sd)" bs=1M oflag=direct conv=notrunc status=none
	checked 1 not-closed
	opened
	same "sectors more than when closed" $((read - few)) $((JOURNAL - RUN))
	closed
	opened
	same "sectors read after that" $read $few
}

# The index of another life says nothing, whole as it is.
of_another_life()
{
	local few
	one_snapshot 15
	closed
	index_block "$WORK/old"
	opened
	few=$read
	source_open 1
	write_at "$(src 1)" $MIB $MIB 9
	closed
	index_back "$WORK/old"
	opened
	fewer_than $few $read
}

tc reads_what_was_written "an opening reads the pages of the map that were ever written"
tc after_a_cut "so it does after a power cut"
tc of_another_life "an index that another version has left behind is not believed"
run_cases
