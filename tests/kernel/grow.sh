#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Growth while everything runs: the store, and volumes that have snapshots and clones.
# ktest: any timeout=240
. ./lib.sh
SIZE=$((8 * MIB))

close_all()
{
	local d
	for d in n-201 n-202 n-203 n-204 v-1 store; do
		gone "$d" || must "remove $d" dmsetup remove --retry "$d"
	done
}

# round SNAPSHOT SEED: a point in time, and a write of everything behind it.
round()
{
	eval "sum_$1=\$(sum \"$(src 1)\")"
	snap_now 1 "$1"
	write_at "$(src 1)" 0 $SIZE "$2" || die "a write behind snapshot $1"
}

rounds_as_before()
{
	local n want
	for n in $1; do
		eval "want=\$sum_$n"
		same "snapshot $n $2" "$(sum "$(snp "$n")")" "$want"
	done
}

# The store fills up, grows, and grows again; what was in it stays, what comes goes into new space.
store_grows()
{
	local small
	store_room $((18 * MIB)) $((128 * MIB))
	source_new 1 $SIZE
	small=$(store_data)
	[ "$small" -lt $((2 * SIZE / 512)) ] || die "a store that is too large for the test: $small"
	round 201 11
	store_grow $((40 * MIB))
	same "new space" "$(store_data)" "$(at_least $((small + 21 * MIB / 512)) "$(store_data)")"
	same "used" "$(store_used)" $((SIZE / 512))
	round 202 12
	round 203 13
	rounds_as_before "201 202 203" "after the first growth"
	store_grow $((64 * MIB))
	round 204 14
	rounds_as_before "201 202 203 204" "after the second growth"
	same "used by all" "$(store_used)" $((4 * SIZE / 512))
	close_all
	checked 0
	reopen_all
	rounds_as_before "201 202 203 204" "after a clean close"
	write_at "$(src 1)" 0 $SIZE 15
	rounds_as_before "201 202 203 204" "after a write of everything"
	snap_gone 202 201 204 203
	retry_until 20 used_is 0 || die "used after all deletions: $(store_used)"
	close_all
	checked 0
}

# at_least MINIMUM VALUE: the value, if it is not below.
at_least()
{
	[ "$2" -ge "$1" ] && echo "$2" || echo "$1 at least"
}

reopen_all()
{
	local n
	must "open the store" dmsetup create store --table "$(store_table 0)"
	source_open 1
	for n in 201 202 203 204; do
		snap_open $n 1
	done
}

# Under writers, many small growths; a power cut at once behind the last one.
store_grows_under_load()
{
	local i before
	store_room $((18 * MIB)) $((128 * MIB))
	source_new 1 $SIZE
	clone_now 1 101 2000
	before=$(sum "$(src 1)")
	snap_now 1 201
	start_writers 4 "$(src 1)"
	for i in $(seq 1 12); do
		store_grow $((18 * MIB + i * i * 512 * 1024))
	done
	same "mode" "$(store_mode)" open
	stop_writers
	same "the snapshot" "$(sum "$(snp 201)")" "$before"
	dd if="$(sl sd)" of="$WORK/image" bs=1M iflag=direct status=none
	state_becomes 101 synchronized 40
	same "the clone" "$(sum "$(cln 101)")" "$before"
	must "remove the clone" dmsetup remove --retry c-101
	close_all
	dd if="$WORK/image" of="$(sl sd)" bs=1M oflag=direct conv=notrunc status=none
	checked 1 not-closed
	must "open the store" dmsetup create store --table "$(store_table 0)"
	source_open 1
	clone_open 101 1
	snap_open 201 1
	same "the snapshot after a cut" "$(sum "$(snp 201)")" "$before"
	write_at "$(src 1)" 0 $SIZE 5
	same "the snapshot after a write of everything" "$(sum "$(snp 201)")" "$before"
	state_becomes 101 synchronized 40
	same "the clone after a cut" "$(sum "$(cln 101)")" "$before"
}

# Both superblocks know the new chunks before the first of them is used: either may be lost then.
one_superblock_lost()
{
	local at
	store_room $((18 * MIB)) $((64 * MIB))
	source_new 1 $SIZE
	round 201 11
	sum_202=$(sum "$(src 1)")
	snap_now 1 202
	store_grow $((40 * MIB))
	write_at "$(src 1)" 0 $((2 * MIB)) 12
	dd if="$(sl sd)" of="$WORK/image" bs=1M iflag=direct status=none
	for at in 0 16; do
		close_all
		dd if="$WORK/image" of="$(sl sd)" bs=1M oflag=direct conv=notrunc status=none
		dd if=/dev/zero of="$(sl sd)" bs=4k seek=$at count=1 oflag=direct conv=notrunc status=none
		checked 1 superblock-lost
		must "open the store" dmsetup create store --table "$(store_table 0)"
		source_open 1
		snap_open 201 1
		snap_open 202 1
		rounds_as_before "201 202" "without the superblock at block $at"
	done
}

# logged TEXT: in what the kernel said last.
logged()
{
	dmesg | tail -5 | grep -q "$1" || die "not in the log: $1"
}

store_refuses()
{
	local data
	store_room $((18 * MIB)) $((32 * MIB))
	source_new 1 $SIZE
	store_grow $((24 * MIB))
	data=$(store_data)
	must_fail "a table that is larger than the device" dmsetup load store --table \
		"0 $((26 * MIB / 512)) replica-store $(sl sd) $CHUNK"
	must_fail "a table that is smaller than the store" dmsetup load store --table \
		"0 $((18 * MIB / 512)) replica-store $(sl sd) $CHUNK"
	logged "cannot shrink to 36864"
	same "space" "$(store_data)" "$data"
	must "suspend" dmsetup suspend store
	must "resume" dmsetup resume store
	same "space after a resume" "$(store_data)" "$data"
	# Less than a chunk is of no use, and no harm.
	store_grow $((24 * MIB + 4096))
	same "space after 4 KiB" "$(store_data)" "$data"
	close_all
	must_fail "a store on a device that has shrunk" dmsetup create store --table \
		"0 $((18 * MIB / 512)) replica-store $(sl sd) $CHUNK"
	logged "its device has only 18874368"
	must "open the store" dmsetup create store --table "$(store_table 0)"
	same "space after an opening" "$(store_data)" "$data"
	# On a device that has grown meanwhile it takes the new space at once.
	close_all
	slice_grow sd $((32 * MIB))
	must "open the store" dmsetup create store --table "$(store_table 0)"
	same "space on a larger device" "$(store_data)" \
		"$(at_least $((data + 7 * MIB / 512)) "$(store_data)")"
}

# A store whose map may take more memory than is allowed is not made, and does not grow so far: it
# goes on as it is. It is not opened if it may take more than twice as much.
map_memory()
{
	local data limit=max_map_memory_bytes
	slice_room sd $((32 * MIB)) $((128 * MIB))
	dd if=/dev/zero of="$(sl sd)" bs=1M count=1 oflag=direct status=none
	# 465 chunks: 3 pages
	parameter $limit 8192
	must_fail "a store with a map of 12 KiB" dmsetup create store --table "$(store_table)"
	logged "its map may take 12 KiB of memory, 8 are allowed"
	cmp -n $MIB "$(sl sd)" /dev/zero || die "it has been written to"
	parameter $limit 12288
	must "create the store" dmsetup create store --table "$(store_table)"
	source_new 1 $SIZE
	round 201 11
	data=$(store_data)
	store_grow $((64 * MIB))
	logged "store store has not grown: its map may take"
	same "space" "$(store_data)" "$data"
	same "mode" "$(store_mode)" open
	round 202 12
	rounds_as_before "201 202" "without growth"
	# as much as is allowed: no page more
	parameter $limit $((8 * 4096))
	must "suspend" dmsetup suspend store
	must "resume" dmsetup resume store
	same "space after a resume" "$(store_data)" "$(at_least $((data + 31 * MIB / 512)) "$(store_data)")"
	round 203 13
	rounds_as_before "201 202 203" "after the growth"
	close_all
	checked 0
	parameter $limit $((3 * 4096))
	must_fail "a map that is too large now" dmsetup create store --table "$(store_table 0)"
	logged "its map may take 32 KiB of memory, 24 are allowed"
	parameter $limit $((4 * 4096))
	must "open the store" dmsetup create store --table "$(store_table 0)"
	source_open 1
	for data in 201 202 203; do
		snap_open $data 1
	done
	rounds_as_before "201 202 203" "after an opening"
}

# source_grow BYTES [SUSPEND OPTION...]
source_grow()
{
	slice_grow lo-1 "$1"
	pattern_behind "$1"
	shift
	table_becomes v-1 "$(source_table 1)" "$@"
}

# What a larger device holds behind its old end is somebody's data, too.
pattern_behind()
{
	write_at "$(sl lo-1)" $((OLD)) $(($1 - OLD)) 99
	OLD=$1
}

# A snapshot and a clone that end within a chunk; the volume goes on behind them.
volume_grows()
{
	local before later old=$((4 * MIB + 1536))
	OLD=$old
	store_new $((64 * MIB))
	slice_room lo-1 $old $((16 * MIB))
	pattern "$(sl lo-1)" 1
	source_open 1
	before=$(sum "$(src 1)")
	clone_now 1 101 64
	snap_now 1 201
	start_writers 2 "$(src 1)"
	source_grow $((8 * MIB + 512))
	stop_writers
	same "length" "$(blockdev --getsize64 "$(src 1)")" $((8 * MIB + 512))
	same "the snapshot" "$(sum "$(snp 201)")" "$before"
	same "total of the clone" "$(clone_total 101)" $old
	# Behind their end nothing is kept; the chunk that they share with it is, once.
	write_at "$(src 1)" 0 $old 21
	used=$(store_used)
	same "used" "$used" $((4 * MIB / 512 + 128))
	write_at "$(src 1)" $((4 * MIB + 65536)) $((4 * MIB - 65536)) 22
	same "used by a write behind the end" "$(store_used)" "$used"
	same "the snapshot after it" "$(sum "$(snp 201)")" "$before"
	# Another one, of the new length: the chunk in which the first one ends is kept whole.
	later=$(sum "$(src 1)")
	snap_now 1 202
	write_at "$(src 1)" 0 $((8 * MIB + 512)) 23
	same "the first" "$(sum "$(snp 201)")" "$before"
	same "the second" "$(sum "$(snp 202)")" "$later"
	# Without the longer one nothing is kept behind the shorter one's end.
	snap_gone 202
	retry_until 20 used_is "$used" || die "used without the second: $(store_used)"
	source_grow $((16 * MIB))
	write_at "$(src 1)" 0 $((16 * MIB)) 24 || die "a write behind the end"
	same "used behind all ends" "$(store_used)" "$used"
	must "set_rate" msg set_rate 101 0 0
	state_becomes 101 synchronized 30
	same "copied" "$(clone_copied 101)" $old
	same "the clone" "$(sum "$(cln 101)")" "$before"
	same "the first at the end" "$(sum "$(snp 201)")" "$before"
	must "remove the clone" dmsetup remove --retry c-101
	close_all
	checked 0
	must "open the store" dmsetup create store --table "$(store_table 0)"
	source_open 1
	must "the snapshot's device" dmsetup create --readonly n-201 --table \
		"0 $(sectors $old) replica-snap $STORE 201 1 $(sl lo-1) 0"
	same "the first after an opening" "$(sum "$(snp 201)")" "$before"
}

length_is()
{
	[ "$(blockdev --getsize64 "$(src 1)")" = "$1" ]
}

# A copy for the shorter snapshot is under way when the volume grows and gets a longer one: what it
# has of their common chunk is not enough for that.
copy_runs_meanwhile()
{
	local before later old=$((2 * MIB + 1536)) writes epoch grown
	OLD=$old
	store_new $((64 * MIB))
	slice_room lo-1 $old $((16 * MIB))
	pattern "$(sl lo-1)" 1
	source_open 1
	before=$(sum "$(src 1)")
	snap_now 1 201
	writes=$(dmsetup status v-1 | cut -d' ' -f 6)
	copies_may_take 60000
	slice_hang sd
	dd if=/dev/zero of="$(src 1)" bs=512 seek=$((2 * MIB / 512)) count=1 oflag=direct \
		conv=notrunc status=none &
	background $!
	retry_until 10 source_above 6 "$writes" || die "no write waits"
	slice_grow lo-1 $((4 * MIB))
	pattern_behind $((4 * MIB))
	# The old table is there until the copy ends; the new one is in force at once.
	(table_becomes v-1 "$(source_table 1)" --noflush --nolockfs) &
	grown=$!
	background $grown
	retry_until 10 length_is $((4 * MIB)) || die "the volume does not grow"
	later=$(sum "$(sl lo-1)")
	epoch=$(dmsetup status v-1 | cut -d' ' -f 4)
	msg create_group "$(uuid)" "202:1:$(uuid):snapshot" > "$WORK/create" 2>&1 &
	created=$!
	background $created
	retry_until 10 source_above 4 "$epoch" || die "the second snapshot does not begin"
	slice_ok sd
	wait $grown || die "the volume does not grow"
	wait $created || die "the second snapshot: $(cat "$WORK/create")"
	wait
	snap_open 202 1
	write_at "$(src 1)" 0 $((4 * MIB)) 31
	same "the longer one" "$(sum "$(snp 202)")" "$later"
	same "the shorter one" "$(sum "$(snp 201)")" "$before"
}

tc store_grows "the store grows twice: old and new snapshots are right, after an opening, too"
tc store_grows_under_load "twelve growths under writers, then a power cut: nothing is lost"
tc one_superblock_lost "after a growth either superblock may be lost"
tc store_refuses "a store does not shrink, nor grow beyond its device"
tc map_memory "a store whose map may take more memory than is allowed is not made, opened or grown"
tc volume_grows "a volume grows: snapshots and clones keep their length, nothing is kept behind it"
tc copy_runs_meanwhile "a copy that began before the volume grew does not serve a longer snapshot"
run_cases
