/* Counting what a session's memory holds and how it was used. See usage.h. */
#include "store/usage.h"

#include "store/internal.h"

enum { ROWS_FIRST = 64, OVER_MAX = 10000 };

enum err_code usage_counts(struct store_tx *tx, struct str session_id, struct usage_counts *out, struct err *e)
{
    struct query q;
    *out = (struct usage_counts){0};
    query_fixed(&q, tx, STMT_USAGE_COUNTS, e);
    query_text(&q, session_id);
    if (query_row(&q))
        *out = (struct usage_counts){.conversations = query_col_int(&q, 0),
                                     .turns = query_col_int(&q, 1),
                                     .summaries = query_col_int(&q, 2),
                                     .events = query_col_int(&q, 3),
                                     .patterns = query_col_int(&q, 4),
                                     .agent_states = query_col_int(&q, 5),
                                     .checkpoints = query_col_int(&q, 6),
                                     .context_loads = query_col_int(&q, 7)};
    return query_end(&q);
}

static struct usage_row row_of(struct query *q, struct arena *a)
{
    return (struct usage_row){.agent = query_col_text(q, a, 0),
                              .role = query_col_text(q, a, 1),
                              .hour = query_col_int(q, 2),
                              .turns = query_col_int(q, 3),
                              .tokens = query_col_int(q, 4),
                              .bytes = query_col_int(q, 5),
                              .responses = query_col_int(q, 6),
                              .response_ms = q->tx->d->column_real(q->s, 7),
                              .response_max_ms = q->tx->d->column_real(q->s, 8),
                              .first = query_col_int(q, 9),
                              .last = query_col_int(q, 10)};
}

static bool grow(struct arena *a, struct usage_row **rows, size_t n, size_t *cap)
{
    size_t more = *cap ? *cap * 2 : ROWS_FIRST;
    struct usage_row *wider = arena_array(a, struct usage_row, more);
    for (size_t i = 0; wider && i < n; i++)
        wider[i] = (*rows)[i];
    if (!wider)
        return false;
    *rows = wider;
    *cap = more;
    return true;
}

enum err_code usage_turns(struct store_tx *tx, struct arena *a, struct str session_id, struct usage_row **out,
                          size_t *n, struct err *e)
{
    struct query q;
    size_t cap = 0;
    *out = NULL;
    *n = 0;
    query_fixed(&q, tx, STMT_USAGE_TURNS, e);
    query_text(&q, session_id);
    while (query_row(&q)) {
        if (*n == cap && !grow(a, out, *n, &cap)) {
            (void)query_end(&q);
            return err_nomem(e);
        }
        (*out)[(*n)++] = row_of(&q, a);
    }
    return query_end(&q);
}

/* ---- context loads ---- */

enum err_code context_loads_over(struct store_tx *tx, struct arena *a, int64_t keep, int limit, struct usage_over **out,
                                 size_t *n, struct err *e)
{
    size_t most = limit < 1 ? 1 : limit > OVER_MAX ? OVER_MAX : (size_t)limit;
    struct query q;
    *n = 0;
    *out = arena_array(a, struct usage_over, most);
    if (!*out)
        return err_nomem(e);
    query_fixed(&q, tx, STMT_LOADS_OVER, e);
    query_int(&q, keep < 0 ? 0 : keep);
    query_int(&q, (int64_t)most);
    while (*n < most && query_row(&q)) {
        struct str id = query_col_text(&q, a, 0);
        (*out)[(*n)++] = (struct usage_over){.session_id = id, .upto = query_col_int(&q, 1)};
    }
    return query_end(&q);
}

enum err_code context_loads_delete(struct store_tx *tx, const struct usage_over *o, int limit, int64_t *deleted,
                                   struct err *e)
{
    struct query q;
    int64_t before = tx->d->changed(tx->c);
    query_fixed(&q, tx, STMT_LOADS_DELETE, e);
    query_text(&q, o->session_id);
    query_int(&q, o->upto);
    query_int(&q, limit);
    tx_mark_record(tx, KIND_CONTEXT_LOAD, o->session_id); /* a trace: no answer depends on it */
    enum err_code code = query_run(&q);
    *deleted = code ? 0 : tx->d->changed(tx->c) - before;
    return code;
}
