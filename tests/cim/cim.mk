# SPDX-License-Identifier: GPL-2.0-or-later
# The CIM server over a test schema: build/tests/cim/testd, and the tests against it.

CIM_TEST_OBJ := $(AGENT_B)/tests/cim/testprov.o $(AGENT_B)/tests/cim/test-schema.o

$(AGENT_B)/tests/cim/%.o: tests/cim/%.c
	@mkdir -p $(@D)
	$(AGENT_CC) $(AGENT_CFLAGS) -Itests/cim -c -o $@ $<

$(AGENT_B)/tests/cim/test-schema.c: tests/unit/data/test.mof agent/schema/qualifiers.mof gen/mofgen.py
	@mkdir -p $(@D)
	python3 gen/mofgen.py -o $(@:.c=) agent/schema/qualifiers.mof tests/unit/data/test.mof

$(AGENT_B)/tests/cim/test-schema.o: $(AGENT_B)/tests/cim/test-schema.c
	$(AGENT_CC) $(AGENT_CFLAGS) -c -o $@ $<

$(AGENT_B)/tests/cim/testd: $(AGENT_B)/tests/cim/testd.o $(CIM_TEST_OBJ) $(AGENT_B)/cimserver.a
	$(AGENT_CC) $(AGENT_LDFLAGS) -o $@ $^ $(AGENT_LIBS)

# The broker's unit tests have the test schema in place of the real one.
BROKER_TESTS := $(patsubst %,$(AGENT_B)/tests/unit/%,test-broker test-broker-more)
$(BROKER_TESTS): %: %.o $(CIM_TEST_OBJ) $(AGENT_B)/cimserver.a
	$(AGENT_CC) $(AGENT_LDFLAGS) -o $@ $^ $(AGENT_LIBS) -lcmocka

CHECK_LAYERS += check-cim
.PHONY: check-cim run-cim
check-cim:	## the CIM server: hostile HTTP, golden requests, wbemcli and pywbem on a simulated node
	@$(MAKE) --no-print-directory ASAN=1 run-cim

run-cim: $(AGENT_B)/tests/cim/testd $(AGENT_B)/smisd $(VENVS)
	@fail=0; for t in test_http test_hostile test_access test_client_cert test_golden test_mutated test_pull test_stream test_limits test_query test_mirror \
			test_pywbemcli test_smisd; do \
		CIM_BUILD=$(CURDIR)/$(AGENT_B) build/venv/bin/python tests/cim/$$t.py || fail=1; \
	done; \
	for t in test_smisd "test_pull --classes"; do set -- $$t; t=$$1; shift; \
		CIM_BUILD=$(CURDIR)/$(AGENT_B) build/venv-1.4/bin/python tests/cim/$$t.py "$$@" || fail=1; \
	done; \
	exit $$fail
