/* Random bytes that a store keeps for itself, by name, in hex among its settings. Why in the database: what was made
 * with them (masks that tell equal values) must go on meaning the same in a copy of it. */
#include "store/internal.h"

#include <sodium.h>

enum { SECRET = 32 };

struct secret {
    const char *name;
    unsigned char *bytes;
};

static bool decode(struct str hex, unsigned char *out)
{
    size_t n = 0;
    return hex.n == SECRET * 2 && sodium_hex2bin(out, SECRET, hex.p, hex.n, NULL, &n, NULL) == 0 && n == SECRET;
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
    sodium_bin2hex(hex, sizeof hex, s->bytes, SECRET);
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
