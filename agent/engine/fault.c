// SPDX-License-Identifier: GPL-2.0-or-later
/* fault.c - the hook by which crash tests end the process between two effects. */
#include "engine/model.h"

void (*fault_hook)(const char *where);
