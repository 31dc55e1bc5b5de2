# SPDX-License-Identifier: GPL-2.0-or-later
.PHONY: check-doc
check-doc:	## do the documents say what the sources say?
	@fail=0; python3 tests/doc/check.py || fail=1; python3 tests/doc/rst.py || fail=1; exit $$fail
CHECK_LAYERS += check-doc
