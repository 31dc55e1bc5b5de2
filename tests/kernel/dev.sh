#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Devices under the volumes: slices of a RAM disk, with faults that can be switched on later.
# RAM= in the environment takes another disk.  Slices are dm-linear devices named sl-*, so the
# device below a volume can be swapped while it runs.
RAM=${RAM:-/dev/ram0}
MIB=1048576

module_load()
{
	[ -b $RAM ] || modprobe brd rd_nr=1 rd_size=$((700 * 1024)) max_part=0
	[ -d /sys/module/dm_replica ] || rpl-load
}

# The module must go when the last device went: a leaked reference shows here.
module_unload()
{
	retry_until 10 rmmod dm_replica 2> "$WORK/rmmod" && return 0
	diag "rmmod: $(cat "$WORK/rmmod") (refs $(cat /sys/module/dm_replica/refcnt 2>/dev/null))"
	return 1
}

# our_devices: "name Suspended|Active" of each dm device.
our_devices()
{
	dmsetup names 2> /dev/null
}

# Remove all devices of a case: clones, sources, stores, then what is below.  A process that was
# just killed may hold one for a while.
sweep()
{
	local pid
	[ ! -e "$WORK/pids" ] || while read -r pid; do
		kill -9 "$pid" 2> /dev/null
	done < "$WORK/pids"
	retry_until 10 swept && return 0
	diag "devices that cannot be removed: $(our_devices)"
	return 1
}

# One round of removals, and of what is mounted: are all of them gone?
swept()
{
	local d names
	names=$(our_devices)
	for d in $(awk -v w="$WORK/" 'index($2, w) == 1 { print $2 }' /proc/mounts); do
		umount "$d" 2> /dev/null
	done
	# Nothing may hang because its device is suspended: the lowest ones first.
	for d in $(echo "$names" | awk '$2 ~ /^Susp/ { print $1 }' | sort -r); do
		dmsetup resume "$d"
	done
	# Clones, snapshots and sources (c-, n-, v-), then stores, then what is below all of them.
	for d in $(echo "$names" | awk '{ print ($1 ~ /^sl-/ ? 2 : $1 ~ /^store/), $1 }' | sort | sed 's|^..||'); do
		dmsetup remove "$d" > /dev/null 2>&1
	done
	[ -z "$(our_devices)" ]
}

# parameter NAME VALUE: of the module; as it was when the case ends.
PARAMETERS=/sys/module/dm_replica/parameters
parameter()
{
	mkdir -p "$WORK/parameters"
	[ -e "$WORK/parameters/$1" ] || cat "$PARAMETERS/$1" > "$WORK/parameters/$1"
	echo "$2" > "$PARAMETERS/$1"
}

parameters_back()
{
	local p
	for p in "$WORK"/parameters/*; do
		[ ! -e "$p" ] || cat "$p" > "$PARAMETERS/${p##*/}"
	done
}

# copies_may_take MS: how long a copy may hold a write of the source back.
copies_may_take()
{
	parameter clone_timeout_ms "$1"
}

# Remember a background process: it is killed when the case ends.
background()
{
	echo "$1" >> "$WORK/pids"
}

sectors()
{
	echo $(($1 / 512))
}

# slice NAME BYTES: /dev/mapper/sl-NAME, a part of the RAM disk of its own.
slice()
{
	local start
	read_file start "$WORK/used"
	start=${start:-0}
	dmsetup create "sl-$1" --table "0 $(sectors "$2") linear $RAM $start" ||
		die "cannot make slice $1"
	echo $(((start + $(sectors "$2") + 2047) / 2048 * 2048)) > "$WORK/used"
	echo "$start $(sectors "$2")" > "$WORK/slice.$1"
}

# slice_room NAME BYTES ROOM: one that can grow, up to ROOM.
slice_room()
{
	slice "$1" "$2"
	read_file start "$WORK/slice.$1"
	echo $(((${start%% *} + $(sectors "$3") + 2047) / 2048 * 2048)) > "$WORK/used"
}

# slice_grow NAME BYTES: it is larger at once, whatever goes on above.
slice_grow()
{
	read_file start "$WORK/slice.$1"
	echo "${start%% *} $(sectors "$2")" > "$WORK/slice.$1"
	slice_ok "$1"
}

# slice_on NAME BYTES DISK: the beginning of another disk.
slice_on()
{
	dmsetup create "sl-$1" --table "0 $(sectors "$2") linear $3 0" || die "cannot make slice $1"
	echo "0 $(sectors "$2")" > "$WORK/slice.$1"
}

# nullb NAME BYTES [KNOB=VALUE...]: $NULLB, a disk of null_blk that keeps its data, with these knobs.
NULLB_DIR=/sys/kernel/config/nullb
nullb()
{
	local d=$NULLB_DIR/$1 size=$(($2 / MIB)) knob
	modprobe null_blk nr_devices=0 poll_queues=1 2> /dev/null
	[ -d $NULLB_DIR ] || mount -t configfs configfs /sys/kernel/config
	mkdir "$d" || skip "no null_blk"
	NULLB=/dev/$1
	shift 2
	for knob in memory_backed=1 "size=$size" "$@" power=1; do
		echo "${knob#*=}" > "$d/${knob%%=*}" || skip "null_blk has no $knob"
	done
	[ -b "$NULLB" ] || NULLB=/dev/nullb$(cat "$d/index")
}

nullb_gone()
{
	echo 0 > "$NULLB_DIR/$1/power"
	rmdir "$NULLB_DIR/$1"
}

# gone DEVICE-MAPPER-NAME
gone()
{
	! dmsetup status "$1" > /dev/null 2>&1
}

# in_flight DEVICE: has it writes that have not ended?
in_flight()
{
	local d
	d=$(ls -l "$1" | awk '{ print $6 }')
	[ "$(awk '{ print $2 }' "/sys/block/dm-$d/inflight")" -gt 0 ]
}

sl()
{
	echo "/dev/mapper/sl-$1"
}

# slice_table NAME TARGET...: put another table under it, as in `slice_table lo1 error`, with START
# and LEN of the slice in place of those words.
slice_load()
{
	local name=$1 start len
	shift
	read -r start len < "$WORK/slice.$name"
	dmsetup load "sl-$name" --table "0 $len $(echo "$*" | sed "s/START/$start/g; s/LEN/$len/g")"
}

# Swap without waiting for I/O in flight below (there may be some that never ends).
slice_swap()
{
	slice_load "$@" || die "cannot load '$*'"
	dmsetup suspend --noflush --nolockfs "sl-$1" && dmsetup resume "sl-$1"
}

slice_error()
{
	slice_swap "$1" error
}

slice_ok()
{
	slice_swap "$1" linear "$RAM" START
}

# I/O to it hangs until slice_ok (I/O in flight completes first).
slice_hang()
{
	dmsetup suspend --nolockfs "sl-$1"
}

slice_delay()
{
	modprobe dm-delay && slice_swap "$1" delay "$RAM" START "$2"
}

# standstill SECONDS: this machine does not run for so long, and its clocks go on (needs=standstill).
standstill()
{
	rm -f /out/standstill.over
	echo "$1" > /out/standstill
	retry_until 60 test -e /out/standstill.over || die "the machine cannot be stopped"
}

# area KIND: "offset length" of an area of the store, in sectors.
area()
{
	local i kind
	for i in 0 1 2 3 4 5; do
		kind=$(od -An -tu4 -j$((256 + i * 24)) -N4 "$(sl sd)" | tr -d ' ')
		[ "$kind" = "$1" ] || continue
		od -An -tu8 -j$((264 + i * 24)) -N16 "$(sl sd)" |
			awk '{ print $1 / 512, $2 / 512 }'
		return
	done
	die "the store has no area $1"
}

# area_fails KIND TARGET: that part of the store is such a target from now on.
area_fails()
{
	local start len at nr
	read -r start len < "$WORK/slice.sd"
	# shellcheck disable=SC2046
	set -- $(area "$1") "$2"
	at=$1 nr=$2
	{
		echo "0 $at linear $RAM $start"
		echo "$at $nr $(echo "$3" | sed "s/START/$((start + at))/")"
		[ $((at + nr)) -ge "$len" ] ||
			echo "$((at + nr)) $((len - at - nr)) linear $RAM $((start + at + nr))"
	} > "$WORK/holed"
	/usr/sbin/dmsetup load sl-sd "$WORK/holed" || die "holed table: $(cat "$WORK/holed")"
	dmsetup suspend --noflush --nolockfs sl-sd && dmsetup resume sl-sd
}

# bytes_of DEVICE
bytes_of()
{
	local n
	case $1 in
	/dev/mapper/sl-*)
		read -r _ n < "$WORK/slice.${1#/dev/mapper/sl-}"
		echo $((n * 512))
		;;
	*)
		blockdev --getsize64 "$1"
		;;
	esac
}

# pattern DEVICE [SEED]: fill with stamped sectors, the same for the same seed.
pattern()
{
	"$STAMP" fill -f "${2:-1}" "$1" || die "cannot fill $1"
}

# sum DEVICE [OFFSET LENGTH]: digest of its bytes, read past the page cache.
sum()
{
	local out
	if [ $# = 3 ]; then
		out=$("$STAMP" sum -o "$2" -l "$3" "$1") || return 1
	else
		out=$("$STAMP" sum "$1") || return 1
	fi
	echo "${out%% *}"
}

# write_at DEVICE OFFSET LENGTH [SEED]: other bytes there; multiples of 512.
write_at()
{
	"$STAMP" fill -f "${4:-2}" -o "$2" -l "$3" "$1"
}
