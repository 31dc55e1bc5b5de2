#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A store that was closed cleanly goes on where it was; one that was not fails what is unfinished and
# keeps what is complete.  (Power cuts: power-cut.py.)
# ktest: timeout=120
. ./lib.sh
SIZE=$((8 * MIB))

close_all()
{
	for d in c-101 c-102 v-1 store; do
		! gone "$d" || continue
		must "remove $d" dmsetup remove --retry "$d"
	done
}

reopen()
{
	must "open the store" dmsetup create store --table "$(store_table "${1-0}")"
	for c in ${2-101}; do
		clone_open "$c" 1
	done
	source_open 1
}

clean_resumes()
{
	local before copied
	store_new
	source_new 1 $SIZE
	before=$(sum "$(src 1)")
	clone_now 1 101 4096
	retry_until 20 copied_above 101 $MIB
	must suspend msg suspend 101
	must rate msg set_rate 101 0 256
	copied=$(clone_copied 101)
	write_at "$(src 1)" $((5 * MIB)) $MIB 6
	close_all
	reopen 0
	[ "$(clone_copied 101)" -ge "$copied" ] ||
		die "copied was $copied: $(dmsetup status c-101)"
	same "clone" "$(sum "$(cln 101)")" "$before"
	is_state 101 suspended || die "the suspension is forgotten: $(dmsetup status c-101)"
	must resume msg resume 101
	must rate msg set_rate 101 0 0
	state_becomes 101 synchronized 20
	same "target" "$(sum "$(sl tg-101)")" "$before"
}

clean_copying_goes_on()
{
	local before
	store_new
	source_new 1 $SIZE
	before=$(sum "$(src 1)")
	clone_now 1 101 1024
	write_at "$(src 1)" $((4 * MIB)) $MIB 6
	close_all
	reopen 0
	write_at "$(src 1)" 0 $((2 * MIB)) 7
	must rate msg set_rate 101 0 0
	state_becomes 101 synchronized 20
	same "target" "$(sum "$(sl tg-101)")" "$before"
}

unclean_fails_unfinished()
{
	local before
	store_new
	source_new 1 $SIZE
	before=$(sum "$(src 1)")
	clone_now 1 102
	state_becomes 102 synchronized 20
	write_at "$(src 1)" $MIB 65536 8
	clone_now 1 101 64
	# Everything vanishes below the store: it cannot say that it was closed.
	slice_error sd
	for d in c-101 c-102 v-1 store; do
		must "remove $d" dmsetup remove --retry "$d"
	done
	slice_ok sd
	reopen 0 "101 102"
	is_state 101 failed || die "unfinished: $(dmsetup status c-101)"
	is_state 102 synchronized || die "complete: $(dmsetup status c-102)"
	same "the complete one" "$(sum "$(cln 102)")" "$before"
	! dd if="$(cln 101)" of=/dev/null bs=1M iflag=direct status=none 2> /dev/null ||
		die "a failed clone was readable as a whole"
	must "detach the failed one" msg detach 101
}

forced_fails_unfinished()
{
	store_new
	source_new 1 $SIZE
	clone_now 1 101 64
	dmsetup remove --force store > /dev/null 2>&1
	close_all
	reopen 0
	is_state 101 failed || die "unfinished: $(dmsetup status c-101)"
}

# A failed clone stays failed, a detached one stays away.
facts_stay()
{
	store_new
	source_new 1 $SIZE
	clone_now 1 101
	state_becomes 101 synchronized 20
	must detach msg detach 101
	must remove dmsetup remove --retry c-101
	clone_now 1 102 64
	must abort msg abort 102
	close_all
	reopen 0 102
	is_state 102 aborted || die "aborted: $(dmsetup status c-102)"
	must "a new clone under the old id" clone_open 101 1
	is_state 101 prepared || die "detached: $(dmsetup status c-101)"
}

# The store is formatted once; `format` never destroys a valid one.
format_keeps()
{
	store_new
	source_new 1 $SIZE
	clone_now 1 101
	state_becomes 101 synchronized 20
	close_all
	reopen "1 format"
	is_state 101 synchronized || die "after format: $(dmsetup status c-101)"
}

not_a_store()
{
	slice sd $((16 * MIB))
	dd if=/dev/zero of="$(sl sd)" bs=1M oflag=direct status=none 2> /dev/null
	must_fail "a blank device without format" dmsetup create store --table "$(store_table 0)"
	pattern "$(sl sd)" 5
	must_fail "a device with other data" dmsetup create store --table "$(store_table)"
}

damaged()
{
	store_new
	source_new 1 $SIZE
	clone_now 1 101
	state_becomes 101 synchronized 20
	close_all
	dd if=/dev/urandom of="$(sl sd)" bs=4k count=1 oflag=direct conv=notrunc status=none
	reopen 0
	is_state 101 synchronized || die "with one superblock: $(dmsetup status c-101)"
	close_all
	dd if=/dev/urandom of="$(sl sd)" bs=64k count=3 oflag=direct conv=notrunc status=none
	must_fail "no superblock left" dmsetup create store --table "$(store_table 0)"
	must_fail "no superblock left, format" dmsetup create store --table "$(store_table)"
}

tc clean_resumes "clean close: a suspended copy is as it was and can go on"
tc clean_copying_goes_on "clean close: a running copy goes on by itself"
tc unclean_fails_unfinished "unclean: unfinished clones failed, complete ones kept"
tc forced_fails_unfinished "remove --force of the store counts as unclean"
tc facts_stay "aborted stays aborted, detached stays away"
tc format_keeps "format does not touch a valid store"
tc not_a_store "blank devices and foreign data are refused"
tc damaged "one damaged superblock is survived, none left is refused"
run_cases
