#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A store that runs out of space, or fails in part: who is told, who waits, and who is lost. The
# source goes on in every case (I4).
# ktest: uml smp=1 timeout=240
. ./lib.sh
RPLCTL=$TOP/build/tools/rplctl
SIZE=$((4 * MIB))

low_is()
{
	local word=$1
	# shellcheck disable=SC2046
	set -- $(dmsetup status store)
	[ "${13:-}" = "$word" ]
}

# shortage [TABLE FEATURES]: a small store, source 1 to be used, source 9 to fill the store.
shortage()
{
	slice sd $((16 * MIB))
	dd if=/dev/zero of="$(sl sd)" bs=1M count=1 oflag=direct status=none 2> /dev/null
	must "create the store" dmsetup create store --table "$(store_table "${1:-1 format}")"
	slice lo-9 $((16 * MIB))
	source_open 9
	source_new 1 $SIZE
}

# listen: rplctl events into $WORK/events, from now on.
listen()
{
	"$RPLCTL" events > "$WORK/events" 2>&1 &
	background $!
	retry_until 5 grep -q listening "$WORK/events" || die "nobody listens"
}

seen()
{
	retry_until 10 grep -qE "$1" "$WORK/events" || die "no event '$1' in: $(cat "$WORK/events")"
}

image()
{
	dd if="$(sl sd)" of="$WORK/image" bs=1M iflag=direct status=none
}

close_all()
{
	local d
	for d in n-201 n-202 n-203 c-101 v-1 v-9 store; do
		gone "$d" || must "remove $d" dmsetup remove --retry "$d"
	done
}

# As after a power cut at the moment of `image`.
power_cut()
{
	close_all
	dd if="$WORK/image" of="$(sl sd)" bs=1M oflag=direct conv=notrunc status=none
	must "open the store" dmsetup create store --table "$(store_table 0)"
	source_open 1
}

# timed_write NAME OFFSET LENGTH: to source 1, in the background; when it ended is in $WORK/end.NAME.
timed_write()
{
	(
		write_at "$(src 1)" "$2" "$3" 9 || echo "write $1 failed" > "$WORK/bad"
		now_ms > "$WORK/end.$1"
	) &
	background $!
}

written()
{
	[ -e "$WORK/end.$1" ]
}

ended()
{
	retry_until "${2:-20}" written "$1" || die "write $1 hangs: $(dmsetup status store)"
	[ ! -e "$WORK/bad" ] || die "$(cat "$WORK/bad")"
}

# ---- the low-water mark ----

events_of_store()
{
	grep "^store .*event=state" "$WORK/events" | grep -c "flags=0x$1 "
}

low_water()
{
	local total mark
	shortage
	total=$(store_total)
	mark=$((total / 2))
	must "set it" msg set_low_water $mark
	listen
	low_is enough || die "low already: $(dmsetup status store)"
	snap_now 1 201
	fill_up $((mark + 2048))
	low_is enough || die "low above the mark: $(dmsetup status store)"
	# Down to the mark, and to nowhere near 5 % above it: one event.
	write_at "$(src 1)" 0 $((2 * MIB)) 5
	retry_until 5 low_is low || die "not low: $(dmsetup status store)"
	seen "^store .*flags=0x6 .*event=state"
	write_at "$(src 1)" $((2 * MIB)) $MIB 5
	# Up again, with snapshot 209's space: one more.
	must "delete" msg delete 209
	retry_until 20 low_is enough || die "still low: $(dmsetup status store)"
	seen "^store .*flags=0x2 .*event=state"
	same "events of low space" "$(events_of_store 6)" 1
	must "off" msg set_low_water 0
	must "by netlink" "$RPLCTL" set-store low-water=$((total * 512))
	retry_until 5 low_is low || die "not low by netlink: $(dmsetup status store)"
	dmsetup table store | grep -q " low_water $total" || die "$(dmsetup table store)"
}

settings()
{
	local bad
	shortage "7 format low_water 4096 overflow queue queue_timeout 1234"
	dmsetup table store | grep -q " 7 format low_water 4096 overflow queue queue_timeout 1234" ||
		die "$(dmsetup table store)"
	"$RPLCTL" stores | grep -q " low_water=2097152 overflow=queue queue_timeout=1234 waiting=0" ||
		die "$("$RPLCTL" stores)"
	must "by message" msg set_overflow invalidate 5000
	"$RPLCTL" stores | grep -q " overflow=invalidate queue_timeout=5000 " ||
		die "$("$RPLCTL" stores)"
	must "by netlink" "$RPLCTL" set-store overflow=queue queue-timeout=1 > /dev/null
	for bad in "set_overflow" "set_overflow both" "set_overflow queue 0" \
		"set_overflow queue 3600001" "set_overflow queue 1 2" "set_low_water" \
		"set_low_water x"; do
		# shellcheck disable=SC2086
		must_fail "$bad" msg $bad
	done
	must_fail "no time-out" "$RPLCTL" set-store queue-timeout=0
	must_fail "no policy" "$RPLCTL" set-store overflow=none
	close_all
	for bad in "2 overflow both" "1 overflow" "2 queue_timeout 0" "2 low_water -1"; do
		must_fail "$bad" dmsetup create store --table "$(store_table "$bad")"
	done
}

# ---- a full store, policy invalidate ----

# Snapshot 201 has a copy of the first MiB, 202 does not: that MiB costs 202 alone.
exact_loss()
{
	local first
	shortage
	first=$(sum "$(src 1)")
	snap_now 1 201
	write_at "$(src 1)" 0 $MIB 5
	snap_now 1 202
	fill_up
	listen
	write_at "$(src 1)" 65536 65536 6 || die "the source write failed"
	image
	snap_becomes 202 failed 10
	dmsetup status n-202 | grep -q "the store is full" || die "$(dmsetup status n-202)"
	seen "^relation .*id=202 .*state=failed .*reason=\"the store is full\" event=state"
	is_snap 201 synchronized || die "201 needs nothing: $(dmsetup status n-201)"
	snap_is 209 synchronized || die "that of another volume is lost"
	same "the older one" "$(sum "$(snp 201)")" "$first"
	! dd if="$(snp 202)" of=/dev/null bs=1M count=1 iflag=direct status=none 2> /dev/null ||
		die "a lost snapshot can be read"
	# The whole MiB is free to be written now, and 201 still needs what follows.
	write_at "$(src 1)" 0 $MIB 7 || die "the source write failed"
	same "after more of it" "$(sum "$(snp 201)")" "$first"
	is_snap 201 synchronized || die "$(dmsetup status n-201)"
	# In force at once: the write went after the record.
	power_cut
	snap_open 201 1
	snap_open 202 1
	is_snap 202 failed || die "202 is back after a cut: $(dmsetup status n-202)"
	is_snap 201 synchronized || die "201 after a cut: $(dmsetup status n-201)"
	checked 0
}

# What all of them need costs all that need it; and the next snapshot works.
loss_of_all()
{
	local before
	shortage
	snap_now 1 201
	snap_now 1 202
	fill_up
	write_at "$(src 1)" 0 $MIB 5 || die "the source write failed"
	snap_becomes 201 failed 10
	snap_becomes 202 failed 10
	snap_is 209 synchronized || die "that of another volume is lost"
	snap_gone 201
	snap_gone 202
	must "make room" msg delete 209
	before=$(sum "$(src 1)")
	retry_until 20 has_space || die "no space came back: $(dmsetup status store)"
	snap_now 1 203
	write_at "$(src 1)" 0 $MIB 6
	same "the next one" "$(sum "$(snp 203)")" "$before"
}

has_space()
{
	[ "$(store_used)" -lt $(($(store_total) / 2)) ]
}

# The oldest one has space that nobody else needs, and no reader: with that the newer one is kept.
oldest_first()
{
	local second
	shortage
	group "$(uuid)" 201:1:snapshot
	write_at "$(src 1)" 0 $((2 * MIB)) 5
	second=$(sum "$(src 1)")
	snap_now 1 202
	fill_up
	write_at "$(src 1)" $((3 * MIB)) $MIB 6 || die "the source write failed"
	image
	retry_until 10 snap_is 201 failed || die "201 is not lost: $("$RPLCTL" relations)"
	"$RPLCTL" relations | grep " id=201 " | grep -q "the store is full" || die "no reason"
	is_snap 202 synchronized || die "202 is lost, too: $(dmsetup status n-202)"
	same "the newer one" "$(sum "$(snp 202)")" "$second"
	snap_is 209 synchronized || die "that of another volume is lost"
	power_cut
	snap_open 202 1
	snap_is 201 failed || die "201 is back after a cut"
	is_snap 202 synchronized || die "202 after a cut: $(dmsetup status n-202)"
	same "the newer one after a cut" "$(sum "$(snp 202)")" "$second"
}

# Writers all over the volume while snapshots come: whatever is lost, what is valid is right.
losses_under_load()
{
	local i n before lost=0
	shortage
	fill_up $((MIB / 512))
	for i in 1 2 3 4 5 6; do
		n=$((200 + i))
		before=$(sum "$(src 1)")
		eval "sum_$n=\$before"
		group "$(uuid)" $n:1:snapshot
		write_at "$(src 1)" $(((i * 3 % 4) * MIB)) $((MIB / 2 + i * 4096)) $((10 + i)) ||
			die "a source write failed"
	done
	for i in 1 2 3 4 5 6; do
		n=$((200 + i))
		snap_is $n synchronized || { lost=$((lost + 1)) && continue; }
		snap_open $n 1
		eval "before=\$sum_$n"
		same "snapshot $n" "$(sum "$(snp $n)")" "$before"
	done
	[ $lost -gt 0 ] || die "nothing was lost: $(dmsetup status store)"
	[ $lost -lt 6 ] || die "everything was lost: $("$RPLCTL" relations)"
}

# ---- a full store, policy queue ----

queue_full()
{
	shortage
	first=$(sum "$(src 1)")
	snap_now 1 201
	fill_up
	must "queue" msg set_overflow queue "$1"
	listen
	timed_write one $MIB $MIB
	retry_until 10 some_wait || die "nobody waits: $(dmsetup status store)"
	is_snap 201 synchronized || die "$(dmsetup status n-201)"
}

queue_gets_space()
{
	local first
	queue_full 60000
	seen "^store .*waiting=[1-9].* event=state"
	! written one || die "it did not wait"
	must "delete" msg delete 209
	ended one
	is_snap 201 synchronized || die "$(dmsetup status n-201)"
	same "the snapshot" "$(sum "$(snp 201)")" "$first"
	retry_until 5 none_waits || die "$(dmsetup status store)"
}

queue_times_out()
{
	local first began
	began=$(now_ms)
	queue_full 2000
	ended one
	within "the write" $(($(now_ms) - began)) 9000
	snap_becomes 201 failed 10
	dmsetup status n-201 | grep -q "the store is full" || die "$(dmsetup status n-201)"
	snap_is 209 synchronized || die "that of another volume is lost"
}

queue_is_ended()
{
	local first
	queue_full 600000
	must "invalidate" msg set_overflow invalidate
	ended one
	snap_becomes 201 failed 10
}

# Pushed back and taken again; then a suspend that waits for what was written.
queue_and_suspend()
{
	local first
	queue_full 600000
	must "suspend, noflush" timeout 20 "$DM" suspend --noflush --nolockfs v-1
	! written one || die "it did not wait any longer"
	is_snap 201 synchronized || die "$(dmsetup status n-201)"
	must "resume" dmsetup resume v-1
	retry_until 10 some_wait || die "nobody waits: $(dmsetup status store)"
	must "suspend" timeout 20 "$DM" suspend v-1
	ended one
	must "resume" dmsetup resume v-1
	snap_becomes 201 failed 10
}

queue_and_store_removed()
{
	local first
	queue_full 600000
	timeout 20 "$DM" remove --force store > /dev/null 2>&1
	ended one
	snap_becomes 201 failed 10
}

queue_and_source_removed()
{
	local first
	queue_full 600000
	# What it wrote may fail: its device is an error table now.
	timeout 30 "$DM" remove --force v-1 > /dev/null 2>&1
	retry_until 20 written one || die "the write hangs"
}

# Commands go on while writes wait: clones, aborts, snapshots, deletions.
queue_and_commands()
{
	local first before
	queue_full 600000
	clone_now 1 101 64
	must "abort" msg abort 101
	group "$(uuid)" 202:1:snapshot
	must "delete" msg delete 202
	! written one || die "it did not wait"
	must "delete" msg delete 209
	ended one
	same "the snapshot" "$(sum "$(snp 201)")" "$first"
}

# ---- what can fail ----

# A chunk that the store does not take is as if there was no space for it, three times; then the
# store has failed.
chunks_not_written()
{
	local first
	store_new $((64 * MIB))
	source_new 1 $SIZE
	first=$(sum "$(src 1)")
	snap_now 1 201
	write_at "$(src 1)" 0 65536 5
	snap_now 1 202
	area_fails 5 error
	listen
	write_at "$(src 1)" 0 65536 6 || die "a source write failed"
	snap_becomes 202 failed 10
	dmsetup status n-202 | grep -q "could not be written" || die "$(dmsetup status n-202)"
	seen "^relation .*id=202 .*state=failed .*reason=.* event=state"
	slice_ok sd
	is_snap 201 synchronized || die "201 needs nothing: $(dmsetup status n-201)"
	same "the older one" "$(sum "$(snp 201)")" "$first"
	same "the store" "$(store_mode)" open
	area_fails 5 error
	write_at "$(src 1)" $MIB 65536 6 || die "a source write failed"
	snap_becomes 201 failed 10
	group "$(uuid)" 203:1:snapshot
	write_at "$(src 1)" $((2 * MIB)) 65536 6 || die "a source write failed"
	retry_until 10 store_failed || die "after three: $(dmsetup status store)"
	seen "^store .*mode=failed .*reason=\"its chunks could not be written\" event=state"
	write_at "$(src 1)" 0 $SIZE 7 || die "a source write failed"
}

# The journal alone: the store fails, and says so where it can.
journal_not_written()
{
	store_new $((64 * MIB))
	source_new 1 $SIZE
	snap_now 1 201
	area_fails 3 error
	listen
	write_at "$(src 1)" 0 $MIB 5 || die "a source write failed"
	retry_until 10 store_failed || die "$(dmsetup status store)"
	seen "^store .*mode=failed .*reason=\"its journal could not be written\" event=state"
	snap_becomes 201 failed 10
	seen "^relation .*id=201 .*state=failed .*reason=.* event=state"
	write_at "$(src 1)" 0 $SIZE 6 || die "a source write failed"
	slice_ok sd
	close_all
	must "open the store" dmsetup create store --table "$(store_table 0)"
	snap_open 201 1
	is_snap 201 failed || die "it missed what was written: $(dmsetup status n-201)"
}

# A clone and a snapshot, and a source that cannot be read in one place: each as its row says.
source_not_read()
{
	local start len bad=$((3 * MIB / 512))
	store_new $((64 * MIB))
	source_new 1 $SIZE
	snap_now 1 201
	clone_now 1 101 64
	read -r start len < "$WORK/slice.lo-1"
	printf '0 %d linear %s %d\n%d 128 flakey %s %d 0 3600 1 error_reads\n%d %d linear %s %d\n' \
		$bad "$RAM" "$start" $bad "$RAM" $((start + bad)) \
		$((bad + 128)) $((len - bad - 128)) "$RAM" $((start + bad + 128)) > "$WORK/holed"
	modprobe dm-flakey
	/usr/sbin/dmsetup load sl-lo-1 "$WORK/holed" || skip "dm-flakey has no error_reads"
	dmsetup suspend --noflush --nolockfs sl-lo-1 && dmsetup resume sl-lo-1
	listen
	write_at "$(src 1)" $((3 * MIB)) 65536 6 || die "the source write failed"
	state_becomes 101 failed 10
	seen "^relation .*id=101 .*state=failed .*could not be read.* event=state"
	is_snap 201 synchronized || die "one chunk cost it: $(dmsetup status n-201)"
	slice_ok lo-1
	! dd if="$(snp 201)" of=/dev/null bs=64k skip=48 count=1 iflag=direct status=none \
		2> /dev/null || die "the lost chunk can be read"
	must "beside it" dd if="$(snp 201)" of=/dev/null bs=64k count=48 iflag=direct status=none
}

tc low_water "the low-water mark: one event for each crossing, by message and netlink"
tc settings "settings by table, message and netlink; what is none is refused"
tc exact_loss "a full store costs those snapshots that need the chunk, durably, no others"
tc loss_of_all "what all snapshots need costs all; the next one works"
tc oldest_first "the oldest one is enough, if its space is"
tc losses_under_load "whatever is lost: what is not is right"
tc queue_gets_space "overflow queue: writes wait, are told of, and go on with space"
tc queue_times_out "after its time-out the queue is as invalidate"
tc queue_is_ended "the policy set back lets writes go that wait"
tc queue_and_suspend "a suspend ends waits: noflush gives back, else by the rule"
tc queue_and_store_removed "a store removed by force ends waits"
tc queue_and_source_removed "a source removed by force ends waits"
tc queue_and_commands "commands go on while writes wait"
tc chunks_not_written "chunks that cannot be written: as full, three times, then the store fails"
tc journal_not_written "a journal that cannot be written fails the store, and that is not forgotten"
tc source_not_read "a source that cannot be read fails the clone, and costs snapshots the chunk"
run_cases
