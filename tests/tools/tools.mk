# SPDX-License-Identifier: GPL-2.0-or-later
# Test tools: build/tools/rpl-stamp, a static binary, so that it runs in any guest.

STAMP_SRC := $(wildcard tests/tools/stamp*.c) tests/tools/rpl-stamp.c
STAMP_CFLAGS := -std=gnu17 -O2 -g -Wall -Wextra -Werror -pthread

build/tools/rpl-stamp: $(STAMP_SRC) tests/tools/stamp.h
	@mkdir -p $(@D)
	$(CC) $(STAMP_CFLAGS) -static -o $@ $(STAMP_SRC)

build/tools/rpl-stamp-san: $(STAMP_SRC) tests/tools/stamp.h
	@mkdir -p $(@D)
	$(CC) $(STAMP_CFLAGS) -fsanitize=address,undefined -fno-sanitize-recover=all -o $@ \
		$(STAMP_SRC)

build/tools/rpl-fsx: tests/tools/rpl-fsx.c
	@mkdir -p $(@D)
	$(CC) $(STAMP_CFLAGS) -static -o $@ $<

build/tools/rpl-fsx-san: tests/tools/rpl-fsx.c
	@mkdir -p $(@D)
	$(CC) $(STAMP_CFLAGS) -fsanitize=address,undefined -fno-sanitize-recover=all -o $@ $<

.PHONY: tools check-tools
tools: build/tools/rpl-stamp build/tools/rpl-fsx

# No leak check: the commands exit at their first error with what they hold.
check-tools: build/tools/rpl-stamp-san build/tools/rpl-fsx-san
	ASAN_OPTIONS=detect_leaks=0 tests/tools/test-stamp.sh build/tools/rpl-stamp-san
	ASAN_OPTIONS=detect_leaks=0 tests/tools/test-fsx.sh build/tools/rpl-fsx-san
	tests/tools/test-lib.sh
	python3 tests/vm/test_klog.py

build/tools/rpl-dm: tests/tools/rpl-dm.c tests/tools/fail-nth.c tests/tools/fail-nth.h
	@mkdir -p $(@D)
	$(CC) $(STAMP_CFLAGS) -static -o $@ $(filter %.c,$^)

build/tools/rpl-same: tests/tools/rpl-same.c
	@mkdir -p $(@D)
	$(CC) $(STAMP_CFLAGS) -static -o $@ $<

tools: build/tools/rpl-dm build/tools/rpl-same
