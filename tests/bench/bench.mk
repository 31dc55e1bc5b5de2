# SPDX-License-Identifier: GPL-2.0-or-later
# Figures of the agent on this machine, appended to build/bench/results.tsv. Not part of `make check`:
# a figure says something only beside another of the same machine.

.PHONY: bench-agent
bench-agent: smisd build/venv/.ok	## speed and memory of the agent on a simulated node, against goals
	@build/venv/bin/python tests/bench/agent.py --smisd $(AGENT_B)/smisd $(BENCH)
