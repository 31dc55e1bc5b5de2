// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * repl.h - the parts of RPL_ReplicationService, joined by the method table in repl-service.c.
 */
#ifndef PROVIDERS_REPL_H
#define PROVIDERS_REPL_H

#include "providers/prov.h"

/* repl-groups.c */
int repl_create_group(struct cim_call *c);
int repl_delete_group(struct cim_call *c);
int repl_add_members(struct cim_call *c);
int repl_remove_members(struct cim_call *c);

/* repl-create.c */
int repl_create_element_replica(struct cim_call *c);
int repl_create_group_replica(struct cim_call *c);
int repl_create_list_replica(struct cim_call *c);
int repl_create_from_elements(struct cim_call *c);

/* repl-modify.c */
int repl_modify_one(struct cim_call *c);
int repl_modify_list(struct cim_call *c);

/* repl-query.c */
int repl_available_targets(struct cim_call *c);
int repl_relationships(struct cim_call *c);
int repl_relationship_instances(struct cim_call *c);

/* repl-settings.c: ReplicationSettingData, which is only ever embedded. */
enum repl_targets {
	REPL_TARGETS_NEW,
	REPL_TARGETS_GIVEN,
	REPL_TARGETS_ANY
};
/* Refuses (TRUE, answered with 5) wishes of the parameter ReplicationSettingData that are not
 * granted for @sync_type; 0: for none.
 */
bool repl_settings_refused(struct cim_call *c, uint16_t sync_type, enum repl_targets targets);
/* TRUE: the targets must not be written. After the check above. */
bool repl_settings_read_only(struct cim_call *c);
/* What applies when a request has none. */
const struct cim_inst *repl_settings_default(struct cim_call *c, uint16_t sync_type);
/* Values of property number @property that are granted; NULL: no such property. */
const uint64_t *repl_settings_values(uint16_t sync_type, uint16_t property, size_t *n);

#endif
