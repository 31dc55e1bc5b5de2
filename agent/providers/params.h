// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * params.h - the parameters of a call, kept as text in its job and shown again as an embedded
 * instance of the pseudo class __MethodParameters (RPL_MethodResult, RPL_ConcreteJob).
 */
#ifndef PROVIDERS_PARAMS_H
#define PROVIDERS_PARAMS_H

#include "providers/prov.h"

/* The input parameters of the method of RPL_ReplicationService that is being called, as JSON in
 * the arena. Embedded instances are left out.
 */
const char *params_save(struct cim_call *c, const char *method);
/* They as an instance; with @out also the output parameters Job and Jobs. NULL: none are kept. */
const struct cim_inst *params_inst(struct cim_call *c, const struct engine_job *j, bool out);
/* An instance of the service with nothing but its keys, for InstMethodCall.SourceInstance. */
const struct cim_inst *params_service(struct cim_call *c, const struct cim_path *service);

#endif
