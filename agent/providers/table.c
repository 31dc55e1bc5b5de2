// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * table.c - the list of providers that the broker starts from.
 */
#include "providers/table.h"

#include <stddef.h>

#define PROVIDER_POINTER(name) &prov_##name,

const struct cim_provider *const cim_providers[] = { PROVIDERS(PROVIDER_POINTER) NULL };
