# SPDX-License-Identifier: GPL-2.0-or-later
# The providers over HTTP: smisd on a simulated node, pywbem as the clients would use it.
# PROV="name ..." runs only tests with one of these in their names.

CHECK_LAYERS += check-providers
.PHONY: check-providers run-providers
check-providers:	## the providers: sequences of clients, every parameter, association walks
	@$(MAKE) --no-print-directory ASAN=1 run-providers

run-providers: $(AGENT_B)/smisd build/venv/.ok
	@build/venv/bin/python tests/cim/prov_run --smisd $(AGENT_B)/smisd $(PROV)
