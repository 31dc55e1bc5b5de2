#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# io_uring: every request comes with NOWAIT, polled ones too.  No spurious EAGAIN, data verified.
# ktest: timeout=150
. ./lib.sh

job()
{
	local dev=$1
	shift
	timeout 60 fio --name=j --filename="$dev" --ioengine=io_uring --direct=1 --bs=4k --iodepth=16 \
		--output="$WORK/fio" --output-format=terse --terse-version=3 "$@" \
		> "$WORK/fio.out" 2>&1 || die "fio $*: $(tail -5 "$WORK/fio.out" "$WORK/fio")"
}

verified_under_copy()
{
	local before
	store_new
	source_new 1 $((8 * MIB))
	before=$(sum "$(src 1)")
	clone_now 1 101 512
	job "$(src 1)" --rw=randwrite --verify=crc32c --size=8m
	same "clone" "$(sum "$(cln 101)")" "$before"
	must "full speed" msg set_rate 101 0 0
	state_becomes 101 synchronized 20
	same "target" "$(sum "$(sl tg-101)")" "$before"
}

clone_verified()
{
	store_new
	source_new 1 $((8 * MIB))
	clone_now 1 101 256
	job "$(cln 101)" --rw=randwrite --verify=crc32c --size=8m
	state_becomes 101 synchronized 60
}

mixed_readers()
{
	store_new
	source_new 1 $((8 * MIB))
	clone_now 1 101 256
	job "$(src 1)" --rw=randrw --size=8m --runtime=4 --time_based &
	background $!
	fio=$!
	job2=$(timeout 60 fio --name=k --filename="$(cln 101)" --ioengine=io_uring --direct=1 --bs=64k \
		--iodepth=8 --rw=randread --size=8m --runtime=4 --time_based 2>&1) ||
		die "reads of the clone: $job2"
	wait $fio || die "fio on the source"
}

# dm asks the source's device whether it takes NOWAIT; the store's one here does not.
snapshot()
{
	local before
	store_new $((64 * MIB))
	slice_delay sd 0
	source_new 1 $((8 * MIB))
	before=$(sum "$(src 1)")
	snap_now 1 201
	snap_now_rw 1 202
	job "$(src 1)" --rw=randwrite --verify=crc32c --size=8m
	job "$(snp 201)" --rw=randread --size=8m
	same "the read-only one" "$(sum "$(snp 201)")" "$before"
	job "$(snp 202)" --rw=randwrite --verify=crc32c --size=8m
	job "$(snp 202)" --rw=randrw --fsync=8 --size=2m
	same "the read-only one" "$(sum "$(snp 201)")" "$before"
}

polled()
{
	local before
	nullb rplp $((16 * MIB)) poll_queues=1
	store_new $((64 * MIB))
	slice_on lo-1 $((16 * MIB)) "$NULLB"
	pattern "$(sl lo-1)" 1
	source_open 1
	before=$(sum "$(src 1)")
	clone_now 1 101 512
	snap_now 1 201
	job "$(src 1)" --rw=randwrite --hipri=1 --size=8m --verify=crc32c
	job "$(src 1)" --rw=randwrite --hipri=1 --size=8m --offset=8m &
	writer=$!
	background $writer
	job "$(snp 201)" --rw=randread --hipri=1 --size=16m
	wait $writer || die "the writer beside it"
	same "snapshot" "$(sum "$(snp 201)")" "$before"
	same "clone" "$(sum "$(cln 101)")" "$before"
	sweep
	nullb_gone rplp
}

odd_shapes()
{
	local before
	store_new
	source_new 1 $((8 * MIB))
	before=$(sum "$(src 1)")
	clone_now 1 101 256
	job "$(src 1)" --rw=write --bs=1m --size=8m --offset=0 --sync=1 --number_ios=4
	timeout 30 /bin/dd if=/dev/zero of="$(src 1)" bs=1536 count=900 oflag=direct,dsync seek=77 \
		conv=notrunc status=none || die "O_DSYNC writes"
	timeout 30 /bin/dd if=/dev/zero of="$(src 1)" bs=3M count=2 oflag=direct seek=0 conv=notrunc,fsync \
		status=none || die "large writes"
	same "clone" "$(sum "$(cln 101)")" "$before"
}

tc verified_under_copy "NOWAIT writes to a copying source, read back and verified"
tc clone_verified "NOWAIT writes to a copying clone, verified"
tc mixed_readers "source under random I/O while the clone is read"
tc snapshot "NOWAIT reads and writes of snapshots, over a store that does not take it"
tc polled "polled I/O (--hipri) on a source and a snapshot above a polling disk"
tc odd_shapes "O_SYNC, odd blocks, writes across windows"
run_cases
