# SPDX-License-Identifier: GPL-2.0-or-later
# End-to-end tests: a real node in a virtual machine, clients outside. pywbem lives in build/venv.

build/venv/.ok: tests/e2e/requirements.txt
	@mkdir -p build
	/usr/bin/python3 -m venv build/venv
	build/venv/bin/pip -q --disable-pip-version-check install -r $<
	@touch $@

.PHONY: check-e2e
check-e2e: agent tools build/venv/.ok
	tests/vm/build-kmod $(or $(KVER),6.1) >/dev/null
	build/venv/bin/python tests/e2e/run $(if $(KVER),--kver $(KVER)) $(E2E)
