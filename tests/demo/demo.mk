# SPDX-License-Identifier: GPL-2.0-or-later
# make demo: everything from nothing, see README.md. HOLD=1 keeps the node running.

.PHONY: demo
demo: deps
	@$(MAKE) --no-print-directory demo-run

.PHONY: demo-build demo-run
demo-build: agent tools build/venv/.ok
	tests/vm/build-kmod $(or $(KVER),6.1) >/dev/null

demo-run: demo-build
	@build/venv/bin/python tests/demo/demo.py $(if $(HOLD),--hold) $(if $(KVER),--kver $(KVER))
