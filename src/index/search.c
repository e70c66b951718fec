/* Search: posting lists and the fresh tail become one list of turns with BM25, best first, then the turns
 * around them. The order of reading matters: the watermark and the posting lists are one snapshot of the index, and
 * the store is asked after it, so that no turn can fall between the two. Where the turns stand: places.c. */
#include "index/intern.h"

#include "base/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* BM25. Turns are short and of one kind, so length and repetition say less than in documents: b 0.4 and k1 0.9 did
 * best on five conversations (b 0.75, k1 1.2, usual for documents: 1.2 points of R@10 less). */
static const double K1 = 0.9, B = 0.4;
enum { CLOCK_EVERY = 256 };

/* ---- scope ---- */
static enum err_code scope_session(struct search *s, struct err *e)
{
    sqlite3_stmt *q = db_stmt(s->d, DB_SESSION_FIND, e);
    if (!q)
        return e->code;
    bind_str(q, 1, s->q->session_id);
    int rc = sqlite3_step(q);
    s->empty = rc != SQLITE_ROW;
    if (!s->empty) {
        s->session = sqlite3_column_int64(q, 0);
        s->scope.turns = sqlite3_column_int64(q, 1);
        s->scope.bytes = sqlite3_column_int64(q, 2);
        row_range(s->session, &s->scope.from, &s->scope.to);
    }
    sqlite3_reset(q);
    return db_error(s->d, rc, e);
}

static bool readable(const struct search *s, sqlite3_stmt *session)
{
    return !s->q->view || scope_view_reads(s->q->view, column_str(session, 3), column_str(session, 4));
}

/* Only what is asked for and may be read counts, also for the weight of words: it must not tell of the rest. */
static enum err_code scope_sessions(struct search *s, struct err *e)
{
    bool some = s->q->project.p || s->q->view;
    uint64_t *slots = some ? arena_array(s->scratch, uint64_t, ROW_SLOTS / 64) : NULL;
    sqlite3_stmt *q = db_stmt(s->d, DB_SESSION_ALL, e);
    if (!q || (some && !slots))
        return q ? err_nomem(e) : e->code;
    if (s->q->project.p)
        bind_str(q, 1, s->q->project);
    int rc;
    while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
        int64_t slot = sqlite3_column_int64(q, 0) & (ROW_SLOTS - 1);
        if (!readable(s, q))
            continue;
        s->scope.turns += sqlite3_column_int64(q, 1);
        s->scope.bytes += sqlite3_column_int64(q, 2);
        if (slots)
            slots[slot >> 6] |= (uint64_t)1 << (slot & 63);
    }
    sqlite3_reset(q);
    s->empty = s->scope.turns == 0;
    s->scope.to = INT64_MAX;
    s->scope.slots = slots;
    return db_error(s->d, rc, e);
}

/* Everything that is read from the index before the store is asked. */
static enum err_code read_index(struct search *s, int64_t *taken, struct err *e)
{
    enum err_code code = meta_get(s->d, "taken", taken, NULL, 0, e);
    if (code == ERR_OK)
        code = s->q->session_id.p ? scope_session(s, e) : scope_sessions(s, e);
    if (code || s->empty)
        return code;
    return collect_terms(s->d, s->scratch, &s->scope, s->q->terms, s->q->n_terms, s->q->deadline_us, s->terms, e);
}

/* ---- scoring ---- */
static void weigh_terms(struct search *s)
{
    double turns = (double)s->scope.turns + (double)s->tail.n;
    double bytes = (double)s->scope.bytes + (double)s->tail.bytes;
    s->average = turns > 0 && bytes > 0 ? bytes / turns : 1;
    for (size_t k = 0; k < s->q->n_terms; k++) {
        double df = s->terms[k].df;
        for (size_t i = 0; i < s->tail.n; i++)
            df += s->tail.matched[i] >> k & 1;
        df = fmin(df, turns);
        s->idf[k] = log(1 + (turns - df + 0.5) / (df + 0.5)) * (s->q->weights ? s->q->weights[k] : 1);
    }
}

static double weight(double tf, double bytes, double average)
{
    return tf * (K1 + 1) / (tf + K1 * (1 - B + B * bytes / average));
}

/* Walks all posting lists together, rows descending. */
static void merge(struct search *s)
{
    size_t at[INDEX_TERMS_MAX] = {0};
    double lengths[ROW_LENGTHS];
    row_lengths(lengths);
    for (;;) {
        int64_t row = -1;
        for (size_t k = 0; k < s->q->n_terms; k++)
            if (at[k] < s->terms[k].n && s->terms[k].p[at[k]].row > row)
                row = s->terms[k].p[at[k]].row;
        if (row < 0)
            return;
        struct scored *o = &s->heap[s->n++];
        *o = (struct scored){.row = row};
        for (size_t k = 0; k < s->q->n_terms; k++) {
            struct postings *p = &s->terms[k];
            if (at[k] == p->n || p->p[at[k]].row != row)
                continue;
            o->score += s->idf[k] * weight(p->p[at[k]++].tf, lengths[row_length(row)], s->average);
            o->matched |= (uint32_t)1 << k;
        }
    }
}

static void add_tail(struct search *s)
{
    for (size_t i = 0; i < s->tail.n; i++) {
        if (!s->tail.matched[i])
            continue;
        struct scored *o = &s->heap[s->n++];
        *o = (struct scored){.row = -1 - (int64_t)i, .matched = s->tail.matched[i]};
        for (size_t k = 0; k < s->q->n_terms; k++) {
            double tf = s->tail.tf[i * s->q->n_terms + k];
            if (tf > 0)
                o->score += s->idf[k] * weight(tf, (double)s->tail.turns[i].content.n, s->average);
        }
    }
}

static enum err_code score_all(struct search *s, struct err *e)
{
    size_t most = s->tail.n;
    for (size_t k = 0; k < s->q->n_terms; k++)
        most += s->terms[k].n;
    s->heap = arena_array(s->scratch, struct scored, most ? most : 1);
    if (!s->heap)
        return err_nomem(e);
    weigh_terms(s);
    merge(s);
    add_tail(s);
    return ERR_OK;
}

/* ---- a heap, so that only as many as are wanted get sorted ---- */
static int64_t seq_of(const struct search *s, const struct scored *o)
{
    return o->row < 0 ? s->tail.turns[-1 - o->row].seq : row_seq(o->row);
}

static bool better(const struct search *s, const struct scored *a, const struct scored *b)
{
    return a->score != b->score ? a->score > b->score : seq_of(s, a) > seq_of(s, b);
}

static void sift(struct search *s, size_t i)
{
    for (;;) {
        size_t best = i;
        for (size_t c = 2 * i + 1; c <= 2 * i + 2 && c < s->n; c++)
            if (better(s, &s->heap[c], &s->heap[best]))
                best = c;
        if (best == i)
            return;
        struct scored t = s->heap[i];
        s->heap[i] = s->heap[best];
        s->heap[best] = t;
        i = best;
    }
}

static struct scored pop(struct search *s)
{
    struct scored top = s->heap[0];
    s->heap[0] = s->heap[--s->n];
    sift(s, 0);
    return top;
}

/* The best `limit` that are wanted. */
static enum err_code take_best(struct search *s, struct located **out, size_t *n, struct err *e)
{
    size_t limit = s->q->limit > 0 ? (size_t)s->q->limit : 0;
    struct located *p = arena_array(s->scratch, struct located, (limit < s->n ? limit : s->n) + s->q->n_also + 1);
    *n = 0;
    *out = p;
    if (!p)
        return err_nomem(e);
    for (size_t i = s->n / 2; i-- > 0;)
        sift(s, i);
    for (unsigned tried = 1; *n < limit && s->n > 0; tried++) {
        struct scored o = pop(s);
        bool wanted = false;
        enum err_code code = place_of(s, &o, &p[*n], &wanted, e);
        if (code)
            return code;
        *n += wanted;
        if (tried % CLOCK_EVERY == 0 && s->q->deadline_us && clock_mono_us() > s->q->deadline_us)
            return err_set(e, ERR_TIMEOUT, NULL, "the search took too long");
    }
    return ERR_OK;
}

/* ---- turns that something else than words found ---- */
static int compare_seqs(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* As a row of the index, or of the tail where it is there. Only the seq of the row counts from here on. */
static struct scored found_elsewhere(const struct search *s, int64_t seq)
{
    size_t low = 0, high = s->tail.n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (s->tail.turns[mid].seq < seq)
            low = mid + 1;
        else
            high = mid;
    }
    bool fresh = low < s->tail.n && s->tail.turns[low].seq == seq;
    return (struct scored){.row = fresh ? -1 - (int64_t)low : row_make(0, seq, 0)};
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
        bool wanted = false;
        if (known && bsearch(&s->q->also[i], seqs, known, sizeof *seqs, compare_seqs))
            continue;
        struct scored o = found_elsewhere(s, s->q->also[i]);
        if (o.row >= 0 && !s->d)
            continue;
        enum err_code code = place_of(s, &o, &best[*n], &wanted, e);
        if (code)
            return code;
        *n += wanted;
    }
    return ERR_OK;
}

/* ---- the whole ---- */
static enum err_code run(struct search *s, struct arena *a, struct index_hits *out, struct err *e)
{
    int64_t taken = 0;
    struct located *best = NULL;
    size_t n = 0;
    enum err_code code = s->d ? read_index(s, &taken, e) : ERR_OK;
    if (code == ERR_OK)
        code = tail_load(s->x->store, s->scratch, s->q, taken, &s->tail, e);
    if (code == ERR_OK)
        code = places_prepare(s, e);
    if (code == ERR_OK)
        code = score_all(s, e);
    out->matches = (int64_t)s->n;
    if (code == ERR_OK)
        code = take_best(s, &best, &n, e);
    if (code == ERR_OK && s->q->n_also)
        code = take_also(s, best, &n, e);
    if (code == ERR_OK)
        code = places_hand_over(s, a, best, n, out, e);
    if (code)
        return code;
    out->idf = arena_array(a, double, s->q->n_terms + 1);
    if (!out->idf)
        return err_nomem(e);
    memcpy(out->idf, s->idf, s->q->n_terms * sizeof *s->idf);
    return ERR_OK;
}

/* With the index: one snapshot of it. */
static enum err_code run_indexed(struct index *x, struct arena *a, const struct index_query *q, struct index_hits *out,
                                 struct err *e)
{
    struct db *d = NULL;
    enum err_code code = index_acquire(x, &d, e);
    if (code)
        return code;
    struct search s = {.x = x, .d = d, .scratch = d->scratch, .q = q};
    code = db_exec(d, "BEGIN", e);
    if (code == ERR_OK)
        code = run(&s, a, out, e);
    if (!sqlite3_get_autocommit(d->db))
        db_exec(d, "ROLLBACK", NULL);
    index_release(x, d, code == ERR_CORRUPT || code == ERR_IO);
    return code;
}

/* Without: a connection in memory lends its arena. */
static enum err_code run_tail(struct index *x, struct arena *a, const struct index_query *q, struct index_hits *out,
                              struct err *e)
{
    struct db *d = NULL;
    enum err_code code = db_open(":memory:", DB_WRITE, &d, e);
    if (code)
        return code;
    struct search s = {.x = x, .scratch = d->scratch, .q = q, .empty = true};
    code = run(&s, a, out, e);
    db_close(d);
    return code;
}

enum err_code index_search(struct index *x, struct arena *a, const struct index_query *q, struct index_hits *out,
                           struct err *e)
{
    struct err first = {0};
    *out = (struct index_hits){0};
    if (q->n_terms > INDEX_TERMS_MAX)
        return err_set(e, ERR_INVALID, "query", "at most %d words can be searched at once", INDEX_TERMS_MAX);
    enum err_code code = run_indexed(x, a, q, out, &first);
    if (code == ERR_CORRUPT)
        index_damaged(x);
    /* Unreadable or not there: the newest turns are better than nothing. A store that fails fails again below. */
    if (code == ERR_CORRUPT || code == ERR_IO || code == ERR_READ_ONLY) {
        *out = (struct index_hits){0};
        return run_tail(x, a, q, out, e ? e : &first);
    }
    return code ? err_set(e, code, NULL, "%s", first.message) : ERR_OK;
}
