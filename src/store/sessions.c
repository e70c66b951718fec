/* Sessions and conversations where generic CRUD would be too slow or too loose. */
#include "base/clock.h"
#include "store/internal.h"
#include "store/retention.h"
#include "store/turns.h"

enum { TAILS_MAX = 1000, TOUCH_AFTER_MS = 1000 };

/* The last turn's hash tells which conversation a request continues without reading any text. */
enum err_code conversations_tails(struct store_tx *tx, struct arena *a, struct str session_id, int limit,
                                  struct conversation_tail **out, size_t *n, struct err *e)
{
    size_t max = limit < 0 ? 0 : limit > TAILS_MAX ? TAILS_MAX : (size_t)limit;
    *n = 0;
    *out = arena_array(a, struct conversation_tail, max ? max : 1);
    if (!*out)
        return err_nomem(e);
    struct query q;
    query_fixed(&q, tx, STMT_CONVERSATION_TAILS, e);
    query_text(&q, session_id);
    query_int(&q, (int64_t)max);
    while (*n < max && query_row(&q)) {
        (*out)[*n] = (struct conversation_tail){
            .conversation_id = query_col_text(&q, a, 0),
            .turn_count = query_col_int(&q, 1),
            .role = query_col_text(&q, a, 2),
            .content_hash = query_col_text(&q, a, 3),
        };
        ++*n;
    }
    return query_end(&q);
}

/* From the conversations' counts, so that it costs the same whatever the number of turns. */
enum err_code session_counts(struct store_tx *tx, struct str session_id, struct session_counts *out, struct err *e)
{
    struct query q;
    *out = (struct session_counts){0};
    query_fixed(&q, tx, STMT_SESSION_COUNTS, e);
    query_text(&q, session_id);
    if (query_row(&q))
        *out = (struct session_counts){query_col_int(&q, 0), query_col_int(&q, 1)};
    return query_end(&q);
}

enum err_code sessions_active(struct store_tx *tx, struct str user_id, int64_t most, int64_t *n, struct err *e)
{
    struct query q;
    *n = 0;
    query_fixed(&q, tx, STMT_SESSIONS_ACTIVE, e);
    query_text(&q, user_id);
    query_int(&q, most);
    if (query_row(&q))
        *n = query_col_int(&q, 0);
    return query_end(&q);
}

enum err_code session_bytes(struct store_tx *tx, struct str session_id, struct str conversation_id, int64_t *out,
                            struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_SESSION_BYTES, e);
    query_text(&q, session_id);
    query_text(&q, conversation_id);
    *out = query_row(&q) ? query_col_int(&q, 0) : 0;
    return query_end(&q);
}

/* The condition is in the statement: a touch too many reads one row and writes none. */
enum err_code session_touch(struct store_tx *tx, struct str session_id, int64_t now, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_SESSION_ACTIVE_ID, e);
    query_text(&q, session_id);
    query_int(&q, now);
    query_int(&q, now - TOUCH_AFTER_MS);
    tx_mark(tx, version_active(session_id));
    return query_run(&q);
}

/* Names are unique within a project because whoever makes a session looks here first, inside the same write
 * transaction; there is no unique index, as a deleted session may leave its name to another. */
enum err_code session_by_alias(struct store_tx *tx, struct arena *a, struct str project, struct str alias,
                               struct record **out, struct err *e)
{
    int64_t seq = 0;
    struct query q;
    *out = NULL;
    query_fixed(&q, tx, STMT_SESSION_ALIAS, e);
    query_text(&q, alias);
    query_text(&q, project);
    if (query_row(&q))
        seq = query_col_int(&q, 0);
    enum err_code rc = query_end(&q);
    if (rc)
        return rc;
    if (!seq)
        return err_named(e, ERR_NOT_FOUND, "SESSION_NOT_FOUND", "no session is called %.*s",
                         STR_ARG(str_take(alias, 120)));
    return record_by_seq(tx, a, KIND_SESSION, seq, out, e);
}

enum err_code conversations_due(struct store_tx *tx, struct arena *a, int64_t after, int64_t until, int64_t least,
                                int limit, struct conversation_due **out, size_t *n, struct err *e)
{
    size_t max = limit < 0 ? 0 : limit > TAILS_MAX ? TAILS_MAX : (size_t)limit;
    struct query q;
    *n = 0;
    *out = arena_array(a, struct conversation_due, max ? max : 1);
    if (!*out)
        return err_nomem(e);
    query_fixed(&q, tx, STMT_CONVERSATIONS_DUE, e);
    query_int(&q, after);
    query_int(&q, until);
    query_int(&q, least);
    query_int(&q, (int64_t)max);
    while (*n < max && query_row(&q))
        (*out)[(*n)++] = (struct conversation_due){
            .seq = query_col_int(&q, 0), .id = query_col_text(&q, a, 1), .session_id = query_col_text(&q, a, 2)};
    return query_end(&q);
}

static enum err_code change_conversations(struct store_tx *tx, enum statement which, struct str session_id, int64_t *n,
                                          struct err *e)
{
    int64_t before = tx->d->changed(tx->c);
    struct query q;
    tx_mark_record(tx, KIND_CONVERSATION, session_id);
    query_fixed(&q, tx, which, e);
    query_text(&q, session_id);
    if (which != STMT_CONVERSATIONS_SUMMED)
        query_int(&q, clock_now_ms());
    enum err_code rc = query_run(&q);
    *n = rc ? 0 : tx->d->changed(tx->c) - before;
    tx_forget(tx);
    return rc;
}

enum err_code conversations_archive(struct store_tx *tx, struct str session_id, int64_t *n, struct err *e)
{
    return change_conversations(tx, STMT_CONVERSATIONS_ARCHIVE, session_id, n, e);
}

enum err_code conversations_restore(struct store_tx *tx, struct str session_id, int64_t *n, struct err *e)
{
    return change_conversations(tx, STMT_CONVERSATIONS_RESTORE, session_id, n, e);
}

enum err_code conversations_summed(struct store_tx *tx, struct str session_id, struct err *e)
{
    int64_t n;
    return change_conversations(tx, STMT_CONVERSATIONS_SUMMED, session_id, &n, e);
}

/* ---- retention ---- */

enum err_code aged(struct store_tx *tx, enum ageing which, int64_t after, int64_t since, int64_t *seqs, int limit,
                   size_t *n, struct err *e)
{
    static const enum statement of[] = {STMT_AGED_ACTIVE, STMT_AGED_ARCHIVED, STMT_AGED_EXPIRED,
                                        STMT_AGED_CONVERSATION};
    struct query q;
    *n = 0;
    query_fixed(&q, tx, of[which], e);
    query_int(&q, after);
    query_int(&q, since);
    query_int(&q, limit);
    while ((int)*n < limit && query_row(&q))
        seqs[(*n)++] = query_col_int(&q, 0);
    return query_end(&q);
}
