# SPDX-License-Identifier: GPL-2.0-or-later
# Everything starts here: `make help` lists the targets.  Each directory brings its own rules in a
# file named after it (agent/agent.mk, tests/tools/tools.mk); what is built goes to build/.

KVER ?= 6.1
KERNELS ?= 6.1 6.12 7.2
export KVER

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

# Rules below ask pkg-config and the like when they are read: the packages come first.
ifeq ($(RPL_DEPS)$(filter help clean,$(MAKECMDGOALS)),)
$(shell dist/install-packages >&2)
ifneq ($(.SHELLSTATUS),0)
$(error packages are missing)
endif
endif
export RPL_DEPS := done

MK := $(sort $(wildcard kmod/*.mk agent/agent.mk gen/*.mk cli/*.mk uapi/*.mk doc/*.mk dist/*.mk \
	tests/*.mk tests/*/*.mk))
include $(MK)

.PHONY: all agent smisd-priv deps help clean
all: kmod agent tools	## module (for KVER), daemon and tools

agent: smisd smisd-priv	## smisd and smisd-priv

deps:	## install the packages of dist/packages-*.txt that are missing (every target does)
	@:

help:	## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:[^#]*##/:/' | sort -u | \
		awk -F':' '{ sub(/^[ \t]+/, "", $$2); printf "  %-16s %s\n", $$1, $$2 }'

clean:	## remove build/ (downloaded kernels stay in the cache)
	rm -rf build
