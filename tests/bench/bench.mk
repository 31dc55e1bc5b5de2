# SPDX-License-Identifier: GPL-2.0-or-later
# Figures of the agent on this machine, appended to build/bench/results.tsv. Not part of `make check`:
# a figure says something only beside another of the same machine.

.PHONY: bench-agent
bench-agent: smisd build/venv/.ok	## speed and memory of the agent on a simulated node, against goals
	@build/venv/bin/python tests/bench/agent.py --smisd $(AGENT_B)/smisd $(BENCH)

.PHONY: soak
soak: smisd build/venv/.ok	## SOAK minutes (10) of 32 connections: memory and descriptors stay flat
	@build/venv/bin/python tests/bench/soak.py --smisd $(AGENT_B)/smisd --minutes $(or $(SOAK),10)
