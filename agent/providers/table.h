// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * table.h - all providers, one line for each class that is served.
 */
#ifndef PROVIDERS_TABLE_H
#define PROVIDERS_TABLE_H

#include "broker/provider.h"

#define PROVIDERS(X)                             \
	X(object_manager) /* server.c */         \
	X(namespace)                             \
	X(comm_mechanism)                        \
	X(comm_mechanism_for_manager)            \
	X(namespace_in_manager)                  \
	X(wbem_server)                           \
	X(wbem_server_namespace)                 \
	X(namespace_of_server)                   \
	X(hosted_access_point)                   \
	X(registered_profile) /* profile.c */    \
	X(referenced_profile)                    \
	X(element_conforms)                      \
	X(system) /* system.c */                 \
	X(hosted_service)                        \
	X(storage_pool) /* pool.c */             \
	X(hosted_pool)                           \
	X(allocated_from_pool)                   \
	X(storage_volume) /* volume.c */         \
	X(system_device)                         \
	X(storage_caps) /* storage-caps.c */     \
	X(storage_setting)                       \
	X(element_setting)                       \
	X(setting_of_caps)                       \
	X(config_caps) /* config-caps.c */       \
	X(element_caps)                          \
	X(config_service) /* config-service.c */ \
	X(replication_group) /* group.c */       \
	X(hosted_collection)                     \
	X(group_member)                          \
	X(service_affects)                       \
	X(storage_synchronized) /* relation.c */ \
	X(group_synchronized)                    \
	X(repl_service) /* repl-service.c */     \
	X(repl_caps) /* repl-caps.c */           \
	X(concrete_job) /* job.c */              \
	X(owning_job) /* job-assoc.c */          \
	X(affected_job)                          \
	X(job_result)                            \
	X(method_result)

#define PROVIDER_DECLARE(name) extern const struct cim_provider prov_##name;
PROVIDERS(PROVIDER_DECLARE)
#undef PROVIDER_DECLARE

#endif
