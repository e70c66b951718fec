/* Finding patterns by a bounded look at all of them: only the narrow columns are read (store/patterns.h) and stems
 * compared as kept, so that ten thousand cost some tens of milliseconds; their vectors are kept in memory (similar.h).
 * An index of records' words would take the place of patterns_match and of nothing else. */
#include "service/patterns/find.h"

#include "service/patterns/keep.h"
#include "service/patterns/score.h"
#include "service/patterns/terms.h"

#include "base/clock.h"

#include <stdlib.h>

/* A cosine of 1 says as much as half of the query's words; from NEAR_JOINS on it is a match without any. Waiting for
 * vectors that are just being made is bounded by NEAR_US. The same balance as of other records (search/records.c),
 * whose words count about half of what they do here. */
static const double NEAR_WORTH = 0.5, NEAR_JOINS = 0.32;
enum { NEAR_US = 30000 };

static bool wanted(const struct pattern_query *q, const struct pattern_row *r)
{
    if (q->pattern_type.n && !str_eq(q->pattern_type, r->pattern_type))
        return false;
    if (q->project.n && !str_eq(q->project, r->project))
        return false;
    if (q->recommend && r->deprecated)
        return false;
    return caller_reads(q->caller, r->project, r->privacy_level);
}

/* Patterns that came by other ways than this room's (an import, a store of before) have no terms yet. */
static enum err_code make_terms(struct store_tx *tx, struct arena *a, struct pattern_row *r, struct err *e)
{
    struct record *full;
    enum err_code code = record_by_seq(tx, a, pattern_kind(), r->seq, &full, e);
    if (!code)
        code = pattern_complete(a, full, e);
    if (!code)
        r->terms = record_text(full, "terms");
    return code;
}

static enum err_code keep_wanted(struct store_tx *tx, struct arena *a, const struct pattern_query *q,
                                 struct pattern_row *rows, size_t *n, struct err *e)
{
    size_t kept = 0;
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < *n && !code; i++) {
        if (!wanted(q, &rows[i]))
            continue;
        rows[kept] = rows[i];
        if (!rows[kept].terms.p)
            code = make_terms(tx, a, &rows[kept], e);
        kept++;
    }
    *n = kept;
    return code;
}

static int by_score(const void *pa, const void *pb)
{
    const struct pattern_match *a = pa, *b = pb;
    if (a->score != b->score)
        return a->score < b->score ? 1 : -1;
    if (a->quality != b->quality)
        return a->quality < b->quality ? 1 : -1;
    return a->seq < b->seq ? 1 : a->seq > b->seq ? -1 : 0;
}

static struct pattern_match judge(const struct pattern_query *q, const struct pattern_row *r, double similarity)
{
    int64_t last = r->last_used ? r->last_used : r->created_at;
    struct pattern_match m = {.seq = r->seq,
                              .similarity = similarity,
                              .quality = r->quality,
                              .success_rate = r->success_rate,
                              .recency = pattern_recency(q->now - last)};
    m.score = q->recommend ? pattern_worth(similarity, m.quality, m.success_rate, m.recency) : similarity;
    return m;
}

/* The cosine of each row, NAN: not known. Rows come newest first, as similar_records wants them. */
static enum err_code nearness_of(struct arena *a, const struct pattern_query *q, const struct pattern_row *rows,
                                 size_t n, float **out, struct err *e)
{
    int64_t *seqs = arena_array(a, int64_t, n + 1);
    *out = arena_array(a, float, n + 1);
    if (!seqs || !*out)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++)
        seqs[i] = rows[i].seq;
    (void)similar_records(q->similar, a, pattern_kind(), q->text, seqs, n, clock_mono_us() + NEAR_US, *out);
    return ERR_OK;
}

enum err_code patterns_match(struct store_tx *tx, struct arena *a, const struct pattern_query *q,
                             struct pattern_match **out, size_t *n, struct err *e)
{
    struct pattern_row *rows;
    struct str terms;
    float *near = NULL;
    size_t n_rows;
    *n = 0;
    enum err_code code = pattern_terms(a, q->text, &terms, e);
    if (!code)
        code = patterns_scan(tx, a, PATTERN_SCAN_MAX, &rows, &n_rows, e);
    if (!code)
        code = keep_wanted(tx, a, q, rows, &n_rows, e);
    if (!code)
        code = nearness_of(a, q, rows, n_rows, &near, e);
    if (code)
        return code;
    double *covered = arena_array(a, double, n_rows + 1);
    *out = arena_array(a, struct pattern_match, n_rows + 1);
    if (!covered || !*out)
        return err_nomem(e);
    code = patterns_coverage(a, terms, rows, n_rows, covered, e);
    for (size_t i = 0; !code && i < n_rows; i++) {
        double similarity = similar_both(covered[i], NEAR_WORTH * similar_share((double)near[i], 0, 1));
        if (covered[i] > 0 || (double)near[i] >= NEAR_JOINS)
            (*out)[(*n)++] = judge(q, &rows[i], similarity);
    }
    qsort(*out, *n, sizeof **out, by_score);
    return code;
}
