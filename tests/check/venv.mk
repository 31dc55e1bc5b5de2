# SPDX-License-Identifier: GPL-2.0-or-later
# pywbem lives in build/venv, the oldest that is still in use beside it in build/venv-1.4. Before the
# makefiles of the layers, which ask for VENVS.

build/venv/.ok: tests/e2e/requirements.txt
build/venv-1.4/.ok: tests/e2e/requirements-1.4.txt
build/venv/.ok build/venv-1.4/.ok:
	@mkdir -p build
	/usr/bin/python3 -m venv $(@D)
	$(@D)/bin/pip -q --disable-pip-version-check install -r $<
	@touch $@

VENVS := build/venv/.ok build/venv-1.4/.ok
