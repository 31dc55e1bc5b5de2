#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What opening a store costs after a cut, over opening one that was closed: so much for each block of
# its journal, whatever the data.  The guest's clock counts instructions, so the figures repeat.
# ktest: timeout=240 icount
. ./lib.sh
ROUNDS=5
NR=110 # first writes; a checkpoint comes when the journal is half full, after 128 blocks

# opening: $took us to open the store as its device is now.
opening()
{
	local began
	began=$(/bin/date +%s%N)
	must "open the store" dmsetup create store --table "$(store_table 0)"
	took=$((($(/bin/date +%s%N) - began) / 1000))
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

# after_a_cut BYTES: a volume of that size, first writes to NR chunks of it, and a power cut; then
# $cut and $closed us for ROUNDS openings each.
after_a_cut()
{
	local i
	store_new $((64 * MIB))
	source_new 1 "$1"
	snap_now 1 201
	fio --name=j --filename="$(src 1)" --ioengine=libaio --direct=1 --rw=write:60k --bs=4k \
		--iodepth=1 --size="$1" --number_ios=$NR > "$WORK/fio" 2>&1 || die "fio: $(tail -3 "$WORK/fio")"
	dd if="$(sl sd)" of="$WORK/image" bs=1M iflag=direct status=none
	must "remove" dmsetup remove --retry n-201 v-1 store
	closed=0 cut=0
	for i in $(seq $ROUNDS); do
		opening
		closed=$((closed + took))
		must "remove the store" dmsetup remove --retry store
	done
	for i in $(seq $ROUNDS); do
		image_back
		opening
		cut=$((cut + took))
		must "remove the store" dmsetup remove --retry store
	done
	replayed
	[ "${blocks:-0}" -ge 64 ] || die "only ${blocks:-no} blocks were replayed"
}

bounded()
{
	local each
	after_a_cut $((16 * MIB))
	each=$(((cut - closed) / ROUNDS / blocks))
	echo "# opening a closed store: $((closed / ROUNDS)) us; after a cut: $((cut / ROUNDS)) us, $blocks blocks" \
		"replayed, $each us each, $((each * 256)) us for a MiB of journal"
	at_most "us for a block of the journal" $each 1000
}

tc bounded "opening after a power cut is bounded by the journal"
run_cases
