/* Random bytes that a store keeps for itself, by name, in hex among its settings. Why in the database: what was made
 * with them (masks that tell equal values) must go on meaning the same in a copy of it. */
#include "store/internal.h"

#include <string.h>

enum { SECRET = 32 };

struct secret {
    const char *name;
    unsigned char *bytes;
};

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode(struct str hex, unsigned char *out)
{
    for (size_t i = 0; i < hex.n && hex.n == SECRET * 2; i++)
        if (digit(hex.p[i]) < 0)
            return false;
    for (size_t i = 0; i < SECRET && hex.n == SECRET * 2; i++)
        out[i] = (unsigned char)(digit(hex.p[2 * i]) * 16 + digit(hex.p[2 * i + 1]));
    return hex.n == SECRET * 2;
}

static enum err_code read_secret(struct store_tx *tx, const struct secret *s, bool *found, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_META_GET, e);
    query_text(&q, str_of(s->name));
    *found = query_row(&q) && decode(tx->d->column_text(q.s, 0), s->bytes);
    return query_end(&q);
}

/* Another process may have come first: then its bytes stand. */
static enum err_code make_secret(struct store_tx *tx, void *arg, struct err *e)
{
    const struct secret *s = arg;
    struct query q;
    bool found;
    char hex[SECRET * 2 + 1];
    enum err_code code = read_secret(tx, s, &found, e);
    tx->marks.accounted = true; /* no answer depends on it */
    if (code || found)
        return code;
    id_random(s->bytes, SECRET);
    for (size_t i = 0; i < SECRET; i++) {
        hex[2 * i] = "0123456789abcdef"[s->bytes[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[s->bytes[i] & 15];
    }
    query_fixed(&q, tx, STMT_META_SET, e);
    query_text(&q, str_of(s->name));
    query_text(&q, (struct str){hex, sizeof hex - 1});
    return query_run(&q);
}

enum err_code store_secret(struct store *s, const char *name, unsigned char out[SECRET], struct err *e)
{
    struct secret secret = {name, out};
    struct store_tx *tx;
    bool found;
    enum err_code code = store_read_begin(s, &tx, e);
    if (code)
        return code;
    code = read_secret(tx, &secret, &found, e);
    store_read_end(tx);
    if (code || found)
        return code;
    if (s->writable)
        return store_write(s, make_secret, &secret, e);
    id_random(out, SECRET);
    return ERR_OK;
}
