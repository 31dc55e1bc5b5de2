# SPDX-License-Identifier: GPL-2.0-or-later
# build/tools/rplctl: the kernel module's netlink interface from a shell, for test scripts.
# build/tools/nl-evil: requests that must be refused.

NLTOOL_CFLAGS := -std=gnu17 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror -Wshadow
NLTOOL_PKGS := libnl-genl-3.0
NLTOOL_SRC := $(wildcard agent/kernel/*.c)
NLTOOL_HDR := $(wildcard agent/kernel/*.h) uapi/linux/dm-replica.h

build/tools/rplctl: tests/tools/rplctl.c tests/tools/fail-nth.c tests/tools/fail-nth.h $(NLTOOL_SRC) \
		$(NLTOOL_HDR)
	@mkdir -p $(@D)
	$(CC) $(NLTOOL_CFLAGS) -o $@ $(filter %.c,$^) \
		$(shell pkg-config --cflags --libs $(NLTOOL_PKGS) uuid)

tools: build/tools/rplctl

build/tools/nl-evil: tests/tools/nl-evil.c uapi/linux/dm-replica.h
	@mkdir -p $(@D)
	$(CC) $(NLTOOL_CFLAGS) -o $@ $<

tools: build/tools/nl-evil
