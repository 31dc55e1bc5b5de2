#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Mistakes on purpose (planted/): every case must FAIL. planted/run runs it and sees that they do.
# The order is that in which one report leaves the next checker at work: a report of KASAN, or of an
# order of locks, is the last that lockdep lives to see.
# ktest: timeout=120 needs=faults cmdline=kasan_multi_shot
. ./lib.sh

# plant NAME: the kernel's log of it is shown for planted/run, which tries klog.py on it.
plant()
{
	local from
	from=$(dmesg | wc -l)
	[ -d /sys/module/rpl_planted ] ||
		must "load rpl-planted" insmod "$TOP/build/planted/$RPL_KVER/kmod/rpl-planted.ko"
	echo "$1" > /sys/module/rpl_planted/parameters/bug || die "no bug $1"
	dmesg | sed "1,${from}d; s/^/# planted $1: /"
}

shift_width()
{
	plant shift
}

timer()
{
	plant timer
}

rcu()
{
	plant rcu
}

leak()
{
	local from rc
	plant leak
	from=$(dmesg | wc -l)
	leaks
	rc=$?
	dmesg | sed "1,${from}d; s/^/# planted leak: /"
	return $rc
}

locks()
{
	plant locks
}

bounds()
{
	plant bounds
}

freed()
{
	plant freed
}

race()
{
	plant race
}

tc shift_width "a shift by more than there are bits"
tc timer "memory freed with a timer in it that runs"
tc rcu "a pointer followed without the lock of readers"
tc leak "memory that nothing points to"
tc locks "two locks, each taken after the other"
tc bounds "a write one byte behind the memory"
tc freed "a write to freed memory"
tc race "a count that two threads increase, without a lock"
run_cases
