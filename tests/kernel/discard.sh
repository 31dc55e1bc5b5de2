#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Discard and write-zeroes: neither may reach a past that is not preserved.
# ktest: smp=1 timeout=90
. ./lib.sh
SIZE=$((8 * MIB))

over_nullb()
{
	store_new
	nullb "$1" $SIZE discard=1
	slice_on lo-1 $SIZE "$NULLB"
	pattern "$(sl lo-1)" 1
	source_open 1
	before=$(sum "$(src 1)")
	clone_now 1 101 256
}

zeroes()
{
	store_new
	source_new 1 $SIZE
	before=$(sum "$(src 1)")
	clone_now 1 101 256
	must "write zeroes" /usr/sbin/blkdiscard -z -o $((MIB + 4096)) -l $((3 * MIB)) "$(src 1)"
	same "source" "$(sum "$(src 1)" $((MIB + 4096)) $((3 * MIB)))" \
		"$(head -c $((3 * MIB)) /dev/zero > "$WORK/zero"; sum "$WORK/zero")"
	must "all of it" /usr/sbin/blkdiscard -z "$(src 1)"
	same "clone" "$(sum "$(cln 101)")" "$before"
	must "full speed" msg set_rate 101 0 0
	state_becomes 101 synchronized 20
	same "target" "$(sum "$(sl tg-101)")" "$before"
}

discards()
{
	over_nullb rpla
	# Idle or armed, refused or done: the past stays.
	blkdiscard -o $((65536 * 3 + 4096)) -l $((2 * MIB)) "$(src 1)" 2> "$WORK/d1"
	blkdiscard "$(src 1)" 2> "$WORK/d2"
	same "clone" "$(sum "$(cln 101)")" "$before"
	must "full speed" msg set_rate 101 0 0
	state_becomes 101 synchronized 20
	same "target" "$(sum "$(sl tg-101)")" "$before"
	# A snapshot alone needs the past as well; what it has in the store may be discarded.
	before=$(sum "$(src 1)")
	snap_now 1 201
	write_at "$(src 1)" 0 $MIB 4
	must "discard with a snapshot" blkdiscard "$(src 1)"
	same "snapshot" "$(sum "$(snp 201)")" "$before"
	write_at "$(src 1)" 0 $SIZE 5
	same "snapshot, overwritten" "$(sum "$(snp 201)")" "$before"
	sweep
	nullb_gone rpla
}

idle_passdown()
{
	local d1
	over_nullb rplb
	must "detach" state_becomes 101 copying 5
	must "full speed" msg set_rate 101 0 0
	state_becomes 101 synchronized 20
	must "detach" msg detach 101
	must "remove" dmsetup remove --retry c-101
	must "discard on an idle source" blkdiscard "$(src 1)"
	d1=$(awk '{ print $12 }' "/sys/block/$(basename "$(readlink -f "$NULLB")")/stat")
	[ "${d1:-0}" -gt 0 ] || die "no discard reached the disk"
	sweep
	nullb_gone rplb
}

clone_zeroes()
{
	store_new
	source_new 1 $SIZE
	before=$(sum "$(src 1)")
	dd if="$(src 1)" of="$WORK/model" bs=1M iflag=direct status=none
	clone_now 1 101 256
	must "zeroes to the clone" /usr/sbin/blkdiscard -z -o $((MIB + 4096)) -l $((2 * MIB)) "$(cln 101)"
	dd if=/dev/zero of="$WORK/model" bs=4096 seek=257 count=512 conv=notrunc status=none
	same "source" "$(sum "$(src 1)")" "$before"
	same "clone" "$(sum "$(cln 101)")" "$(sum "$WORK/model")"
	must "full speed" msg set_rate 101 0 0
	state_becomes 101 synchronized 20
	same "target" "$(sum "$(sl tg-101)")" "$(sum "$WORK/model")"
}

# kept DEVICE OFFSET: is what is before and behind MIB bytes there, as in $WORK/model?
kept()
{
	same "before what was discarded" "$(sum "$1" 0 "$2")" "$(sum "$WORK/model" 0 "$2")"
	same "behind it" "$(sum "$1" $(($2 + MIB)) $((SIZE - $2 - MIB)))" \
		"$(sum "$WORK/model" $(($2 + MIB)) $((SIZE - $2 - MIB)))"
}

# What a discarded place holds is not said; all others hold what they held, on and beside the device.
# The store's device can discard, the source's cannot.
snapshot_discards()
{
	local before at written
	nullb rplc $((64 * MIB)) discard=1
	slice_on sd $((64 * MIB)) "$NULLB"
	must "create the store" dmsetup create store --table "$(store_table)"
	nullb rpln $SIZE
	slice_on lo-1 $SIZE "$NULLB"
	pattern "$(sl lo-1)" 1
	source_open 1
	before=$(sum "$(src 1)")
	snap_now_rw 1 202
	snap_now 1 201
	write_at "$(snp 202)" $MIB $((2 * MIB)) 7
	dd if="$(snp 202)" of="$WORK/model" bs=1M iflag=direct status=none
	# in what was written, at no chunk's border; in what is shared with the source; over both ends
	for at in $((MIB + 4096 * 5)) $((5 * MIB + 4096)) $((2 * MIB + MIB / 2)); do
		must "discard at $at" blkdiscard -o $at -l $MIB "$(snp 202)"
		kept "$(snp 202)" $at
		dd if="$(snp 202)" of="$WORK/model" bs=1M iflag=direct status=none
	done
	same "source" "$(sum "$(src 1)")" "$before"
	same "the other snapshot" "$(sum "$(snp 201)")" "$before"
	written=$(sum "$WORK/model")
	write_at "$(src 1)" 0 $SIZE 8
	same "snapshot, its source overwritten" "$(sum "$(snp 202)")" "$written"
	same "the other one" "$(sum "$(snp 201)")" "$before"
	must "discard all of it" blkdiscard "$(snp 202)"
	same "the other one" "$(sum "$(snp 201)")" "$before"
	sweep
	nullb_gone rplc
	nullb_gone rpln
}

clone_discards()
{
	local before at=$((5 * MIB + 4096))
	store_new
	source_new 1 $SIZE
	before=$(sum "$(src 1)")
	dd if="$(src 1)" of="$WORK/model" bs=1M iflag=direct status=none
	nullb rpld $SIZE discard=1
	slice_on tg-101 $SIZE "$NULLB"
	clone_open 101 1
	must "set_rate" msg set_rate 101 0 64
	group "$(uuid)" 101:1
	must "discard" blkdiscard -o $at -l $MIB "$(cln 101)"
	kept "$(cln 101)" $at
	must "full speed" msg set_rate 101 0 0
	state_becomes 101 synchronized 20
	kept "$(sl tg-101)" $at
	same "source" "$(sum "$(src 1)")" "$before"
	sweep
	nullb_gone rpld
}

tc zeroes "write-zeroes to the source while a clone copies"
tc discards "discards of a source that has a past"
tc idle_passdown "discards of an idle source reach the disk"
tc clone_zeroes "write-zeroes to a copying clone"
tc snapshot_discards "discards of a written snapshot: nothing else changes, there and beside it"
tc clone_discards "discards of a clone that copies"
run_cases
