// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * client-cert.h - the certificate that a client has shown in its TLS session, which is only read.
 * Loop thread only.
 */
#ifndef HTTP_CLIENT_CERT_H
#define HTTP_CLIENT_CERT_H

#include <stddef.h>

struct client_cert {
	char subject[512]; /* as RFC 4514 writes it: "CN=backup,O=Example" */
	char fingerprint[65]; /* SHA-256, hexadecimal, small letters */
};

/*
 * @session: a gnutls_session_t. 0: it was issued by the CA that the server trusts for that, for
 * clients, and is valid now. -ENOENT: none was shown. -EACCES: it does not count, with a sentence.
 */
int client_cert_get(void *session, struct client_cert *out, char *why, size_t why_size);

#endif
