#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Writable snapshots: what is written to one is in it alone, stays, and goes with it; the source, the
# other snapshots and the copies that they share do not change (I2, I3, I4).
# ktest: any smp=1 timeout=420
. ./lib.sh
SIZE=$((4 * MIB))
RPLCTL=$TOP/build/tools/rplctl

# model ID: what snapshot ID of source 1 is to hold, a slice of its own.
model()
{
	slice "m-$1" $SIZE
	must "copy" dd if="$(src 1)" of="$(sl "m-$1")" bs=1M iflag=direct oflag=direct status=none
}

# both ID OFFSET LENGTH SEED: written to the snapshot, and to its model.
both()
{
	must "write to snapshot $1" write_at "$(snp "$1")" "$2" "$3" "$4"
	write_at "$(sl "m-$1")" "$2" "$3" "$4"
}

as_models()
{
	local n when=$1
	shift
	for n; do
		same "snapshot $n $when" "$(sum "$(snp "$n")")" "$(sum "$(sl "m-$n")")"
	done
}

# point KIND ID: a snapshot of source 1, with its model and device (rw or ro).
point()
{
	model "$2"
	group "$(uuid)" "$2:1:snapshot"
	if [ "$1" = rw ]; then
		snap_open_rw "$2" 1
	else
		snap_open "$2" 1
	fi
}

# Parts of chunks, whole ones, both sides of borders and of windows; before and after the source's.
some_writes()
{
	local id=$1 o
	for o in 0 $((SIZE - 512)) 65024 65536 $((MIB - 512)) $((5 * 65536 + 1024)); do
		both "$id" "$o" 512 "$((id + 1))"
	done
	both "$id" $((2 * MIB - 96 * 1024)) $((192 * 1024)) "$((id + 2))"
	both "$id" $((3 * MIB)) 65536 "$((id + 3))"
	both "$id" $((3 * MIB + 4096)) 8192 "$((id + 4))"
}

bytes()
{
	local source
	store_new $((64 * MIB))
	source_new 1 $SIZE
	point rw 201
	some_writes 201
	same "its own" "$(snap_written 201)" $((10 * 128))
	write_at "$(src 1)" 0 $((2 * MIB)) 9
	point ro 202
	point rw 203
	some_writes 203
	both 201 $((MIB + 4096)) 4096 21
	write_at "$(src 1)" $MIB $((2 * MIB)) 10
	source=$(sum "$(src 1)")
	both 203 $((MIB + 8192)) 4096 22
	both 201 0 $SIZE 23
	as_models "after all writes" 201 202 203
	same "the source" "$(sum "$(src 1)")" "$source"
	# Read-only, it holds the same.
	must "remove n-201" dmsetup remove --retry n-201
	snap_open 201 1
	must_fail "a write" write_at "$(snp 201)" 0 512 3
	as_models "read-only" 201
	same "by netlink" "$("$RPLCTL" relations | sed -n 's/.* id=201 .* \(ro=[0-9]* written=[0-9]*\).*/\1/p')" \
		"ro=0 written=$SIZE"
	# In any order; what remains is not touched, and in the end nothing is.
	snap_gone 201
	write_at "$(src 1)" 0 $SIZE 11
	as_models "without 201" 202 203
	snap_gone 203
	as_models "without 203" 202
	retry_until 20 used_is $((SIZE / 512)) || die "used for one snapshot: $(store_used)"
	snap_gone 202
	retry_until 20 used_is 0 || die "used after the deletions: $(store_used)"
	for d in v-1 store; do
		must "remove $d" dmsetup remove --retry $d
	done
	checked 0
}

# An id that is given again: nothing of the snapshot before is in the new one.
same_id_again()
{
	local i before
	store_new $((64 * MIB))
	source_new 1 $SIZE
	before=$(sum "$(src 1)")
	for i in 1 2 3; do
		snap_now_rw 1 201
		same "round $i" "$(sum "$(snp 201)")" "$before"
		write_at "$(snp 201)" $((i * 70000 / 512 * 512)) $MIB "$i"
		snap_gone 201
	done
}

# Source, two writable snapshots and one that is read, all at once, in the same chunks.
beside_each_other()
{
	local i
	store_new $((96 * MIB))
	source_new 1 $((2 * MIB))
	snap_now_rw 1 201
	for i in 1 2; do
		snap_now 1 3$i
		snap_now_rw 1 202
		must "round $i" python3 "$TOP/tests/tools/snap-writers.py" $i 120 \
			"$(src 1)" "$(snp 201)" "$(snp 202)" -- "$(snp 3$i)"
		[ $i = 2 ] || snap_gone 202
	done
	snap_gone 31 202 201 32
	retry_until 20 used_is 0 || die "used after the deletions: $(store_used)"
}

# The source's lower device reads late, twice as late in the first two chunks. A first write of the
# source is half through its copy when a snapshot's write begins its own: when that one's read
# arrives, the source has been written.
racing_first_writes()
{
	local start len source snap
	store_new $((64 * MIB))
	source_new 1 $SIZE
	point rw 201
	read -r start len < "$WORK/slice.lo-1"
	copies_may_take 60000
	modprobe dm-delay
	printf '0 256 delay %s %d 4000 %s %d 0\n256 %d delay %s %d 2000 %s %d 0\n' "$RAM" "$start" \
		"$RAM" "$start" $((len - 256)) "$RAM" $((start + 256)) "$RAM" $((start + 256)) \
		> "$WORK/slow"
	/usr/sbin/dmsetup load sl-lo-1 "$WORK/slow" || die "slow reads"
	dmsetup suspend --noflush --nolockfs sl-lo-1 && dmsetup resume sl-lo-1
	write_at "$(src 1)" 0 65536 6 &
	source=$!
	background $source
	retry_until 10 used_is 128 || die "no copy of the source: $(store_used)"
	must "half of the time" dd if="$(sl lo-1)" of=/dev/null bs=$MIB skip=1 count=1 iflag=direct \
		status=none
	write_at "$(snp 201)" 4096 4096 5 &
	snap=$!
	background $snap
	wait $source || die "the source's write failed"
	kill -0 $snap 2> /dev/null || die "the snapshot was written first: nothing was raced"
	wait $snap || die "the snapshot's write failed"
	slice_ok lo-1
	write_at "$(sl m-201)" 4096 4096 5
	as_models "after the race" 201
}

file_system()
{
	local before
	modprobe ext4 2> /dev/null || grep -qw ext4 /proc/filesystems || skip "this guest has no ext4"
	store_new $((64 * MIB))
	slice lo-1 $((24 * MIB))
	must mkfs mkfs.ext4 -q -F -E nodiscard "$(sl lo-1)"
	source_open 1
	mkdir -p "$WORK/src" "$WORK/snap" "$WORK/other"
	must "mount the source" mount -t ext4 "$(src 1)" "$WORK/src"
	dd if=/dev/urandom of="$WORK/src/a" bs=64k count=40 status=none
	sync -f "$WORK/src/a"
	dd if=/dev/urandom of="$WORK/src/b" bs=64k count=40 conv=fsync status=none
	# As it is, mounted: the journal is replayed in each snapshot on its own.
	group "$(uuid)" 201:1:snapshot
	group "$(uuid)" 202:1:snapshot
	before=$(sha256sum < "$WORK/src/b")
	snap_open_rw 201 1
	snap_open_rw 202 1
	must "mount 201" mount -t ext4 "$(snp 201)" "$WORK/snap"
	same "a file in it" "$(sha256sum < "$WORK/snap/b")" "$before"
	rm "$WORK/snap/a" "$WORK/src/b"
	dd if=/dev/urandom of="$WORK/snap/c" bs=64k count=60 conv=fsync status=none
	dd if=/dev/urandom of="$WORK/src/d" bs=64k count=60 conv=fsync status=none
	must "mount 202" mount -t ext4 "$(snp 202)" "$WORK/other"
	same "the other" "$(cd "$WORK/other" && echo ./*)" "./a ./b ./lost+found"
	same "its file" "$(sha256sum < "$WORK/other/b")" "$before"
	same "the first" "$(cd "$WORK/snap" && echo ./*)" "./b ./c ./lost+found"
	must umount umount "$WORK/src" "$WORK/snap" "$WORK/other"
	for d in "$(src 1)" "$(snp 201)" "$(snp 202)"; do
		must "fsck $d" e2fsck -fn "$d"
	done
}

# A full store refuses the write; source and snapshots go on, and space that comes back serves it.
full()
{
	local chunks before
	store_new $((24 * MIB))
	source_new 1 $((24 * MIB))
	before=$(sum "$(src 1)")
	snap_now_rw 1 201
	snap_now_rw 1 202
	must_fail "more than there is" write_at "$(snp 201)" 0 $((24 * MIB)) 5
	must_fail "a write to the other" write_at "$(snp 202)" 0 65536 5
	same "the other" "$(sum "$(snp 202)")" "$before"
	same "state" "$(snap_state 201) $(snap_state 202)" "synchronized synchronized"
	must "in place" write_at "$(snp 201)" 0 65536 6
	chunks=$(store_used)
	[ "$chunks" -gt $((8 * MIB / 512)) ] || die "only $chunks sectors are used"
	snap_gone 201
	retry_until 20 used_is 0 || die "used after the deletion: $(store_used)"
	must "a write to the other" write_at "$(snp 202)" 0 65536 5
	must "a write to the source" write_at "$(src 1)" 0 65536 5
	snap_becomes 202 synchronized 1
}

# Errors cost the write alone.
errors()
{
	local before
	store_new $((64 * MIB))
	source_new 1 $SIZE
	before=$(sum "$(src 1)")
	snap_now_rw 1 201
	both_ok=$(write_at "$(snp 201)" 0 4096 5 2>&1) || die "a write: $both_ok"
	slice_error lo-1
	must_fail "a copy of what cannot be read" write_at "$(snp 201)" $MIB 4096 5
	must "what is its own" write_at "$(snp 201)" 4096 4096 5
	slice_ok lo-1
	must "once more" write_at "$(snp 201)" $MIB 4096 5
	same "the source" "$(sum "$(src 1)")" "$before"
	same state "$(snap_state 201)" synchronized
}

suspended()
{
	store_new $((64 * MIB))
	source_new 1 $SIZE
	snap_now_rw 1 201
	slice_hang lo-1
	write_at "$(snp 201)" 0 4096 5 &
	background $!
	retry_until 10 used_is 128 || die "no copy begins: $(store_used)"
	must "suspend" dmsetup suspend --noflush --nolockfs n-201
	slice_ok lo-1
	must "resume" dmsetup resume n-201
	wait || die "the write failed"
	same "its own" "$(snap_written 201)" 128
}

# Closed, cut off, opened again: what was flushed is there.
reopened()
{
	local i
	store_new $((64 * MIB))
	source_new 1 $SIZE
	point rw 201
	some_writes 201
	write_at "$(src 1)" 0 $((2 * MIB)) 9
	point rw 202
	for i in 1 2 3; do
		both 202 $((i * 300 * 1024)) 300032 $((i + 30))
		both 201 $((i * 200 * 1024)) 4096 $((i + 40))
		[ $i = 1 ] || dd if="$(sl sd)" of="$WORK/image" bs=1M iflag=direct status=none
		for d in n-201 n-202 v-1 store; do
			must "remove $d" dmsetup remove --retry $d
		done
		# The first time closed, then as if the power had gone.
		[ $i = 1 ] || dd if="$WORK/image" of="$(sl sd)" bs=1M oflag=direct conv=notrunc \
			status=none
		checked $((i > 1)) $([ $i = 1 ] || echo not-closed)
		must "open the store" dmsetup create store --table "$(store_table 0)"
		source_open 1
		snap_open_rw 201 1
		snap_open_rw 202 1
		as_models "opened $i times" 201 202
	done
}

tc bytes "source, two written snapshots and one that is read: every byte, in every order of deletion"
tc same_id_again "the id of a deleted snapshot, given again: nothing of it is seen"
tc beside_each_other "writers on the source and on two snapshots, in the same chunks, at once"
tc racing_first_writes "a first write of the source overtakes the copy of a snapshot's write"
tc file_system "ext4 in two snapshots of a mounted volume, each replays its journal"
tc full "a full store refuses the write, and nothing else happens"
tc errors "what cannot be copied costs the write alone"
tc suspended "a suspension sends waiting writes back, and they go on"
tc reopened "what was written is there after a close, and after a cut"
run_cases
