# SPDX-License-Identifier: GPL-2.0-or-later
# Kernel suites in guests: make ktest T=i1-group-order KVER=7.2, make check-kernel for all.

KTEST_TOOLS := $(addprefix build/tools/,rpl-stamp rpl-fsx rpl-dm rpl-same rplctl nl-evil) build/rpl-check

CRASH_POINTS ?= 10000
# of the allocations that can fail, one in so many; 1 takes three times as long
EVERY ?= 3
export EVERY
UML_SUITES := faults faults-write snap-basic snap-write i2-snapshots grow shortage fuzz-lines

KCSAN_SUITES := i1-group-order i2-fixed-past i2-snapshots i4-source-first snap-basic snap-write grow \
	io-uring lifecycle netlink

.PHONY: ktest check-kernel check-kernel-shared check-debug check-kcsan check-uml crash
ktest: $(KTEST_TOOLS)	## one kernel suite: make ktest T=lifecycle[:case] KVER=6.1
	@tests/kernel/ktest --kver $(KVER) $(T)

check-kernel: $(KTEST_TOOLS)	## the kernel suites on all of KERNELS
	@tests/kernel/ktest --kver '$(KERNELS)'

check-kernel-shared: $(KTEST_TOOLS)
	@tests/kernel/ktest --share --kver '$(KERNELS)'

check-uml: $(KTEST_TOOLS)	## the same checks and fault injection, as a program of this machine
	@r=0; tests/kernel/planted/run || r=1; \
	tests/crash/run --tap --kver uml --case groups --points 2 --per-run 2 || r=1; \
	tests/kernel/ktest --kver uml $(or $(T),$(UML_SUITES)) || r=1; exit $$r

check-debug: $(KTEST_TOOLS)	## the kernel suites with KASAN, lockdep, kmemleak, several CPUs
	@tests/kernel/ktest --kver debug $(T)

check-kcsan: $(KTEST_TOOLS)	## suites with much at a time, on a kernel that looks for data races
	@r=0; tests/kernel/planted/run --kver kcsan || r=1; \
	tests/kernel/ktest --kver kcsan $(or $(T),$(KCSAN_SUITES)) || r=1; exit $$r

crash: $(KTEST_TOOLS)	## many power cuts, replayed one by one: make crash CRASH_POINTS=10000 KVER=uml-plain
	@tests/crash/run --kver $(KVER) --points $(CRASH_POINTS) $(if $(SEED),--seed $(SEED))
