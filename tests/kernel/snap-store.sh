#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Snapshots and their store: closed and opened again, cut off, full, gone, hanging, and damaged
# sources (I3, I4, I5).
# ktest: any smp=1 timeout=420
. ./lib.sh
SIZE=$((8 * MIB))
RPLCTL=$TOP/build/tools/rplctl

close_all()
{
	for d in n-201 n-202 n-203 c-101 c-102 v-1 v-2 v-3 store; do
		gone "$d" || must "remove $d" dmsetup remove --retry "$d"
	done
}

image()
{
	dd if="$(sl sd)" of="$WORK/image" bs=1M iflag=direct status=none
}

image_back()
{
	dd if="$WORK/image" of="$(sl sd)" bs=1M oflag=direct conv=notrunc status=none
}

# two_points: snapshots 201 and 202 of source 1 with writes behind each; $first and $second.
two_points()
{
	first=$(sum "$(src 1)")
	snap_now 1 201
	write_at "$(src 1)" 0 $((2 * MIB)) 5
	second=$(sum "$(src 1)")
	snap_now 1 202
	write_at "$(src 1)" $MIB $((2 * MIB + 4096)) 6
}

both_as_before()
{
	same "the first $1" "$(sum "$(snp 201)")" "$first"
	same "the second $1" "$(sum "$(snp 202)")" "$second"
}

reopen()
{
	must "open the store" dmsetup create store --table "$(store_table 0)"
	source_open 1
	snap_open 201 1
	snap_open 202 1
}

closed_and_opened()
{
	local used
	store_new $((64 * MIB))
	source_new 1 $SIZE
	two_points
	used=$(store_used)
	close_all
	checked 0
	reopen
	same "used" "$(store_used)" "$used"
	both_as_before "after a clean close"
	write_at "$(src 1)" 0 $SIZE 7
	both_as_before "after a write of everything"
}

cut_off_many_times()
{
	local i
	store_new $((64 * MIB))
	source_new 1 $SIZE
	two_points
	for i in 1 2 3 4; do
		write_at "$(src 1)" $((i * MIB)) 300032 $((i + 10))
		image
		close_all
		image_back
		checked 1 not-closed
		reopen
		both_as_before "in life $i"
	done
	write_at "$(src 1)" 0 $SIZE 7
	both_as_before "after a write of everything"
	snap_gone 201
	same "the second without the first" "$(sum "$(snp 202)")" "$second"
	# One that leaves nothing to be cleared: nobody writes the store after its deletion.
	group "$(uuid)" 203:1:snapshot
	must "delete it" msg delete 203
	image
	close_all
	image_back
	must "open the store" dmsetup create store --table "$(store_table 0)"
	source_open 1
	for n in 201 203; do
		must_fail "the deleted snapshot $n is back" \
			dmsetup create --readonly n-$n --table "$(snap_table $n 1)"
	done
	snap_open 202 1
	same "the second after a cut" "$(sum "$(snp 202)")" "$second"
}

# A loss is in force at once: no checkpoint passes its record with a table that does not say so. A
# command that waits for a hanging source keeps it from being settled meanwhile. (Not the loss
# for want of space, which lose.c settles without waiting for commands.)
lost_before_settled()
{
	local cookie writer end
	store_new
	source_new 1 $MIB
	source_new 2 $((16 * MIB))
	source_new 3 $MIB
	clone_now 2 102 64
	snap_now 1 201
	slice_hang lo-3
	dd if=/dev/zero of="$(src 3)" bs=4k count=1 oflag=direct conv=notrunc status=none &
	writer=$!
	background $writer
	retry_until 10 in_flight "$(src 3)" || die "no write hangs"
	cookie=$("$RPLCTL" create-group -n "$(uuid)" 203:3:snapshot) || die "create-group"
	retry_until 10 command_is "$cookie" running || echo "no command waits" > "$WORK/bad"
	# A copy takes too long: 201 is lost, and the write ends when that is recorded.
	copies_may_take 1500
	slice_delay lo-1 "60000 $RAM START 0"
	write_at "$(src 1)" 0 $MIB 5 || echo "a source write failed" > "$WORK/bad"
	copies_may_take 60000
	is_snap 201 failed || echo "nothing is lost: $(dmsetup status n-201)" > "$WORK/bad"
	[ "$(journal_blocks)" -gt 0 ] || echo "no record of a loss" > "$WORK/bad"
	end=$(($(journal_tail) + $(journal_blocks)))
	# A record for each region of volume 2: the journal is half full, and a checkpoint comes.
	fio --name=j --filename="$(src 2)" --ioengine=libaio --direct=1 --rw=write:60k --bs=4k \
		--iodepth=1 --size=$((16 * MIB)) --number_ios=256 > "$WORK/fio" 2>&1 ||
		echo "fio: $(tail -3 "$WORK/fio")" > "$WORK/bad"
	retry_until 10 journal_is_from "$end" || echo "no checkpoint" > "$WORK/bad"
	image
	command_is "$cookie" running || echo "the command did not wait" > "$WORK/bad"
	slice_ok lo-1
	slice_ok lo-3
	wait $writer
	[ ! -e "$WORK/bad" ] || die "$(cat "$WORK/bad")"
	retry_until 20 command_is "$cookie" done || die "the command hangs"
	close_all
	image_back
	checked 1 not-closed
	must "open the store" dmsetup create store --table "$(store_table 0)"
	snap_open 201 1
	is_snap 201 failed || die "it lacks what its source has no more: $(dmsetup status n-201)"
	close_all
	checked 0
}

# What a checkpoint says is copied has been flushed to the target.  It falls between two batches of
# records: one waits for the target of 101, then a checkpoint comes, and behind it regions of 102 are
# in its target, which has not been flushed for long.
checkpoint_of_flushed_only()
{
	local i want copied writers=
	store_new
	for i in 1 2 3; do
		source_new $i $MIB
	done
	nullb rplc $((64 * MIB)) cache_size=16
	RAM=$NULLB
	clone_now 1 101 64
	clone_now 2 102 64
	must suspend msg suspend 101
	must suspend msg suspend 102
	want=$(sum "$(cln 102)")
	write_at "$(src 2)" 0 65536 4
	snap_now 3 203
	write_at "$(src 3)" 0 65536 4
	dmsetup remove --retry n-203
	copies_may_take 60000
	dd if="$(sl lo-2)" of="$WORK/lo-2" bs=1M iflag=direct status=none
	dd if="$(sl tg-102)" of="$WORK/tg-102" bs=1M iflag=direct status=none
	slice_delay tg-101 "0 $RAM START 0 $RAM START 5000"
	slice_delay tg-102 "0 $RAM START 0 $RAM START 30000"
	for i in 1 2; do
		copied=$(clone_copied 10$i)
		write_at "$(src $i)" $((512 * 1024)) 65536 5 || echo "a source write failed" >> "$WORK/bad" &
		background $!
		writers="$writers $!"
		retry_until 5 copied_above 10$i "$copied" || echo "nothing is copied" >> "$WORK/bad"
	done
	msg delete 203 || echo "the deletion failed" >> "$WORK/bad"
	retry_until 20 used_is 0 || echo "no checkpoint" >> "$WORK/bad"
	image
	kill -0 "${writers##* }" || echo "the target was flushed" >> "$WORK/bad"
	slice_ok tg-101
	slice_ok tg-102
	# shellcheck disable=SC2086
	wait $writers
	[ ! -e "$WORK/bad" ] || die "$(cat "$WORK/bad")"
	close_all
	image_back
	dd if="$WORK/lo-2" of="$(sl lo-2)" bs=1M oflag=direct conv=notrunc status=none
	dd if="$WORK/tg-102" of="$(sl tg-102)" bs=1M oflag=direct conv=notrunc status=none
	checked 1 not-closed
	must "open the store" dmsetup create store --table "$(store_table 0)"
	clone_open 102 2
	source_open 2
	same "the clone" "$(sum "$(cln 102)")" "$want"
	sweep
	nullb_gone rplc
}

# The journal as it is below the store, in blocks; rpl-check counts none of a store in use.
journal_tail()
{
	"$RPL_CHECK" --dump "$(sl sd)" | sed -n '/^journal:/,$ s/^  tail: //p'
}

journal_blocks()
{
	python3 "$TOP/tests/tools/store-edit.py" "$(sl sd)" where journal | wc -w
}

# journal_is_from BLOCK: has a checkpoint passed all before it?
journal_is_from()
{
	[ "$(journal_tail)" -ge "$1" ]
}

command_is()
{
	"$RPLCTL" command "$1" | grep -q " status=$2 "
}

# The store is full: the snapshots of the volume that needs a chunk are lost, others are not.
full()
{
	local other before
	store_new
	source_new 2 $((2 * MIB))
	source_new 1 $((32 * MIB))
	other=$(sum "$(src 2)")
	snap_now 2 202
	write_at "$(src 2)" 0 $MIB 4
	snap_now 1 201
	write_at "$(src 1)" 0 $((32 * MIB)) 5
	snap_becomes 201 failed 20
	dmsetup status n-201 | grep -q "the store is full" || die "$(dmsetup status n-201)"
	! dd if="$(snp 201)" of=/dev/null bs=1M iflag=direct status=none 2> /dev/null ||
		die "a lost snapshot can be read"
	same "the other volume's" "$(sum "$(snp 202)")" "$other"
	# It stays lost, and its space comes back with its deletion.
	image
	close_all
	image_back
	checked 1 not-closed
	must "open the store" dmsetup create store --table "$(store_table 0)"
	source_open 1
	source_open 2
	snap_open 201 1
	snap_open 202 2
	is_snap 201 failed || die "$(dmsetup status n-201)"
	snap_gone 201
	retry_until 30 used_is $((MIB / 512)) || die "used: $(store_used)"
	before=$(sum "$(src 1)")
	snap_now 1 203
	write_at "$(src 1)" $MIB $MIB 8
	same "a new one" "$(sum "$(snp 203)")" "$before"
	same "the other volume's" "$(sum "$(snp 202)")" "$other"
	close_all
	checked 0
}

# Space that only waits for a checkpoint is no reason to lose anything.
used_again()
{
	local i before
	store_new
	source_new 1 $((4 * MIB))
	for i in $(seq 1 12); do
		before=$(sum "$(src 1)")
		snap_now 1 201
		write_at "$(src 1)" 0 $((4 * MIB)) $((20 + i))
		same "round $i" "$(sum "$(snp 201)")" "$before"
		snap_gone 201
	done
}

# slow_superblocks MS: writes to them take so long, others do not.
slow_superblocks()
{
	local start len
	read -r start len < "$WORK/slice.sd"
	modprobe dm-delay
	printf '0 256 delay %s %d 0 %s %d %d\n256 %d linear %s %d\n' "$RAM" "$start" "$RAM" \
		"$start" "$1" $((len - 256)) "$RAM" $((start + 256)) > "$WORK/slow"
	/usr/sbin/dmsetup load sl-sd "$WORK/slow" || die "slow superblocks"
	dmsetup suspend --noflush --nolockfs sl-sd && dmsetup resume sl-sd
}

# pages_are_dirty ID: of the table, the map and the bitmap of 101; the deletion of snapshot ID writes them.
pages_are_dirty()
{
	snap_now 2 "$1"
	write_at "$(src 1)" $(($1 % 10 * 512 * 1024)) 131072 "$1"
	write_at "$(src 2)" 0 65536 "$1"
	dmsetup remove --retry "n-$1"
	before=$(store_used)
}

used_less()
{
	[ "$(store_used)" -lt "$before" ]
}

# Cut off while pages are written, and while their superblock is: with a slow one there is time to copy
# the store between all of them.  Each page has been written before, so one slot is what counts.
cut_off_between_pages()
{
	local i n want first before images=0
	store_new
	source_new 1 $((4 * MIB))
	source_new 2 $MIB
	clone_now 1 101 64
	must suspend msg suspend 101
	want=$(sum "$(cln 101)")
	snap_now 1 201
	first=$(sum "$(src 1)")
	pages_are_dirty 202
	must "delete 202" msg delete 202
	retry_until 20 used_less || die "no checkpoint"
	pages_are_dirty 203
	slow_superblocks 2500
	msg delete 203 &
	background $!
	n=$!
	until used_less || [ $images = 30 ]; do
		image
		mv "$WORK/image" "$WORK/image.$images"
		images=$((images + 1))
		sleep 0.3
	done
	wait $n || echo "the deletion failed" > "$WORK/bad"
	slice_ok sd
	[ ! -e "$WORK/bad" ] || die "$(cat "$WORK/bad")"
	[ $images -ge 4 ] && [ $images -lt 30 ] || die "$images images"
	close_all
	for n in $(seq 0 $((images - 1))); do
		mv "$WORK/image.$n" "$WORK/image"
		image_back
		checked 1 not-closed
		must "open the store" dmsetup create store --table "$(store_table 0)"
		clone_open 101 1
		source_open 1
		snap_open 201 1
		same "the clone in image $n" "$(sum "$(cln 101)")" "$want"
		same "the snapshot in image $n" "$(sum "$(snp 201)")" "$first"
		dmsetup remove --retry c-101
		close_all
	done
}

# A page of the table, a bitmap or the map cannot be written, in a checkpoint after others: the store
# fails, the source goes on, and the slots that count are still good when it is opened again.
pages_not_written()
{
	local kind i before
	for kind in 1 2 4; do
		store_new
		source_new 1 $SIZE
		source_new 2 $MIB
		clone_now 1 101 64
		must suspend msg suspend 101
		snap_now 1 201
		pages_are_dirty 202
		must "delete 202" msg delete 202
		retry_until 20 used_less || die "no checkpoint"
		pages_are_dirty 203
		area_fails $kind error
		msg delete 203 > "$WORK/deleted" 2>&1
		retry_until 20 store_failed || die "area $kind: $(dmsetup status store)"
		write_at "$(src 1)" 0 $SIZE 9 || die "area $kind: a source write failed"
		snap_becomes 201 failed 20
		state_becomes 101 failed 20
		slice_ok sd
		close_all
		must "open the store" dmsetup create store --table "$(store_table 0)"
		clone_open 101 1
		source_open 1
		snap_open 201 1
		is_state 101 failed || die "area $kind: $(dmsetup status c-101)"
		is_snap 201 failed || die "area $kind: $(dmsetup status n-201)"
		write_at "$(src 1)" 0 $SIZE 10 || die "area $kind: a source write failed"
		dmsetup remove --retry c-101
		snap_gone 201
		retry_until 20 used_is 0 || die "area $kind: $(store_used) sectors are in use"
		sweep
		rm -f "$WORK/used"
	done
}

# A chunk whose entry was cleared is not given to another before the checkpoint that forgets the entry
# is durable (R23).  Here its superblock takes long, and records do not: what is cut off then has the
# old entry in its journal, and must not have a second one.
reuse_waits()
{
	local other
	store_new
	source_new 1 $((6 * MIB))
	source_new 2 $((4 * MIB))
	other=$(sum "$(src 2)")
	group "$(uuid)" 201:1:snapshot
	group "$(uuid)" 202:2:snapshot
	write_at "$(src 1)" 0 $((6 * MIB)) 5
	[ $(($(store_total) - $(store_used))) -lt $((4 * MIB / 512)) ] ||
		die "there is space without that of the deleted one"
	copies_may_take 60000
	slow_superblocks 4000
	msg delete 201 || echo "the deletion failed" > "$WORK/bad"
	write_at "$(src 2)" 0 $((4 * MIB)) 6 || echo "a source write failed" > "$WORK/bad"
	image
	slice_ok sd
	[ ! -e "$WORK/bad" ] || die "$(cat "$WORK/bad")"
	close_all
	image_back
	checked 1 not-closed
	must "open the store" dmsetup create store --table "$(store_table 0)"
	source_open 2
	snap_open 202 2
	is_snap 202 synchronized || die "after the cut: $(dmsetup status n-202)"
	same "the other volume's" "$(sum "$(snp 202)")" "$other"
	close_all
	checked 0
}

removed_by_force()
{
	store_new $((64 * MIB))
	source_new 1 $SIZE
	two_points
	dmsetup remove --force store > /dev/null 2>&1
	write_at "$(src 1)" $((4 * MIB)) $MIB 9 || die "the source has failed"
	snap_becomes 201 failed 20
	snap_becomes 202 failed 20
	close_all
	must "open the store" dmsetup create store --table "$(store_table 0)"
	source_open 1
	snap_open 201 1
	is_snap 201 failed || die "it missed what was written: $(dmsetup status n-201)"
}

# The store hangs, then errors: the source goes on after the time-out, its snapshots are lost.
store_hangs()
{
	local began
	store_new $((64 * MIB))
	source_new 1 $SIZE
	snap_now 1 201
	copies_may_take 1500
	slice_hang sd
	began=$(now_ms)
	write_at "$(src 1)" $MIB 4096 9 || echo "a write failed" > "$WORK/bad"
	began=$(($(now_ms) - began))
	slice_ok sd
	[ ! -e "$WORK/bad" ] || die "$(cat "$WORK/bad")"
	within "the write" $began 6000
	snap_becomes 201 failed 20
}

store_errors()
{
	store_new $((64 * MIB))
	source_new 1 $SIZE
	snap_now 1 201
	slice_error sd
	write_at "$(src 1)" $MIB $MIB 9 || die "a source write failed"
	snap_becomes 201 failed 20
	write_at "$(src 1)" 0 $SIZE 10 || die "a source write failed"
}

# timed_write NAME OFFSET LENGTH: in the background; when it ended is in $WORK/end.NAME.
timed_write()
{
	(
		write_at "$(src 1)" "$2" "$3" 9 || echo "write $1 failed" > "$WORK/bad"
		now_ms > "$WORK/end.$1"
	) &
	background $!
	writers="$writers $!"
}

# As long as the record is not written, what is in the store already may not be overwritten: writes
# that come while the first one is copied, or recorded, wait as long as that.
record_comes_first()
{
	local first end i writers=
	store_new $((64 * MIB))
	source_new 1 $SIZE
	snap_now 1 201
	# A copy is through after one delay, its record after two.
	slice_delay sd "0 $RAM START 1500"
	timed_write first $((4 * MIB)) 65536
	for i in 1 2 3 4 5 6 7 8; do
		# not a wait: the writes shall come at all times of the first one
		sleep 0.3
		timed_write $i $((4 * MIB + i * 4096)) 4096
	done
	# shellcheck disable=SC2086
	wait $writers
	slice_ok sd
	[ ! -e "$WORK/bad" ] || die "$(cat "$WORK/bad")"
	read_file first "$WORK/end.first"
	for i in 1 2 3 4 5 6 7 8; do
		read_file end "$WORK/end.$i"
		[ "$end" -gt $((first - 500)) ] ||
			die "write $i went $((first - end)) ms before the first one"
	done
	is_snap 201 synchronized || die "$(dmsetup status n-201)"
}

# A point in time between a copy's tag and the end of its record: what was kept is the older one's alone,
# and the write, which waited, is behind the younger one.
point_before_record()
{
	local first writer
	store_new $((64 * MIB))
	source_new 1 $SIZE
	first=$(sum "$(src 1)")
	snap_now 1 201
	copies_may_take 60000
	modprobe dm-delay
	area_fails 3 "delay $RAM START 5000"
	write_at "$(src 1)" $((4 * MIB)) 65536 5 &
	writer=$!
	background $writer
	# not a wait: the copy is through long before, its record long after
	sleep 1.5
	group "$(uuid)" 202:1:snapshot
	kill -0 $writer 2> /dev/null || die "the write did not wait for its record"
	wait $writer || die "the source write failed"
	slice_ok sd
	snap_open 202 1
	same "the older one" "$(sum "$(snp 201)")" "$first"
	same "the younger one" "$(sum "$(snp 202)")" "$first"
}

# A source that cannot be read costs the chunks that cannot, and no more.
source_unreadable()
{
	local start len bad=$((3 * MIB + 65536)) before
	store_new $((64 * MIB))
	slice lo-1 $SIZE
	pattern "$(sl lo-1)" 1
	source_open 1
	before=$(sum "$(sl lo-1)" 0 $bad)
	snap_now 1 201
	read -r start len < "$WORK/slice.lo-1"
	# 64 KiB that give errors, then the rest.
	printf '0 %d linear %s %d\n%d 128 error\n%d %d linear %s %d\n' \
		$((bad / 512)) "$RAM" "$start" $((bad / 512)) $((bad / 512 + 128)) \
		$((len - bad / 512 - 128)) "$RAM" $((start + bad / 512 + 128)) > "$WORK/holed"
	/usr/sbin/dmsetup load sl-lo-1 "$WORK/holed" || die "holed table"
	dmsetup suspend --noflush --nolockfs sl-lo-1 && dmsetup resume sl-lo-1
	# A write of a MiB around the hole: its own chunks cannot be written, the others are.
	write_at "$(src 1)" $((3 * MIB)) 65536 6 || die "a write beside the hole failed"
	write_at "$(src 1)" $((bad + 65536)) 65536 6 || die "a write behind the hole failed"
	dd if=/dev/zero of="$(src 1)" bs=64k seek=49 count=1 oflag=direct conv=notrunc \
		status=none 2> /dev/null
	slice_ok lo-1
	is_snap 201 synchronized || die "one bad chunk cost it: $(dmsetup status n-201)"
	same "before the hole" "$(sum "$(snp 201)" 0 $bad)" "$before"
	! dd if="$(snp 201)" of=/dev/null bs=64k skip=49 count=1 iflag=direct status=none \
		2> /dev/null || die "the lost chunk can be read"
	must "behind it" dd if="$(snp 201)" of=/dev/null bs=64k skip=50 iflag=direct status=none
}

tc closed_and_opened "a store that is closed and opened has its snapshots, and counts"
tc cut_off_many_times "lives that were cut off: every snapshot that was acknowledged, no deleted one"
tc full "a full store costs the volume's snapshots that need space, durably, nothing else"
tc lost_before_settled "a loss is in the table of every checkpoint that passes its record"
tc cut_off_between_pages "cut off between pages of a change and its superblock: all is as it was"
tc pages_not_written "a page that cannot be written fails the store, harms no source and no slot that counts"
tc checkpoint_of_flushed_only "a checkpoint says of no region that it is copied before its target was flushed"
tc used_again "space is used again as soon as that is safe"
tc reuse_waits "space of a deleted snapshot is used again only when a power cut cannot bring it back"
tc removed_by_force "a store removed by force: the source goes on, what it missed is not forgotten"
tc record_comes_first "no write to a chunk goes before the record of its old content"
tc point_before_record "a point in time while a record is being written: each snapshot has its bytes"
tc store_hangs "a hanging store delays a source write for a bounded time (I4)"
tc store_errors "errors of the store cost the snapshots, not the source (I4)"
tc source_unreadable "a chunk of the source that cannot be read is lost alone"
run_cases
