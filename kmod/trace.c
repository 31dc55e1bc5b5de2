// SPDX-License-Identifier: GPL-2.0-only
/*
 * The code of the tracepoints that trace.h declares. Nothing calls anything here by name.
 */
#include "op.h"

#define CREATE_TRACE_POINTS
#include "trace.h"
