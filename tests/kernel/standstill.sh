#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The machine stands still for longer than anything may take, while something is under way, as a guest
# does whose host stops it: when it goes on, nothing is lost that was not late.
# ktest: any smp=1 timeout=240 needs=standstill
. ./lib.sh
RPLCTL=$TOP/build/tools/rplctl
SIZE=$((8 * MIB))
# longer than clone_timeout_ms, in s and ms
STOP=8
STOP_MS=7500

# write_through_standstill [COMMAND...]: a first write in the middle of source 1, which waits when the
# machine is stopped, and ends afterwards; before it ends the command is done.
write_through_standstill()
{
	local began writes
	began=$(now_ms)
	writes=$(dmsetup status v-1 | cut -d' ' -f 6)
	(write_at "$(src 1)" $((SIZE / 2)) 65536 7) > "$WORK/writer" 2>&1 &
	writer=$!
	background $writer
	retry_until 10 source_above 6 "$writes" || die "the write does not wait"
	standstill $STOP
	[ $# = 0 ] || "$@"
	wait $writer || die "the write failed: $(cat "$WORK/writer")"
	[ $(($(now_ms) - began)) -ge $STOP_MS ] || die "the machine did not stand still while it waited"
}

# pair [DISK]: a clone that has little of its source so far, on a disk, and a snapshot.
pair()
{
	store_new
	source_new 1 $SIZE
	before=$(sum "$(src 1)")
	if [ -n "${1:-}" ]; then
		slice_on tg-101 $SIZE "$1"
		clone_open 101 1
	else
		clone_new 101 1
	fi
	must "set_rate" msg set_rate 101 0 64
	group "$(uuid)" 101:1 201:1:snapshot
	snap_open 201 1
	msg suspend 101
}

all_right()
{
	same "the store" "$(store_mode)" open
	is_snap 201 synchronized || die "the snapshot: $(dmsetup status n-201)"
	is_state 101 suspended || die "the clone: $(dmsetup status c-101)"
	same "the snapshot" "$(sum "$(snp 201)")" "$before"
	same "the clone" "$(sum "$(cln 101)")" "$before"
}

# The time that a flush may take is half of what a write may wait: it is not cut short.
slow_flush()
{
	nullb rplf $SIZE cache_size=16
	pair "$NULLB"
	modprobe dm-delay
	slice_swap tg-101 delay "$NULLB" 0 0 "$NULLB" 0 0 "$NULLB" 0 6500
	copies_may_take 20000
	write_at "$(src 1)" $((SIZE / 2)) 65536 7
	slice_swap tg-101 linear "$NULLB" 0
	all_right
	sweep
	nullb_gone rplf
}

# A copy that a write waits for.
copy()
{
	pair
	slice_delay tg-101 700
	slice_delay sd 700
	write_through_standstill
	slice_ok tg-101
	slice_ok sd
	all_right
}

# flushes_slowly SLICE DISK: in two steps, of which the second cannot begin while the machine stands still.
flushes_slowly()
{
	local behind=/dev/mapper/sl-behind
	modprobe dm-delay
	must "a slow device" dmsetup create sl-behind --table \
		"0 $(sectors $SIZE) delay $2 0 0 $2 0 0 $2 0 700"
	slice_swap "$1" delay $behind 0 0 $behind 0 0 $behind 0 700
}

# The flush of a target, of which a write waits for the record.
flush()
{
	nullb rpls $SIZE cache_size=16
	pair "$NULLB"
	flushes_slowly tg-101 "$NULLB"
	write_through_standstill
	slice_swap tg-101 linear "$NULLB" 0
	all_right
	sweep
	nullb_gone rpls
}

# The record that a clone has failed: the store is late with it, and not to be distrusted.
failure()
{
	pair
	slice_delay sd 700
	slice_error tg-101
	write_through_standstill
	slice_ok sd
	same "the store" "$(store_mode)" open
	is_state 101 failed || die "the clone: $(dmsetup status c-101)"
	is_snap 201 synchronized || die "the snapshot: $(dmsetup status n-201)"
	same "the snapshot" "$(sum "$(snp 201)")" "$before"
}

full()
{
	store_new
	source_new 1 $SIZE
	source_new 9 $((32 * MIB))
	before=$(sum "$(src 1)")
	fill_up
	snap_now 1 201
}

# The record that a snapshot is lost, likewise.
loss()
{
	full
	slice_delay sd 700
	write_through_standstill
	slice_ok sd
	same "the store" "$(store_mode)" open
	snap_is 201 failed || die "the snapshot: $(dmsetup status n-201)"
	snap_is 209 synchronized || die "the other snapshot: $("$RPLCTL" relations)"
}

# A write that waits for space, of which some comes within the time that it may wait.
space_comes()
{
	full
	must "the policy" msg set_overflow queue $((STOP * 1000 - 1000))
	write_through_standstill msg delete 209
	same "the store" "$(store_mode)" open
	is_snap 201 synchronized || die "the snapshot: $(dmsetup status n-201)"
	same "the snapshot" "$(sum "$(snp 201)")" "$before"
}

# Writes of before a point in time are drained, and its sources flushed: a command may take a minute for it.
command()
{
	nullb rplt $SIZE cache_size=16
	store_new
	slice_on lo-1 $SIZE "$NULLB"
	pattern "$(sl lo-1)" 1
	source_open 1
	before=$(sum "$(src 1)")
	epoch=$(dmsetup status v-1 | cut -d' ' -f 4)
	parameter flush_timeout_ms $((STOP * 1000 - 1000))
	flushes_slowly lo-1 "$NULLB"
	(group "$(uuid)" 201:1:snapshot) > "$WORK/group" 2>&1 &
	command=$!
	background $command
	retry_until 10 source_above 4 "$epoch" || die "the point in time does not begin"
	standstill $STOP
	wait $command || die "create_group: $(cat "$WORK/group")"
	slice_swap lo-1 linear "$NULLB" 0
	snap_open 201 1
	write_at "$(src 1)" 0 $SIZE 7
	same "the snapshot" "$(sum "$(snp 201)")" "$before"
	sweep
	nullb_gone rplt
}

tc copy "a copy that a source write waits for"
tc flush "the flush of a target"
tc slow_flush "a flush that takes nearly what it may"
tc failure "the record that a clone has failed"
tc loss "the record that a snapshot is lost"
tc space_comes "a source write that waits for space"
tc command "the flush of a source, for a point in time"
run_cases
