#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# I4: no failure of a replica or of the store fails a source write, or delays it beyond the
# documented bound.
# ktest: timeout=150
. ./lib.sh
SIZE=$((8 * MIB))
# A target or store that hangs: what a source write may wait for it, with room for a slow machine.
BOUND_MS=8000

# write_all: overwrite source 1; every write must succeed.
write_all()
{
	"$STAMP" write -w 2 -b 65536 -n 256 -L "$WORK/wlog.$(now_ms)" "$(src 1)" \
		> "$WORK/writer" 2>&1 || die "a source write failed: $(cat "$WORK/writer")"
}

ended()
{
	! kill -0 "$1" 2> /dev/null
}

copying()
{
	store_new
	source_new 1 $SIZE
	clone_now 1 101 64
	is_state 101 copying || die "clone is not copying: $(dmsetup status c-101)"
}

# timed_writes MS: the same, but writes that hang are no reason to hang with them.
timed_writes()
{
	local start pid
	start=$(now_ms)
	write_all &
	pid=$!
	background $pid
	retry_until $((2 * $1 / 1000)) ended $pid || die "source writes hang"
	wait $pid || die "a source write failed"
	within "source writes" $(($(now_ms) - start)) "$1"
}

target_error()
{
	copying
	slice_error tg-101
	timed_writes $BOUND_MS
	state_becomes 101 failed 10
	[ "$(dmsetup status c-101 | wc -w)" -gt 4 ] || die "status gives no reason"
}

target_error_partly()
{
	local half=$((SIZE / 1024))
	copying
	read -r start len < "$WORK/slice.tg-101"
	printf '0 %s linear %s %s\n%s %s error\n' $half $RAM "$start" $half $((len - half)) |
		dmsetup load sl-tg-101
	dmsetup suspend --noflush sl-tg-101 && dmsetup resume sl-tg-101
	timed_writes $BOUND_MS
	state_becomes 101 failed 10
}

store_forced_out()
{
	copying
	# The device is in use: it stays, with an error table in the place of the store.
	dmsetup remove --force store > /dev/null 2>&1
	timed_writes $BOUND_MS
	retry_until 10 is_state 101 failed || die "clone: $(dmsetup status c-101)"
	! dd if="$(cln 101)" of=/dev/null bs=1M iflag=direct status=none 2> /dev/null ||
		die "a failed clone was readable as a whole"
}

store_error()
{
	copying
	slice_error sd
	timed_writes $BOUND_MS
	must_fail "create a group on a dead store" group_on_dead_store
	timed_writes $BOUND_MS
}

group_on_dead_store()
{
	slice tg-102 $SIZE && dmsetup create c-102 --table "$(clone_table 102 1)" &&
		msg create_group "$(uuid)" "102:1:$(uuid)"
}

clone_removed()
{
	copying
	must "remove the clone's device" dmsetup remove --retry c-101
	timed_writes $BOUND_MS
}

clone_forced_out()
{
	copying
	must "remove --force" dmsetup remove --force c-101
	timed_writes $BOUND_MS
}

target_hangs()
{
	copying
	slice_hang tg-101
	timed_writes $BOUND_MS
	slice_ok tg-101
}

target_slow()
{
	copying
	slice_delay tg-101 40
	timed_writes 60000
	slice_ok tg-101
	must "full speed" msg set_rate 101 0 0
	retry_until 30 settled 101 || die "clone: $(dmsetup status c-101)"
}

# held_max_ms VOLUME: the longest that a point in time held one of its writes.
held_max_ms()
{
	dmsetup status "v-$1" | awk '{ print int($(NF - 1) / 1000000) }'
}

# A write of the source is under way for four seconds when a point in time comes: that holds others, and
# what is there already is not to blame.
source_slow_at_a_point()
{
	local start len slow
	copying
	group "$(uuid)" 201:1:snapshot
	write_at "$(src 1)" 0 4096 3
	copies_may_take 1500
	modprobe dm-delay
	read -r start len < "$WORK/slice.lo-1"
	printf '0 128 delay %s %d 0 %s %d 4000\n128 %d linear %s %d\n' "$RAM" "$start" "$RAM" "$start" \
		$((len - 128)) "$RAM" $((start + 128)) > "$WORK/slow"
	/usr/sbin/dmsetup load sl-lo-1 "$WORK/slow" || die "slow writes"
	dmsetup suspend --noflush --nolockfs sl-lo-1 && dmsetup resume sl-lo-1
	write_at "$(src 1)" 0 4096 4 &
	slow=$!
	background $slow
	retry_until 10 in_flight "$(src 1)" || die "no write is under way"
	msg create_group "$(uuid)" "$(group_spec 202:1:snapshot)" &
	point=$!
	background $point
	for chunk in $(seq 8 60); do
		write_at "$(src 1)" $((chunk * 65536)) 4096 5
		kill -0 $slow 2> /dev/null || break
	done
	wait $point || die "the point in time failed"
	wait $slow || die "the slow write failed"
	[ "$(held_max_ms 1)" -gt 2000 ] || die "no write was held: $(dmsetup status v-1)"
	slice_ok lo-1
	is_state 101 copying || die "the clone: $(dmsetup status c-101)"
	for n in 201 202; do
		snap_open $n 1
		is_snap $n synchronized || die "snapshot $n: $(dmsetup status n-$n)"
	done
}

settled()
{
	is_state "$1" synchronized || is_state "$1" failed
}

# The source survives: a new clone can be made of it, once the bad one is gone.
next_one_works()
{
	local before
	copying
	slice_error tg-101
	write_all
	state_becomes 101 failed 10
	must "detach the failed clone" msg detach 101
	must "remove its device" dmsetup remove --retry c-101
	before=$(sum "$(src 1)")
	clone_now 1 102
	state_becomes 102 synchronized 20
	same "the new clone" "$(sum "$(sl tg-102)")" "$before"
}

tc target_error "the target fails: source writes pass, the clone is failed with a reason"
tc target_error_partly "the target fails in its second half"
tc store_forced_out "dmsetup remove --force store"
tc store_error "the store's device fails"
tc clone_removed "the clone's device is removed while it copies"
tc clone_forced_out "dmsetup remove --force of a copying clone"
tc target_hangs "the target hangs: source writes end within the bound"
tc target_slow "a slow target delays, but nothing fails"
tc source_slow_at_a_point "a source that is slow when a point in time comes fails nothing that is there"
tc next_one_works "after a failed clone the next one of the same source is right"
run_cases
