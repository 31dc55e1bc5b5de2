#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# I3, I5: a disk that loses what was not flushed, cut off at many of its flushes and acknowledgements
# (powerdisk.py, log-crash.py, snap-crash.py, group-crash.py).
# ktest: timeout=900
. ./lib.sh

crash()
{
	modprobe nbd nbds_max=3 max_part=0 2> /dev/null || skip "this kernel has no nbd"
	slice trial $((26 * MIB))
	# shellcheck disable=SC2086
	python3 "$TOP/tests/tools/$1" "$(sl trial)" "$2" ${SEED:-} > "$WORK/crash" 2>&1 ||
		die "$(head -1 "$WORK/crash"; tail -5 "$WORK/crash")"
	cat "$WORK/crash"
}

every_flush()
{
	crash log-crash.py "${POINTS:-70}"
}

snapshots()
{
	crash snap-crash.py "${POINTS:-70}"
}

groups()
{
	crash group-crash.py "${POINTS:-35}"	# each costs as much as two of the others
}

tc snapshots "cut at many flushes and replies: every snapshot that was acknowledged is there, every byte right"
tc every_flush "cut at many flushes and replies, unflushed writes lost at random: every byte of the clone is right"
tc groups "cut at many flushes and replies: a group is there with all its members, each right, or not at all"
run_cases
