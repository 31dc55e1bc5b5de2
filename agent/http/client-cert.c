// SPDX-License-Identifier: GPL-2.0-or-later
/* client-cert.c - see client-cert.h. */
#include "http/client-cert.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool fingerprint(const gnutls_datum_t *der, struct client_cert *out)
{
	unsigned char hash[32];

	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, der->data, der->size, hash) < 0)
		return false;
	for (size_t i = 0; i < sizeof(hash); i++)
		snprintf(out->fingerprint + 2 * i, 3, "%02x", hash[i]);
	return true;
}

static bool subject(const gnutls_datum_t *der, struct client_cert *out)
{
	gnutls_datum_t dn = { 0 };
	gnutls_x509_crt_t crt;
	bool ok;

	if (gnutls_x509_crt_init(&crt) < 0)
		return false;
	ok = gnutls_x509_crt_import(crt, der, GNUTLS_X509_FMT_DER) >= 0 &&
	     gnutls_x509_crt_get_dn3(crt, &dn, 0) >= 0 && dn.size < sizeof(out->subject) &&
	     !memchr(dn.data, '\0', dn.size);
	if (ok) {
		memcpy(out->subject, dn.data, dn.size);
		out->subject[dn.size] = '\0';
	}
	gnutls_free(dn.data);
	gnutls_x509_crt_deinit(crt);
	return ok;
}

int client_cert_get(void *session, struct client_cert *out, char *why, size_t why_size)
{
	gnutls_typed_vdata_st purpose = {
		.type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)(size_t)GNUTLS_KP_TLS_WWW_CLIENT
	};
	const gnutls_datum_t *chain;
	unsigned int n = 0, status = 0;
	gnutls_datum_t text = { 0 };

	memset(out, 0, sizeof(*out));
	chain = gnutls_certificate_get_peers(session, &n);
	if (!chain || !n)
		return -ENOENT;
	if (gnutls_certificate_verify_peers(session, &purpose, 1, &status) < 0) {
		snprintf(why, why_size, "it cannot be verified");
		return -EACCES;
	}
	if (status) {
		gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0);
		snprintf(why, why_size, "%s", text.data ? (const char *)text.data : "not valid");
		gnutls_free(text.data);
		return -EACCES;
	}
	if (fingerprint(&chain[0], out) && subject(&chain[0], out))
		return 0;
	snprintf(why, why_size, "its subject cannot be read");
	return -EACCES;
}
