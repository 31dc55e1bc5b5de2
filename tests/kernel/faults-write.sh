#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Writes without memory, and with requests below them that fail: each of them ends, what it wrote is there,
# and what snapshots and clones have is right.
# ktest: timeout=300 needs=faults cmdline=slub_debug=A,rpl_op
. ./lib.sh
# shellcheck source=tests/kernel/fault.sh
. ./fault.sh

# ---- memory ----

# ended_with PID [COMMAND...]: has it ended? The command is done each time: workers_may_fail 1, as the kernel
# makes new workers when it needs them.
ended_with()
{
	local pid=$1
	shift
	[ $# = 0 ] || "$@"
	! kill -0 "$pid" 2> /dev/null
}

# Every other allocation fails for all that works for the writer.
writes()
{
	local before pid
	volumes
	clone_new 101 1
	pattern "$(sl tg-101)" 3
	group $G 101:1 201:1:snapshot
	snap_open 201 1
	before=$(sum "$(snp 201)")
	workers_may_fail 1
	faults_begin 50 failslab fail_page_alloc
	"$STAMP" write -w 2 -b 4096 -r 200 -n 800 -L "$WORK/log" "$(src 1)" > "$WORK/writer" 2>&1 &
	pid=$!
	background $pid
	retry_until 60 ended_with $pid workers_may_fail 1 || die "the writes do not end"
	faults_end failslab fail_page_alloc
	workers_may_fail 0
	wait $pid || die "a source write failed: $(cat "$WORK/writer")"
	diag "$INJECTED allocations failed under the writes"
	[ $INJECTED -gt 10 ] || die "only $INJECTED faults"
	# what the map needs comes from the store's reserve of pages
	is_snap 201 synchronized || die "the snapshot: $(dmsetup status n-201)"
	same "the snapshot" "$(sum "$(snp 201)")" "$before"
	state_becomes 101 synchronized 30
	same "the clone" "$(sum "$(cln 101)")" "$before"
	must "the source" "$STAMP" check -L "$WORK/log" -f 1 "$(src 1)"
	still_works
}

# What a clone that is complete still needs is not refused.
completion()
{
	local before
	volumes
	clone_new 101 1
	pattern "$(sl tg-101)" 3
	slowly 101
	group $G 101:1
	before=$(sum "$(cln 101)")
	workers_may_fail 1
	faults_begin 100 failslab
	must "at 1 MiB/s" msg set_rate 101 0 1024
	write_at "$(src 1)" 0 $SIZE 9
	retry_until 30 ended_copying 101 workers_may_fail 1 || die "it does not end: $(dmsetup status c-101)"
	faults_end failslab
	workers_may_fail 0
	diag "$INJECTED allocations failed"
	[ $INJECTED -gt 0 ] || die "no fault"
	is_state 101 synchronized || die "the clone: $(dmsetup status c-101)"
	same "the target" "$(sum "$(sl tg-101)")" "$before"
	still_works
}

# ended_copying CLONE COMMAND...: likewise.
ended_copying()
{
	local clone=$1
	shift
	"$@"
	! is_state "$clone" copying
}

# stamping NAME DEVICE [OPTION...]: writers of it, whose own allocations for a write may fail.
stamping()
{
	local name=$1 dev=$2
	shift 2
	"$STAMP" write -F -w 2 -b 4096 -n 500 -L "$WORK/log.$name" "$@" "$dev" > "$WORK/out.$name" 2>&1 &
	eval "pid_$name=$!"
	background $!
}

# stamped NAME [EACH TIME...]: they end, and no write failed.
stamped()
{
	local name=$1 pid
	eval "pid=\$pid_$name"
	shift
	retry_until 60 ended_with $pid "$@" || die "the writes to $name do not end"
	wait $pid || die "a write to $name failed: $(cat "$WORK/out.$name")"
}

# writers PERCENT [EACH TIME...]: allocations of those who write fail, to a source with a clone and
# snapshots, to the clone while it is copied, and to a snapshot. No write needs to fail for that.
writers()
{
	local before percent=$1 n
	shift
	volumes
	clone_new 101 1
	pattern "$(sl tg-101)" 3
	slowly 101
	group $G 101:1 201:1:snapshot
	snap_open 201 1
	snap_now_rw 1 202
	before=$(sum "$(snp 201)")
	faults_begin "$percent" failslab fail_page_alloc
	stamping source "$(src 1)"
	stamping clone "$(cln 101)"
	stamping snapshot "$(snp 202)"
	for n in source clone snapshot; do
		stamped $n "$@"
	done
	faults_end failslab fail_page_alloc
	workers_may_fail 0
	diag "$INJECTED allocations failed under the writes"
	[ $INJECTED -gt 10 ] || die "only $INJECTED faults"
	is_snap 201 synchronized || die "the snapshot: $(dmsetup status n-201)"
	same "the snapshot" "$(sum "$(snp 201)")" "$before"
	must "the source" "$STAMP" check -L "$WORK/log.source" -f 1 "$(src 1)"
	must "the written snapshot" "$STAMP" check -L "$WORK/log.snapshot" -f 1 "$(snp 202)"
	must "at full speed" msg set_rate 101 0 0
	state_becomes 101 synchronized 30
	must "the clone" "$STAMP" check -L "$WORK/log.clone" -f 1 "$(cln 101)"
	still_works
}

writers_alone()
{
	writers 100
}

writers_and_workers()
{
	writers 50 workers_may_fail 1
}

# No op can be allocated, by whomever, and what the writes miss is in more pieces than there are ops set
# aside: writes wait for their turn.
ops_run_out()
{
	local before filter
	faults_ready
	read_file filter /sys/kernel/slab/rpl_op/failslab
	[ "$filter" = 1 ] || die "the kernel was not told to fail the allocation of ops alone"
	CHUNK=8
	blank sd $((64 * MIB))
	must "create the store" dmsetup create store --table "$(store_table '3 format max_volumes 4')"
	source_new 1 $((16 * MIB))
	snap_now 1 201
	before=$(sum "$(snp 201)")
	must "write here and there" "$STAMP" write -w 4 -b 4096 -n 2800 -L "$WORK/log" "$(src 1)"
	slice_delay sd 100
	echo Y > $FAULTS/failslab/cache-filter
	echo N > $FAULTS/failslab/task-filter
	faults_begin 100 failslab
	"$STAMP" write -w 16 -b 1m -n 16 -L "$WORK/log.source" "$(src 1)" > "$WORK/out.source" 2>&1 &
	pid_source=$!
	background $pid_source
	stamped source
	faults_end failslab
	slice_ok sd
	diag "$INJECTED ops were of those set aside"
	[ $INJECTED -gt 600 ] || die "only $INJECTED faults"
	is_snap 201 synchronized || die "the snapshot: $(dmsetup status n-201)"
	same "the snapshot" "$(sum "$(snp 201)")" "$before"
	must "the source" "$STAMP" check -L "$WORK/log.source" -f 1 "$(src 1)"
	still_works
}

# ---- the pages that are set aside for the map ----

# A store with 600 pages, of small chunks: each MiB of a source comes to 17 of them, at random.
store_of_pages()
{
	faults_ready
	CHUNK=8
	blank sd $((440 * MIB)) $((280 * MIB))
	must "create the store" dmsetup create store --table "$(store_table '3 format max_volumes 4')"
}

# written_without_pages OFFSET LENGTH [SLAB PERCENT]: to source 1, while there is no page for those who
# work for it.
written_without_pages()
{
	local pid
	workers_may_fail 1
	faults_begin 100 fail_page_alloc
	[ -z "${3:-}" ] || faults_begin "$3" failslab
	write_at "$(src 1)" "$1" "$2" 9 &
	pid=$!
	background $pid
	retry_until 60 ended_with $pid workers_may_fail 1 || die "the writes do not end"
	faults_end fail_page_alloc failslab
	workers_may_fail 0
	wait $pid || die "a source write failed"
}

snap_is()
{
	"$RPLCTL" relations | grep -q " id=$1 .*state=$2 "
}

# kept_without_pages SNAPSHOT OFFSET LENGTH: does a new one keep what is written there?
kept_without_pages()
{
	group "$(uuid)" "$1:1:snapshot"
	written_without_pages "$2" "$3"
	snap_is "$1" synchronized || {
		must "delete $1" msg delete "$1"
		return 1
	}
}

reserve_refills()
{
	local before
	store_of_pages
	source_new 1 $((24 * MIB))
	before=$(sum "$(src 1)")
	kept_without_pages 201 0 $((14 * MIB)) || die "the pages set aside are not there"
	snap_open 201 1
	same "the first snapshot" "$(sum "$(snp 201)")" "$before"
	snap_gone 201
	before=$(sum "$(src 1)")
	# what is left is not enough; it may not be full again at once
	retry_until 10 kept_without_pages 202 $((14 * MIB)) $((8 * MIB)) ||
		die "the pages set aside are used up, and do not come back"
	snap_open 202 1
	same "the next one" "$(sum "$(snp 202)")" "$before"
	still_works
}

preserved_bytes()
{
	# shellcheck disable=SC2046
	set -- $(dmsetup status "v-$1")
	echo $(($5 * 512))
}

# With more writes than that it is as with a full store: lost is what needs the page, and nothing else.
# The older snapshot ends before what is written; 203 is of another volume, and its page is there.
reserve_used_up()
{
	local first other kept
	store_of_pages
	slice lo-1 $((48 * MIB))
	pattern "$(sl lo-1)" 1
	slice_grow lo-1 $((8 * MIB))
	source_open 1
	source_new 2 $SIZE
	first=$(sum "$(src 1)") other=$(sum "$(src 2)")
	group "$(uuid)" 201:1:snapshot 203:2:snapshot
	write_at "$(src 1)" 0 65536 5
	write_at "$(src 2)" 0 4096 5
	slice_grow lo-1 $((48 * MIB))
	table_becomes v-1 "$(source_table 1)"
	group "$(uuid)" 202:1:snapshot
	written_without_pages $((8 * MIB)) $((40 * MIB)) 20
	write_at "$(src 2)" 4096 4096 5
	snap_is 202 failed || die "more pages than are set aside: $("$RPLCTL" relations)"
	"$RPLCTL" relations | grep " id=202 " | grep -q "no memory for the store's map" ||
		die "another reason: $("$RPLCTL" relations)"
	kept=$(($(preserved_bytes 1) / MIB))
	diag "$kept MiB were kept"
	[ $kept -ge 18 ] || die "256 pages are enough for more than $kept MiB"
	must "open 201" dmsetup create --readonly n-201 \
		--table "$(snap_table 201 1 | sed "s/^0 [0-9]*/0 $((8 * MIB / 512))/")"
	snap_open 203 2
	same "the one that ends before" "$(sum "$(snp 201)")" "$first"
	same "that of another volume" "$(sum "$(snp 203)")" "$other"
	slice ref $((48 * MIB))
	write_at "$(sl ref)" $((8 * MIB)) $((40 * MIB)) 9
	must "the source" "$STAMP" compare -o $((8 * MIB)) -l $((40 * MIB)) "$(src 1)" "$(sl ref)"
	still_works
}

# ---- requests ----

# fail_io SLICE 0|1: may requests to it fail?
fail_io()
{
	echo "$2" > "/sys/dev/block/$(/usr/sbin/dmsetup info -c --noheadings -o major,minor "sl-$1")/make-it-fail"
}

# write_all: overwrite source 1; every write must succeed.
write_all()
{
	"$STAMP" write -w 2 -b 65536 -n 64 -L "$WORK/wlog.$(now_ms)" "$(src 1)" > "$WORK/writer" 2>&1 ||
		die "a source write failed: $(cat "$WORK/writer")"
}

# requests_fail SLICE: every other one, from now on.
requests_fail()
{
	fail_io "$1" 1
	echo N > $FAULTS/fail_make_request/task-filter
	faults_begin 50 fail_make_request
}

requests_pass()
{
	faults_end fail_make_request
	fail_io "$1" 0
	diag "$INJECTED requests to $1 failed"
	[ $INJECTED -gt 0 ] || die "no request to $1 failed"
}

target_requests()
{
	local before
	volumes
	before=$(sum "$(src 1)")
	clone_now 1 101 64
	snap_now 1 201
	requests_fail tg-101
	write_all
	state_becomes 101 failed 20
	requests_pass tg-101
	same "the snapshot" "$(sum "$(snp 201)")" "$before"
	still_works
}

store_requests()
{
	local before
	volumes
	before=$(sum "$(src 1)")
	snap_now 1 201
	requests_fail sd
	write_all
	requests_pass sd
	write_all
	! is_snap 201 synchronized || same "a snapshot that is whole" "$(sum "$(snp 201)")" "$before"
	diag "the store is $(store_mode), the snapshot $(snap_state 201)"
	must "close all" dmsetup remove --retry n-201 v-1 v-2 store
	must "open it" dmsetup create store --table "$(store_table 0)"
	source_open 1
	msg delete 201
	still_works
}

# A write that its volume refuses fails, and no other; what a snapshot can be read of is right.
source_requests()
{
	local o after
	volumes
	snap_now 1 201
	requests_fail lo-1
	for o in $(seq 0 31); do
		write_at "$(src 1)" $((o * 65536)) 65536 9 2> /dev/null && echo "$o"
	done > "$WORK/written"
	requests_pass lo-1
	is_snap 201 synchronized || die "the snapshot: $(dmsetup status n-201)"
	"$STAMP" fill -f 1 "$(sl lo-2)"
	for o in $(seq 0 31); do
		after=$(sum "$(snp 201)" $((o * 65536)) 65536 2> /dev/null) || continue
		same "the snapshot, chunk $o" "$after" "$(sum "$(sl lo-2)" $((o * 65536)) 65536)"
	done
	diag "$(wc -l < "$WORK/written") of 32 writes were done"
	still_works
}

tc writes "writes, copies and records with every other allocation of the workers failing"
tc completion "a clone becomes complete while every allocation of the workers fails"
tc writers_alone "writes with every allocation of the writers' own failing: of sources, clones and snapshots"
tc writers_and_workers "likewise every other one, and of the workers, too"
tc ops_run_out "more pieces to copy than ops that are set aside: writes wait for their turn"
tc reserve_refills "pages for the map that were taken from what is set aside are set aside anew"
tc reserve_used_up "when none is left, lost are the snapshots that need one, and no others"
tc target_requests "every other request to a target fails"
tc store_requests "every other request to the store fails"
tc source_requests "every other request to a source's volume fails"
run_cases
