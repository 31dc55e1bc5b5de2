#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# I1: if write B was issued after write A had completed, on any members of a group, no set of clones
# holds B without A.  Writers stamp the volumes in one order; each set of clones is judged by it.
# ktest: timeout=150
. ./lib.sh

# make_clones FIRST-VOLUME COUNT: clone devices 1000 + ID of all of them, by one dmsetup.
make_clones()
{
	local i all=
	for i in $(seq "$1" $(($1 + $2 - 1))); do
		all="$all${all:+;}c-$((1000 + i)),,,rw,$(clone_table $((1000 + i)) "$i")"
	done
	must "create $2 clones" dmsetup create --concise "$all"
}

members()
{
	local i
	for i in $(seq "$1" $(($1 + $2 - 1))); do
		echo "$((1000 + i)):$i"
	done
}

clones_of()
{
	local i
	for i in $(seq "$1" $(($1 + $2 - 1))); do
		echo "c-$((1000 + i))"
	done
}

# points VOLUMES POINTS: so many points in time, each judged while the copy runs.
points()
{
	local p g vols=$1 devs
	devs=$(clones_of 1 "$vols")
	for p in $(seq "$2"); do
		g=$(uuid)
		make_clones 1 "$vols"
		# shellcheck disable=SC2046
		group "$g" $(members 1 "$vols")
		# shellcheck disable=SC2086
		"$STAMP" check -L "$WORK/log" -f 9 $(printf '/dev/mapper/%s ' $devs) \
			> "$WORK/check" 2>&1 || die "point in time $p: $(head -5 "$WORK/check")"
		must "forget the clones of point $p" msg detach "$g" force
		# shellcheck disable=SC2086
		must "remove the clones of point $p" dmsetup remove --retry $devs
	done
}

# The kernel's own measures, from the sources' status: a write held by a point in time, and by
# anything that has to be preserved. More than flush_timeout_ms would have failed the point in time.
report_holds()
{
	local i
	for i in $(seq "$1"); do
		dmsetup status "v-$i"
	done | awk '{ n = NF; if ($(n - 1) > h) h = $(n - 1); if ($n > w) w = $n }
		END { printf "# %d volumes: a write was held %d us at most by a point in time, " \
			"%d us by all causes\n", NR, h / 1000, w / 1000
			exit h > 60e9 || w > 60e9 }' ||
		die "no write can have been held for more than 60 s"
}

three()
{
	store_new
	volumes 3 $((2 * MIB))
	# shellcheck disable=SC2046
	start_writers 4 $(sources_of 1 3)
	points 3 50
	stop_writers
	report_holds 3
}

sixtyfour()
{
	store_new $((64 * MIB))
	volumes 64 $((256 * 1024))
	# shellcheck disable=SC2046
	start_writers 6 $(sources_of 1 64)
	points 64 3
	stop_writers
	report_holds 64
}

tc three "3 volumes, 4 writers, 50 points in time: no later write without an earlier one"
tc sixtyfour "64 volumes, 6 writers, 3 points in time"
run_cases
