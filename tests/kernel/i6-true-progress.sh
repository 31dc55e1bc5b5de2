#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# I6: bytes reported copied are copied; all of them only when the clone is byte-identical.
# ktest: any timeout=120
. ./lib.sh

# identical_bytes A B: in whole chunks, the last one perhaps shorter; the length is B's.
identical_bytes()
{
	"$TOP/build/tools/rpl-same" "$1" "$2"
}

never_more_than_true()
{
	local i copied true_ last=0 size=$((8 * MIB + 20 * 1024))
	store_new
	source_new 1 $size
	dd if="$(src 1)" of="$WORK/past" bs=1M iflag=direct status=none
	clone_now 1 101 512
	for i in 1 2 3 4 5 6 7 8; do
		must suspend msg suspend 101
		is_state 101 suspended || die "after suspend: $(dmsetup status c-101)"
		copied=$(clone_copied 101)
		true_=$(identical_bytes "$(sl tg-101)" "$WORK/past")
		at_most "step $i: copied bytes reported" "$copied" "$true_"
		at_most "step $i: went back from" "$last" "$copied"
		last=$copied
		write_at "$(src 1)" $((i * 900000 / 512 * 512)) 40960 $((40 + i))
		must resume msg resume 101
		sleep 0.3
	done
	must "full speed" msg set_rate 101 0 0
	state_becomes 101 synchronized 20
	same "copied at the end" "$(clone_copied 101)" "$size"
	same "total" "$(clone_total 101)" "$size"
}

# Watch closely; at the moment that all is reported, all must be there.
whole_only_when_identical()
{
	local before copied total last=0
	store_new
	source_new 1 $((6 * MIB + 4096))
	before=$(sum "$(src 1)")
	clone_now 1 101 1024
	total=$(clone_total 101)
	same "total" "$total" $((6 * MIB + 4096))
	"$STAMP" write -w 2 -b 4096 -t 4 -L "$WORK/log" "$(src 1)" > /dev/null 2>&1 &
	background $!
	while :; do
		copied=$(clone_copied 101)
		at_most "went back from" "$last" "$copied"
		at_most "copied" "$copied" "$total"
		last=$copied
		[ "$copied" != "$total" ] || break
		[ "$(now_ms)" -lt 3600000 ] && { is_state 101 copying || is_state 101 synchronized; } ||
			die "clone: $(dmsetup status c-101)"
	done
	same "target at 100 %" "$(sum "$(sl tg-101)")" "$before"
	state_becomes 101 synchronized 5
}

paused_stands_still()
{
	local a b
	store_new
	source_new 1 $((8 * MIB))
	clone_now 1 101 64
	must suspend msg suspend 101
	a=$(clone_copied 101)
	sleep 1
	b=$(clone_copied 101)
	same "copied while suspended, nobody writing" "$b" "$a"
	must resume msg resume 101
	must "full speed" msg set_rate 101 0 0
	state_becomes 101 synchronized 20
}

failed_is_never_whole()
{
	local start len
	store_new
	source_new 1 $((4 * MIB))
	clone_new 101 1
	read -r start len < "$WORK/slice.tg-101"
	printf '0 %s linear %s %s\n%s 128 error\n%s %s linear %s %s\n' 4096 $RAM "$start" 4096 \
		4224 $((len - 4224)) $RAM $((start + 4224)) | dmsetup load sl-tg-101
	dmsetup suspend --noflush sl-tg-101 && dmsetup resume sl-tg-101
	group "$(uuid)" 101:1
	state_becomes 101 failed 20
	[ "$(clone_copied 101)" -lt "$(clone_total 101)" ] ||
		die "a clone that could not be written is whole: $(dmsetup status c-101)"
}

# Copies are in flight for long: what is reported at any moment is on the target already.
slow_target()
{
	local start len i copied size=$((4 * MIB + 8192))
	store_new
	source_new 1 $size
	dd if="$(src 1)" of="$WORK/past" bs=1M iflag=direct status=none
	clone_new 101 1
	read -r start len < "$WORK/slice.tg-101"
	dmsetup create sl-raw --table "0 $len linear $RAM $start"
	dd if=/dev/zero of="$(sl raw)" bs=1M oflag=direct status=none 2> /dev/null
	slice_delay tg-101 3000
	group "$(uuid)" 101:1
	for i in $(seq 100); do
		copied=$(clone_copied 101)
		at_most "sample $i: copied bytes reported" "$copied" \
			"$(identical_bytes "$(sl raw)" "$WORK/past")"
		[ "$copied" != $size ] || break
	done
	state_becomes 101 synchronized 90
}

tc slow_target "with a slow target nothing is reported before it is there"
tc never_more_than_true "copied bytes grow and are never more than what is identical"
tc whole_only_when_identical "all bytes are reported only when all are identical"
tc paused_stands_still "a suspended copy does not move, a resumed one ends"
tc failed_is_never_whole "a clone that cannot be written never reaches the whole"
run_cases
