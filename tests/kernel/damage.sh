#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A store whose metadata was damaged: the module refuses it with a sentence, or opens it and mends it,
# and what it then serves is right or an I/O error, never other data.  rpl-check is asked first: what it
# says must be what happens, and after a mending it must be content.
# ktest: smp=1 timeout=240
. ./lib.sh
SIZE=$((2 * MIB))

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
	for d in c-101 c-102 v-1 store; do
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

tc superblocks "a lost superblock is mended, two are refused"
tc object_pages "a lost copy of an object page is mended, two are refused"
tc bitmap_pages "a lost bitmap costs its clone and nothing else"
tc cut_off "a device that was cut off is refused"
tc exchanged "blocks in each other's place are noticed"
tc put_back "blocks of an earlier time are noticed"
tc never_closed "an image of a store in use goes on from where it was"
tc in_use "rpl-check of a store in use"
run_cases
