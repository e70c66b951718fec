/* Patterns by the columns that rank them. Why not lists of records: those read every text of every row, and thousands
 * of patterns are looked through for one question. */
#include "store/patterns.h"

#include "store/internal.h"

enum { ROWS_MAX = 100000, ROWS_FIRST = 64 };

static bool grow(struct arena *a, struct pattern_row **rows, size_t n, size_t *cap)
{
    size_t more = *cap ? *cap * 2 : ROWS_FIRST;
    struct pattern_row *wider = arena_array(a, struct pattern_row, more);
    for (size_t i = 0; wider && i < n; i++)
        wider[i] = (*rows)[i];
    if (!wider)
        return false;
    *rows = wider;
    *cap = more;
    return true;
}

/* In the order of PATTERN_COLUMNS. */
static struct pattern_row row_of(struct query *q, struct arena *a)
{
    return (struct pattern_row){
        .seq = query_col_int(q, 0),
        .project = query_col_text(q, a, 1),
        .privacy_level = query_col_text(q, a, 2),
        .pattern_type = query_col_text(q, a, 3),
        .terms = query_col_text(q, a, 4),
        .last_used = query_col_int(q, 5),
        .created_at = query_col_int(q, 6),
        .deprecated = query_col_int(q, 7) != 0,
        .quality = q->tx->d->column_real(q->s, 8),
        .success_rate = q->tx->d->column_real(q->s, 9),
    };
}

static enum err_code read_rows(struct query *q, struct arena *a, struct pattern_row **out, size_t *n)
{
    size_t cap = 0;
    *out = NULL;
    *n = 0;
    while (query_row(q)) {
        if (*n == cap && !grow(a, out, *n, &cap)) {
            (void)query_end(q);
            return err_nomem(q->e);
        }
        (*out)[(*n)++] = row_of(q, a);
    }
    return query_end(q);
}

static int64_t bounded(int limit)
{
    return limit < 0 ? 0 : limit > ROWS_MAX ? ROWS_MAX : limit;
}

enum err_code patterns_scan(struct store_tx *tx, struct arena *a, int limit, struct pattern_row **out, size_t *n,
                            struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_PATTERNS_SCAN, e);
    query_int(&q, bounded(limit));
    return read_rows(&q, a, out, n);
}

enum err_code patterns_alike(struct store_tx *tx, struct arena *a, struct str pattern_type, struct str project,
                             int limit, struct pattern_row **out, size_t *n, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_PATTERNS_ALIKE, e);
    query_text(&q, pattern_type);
    query_text(&q, project);
    query_int(&q, bounded(limit));
    return read_rows(&q, a, out, n);
}
