#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A store whose metadata was damaged: the module refuses it with a sentence, or opens it and mends it,
# and what it then serves is right or an I/O error, never other data.  rpl-check is asked first: what it
# says must be what happens, and after a mending it must be content.
# ktest: any smp=1 timeout=600
. ./lib.sh
SIZE=$((2 * MIB))
EDIT=$TOP/tests/tools/store-edit.py

# A closed store with volume 1, a complete clone 102 and a suspended 101 that is half copied, half
# preserved; the source has gone on.  Images: `old` of an earlier clean close, `open` of the store in
# use, `image` as closed.
closed()
{
	store_new
	source_new 1 $SIZE
	before=$(sum "$(src 1)")
	clone_now 1 102
	state_becomes 102 synchronized 20
	close_all
	keep old
	open_all 102
	clone_new 101 1
	must "create" "$TOP/build/tools/rplctl" create-group -M 65536 "$(uuid)" 101:1
	write_at "$(src 1)" $MIB 262144 9
	keep open
	must suspend msg suspend 101
	now=$(sum "$(src 1)")
	close_all
	keep image
	checked 0
}

close_all()
{
	for d in c-101 c-102 n-201 n-202 n-203 v-1 store; do
		gone "$d" || must "remove $d" dmsetup remove --retry "$d"
	done
}

open_all()
{
	must "open the store" dmsetup create store --table "$(store_table 0)"
	for c in ${1-101 102}; do
		clone_open "$c" 1
	done
	source_open 1
}

# keep NAME, put NAME: the store's device to a file and back.
keep()
{
	dd if="$(sl sd)" of="$WORK/$1" bs=1M iflag=direct status=none || die "cannot keep $1"
}

put()
{
	dd if="$WORK/$1" of="$(sl sd)" bs=1M oflag=direct conv=notrunc status=none ||
		die "cannot put $1"
}

# block FROM TO [FILE]: 4 KiB at byte FROM of FILE (the image) to byte TO of the device.
block()
{
	dd if="$WORK/${3:-image}" of="$(sl sd)" bs=4k count=1 skip=$(($1 / 4096)) seek=$(($2 / 4096)) \
		oflag=direct conv=notrunc status=none || die "cannot write a block at $2"
}

# flip OFFSET...: other bytes at 16 places of the block at OFFSET.
flip()
{
	local at
	for at; do
		dd if="$(sl sd)" of="$WORK/block" bs=4k count=1 skip=$((at / 4096)) iflag=direct \
			status=none
		tr '\000-\377' '\001-\377\000' < "$WORK/block" > "$WORK/flipped"
		dd if="$WORK/flipped" of="$(sl sd)" bs=4k count=1 seek=$((at / 4096)) \
			oflag=direct conv=notrunc status=none
	done
}

# field KEY PATTERN: the value of KEY in the first row of the dump that has PATTERN.
field()
{
	"$RPL_CHECK" --dump "$(sl sd)" | grep -e "$2" | head -1 | tr ' ' '\n' | sed -n "s/^$1=//p"
}

# Offset of the copy of page 0 of the object table that counts (current) or not (previous).
copy_of_page_0()
{
	if [ "$(field a ' page=0 empty')" = "$1" ]; then
		field a_offset ' page=0 empty'
	else
		field b_offset ' page=0 empty'
	fi
}

refused()
{
	local sum
	sum=$(sum "$(sl sd)")
	echo "rpl-damage $1" > /dev/kmsg
	must_fail "$1" dmsetup create store --table "$(store_table "1 format")"
	dmesg | sed -n "/rpl-damage $1\$/,\$p" | grep -q "replica-store: .*$2" ||
		die "$1: refused without '$2': $(dmesg | tail -3)"
	same "$1: the device" "$(sum "$(sl sd)")" "$sum"
	put image
}

# opens WHAT STATE-OF-101: the clones and the source are right, and the next close leaves no trace.
opens()
{
	local got
	open_all
	same "$1: clone 102" "$(clone_state 102)" synchronized
	same "$1: clone 101" "$(clone_state 101)" "$2"
	same "$1: data of the complete clone" "$(sum "$(cln 102)")" "$before"
	same "$1: data of the source" "$(sum "$(src 1)")" "$now"
	got=$(sum "$(cln 101)" 2> /dev/null)
	if [ "$2" = failed ]; then
		[ -z "$got" ] || die "$1: a failed clone was readable as a whole"
	else
		same "$1: data of the unfinished clone" "$got" "$before"
	fi
	close_all
	checked 0
	put image
}

superblocks()
{
	closed
	for at in 0 65536; do
		flip $at
		checked 1 superblock-lost
		opens "superblock at $at" suspended
	done
	flip 0 65536
	checked 3 other-content
	refused "both superblocks" "other than a store"
	# Not the magic number, but behind it.
	for at in 0 65536; do
		printf x | dd of="$(sl sd)" bs=1 seek=$((at + 120)) conv=notrunc,fsync status=none
	done
	checked 2 superblocks-damaged
	refused "both checksums" "wrong checksum"
}

object_pages()
{
	closed
	flip "$(copy_of_page_0 previous)"
	checked 1 page-slot
	opens "previous copy" suspended
	flip "$(copy_of_page_0 current)"
	checked 2 page-slot table-older
	refused "current copy" "newer copy of a page"
	flip "$(copy_of_page_0 current)" "$(copy_of_page_0 previous)"
	checked 2 page-lost
	refused "both copies" "both copies of page 0"
	# The last page was never used: its copy A is all there is.
	at=$(field a_offset ' page=0 empty')
	flip $((at + 204 * 8192))
	checked 2 page-lost
	refused "a page without objects" "both copies of page 204"
}

bitmap_pages()
{
	local slot at other
	closed
	slot=$(field slot ' page=0 slot')
	at=$(field offset_bytes ' page=0 slot')
	case $slot in
	A) other=$((at + 4096)) ;;
	B) other=$((at - 4096)) ;;
	*) die "no bitmap page: $("$RPL_CHECK" --dump "$(sl sd)")" ;;
	esac
	flip "$at"
	checked 2 bitmap-older
	opens "the newer copy of the bitmap page" failed
	flip "$at" "$other"
	checked 2 bitmap-page
	opens "both copies of the bitmap page" failed
	flip "$other"
	checked 0
	opens "the other copy of the bitmap page" suspended
}

cut_off()
{
	local start len
	closed
	read -r start len < "$WORK/slice.sd"
	for n in $((len / 2)) 256 64; do
		must cut dmsetup create sl-cut --table "0 $n linear $RAM $start"
		"$RPL_CHECK" "$(sl cut)" > "$WORK/check" && die "$n sectors are clean"
		same "$n sectors: $(cat "$WORK/check")" "$(grep -c device-short "$WORK/check")" 1
		must_fail "$n sectors" dmsetup create store --table \
			"0 $n replica-store $(sl cut) $CHUNK 1 format"
		must remove dmsetup remove --retry sl-cut
	done
	opens "the whole device" suspended
}

exchanged()
{
	local a b
	closed
	block 0 65536
	block 65536 0
	checked 2 superblocks-damaged
	refused "superblocks" "impossible values"
	a=$(field a_offset ' page=0 empty')
	b=$((a + 4096))
	block "$a" "$b"
	block "$b" "$a"
	checked 0
	opens "copies of a page" suspended
	for at in $a $b; do
		block $at $((at + 8192))
		block $((at + 8192)) $at
	done
	checked 2 page-lost
	refused "pages" "both copies of page 0"
	a=$(field offset_bytes ' page=0 slot')
	block "$a" $((a + 8192))
	block $((a + 8192)) "$a"
	checked 2 bitmap-older
	opens "bitmap pages" failed
}

# Blocks as an earlier clean close left them.
put_back()
{
	local at
	closed
	block 0 0 old
	block 65536 65536 old
	checked 2 page-ahead
	refused "old superblocks" "both copies of page 0"
	at=$(field offset_bytes ' page=0 slot')
	block "$at" "$at" old
	checked 2 bitmap-older
	opens "an old bitmap page" failed
	put old
	checked 0
	must "open the old store" dmsetup create store --table "$(store_table 0)"
	clone_open 102 1
	same "the complete clone" "$(sum "$(cln 102)")" "$before"
}

never_closed()
{
	closed
	put open
	checked 1 not-closed
	opens "never closed" copying
}

# A store in use can be looked at, and is not disturbed.
in_use()
{
	local n
	store_new
	source_new 1 $SIZE
	clone_now 1 101 64
	checked 0 in-use
	grep -q "in use (store)" "$WORK/check" || die "who uses it? $(cat "$WORK/check")"
	for n in 1 2 3 4 5; do
		must suspend msg suspend 101
		checked 0 in-use
		must resume msg resume 101
	done
	is_state 101 copying || die "$(dmsetup status c-101)"
	"$RPL_CHECK" $STORE > "$WORK/check"
	same "status for the store's own device" $? 3
	grep -q no-store "$WORK/check" || die "$(cat "$WORK/check")"
}

# ---- with snapshots: the map, its index, the journal ----

# A store that has read-only 201, and 202 that was written, of source 1; all of its map changed twice.
# Images: `old`, closed; then one life: `early`, behind its first checkpoint, when few pages were
# written; `mid`, behind one that all pages have; `open`, behind one more, and $LAST records behind
# that; `image`, as closed.  $MIB bytes from 0 were written before each of these.
LAST=12
snapped()
{
	local i end=$((MIB + LAST * 4096))
	CHUNK=8
	store_new $((44 * MIB))
	source_new 1 $SIZE
	first=$(sum "$(src 1)")
	before_last=$(sum "$(src 1)" 0 $end)
	behind_last=$(sum "$(src 1)" $((end + 4096)) $((SIZE - end - 4096)))
	snap_now 1 201
	write_at "$(src 1)" 0 4096 4
	snap_now_rw 1 202
	write_at "$(snp 202)" 0 8192 5
	write_at "$(src 1)" 0 4096 5
	close_all
	keep old
	snaps_reopen
	checkpoint
	keep early
	write_at "$(src 1)" 4096 $((MIB - 4096)) 6
	checkpoint
	keep mid
	write_at "$(snp 202)" $((MIB / 2)) $((MIB / 2)) 7
	write_at "$(snp 202)" $((MIB + 8192)) 4096 7
	checkpoint
	for i in $(seq $LAST); do
		write_at "$(src 1)" $((MIB + i * 4096)) 4096 $((i + 10))
	done
	same "the first snapshot" "$(sum "$(snp 201)")" "$first"
	second=$(sum "$(snp 202)")
	now=$(sum "$(src 1)")
	dd if="$(sl lo-1)" of="$WORK/source" bs=1M iflag=direct status=none
	keep open
	close_all
	keep image
	checked 0
}

snaps_reopen()
{
	must "open the store" dmsetup create store --table "$(store_table 0)"
	source_open 1
	snap_open 201 1
	snap_open_rw 202 1
}

# What a deleted snapshot leaves is cleared, and that is made durable: no record counts any more.
checkpoint()
{
	snap_now 1 203
	write_at "$(src 1)" 0 4096 8
	same "records before a checkpoint" "$(no_records && echo none)" ""
	snap_gone 203
	retry_until 20 no_records || die "no checkpoint"
}

no_records()
{
	[ -z "$(edit where journal)" ]
}

edit()
{
	python3 "$EDIT" "$(sl sd)" "$@" || die "edit $*"
}

# survives WHAT STATE [REASON]: both snapshots come up so; what can be read of them and of the source
# is right, a new snapshot works, and the next close leaves no trace.
survives()
{
	local n got
	snaps_reopen
	for n in 201 202; do
		same "$1: snapshot $n" "$(snap_state $n)" "$2"
		[ "$2" = synchronized ] || dmsetup status n-$n | grep -q "$3" ||
			die "$1: failed without '$3': $(dmsetup status n-$n)"
	done
	snaps_right "$1" "$2"
	same "$1: the source" "$(sum "$(src 1)")" "$now"
	snap_now 1 203
	write_at "$(src 1)" 0 $((MIB + MIB / 2)) 9
	same "$1: a new snapshot" "$(sum "$(snp 203)")" "$now"
	snaps_right "$1, and then" "$2"
	close_all
	checked 0
	back
}

# snaps_right WHAT STATE: of a failed one nothing is served, in no place.
snaps_right()
{
	local n got
	if [ "$2" = synchronized ]; then
		same "$1: the first" "$(sum "$(snp 201)")" "$first"
		same "$1: the second" "$(sum "$(snp 202)")" "$second"
		return
	fi
	for n in 201 202; do
		got=$(dd if="$(snp $n)" bs=4k iflag=direct conv=noerror status=none 2> /dev/null | wc -c)
		same "$1: bytes of a failed snapshot $n" "$got" 0
	done
}

# back [NAME]: store and source as the image has them.
back()
{
	put "${1:-image}"
	dd if="$WORK/source" of="$(sl lo-1)" bs=1M oflag=direct conv=notrunc status=none
}

# map_lost WHAT: rpl-check finds the map older, and the snapshots are failed.
map_lost()
{
	checked 2 map-older
	survives "$1" failed "a page of the store's map is lost"
}

# pages_of_the_map: $a and $b are indexes of two pages that two generations have, $newer_a, $older_a …
pages_of_the_map()
{
	edit where map > "$WORK/pages"
	# shellcheck disable=SC2046
	set -- $(awk '$2 > 1 { print $1, $3, $4 }' "$WORK/pages" | sed -n '1p;$p')
	[ $# = 6 ] && [ "$1" != "$4" ] || die "pages of the map: $(cat "$WORK/pages")"
	newer_a=$2 older_a=$3 newer_b=$5 older_b=$6
}

# With the store closed, and as it was in use.
map_pages()
{
	local image at
	snapped
	for image in image open; do
		back $image
		pages_of_the_map
		flip "$newer_a" "$older_a"
		map_lost "$image: both slots"
		back $image
		flip "$newer_b"
		map_lost "$image: the newer slot"
		back $image
		flip "$older_a"
		if [ $image = open ]; then checked 1 not-closed; else checked 0; fi
		survives "$image: the older slot" synchronized
		back $image
		block "$newer_a" "$older_a" $image
		block "$older_a" "$newer_a" $image
		survives "$image: the slots of a page in each other's place" synchronized
	done
}

map_pages_exchanged()
{
	local image at
	snapped
	for image in image open; do
		back $image
		pages_of_the_map
		block "$newer_a" "$newer_b" $image
		block "$older_a" "$older_b" $image
		block "$newer_b" "$newer_a" $image
		block "$older_b" "$older_a" $image
		map_lost "$image: two pages in each other's place"
		for at in mid old; do
			back $image
			block "$newer_b" "$newer_b" $at
			block "$older_b" "$older_b" $at
			map_lost "$image: a page as it was in $at"
		done
	done
}

map_cut()
{
	local at len
	snapped
	# shellcheck disable=SC2046
	set -- $(edit where area 4)
	at=$((($1 + $2 / 2) / 4096 * 8))
	read -r start len < "$WORK/slice.sd"
	must cut dmsetup create sl-cut --table "0 $at linear $RAM $start"
	"$RPL_CHECK" "$(sl cut)" > "$WORK/check" && die "a map that was cut is clean"
	grep -q ": device-short: " "$WORK/check" || die "$(cat "$WORK/check")"
	echo "rpl-damage cut" > /dev/kmsg
	must_fail "a map that was cut" dmsetup create store --table \
		"0 $at replica-store $(sl cut) $CHUNK 1 format"
	dmesg | sed -n '/rpl-damage cut$/,$p' | grep -q "replica-store: .*bytes are too small" ||
		die "refused without a sentence: $(dmesg | tail -3)"
	must remove dmsetup remove --retry sl-cut
	survives "the whole device" synchronized
}

# It says which pages to read, and no more: that it is damaged, or says too little, costs nothing.
map_index()
{
	local image at index
	snapped
	# shellcheck disable=SC2046
	set -- $(edit where area 6)
	index=$1
	for image in image open; do
		back $image
		flip "$index"
		survives "$image: the index" synchronized
		for at in early old; do
			back $image
			block "$index" "$index" $at
			cmp -s -n 4032 "$WORK/$at" "$WORK/$image" $((index + 64)) $((index + 64)) &&
				die "the index had all pages then"
			survives "$image: the index as it was in $at" synchronized
		done
	done
}

journal_lost()
{
	checked 2 not-closed journal-damaged
	survives "$1" failed "the store's journal is damaged"
}

# nth N WORD...
nth()
{
	shift "$1"
	echo "$1"
}

journal_blocks()
{
	local blocks nr a b at
	snapped
	back open
	blocks=$(edit where journal)
	nr=$(echo "$blocks" | wc -w)
	[ "$nr" -ge $LAST ] || die "$nr blocks of the journal count"
	checked 1 not-closed
	survives "the store in use" synchronized
	# shellcheck disable=SC2086
	a=$(nth 1 $blocks) b=$(nth $((nr / 2)) $blocks)
	for at in $a $b; do
		back open
		flip "$at"
		journal_lost "block at $at of $a to $((a + nr * 4096))"
	done
	back open
	block "$a" "$b" open
	block "$b" "$a" open
	journal_lost "two in each other's place"
	back open
	block "$b" "$b" mid
	journal_lost "a block as it was before"
}

# The last batch cannot be told from one that was never written: rpl-check and the module see the end
# before it, and its chunks alone are those of the source.
journal_end()
{
	local last at=$((MIB + LAST * 4096))
	snapped
	back open
	# shellcheck disable=SC2046
	last=$(nth "$(edit where journal | wc -w)" $(edit where journal))
	flip "$last"
	checked 1 not-closed
	snaps_reopen
	same "snapshot 201" "$(snap_state 201)" synchronized
	dd if="$(snp 201)" of="$WORK/got" bs=64k iflag=direct status=none
	dd if="$(sl lo-1)" of="$WORK/want" bs=4k skip=$((at / 4096)) count=1 iflag=direct status=none
	dd if="$WORK/got" bs=4k skip=$((at / 4096)) count=1 status=none | cmp -s - "$WORK/want" ||
		die "the chunk of the last batch is not the source's"
	same "before it" "$(sum "$(snp 201)" 0 $at)" "$before_last"
	same "behind it" "$(sum "$(snp 201)" $((at + 4096)) $((SIZE - at - 4096)))" "$behind_last"
	same "the source" "$(sum "$(src 1)")" "$now"
	snap_now 1 203
	write_at "$(src 1)" 0 $MIB 9
	same "a new snapshot" "$(sum "$(snp 203)")" "$now"
	close_all
	checked 0
}

tc superblocks "a lost superblock is mended, two are refused"
tc object_pages "a lost copy of an object page is mended, two are refused"
tc bitmap_pages "a lost bitmap costs its clone and nothing else"
tc cut_off "a device that was cut off is refused"
tc exchanged "blocks in each other's place are noticed"
tc put_back "blocks of an earlier time are noticed"
tc map_pages "a damaged page of the map costs the snapshots, not a byte of anything"
tc map_pages_exchanged "pages of the map in each other's place, or of an earlier time, are noticed"
tc map_cut "a device that ends in the map is refused"
tc map_index "an index of the map that is damaged, or of an earlier time, costs nothing"
tc journal_blocks "a damaged block of the journal costs the snapshots, not a byte of anything"
tc journal_end "the last batch of the journal is not missed, and nothing else is wrong"
tc never_closed "an image of a store in use goes on from where it was"
tc in_use "rpl-check of a store in use"
run_cases
