# SPDX-License-Identifier: GPL-2.0-or-later
# smisd with the thread sanitizer, on a simulated node with eight clients. smisd itself has one
# thread; this watches the libraries that it shares that thread with, and says when that changes.

TSAN_B := build/tsan
TSAN_SECONDS ?= 8
TSAN_MAKE = $(MAKE) --no-print-directory -s AGENT_B=$(TSAN_B) AGENT_CC=clang-19 ASAN= \
	AGENT_EXTRA_CFLAGS="-Wno-error -w -O1 -U_FORTIFY_SOURCE -fsanitize=thread" \
	AGENT_LDFLAGS="-pie -fsanitize=thread"

CHECK_LAYERS += check-tsan
.PHONY: check-tsan
check-tsan: build/venv/.ok	## smisd with the thread sanitizer, eight clients for TSAN_SECONDS (8)
	@$(TSAN_MAKE) -j2 smisd
	@CIM_BUILD=$(CURDIR)/$(TSAN_B) build/venv/bin/python tests/tsan/clients.py $(TSAN_SECONDS)
