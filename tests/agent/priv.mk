# SPDX-License-Identifier: GPL-2.0-or-later
# smisd-priv against a real kernel and real LVM, in a guest with two disks.

CHECK_LAYERS += check-priv check-takeover check-units

.PHONY: check-priv check-takeover check-units
check-priv: smisd-priv tools	## smisd-priv's operations, refusals, kills and a reboot, in a guest
	@tests/vm/build-kmod $(KVER) >/dev/null
	@tests/vm/run --kver $(KVER) --timeout 600 --load --disk 200M --disk 100M -- \
		python3 $(CURDIR)/tests/agent/priv-vm.py $(CURDIR)/$(AGENT_B)/smisd-priv \
		/dev/vda /dev/vdb

check-takeover: smisd-priv	## smisd-priv does nothing to what is not ours, whatever smisd asks, in a guest
	@tests/vm/build-kmod $(KVER) >/dev/null
	@tests/vm/run --kver $(KVER) --timeout 600 --load --disk 200M --disk 200M -- \
		python3 $(CURDIR)/tests/agent/takeover-vm.py $(CURDIR) $(CURDIR)/$(AGENT_B)/smisd-priv \
		/dev/vda /dev/vdb

check-units: agent	## the shipped units under systemd, and what smisd taken over could do, in a guest
	@tests/vm/build-kmod $(KVER) >/dev/null
	@rm -rf build/root
	@$(MAKE) --no-print-directory -s install DESTDIR=$(CURDIR)/build/root UNITDIR=/usr/lib/systemd/system \
		UDEVDIR=/usr/lib/udev/rules.d
	@tests/vm/run --kver $(KVER) --timeout 900 --load --disk 200M --disk 100M -- \
		python3 $(CURDIR)/tests/agent/units-vm.py $(CURDIR) /dev/vda /dev/vdb
