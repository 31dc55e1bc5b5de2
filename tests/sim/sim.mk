# SPDX-License-Identifier: GPL-2.0-or-later
# A simulated node to write clients against, and the tests of it.

SIM_VOLUMES ?= 200
SIM_PORT ?= 5988

.PHONY: sim check-sim run-sim
sim: smisd	## a simulated node on this host (SIM_PORT, SIM_PORT + 1), SIM_VOLUMES volumes, no root
	@exec $(AGENT_B)/smisd --simulate $(SIM_VOLUMES) -o server.http-port=$(SIM_PORT) \
		-o server.https-port=$$(($(SIM_PORT) + 1))

CHECK_LAYERS += check-sim
check-sim:	## the simulated node: wbemcli and pywbem over all of it, faults, restarts
	@$(MAKE) --no-print-directory ASAN=1 run-sim

run-sim: $(AGENT_B)/smisd $(AGENT_B)/smisd-priv build/venv/.ok
	@build/venv/bin/python tests/sim/run --smisd $(AGENT_B)/smisd $(SIM)
