#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What suites share in which memory is not there and requests fail, on kernels that can be told to (fault
# injection). Read after lib.sh, by faults.sh and faults-write.sh.
SIZE=$((2 * MIB))
RPLCTL=$TOP/build/tools/rplctl
FAULTS=/sys/kernel/debug
MANY=100000000
G=11111111-2222-3333-4444-555555555555
SERVED=

# faults_ready: allocations that may sleep can fail, too; what is failed on purpose is not logged.
# rpl-dm and rplctl serve the case: a process for each command would take longer than all else.
faults_ready()
{
	local f
	for f in failslab fail_page_alloc; do
		echo N > $FAULTS/$f/ignore-gfp-wait
		echo Y > $FAULTS/$f/task-filter
	done
	echo N > $FAULTS/failslab/cache-filter
	echo N > $FAULTS/fail_page_alloc/ignore-gfp-highmem
	echo 0 > $FAULTS/fail_page_alloc/min-order
	for f in failslab fail_page_alloc fail_make_request; do
		echo 0 > $FAULTS/$f/probability
		echo 0 > $FAULTS/$f/verbose
		echo 1 > $FAULTS/$f/interval
	done
	mkfifo "$WORK/dm.in" "$WORK/dm.out" "$WORK/ctl.in" "$WORK/ctl.out"
	"$DM" serve < "$WORK/dm.in" > "$WORK/dm.out" &
	exec 8> "$WORK/dm.in" 9< "$WORK/dm.out"
	"$RPLCTL" serve < "$WORK/ctl.in" > "$WORK/ctl.out" 8>&- 9<&- &
	exec 6> "$WORK/ctl.in" 7< "$WORK/ctl.out"
	SERVED=1
}

# answer: of who serves, from standard input: TEXT, HIT (has an allocation failed?), the status.
answer()
{
	local line
	TEXT='' HIT=''
	while read -r line; do
		case $line in
		"= "*)
			line=${line#= }
			[ "${line#* }" != 1 ] || [ "$line" = 1 ] || HIT=1
			[ "${line%% *}" = 0 ]
			return
			;;
		esac
		TEXT="$TEXT${TEXT:+
}$line"
	done
	die "nobody serves"
}

# dm WORD...: a command of rpl-dm.
dm()
{
	local IFS='	'
	echo "$*" >&8
	answer <&9
}

ctl()
{
	echo "$*" >&6
	answer <&7
}

# What the other functions call.
dmsetup()
{
	local r
	if [ -z "$SERVED" ]; then
		"$DM" "$@"
		return
	fi
	dm "$@"
	r=$?
	[ -z "$TEXT" ] || echo "$TEXT"
	return $r
}

# faults_begin PERCENT FAULT...: from now on, for tasks and devices that are marked.
faults_begin()
{
	local percent=$1 f
	shift
	for f; do
		echo $MANY > $FAULTS/$f/times
		echo "$percent" > $FAULTS/$f/probability
	done
}

# faults_end FAULT...: no more; INJECTED is how many there were.
faults_end()
{
	local f left
	INJECTED=0
	for f; do
		echo 0 > $FAULTS/$f/probability
		read -r left < $FAULTS/$f/times
		INJECTED=$((INJECTED + MANY - left))
	done
}

# workers_may_fail 0|1: mark the threads of the kernel that do work for others, those that do it when there is no
# memory for more of them (rpl_…), and the one that makes them: its children are marked like it.
workers_may_fail()
{
	local t name
	for t in /proc/[0-9]*; do
		{ read -r name < "$t/comm"; } 2> /dev/null || continue
		case $name in
		kworker/* | rpl_* | kthreadd) { echo "$1" > "$t/make-it-fail"; } 2> /dev/null ;;
		esac
	done
}

# still_works: volume 1 takes writes, and a new snapshot of it keeps what it must.
still_works()
{
	local before
	snap_now 1 299
	before=$(sum "$(src 1)")
	must "write" write_at "$(src 1)" 0 $SIZE 77
	same "a snapshot afterwards" "$(sum "$(snp 299)")" "$before"
	snap_gone 299
}

# slowly CLONE...: as in rel.sh, but not through before the case is.
slowly()
{
	local c
	for c; do
		must "set_rate" msg set_rate $c 0 1
	done
}

# blank SLICE BYTES [WRITTEN]: one that holds zeroes, as far as it is written: the RAM disk needs memory for
# what it has not held yet, and has what another case left.
blank()
{
	slice "$1" "$2"
	dd if=/dev/zero of="$(sl "$1")" bs=1M count=$((${3:-$2} / MIB)) oflag=direct status=none ||
		die "cannot write slice $1"
}

# A store with few pages and chunks: there are fewer allocations to try.
store_small()
{
	blank sd $((16 * MIB))
	must "create the store" dmsetup create store --table "$(store_table '3 format max_volumes 4')"
}

volumes()
{
	faults_ready
	store_small
	source_new 1 $SIZE
	source_new 2 $SIZE
}
