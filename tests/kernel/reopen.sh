#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A store goes on where it was, closed cleanly or not; one that failed fails what is unfinished and
# keeps what is complete.  rpl-check is asked before each opening, and after the last close.  (Power
# cuts: power-cut.py, crash.sh.)
# ktest: any smp=1 timeout=180
. ./lib.sh
SIZE=$((8 * MIB))
RPLCTL=$TOP/build/tools/rplctl

close_all()
{
	for d in c-101 c-102 n-201 v-1 store; do
		! gone "$d" || continue
		must "remove $d" dmsetup remove --retry "$d"
	done
	expected="0"
}

# What rpl-check shall say of the store as it lies there: STATUS [FINDING...].
expected=

reopen()
{
	# shellcheck disable=SC2086
	checked $expected
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
	closed_well
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
	closed_well
}

# image / image_back: the store's device as a power cut now would leave it.
image()
{
	dd if="$(sl sd)" of="$WORK/image" bs=1M iflag=direct status=none
}

image_back()
{
	dd if="$WORK/image" of="$(sl sd)" bs=1M oflag=direct conv=notrunc status=none
	expected="1 not-closed"
}

# The last close leaves nothing to be mended.
closed_well()
{
	close_all
	# shellcheck disable=SC2086
	checked $expected
}

unclean_goes_on()
{
	local copied want
	store_new
	source_new 1 $SIZE
	clone_now 1 101 512
	retry_until 20 copied_above 101 $MIB
	must suspend msg suspend 101
	# Overwritten: what the clone needs was put into it, and a record says so.
	write_at "$(src 1)" $((4 * MIB)) $MIB 6
	# The clone's own: a region as a whole, and a part of one.  Flushed, so they last.
	write_at "$(cln 101)" $((6 * MIB)) 65536 7
	write_at "$(cln 101)" $((7 * MIB)) 4096 8
	want=$(sum "$(cln 101)")
	copied=$(clone_copied 101)
	image
	close_all
	image_back
	reopen 0
	is_state 101 suspended || die "the suspension is forgotten: $(dmsetup status c-101)"
	[ "$(clone_copied 101)" -ge $((MIB + 65536 * 2)) ] ||
		die "copied was $copied: $(dmsetup status c-101)"
	same "clone" "$(sum "$(cln 101)")" "$want"
	must resume msg resume 101
	must rate msg set_rate 101 0 0
	state_becomes 101 synchronized 20
	same "target" "$(sum "$(sl tg-101)")" "$want"
	closed_well
}

# What a clone's user has flushed lasts (R35), though nobody else is in a hurry: nothing writes to the
# source, and the copier is paused, so that only the flush itself asks for the record.
flush_lasts()
{
	local want
	store_new
	source_new 1 $SIZE
	clone_now 1 101 64
	must suspend msg suspend 101
	# A region as a whole: it is never copied, and its record waits for company. fill ends with fsync.
	write_at "$(cln 101)" $((6 * MIB)) 65536 7
	image
	want=$(sum "$(cln 101)")
	close_all
	image_back
	reopen 0
	same "the clone" "$(sum "$(cln 101)")" "$want"
	closed_well
}

# Many lives, each cut off: no block of one may count in another.
unclean_many_times()
{
	local want i
	store_new
	source_new 1 $SIZE
	clone_now 1 101 64
	want=$(sum "$(cln 101)")
	for i in 1 2 3 4 5; do
		write_at "$(src 1)" $((i * MIB)) 300032 $((i + 10))
		image
		close_all
		image_back
		reopen 0
		is_state 101 copying || die "life $i: $(dmsetup status c-101)"
		same "clone in life $i" "$(sum "$(cln 101)")" "$want"
	done
	must rate msg set_rate 101 0 0
	state_becomes 101 synchronized 20
	same "target" "$(sum "$(sl tg-101)")" "$want"
	closed_well
}

# A record for each write fills the journal several times; with the smallest store it has 256 blocks.
journal_fills()
{
	local want i before after
	store_new
	source_new 1 $((64 * MIB))
	clone_now 1 101 64
	want=$(sum "$(cln 101)")
	before=$(store_generation)
	"$STAMP" write -w 1 -b 4096 -n 4000 -L "$WORK/wlog" "$(src 1)" > "$WORK/writer" 2>&1 ||
		die "a source write failed: $(cat "$WORK/writer")"
	after=$(store_generation)
	[ "$after" -ge $((before + 2)) ] || die "no checkpoint: generation $before, then $after"
	is_state 101 copying || die "clone: $(dmsetup status c-101)"
	must suspend msg suspend 101
	image
	close_all
	image_back
	reopen 0
	same "clone" "$(sum "$(cln 101)")" "$want"
	closed_well
}

store_generation()
{
	# shellcheck disable=SC2046
	set -- $(dmsetup status store)
	echo "${5:-0}"
}

failed_fails_unfinished()
{
	local before
	store_new
	source_new 1 $SIZE
	before=$(sum "$(src 1)")
	clone_now 1 102
	state_becomes 102 synchronized 20
	write_at "$(src 1)" $MIB 65536 8
	clone_now 1 101 64
	# Everything vanishes below the store, and the source goes on: what it writes then is
	# recorded nowhere, not even that the clone has failed.
	slice_error sd
	write_at "$(src 1)" $((2 * MIB)) 65536 9
	state_becomes 101 failed 20
	close_all
	slice_ok sd
	expected="1 not-closed"
	reopen 0 "101 102"
	is_state 101 failed || die "unfinished: $(dmsetup status c-101)"
	is_state 102 synchronized || die "complete: $(dmsetup status c-102)"
	same "the complete one" "$(sum "$(cln 102)")" "$before"
	! dd if="$(cln 101)" of=/dev/null bs=1M iflag=direct status=none 2> /dev/null ||
		die "a failed clone was readable as a whole"
	must "detach the failed one" msg detach 101
	closed_well
}

# lost_while_written: a store is lost with an unfinished clone 101 and a snapshot 201 in it, a complete
# clone 102 beside them; the source goes on; then a module that knows of nothing finds the store back.
lost_while_written()
{
	store_new $((64 * MIB))
	source_new 1 $SIZE
	before=$(sum "$(src 1)")
	clone_now 1 102
	state_becomes 102 synchronized 20
	clone_now 1 101 64
	snap_now 1 201
	slice_error sd
	write_at "$(src 1)" $((2 * MIB)) 65536 9
	state_becomes 101 failed 20
	snap_becomes 201 failed 20
	close_all
	slice_ok sd
	module_unload || die "the module stays"
	module_load || die "the module does not load"
	expected="1 not-closed"
}

# failed_for ID REASON
failed_for()
{
	"$RPLCTL" relations > "$WORK/relations" || die "rplctl: $(cat "$WORK/relations")"
	grep -q " id=$1 .*state=failed .*reason=\"$2" "$WORK/relations" ||
		die "relation $1: $(cat "$WORK/relations")"
}

none_goes_on()
{
	failed_for 101 "the store failed before the copy was complete"
	failed_for 201 "the store failed, or was lost"
	! dd if="$(cln 101)" of=/dev/null bs=1M iflag=direct status=none 2> /dev/null ||
		die "the clone was readable as a whole"
	! dd if="$(snp 201)" of=/dev/null bs=1M iflag=direct status=none 2> /dev/null ||
		die "the snapshot was readable"
	is_state 102 synchronized || die "complete: $(dmsetup status c-102)"
	same "the complete one" "$(sum "$(cln 102)")" "$before"
}

distrusted()
{
	local before
	lost_while_written
	reopen "1 distrust" "101 102"
	snap_open 201 1
	none_goes_on
	[ "$(dmsetup table store | cut -d ' ' -f 6-)" = "1 distrust" ] || die "$(dmsetup table store)"
	# durable before the store was open: the device as a cut right then would leave it
	image
	close_all
	image_back
	module_unload && module_load || die "the module does not come and go"
	reopen 0 "101 102"
	snap_open 201 1
	none_goes_on
	# and it is a store as any other again
	must "detach the failed one" msg detach 101
	snap_gone 201
	must "remove c-101" dmsetup remove c-101
	before=$(sum "$(src 1)")
	snap_now 1 201
	write_at "$(src 1)" $((3 * MIB)) 65536 10
	same "a new snapshot" "$(sum "$(snp 201)")" "$before"
	closed_well
}

# A store that is made has missed nothing.
distrusted_and_new()
{
	slice sd $((16 * MIB))
	dd if=/dev/zero of="$(sl sd)" bs=1M count=1 oflag=direct status=none 2> /dev/null
	must "create the store" dmsetup create store --table "$(store_table "2 format distrust")"
	dmsetup status store | grep -q " clean " || die "$(dmsetup status store)"
	must_fail "a word behind it" dmsetup create store2 --table "$(store_table "2 distrust 1")"
}

# As long as the store takes no record, what is copied already may not be overwritten.
record_comes_first()
{
	local pid before copied
	store_new
	source_new 1 $SIZE
	clone_now 1 101 64
	must suspend msg suspend 101
	copies_may_take 60000
	copied=$(clone_copied 101)
	before=$(sum "$(sl lo-1)" $((4 * MIB)) 65536)
	slice_hang sd
	write_at "$(src 1)" $((4 * MIB)) 65536 9 &
	pid=$!
	background $pid
	retry_until 20 copied_above 101 "$copied" || echo "the copy waits too" > "$WORK/bad"
	sleep 2
	kill -0 $pid 2> /dev/null || echo "the write did not wait" > "$WORK/bad"
	[ "$(sum "$(sl lo-1)" $((4 * MIB)) 65536)" = "$before" ] ||
		echo "it was overwritten before that was recorded" > "$WORK/bad"
	slice_ok sd
	wait $pid || echo "the write failed" > "$WORK/bad"
	[ ! -e "$WORK/bad" ] || die "$(cat "$WORK/bad")"
	is_state 101 suspended || die "clone: $(dmsetup status c-101)"
	closed_well
}

# The failure of a clone is recorded before the writes that it lets go: it stays failed.
failure_is_recorded()
{
	store_new
	source_new 1 $SIZE
	clone_now 1 101 64
	slice_error tg-101
	write_at "$(src 1)" $((2 * MIB)) 65536 9
	image
	slice_ok tg-101
	close_all
	image_back
	reopen 0
	is_state 101 failed || die "a failed clone: $(dmsetup status c-101)"
	closed_well
}

# An acknowledged end is the end, and what it lets go was not missed before.
abort_is_recorded()
{
	store_new
	source_new 1 $SIZE
	clone_now 1 101 64
	must abort msg abort 101
	write_at "$(src 1)" $((2 * MIB)) 65536 9
	image
	close_all
	image_back
	reopen 0
	is_state 101 aborted || die "an aborted clone: $(dmsetup status c-101)"
	closed_well
}

damaged_journal()
{
	store_new
	source_new 1 $SIZE
	clone_now 1 101 64
	for i in 1 2 3 4 5 6 7 8; do
		write_at "$(src 1)" $((i * 131072 + 4 * MIB)) 4096 9
	done
	image
	close_all
	image_back
	must "damage the journal" python3 "$TOP/tests/tools/store-edit.py" "$(sl sd)" journal damage
	expected="2 journal-damaged not-closed"
	reopen 0
	is_state 101 failed || die "with a damaged journal: $(dmsetup status c-101)"
	closed_well
}

forced_fails_unfinished()
{
	store_new
	source_new 1 $SIZE
	clone_now 1 101 64
	dmsetup remove --force store > /dev/null 2>&1
	close_all
	expected="1 store-failed clone-unfinished"
	reopen 0
	is_state 101 failed || die "unfinished: $(dmsetup status c-101)"
	closed_well
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
	closed_well
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
	closed_well
}

not_a_store()
{
	slice sd $((16 * MIB))
	dd if=/dev/zero of="$(sl sd)" bs=1M oflag=direct status=none 2> /dev/null
	checked 3 no-store
	must_fail "a blank device without format" dmsetup create store --table "$(store_table 0)"
	pattern "$(sl sd)" 5
	checked 3 other-content
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
	expected="1 superblock-lost"
	reopen 0
	is_state 101 synchronized || die "with one superblock: $(dmsetup status c-101)"
	close_all
	dd if=/dev/urandom of="$(sl sd)" bs=64k count=3 oflag=direct conv=notrunc status=none
	checked 3 other-content
	must_fail "no superblock left" dmsetup create store --table "$(store_table 0)"
	must_fail "no superblock left, format" dmsetup create store --table "$(store_table)"
}

tc clean_resumes "clean close: a suspended copy is as it was and can go on"
tc clean_copying_goes_on "clean close: a running copy goes on by itself"
tc unclean_goes_on "unclean: copied, preserved and flushed regions are as they were, the copy goes on"
tc flush_lasts "what a clone's user has flushed is recorded when the flush returns"
tc unclean_many_times "unclean, many times over"
tc journal_fills "checkpoints while the journal fills several times"
tc failed_fails_unfinished "the store failed: unfinished clones failed, complete ones kept"
tc distrusted "a lost store, unknown to a new module: distrust fails what is unfinished, durably"
tc distrusted_and_new "a store that is just made has nothing to be distrusted"
tc record_comes_first "a first write waits until its preservation is recorded"
tc failure_is_recorded "unclean: a clone that had failed stays failed"
tc abort_is_recorded "unclean: a clone that was aborted stays aborted"
tc damaged_journal "unclean with a damaged journal: unfinished clones failed"
tc forced_fails_unfinished "remove --force of the store counts as its failure"
tc facts_stay "aborted stays aborted, detached stays away"
tc format_keeps "format does not touch a valid store"
tc not_a_store "blank devices and foreign data are refused"
tc damaged "one damaged superblock is survived, none left is refused"
run_cases
