# SPDX-License-Identifier: GPL-2.0-or-later
# Command line tools.  build/rpl-check: offline check of a store, with the kernel's own decoder.
#
# ASAN=1: build/asan/rpl-check.  A test links all but main.o as $(RPL_CHECK_LIB).

RPL_CHECK_SRC := $(wildcard cli/rpl-check/*.c) kmod/format.c kmod/layout.c kmod/journal-format.c \
	kmod/map.c kmod/names-gen.c kmod/state.c agent/base/alloc.c
RPL_CHECK_OBJ := $(RPL_CHECK_SRC:%.c=$(AGENT_B)/cli.o/%.o)
RPL_CHECK_LIB := $(filter-out %/main.o,$(RPL_CHECK_OBJ))
RPL_CHECK_LIBS := $(shell pkg-config --libs json-c uuid)

.PHONY: cli rpl-check
all: cli
cli: rpl-check	## command line tools
rpl-check: $(AGENT_B)/rpl-check

# Objects of their own place: the kernel's files are not the agent's.
$(AGENT_B)/cli.o/%.o: %.c
	@mkdir -p $(@D)
	$(AGENT_CC) $(AGENT_CFLAGS) -DRPL_CHECK_VERSION='"$(SMISD_VERSION)"' -c -o $@ $<

$(AGENT_B)/rpl-check: $(RPL_CHECK_OBJ)
	$(AGENT_CC) $(AGENT_LDFLAGS) -o $@ $^ $(RPL_CHECK_LIBS)

-include $(RPL_CHECK_OBJ:.o=.d)
