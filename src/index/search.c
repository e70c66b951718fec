/* One search: the stock and what is missing from it → the best turns and those around them. The stock is made to reach
 * up to the store's last commit first, so that a writer finds what it has just written. What still misses (the index is
 * far behind, or damaged) is taken from the store for this one search: the newest INDEX_TAIL_MAX turns of it, as a
 * segment that is thrown away afterwards. A segment that turns out to be damaged is set aside and the search begins
 * again.
 *
 * Deleted turns: the very best are looked up in the store, and all of the best when one of those is gone. What is gone
 * is remembered as dead, and the search is done again without it, for more at once each time, so that a crowd of
 * deleted turns does not push living ones out. Some further down the list may be gone: whoever shows a turn reads it
 * first. */
#include "index/engine.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ATTEMPTS = 16, ROUNDS = 4, MORE = 4, HITS_MAX = 20000, LOOKED_UP = 48, WAIT_STEP_US = 250, FEWER = 8 };

struct search {
    struct index *x;
    const struct index_query *q;
    struct arena *scratch;
    struct stock *stock;
    struct segment *tail; /* what the stock misses; NULL: nothing */
    struct ranking rank;
};

static enum err_code too_late(const struct index_query *q, struct err *e)
{
    if (q->deadline_us && clock_mono_us() > q->deadline_us)
        return err_set(e, ERR_TIMEOUT, NULL, "the search took too long");
    return ERR_OK;
}

/* ---- up to date ---- */
/* Whoever has it mostly needs no longer than a few steps of this. */
static bool lock_feeding(struct index *x)
{
    for (int waited_us = 0; pthread_mutex_trylock(&x->feeding) != 0; waited_us += WAIT_STEP_US) {
        if (waited_us >= FEEDING_WAIT_MS * 1000)
            return false;
        usleep(WAIT_STEP_US);
    }
    return true;
}

static bool reaches(const struct stock *s, int64_t last)
{
    return s->taken >= last;
}

/* Looks at the manifest, takes in what is little; *last: the store's. */
static enum err_code catch_up(struct search *s, int64_t *last, struct err *e)
{
    struct index *x = s->x;
    struct err passing = {0};
    struct stamp now;
    int64_t n;
    enum err_code code = stored_last_now(x, s->q->deadline_us, last, e);
    if (code)
        return code;
    manifest_stamp(x->dir, &now);
    s->stock = index_stock(x);
    bool same = memcmp(&now, &s->stock->stamp, sizeof now) == 0 && !s->stock->again;
    if ((same && reaches(s->stock, *last)) || !lock_feeding(x))
        return ERR_OK;
    code = feed_refresh(x, &passing);
    if (code == ERR_IO || code == ERR_READ_ONLY || code == ERR_BUSY)
        code = ERR_OK; /* with the files that are known, then */
    if (code)
        (void)err_set(e, code, NULL, "%s", passing.message);
    if (code == ERR_OK && !reaches(x->stock, *last) && *last - x->stock->taken <= CATCH_UP_MAX)
        code = feed_some(x, CATCH_UP_MAX, &n, e);
    stock_drop(s->stock);
    s->stock = index_stock(x);
    pthread_mutex_unlock(&x->feeding);
    return code;
}

/* ---- what the stock misses ---- */
static bool missing(const struct stock *s, int64_t seq)
{
    for (size_t i = 0; i < s->n_holes; i++)
        if (seq > s->holes[i].from && seq <= s->holes[i].to)
            return true;
    return seq > s->taken;
}

static size_t keep_missing(const struct search *s, struct turn *t, size_t n)
{
    const struct index_query *q = s->q;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        bool in = missing(s->stock, t[i].seq);
        if (in && !q->session_id.p) {
            in = !q->project.p || str_eq(t[i].project, q->project);
            in = in && (!q->view || scope_view_reads(q->view, t[i].session_id, t[i].project));
        }
        if (in)
            t[kept++] = t[i];
    }
    return kept;
}

/* At most `limit` of the missing turns: the newest; when only holes are missing, the first of those. */
static enum err_code take_some(struct search *s, int64_t last, int limit, struct err *e)
{
    struct store_tx *tx = NULL;
    struct turn *t = NULL;
    size_t n = 0;
    int64_t after = s->stock->taken;
    struct arena *a = arena_new();
    if (!a)
        return err_nomem(e);
    for (size_t i = 0; i < s->stock->n_holes; i++)
        after = s->stock->holes[i].from < after ? s->stock->holes[i].from : after;
    enum err_code code = store_read_begin_deadline(s->x->store, s->q->deadline_us, &tx, e);
    if (code == ERR_OK) {
        code = turns_after(tx, a, s->q->session_id, after, limit, !reaches(s->stock, last), &t, &n, e);
        store_read_end(tx);
    }
    n = code == ERR_OK ? keep_missing(s, t, n) : 0;
    if (n > 0)
        code = segment_build(t, n, t[0].seq - 1, t[n - 1].seq, &s->tail, e);
    arena_free(a);
    return code;
}

/* Very long turns may be more than memory has room for: then fewer. */
static enum err_code take_tail(struct search *s, int64_t last, struct err *e)
{
    if (s->stock->n_holes == 0 && reaches(s->stock, last))
        return ERR_OK;
    for (int limit = INDEX_TAIL_MAX;; limit /= FEWER) {
        struct err now = {0};
        enum err_code code = take_some(s, last, limit, &now);
        if (code != ERR_NOMEM || limit < FEWER)
            return code ? err_set(e, code, NULL, "%s", now.message) : ERR_OK;
    }
}

/* ---- parts ---- */
static enum err_code add_part(struct search *s, struct segment *g, struct err *e)
{
    struct ranking *r = &s->rank;
    struct part_of *p = &r->parts[r->n_parts];
    *p = (struct part_of){.s = g};
    if (!segment_whole(g))
        return segment_bad(g, e);
    enum err_code code = extent_make(s->scratch, s->q, p, e);
    if (code || p->turns == 0)
        return code;
    p->lists = arena_array(s->scratch, struct list, s->q->n_terms + 1);
    if (!p->lists)
        return err_nomem(e);
    for (size_t k = 0; k < s->q->n_terms; k++)
        if (!terms_find(g, s->q->terms[k], &p->lists[k]))
            return segment_bad(g, e);
    r->turns += p->turns;
    r->bytes += p->bytes;
    r->n_parts++;
    return ERR_OK;
}

static enum err_code make_parts(struct search *s, struct err *e)
{
    struct ranking *r = &s->rank;
    *r = (struct ranking){.q = s->q};
    r->parts = arena_array(s->scratch, struct part_of, s->stock->n + 1);
    if (!r->parts)
        return err_nomem(e);
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < s->stock->n; i++)
        code = add_part(s, s->stock->segments[i], e);
    if (code == ERR_OK && s->tail)
        code = add_part(s, s->tail, e);
    return code ? code : rank_weigh(r, e);
}

/* ---- the dead ---- */
/* Asks the store for the best, for all of them when one of the first is gone; *dead: how many are. */
static enum err_code look_up(struct search *s, const struct ranked *best, size_t n, size_t *dead, struct err *e)
{
    struct store_tx *tx = NULL;
    size_t some = n < LOOKED_UP ? n : LOOKED_UP;
    int64_t *seqs = arena_array(s->scratch, int64_t, n + 1);
    bool *alive = arena_array(s->scratch, bool, n + 1);
    if (!seqs || !alive)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++)
        seqs[i] = best[i].seq;
    enum err_code code = store_read_begin_deadline(s->x->store, s->q->deadline_us, &tx, e);
    if (code)
        return code;
    code = turns_alive(tx, seqs, some, alive, e);
    if (code == ERR_OK && some < n && memchr(alive, false, some)) {
        code = turns_alive(tx, seqs + some, n - some, alive + some, e);
        some = n;
    }
    store_read_end(tx);
    *dead = 0;
    for (size_t i = 0; code == ERR_OK && i < some; i++)
        if (!alive[i]) {
            segment_set_dead(s->rank.parts[best[i].part].s, best[i].doc);
            ++*dead;
        }
    return code;
}

static enum err_code rank_living(struct search *s, struct err *e)
{
    struct ranking *r = &s->rank;
    size_t wanted = s->q->limit > 0 ? (size_t)s->q->limit : 0, dead = 0;
    int64_t matches = r->matches;
    r->limit = wanted < HITS_MAX ? wanted : HITS_MAX;
    for (int round = 0; round < ROUNDS; round++) {
        r->matches = matches;
        enum err_code code = rank_run(r, s->scratch, e);
        if (code == ERR_OK && r->n > 0)
            code = look_up(s, r->best, r->n, &dead, e);
        if (code)
            return code;
        if (r->n == 0 || dead == 0)
            break;
        size_t kept = 0;
        for (size_t i = 0; i < r->n; i++)
            if (!segment_is_dead(r->parts[r->best[i].part].s, r->best[i].doc))
                r->best[kept++] = r->best[i];
        bool all = r->n < r->limit;
        r->n = kept;
        if (all || kept >= wanted)
            break;
        dead = 0;
        r->limit = r->limit * MORE < HITS_MAX ? r->limit * MORE : HITS_MAX;
    }
    r->n = r->n < wanted ? r->n : wanted;
    return ERR_OK;
}

/* ---- turns that meaning found ---- */
static int compare_seqs(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* False: a segment is bad. */
static bool find_seq(struct search *s, int64_t seq, struct located *out, bool *found)
{
    struct ranking *r = &s->rank;
    *found = false;
    for (size_t i = 0; i < r->n_parts && !*found; i++) {
        uint32_t doc;
        struct part_of *p = &r->parts[i];
        if (!segment_find_seq(p->s, seq, &doc)) {
            if (atomic_load(&p->s->bad))
                return false;
            continue;
        }
        if (!extent_has(p, doc))
            return true;
        if (!rank_wants(r, p, doc, found) || (*found && !place_of(r, (uint32_t)i, doc, out)))
            return false;
    }
    return true;
}

static enum err_code take_also(struct search *s, struct located *best, size_t *n, struct err *e)
{
    size_t known = *n;
    int64_t *seqs = arena_array(s->scratch, int64_t, known + 1);
    if (!seqs)
        return err_nomem(e);
    for (size_t i = 0; i < known; i++)
        seqs[i] = best[i].hit.seq;
    if (known > 1)
        qsort(seqs, known, sizeof *seqs, compare_seqs);
    for (size_t i = 0; i < s->q->n_also; i++) {
        bool found = false;
        if (known && bsearch(&s->q->also[i], seqs, known, sizeof *seqs, compare_seqs))
            continue;
        if (!find_seq(s, s->q->also[i], &best[*n], &found))
            return err_set(e, ERR_CORRUPT, NULL, "a segment of the index is damaged");
        *n += found;
    }
    return ERR_OK;
}

/* ---- the whole ---- */
static enum err_code hand_over(struct search *s, struct arena *a, struct index_hits *out, struct err *e)
{
    struct ranking *r = &s->rank;
    size_t n = 0;
    struct located *best = arena_array(s->scratch, struct located, r->n + s->q->n_also + 1);
    out->idf = arena_array(a, double, s->q->n_terms + 1);
    if (!best || !out->idf)
        return err_nomem(e);
    for (size_t i = 0; i < r->n; i++, n++) {
        if (!place_of(r, r->best[i].part, r->best[i].doc, &best[n]))
            return segment_bad(r->parts[r->best[i].part].s, e);
        best[n].hit.score = r->best[i].score;
        best[n].hit.matched = r->best[i].matched;
    }
    out->matches = r->matches;
    memcpy(out->idf, r->idf, s->q->n_terms * sizeof *r->idf);
    enum err_code code = s->q->n_also ? take_also(s, best, &n, e) : ERR_OK;
    return code ? code : places_hand_over(r, s->scratch, a, best, n, out, e);
}

static enum err_code run(struct search *s, struct arena *a, struct index_hits *out, struct err *e)
{
    int64_t last = 0;
    enum err_code code = catch_up(s, &last, e);
    if (code == ERR_OK)
        code = take_tail(s, last, e);
    if (code == ERR_OK)
        code = too_late(s->q, e);
    if (code == ERR_OK)
        code = make_parts(s, e);
    if (code == ERR_OK)
        code = rank_living(s, e);
    return code ? code : hand_over(s, a, out, e);
}

static void set_aside(struct index *x)
{
    struct err why = {0};
    pthread_mutex_lock(&x->feeding);
    if (feed_set_aside(x, &why))
        log_error("index_set_aside_failed", &why);
    pthread_mutex_unlock(&x->feeding);
    index_wake(x);
}

enum err_code index_search(struct index *x, struct arena *a, const struct index_query *q, struct index_hits *out,
                           struct err *e)
{
    struct err why = {0};
    enum err_code code = ERR_CORRUPT;
    if (q->n_terms > INDEX_TERMS_MAX)
        return err_set(e, ERR_INVALID, "query", "at most %d words can be searched at once", INDEX_TERMS_MAX);
    for (int i = 0; i < ATTEMPTS && code == ERR_CORRUPT; i++) {
        struct search s = {.x = x, .q = q, .scratch = arena_new()};
        *out = (struct index_hits){0};
        err_clear(&why);
        code = s.scratch ? run(&s, a, out, &why) : err_nomem(&why);
        bool ours = code == ERR_CORRUPT && s.stock;
        segment_drop(s.tail);
        stock_drop(s.stock);
        arena_free(s.scratch);
        if (code == ERR_CORRUPT && !ours)
            break; /* the store's damage, not ours */
        if (ours)
            set_aside(x);
    }
    return code ? err_set(e, code, NULL, "%s", why.message) : ERR_OK;
}
