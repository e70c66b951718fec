/* Reading turns without the generic record around them. Not here: adding them (turn_append.c). */
#include "store/turns.h"

#include "store/gate_int.h"
#include "store/sealing.h"

/* Fewer new turns than this are scanned by number; more are found through the session's conversations. */
enum { SCAN_MAX = 20000, ROWS_MAX = 100000 };

/* Columns of TURN_COLUMNS, in that order. */
static void read_turn(struct query *q, struct arena *a, struct turn *t)
{
    *t = (struct turn){
        .seq = query_col_int(q, 0),
        .turn_number = query_col_int(q, 1),
        .timestamp = query_col_int(q, 2),
        .token_count = query_col_int(q, 3),
        .id = query_col_text(q, a, 4),
        .conversation_id = query_col_text(q, a, 5),
        .session_id = query_col_text(q, a, 6),
        .project = query_col_text(q, a, 7),
        .agent = query_col_text(q, a, 8),
        .role = query_col_text(q, a, 9),
    };
    t->content = query_col_sealed(q, a, 10, (struct sealed_place){"turn", "content", t->id});
    t->metadata = query_col_sealed(q, a, 11, (struct sealed_place){"turn", "metadata", t->id});
    t->content = t->content.p ? t->content : STR(""); /* where its session's key was destroyed */
    t->metadata = t->metadata.p ? t->metadata : STR("{}");
    if (!q->rc && q->tx->reader)
        q->rc = gate_shown_text(q->tx, a, t->project, false, &t->content, q->e);
    if (!q->rc && q->tx->reader)
        q->rc = gate_shown_text(q->tx, a, t->project, true, &t->metadata, q->e);
}

/* Rows come in unknown number, at most `limit`: grown in the arena, doubling. */
static enum err_code read_turns(struct query *q, struct arena *a, int limit, struct turn **out, size_t *n)
{
    size_t room = 0, max = limit > 0 ? (size_t)limit : 0;
    struct turn *rows = NULL;
    *n = 0;
    while (*n < max && query_row(q)) {
        if (*n == room) {
            size_t want = room ? room * 2 : 32;
            struct turn *more = arena_array(a, struct turn, want < max ? want : max);
            if (!more) {
                q->rc = err_nomem(q->e);
                break;
            }
            for (size_t i = 0; i < *n; i++)
                more[i] = rows[i];
            rows = more;
            room = want;
        }
        read_turn(q, a, &rows[(*n)++]);
    }
    *out = rows;
    return query_end(q);
}

/* From newest first to oldest first. */
static void reverse(struct turn *t, size_t n)
{
    for (size_t i = 0; i + 1 < n - i; i++) {
        struct turn swap = t[i];
        t[i] = t[n - 1 - i];
        t[n - 1 - i] = swap;
    }
}

/* A limit no caller needs to pass, so that a wrong number cannot ask for all memory. */
static int bounded(int limit)
{
    return limit < 0 ? 0 : limit > ROWS_MAX ? ROWS_MAX : limit;
}

enum err_code turns_page(struct store_tx *tx, struct arena *a, struct str conversation_id, int64_t first, int limit,
                         struct turn **out, size_t *n, struct err *e)
{
    struct query q;
    limit = bounded(limit);
    query_fixed(&q, tx, STMT_TURNS_PAGE, e);
    query_text(&q, conversation_id);
    query_int(&q, first);
    query_int(&q, first > INT64_MAX - limit ? INT64_MAX : first + limit);
    return read_turns(&q, a, limit, out, n);
}

/* Read backwards from the end, then turned round: the cost is that of the turns wanted. */
enum err_code turns_last(struct store_tx *tx, struct arena *a, struct str conversation_id, int64_t after, int limit,
                         struct turn **out, size_t *n, struct err *e)
{
    struct query q;
    limit = bounded(limit);
    query_fixed(&q, tx, STMT_TURNS_LAST, e);
    query_text(&q, conversation_id);
    query_int(&q, after);
    query_int(&q, limit);
    enum err_code rc = read_turns(&q, a, limit, out, n);
    reverse(*out, *n);
    return rc;
}

static enum err_code one_turn(struct query *q, struct arena *a, struct turn *out, struct str what, struct err *e)
{
    bool found = query_row(q);
    if (found)
        read_turn(q, a, out);
    enum err_code rc = query_end(q);
    if (!rc && !found)
        rc = err_set(e, ERR_NOT_FOUND, NULL, "no turn with turn_id %.*s", STR_ARG(str_take(what, 120)));
    return rc;
}

enum err_code turn_by_seq(struct store_tx *tx, struct arena *a, int64_t seq, struct turn *out, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_TURN_BY_SEQ, e);
    query_int(&q, seq);
    return one_turn(&q, a, out, STR("of that number"), e);
}

enum err_code turn_by_id(struct store_tx *tx, struct arena *a, struct str id, struct turn *out, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_TURN_BY_ID, e);
    query_text(&q, id);
    return one_turn(&q, a, out, id, e);
}

int64_t turns_last_seq(struct store_tx *tx)
{
    struct query q;
    query_fixed(&q, tx, STMT_TURNS_LAST_SEQ, NULL);
    int64_t seq = query_row(&q) ? query_col_int(&q, 0) : 0;
    return query_end(&q) ? 0 : seq;
}

enum err_code turns_alive(struct store_tx *tx, const int64_t *seqs, size_t n, bool *alive, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        struct query q;
        query_fixed(&q, tx, STMT_TURN_ALIVE, e);
        query_int(&q, seqs[i]);
        alive[i] = query_row(&q);
        enum err_code rc = query_end(&q);
        if (rc)
            return rc;
    }
    return ERR_OK;
}

/* The index holds no session, for the sake of appending: few new turns are scanned and compared, many are found
 * through the session's conversations and the index that is there anyway. */
static enum statement after_statement(struct store_tx *tx, struct str session_id, int64_t after, bool newest)
{
    if (!session_id.p)
        return newest ? STMT_TURNS_NEWEST : STMT_TURNS_AFTER;
    if (turns_last_seq(tx) - after <= SCAN_MAX)
        return newest ? STMT_TURNS_NEWEST_IN : STMT_TURNS_AFTER_IN;
    return newest ? STMT_TURNS_NEWEST_VIA : STMT_TURNS_AFTER_VIA;
}

enum err_code turns_after(struct store_tx *tx, struct arena *a, struct str session_id, int64_t after, int limit,
                          bool newest, struct turn **out, size_t *n, struct err *e)
{
    struct query q;
    limit = bounded(limit);
    query_fixed(&q, tx, after_statement(tx, session_id, after, newest), e);
    query_int(&q, after);
    query_int(&q, limit);
    if (session_id.p)
        query_text(&q, session_id);
    enum err_code rc = read_turns(&q, a, limit, out, n);
    if (newest)
        reverse(*out, *n);
    return rc;
}

enum err_code turn_marks(struct store_tx *tx, struct arena *a, struct str conversation_id, int64_t first, int64_t last,
                         struct turn_mark **out, size_t *n, struct err *e)
{
    size_t max = last < first ? 0 : last - first >= ROWS_MAX ? ROWS_MAX : (size_t)(last - first + 1);
    *n = 0;
    *out = arena_array(a, struct turn_mark, max ? max : 1);
    if (!*out)
        return err_nomem(e);
    struct query q;
    query_fixed(&q, tx, STMT_TURN_MARKS, e);
    query_text(&q, conversation_id);
    query_int(&q, first);
    query_int(&q, last);
    while (*n < max && query_row(&q)) {
        (*out)[*n] = (struct turn_mark){query_col_text(&q, a, 0), query_col_text(&q, a, 1)};
        ++*n;
    }
    return query_end(&q);
}

bool turn_left_out(const struct turn *t)
{
    return str_starts(t->metadata, TURN_LEFT_OUT);
}
