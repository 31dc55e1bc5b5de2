# SPDX-License-Identifier: GPL-2.0-or-later
.PHONY: check-doc
check-doc:	## do the documents say what the sources say?
	@python3 tests/doc/check.py
CHECK_LAYERS += check-doc
