#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Stores, sources, clones and what can be asked of them.  Store: dm device `store` on slice `sd`.
# Source ID: dm device v-ID on slice lo-ID.  Clone ID: dm device c-ID on slice tg-ID.  Snapshot ID:
# dm device n-ID.
STORE=/dev/mapper/store
CHUNK=128

store_table()
{
	echo "0 $(sectors "$(bytes_of "$(sl sd)")") replica-store $(sl sd) $CHUNK ${1-1 format}"
}

# store_new [BYTES]: a fresh store.
store_new()
{
	slice sd "${1:-$((16 * MIB))}"
	dd if=/dev/zero of="$(sl sd)" bs=1M count=1 oflag=direct status=none 2> /dev/null
	must "create the store" dmsetup create store --table "$(store_table)"
}

# store_grow BYTES: its device and its table; made by store_room.
store_grow()
{
	slice_grow sd "$1"
	table_becomes store "$(store_table 0)"
}

# store_room BYTES ROOM: a fresh store that can grow.
store_room()
{
	slice_room sd "$1" "$2"
	dd if=/dev/zero of="$(sl sd)" bs=1M count=1 oflag=direct status=none 2> /dev/null
	must "create the store" dmsetup create store --table "$(store_table)"
}

# table_becomes NAME TABLE [SUSPEND OPTION...]: reload while it is in use.
table_becomes()
{
	local name=$1 table=$2
	shift 2
	must "load '$table'" dmsetup load "$name" --table "$table"
	must "suspend $name" dmsetup suspend "$@" "$name"
	must "resume $name" dmsetup resume "$name"
}

# Sectors of the store that can hold old content.
store_data()
{
	# shellcheck disable=SC2046
	set -- $(dmsetup status store)
	echo "${12:-}"
}

src()
{
	echo "/dev/mapper/v-$1"
}

cln()
{
	echo "/dev/mapper/c-$1"
}

source_table()
{
	echo "0 $(sectors "$(bytes_of "$(sl "lo-$1")")") replica-source $STORE $1 $(sl "lo-$1") 0"
}

# source_new ID BYTES: a source with its pattern (seed = ID).
source_new()
{
	slice "lo-$1" "$2"
	pattern "$(sl "lo-$1")" "$1"
	source_open "$1"
}

source_open()
{
	must "create source $1" dmsetup create "v-$1" --table "$(source_table "$1")"
}

# volumes COUNT BYTES: sources, filled as one set (a volume's place in the list is in its stamps), and a
# target for a clone 1000 + ID of each.
volumes()
{
	local i at=0 n all= list=
	read_file at "$WORK/used"
	n=$(sectors "$2")
	for i in $(seq "$1"); do
		all="$all${all:+;}sl-lo-$i,,,rw,0 $n linear $RAM $at"
		all="$all;sl-tg-$((1000 + i)),,,rw,0 $n linear $RAM $((at + n))"
		echo "$at $n" > "$WORK/slice.lo-$i"
		echo "$((at + n)) $n" > "$WORK/slice.tg-$((1000 + i))"
		list="$list $(sl "lo-$i")"
		at=$((at + 2 * n))
	done
	echo "$at" > "$WORK/used"
	must "make slices" dmsetup create --concise "$all"
	# shellcheck disable=SC2086
	"$STAMP" fill -f 9 $list || die "fill"
	all=
	for i in $(seq "$1"); do
		all="$all${all:+;}v-$i,,,rw,$(source_table "$i")"
	done
	must "create sources" dmsetup create --concise "$all"
}

# sources_of FIRST-VOLUME COUNT: their devices.
sources_of()
{
	local i
	for i in $(seq "$1" $(($1 + $2 - 1))); do
		src "$i"
	done
}

# clone_table ID VOLUME: as long as its source, on a target that may be larger.
clone_table()
{
	local len
	len=$(sectors "$(bytes_of "$(sl "lo-$2")")")
	echo "0 $len replica-clone $STORE $1 $(sl "tg-$1") 0 $2 $(sl "lo-$2") 0"
}

# clone_new ID VOLUME [BYTES OF THE TARGET]
clone_new()
{
	slice "tg-$1" "${3:-$(bytes_of "$(sl "lo-$2")")}"
	clone_open "$1" "$2"
}

clone_open()
{
	must "create clone $1" dmsetup create "c-$1" --table "$(clone_table "$1" "$2")"
}

snp()
{
	echo "/dev/mapper/n-$1"
}

# snap_table ID VOLUME: as long as the volume is now.
snap_table()
{
	local len
	len=$(sectors "$(bytes_of "$(sl "lo-$2")")")
	echo "0 $len replica-snap $STORE $1 $2 $(sl "lo-$2") 0"
}

# snap_open ID VOLUME: the device of a snapshot that exists, to be read; snap_open_rw: written, too.
snap_open()
{
	must "create the device of snapshot $1" \
		dmsetup create --readonly "n-$1" --table "$(snap_table "$1" "$2")"
}

snap_open_rw()
{
	must "create the device of snapshot $1" \
		dmsetup create "n-$1" --table "$(snap_table "$1" "$2")"
}

# snap_now VOLUME SNAPSHOT...: each of them is a point in time of its own, with its device.
snap_now()
{
	local v=$1 n
	shift
	for n; do
		group "$(uuid)" "$n:$v:snapshot"
		snap_open "$n" "$v"
	done
}

snap_now_rw()
{
	group "$(uuid)" "$2:$1:snapshot"
	snap_open_rw "$2" "$1"
}

# snap_gone SNAPSHOT...: device and snapshot.
snap_gone()
{
	local n
	for n; do
		gone "n-$n" || must "remove n-$n" dmsetup remove --retry "n-$n"
		must "delete snapshot $n" msg delete "$n"
	done
}

snap_state()
{
	# shellcheck disable=SC2046
	set -- $(dmsetup status "n-$1")
	echo "${4:-}"
}

# Sectors of the store that are a snapshot's own.
snap_written()
{
	# shellcheck disable=SC2046
	set -- $(dmsetup status "n-$1")
	echo "${8:-}"
}

snap_becomes()
{
	retry_until "$3" is_snap "$1" "$2" ||
		die "snapshot $1 is not $2 after $3 s: $(dmsetup status "n-$1")"
}

is_snap()
{
	[ "$(snap_state "$1")" = "$2" ]
}

# Sectors of the store that hold old content, or cannot be used again yet.
store_used()
{
	# shellcheck disable=SC2046
	set -- $(dmsetup status store)
	echo "${11:-}"
}

# store_total: likewise, all.
store_total()
{
	# shellcheck disable=SC2046
	set -- $(dmsetup status store)
	echo "${12:-}"
}

used_is()
{
	[ "$(store_used)" = "$1" ]
}

uuid()
{
	local u
	read -r u < /proc/sys/kernel/random/uuid
	echo "$u"
}

msg()
{
	dmsetup message store 0 "$@"
}

# group_spec ID:VOLUME[:KIND[:ro]]...: the argument of create_group.
group_spec()
{
	local m out= ids
	for m; do
		ids=${m%%:[a-z]*}
		out="$out${out:+,}$ids:$(uuid)${m#"$ids"}"
	done
	echo "$out"
}

# group GROUP-UUID ID:VOLUME[:KIND]...: one point in time for all.
group()
{
	local g=$1
	shift
	must "create group $*" msg create_group "$g" "$(group_spec "$@")"
}

# clone_now VOLUME CLONE [MAX KiB/s]: a clone from its device to its point in time.
clone_now()
{
	clone_new "$2" "$1"
	[ -z "${3:-}" ] || must "set_rate" msg set_rate "$2" 0 "$3"
	group "$(uuid)" "$2:$1"
}

# slowly CLONE...: they will copy at 64 KiB/s, once they have their point in time.
slowly()
{
	local c
	for c; do
		must "set_rate" msg set_rate "$c" 0 64
	done
}

start_writers()
{
	local n=$1
	shift
	"$STAMP" write -w "$n" -b 4096 -r "${RATE:-800}" -S "${SEED:-1}" -L "$WORK/log" -m 2000000 "$@" \
		> "$WORK/writer" 2>&1 &
	writer=$!
	background $writer
	retry_until 20 test -s "$WORK/log" || die "the writers do not start: $(cat "$WORK/writer")"
}

stop_writers()
{
	kill -TERM "$writer"
	wait "$writer" || die "the writers failed: $(cat "$WORK/writer")"
}

# Fields of the status line.  These functions alone know its layout:
# START LENGTH replica-clone STATE COPIED/TOTAL DIRTY BAD RATE ETA ERROR, in sectors.
clone_state()
{
	# shellcheck disable=SC2046
	set -- $(dmsetup status "c-$1")
	echo "${4:-}"
}

# Bytes.
clone_copied()
{
	# shellcheck disable=SC2046
	set -- $(dmsetup status "c-$1")
	echo $((${5%/*} * 512))
}

clone_total()
{
	# shellcheck disable=SC2046
	set -- $(dmsetup status "c-$1")
	echo $((${5#*/} * 512))
}

is_state()
{
	[ "$(clone_state "$1")" = "$2" ]
}

# state_becomes CLONE STATE SECONDS
state_becomes()
{
	retry_until "$3" is_state "$1" "$2" ||
		die "clone $1 is not $2 after $3 s: $(dmsetup status "c-$1")"
}

# copied_above CLONE BYTES
copied_above()
{
	[ "$(clone_copied "$1")" -gt "$2" ]
}

store_mode()
{
	# shellcheck disable=SC2046
	set -- $(dmsetup status store)
	echo "${4:-}"
}

store_failed()
{
	[ "$(store_mode)" = failed ]
}

# checked STATUS [FINDING...]: rpl-check of the store's device ends so and names all of these.
checked()
{
	local want=$1 got=0 f
	shift
	"$RPL_CHECK" "$(sl sd)" > "$WORK/check" 2>&1 || got=$?
	[ $got = "$want" ] || die "rpl-check: status $got, want $want: $(cat "$WORK/check")"
	for f; do
		grep -q ": $f: " "$WORK/check" || die "rpl-check: no $f in: $(cat "$WORK/check")"
	done
}

# waiting: writes to sources that wait for space
waiting()
{
	# shellcheck disable=SC2046
	set -- $(dmsetup status store)
	echo "${14:-}"
}

some_wait()
{
	[ "$(waiting)" -gt 0 ]
}

none_waits()
{
	[ "$(waiting)" = 0 ]
}

# snap_is ID STATE: without a device for it.
snap_is()
{
	"$RPLCTL" relations | grep -q " id=$1 .*state=$2 "
}

# fill_up [LEAVE SECTORS]: a snapshot 209 of volume 9, and writes there that need all the space.
fill_up()
{
	local bytes
	group "$(uuid)" 209:9:snapshot
	bytes=$((($(store_total) - $(store_used) - ${1:-0}) * 512))
	dd if=/dev/zero of="$(src 9)" bs=64k count=$((bytes / 65536)) oflag=direct conv=notrunc \
		status=none || die "volume 9 cannot be written"
	same "what is used" "$(store_used)" $(($(store_total) - ${1:-0}))
	snap_is 209 synchronized || die "filling up has cost snapshot 209"
}

# source_above FIELD NUMBER: a field of source 1's status
source_above()
{
	[ "$(dmsetup status v-1 | cut -d' ' -f "$1")" -gt "$2" ]
}
