#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What the kernel suites share: cases and KTAP (here), devices (dev.sh), relations (rel.sh).
#
# A suite is `. ./lib.sh`, functions that are cases, one `tc function "what must hold"` for each, and
# `run_cases` at the end.  A case runs in a subshell with no devices of ours present; it passes when
# it returns 0, nothing called `die`, and the kernel's log got no warning from it.
set -u
LIB=${LIB:-$(pwd)}
# shellcheck source=tests/kernel/dev.sh
. "$LIB/dev.sh"
# shellcheck source=tests/kernel/rel.sh
. "$LIB/rel.sh"

SUITE=$(basename "$0" .sh)
TOP=${RPL_TOP:-$(cd "$LIB/../.." && pwd)}
STAMP=$TOP/build/tools/rpl-stamp
DM=$TOP/build/tools/rpl-dm
RPL_CHECK=$TOP/build/rpl-check
WORK=/run/rpl-test
LOG_BAD='WARNING: |BUG: |BUG at|Oops|KASAN|UBSAN|circular locking|inconsistent lock|suspicious RCU'
LOG_BAD="$LOG_BAD|recursive locking|sleeping function|blocked for more than|stall|refcount_t|ODEBUG"
CASES=

# tc FUNCTION DESCRIPTION: register a case.
tc()
{
	CASES="$CASES $1"
	eval "desc_$1=\$2"
}

diag()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

# End the case, failed.
die()
{
	diag "$*"
	exit 1
}

# skip WHY: end the case, skipped.
skip()
{
	echo "$*" > "$WORK/skip"
	exit 0
}

now_ms()
{
	local up
	read -r up _ < /proc/uptime
	# a number that begins with 0 would be taken for an octal one
	echo $((${up%.*} * 1000 + 1${up#*.}0 - 1000))
}

# retry_until SECONDS COMMAND...: until the command succeeds; fails when the time is over.  SCALE
# stretches it where the machine is slow (ktest sets it).  At least 20 tries: a clock that counts
# instructions jumps to the next timer, a minute perhaps, when the guest waits for the host's files.
retry_until()
{
	local end=$(($(now_ms) + $1 * 1000 * ${SCALE:-1})) tries=1
	shift
	until "$@"; do
		[ $tries -lt 20 ] || [ "$(now_ms)" -lt "$end" ] || return 1
		tries=$((tries + 1))
		sleep 0.03
	done
}

# same WHAT GOT WANT
same()
{
	[ "$2" = "$3" ] || die "$1: got '$2', want '$3'"
}

# within WHAT MS LIMIT: a time limit, stretched on a slow machine.
within()
{
	at_most "$1, ms" "$2" $(($3 * ${SCALE:-1}))
}

# at_most WHAT GOT LIMIT
at_most()
{
	[ "$2" -le "$3" ] || die "$1: $2, at most $3"
}

# read_file VARIABLE FILE: its first line, empty if there is none.
read_file()
{
	eval "$1="
	[ ! -e "$2" ] || eval "read -r $1 < \"\$2\""
}

dmsetup()
{
	"$DM" "$@"
}

# figure NAME VALUE UNIT [GOAL]: a line for `make bench-kernel`; a goal is >=N or <=N.
figure()
{
	echo "# figure: $1: $2 $3${4:+ goal $4}"
}

# must WHAT COMMAND...
must()
{
	local what=$1
	shift
	"$@" > "$WORK/must" 2>&1 || die "$what: failed: $(cat "$WORK/must")"
}

# must_fail WHAT COMMAND...: the command must report an error; its text stays in $WORK/refused.
must_fail()
{
	local what=$1
	shift
	! "$@" > "$WORK/refused" 2>&1 || die "$what: was accepted"
}

log_since()
{
	dmesg | sed -n "/rpl-case $1\$/,\$p"
}

run_case()
{
	local mark="$SUITE.$1.$$" rc
	rm -rf "$WORK"
	mkdir -p "$WORK"
	echo "rpl-case $mark" > /dev/kmsg
	("$1")
	rc=$?
	sweep || rc=1
	parameters_back
	# data races: with their traces, by klog.py
	if log_since "$mark" | grep -v 'BUG: KCSAN: ' | grep -E "$LOG_BAD" > "$WORK/log"; then
		diag "the kernel's log: $(head -5 "$WORK/log")"
		rc=1
	elif [ $rc != 0 ]; then
		diag "the kernel's log of the case: $(log_since "$mark" | tail -12)"
	fi
	return $rc
}

# leaks: what kmemleak (debug kernels) finds of ours, after its minimum age.
leaks()
{
	local k=/sys/kernel/debug/kmemleak
	[ -e $k ] || return 0
	sleep 6
	# by the second one it knows what has not changed
	echo scan > $k && echo scan > $k || die "kmemleak does not look: $(dmesg | grep 'kmemleak:' | tail -3)"
	! grep -E -A 20 '^unreferenced' $k | grep -E 'rpl_|dm_replica' | sed 's/^/# leak: /' |
		head -n 20 | grep .
}

# The last case of each suite.
module_goes()
{
	leaks && module_unload
}

# run_cases: all of them, or those that are named in $ONLY.
run_cases()
{
	local n=0 failed=0 f desc
	[ -z "${ONLY:-}" ] || CASES=$ONLY
	desc_module_goes="the module leaves nothing behind and can be unloaded"
	# shellcheck disable=SC2086
	set -- $CASES module_goes
	echo "TAP version 13"
	echo "1..$#"
	sweep
	module_load || echo "# the module does not load"
	for f; do
		n=$((n + 1))
		eval "desc=\$desc_$f"
		if ! run_case "$f"; then
			echo "not ok $n - $SUITE $f: $desc"
			failed=1
		elif [ -e "$WORK/skip" ]; then
			echo "ok $n - $SUITE $f: $desc # SKIP $(cat "$WORK/skip")"
		else
			echo "ok $n - $SUITE $f: $desc"
		fi
	done
	exit $failed
}
