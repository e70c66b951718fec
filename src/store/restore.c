/* Turns that retention let go, put back. See retention.h. What is left of a turn is a row deleted softly, or emptied by
 * erasure of what has aged; it makes room for the new one, which gets a seq of its own: what is derived from turns is
 * made in the order of seqs, and would never look at an old one again. */
#include "store/retention.h"

#include "base/clock.h"
#include "store/internal.h"

enum err_code turn_trace(struct store_tx *tx, struct arena *a, struct str id, struct turn_trace *out, struct err *e)
{
    struct query q;
    *out = (struct turn_trace){.seq = 0};
    query_fixed(&q, tx, STMT_TURN_TRACE, e);
    query_text(&q, id);
    if (query_row(&q))
        *out = (struct turn_trace){.seq = query_col_int(&q, 0),
                                   .conversation_id = query_col_text(&q, a, 1),
                                   .session_id = query_col_text(&q, a, 2),
                                   .project = query_col_text(&q, a, 3),
                                   .turn_number = query_col_int(&q, 4),
                                   .alive = query_col_int(&q, 5) != 0};
    return query_end(&q);
}

static enum err_code is_erased(struct store_tx *tx, struct str id, bool *out, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_TURN_ERASED, e);
    query_text(&q, id);
    *out = query_row(&q);
    return query_end(&q);
}

/* *other: the number is not this turn's to have. *seq: of the row that has it, 0: none. */
static enum err_code look_at_number(struct store_tx *tx, const struct turn_new *t, int64_t number, int64_t *seq,
                                    bool *other, struct err *e)
{
    struct query q;
    *seq = 0;
    *other = false;
    query_fixed(&q, tx, STMT_TURN_NUMBERED, e);
    query_text(&q, t->conversation_id);
    query_int(&q, number);
    if (query_row(&q)) {
        *seq = query_col_int(&q, 0);
        *other = !str_eq(tx->d->column_text(q.s, 1), t->id);
    }
    return query_end(&q);
}

static enum err_code change_row(struct store_tx *tx, enum statement which, int64_t seq, struct err *e)
{
    struct query q;
    if (!seq)
        return ERR_OK;
    query_fixed(&q, tx, which, e);
    query_int(&q, seq);
    return query_run(&q);
}

/* The old row goes only when the new one is there: the highest seq of all is never given again. */
static enum err_code put(struct store_tx *tx, const struct turn_new *t, int64_t number, int64_t old, struct err *e)
{
    struct turn_added added;
    enum err_code rc = change_row(tx, STMT_TURN_RETIRE, old, e);
    if (!rc)
        rc = turn_insert_as(tx, t, number, &added, e);
    return rc ? rc : change_row(tx, STMT_TURN_DROP, old, e);
}

enum err_code turn_put_back(struct store_tx *tx, const struct turn_new *t, int64_t number, enum put_back *how,
                            struct err *e)
{
    struct turn_trace is;
    bool erased = false, other = false;
    int64_t old = 0;
    struct arena *a = arena_new();
    enum err_code rc = a ? turn_trace(tx, a, t->id, &is, e) : err_nomem(e);
    bool elsewhere = !rc && is.seq && (!str_eq(is.conversation_id, t->conversation_id) || is.turn_number != number);
    *how = PUT_BACK_OTHER;
    if (!rc && is.alive) {
        *how = PUT_BACK_KNOWN;
    } else if (!rc && !elsewhere) {
        rc = is_erased(tx, t->id, &erased, e);
        if (!rc)
            rc = look_at_number(tx, t, number, &old, &other, e);
        *how = erased ? PUT_BACK_ERASED : other ? PUT_BACK_OTHER : PUT_BACK;
    }
    if (!rc && *how == PUT_BACK)
        rc = put(tx, t, number, old, e);
    arena_free(a);
    return rc;
}

enum err_code turns_back(struct store_tx *tx, struct str conversation_id, int64_t first, int64_t bytes, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_TURNS_BACK, e);
    query_text(&q, conversation_id);
    query_int(&q, first - 1);
    query_int(&q, bytes);
    query_int(&q, clock_now_ms());
    tx_forget(tx);
    tx->marks.all = tx->marks.accounted = true;
    return query_run(&q);
}
