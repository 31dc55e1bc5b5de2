#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Volumes that are no multiple of anything, and targets that are larger or smaller.
# ktest: any smp=1 timeout=120
. ./lib.sh

# one BYTES [BYTES OF THE TARGET]: volume $n, cloned under a full overwrite, all of it compared.
one()
{
	local before size=$1 target=${2:-$1}
	source_new "$n" "$size"
	before=$(sum "$(src "$n")")
	clone_new $((100 + n)) "$n" "$target"
	group "$(uuid)" "$((100 + n)):$n"
	write_at "$(src "$n")" 0 "$size" 77
	same "clone of $size bytes" "$(sum "$(cln $((100 + n)))")" "$before"
	state_becomes $((100 + n)) synchronized 20
	same "$size bytes: copied" "$(clone_copied $((100 + n)))" "$size"
	same "$size bytes on the target" "$(sum "$(sl "tg-$((100 + n))")" 0 "$size")" "$before"
	n=$((n + 1))
}

odd_sizes()
{
	local s
	n=1
	store_new
	for s in 4096 61440 65536 69632 $((MIB - 4096)) $MIB $((MIB + 4096)) $((3 * MIB + 512)) 512 \
		$((2 * MIB + 65536 + 1536)); do
		one "$s"
	done
}

larger_target()
{
	local tail
	n=1
	store_new
	slice tg-101 $((4 * MIB))
	pattern "$(sl tg-101)" 55
	tail=$(sum "$(sl tg-101)" $((2 * MIB + 4096)) $((2 * MIB - 4096)))
	source_new 1 $((2 * MIB + 4096))
	clone_open 101 1
	group "$(uuid)" 101:1
	state_becomes 101 synchronized 20
	same "target" "$(sum "$(sl tg-101)" 0 $((2 * MIB + 4096)))" "$(sum "$(src 1)")"
	same "what lies behind the clone" \
		"$(sum "$(sl tg-101)" $((2 * MIB + 4096)) $((2 * MIB - 4096)))" "$tail"
}

smaller_target()
{
	store_new
	source_new 1 $((2 * MIB))
	slice tg-101 $((2 * MIB - 4096))
	must_fail "a target that is too small" dmsetup create c-101 --table "$(clone_table 101 1)"
	dmsetup create c-102 --table "0 4088 replica-clone $STORE 101 $(sl tg-101) 0 1 $(sl lo-1) 0" \
		> "$WORK/short" 2>&1 || return 0
	must_fail "a clone shorter than its source" msg create_group "$(uuid)" "101:1:$(uuid)"
}

different_sizes()
{
	local i sums=
	store_new
	for i in 1 2 3; do
		source_new $i $((i * MIB + i * 4096))
		clone_new 10$i $i
		sums="$sums $(sum "$(src $i)")"
	done
	group "$(uuid)" 101:1 102:2 103:3
	for i in 1 2 3; do
		write_at "$(src $i)" 0 $((i * MIB)) 70
	done
	i=0
	for s in $sums; do
		i=$((i + 1))
		state_becomes 10$i synchronized 20
		same "clone $i" "$(sum "$(sl tg-10$i)")" "$s"
	done
}

other_chunks()
{
	local before c
	for c in 8 32 512 2048; do
		CHUNK=$c
		store_new
		source_new 1 $((3 * MIB + 4096))
		before=$(sum "$(src 1)")
		clone_now 1 101
		write_at "$(src 1)" $((MIB - 4096)) 8192 5
		state_becomes 101 synchronized 20
		same "chunks of $c sectors" "$(sum "$(sl tg-101)")" "$before"
		sweep || die "leftovers"
		rm -f "$WORK/used"
	done
}

# Offsets in the table: the volume and the target begin somewhere in their devices.
offsets()
{
	local before
	store_new
	slice lo-1 $((4 * MIB))
	slice tg-101 $((4 * MIB))
	pattern "$(sl lo-1)" 3
	must "source at an offset" dmsetup create v-1 --table \
		"0 4096 replica-source $STORE 1 $(sl lo-1) 24"
	before=$(sum "$(src 1)")
	same "source" "$before" "$(sum "$(sl lo-1)" $((24 * 512)) $((2 * MIB)))"
	must "clone at an offset" dmsetup create c-101 --table \
		"0 4096 replica-clone $STORE 101 $(sl tg-101) 136 1 $(sl lo-1) 24"
	group "$(uuid)" 101:1
	write_at "$(src 1)" 0 $((2 * MIB)) 4
	state_becomes 101 synchronized 20
	same "clone" "$(sum "$(cln 101)")" "$before"
	same "target" "$(sum "$(sl tg-101)" $((136 * 512)) $((2 * MIB)))" "$before"
}

# huge VOLUME CLONE PAGES: both of zeroes, as large as so many pages of a bitmap say, copied slowly.
huge()
{
	local dev
	for dev in "lo-$1" "tg-$2"; do
		must "a huge $dev" dmsetup create "sl-$dev" --table "0 $(($3 * PAGE_BITS * CHUNK)) zero"
		echo "0 $(($3 * PAGE_BITS * CHUNK))" > "$WORK/slice.$dev"
	done
	source_open "$1"
	clone_open "$2" "$1"
	must "set_rate" msg set_rate "$2" 0 64
}

# The area of bitmaps has 512 pages.  What is free is 100 at its front and 50 at its end: a place of 100
# and one of 50 fit in one order only.
bitmap_places()
{
	modprobe dm-zero
	CHUNK=8 PAGE_BITS=$(((4096 - 64) * 8))
	store_new
	huge 1 101 100
	group "$(uuid)" 101:1
	huge 2 102 362
	group "$(uuid)" 102:2
	huge 3 103 50
	group "$(uuid)" 103:3
	huge 4 104 1
	must_fail "a fifth" msg create_group "$(uuid)" "$(group_spec 104:4)"
	grep -q 'no room for the bitmap' "$WORK/refused" || dmesg | tail -5 | grep -q 'no room for the bitmap' ||
		die "it does not say why: $(cat "$WORK/refused")"
	must "detach" msg detach 101 force
	must "detach" msg detach 103 force
	huge 5 105 50
	huge 6 106 100
	group "$(uuid)" 105:5 106:6
	for c in 102 105 106; do
		same "clone $c" "$(clone_state $c)" copying
	done
	must "close" dmsetup remove --retry c-106 c-105 c-104 c-103 c-102 c-101 v-1 v-2 v-3 v-4 v-5 v-6 store
	"$RPL_CHECK" "$(sl sd)" > "$WORK/checked" || die "$(cat "$WORK/checked")"
}

tc odd_sizes "one chunk more or less a block, single sectors, partial last chunks"
tc larger_target "a larger target: what lies behind the clone is not touched"
tc smaller_target "a target smaller than its source is refused"
tc different_sizes "members of different sizes in one group"
tc other_chunks "chunks of 4 KiB to 1 MiB"
tc bitmap_places "bitmaps go to the places that the check has found for them, whatever the order"
tc offsets "volume and target at offsets in their devices"
run_cases
