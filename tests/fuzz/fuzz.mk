# SPDX-License-Identifier: GPL-2.0-or-later
# Fuzzing: whatever comes from the network or from a disk, with libFuzzer, the address and the
# undefined behaviour sanitizer. A file fuzz-*.c is one target; see tests/fuzz/run. The generator of
# the schema's tables, which is Python, is one more: mof.
#
# make fuzz          FUZZ_SECONDS (3600) for each target; FUZZ="path query" selects some
# make check-fuzz    seconds for each, for CI
# make fuzz-replay FUZZ=query INPUT=file
# make fuzz-merge    what `make fuzz` has found that reaches more code goes into tests/fuzz/corpus

FUZZ_B := build/fuzz
FUZZ_SECONDS ?= 3600
# five minutes for all of them
FUZZ_CHECK_SECONDS ?= 33
FUZZ_COMPILED := $(patsubst tests/fuzz/fuzz-%.c,%,$(wildcard tests/fuzz/fuzz-*.c))
FUZZ_TARGETS := $(FUZZ_COMPILED) mof
FUZZ_BIN := $(FUZZ_COMPILED:%=$(AGENT_B)/tests/fuzz/fuzz-%)
FUZZ_SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined
# The same rules as for smisd, in a directory and with a compiler of its own. gcc's warnings are
# the ones that count.
FUZZ_MAKE = $(MAKE) --no-print-directory AGENT_B=$(FUZZ_B) AGENT_CC=clang-19 ASAN= \
	AGENT_EXTRA_CFLAGS="-Wno-error -w -O1 -U_FORTIFY_SOURCE $(FUZZ_SAN) -fsanitize=fuzzer-no-link"

CHECK_LAYERS += check-fuzz
.PHONY: fuzz check-fuzz fuzz-replay fuzz-merge fuzz-build
fuzz:	## fuzz the decoders, FUZZ_SECONDS (3600) for each target; FUZZ="path query" selects some
	@$(FUZZ_MAKE) -s fuzz-build
	@tests/fuzz/run --build $(FUZZ_B) --seconds $(FUZZ_SECONDS) $(or $(FUZZ),$(FUZZ_TARGETS))

check-fuzz:	## each fuzzing target for 33 seconds, from the seeds and all earlier findings
	@$(FUZZ_MAKE) -s -j2 fuzz-build
	@tests/fuzz/run --build $(FUZZ_B) --seconds $(FUZZ_CHECK_SECONDS) --fresh \
		$(or $(FUZZ),$(FUZZ_TARGETS))

fuzz-replay:	## run one input of a target again: FUZZ=query INPUT=file
	@$(FUZZ_MAKE) -s fuzz-build
	@$(if $(filter mof,$(FUZZ)),python3 tests/fuzz/mof.py 0 $(FUZZ_B)/findings/mof,\
		$(FUZZ_B)/tests/fuzz/fuzz-$(FUZZ)) $(INPUT)

fuzz-merge:	## the smallest inputs that `make fuzz` found for all code it reached, into tests/fuzz/corpus
	@$(FUZZ_MAKE) -s fuzz-build
	@tests/fuzz/run --build $(FUZZ_B) --merge $(or $(FUZZ),$(FUZZ_COMPILED))

fuzz-build: $(FUZZ_BIN)

$(AGENT_B)/tests/fuzz/%.o: tests/fuzz/%.c
	@mkdir -p $(@D)
	$(AGENT_CC) $(AGENT_CFLAGS) -c -o $@ $<

$(AGENT_B)/tests/fuzz/fuzz-%: $(AGENT_B)/tests/fuzz/fuzz-%.o $(AGENT_B)/cimserver.a
	$(AGENT_CC) $(AGENT_LDFLAGS) $(FUZZ_SAN) -fsanitize=fuzzer -o $@ $^ $(AGENT_LIBS)

$(AGENT_B)/tests/fuzz/fuzz-cimxml $(AGENT_B)/tests/fuzz/fuzz-http: $(CIM_TEST_OBJ)

.SECONDARY: $(FUZZ_BIN:%=%.o)
-include $(wildcard $(AGENT_B)/tests/fuzz/*.d)
