# SPDX-License-Identifier: GPL-2.0-or-later
# End-to-end tests: a real node in a virtual machine, clients outside. pywbem lives in build/venv,
# the oldest that is still in use beside it in build/venv-1.4.

build/venv/.ok: tests/e2e/requirements.txt
build/venv-1.4/.ok: tests/e2e/requirements-1.4.txt
build/venv/.ok build/venv-1.4/.ok:
	@mkdir -p build
	/usr/bin/python3 -m venv $(@D)
	$(@D)/bin/pip -q --disable-pip-version-check install -r $<
	@touch $@

VENVS := build/venv/.ok build/venv-1.4/.ok

.PHONY: check-e2e
check-e2e: agent tools $(VENVS)
	tests/vm/build-kmod $(or $(KVER),6.1) >/dev/null
	build/venv/bin/python tests/e2e/run $(if $(KVER),--kver $(KVER)) $(E2E)
