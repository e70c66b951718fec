/* New vectors for turns that lost theirs because they were masked later: the store notes among which turns those are
 * (store/remask.h), and until they have new ones they are found by their words alone. They come after all turns that
 * wait for their first, some at a time, since putting rows between rewrites the files. */
#include "search/meaning_int.h"

#include "base/mem.h"
#include "store/remask.h"

#include <math.h>
#include <string.h>

enum { PAGE = 128, ROUND = 2048 };

struct round {
    struct meaning *m;
    struct arena *kept, *page; /* what rows hold; a page of turns */
    struct vector_row rows[ROUND];
    size_t n;
    int64_t last; /* the watermark: what is beyond gets its vector anyway */
};

static enum err_code read_page(struct round *r, int64_t after, struct turn **turns, size_t *n, struct err *e)
{
    struct store_tx *tx = NULL;
    enum err_code code = store_read_begin(r->m->o.store, &tx, e);
    *n = 0;
    if (code)
        return code;
    code = turns_after(tx, r->page, STR_NONE, after, PAGE, false, turns, n, e);
    store_read_end(tx);
    while (*n && (*turns)[*n - 1].seq > r->last)
        --*n;
    return code;
}

/* Those that have no vector move to the front. */
static enum err_code only_without(struct round *r, struct turn *turns, size_t *n, struct err *e)
{
    const float *nothing = mem_zalloc(r->m->encoder->dimensions * sizeof *nothing);
    int64_t seqs[PAGE] = {0};
    float scores[PAGE];
    size_t without = 0;
    for (size_t i = 0; i < *n; i++)
        seqs[i] = turns[i].seq;
    enum err_code code = nothing ? vectors_scores(r->m->vectors, nothing, seqs, *n, scores, e) : err_nomem(e);
    for (size_t i = 0; !code && i < *n; i++)
        if (isnan(scores[i]))
            turns[without++] = turns[i];
    mem_free((void *)(uintptr_t)nothing);
    *n = without;
    return code;
}

/* Rows outlive the page they were read from. */
static enum err_code keep(struct round *r, const struct vector_row *rows, size_t n, struct err *e)
{
    const size_t bytes = r->m->encoder->dimensions * sizeof(float);
    for (size_t i = 0; i < n; i++) {
        float *v = arena_alloc(r->kept, bytes);
        if (!v)
            return err_nomem(e);
        memcpy(v, rows[i].v, bytes);
        r->rows[r->n] = rows[i];
        r->rows[r->n].v = v;
        r->rows[r->n].turn_id = arena_str(r->kept, rows[i].turn_id);
        r->rows[r->n].session_id = arena_str(r->kept, rows[i].session_id);
        r->rows[r->n].project = arena_str(r->kept, rows[i].project);
        r->rows[r->n].conversation_id = arena_str(r->kept, rows[i].conversation_id);
        r->n++;
    }
    return arena_failed(r->kept) ? err_nomem(e) : ERR_OK;
}

/* *at: behind the page's last turn; unmoved when there is none. */
static enum err_code take_page(struct round *r, int64_t *at, struct err *e)
{
    struct vector_row rows[PAGE];
    struct turn *turns = NULL;
    size_t n = 0, done = 0;
    arena_reset(r->page);
    enum err_code code = read_page(r, *at, &turns, &n, e);
    const int64_t last = n ? turns[n - 1].seq : *at;
    if (!code && n)
        code = only_without(r, turns, &n, e);
    for (size_t from = 0; !code && from < n && !meaning_stopping(r->m); from += done) {
        code = meaning_embed(r->m, r->page, turns + from, n - from, rows, &done, e);
        if (!code)
            code = keep(r, rows, done, e);
    }
    if (!code && !meaning_stopping(r->m))
        *at = last;
    return code;
}

static enum err_code run_round(struct round *r, const struct stale *s, bool *more, struct err *e)
{
    struct meaning *m = r->m;
    enum err_code code = ERR_OK;
    int64_t before = -1;
    while (!code && !meaning_stopping(m) && r->n + PAGE <= ROUND && m->renew_at < s->to && m->renew_at != before) {
        before = m->renew_at;
        code = take_page(r, &m->renew_at, e);
    }
    if (code || meaning_stopping(m))
        return code;
    code = vectors_insert(m->vectors, r->rows, r->n, meaning_gone, m->o.store, e);
    *more = m->renew_at < s->to && m->renew_at != before;
    return code || *more ? code : renew_done(m->o.store, s, e);
}

static enum err_code look(struct meaning *m, struct stale *out, struct err *e)
{
    struct store_tx *tx = NULL;
    enum err_code code = store_read_begin(m->o.store, &tx, e);
    if (code)
        return code;
    code = renew_turns(tx, out, e);
    store_read_end(tx);
    return code;
}

enum err_code meaning_renew(struct meaning *m, bool *more, struct err *e)
{
    struct stale s;
    struct vectors_state state;
    enum err_code code = look(m, &s, e);
    *more = false;
    if (code || !s.to)
        return code;
    code = vectors_claim(m->vectors, e); /* who does not write them need not embed either */
    if (code)
        return code;
    if (m->renewing != s.count) { /* what was noted since may lie before */
        m->renewing = s.count;
        m->renew_at = s.from - 1;
    }
    struct round *r = mem_zalloc(sizeof *r);
    if (!r)
        return err_nomem(e);
    vectors_state(m->vectors, &state);
    r->m = m;
    r->last = state.last;
    r->kept = arena_new();
    r->page = arena_new();
    int64_t begun = m->renew_at;
    code = r->kept && r->page ? run_round(r, &s, more, e) : err_nomem(e);
    if (code)
        m->renew_at = begun; /* its rows were not put in */
    arena_free(r->kept);
    arena_free(r->page);
    mem_free(r);
    return code;
}
