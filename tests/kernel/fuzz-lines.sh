#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Table lines and messages at random (I8): each is taken or refused, with a sentence, and nothing else
# happens.  SEED= repeats a run, LINES= makes it longer.
# ktest: uml smp=1 timeout=200
. ./lib.sh
LINES=${LINES:-600}
SIZE=$((4 * MIB))

# A store, a source, a complete clone, a snapshot; $x is a slice that nobody uses.
scene()
{
	store_new $((64 * MIB))
	source_new 1 $SIZE
	clone_now 1 101
	state_becomes 101 synchronized 20
	snap_now 1 201
	slice x $SIZE
	slice y $((16 * MIB))
	dmsetup create fuzz --table "0 8 error" || die "no device for the lines"
	before=$(sum "$(src 1)") now=$(sum "$(cln 101)")
}

# fuzz WHAT WORD=VALUE...: and what must be true after that.
fuzz()
{
	local seed=${SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
	echo "# seed $seed"
	python3 "$TOP/tests/tools/dm-fuzz.py" "$DM" "$seed" "$LINES" "$@" > "$WORK/fuzz" 2>&1 ||
		die "seed $seed: $(tail -3 "$WORK/fuzz")"
	echo "# $(cat "$WORK/fuzz")"
	! grep -q ' 0 taken' "$WORK/fuzz" || die "not even the right ones are taken"
	if dmesg | sed -n "/rpl-case $SUITE.$1/,\$p" | grep -a 'replica.*Unknown error' > "$WORK/silent"; then
		die "refused without a word: $(cat "$WORK/silent")"
	fi
	same "the source" "$(sum "$(src 1)")" "$before"
}

tables()
{
	scene
	fuzz tables "line=replica-store $(sl y) 128 1 format" \
		"line=replica-store $(sl y) 128 5 format max_volumes 8 low_water 128" \
		"line=replica-store $(sl y) 128 6 format distrust overflow queue queue_timeout 1000" \
		"line=replica-source $STORE 2 $(sl x) 0" \
		"line=replica-clone $STORE 102 $(sl x) 0 1 $(sl lo-1) 0" \
		"line=replica-snap $STORE 202 1" "line=replica-snap $STORE 201 1" \
		"word=$STORE" "word=$(sl x)" "word=$(sl y)" "word=$(sl sd)" "word=$(src 1)" "word=$(cln 101)"
	same "the clone" "$(sum "$(cln 101)")" "$now"
	same "the snapshot" "$(sum "$(snp 201)")" "$before"
	# nothing of a table that was cleared is left
	must "remove" dmsetup remove fuzz
	[ "$(dmsetup table store)" ] || die "no store"
	slice z $SIZE
	must "a source as ever" dmsetup create v-2 --table "0 $(sectors $SIZE) replica-source $STORE 2 $(sl z) 0"
}

messages()
{
	scene
	fuzz messages "line=store create_group $(uuid) 102:1:$(uuid)" \
		"line=store create_group $(uuid) 202:1:$(uuid):snapshot" \
		"line=store create_group $(uuid) 203:1:$(uuid):snapshot:ro" "line=store suspend 101" \
		"line=store resume 101" "line=store abort 101" "line=store detach 101 force" \
		"line=store delete 202" "line=store set_rate 101 0 1024" "line=store set_low_water 128" \
		"line=store set_overflow queue 1000" "line=store set_overflow invalidate" \
		"word=store" "word=v-1" "word=c-101" "word=n-201"
	same "the snapshot" "$(sum "$(snp 201)")" "$before"
	write_at "$(src 1)" 0 $MIB 5
	same "the snapshot after a write" "$(sum "$(snp 201)")" "$before"
	"$RPL_CHECK" "$(sl sd)" > "$WORK/check" 2>&1 || [ $? = 1 ] || die "rpl-check: $(cat "$WORK/check")"
}

tc tables "table lines at random: taken or refused with a sentence, nothing is left of them"
tc messages "messages at random: the source and an open snapshot do not mind"
run_cases
