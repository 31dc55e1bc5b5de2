#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What first writes cost, in I/Os and bytes to the store: the same with one snapshot and with eight,
# and nothing once the chunk is kept.
# ktest: any timeout=240
. ./lib.sh
NR=512

# stat_of NAME: writes and sectors written so far of a dm device.
stat_of()
{
	local d
	d=$(ls -l "/dev/mapper/$1" | awk '{ print $6 }')
	awk '{ print $5, $7 }' "/sys/block/dm-$d/stat"
}

# counted COMMAND...: $writes and $sectors to the store's device meanwhile.
counted()
{
	local before after
	before=$(stat_of sl-sd)
	"$@"
	after=$(stat_of sl-sd)
	# shellcheck disable=SC2086
	set -- $before $after
	writes=$(($3 - $1))
	sectors=$(($4 - $2))
}

# write_each DEPTH: one write of 4 KiB to each chunk of source 1, so many at a time.
write_each()
{
	fio --name=j --filename="$(src 1)" --ioengine=libaio --direct=1 --rw=write:60k --bs=4k \
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
	echo "# $1 snapshots, $NR first writes of 4 KiB, $2: $writes writes, $((sectors / 2)) KiB to" \
		"the store, $records blocks of journal and checkpoints"
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

tc one "first writes with one snapshot: a copy, and a share of a record"
tc eight "the same with eight"
run_cases
