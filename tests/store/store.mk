# SPDX-License-Identifier: GPL-2.0-or-later
# rpl-check against images of stores that the kernel's own encoder wrote, whole and broken. Some
# seconds. SEED=n repeats a run of random damage, ROUNDS=n makes it longer.

STORE_TESTS := $(addprefix $(AGENT_B)/tests/store/,test-check test-random)
CHECK_LAYERS += check-store

.SECONDARY: $(STORE_TESTS:%=%.o)
.PHONY: check-store run-store
check-store:	## rpl-check finds and names every damage, with the sanitizers
	@$(MAKE) --no-print-directory ASAN=1 run-store

run-store: $(STORE_TESTS) $(AGENT_B)/rpl-check
	@fail=0; for t in $(STORE_TESTS); do RPL_CHECK=$(AGENT_B)/rpl-check $$t || fail=1; done; exit $$fail

$(AGENT_B)/tests/store/%.o: tests/store/%.c
	@mkdir -p $(@D)
	$(AGENT_CC) $(AGENT_CFLAGS) -c -o $@ $<

$(STORE_TESTS): %: %.o $(addprefix $(AGENT_B)/tests/store/,kit.o image.o) $(RPL_CHECK_LIB)
	$(AGENT_CC) $(AGENT_LDFLAGS) -o $@ $^ $(RPL_CHECK_LIBS) -lcmocka

-include $(wildcard $(AGENT_B)/tests/store/*.d)
