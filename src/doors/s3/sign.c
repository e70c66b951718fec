/* Signature Version 4. See sign.h. A request is written down in its canonical form and hashed; the hash is signed with
 * a key that is made, step by step, of the secret, the day, the region and the service. */
#include "doors/s3/sign.h"

#include "base/id.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MAC = crypto_auth_hmacsha256_BYTES, DAY = 8 };
static const char service[] = "s3", last[] = "aws4_request";

static void hmac(unsigned char out[MAC], const void *key, size_t n_key, struct str text)
{
    crypto_auth_hmacsha256_state h;
    crypto_auth_hmacsha256_init(&h, key, n_key);
    crypto_auth_hmacsha256_update(&h, (const unsigned char *)text.p, text.n);
    crypto_auth_hmacsha256_final(&h, out);
    sodium_memzero(&h, sizeof h);
}

static void put_names(struct buf *out, const struct s3_to_sign *s)
{
    for (size_t i = 0; i < s->n_headers; i++) {
        buf_cstr(out, i ? ";" : "");
        buf_cstr(out, s->headers[i].name);
    }
}

static void put_canonical(struct buf *out, const struct s3_to_sign *s)
{
    buf_fmt(out, "%s\n%.*s\n%.*s\n", s->method, STR_ARG(s->path), STR_ARG(s->query));
    for (size_t i = 0; i < s->n_headers; i++)
        buf_fmt(out, "%s:%.*s\n", s->headers[i].name, STR_ARG(s->headers[i].value));
    buf_char(out, '\n');
    put_names(out, s);
    buf_fmt(out, "\n%s", s->body_sha256);
}

static void put_scope(struct buf *out, const struct s3_to_sign *s)
{
    buf_fmt(out, "%.*s/%s/%s/%s", DAY, s->time, s->region, service, last);
}

static void make_key(const struct s3_to_sign *s, unsigned char key[MAC])
{
    struct buf secret;
    buf_init(&secret, 0);
    buf_fmt(&secret, "AWS4%s", s->key);
    hmac(key, secret.p ? secret.p : "", secret.n, (struct str){s->time, DAY});
    hmac(key, key, MAC, str_of(s->region));
    hmac(key, key, MAC, str_of(service));
    hmac(key, key, MAC, str_of(last));
    if (secret.p)
        sodium_memzero(secret.p, secret.cap);
    buf_release(&secret);
}

void s3_sign(const struct s3_to_sign *s, struct buf *out)
{
    unsigned char key[MAC], mac[MAC];
    char hash[S3_HASH], hex[S3_HASH];
    struct buf text;
    buf_init(&text, 0);
    put_canonical(&text, s);
    id_sha256(buf_view(&text), hash);
    bool failed = text.failed;
    buf_clear(&text);
    buf_fmt(&text, "AWS4-HMAC-SHA256\n%s\n", s->time);
    put_scope(&text, s);
    buf_fmt(&text, "\n%s", hash);
    make_key(s, key);
    hmac(mac, key, sizeof key, buf_view(&text));
    sodium_memzero(key, sizeof key);
    buf_fmt(out, "AWS4-HMAC-SHA256 Credential=%s/", s->key_id);
    put_scope(out, s);
    buf_cstr(out, ",SignedHeaders=");
    put_names(out, s);
    buf_fmt(out, ",Signature=%s", sodium_bin2hex(hex, sizeof hex, mac, sizeof mac));
    out->failed = out->failed || failed || text.failed;
    buf_release(&text);
}

void s3_encode(struct buf *out, struct str text, bool slashes)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
    for (size_t i = 0; i < text.n; i++) {
        const char c = text.p[i];
        if ((c && strchr(plain, c)) || (slashes && c == '/'))
            buf_char(out, c);
        else
            buf_fmt(out, "%%%02X", (unsigned)(unsigned char)c);
    }
}

void s3_time(int64_t ms, char out[static S3_TIME])
{
    struct tm tm;
    time_t at = (time_t)(ms / 1000);
    if (!gmtime_r(&at, &tm) || strftime(out, S3_TIME, "%Y%m%dT%H%M%SZ", &tm) != S3_TIME - 1)
        memcpy(out, "19700101T000000Z", S3_TIME);
}
