#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# rpl-fsx's own test: it accepts what a file system must hold and refuses hand-made damage. TAP.
# usage: test-fsx.sh path/to/rpl-fsx
set -u

fsx=$(realpath "${1:-build/tools/rpl-fsx}")
dir=$(mktemp -d "${TMPDIR:-/tmp}/fsx.XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 2
mkdir a b
n=0 failed=0

# expect STATUS NAME COMMAND...: the exit status must be this one
expect() {
	want=$1 name=$2; shift 2
	timeout 60 "$@" >out 2>&1; got=$?
	n=$((n + 1))
	if [ "$got" -eq "$want" ]; then echo "ok $n - $name"; else
		failed=$((failed + 1)); echo "not ok $n - $name # status $got"
		sed 's/^/# /' out | head
	fi
}
copy() { rm -rf b; cp -a a b; }
# poke FILE OFFSET: another byte there
poke() { printf '\125' | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }

expect 0 "a run" "$fsx" run -S 7 -n 300 -L log a
expect 0 "has 25 commits" [ "$(wc -l < log)" = 25 ]
expect 0 "all of them are there" "$fsx" check -S 7 -c 25 -m 25 a
expect 0 "and those before" "$fsx" check -S 7 -c 20 -m 25 a
expect 1 "a file may be too new" "$fsx" check -S 7 -c 20 -m 24 a
expect 1 "or too old" "$fsx" check -S 7 -c 26 -m 26 a
expect 1 "or of another run" "$fsx" check -S 8 -c 25 -m 25 a
copy; poke b/kept.3 3000
expect 1 "one byte is found" "$fsx" check -S 7 -c 25 -m 25 b
copy; truncate -s -1 b/kept.3
expect 1 "one that lacks" "$fsx" check -S 7 -c 25 -m 25 b
copy; rm b/kept.3
expect 1 "a file that lacks" "$fsx" check -S 7 -c 25 -m 25 b
copy; cp b/kept.2 b/kept.3
expect 1 "a file in the place of another" "$fsx" check -S 7 -c 25 -m 25 b
expect 2 "no directory" "$fsx" check -S 7 -c 1 -m 1 none
while :; do poke a/ops 100; done &
poker=$!
expect 1 "a byte that changes under a run" "$fsx" run -S 7 -n 100000 -L log a
kill $poker; wait $poker 2>/dev/null

echo "1..$n"
[ $failed -eq 0 ]
