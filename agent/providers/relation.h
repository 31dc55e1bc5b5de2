// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * relation.h - the properties of RPL_StorageSynchronized and RPL_GroupSynchronized, for the
 * providers of both and for GetReplicationRelationshipInstances, which embeds them.
 */
#ifndef PROVIDERS_RELATION_H
#define PROVIDERS_RELATION_H

#include "providers/prov.h"

/* Both set the references too. 0 or the error that sticks to the instance. */
int relation_fill(struct cim_call *c, const struct engine_relation *r, struct cim_inst *i);
int group_relation_fill(struct cim_call *c, const struct engine_set *s, struct cim_inst *i);

#endif
