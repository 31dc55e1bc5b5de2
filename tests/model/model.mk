# SPDX-License-Identifier: GPL-2.0-or-later
# Models of the protocol, searched exhaustively: make check-model [MODEL='--all' | MODEL='core group']

CHECK_LAYERS += check-model

.PHONY: check-model
check-model:	## models of the protocol, small instances; MODEL=--all: the large ones too
	@tests/model/run $(MODEL)
