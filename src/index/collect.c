/* Posting lists out of FTS5: for each term of a question the rows of the scope and how often the term stands
 * in each. One term at a time, because FTS5 walks a single term fastest, and because the exact number
 * of rows (for the term's weight) then comes for free. Not the scoring (search.c).
 *
 * Cost is bounded: each term is first followed for COLLECT_FIRST rows, newest first. Those that end before
 * are the rare ones, which decide. The others are followed further, the rarest first, while the total stays within
 * COLLECT_TOTAL. Of what is left only those rows are still fetched that hold another word too. */
#include "index/intern.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

static const char POINTER_TYPE[] = "cairn.collector";
enum { CLOCK_EVERY = 512 };

struct collector {
    struct arena *a;
    struct postings *to;
    const uint64_t *slots;
    int64_t left;
    int64_t deadline_us;
    enum err_code code;
};

static enum err_code push(struct collector *c, int64_t row, int tf)
{
    struct postings *to = c->to;
    if (to->n == to->cap) {
        size_t cap = to->cap ? to->cap * 4 : 256;
        struct posting *p = arena_array(c->a, struct posting, cap);
        if (!p)
            return ERR_NOMEM;
        if (to->n)
            memcpy(p, to->p, to->n * sizeof *p);
        to->p = p;
        to->cap = cap;
    }
    to->p[to->n++] = (struct posting){row, (float)tf};
    return ERR_OK;
}

/* collect(words, pointer): an FTS5 auxiliary function, called for each row that holds the term. */
static void collect(const Fts5ExtensionApi *api, Fts5Context *f, sqlite3_context *ctx, int n, sqlite3_value **v)
{
    struct collector *c = n == 1 ? sqlite3_value_pointer(v[0], POINTER_TYPE) : NULL;
    Fts5PhraseIter it;
    int col, off, tf = 0;
    if (!c) {
        sqlite3_result_error(ctx, "collect() is the index's own", -1);
        return;
    }
    int64_t row = api->xRowid(f);
    if (c->slots && !(c->slots[row_slot(row) >> 6] >> (row_slot(row) & 63) & 1)) {
        sqlite3_result_int(ctx, 0);
        return;
    }
    int rc = api->xPhraseFirst(f, 0, &it, &col, &off);
    if (rc) {
        sqlite3_result_error_code(ctx, rc);
        return;
    }
    for (; col >= 0; api->xPhraseNext(f, &it, &col, &off))
        tf++;
    c->code = push(c, row, tf);
    if (c->left-- % CLOCK_EVERY == 0 && c->deadline_us && clock_mono_us() > c->deadline_us)
        c->code = ERR_TIMEOUT;
    sqlite3_result_int(ctx, c->code != ERR_OK || c->left <= 0);
}

int collect_register(fts5_api *api)
{
    return api->xCreateFunction(api, "collect", NULL, collect, NULL);
}

/* "term" as an FTS5 string. */
static struct str quoted(struct arena *a, struct str term)
{
    char *p = arena_alloc(a, 2 * term.n + 3);
    size_t n = 0;
    if (!p)
        return STR_NONE;
    p[n++] = '"';
    for (size_t i = 0; i < term.n; i++) {
        if (term.p[i] == '"')
            p[n++] = '"';
        p[n++] = term.p[i];
    }
    p[n++] = '"';
    return (struct str){p, n};
}

/* Follows one term further down, for at most `rows` rows. */
static enum err_code follow(struct db *d, struct collector *c, const struct extent *s, struct str match, int64_t rows,
                            struct err *e)
{
    struct postings *to = c->to;
    sqlite3_stmt *q = db_stmt(d, DB_WORDS_SCAN, e);
    if (!q)
        return e->code;
    c->left = rows;
    c->code = ERR_OK;
    bind_str(q, 1, match);
    sqlite3_bind_int64(q, 2, s->from);
    sqlite3_bind_int64(q, 3, to->n ? to->p[to->n - 1].row - 1 : s->to);
    sqlite3_bind_pointer(q, 4, c, POINTER_TYPE, NULL);
    int rc = sqlite3_step(q);
    sqlite3_reset(q);
    if (c->code == ERR_NOMEM)
        return err_nomem(e);
    if (c->code == ERR_TIMEOUT)
        return err_set(e, ERR_TIMEOUT, NULL, "the search took too long");
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return db_error(d, rc, e);
    to->complete = rc == SQLITE_DONE;
    return ERR_OK;
}

/* How many rows a term seems to have: those seen, over the share of the scope's rows that they lie in. */
static double estimate(const struct postings *p, const struct extent *s)
{
    if (p->complete || p->n == 0)
        return (double)p->n;
    /* in one session by seq; across sessions by session, and rowids leave wide gaps: both are only a guide */
    double seen = (double)(p->p[0].row - p->p[p->n - 1].row) + 1;
    double all = (double)(p->p[0].row - s->from) + 1;
    return (double)p->n * (all / seen);
}

static int next_term(const struct postings *p, const struct extent *s, size_t n)
{
    int best = -1;
    for (size_t i = 0; i < n; i++)
        if (!p[i].complete && (best < 0 || estimate(&p[i], s) < estimate(&p[best], s)))
            best = (int)i;
    return best;
}

struct terms { /* one call of collect_terms */
    struct db *d;
    struct collector c;
    const struct extent *s;
    struct str match[INDEX_TERMS_MAX];
    struct postings *out;
    size_t n;
    int64_t total;
};

static enum err_code follow_term(struct terms *t, size_t i, int64_t rows, struct err *e)
{
    size_t before = t->out[i].n;
    t->c.to = &t->out[i];
    enum err_code code = follow(t->d, &t->c, t->s, t->match[i], rows, e);
    t->total += (int64_t)(t->out[i].n - before);
    t->out[i].df = estimate(&t->out[i], t->s);
    return code;
}

/* The terms, rarest first, whose rows together are few; as `a OR b`. */
static size_t rare_terms(const struct terms *t, struct buf *out)
{
    size_t n = 0;
    double rows = 0;
    bool used[INDEX_TERMS_MAX] = {false};
    for (;;) {
        int best = -1;
        for (size_t k = 0; k < t->n; k++)
            if (!used[k] && t->out[k].complete && t->out[k].n > 0 && (best < 0 || t->out[k].df < t->out[best].df))
                best = (int)k;
        if (best < 0 || rows + t->out[best].df > COLLECT_RARE)
            return n;
        used[best] = true;
        rows += t->out[best].df;
        buf_fmt(out, "%s%.*s", n++ ? " OR " : "", STR_ARG(t->match[best]));
    }
}

/* A common term's older rows that also hold a rare one: they rank high, and finding them costs about as much as the
 * rare terms' own rows. */
static enum err_code fill_term(struct terms *t, size_t i, struct err *e)
{
    struct buf match;
    buf_init(&match, 0);
    buf_fmt(&match, "%.*s AND (", STR_ARG(t->match[i]));
    size_t rare = rare_terms(t, &match);
    buf_char(&match, ')');
    enum err_code code = match.failed ? err_nomem(e) : ERR_OK;
    if (code == ERR_OK && rare > 0) {
        t->c.to = &t->out[i];
        code = follow(t->d, &t->c, t->s, buf_view(&match), COLLECT_RARE, e);
        t->out[i].complete = false;
    }
    buf_release(&match);
    return code;
}

enum err_code collect_terms(struct db *d, struct arena *a, const struct extent *s, const struct str *terms, size_t n,
                            int64_t deadline_us, struct postings *out, struct err *e)
{
    struct terms t = {.d = d, .s = s, .out = out, .n = n};
    t.c = (struct collector){.a = a, .slots = s->slots, .deadline_us = deadline_us};
    memset(out, 0, n * sizeof *out);
    for (size_t i = 0; i < n; i++) {
        t.match[i] = quoted(a, terms[i]);
        enum err_code code = t.match[i].p ? follow_term(&t, i, COLLECT_FIRST, e) : err_nomem(e);
        if (code)
            return code;
    }
    for (int i; t.total < COLLECT_TOTAL && (i = next_term(out, s, n)) >= 0;) {
        enum err_code code = follow_term(&t, (size_t)i, COLLECT_TOTAL - t.total, e);
        if (code)
            return code;
    }
    for (size_t i = 0; i < n; i++) {
        enum err_code code = out[i].complete ? ERR_OK : fill_term(&t, i, e);
        if (code)
            return code;
    }
    return ERR_OK;
}
