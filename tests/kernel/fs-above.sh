#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Real file systems above a source while points in time are taken of it, as snapshots and a clone of one
# command: each mounts, replays its own log, checks clean, and holds what was synced before (I1, I2, I5);
# what is written to a snapshot is in it alone, and the source's file system does not notice.
# By hand: SEED= repeats a run, ROUNDS= (3) points in time.
# ktest: any timeout=240
. ./lib.sh
FSX=$TOP/build/tools/rpl-fsx
SEED=${SEED:-$(($(date +%s) % 1000000))}
ROUNDS=${ROUNDS:-3}

# What differs between the file systems.
make_fs()
{
	case $fs in
	ext4)
		must mkfs mkfs.ext4 -q -F -E nodiscard "$1"
		;;
	xfs)
		# As small as this it is for tests only.
		must mkfs mkfs.xfs -q -f -K --unsupported "$1"
		;;
	esac
}

# Nothing is written to it, and nothing has to be repaired.
check_fs()
{
	case $fs in
	ext4)
		must "e2fsck $1 $2" e2fsck -fn "$1"
		;;
	xfs)
		must "xfs_repair $1 $2" xfs_repair -n "$1"
		;;
	esac
}

# mount_fs DEVICE DIRECTORY [OPTION]: the same file system may be mounted already.
mount_fs()
{
	local opts=${3:-rw}
	mkdir -p "$2"
	[ $fs != xfs ] || opts=$opts,nouuid
	must "mount $1 $opts" mount -t "$fs" -o "$opts" "$1" "$2"
}

commits()
{
	wc -l < "$WORK/commits"
}

committed()
{
	[ "$(commits)" -ge "$1" ]
}

# holds DIRECTORY MIN MAX
holds()
{
	must "$1" "$FSX" check -S "$SEED" -c "$2" -m "$3" "$1"
}

# Writes to a file of its own, read back from the device and verified.
fio_on()
{
	timeout $((60 * ${SCALE:-1})) fio --name=j --directory="$1" --ioengine=psync --direct=1 --bs=4k \
		--rw=randwrite --size="$2" --verify=crc32c --verify_fatal=1 --verify_backlog=32 \
		--end_fsync=1 --randseed="$SEED" > "$WORK/fio.$3" 2>&1
}

# point NUMBER: when some more has been committed.  With a clone: NUMBER is 1.
point()
{
	local n min also=
	n=$(commits)
	retry_until 30 committed $((n + 3)) || die "no commits: $(cat "$WORK/fsx")"
	if [ "$1" = 1 ]; then
		clone_new 101 1
		also=101:1
	fi
	min=$(commits)
	# shellcheck disable=SC2086
	group "$(uuid)" 20$1:1:snapshot $also
	echo "$min $(($(commits) + 1))" > "$WORK/range.$1"
}

# judge WHAT DEVICE POINT: its log is replayed, then it is looked at.
judge()
{
	local min max
	read -r min max < "$WORK/range.$3"
	mount_fs "$2" "$WORK/$1"
	holds "$WORK/$1" "$min" "$max"
	[ "$1" != "$written" ] || fio_on "$WORK/$1" 1m snap || die "fio on $1: $(cat "$WORK/fio.snap")"
	must umount umount "$WORK/$1"
	check_fs "$2" "as point $3"
}

# To be read only, and as it is: the log is not replayed.
as_it_is()
{
	snap_open 20$1 1
	mount_fs "$(snp 20$1)" "$WORK/ro" ro,norecovery
	must "list" ls -l "$WORK/ro"
	must umount umount "$WORK/ro"
	must "close it" dmsetup remove --retry n-20$1
}

above()
{
	local p written=snap-2 fsx fio
	fs=$1
	modprobe "$fs" 2> /dev/null || grep -qw "$fs" /proc/filesystems || skip "this guest has no $fs"
	diag "SEED=$SEED ROUNDS=$ROUNDS"
	store_new $((96 * MIB))
	slice lo-1 "$2"
	make_fs "$(sl lo-1)"
	source_open 1
	mount_fs "$(src 1)" "$WORK/src"
	"$FSX" run -S "$SEED" -L "$WORK/commits" "$WORK/src" > "$WORK/fsx" 2>&1 &
	fsx=$!
	background $fsx
	retry_until 20 test -e "$WORK/commits" || die "no writer: $(cat "$WORK/fsx")"
	fio_on "$WORK/src" 4m src &
	fio=$!
	for p in $(seq "$ROUNDS"); do
		point "$p"
		[ "$p" != 1 ] || as_it_is 1
		snap_open_rw 20$p 1
		judge snap-$p "$(snp 20$p)" "$p"
	done
	state_becomes 101 synchronized 60
	must "detach" msg detach 101
	must "remove" dmsetup remove --retry c-101
	judge clone "$(sl tg-101)" 1
	wait $fio || die "fio on the source: $(cat "$WORK/fio.src")"
	kill -TERM $fsx
	wait $fsx || die "on the source: $(cat "$WORK/fsx")"
	diag "$(tr '\n' ' ' < "$WORK/fsx")"
	must umount umount "$WORK/src"
	check_fs "$(src 1)" "at the end"
	mount_fs "$(src 1)" "$WORK/src"
	holds "$WORK/src" "$(commits)" "$(commits)"
	must umount umount "$WORK/src"
	# shellcheck disable=SC2046
	snap_gone $(seq 201 $((200 + ROUNDS)))
	retry_until 20 used_is 0 || die "used after the deletions: $(store_used)"
	must "close the source" dmsetup remove --retry v-1
	must "close the store" dmsetup remove --retry store
	checked 0
}

ext4()
{
	above ext4 $((32 * MIB))
}

xfs()
{
	above xfs $((40 * MIB))
}

tc ext4 "snapshots and a clone of a mounted ext4 under load; one is written, the source is not touched"
tc xfs "the same with xfs"
run_cases
