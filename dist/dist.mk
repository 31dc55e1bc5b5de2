# SPDX-License-Identifier: GPL-2.0-or-later
# make install DESTDIR=...: what a package of the agent has. The module is built for each kernel on
# its own (kmod/), the tests are not installed.

PREFIX ?= /usr
SBINDIR ?= $(PREFIX)/sbin
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/dm-replica
SYSCONFDIR ?= /etc
UNITDIR ?= /lib/systemd/system
UDEVDIR ?= /lib/udev/rules.d
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
INSTALL ?= install
INSTALL_UNITS := $(wildcard dist/*.service dist/*.socket)

.PHONY: install
install: agent	## binaries, units, manual pages, udev, PAM and sysusers files under DESTDIR
	$(INSTALL) -D -t $(DESTDIR)$(SBINDIR) $(AGENT_B)/smisd $(AGENT_B)/smisd-priv
	$(INSTALL) -D -m 644 -t $(DESTDIR)$(UNITDIR) $(INSTALL_UNITS)
	$(INSTALL) -D -m 644 -t $(DESTDIR)$(UDEVDIR) dist/udev/11-dm-replica.rules
	$(INSTALL) -D -m 644 dist/sysusers.d/smisd.conf $(DESTDIR)$(SYSUSERSDIR)/smisd.conf
	$(INSTALL) -D -m 644 dist/pam.d/smisd $(DESTDIR)$(SYSCONFDIR)/pam.d/smisd
	test -e $(DESTDIR)$(SYSCONFDIR)/smisd/smisd.conf || \
		$(INSTALL) -D -m 644 dist/smisd.conf $(DESTDIR)$(SYSCONFDIR)/smisd/smisd.conf
	for page in doc/man/*.[1-8]; do \
		$(INSTALL) -D -m 644 -t $(DESTDIR)$(MANDIR)/man$${page##*.} $$page || exit 1; done
	$(INSTALL) -D -m 644 -t $(DESTDIR)$(DOCDIR) README.md NEWS.md dist/simulate.conf \
		dist/avahi/smisd.service
