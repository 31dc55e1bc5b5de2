# SPDX-License-Identifier: GPL-2.0-or-later
"""Virtual machines for the tests and the demo: kernels, guests, their logs."""
