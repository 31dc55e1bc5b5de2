#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# I3, I5: a disk that loses what was not flushed, cut off at a hundred of its flushes (log-crash.py).
# ktest: timeout=300
. ./lib.sh

every_flush()
{
	modprobe dm-log-writes 2> /dev/null || skip "this kernel has no dm-log-writes"
	slice disk $((20 * MIB))
	slice log $((128 * MIB))
	slice trial $((20 * MIB))
	python3 "$TOP/tests/tools/log-crash.py" "$(sl disk)" "$(sl log)" "$(sl trial)" \
		"${POINTS:-100}" > "$WORK/crash" 2>&1 || die "$(tail -5 "$WORK/crash")"
	cat "$WORK/crash"
}

tc every_flush "cut at a hundred flushes, unflushed writes lost at random: every byte of the clone is right"
run_cases
