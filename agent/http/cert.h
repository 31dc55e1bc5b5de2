// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cert.h - the server's certificate: the configured one, else one made on first start.
 */
#ifndef HTTP_CERT_H
#define HTTP_CERT_H

#include <stddef.h>

/*
 * Contents of certificate and key in PEM (free the certificate, free_secret() the key). If
 * cert_path exists both are read; else state_dir/cert.pem and key.pem are, and are made when they
 * are not there: self-signed for host, 10 years. state_dir "": made and not kept. 0 or negative
 * errno with a sentence in why.
 */
int cert_load(const char *cert_path, const char *key_path, const char *state_dir, const char *host,
	      char **cert_pem, char **key_pem, char *why, size_t why_size);

/* Contents of the CA certificates in path (free them), which must be some. 0 or negative errno with
 * a sentence.
 */
int cert_load_ca(const char *path, char **pem, char *why, size_t why_size);

/* 0: the key is that of the certificate; else -EINVAL with a sentence. */
int cert_check(const char *cert_pem, const char *key_pem, char *why, size_t why_size);

#endif
