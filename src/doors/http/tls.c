/* The certificate pair for HTTPS: read whole at start, and tried, so that what is wrong is said then and by name, not
 * by a handshake that fails. The handshakes themselves are libmicrohttpd's and GnuTLS's. A new certificate is taken
 * with the next start. */
#include "doors/http/http_int.h"

#include "base/file.h"
#include "base/mem.h"

#include <gnutls/gnutls.h>
#include <sodium.h>
#include <string.h>

enum { PEM_MAX = 1 << 20 };

/* In memory of its own, for the server's life. */
static enum err_code read_pem(const char *path, const char *setting, char **out, struct err *e)
{
    struct buf b;
    struct err why = {0};
    buf_init(&b, 0);
    enum err_code code = file_read_given(path, PEM_MAX, &b, &why);
    buf_char(&b, 0);
    if (!code && b.failed)
        code = err_nomem(e);
    else if (code)
        code = err_set(e, code == ERR_NOT_FOUND ? ERR_INVALID : code, setting, "%s: %.180s", setting, why.message);
    if (!code && !(*out = mem_strdup(b.p)))
        code = err_nomem(e);
    if (b.p)
        sodium_memzero(b.p, b.n);
    buf_release(&b);
    return code;
}

static enum err_code check_pair(const struct tls_pair *t, const char *cert, const char *key, struct err *e)
{
    gnutls_certificate_credentials_t c;
    if (gnutls_certificate_allocate_credentials(&c) != GNUTLS_E_SUCCESS)
        return err_nomem(e);
    const gnutls_datum_t certificate = {(unsigned char *)t->cert, (unsigned)strlen(t->cert)};
    const gnutls_datum_t private_key = {(unsigned char *)t->key, (unsigned)strlen(t->key)};
    int rc = gnutls_certificate_set_x509_key_mem(c, &certificate, &private_key, GNUTLS_X509_FMT_PEM);
    gnutls_certificate_free_credentials(c);
    if (rc == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        return err_set(e, ERR_INVALID, "server.tls_key", "the key in %.80s does not belong to the certificate in %.80s",
                       key, cert);
    if (rc < 0)
        return err_set(e, ERR_INVALID, "server.tls_cert",
                       "%.80s and %.80s are not a certificate and its key in PEM: %s", cert, key, gnutls_strerror(rc));
    return ERR_OK;
}

enum err_code tls_load(const char *cert, const char *key, struct tls_pair *out, struct err *e)
{
    bool with_cert = cert && cert[0], with_key = key && key[0];
    *out = (struct tls_pair){0};
    if (!with_cert && !with_key)
        return ERR_OK;
    if (!with_cert || !with_key)
        return err_set(e, ERR_INVALID, with_cert ? "server.tls_key" : "server.tls_cert",
                       "HTTPS takes both server.tls_cert and server.tls_key; only one is set");
    enum err_code code = read_pem(cert, "server.tls_cert", &out->cert, e);
    if (!code)
        code = read_pem(key, "server.tls_key", &out->key, e);
    if (!code)
        code = check_pair(out, cert, key, e);
    if (code)
        tls_release(out);
    return code;
}

void tls_release(struct tls_pair *t)
{
    if (t->key)
        sodium_memzero(t->key, strlen(t->key));
    mem_free(t->key);
    mem_free(t->cert);
    *t = (struct tls_pair){0};
}
