# SPDX-License-Identifier: GPL-2.0-or-later
# smisd-priv: the root helper. Shares base, configuration and protocol with smisd.

PRIV_DIRS := priv lvm dm
PRIV_SRC := $(foreach d,$(PRIV_DIRS),$(wildcard agent/$(d)/*.c))
PRIV_OBJ := $(PRIV_SRC:%.c=$(AGENT_B)/%.o)
PRIV_LIBS := $(shell pkg-config --libs libsystemd json-c libnl-genl-3.0 uuid devmapper) -lpam -linih

.PHONY: smisd-priv
smisd-priv: $(AGENT_B)/smisd-priv

$(AGENT_B)/smisd-priv: $(PRIV_OBJ) $(AGENT_B)/agent.a
	$(AGENT_CC) $(AGENT_LDFLAGS) -o $@ $^ $(PRIV_LIBS)

# The unit test of smisd-priv's pure parts needs them beside smisd's archive.
PRIV_TEST := $(AGENT_B)/tests/unit/test-priv
$(PRIV_TEST): $(AGENT_B)/agent/lvm/lvm.o $(AGENT_B)/agent/lvm/run.o $(AGENT_B)/agent/dm/dm.o
$(PRIV_TEST): AGENT_LIBS := $(AGENT_B)/agent.a $(AGENT_LIBS) -ldevmapper
