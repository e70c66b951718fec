/* Deleting a session or a conversation with all that belongs to it, in the caller's transaction: out of every list,
 * search and count at once. Why here: only the table of kinds knows what belongs to what (fields session_id and
 * conversation_id; tags and sources by record_id), so a new kind that has one of these fields is part of it by itself.
 * Rows stay as tombstones, as in record_delete: numbers of turns are never given again, and erasure removes
 * the rows later. Not here: patterns, which name the session they were found in as their source and outlive it. */
#include "base/clock.h"
#include "store/erase.h"
#include "store/internal.h"
#include "store/retention.h"
#include "store/turns.h"

/* What is deleted: one session; all that belongs to one, but for its own record and summaries (it has expired); one
 * conversation; or the next of a conversation's turns. Parameter ?1 is the session's or conversation's id, ?2 the time.
 */
enum part { OF_SESSION, OF_EXPIRED, OF_CONVERSATION, OF_TURNS };

static bool has(const struct kind *k, const char *field)
{
    return kind_field(k, str_of(field)) >= 0;
}

/* A column by which rows are found without reading the whole table. Turns have it through their unique index. */
static bool quick(const struct kind *k, const char *field)
{
    int i = kind_field(k, str_of(field));
    return i >= 0 && (k == KIND_TURN ? str_is(str_of(field), "conversation_id")
                                     : (k->fields[i].flags & FIELD_INDEXED) || !has(k, "conversation_id"));
}

static const char next_turns[] =
    "conversation_id = ?1 AND turn_number > (SELECT coalesce(turns_removed, 0) FROM conversation WHERE id = ?1)"
    " AND turn_number <= (SELECT " TURNS_REMOVABLE " FROM conversation WHERE id = ?1)";

/* The ways in which rows of a kind belong to what is deleted, at most two; NULL: no (more) such way. A kind whose
 * conversation_id has no index always names the session too, so the session narrows the search. */
static const char *way(const struct kind *k, enum part part, int number)
{
    bool by_conversation = has(k, "conversation_id"), by_session = quick(k, "session_id");
    if (!erase_takes(k)) /* the audit keeps what it says */
        return NULL;
    if (part == OF_TURNS)
        return k == KIND_TURN && number == 0 ? next_turns : NULL;
    if (part == OF_EXPIRED && k == KIND_SUMMARY)
        return number == 0 ? "session_id = ?1 AND conversation_id IS NOT NULL" : NULL;
    if (k == KIND_SESSION)
        return part == OF_SESSION && number == 0 ? "id = ?1" : NULL;
    if (k == KIND_CONVERSATION && part == OF_CONVERSATION)
        return number == 0 ? "id = ?1" : NULL;
    if (part == OF_CONVERSATION) {
        if (number || !by_conversation)
            return NULL;
        return quick(k, "conversation_id") ? "conversation_id = ?1"
                                           : "session_id = (SELECT session_id FROM conversation WHERE id = ?1)"
                                             " AND conversation_id = ?1";
    }
    if (by_session && number == 0)
        return "session_id = ?1";
    if (number == (by_session ? 1 : 0) && quick(k, "conversation_id"))
        return "conversation_id IN (SELECT id FROM conversation WHERE session_id = ?1)";
    return NULL;
}

const char *cascade_way(const struct kind *k, bool session, int number)
{
    return way(k, session ? OF_SESSION : OF_CONVERSATION, number);
}

const char *cascade_project_way(const struct kind *k, int number)
{
    static const char *const ways[] = {"project = ?1",
                                       "conversation_id IN (SELECT id FROM conversation WHERE project = ?1)",
                                       "session_id IN (SELECT id FROM session WHERE project = ?1)"};
    bool is[] = {k != KIND_TURN /* has no index on it, and always that of its conversation */,
                 quick(k, "conversation_id"), quick(k, "session_id")};
    for (size_t i = 0; i < sizeof ways / sizeof *ways && erase_takes(k); i++)
        if (is[i] && number-- == 0)
            return ways[i];
    return NULL;
}

static enum err_code run(struct store_tx *tx, struct buf *sql, struct str id, int64_t now, int64_t *n, struct err *e)
{
    int64_t before = tx->d->changed(tx->c);
    if (sql->failed)
        return err_nomem(e);
    struct query q;
    query_sql(&q, tx, buf_view(sql), "delete what belongs to it", e);
    query_text(&q, id);
    query_int(&q, now);
    enum err_code rc = query_run(&q);
    *n += rc ? 0 : tx->d->changed(tx->c) - before;
    return rc;
}

#define DELETE_ROWS                                                                                                    \
    "UPDATE \"%s\" SET deleted_at = ?2, updated_at = ?2, version = version + 1 WHERE deleted_at IS NULL AND "

/* Tags and sources of the rows that are about to go. */
static enum err_code drop_attached(struct store_tx *tx, const struct kind *k, const char *where, struct str id,
                                   int64_t now, struct err *e)
{
    size_t n_kinds;
    const struct kind *kinds = kinds_all(&n_kinds);
    enum err_code rc = ERR_OK;
    for (size_t i = 0; !rc && i < n_kinds; i++) {
        const struct kind *on = &kinds[i];
        int64_t dropped = 0;
        if (!has(on, "record_id") || !erase_takes(on))
            continue;
        struct buf sql;
        buf_init(&sql, SQL_CACHE_TEXT);
        buf_fmt(&sql,
                DELETE_ROWS
                "record_kind = '%s' AND record_id IN (SELECT id FROM \"%s\" WHERE deleted_at IS NULL AND %s)",
                on->name, k->name, k->name, where);
        rc = run(tx, &sql, id, now, &dropped, e);
        buf_release(&sql);
    }
    return rc;
}

static enum err_code drop_kind(struct store_tx *tx, const struct kind *k, enum part part, struct str id, int64_t now,
                               int64_t *n, struct err *e)
{
    enum err_code rc = ERR_OK;
    const char *where;
    *n = 0;
    for (int i = 0; !rc && (where = way(k, part, i)); i++) {
        rc = drop_attached(tx, k, where, id, now, e);
        if (rc)
            return rc;
        struct buf sql;
        buf_init(&sql, SQL_CACHE_TEXT);
        buf_fmt(&sql, DELETE_ROWS "%s", k->name, where);
        rc = run(tx, &sql, id, now, n, e);
        buf_release(&sql);
    }
    return rc;
}

static enum err_code drop(struct store_tx *tx, enum part part, struct str id, struct dropped *out, struct err *e)
{
    size_t n_kinds;
    const struct kind *kinds = kinds_all(&n_kinds);
    int64_t now = clock_now_ms();
    enum err_code rc = ERR_OK;
    *out = (struct dropped){0};
    for (size_t i = 0; !rc && i < n_kinds; i++) {
        int64_t n = 0;
        rc = drop_kind(tx, &kinds[i], part, id, now, &n, e);
        if (&kinds[i] == KIND_CONVERSATION)
            out->conversations = n;
        else if (&kinds[i] == KIND_TURN)
            out->turns = n;
        else if (&kinds[i] != KIND_SESSION)
            out->others += n;
    }
    tx->marks.all = tx->marks.accounted = true; /* rows of many kinds: every kept answer is out of date */
    tx_forget(tx);                              /* no turn may be appended to what the writer remembers of it */
    return rc;
}

enum err_code session_delete(struct store_tx *tx, struct str id, struct dropped *out, struct err *e)
{
    return drop(tx, OF_SESSION, id, out, e);
}

enum err_code conversation_delete(struct store_tx *tx, struct str id, struct dropped *out, struct err *e)
{
    return drop(tx, OF_CONVERSATION, id, out, e);
}

enum err_code session_empty(struct store_tx *tx, struct str id, struct dropped *out, struct err *e)
{
    return drop(tx, OF_EXPIRED, id, out, e);
}

enum err_code turns_remove(struct store_tx *tx, struct str conversation_id, int64_t *removed, int64_t *left,
                           struct err *e)
{
    struct dropped d;
    struct query q;
    *left = 0;
    enum err_code rc = drop(tx, OF_TURNS, conversation_id, &d, e);
    *removed = d.turns;
    if (rc)
        return rc;
    query_fixed(&q, tx, STMT_TURNS_REMOVED, e);
    query_text(&q, conversation_id);
    rc = query_run(&q);
    if (rc)
        return rc;
    query_fixed(&q, tx, STMT_TURNS_LEFT, e);
    query_text(&q, conversation_id);
    if (query_row(&q))
        *left = query_col_int(&q, 0);
    return query_end(&q);
}

static enum err_code drop_project_kind(struct store_tx *tx, const struct kind *k, struct str project, int64_t now,
                                       int64_t *rows, struct err *e)
{
    const char *where;
    enum err_code rc = ERR_OK;
    for (int i = 0; !rc && (where = cascade_project_way(k, i)); i++) {
        struct buf sql;
        rc = drop_attached(tx, k, where, project, now, e);
        if (rc)
            return rc;
        buf_init(&sql, SQL_CACHE_TEXT);
        buf_fmt(&sql, DELETE_ROWS "%s", k->name, where);
        rc = run(tx, &sql, project, now, rows, e);
        buf_release(&sql);
    }
    return rc;
}

enum err_code project_delete(struct store_tx *tx, struct str project, int64_t *rows, struct err *e)
{
    size_t n_kinds;
    const struct kind *kinds = kinds_all(&n_kinds);
    int64_t now = clock_now_ms();
    enum err_code rc = ERR_OK;
    *rows = 0;
    for (size_t i = n_kinds; !rc && i > 0; i--) /* what belongs to a conversation before the conversation */
        rc = drop_project_kind(tx, &kinds[i - 1], project, now, rows, e);
    tx->marks.all = tx->marks.accounted = true;
    tx_forget(tx);
    return rc;
}
