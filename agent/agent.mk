# SPDX-License-Identifier: GPL-2.0-or-later
# The agent: build/smisd, its unit tests, the tables made from MOF.
#
# make smisd | check-unit | gen-schema      ASAN=1: build/asan/..., address and undefined
#                                           behaviour sanitizers (check-unit has it always)
# Every .c file in the directories of SMISD_DIRS is part of smisd; agent/*/*.mk and
# tests/unit/*.mk may add programs. A file tests/unit/test-*.c is one cmocka program, linked with
# all of smisd but main.c.

AGENT_B := build$(if $(ASAN),/asan)
AGENT_CC ?= gcc
SMISD_VERSION := 0.1.0
AGENT_PKGS := libsystemd libmicrohttpd gnutls libxml-2.0 json-c sqlite3 libnl-genl-3.0 uuid
AGENT_CFLAGS := -std=gnu17 -O2 -g -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes \
	-Wshadow -Wpointer-arith -Wwrite-strings -fno-strict-aliasing -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 \
	-fstack-protector-strong -fPIE -DSMISD_VERSION='"$(SMISD_VERSION)"' -Iagent -Iuapi -MMD -MP \
	$(shell pkg-config --cflags $(AGENT_PKGS)) $(AGENT_EXTRA_CFLAGS)
AGENT_LDFLAGS := -pie -Wl,-z,relro,-z,now
AGENT_LIBS := $(shell pkg-config --libs $(AGENT_PKGS)) -linih -lm
ifdef ASAN
AGENT_SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
AGENT_CFLAGS := $(filter-out -D_FORTIFY_SOURCE=2,$(AGENT_CFLAGS)) $(AGENT_SAN)
AGENT_LDFLAGS += $(AGENT_SAN)
endif

SMISD_DIRS := base cim query cimxml http slp broker schema providers engine kernel sim daemon
SMISD_SRC := $(foreach d,$(SMISD_DIRS),$(wildcard agent/$(d)/*.c))
SMISD_OBJ := $(SMISD_SRC:%.c=$(AGENT_B)/%.o)
# The server without schema, providers and engine: what the tests with their own schema link.
CIMSERVER_OBJ := $(foreach d,base cim query cimxml http slp broker,\
	$(patsubst %.c,$(AGENT_B)/%.o,$(wildcard agent/$(d)/*.c)))
UNIT_SRC := $(wildcard tests/unit/test-*.c)
UNIT_BIN := $(UNIT_SRC:%.c=$(AGENT_B)/%)
MOF := $(sort $(wildcard agent/schema/*.mof))

.PHONY: smisd check-unit run-unit gen-schema
smisd: $(AGENT_B)/smisd

$(AGENT_B)/agent/%.o: agent/%.c
	@mkdir -p $(@D)
	$(AGENT_CC) $(AGENT_CFLAGS) -c -o $@ $<

$(AGENT_B)/tests/unit/%.o: tests/unit/%.c
	@mkdir -p $(@D)
	$(AGENT_CC) $(AGENT_CFLAGS) -c -o $@ $<

$(AGENT_B)/agent.a: $(SMISD_OBJ)
	@rm -f $@
	$(AR) rcsD $@ $^

$(AGENT_B)/cimserver.a: $(CIMSERVER_OBJ)
	@rm -f $@
	$(AR) rcsD $@ $^

$(AGENT_B)/smisd: $(AGENT_B)/agent/main.o $(AGENT_B)/agent.a
	$(AGENT_CC) $(AGENT_LDFLAGS) -o $@ $^ $(AGENT_LIBS)

$(AGENT_B)/tests/unit/test-%: $(AGENT_B)/tests/unit/test-%.o $(AGENT_B)/agent.a
	$(AGENT_CC) $(AGENT_LDFLAGS) -o $@ $^ $(AGENT_LIBS) -lcmocka

.SECONDARY: $(UNIT_BIN:%=%.o)

check-unit:	## unit tests, with the sanitizers
	@$(MAKE) --no-print-directory ASAN=1 run-unit

run-unit: $(UNIT_BIN)
	@fail=0; for t in $(UNIT_BIN) $(wildcard tests/unit/test_*.py); do \
		echo "# $$t"; case $$t in *.py) python3 $$t;; *) $$t;; esac || fail=1; \
	done; exit $$fail

# schema-gen.[ch] are committed; rewritten when the MOF is newer, CI checks that nothing differs.
gen-schema:
	python3 gen/mofgen.py -o agent/schema/schema-gen $(MOF)

-include $(shell find $(AGENT_B)/agent $(AGENT_B)/tests/unit $(AGENT_B)/tests/cim -name '*.d' \
	2>/dev/null)
-include $(wildcard agent/*/*.mk)
