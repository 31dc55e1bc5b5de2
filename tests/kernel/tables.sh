#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# dm's own view: table and status lines, round trip, wrong tables.
# ktest: smp=1 timeout=90
. ./lib.sh

scene()
{
	store_new
	source_new 1 $((4 * MIB))
	clone_now 1 101
	state_becomes 101 synchronized 20
}

round_trip()
{
	local t d
	scene
	for d in store v-1 c-101; do
		t=$(dmsetup table $d)
		must "load '$t'" dmsetup load $d --table "$t"
		must "suspend" timeout $((10 * ${SCALE:-1})) dmsetup suspend $d
		must "resume" timeout $((10 * ${SCALE:-1})) dmsetup resume $d
		same "table of $d" "$(dmsetup table $d)" "$t"
	done
	is_state 101 synchronized || die "$(dmsetup status c-101)"
}

status_lines()
{
	scene
	for d in store v-1 c-101; do
		dmsetup status $d | grep -q '^0 [0-9]* replica-[a-z]* [^ ]' || die "$(dmsetup status $d)"
		dmsetup status --noflush $d > "$WORK/s" || die "status --noflush $d"
	done
	same "copied" "$(clone_copied 101)" $((4 * MIB))
	same "total" "$(clone_total 101)" $((4 * MIB))
}

wait_sees_events()
{
	local nr
	store_new
	source_new 1 $((4 * MIB))
	clone_new 101 1
	nr=$(dmsetup info -c --noheadings -o events store)
	timeout $((20 * ${SCALE:-1})) dmsetup wait store "$nr" &
	w=$!
	background $w
	group "$(uuid)" 101:1
	wait $w || die "no event in 20 s"
}

# bad TABLE...: refused, and with a sentence in the log.
bad()
{
	echo "rpl-bad $$" > /dev/kmsg
	must_fail "table '$*'" dmsetup create bad --table "$*"
	dmesg | sed -n "/rpl-bad $$\$/,\$p" | grep -q 'device-mapper: table: .*replica' ||
		die "'$*' is refused without a word: $(dmesg | tail -2)"
}

wrong_tables()
{
	scene
	slice x $((4 * MIB))
	for t in "0 8192 replica-store" "0 8192 replica-store $(sl x)" "0 8192 replica-store $(sl x) 0" \
		"0 8192 replica-store $(sl x) 7" "0 8192 replica-store $(sl x) 100" \
		"0 8192 replica-store $(sl x) 128 1" "0 8192 replica-store $(sl x) 128 1 frob" \
		"0 8192 replica-store $(sl x) 128 10 format" "0 8192 replica-store /dev/none 128 1 format" \
		"0 8192 replica-store $(sl x) 128 2 max_volumes 0" "0 64 replica-store $(sl x) 128 1 format" \
		"0 99999999 replica-store $(sl x) 128 1 format" \
		"0 8192 replica-source" "0 8192 replica-source $STORE" "0 8192 replica-source $STORE 2" \
		"0 8192 replica-source $STORE 0 $(sl x) 0" "0 8192 replica-source $STORE 40000 $(sl x) 0" \
		"0 8192 replica-source $STORE x $(sl x) 0" "0 8192 replica-source $STORE 2 $(sl x) -1" \
		"0 8192 replica-source $STORE 2 $(sl x) 8000" "0 8192 replica-source $(sl x) 2 $(sl x) 0" \
		"0 8192 replica-source $STORE 2 $(sl x) 0 extra" \
		"0 8192 replica-source $STORE 2 $(sl x) 18446744073709551615" \
		"0 8192 replica-clone" "0 8192 replica-clone $STORE 102 $(sl x) 0" \
		"0 8192 replica-clone $STORE 0 $(sl x) 0 1 $(sl lo-1) 0" \
		"0 8192 replica-clone $STORE 102 $(sl x) 0 1 $(sl lo-1) 8" \
		"0 8192 replica-clone $STORE 102 $(sl x) 8 1 $(sl lo-1) 0" \
		"0 8192 replica-clone $STORE 102 $(sl x) 0 1 $(sl x) 0" \
		"0 8192 replica-clone $STORE 102 $(sl lo-1) 0 1 $(sl lo-1) 0" \
		"0 8192 replica-clone $(sl x) 102 $(sl x) 0 1 $(sl lo-1) 0"; do
		bad "$t"
	done
	is_state 101 synchronized || die "$(dmsetup status c-101)"
}

# A volume, a clone and a store exist once.
twice()
{
	scene
	must_fail "a second store on the device" dmsetup create store2 --table "$(store_table 0)"
	if dmsetup create v-2 --table "$(source_table 1)" > "$WORK/v2" 2>&1; then
		die "volume 1 is open twice"
	fi
	if dmsetup create c-2 --table "$(clone_table 101 1)" > "$WORK/c2" 2>&1; then
		die "clone 101 is open twice"
	fi
}

# While a table with another device, or a shorter one, waits to be resumed there is no new point in time:
# it could not be kept.
moving()
{
	local t old
	store_new $((64 * MIB))
	source_new 1 $((4 * MIB))
	slice other $((4 * MIB))
	old=$(sum "$(src 1)")
	for t in "0 $(sectors $((4 * MIB))) replica-source $STORE 1 $(sl other) 0" \
		"0 $(sectors $((2 * MIB))) replica-source $STORE 1 $(sl lo-1) 0"; do
		must "load '$t'" dmsetup load v-1 --table "$t"
		must_fail "a snapshot" msg create_group "$(uuid)" "201:1:$(uuid):snapshot"
		dmesg | tail -1 | grep -q 'a table of another device is loaded' || die "$(dmesg | tail -1)"
		must "clear" dmsetup clear v-1
	done
	snap_now 1 201
	write_at "$(src 1)" 0 $MIB 5
	same "the snapshot" "$(sum "$(snp 201)")" "$old"
	must_fail "another device below a snapshot" dmsetup load v-1 \
		--table "0 $(sectors $((4 * MIB))) replica-source $STORE 1 $(sl other) 0"
}

tc moving "a point in time and a table with another device exclude each other"
tc round_trip "dmsetup table gives a line that loads again"
tc status_lines "status lines of the three targets"
tc wait_sees_events "dmsetup wait is woken by a change of state"
tc wrong_tables "wrong tables are refused with a sentence"
tc twice "nothing is open twice"
run_cases
