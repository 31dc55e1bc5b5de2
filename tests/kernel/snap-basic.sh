#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Snapshots: what their devices return, what is refused, and that clones and snapshots of one command
# are of one point in time.
# ktest: timeout=180
. ./lib.sh
SIZE=$((8 * MIB))

one()
{
	local before o
	store_new $((64 * MIB))
	source_new 1 $SIZE
	before=$(sum "$(src 1)")
	snap_now 1 201
	same "before any write" "$(sum "$(snp 201)")" "$before"
	# Single sectors: first, last, both sides of a chunk's border, and writes across windows.
	for o in 0 $((SIZE - 512)) 65024 65536 $((MIB - 512)) $((5 * 65536 + 1024)); do
		write_at "$(src 1)" $o 512 7
	done
	write_at "$(src 1)" $((3 * MIB - 96 * 1024)) $((192 * 1024)) 8
	same "after some writes" "$(sum "$(snp 201)")" "$before"
	write_at "$(src 1)" 0 $SIZE 9
	same "after a write of everything" "$(sum "$(snp 201)")" "$before"
	same "used" "$(store_used)" $((SIZE / 512))
	snap_gone 201
	retry_until 20 used_is 0 || die "used after the deletion: $(store_used)"
}

# Volumes of a chunk, more or less, and one that ends within a chunk.
sizes()
{
	local i=0 before bytes
	store_new $((64 * MIB))
	for bytes in 4096 61440 65536 69632 $((3 * MIB + 4608)); do
		i=$((i + 1))
		source_new $i $bytes
		before=$(sum "$(src $i)")
		snap_now $i 20$i
		write_at "$(src $i)" $((bytes - 512)) 512 7
		same "$bytes bytes, last sector overwritten" "$(sum "$(snp 20$i)")" "$before"
		write_at "$(src $i)" 0 $bytes 8
		same "$bytes bytes, all overwritten" "$(sum "$(snp 20$i)")" "$before"
	done
}

# Clones and snapshots of three volumes at one instant, while writers run.
mixed()
{
	local i
	store_new $((64 * MIB))
	for i in 1 2 3; do
		slice lo-$i $SIZE
		pattern "$(sl lo-$i)" 9
		source_open $i
		clone_new 10$i $i
	done
	start_writers 4 "$(src 1)" "$(src 2)" "$(src 3)"
	group "$(uuid)" 101:1 102:2 103:3 201:1:snapshot 202:2:snapshot 203:3:snapshot
	stop_writers
	for i in 1 2 3; do
		snap_open 20$i $i
		state_becomes 10$i synchronized 30
		same "clone and snapshot of $i" "$(sum "$(snp 20$i)")" "$(sum "$(cln 10$i)")"
	done
	must "one point in time" "$STAMP" check -L "$WORK/log" "$(snp 201)" "$(snp 202)" "$(snp 203)"
}

zeroes_and_discards()
{
	local before
	store_new $((64 * MIB))
	source_new 1 $SIZE
	before=$(sum "$(src 1)")
	snap_now 1 201
	# The disk may have no discard (discard.sh has one that does); then it is refused.
	/usr/sbin/blkdiscard -o $MIB -l $MIB "$(src 1)" 2> /dev/null
	same "after a discard" "$(sum "$(snp 201)")" "$before"
	must zeroes /usr/sbin/blkdiscard -z -o $((2 * MIB)) -l $((3 * MIB)) "$(src 1)"
	same "after zeroes" "$(sum "$(snp 201)")" "$before"
	write_at "$(src 1)" 0 $SIZE 5
	same "after a write of everything" "$(sum "$(snp 201)")" "$before"
}

refusals()
{
	local g
	g=$(uuid)
	store_new $((64 * MIB))
	source_new 1 $SIZE
	source_new 2 $SIZE
	snap_now 1 201
	must_fail "the id of a snapshot" msg create_group "$g" "201:1:$(uuid):snapshot"
	must_fail "the id of a source" msg create_group "$g" "2:1:$(uuid):snapshot"
	must_fail "an unknown source" msg create_group "$g" "202:9:$(uuid):snapshot"
	must_fail "an unknown kind" msg create_group "$g" "202:1:$(uuid):mirror"
	must_fail "one source twice" msg create_group "$g" \
		"202:1:$(uuid):snapshot,203:1:$(uuid):snapshot"
	group "$(uuid)" "209:1:snapshot:ro"
	must_fail "a device that writes, of a read-only one" \
		dmsetup create n-x --table "$(snap_table 209 1)"
	must "delete that" msg delete 209
	must_fail "a read-only clone" msg create_group "$g" "202:1:$(uuid):clone:ro"
	must_fail "another word" msg create_group "$g" "202:1:$(uuid):snapshot:rw"
	must_fail "a snapshot that is not there" \
		dmsetup create --readonly n-x --table "$(snap_table 202 1)"
	must_fail "another source" dmsetup create --readonly n-x --table "$(snap_table 201 2)"
	must_fail "a second device" dmsetup create --readonly n-x --table "$(snap_table 201 1)"
	must_fail "a clone of that id" dmsetup create c-201 --table \
		"0 $(sectors $SIZE) replica-clone $STORE 201 $(sl lo-2) 0 1 $(sl lo-1) 0"
	must_fail "a source of that id" dmsetup create v-201 --table \
		"0 $(sectors $SIZE) replica-source $STORE 201 $(sl lo-2) 0"
	must_fail "a deletion while there is a device" msg delete 201
	must_fail "a detachment" msg detach 201
	must_fail "a suspension" msg suspend 201
	must_fail "a write" write_at "$(snp 201)" 0 512 3
	same "table" "$(dmsetup table n-201 | cut -d' ' -f 3,5,6,8)" "replica-snap 201 1 0"
	same "state" "$(snap_state 201)" synchronized
	must "remove its device" dmsetup remove n-201
	must "delete it" msg delete 201
	must_fail "a second deletion" msg delete 201
	same "relations" "$(dmsetup status store | cut -d' ' -f 8)" 0
}

# As many as one volume may have.
many()
{
	local i before
	store_new $((64 * MIB))
	source_new 1 $MIB
	before=$(sum "$(src 1)")
	for i in $(seq 1001 1256); do
		msg create_group "$(uuid)" "$i:1:$(uuid):snapshot" || die "snapshot $i"
	done
	must_fail "one more" msg create_group "$(uuid)" "1257:1:$(uuid):snapshot"
	write_at "$(src 1)" 0 $MIB 5
	same "one copy for all" "$(store_used)" $((MIB / 512))
	snap_open 1001 1
	snap_open 1256 1
	same "the oldest" "$(sum "$(snp 1001)")" "$before"
	same "the newest" "$(sum "$(snp 1256)")" "$before"
}

tc one "one snapshot, under single sectors, chunk borders, windows and a write of everything"
tc sizes "volumes of less, more and exactly a chunk, and a last part of one"
tc mixed "clones and snapshots of three volumes under load: one point in time, the same bytes"
tc zeroes_and_discards "discards and zeroes of the source"
tc refusals "what is refused, and changes nothing"
tc many "256 snapshots of one volume share one copy"
run_cases
