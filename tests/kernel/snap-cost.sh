#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What first writes cost, in I/Os and bytes to the store: the same with one snapshot and with eight,
# and nothing once the chunk is kept.  dm-snapshot beside it, with chunks of the same size, persistent.
# ktest: any timeout=240
. ./lib.sh
NR=512
below=sl-sd

# stat_of NAME: writes and sectors written so far of a dm device.
stat_of()
{
	local d
	d=$(ls -l "/dev/mapper/$1" | awk '{ print $6 }')
	awk '{ print $5, $7 }' "/sys/block/dm-$d/stat"
}

# counted COMMAND...: $writes and $sectors to the devices $below (the store's) meanwhile.
counted()
{
	local d before after=
	before=$(for d in $below; do stat_of "$d"; done)
	"$@"
	after=$(for d in $below; do stat_of "$d"; done)
	# shellcheck disable=SC2046
	set -- $(printf '%s\n' "$before" - "$after" | awk '
		$1 == "-" { after = 1; next }
		{ writes += after ? $1 : -$1; sectors += after ? $2 : -$2 }
		END { print writes, sectors }')
	writes=$1 sectors=$2
}

# write_each DEPTH [DEVICE]: one write of 4 KiB to each chunk of it or of source 1, so many at a time.
write_each()
{
	fio --name=j --filename="${2:-$(src 1)}" --ioengine=libaio --direct=1 --rw=write:60k --bs=4k \
		--iodepth="$1" --size=$((NR * 65536)) --number_ios=$NR > "$WORK/fio" 2>&1 ||
		die "fio: $(tail -3 "$WORK/fio")"
}

# first_writes SNAPSHOTS
first_writes()
{
	local i
	store_new $((192 * MIB))
	slice lo-1 $((NR * 65536))
	source_open 1
	for i in $(seq 1 "$1"); do
		group "$(uuid)" 2$i:1:snapshot
	done
	# One after the other: nothing is shared, so the figures repeat.
	counted write_each 1
	same "chunks used" $(($(store_used) / CHUNK)) $NR
	first=$sectors
	tell "$1" "one after the other"
	counted write_each 1
	echo "# once more: $writes writes to the store"
	at_most "writes to the store once the chunks are kept" "$writes" 4
	group "$(uuid)" 299:1:snapshot
	counted write_each 16
	tell "$1" "16 at a time"
	[ $records -lt $NR ] || die "first writes do not share their records"
}

tell()
{
	records=$(((sectors - NR * CHUNK) / 8))
	figure "writes to the store for 1000 first writes, snapshots: $1, $2" $((writes * 1000 / NR)) writes
	figure "bytes to the store for 1000 first writes, snapshots: $1, $2" $((sectors / 2 * 1000 / NR)) KiB
	figure "flushes and blocks of journal for 1000 first writes, snapshots: $1, $2" \
		$((records * 1000 / NR)) blocks
}

one()
{
	first_writes 1
	echo "$first" > /run/snap-cost
}

eight()
{
	local alone
	[ -e /run/snap-cost ] || skip "needs the figure of the case before"
	first_writes 8
	read_file alone /run/snap-cost
	[ $((first * 100)) -le $((alone * 105)) ] && [ $((alone * 100)) -le $((first * 105)) ] ||
		die "with eight snapshots $first sectors, with one $alone"
}

# dm_snapshot SNAPSHOTS: the same writes with so many of dm-snapshot's.
dm_snapshot()
{
	local i
	slice lo-1 $((NR * 65536))
	below=
	modprobe dm-snapshot 2> /dev/null || skip "this kernel has no dm-snapshot"
	dmsetup create old --table "0 $((NR * CHUNK)) snapshot-origin $(sl lo-1)"
	for i in $(seq 1 "$1"); do
		slice "cow-$i" $((40 * MIB))
		dd if=/dev/zero of="$(sl "cow-$i")" bs=64k count=1 oflag=direct status=none
		must "a snapshot of dm-snapshot" dmsetup create "old-$i" --table \
			"0 $((NR * CHUNK)) snapshot $(sl lo-1) $(sl "cow-$i") P $CHUNK"
		below="$below sl-cow-$i"
	done
	counted write_each 1 /dev/mapper/old
	figure "dm-snapshot: writes to its stores for 1000 first writes, snapshots: $1" \
		$((writes * 1000 / NR)) writes
	figure "dm-snapshot: bytes to its stores for 1000 first writes, snapshots: $1" \
		$((sectors / 2 * 1000 / NR)) KiB
	# the origin refers to its snapshots
	dmsetup remove --retry old
}

# A copy for all snapshots is what dm-snapshot has not.
peer()
{
	local ours=
	read_file ours /run/snap-cost
	dm_snapshot 1
	sweep
	rm -f "$WORK/used"
	dm_snapshot 8
	[ -z "$ours" ] || figure "bytes for first writes, snapshots: 8, to dm-snapshot" \
		$((ours * 100 / sectors)) percent "<=10"
	[ -z "$ours" ] || at_most "percent of the bytes of dm-snapshot" $((ours * 100 / sectors)) 10
}

tc one "first writes with one snapshot: a copy, and a share of a record"
tc eight "the same with eight"
tc peer "with eight snapshots, dm-snapshot writes ten times as much and more"
run_cases
