// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * auth.c - user and password through PAM, roles from Unix groups. Runs in a process of its own,
 * for PAM modules block, and leave things behind.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <stdlib.h>
#include <string.h>

#include "priv/ops.h"

static int converse(int nr, const struct pam_message **msg, struct pam_response **out, void *arg)
{
	struct pam_response *r = calloc((size_t)nr, sizeof(*r));

	if (!r)
		return PAM_BUF_ERR;
	for (int i = 0; i < nr; i++)
		if (msg[i]->msg_style == PAM_PROMPT_ECHO_OFF)
			r[i].resp = strdup(arg);
	*out = r;
	return PAM_SUCCESS;
}

static bool in_group(const char *user, gid_t primary, const char *group)
{
	struct group *g = getgrnam(group);

	if (!g)
		return false;
	if (g->gr_gid == primary)
		return true;
	for (char **m = g->gr_mem; *m; m++)
		if (!strcmp(*m, user))
			return true;
	return false;
}

void auth_run(const struct smisd_config *cfg, const struct backend_request *req, struct answer *a)
{
	struct pam_conv conv = { converse, (void *)(uintptr_t)req->password };
	pam_handle_t *pam = NULL;
	struct passwd *pw;
	int ret = pam_start(cfg->engine.pam_service, req->user, &conv, &pam);

	if (ret != PAM_SUCCESS) {
		answer_fail(a, -EIO, "PAM cannot be started");
		return;
	}
	ret = pam_authenticate(pam, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	if (ret == PAM_SUCCESS)
		ret = pam_acct_mgmt(pam, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	pam_end(pam, ret);
	pw = ret == PAM_SUCCESS ? getpwnam(req->user) : NULL;
	if (!pw)
		return; /* not said which: the name, the password, or the account */
	a->password_ok = true;
	a->role_write = in_group(req->user, pw->pw_gid, cfg->engine.admin_group);
	a->role_read = a->role_write || in_group(req->user, pw->pw_gid, cfg->engine.monitor_group);
}
