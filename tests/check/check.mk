# SPDX-License-Identifier: GPL-2.0-or-later
# `make check` = all layers; each layer is a target that prints TAP, KTAP, cmocka or pytest lines.
# A directory adds its own with CHECK_LAYERS += check-….  The long ones begin first; what they
# share is built before, so that no two of them build it together.

CHECK_LAYERS := check-gen check-count check-e2e check-uml $(addprefix check-kernel-shared@,$(KERNELS)) \
	check-static check-unit check-tools $(CHECK_LAYERS)
CHECK_LANES ?= 3

format:	## clang-format all C files in place
	@git ls-files -co --exclude-standard 'agent/*.[ch]' 'cli/*.[ch]' 'kmod/*.[ch]' 'tests/*.[ch]' | \
		grep -v -e '-gen\.[ch]$$' | xargs clang-format -i

.PHONY: format check check-gen check-static check-count gen
check:	## every test, as CI runs it; last line: N passed, N failed, N skipped
	@$(MAKE) -j$$(nproc) --no-print-directory -k check-prepare || :
	@tests/check/run --lanes $(CHECK_LANES) $(CHECK_LAYERS)

# What several layers need, all at once; what fails here fails its layer, with its message.
.PHONY: check-prepare check-prepare-asan
check-prepare: $(addprefix check-prepare-kmod@,$(KERNELS)) agent cli tools $(VENVS) check-prepare-asan

check-prepare-kmod@%:
	@tests/vm/build-kmod $* > /dev/null

check-prepare-asan:
	@$(MAKE) --no-print-directory -k ASAN=1 agent cli

check-gen:	## are the generated files what the generators write?
	@tests/static/gen-drift

check-static:	## W=1 on all kernels, sparse, checkpatch, clang-format, file rules
	@tests/static/static

check-count:
	@python3 tests/check/test_count.py

gen: gen-nl gen-schema	## rewrite the generated files

.PHONY: gen-nl
gen-nl:
	@python3 gen/nlgen.py

.PHONY: mutations
mutations: $(KTEST_TOOLS)	## break the module on purpose: is each break caught by its test?
	@tests/mutations/run $(M)
