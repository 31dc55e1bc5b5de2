#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# I2: what an unwritten clone returns never changes after its point in time, whatever happens to the
# source and however far the copy is.
# ktest: timeout=120
. ./lib.sh
SIZE=$((8 * MIB))

# overwrite SECONDS: random small writes to source 1 in the background.
overwrite()
{
	"$STAMP" write -w 3 -b "${2:-4096}" -t "$1" -L "$WORK/log.$1" "$(src 1)" \
		> "$WORK/writer" 2>&1 &
	writer=$!
	background $writer
}

held_back()
{
	local before
	store_new
	source_new 1 $SIZE
	before=$(sum "$(src 1)")
	clone_now 1 101 64
	overwrite 3
	wait $writer || die "writer: $(cat "$WORK/writer")"
	[ "$(sum "$(src 1)")" != "$before" ] || die "the writer wrote nothing"
	same "clone after the overwrite" "$(sum "$(cln 101)")" "$before"
	must "full speed" msg set_rate 101 0 0
	state_becomes 101 synchronized 20
	same "clone when complete" "$(sum "$(cln 101)")" "$before"
	same "its target device" "$(sum "$(sl tg-101)")" "$before"
}

racing_reads()
{
	local before i
	store_new
	source_new 1 $SIZE
	before=$(sum "$(src 1)")
	clone_now 1 101 512
	overwrite 8
	for i in 1 2 3 4 5 6; do
		same "read $i beside the writer" "$(sum "$(cln 101)")" "$before"
	done
	kill -TERM $writer
	wait $writer
	same "afterwards" "$(sum "$(cln 101)")" "$before"
}

small_writes()
{
	local before o
	store_new
	source_new 1 $SIZE
	before=$(sum "$(src 1)")
	clone_now 1 101 64
	# Single sectors: first, last, both sides of a chunk's border, and one write across windows.
	for o in 0 $((SIZE - 512)) 65024 65536 $((MIB - 512)) $((5 * 65536 + 1024)); do
		write_at "$(src 1)" $o 512 7
	done
	write_at "$(src 1)" $((3 * MIB - 96 * 1024)) $((192 * 1024)) 8
	same "clone" "$(sum "$(cln 101)")" "$before"
	must "full speed" msg set_rate 101 0 0
	state_becomes 101 synchronized 20
	same "target" "$(sum "$(sl tg-101)")" "$before"
}

chained_points()
{
	local i sums=
	store_new
	source_new 1 $((4 * MIB))
	for i in 1 2 3 4; do
		sums="$sums $(sum "$(src 1)")"
		clone_now 1 10$i 256
		write_at "$(src 1)" $((i * 300 * 1024)) $((700 * 1024)) $((20 + i))
	done
	i=0
	for s in $sums; do
		i=$((i + 1))
		same "clone of point $i while copying" "$(sum "$(cln 10$i)")" "$s"
	done
	for i in 1 2 3 4; do
		must "full speed" msg set_rate 10$i 0 0
	done
	i=0
	for s in $sums; do
		i=$((i + 1))
		state_becomes 10$i synchronized 20
		same "clone of point $i, complete" "$(sum "$(sl tg-10$i)")" "$s"
	done
}

# Writes to the clone are the clone's alone; everything else of it stays as it was.
clone_writes()
{
	local before o
	store_new
	source_new 1 $SIZE
	before=$(sum "$(src 1)")
	dd if="$(src 1)" of="$WORK/model" bs=1M iflag=direct status=none
	clone_now 1 101 64
	for o in 0 $((65536 - 512)) $((2 * MIB + 4096)) $((SIZE - 4096)) $((4 * MIB)); do
		write_at "$(cln 101)" $o 4096 31 2> /dev/null ||
			write_at "$(cln 101)" $o 512 31 || die "write to the clone at $o"
		dd if="$(cln 101)" of="$WORK/model" bs=512 skip=$((o / 512)) seek=$((o / 512)) count=8 \
			iflag=direct conv=notrunc status=none
	done
	# A whole chunk, and chunks that the source overwrites first.
	write_at "$(cln 101)" $((6 * MIB)) 65536 32
	dd if="$(cln 101)" of="$WORK/model" bs=64k skip=96 seek=96 count=1 iflag=direct \
		conv=notrunc status=none
	same "source" "$(sum "$(src 1)")" "$before"
	write_at "$(src 1)" 0 $SIZE 33
	same "clone" "$(sum "$(cln 101)")" "$(sum "$WORK/model")"
	must "full speed" msg set_rate 101 0 0
	state_becomes 101 synchronized 20
	same "target" "$(sum "$(sl tg-101)")" "$(sum "$WORK/model")"
}

tc held_back "a clone whose copy is slow, under a full overwrite of the source"
tc racing_reads "reads of the clone beside writers of the source and the copier"
tc small_writes "single sectors, chunk borders and a write across windows"
tc chained_points "four points in time of one source, each keeps its own past"
tc clone_writes "writes to the clone stay in the clone"
run_cases
