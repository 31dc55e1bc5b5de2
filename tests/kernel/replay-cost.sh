#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What opening a store costs after a cut, over opening one that was closed: what it reads and writes more
# is bounded by the journal, and the same whatever the data.  Counted in sectors; what the clock says,
# which counts the guest's instructions and its waits for the host's disk, is only printed.
# ktest: any timeout=240 icount
. ./lib.sh
ROUNDS=5
NR=110			# first writes; a checkpoint comes when the journal is half full, after 128 blocks
STORE_SIZE=$((64 * MIB))
JOURNAL=$((STORE_SIZE / 16 / 512))	# sectors
BLOCK=8			# sectors

# sectors_of FIELD: read (3) or written (7) by the store's device since it was made.
sectors_of()
{
	local d
	d=$(ls -lL "$(sl sd)" | awk '{ print $6 }')
	awk "{ print \$$1 }" "/sys/block/dm-$d/stat"
}

# opening: $took us, $read and $written sectors to open the store as its device is now.
opening()
{
	local began
	read=$(sectors_of 3) written=$(sectors_of 7)
	began=$(/bin/date +%s%N)
	must "open the store" dmsetup create store --table "$(store_table 0)"
	took=$((($(/bin/date +%s%N) - began) / 1000))
	read=$(($(sectors_of 3) - read)) written=$(($(sectors_of 7) - written))
	must "remove the store" dmsetup remove --retry store
}

# replayed: $blocks of the journal that the last opening found.
replayed()
{
	# shellcheck disable=SC2046
	set -- $(dmesg | sed -n 's/.* not closed cleanly: \([0-9]*\) blocks of its journal, .*/\1/p' | tail -1)
	blocks=$1
}

# image_back: as a power cut has left it.
image_back()
{
	dd if="$WORK/image" of="$(sl sd)" bs=1M oflag=direct conv=notrunc status=none
}

# after_a_cut BYTES: a volume of that size, first writes to NR chunks of it, and a power cut.  Then the
# store is opened: closed before, $closed_read and $closed_written sectors; after the cut, ROUNDS times,
# $cut_read and $cut_written each time.  $closed and $cut us, the least of the rounds.
after_a_cut()
{
	local i
	store_new $STORE_SIZE
	source_new 1 "$1"
	snap_now 1 201
	fio --name=j --filename="$(src 1)" --ioengine=libaio --direct=1 --rw=write:60k --bs=4k \
		--iodepth=1 --size="$1" --number_ios=$NR > "$WORK/fio" 2>&1 || die "fio: $(tail -3 "$WORK/fio")"
	dd if="$(sl sd)" of="$WORK/image" bs=1M iflag=direct status=none
	must "remove" dmsetup remove --retry n-201 v-1 store
	closed=999999999 cut=999999999
	for i in $(seq $ROUNDS); do
		opening
		closed_read=$read closed_written=$written
		closed=$((took < closed ? took : closed))
	done
	for i in $(seq $ROUNDS); do
		image_back
		opening
		[ "$i" = 1 ] || same "sectors read, each time" "$read" "$cut_read"
		cut_read=$read cut_written=$written
		cut=$((took < cut ? took : cut))
	done
	replayed
	[ "${blocks:-0}" -ge 64 ] || die "only ${blocks:-no} blocks were replayed"
}

tell()
{
	echo "# volume of $1 MiB, $blocks blocks of the journal: opening read $cut_read sectors and wrote" \
		"$cut_written, when closed before $closed_read and $closed_written; $cut and $closed us"
	figure "replay of a journal block, volume of $1 MiB" $(((cut - closed) / blocks)) us
	figure "replay of a MiB of journal, volume of $1 MiB" $(((cut - closed) * 256 / blocks / 1000)) ms
}

# One pass over the journal finds its end and its records; the checkpoint that follows writes pages
# that the records named, at most one for each, and the superblocks.
bounded()
{
	after_a_cut $((16 * MIB))
	tell 16
	at_most "sectors read for the journal" $((cut_read - closed_read)) $((JOURNAL + 4 * BLOCK))
	at_most "sectors written for it" $((cut_written - closed_written)) $((blocks * BLOCK))
}

whatever_the_data()
{
	local small
	after_a_cut $((8 * MIB))
	small=$((cut_read - closed_read))
	sweep || die "devices remain"
	after_a_cut $((256 * MIB))
	tell 256
	same "sectors read for the journal" $((cut_read - closed_read)) $small
}

tc bounded "opening after a power cut is bounded by the journal"
tc whatever_the_data "and the same whatever the size of the data"
run_cases
