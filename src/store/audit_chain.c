/* The chain itself, apart from where it is kept: a row's hash, and checking row after row. So the same code checks the
 * store and a file that was exported from it. See audit.h for the form. */
#include "store/audit.h"

#include "base/json.h"
#include "base/sha256.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { FORM = 1 };

/* Everything of one row in one piece of memory, on the stack where it fits: hashing a few bytes at a time costs more
 * than the hash. */
enum { PIECE = 512 };

struct sink {
    struct sha256 hash;
    size_t n;
    unsigned char held[PIECE];
};

static void put(struct sink *s, const void *p, size_t n)
{
    if (n > PIECE - s->n) {
        sha256_add(&s->hash, s->held, s->n);
        s->n = 0;
    }
    if (n > PIECE) {
        sha256_add(&s->hash, p, n);
    } else if (n) {
        memcpy(s->held + s->n, p, n);
        s->n += n;
    }
}

static void put_int(struct sink *s, uint64_t v, size_t bytes)
{
    unsigned char b[8];
    for (size_t i = 0; i < bytes; i++)
        b[i] = (unsigned char)(v >> (8 * i));
    put(s, b, bytes);
}

void audit_hash(const unsigned char prev[AUDIT_HASH], const struct audit_row *r, unsigned char out[AUDIT_HASH])
{
    const struct str texts[] = {r->actor,  r->action,  r->record_kind, r->record_id, r->project, r->session,
                                r->reason, r->outcome, r->request_id,  r->door,      r->peer,    r->details};
    struct sink s;
    s.n = 0;
    sha256_begin(&s.hash);
    put(&s, prev, AUDIT_HASH);
    put_int(&s, FORM, 1);
    put_int(&s, (uint64_t)r->seq, 8);
    put_int(&s, (uint64_t)r->at, 8);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        put_int(&s, texts[i].n, 4);
        put(&s, texts[i].p, texts[i].n);
    }
    sha256_add(&s.hash, s.held, s.n);
    sha256_end(&s.hash, out);
}

/* ---- checking ---- */

void audit_check_begin(struct audit_checker *c, const unsigned char anchor[AUDIT_HASH], const char *expect)
{
    *c = (struct audit_checker){0};
    memcpy(c->hash, anchor, AUDIT_HASH);
    memcpy(c->anchor, anchor, AUDIT_HASH);
    if (expect)
        (void)snprintf(c->expect, sizeof c->expect, "%s", expect);
}

static bool breaks(struct audit_checker *c, int64_t seq, const char *what)
{
    if (c->broken)
        return false;
    c->broken = seq;
    (void)snprintf(c->problem, sizeof c->problem, "row %lld %s", (long long)seq, what);
    return false;
}

/* What was cut off ends just before the first row that is left, with the hash from which we went on. */
static void see_cut(struct audit_checker *c, const struct audit_row *r)
{
    const struct json *o = NULL;
    struct arena *a = arena_new();
    char hex[AUDIT_HEX];
    if (!a)
        return;
    sodium_bin2hex(hex, sizeof hex, c->anchor, AUDIT_HASH);
    if (!json_parse(a, r->details, 0, &o, NULL)) {
        const struct json *last = json_get(o, "last");
        if (last && last->type == JSON_INT && last->integer == c->first - 1 && str_is(json_text(o, "last_hash"), hex))
            c->anchored = true;
    }
    arena_free(a);
}

static bool in_order(struct audit_checker *c, const struct audit_row *r)
{
    if (c->rows == 0) {
        c->first = r->seq;
        c->anchored = r->seq == 1;
        bool cut = r->seq > 1 && !sodium_is_zero(c->anchor, AUDIT_HASH);
        return c->anchored || cut || breaks(c, 1, "is missing, and no row says that it was cut off");
    }
    if (r->seq == c->last + 1)
        return true;
    return breaks(c, c->last + 1,
                  r->seq > c->last ? "is missing" : "is missing: another row of a lower number is in its place");
}

bool audit_check_row(struct audit_checker *c, const struct audit_row *r)
{
    unsigned char hash[AUDIT_HASH];
    char hex[AUDIT_HEX];
    if (c->broken || !in_order(c, r))
        return false;
    audit_hash(c->hash, r, hash);
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    if (r->odd || !str_is(r->hash, hex))
        return breaks(c, r->seq, "does not follow from the row before it: it was changed, or one was put in its place");
    memcpy(c->hash, hash, sizeof hash);
    c->rows++;
    c->last = r->seq;
    if (c->expect[0] && str_is(str_of(c->expect), hex))
        c->expected = true;
    if (!c->anchored && str_is(r->action, AUDIT_CUT))
        see_cut(c, r);
    return true;
}

bool audit_check_end(struct audit_checker *c, const struct audit_head *head)
{
    char hex[AUDIT_HEX];
    if (c->broken)
        return false;
    sodium_bin2hex(hex, sizeof hex, c->hash, AUDIT_HASH);
    if (head && head->seq > c->last)
        return breaks(c, c->last + 1, "is missing: rows at the end are gone");
    if (head && (head->seq < c->last || (c->rows && !str_is(str_of(head->hash), hex))))
        return breaks(c, c->last, "is not where the chain should end");
    if (c->rows && !c->anchored)
        return breaks(c, c->first - 1, "is missing: no later row says that it and those before it were cut off");
    if (c->expect[0] && !c->expected) {
        c->broken = c->last ? c->last : 1;
        (void)snprintf(c->problem, sizeof c->problem,
                       "no row has the hash that was expected: the chain is another one");
    }
    return !c->broken;
}
