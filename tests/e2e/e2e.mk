# SPDX-License-Identifier: GPL-2.0-or-later
# End-to-end tests: a real node in a virtual machine, clients outside.

.PHONY: check-e2e
check-e2e: agent tools $(VENVS)
	tests/vm/build-kmod $(or $(KVER),6.1) >/dev/null
	build/venv/bin/python tests/e2e/run $(if $(KVER),--kver $(KVER)) $(E2E)
