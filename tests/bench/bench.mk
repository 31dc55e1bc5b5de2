# SPDX-License-Identifier: GPL-2.0-or-later
# Figures of the agent and of the module, appended to build/bench/results.tsv. Not part of `make check`:
# a figure says something only beside another of the same machine. That memory and descriptors do
# not grow says something on any: check-soak.

MINUTES ?= 10
SOAK_SECONDS ?= 45

.PHONY: bench-agent
bench-agent: smisd build/venv/.ok	## speed and memory of the agent on a simulated node, against goals
	@build/venv/bin/python tests/bench/agent.py --smisd $(AGENT_B)/smisd $(BENCH)

.PHONY: bench-kernel
bench-kernel: $(KTEST_TOOLS)	## cost of the module by counts, and as ratios to dm-linear, dd and dm-snapshot
	@tests/bench/kernel.py --kver $(KVER) $(BENCH)

SOAK = CIM_BUILD=$(CURDIR)/$(AGENT_B) build/venv/bin/python tests/bench/soak.py --seconds

.PHONY: soak
soak: smisd build/venv/.ok	## MINUTES (10) of 32 connections: memory and descriptors stay flat
	@$(SOAK) $$(($(MINUTES) * 60))

CHECK_LAYERS += check-soak
.PHONY: check-soak run-soak
check-soak:	## the same for SOAK_SECONDS (45), with the sanitizers
	@$(MAKE) --no-print-directory ASAN=1 run-soak

run-soak: $(AGENT_B)/smisd build/venv/.ok
	@$(SOAK) $(SOAK_SECONDS)
