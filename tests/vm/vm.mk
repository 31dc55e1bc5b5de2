# SPDX-License-Identifier: GPL-2.0-or-later
# Kernels of the cache, the module for each, guests that run them.

.PHONY: kernels kmod-all kmod vm
kernels:	## fetch the kernels of KERNELS into the cache
	@tests/vm/kernels $(KERNELS)

kmod:	## dm-replica.ko for the kernel KVER (6.1, 6.12, 7.2, debug, kcsan, uml, uml-plain)
	@tests/vm/build-kmod $(KVER)

kmod-all:	## dm-replica.ko for all of KERNELS
	@for k in $(KERNELS); do tests/vm/build-kmod $$k || exit 1; done

vm: kmod	## a shell command in a guest: make vm KVER=7.2 CMD='uname -a'
	@tests/vm/run --kver $(KVER) -- '$(CMD)'
