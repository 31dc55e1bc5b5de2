# SPDX-License-Identifier: GPL-2.0-or-later
# smisd-priv against a real kernel and real LVM, in a guest with two disks.

CHECK_LAYERS += check-priv

.PHONY: check-priv
check-priv: smisd-priv	## smisd-priv's operations, refusals, kills and a reboot, in a guest
	@tests/vm/build-kmod $(KVER) >/dev/null
	@tests/vm/run --kver $(KVER) --timeout 400 --load --disk 200M --disk 100M -- \
		python3 $(CURDIR)/tests/agent/priv-vm.py $(CURDIR)/$(AGENT_B)/smisd-priv \
		/dev/vda /dev/vdb
