#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Stores that a newer version, a broken one or a dying disk left behind: refused with a sentence, or
# opened as what they are; never a crash, never a format over something.  rpl-check is asked first, and
# after each close.
# ktest: any smp=1 timeout=400
. ./lib.sh
SIZE=$((4 * MIB))
RPLCTL=$TOP/build/tools/rplctl
EDIT=$TOP/tests/tools/store-edit.py

# A closed store with a complete clone 102 and a suspended 101, its image in $WORK/image.
closed()
{
	store_new
	source_new 1 $SIZE
	clone_now 1 102
	state_becomes 102 synchronized 20
	clone_new 101 1
	must create "$RPLCTL" create-group -M 65536 "$(uuid)" 101:1
	must suspend msg suspend 101
	for d in c-101 c-102 v-1 store; do
		must "remove $d" dmsetup remove --retry "$d"
	done
	dd if="$(sl sd)" of="$WORK/image" bs=1M iflag=direct status=none
}

restore()
{
	dd if="$WORK/image" of="$(sl sd)" bs=1M oflag=direct conv=notrunc status=none
}

edit()
{
	must "edit $*" python3 "$EDIT" "$(sl sd)" "$@"
}

# try: what follows is what was `said`, in the kernel's log.
TRY=0
try()
{
	TRY=$((TRY + 1))
	echo "rpl-try $TRY" > /dev/kmsg
}

said()
{
	dmesg | sed -n "/rpl-try $TRY\$/,\$p" | grep -v rpl-try
}

# refused SENTENCE STATUS [FINDING...]: the store must not open, with and without format, and not be
# written to; and what rpl-check says of it.
refused()
{
	local sum f sentence=$1
	shift
	checked "$@"
	sum=$(sum "$(sl sd)")
	for f in 0 "1 format"; do
		try
		must_fail "$sentence" dmsetup create store --table "$(store_table "$f")"
		said | grep -q "$sentence" || die "no '$sentence' in: $(said)"
	done
	same "the device" "$(sum "$(sl sd)")" "$sum"
}

# opens STATUS [FINDING...]: as rpl-check says; closed again, nothing is left to be mended.
opens()
{
	checked "$@"
	must "open" dmsetup create store --table "$(store_table 0)"
	"$RPLCTL" relations > "$WORK/relations" || die "no dump"
	must "close" dmsetup remove --retry store
	checked 0
}

state_of()
{
	grep " id=$1 " "$WORK/relations" | tr ' ' '\n' | sed -n 's/^state=//p'
}

newer_versions()
{
	closed
	edit sb incompat 0x8000000000000000
	refused "a newer module is needed" 3 newer-format
	restore
	edit sb ro_compat 1
	refused "a newer module is needed" 3 newer-format
	restore
	edit sb compat 0xffff
	opens 0
	same "clone 101 beside compatible features" "$(state_of 101)" suspended
}

# Formatted by a version without snapshots: clones go on, snapshots have no room.
early_version()
{
	closed
	edit sb max_snapshots 0
	edit sb incompat 1
	opens 0
	same "clone 101" "$(state_of 101)" suspended
	must "open" dmsetup create store --table "$(store_table 0)"
	source_open 1
	must_fail "a snapshot" "$RPLCTL" create-group "$(uuid)" 201:1:snapshot
	grep -q "formatted without room for snapshots" "$WORK/refused" || die "$(cat "$WORK/refused")"
	restore_closed
	opens 0
	same "clone 101, closed and opened" "$(state_of 101)" suspended
}

restore_closed()
{
	dmsetup remove --retry v-1
	dmsetup remove --retry store
	checked 0
}

what_does_not_fit()
{
	closed
	CHUNK=64
	refused "chunks of 128 sectors, the table line says 64" 0
	CHUNK=128
	edit sb dev_bytes $((1 << 40))
	refused "its device has only" 2 device-short
	restore
	edit uuid-b
	refused "different stores" 2 superblocks-mixed
	restore
	edit sb max_volumes 0
	refused "impossible values" 2 superblocks-damaged
	restore
	edit sb chunk_sectors 100
	refused "impossible values" 2 superblocks-damaged
	restore
	opens 0
}

too_small()
{
	local before
	slice sd $((8 * MIB))
	dd if=/dev/zero of="$(sl sd)" bs=1M oflag=direct status=none 2> /dev/null
	before=$(sum "$(sl sd)")
	try
	must_fail "a store of 8 MiB" dmsetup create store --table "$(store_table)"
	said | grep -q "too small" || die "$(said)"
	checked 3 no-store
	same "the device" "$(sum "$(sl sd)")" "$before"
}

damaged_tables()
{
	closed
	edit page 0
	refused "both copies of page 0 of the store's object table are damaged" 2 page-lost
	restore
	edit record volume_id 77
	refused "cannot be used" 2 clone-volume
	restore
	edit record state 1
	refused "is damaged" 2 record-damaged
	restore
	edit record nr_sectors 0
	refused "is damaged" 2 record-damaged
	restore
	edit record bitmap_page 0xfffffff0
	refused "is damaged" 2 bitmap-place
	restore
	edit record bitmap_pages 0xffffffff
	refused "is damaged" 2 bitmap-place
}

# One superblock lost: it may have said "open", so the journal is asked.
lost_superblock()
{
	closed
	dd if=/dev/zero of="$(sl sd)" bs=4k count=1 oflag=direct conv=notrunc status=none
	try
	opens 1 superblock-lost
	same "clone 101" "$(state_of 101)" suspended
	same "clone 102" "$(state_of 102)" synchronized
	said | grep -q "was not closed cleanly" || die "taken for clean: $(said)"
	# Both superblocks have been written since.
	restore
	dd if=/dev/zero of="$(sl sd)" bs=4k seek=16 count=1 oflag=direct conv=notrunc status=none
	opens 1 superblock-lost
	same "clone 101, without B" "$(state_of 101)" suspended
	# An early version kept no journal: what it did not close is failed.
	restore
	edit sb incompat 2
	edit sb flags 3
	opens 1 not-closed clone-unfinished
	same "clone 101" "$(state_of 101)" failed
	grep -q "id=101 .*reason=\"the store was not closed cleanly" "$WORK/relations" ||
		die "$(cat "$WORK/relations")"
	opens 0
	same "clone 101 stays" "$(state_of 101)" failed
}

foreign_content()
{
	local at
	slice sd $((16 * MIB))
	for at in 0 511 1024 4095 65536 69631; do
		dd if=/dev/zero of="$(sl sd)" bs=1M oflag=direct status=none 2> /dev/null
		printf x | dd of="$(sl sd)" bs=1 seek=$at conv=notrunc,fsync status=none
		refused "other than a store" 3 other-content
	done
	must mkfs mkfs.ext4 -q "$(sl sd)"
	refused "other than a store" 3 other-content
}

# The closed store gets a snapshot 201 that has chunks: $past is what it holds.
snapshot_in_it()
{
	must "open" dmsetup create store --table "$(store_table 0)"
	source_open 1
	past=$(sum "$(src 1)")
	snap_now 1 201
	write_at "$(src 1)" $MIB $MIB 9
	now=$(sum "$(src 1)")
	must "remove n-201" dmsetup remove --retry n-201
	restore_closed
	dd if="$(sl sd)" of="$WORK/image" bs=1M iflag=direct status=none
}

# snapshot_is_right WHAT: or failed, and its source as it was.
snapshot_is_right()
{
	source_open 1
	snap_open 201 1
	if is_snap 201 synchronized; then
		same "$1: the snapshot" "$(sum "$(snp 201)")" "$past"
	else
		is_snap 201 failed || die "$1: $(dmsetup status n-201)"
	fi
	same "$1: the source" "$(sum "$(src 1)")" "$now"
	must "$1: close n-201" dmsetup remove --retry n-201
	must "$1: close v-1" dmsetup remove --retry v-1
}

# Whatever stands there: refused with a sentence, or a store that works.
any_bytes()
{
	local how seed opinion ok=0
	closed
	snapshot_in_it
	for how in fuzz hostile; do
		for seed in $(seq 1 "${SEEDS:-10}"); do
			restore
			edit $how "$seed"
			opinion=0
			"$RPL_CHECK" "$(sl sd)" > "$WORK/check" 2>&1 || opinion=$?
			[ $opinion -le 3 ] || die "$how $seed: rpl-check: $(cat "$WORK/check")"
			try
			if dmsetup create store --table "$(store_table 0)" 2> /dev/null; then
				ok=$((ok + 1))
				"$RPLCTL" relations > "$WORK/relations" || die "$how $seed: no dump"
				grep " id=102 " "$WORK/relations" > /dev/null || [ $how = hostile ] ||
					die "$how $seed: clone 102 is gone: $(cat "$WORK/relations")"
				[ $how = hostile ] || snapshot_is_right "$how $seed"
				must "$how $seed: close" dmsetup remove --retry store
				[ $how = hostile ] || checked 0
			else
				[ $opinion -ge 2 ] ||
					die "$how $seed: refused: $(said), but: $(cat "$WORK/check")"
				said | grep -qE 'replica-store: [a-z0-9]' ||
					die "$how $seed: refused without a sentence: $(said)"
			fi
		done
	done
	diag "$ok of $((2 * ${SEEDS:-10})) opened"
}

tc newer_versions "unknown features: incompatible ones are refused, compatible ones not"
tc early_version "a store of a version without snapshots: clones go on, snapshots are refused"
tc what_does_not_fit "another chunk, a smaller device, mixed superblocks"
tc too_small "a device too small for a store is not formatted"
tc damaged_tables "damaged object tables are refused, not taken for empty"
tc lost_superblock "with one superblock a store is open, but never clean"
tc foreign_content "format never writes over other content"
tc any_bytes "random bytes and hostile values in the metadata"
run_cases
