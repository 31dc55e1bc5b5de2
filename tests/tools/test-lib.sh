#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel suites' own waiting (tests/kernel/lib.sh), with a clock that the test turns. TAP.
set -u

LIB=$(cd "$(dirname "$0")/../kernel" && pwd)
# shellcheck source=tests/kernel/lib.sh
. "$LIB/lib.sh"
clock=0 step=0 calls=0 n=0 failed=0

now_ms() { echo $clock; }
sleep() { :; }
# good_at N: takes one step of the clock and succeeds when it is called for the Nth time
good_at() { clock=$((clock + step)) calls=$((calls + 1)); [ $calls -ge "$1" ]; }
# ok NAME STATUS WANT CALLS: one TAP line
ok() {
	n=$((n + 1))
	if [ "$2" = "$3" ] && [ $calls -le "$4" ]; then echo "ok $n - $1"; else
		failed=$((failed + 1)); echo "not ok $n - $1 # status $2 after $calls calls"
	fi
	calls=0 clock=0
}

step=30; retry_until 10 good_at 1; ok "what is true at once is not waited for" $? 0 1
step=30; retry_until 10 good_at 100; ok "what comes in time" $? 0 100
step=30; retry_until 1 good_at 1000; ok "what comes too late" $? 1 40
step=60000; retry_until 10 good_at 2; ok "a clock that jumps costs no second try" $? 0 2
step=60000; retry_until 10 good_at 1000; ok "a clock that jumps does not go on for ever" $? 1 20
echo "1..$n"
[ $failed -eq 0 ]
