// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cert.c - see cert.h. Used at start and when the configuration or the files changed.
 */
#include "http/cert.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"

#define MAX_PEM_BYTES (256 * 1024)

static int read_file(const char *path, char **out)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *buf;
	size_t n = 0;

	if (fd < 0)
		return -errno;
	buf = xcalloc(1, MAX_PEM_BYTES + 1);
	for (;;) {
		ssize_t r = read(fd, buf + n, MAX_PEM_BYTES - n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			break;
		n += (size_t)r;
	}
	*out = buf;
	return 0;
}

/* Written beside and renamed, so a crash leaves no half a file. */
static int write_file(const char *path, const void *data, size_t len, mode_t mode)
{
	CLEANUP_FREE char *tmp = xasprintf("%s.new", path);
	CLEANUP_CLOSE int fd = -1;

	unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	if (write(fd, data, len) != (ssize_t)len || fsync(fd))
		return -EIO;
	return rename(tmp, path) ? -errno : 0;
}

static void fill(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, const char *host)
{
	unsigned char serial[16];
	unsigned char keyid[20];
	size_t len = sizeof(keyid);
	time_t now = time(NULL);

	gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));
	serial[0] &= 0x7f;
	gnutls_x509_crt_set_version(crt, 3);
	gnutls_x509_crt_set_key(crt, key);
	gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
	gnutls_x509_crt_set_activation_time(crt, now - 3600);
	gnutls_x509_crt_set_expiration_time(crt, now + (time_t)3650 * 86400);
	gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, host,
				      (unsigned int)strlen(host));
	gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, host,
					     (unsigned int)strlen(host), GNUTLS_FSAN_SET);
	gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, "localhost", 9,
					     GNUTLS_FSAN_APPEND);
	/* its own issuer, so that a client can name it as the CA to trust */
	gnutls_x509_crt_set_basic_constraints(crt, 1, 0);
	gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_CERT_SIGN);
	gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
	if (gnutls_x509_crt_get_key_id(crt, 0, keyid, &len) >= 0)
		gnutls_x509_crt_set_subject_key_id(crt, keyid, len);
}

static int make(const char *host, gnutls_datum_t *cert, gnutls_datum_t *keypem)
{
	gnutls_x509_crt_t crt = NULL;
	gnutls_x509_privkey_t key = NULL;
	int r = gnutls_x509_privkey_init(&key);

	if (r >= 0)
		r = gnutls_x509_privkey_generate(
			key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	if (r >= 0)
		r = gnutls_x509_crt_init(&crt);
	if (r >= 0) {
		fill(crt, key, host);
		r = gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
	}
	if (r >= 0)
		r = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, cert);
	if (r >= 0)
		r = gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, keypem);
	if (crt)
		gnutls_x509_crt_deinit(crt);
	if (key)
		gnutls_x509_privkey_deinit(key);
	return r < 0 ? -EIO : 0;
}

static int make_files(const gnutls_datum_t *cert, const gnutls_datum_t *key, const char *cert_path,
		      const char *key_path)
{
	/* the key first: a certificate without its key would be kept for ever */
	int r = write_file(key_path, key->data, key->size, 0600);

	return r ? r : write_file(cert_path, cert->data, cert->size, 0644);
}

/* A new pair for host; kept in files unless state_dir is "". */
static int make_pair(const char *host, const char *state_dir, const char *cert_path,
		     const char *key_path, char **cert_pem, char **key_pem)
{
	gnutls_datum_t cert = { 0 }, key = { 0 };
	int r = make(host, &cert, &key);

	if (!r && *state_dir) {
		r = make_files(&cert, &key, cert_path, key_path);
		if (!r)
			log_notice("made a self-signed certificate for %s: %s", host, cert_path);
	}
	if (!r) {
		*cert_pem = xstrndup((const char *)cert.data, cert.size);
		*key_pem = xstrndup((const char *)key.data, key.size);
	}
	if (key.data)
		explicit_bzero(key.data, key.size);
	gnutls_free(cert.data);
	gnutls_free(key.data);
	return r;
}

int cert_load(const char *cert_path, const char *key_path, const char *state_dir, const char *host,
	      char **cert_pem, char **key_pem, char *why, size_t why_size)
{
	CLEANUP_FREE char *own_cert = xasprintf("%s/cert.pem", state_dir);
	CLEANUP_FREE char *own_key = xasprintf("%s/key.pem", state_dir);
	int r;

	if (access(cert_path, F_OK)) {
		cert_path = own_cert;
		key_path = own_key;
	}
	if (cert_path == own_cert && (!*state_dir || access(cert_path, F_OK))) {
		r = make_pair(host, state_dir, cert_path, key_path, cert_pem, key_pem);
		if (r)
			snprintf(why, why_size, "cannot make the certificate %s: %s", cert_path,
				 strerror(-r));
		return r;
	}
	r = read_file(cert_path, cert_pem);
	if (r) {
		snprintf(why, why_size, "cannot read %s: %s", cert_path, strerror(-r));
		return r;
	}
	r = read_file(key_path, key_pem);
	if (r) {
		snprintf(why, why_size, "cannot read %s: %s", key_path, strerror(-r));
		free(*cert_pem);
		*cert_pem = NULL;
	}
	return r;
}

int cert_check(const char *cert_pem, const char *key_pem, char *why, size_t why_size)
{
	gnutls_datum_t cert = { (unsigned char *)(uintptr_t)cert_pem,
				(unsigned int)strlen(cert_pem) };
	gnutls_datum_t key = { (unsigned char *)(uintptr_t)key_pem, (unsigned int)strlen(key_pem) };
	gnutls_certificate_credentials_t creds;
	int r = gnutls_certificate_allocate_credentials(&creds);

	if (r >= 0) {
		r = gnutls_certificate_set_x509_key_mem(creds, &cert, &key, GNUTLS_X509_FMT_PEM);
		gnutls_certificate_free_credentials(creds);
	}
	if (r >= 0)
		return 0;
	snprintf(why, why_size, "certificate and key do not fit: %s", gnutls_strerror(r));
	return -EINVAL;
}

int cert_load_ca(const char *path, char **pem, char *why, size_t why_size)
{
	gnutls_certificate_credentials_t creds;
	gnutls_datum_t data;
	int r = read_file(path, pem);

	if (r) {
		snprintf(why, why_size, "cannot read %s: %s", path, strerror(-r));
		return r;
	}
	data.data = (unsigned char *)*pem;
	data.size = (unsigned int)strlen(*pem);
	r = gnutls_certificate_allocate_credentials(&creds);
	if (r >= 0) {
		r = gnutls_certificate_set_x509_trust_mem(creds, &data, GNUTLS_X509_FMT_PEM);
		gnutls_certificate_free_credentials(creds);
	}
	if (r > 0)
		return 0;
	snprintf(why, why_size, "%s has no CA certificate in PEM", path);
	free(*pem);
	*pem = NULL;
	return -EINVAL;
}
