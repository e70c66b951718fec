/* The end of the audit chain: adding rows, and keeping the head. See audit.h. Appending costs one insert at the end of
 * a table without indexes; the head is written once a group, by audit_seal before the commit. What the writer remembers
 * of the chain's end counts only while nothing else may have moved it (turn_memory's era). */
#include "store/audit_int.h"

#include "base/clock.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* ---- the head ---- */

static enum err_code meta_text(struct store_tx *tx, const char *key, char *out, size_t cap, struct err *e)
{
    struct query q;
    out[0] = '\0';
    query_fixed(&q, tx, STMT_META_GET, e);
    query_text(&q, str_of(key));
    if (query_row(&q)) {
        struct str s = tx->d->column_text(q.s, 0);
        (void)snprintf(out, cap, "%.*s", STR_ARG(s));
    }
    return query_end(&q);
}

enum err_code audit_head(struct store_tx *tx, struct audit_head *out, struct err *e)
{
    char text[128];
    *out = (struct audit_head){0};
    enum err_code rc = meta_text(tx, AUDIT_META_HEAD, text, sizeof text, e);
    struct str rest = str_of(text), number = str_cut(&rest, ' ');
    if (rc || !rest.p || rest.n != AUDIT_HEX - 1 || !str_int(number, &out->seq))
        return rc;
    memcpy(out->hash, rest.p, rest.n);
    return ERR_OK;
}

enum err_code audit_salt(struct store_tx *tx, unsigned char out[AUDIT_SALT], struct err *e)
{
    char hex[2 * AUDIT_SALT + 1];
    size_t n = 0;
    memset(out, 0, AUDIT_SALT);
    enum err_code rc = meta_text(tx, AUDIT_META_SALT, hex, sizeof hex, e);
    if (!rc && sodium_hex2bin(out, AUDIT_SALT, hex, strlen(hex), NULL, &n, NULL) != 0)
        memset(out, 0, AUDIT_SALT);
    return rc;
}

static enum err_code last_row(struct store_tx *tx, int64_t *seq, char hex[AUDIT_HEX], struct err *e)
{
    struct query q;
    *seq = 0;
    hex[0] = '\0';
    query_fixed(&q, tx, STMT_AUDIT_LAST, e);
    if (query_row(&q)) {
        struct str hash = tx->d->column_text(q.s, 1);
        *seq = query_col_int(&q, 0);
        (void)snprintf(hex, AUDIT_HEX, "%.*s", STR_ARG(hash));
    }
    return query_end(&q);
}

/* Where the chain goes on. In an open group that is behind its own last row. Else behind the noted head even where the
 * rows say otherwise: then rows were taken away or put there, and going on from the head leaves that to be seen. */
static enum err_code find_end(struct store_tx *tx, struct audit_end *end, struct err *e)
{
    struct audit_head head;
    char hex[AUDIT_HEX];
    int64_t last;
    size_t n = 0;
    enum err_code rc = last_row(tx, &last, hex, e);
    if (!rc)
        rc = audit_head(tx, &head, e);
    if (rc)
        return rc;
    if (end->dirty)
        head.seq = last;
    else
        memcpy(hex, head.hash, sizeof hex);
    memset(end->hash, 0, AUDIT_HASH);
    end->seq = head.seq > last ? head.seq : last;
    if (sodium_hex2bin(end->hash, AUDIT_HASH, hex, strlen(hex), NULL, &n, NULL) != 0 || n != AUDIT_HASH)
        memset(end->hash, 0, AUDIT_HASH);
    end->era = tx->memory->era;
    return ERR_OK;
}

/* ---- adding ---- */

static void put_row(struct query *q, const struct audit_row *r, const char *hex)
{
    query_int(q, r->seq);
    query_text(q, r->project);
    query_int(q, r->at);
    query_text(q, r->actor);
    query_text(q, r->action);
    query_text(q, r->record_kind);
    query_text(q, r->record_id);
    query_text(q, r->session);
    query_text(q, r->reason);
    query_text(q, r->outcome);
    query_text(q, r->request_id);
    query_text(q, r->door);
    query_text(q, r->peer);
    query_text(q, r->details);
    query_text(q, str_of(hex));
}

static struct str text_of(struct str s)
{
    return s.p ? s : STR(""); /* no column is null */
}

static enum err_code add(struct store_tx *tx, const struct audit_row *given, struct err *e)
{
    struct audit_end *end = &tx->memory->audit;
    struct audit_row r = {.seq = end->seq + 1,
                          .at = given->at,
                          .actor = text_of(given->actor),
                          .action = text_of(given->action),
                          .record_kind = text_of(given->record_kind),
                          .record_id = text_of(given->record_id),
                          .project = text_of(given->project),
                          .session = text_of(given->session),
                          .reason = text_of(given->reason),
                          .outcome = text_of(given->outcome),
                          .request_id = text_of(given->request_id),
                          .door = text_of(given->door),
                          .peer = text_of(given->peer),
                          .details = given->details.n ? given->details : STR("{}")};
    unsigned char hash[AUDIT_HASH];
    char hex[AUDIT_HEX];
    struct query q;
    audit_hash(end->hash, &r, hash);
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    query_fixed(&q, tx, STMT_AUDIT_INSERT, e);
    put_row(&q, &r, hex);
    enum err_code rc = query_run(&q);
    if (rc) {
        end->era = 0;
        return rc;
    }
    end->seq = r.seq;
    end->dirty = true;
    memcpy(end->hash, hash, sizeof hash);
    return ERR_OK;
}

static enum err_code begin_chain(struct store_tx *tx, struct err *e)
{
    const struct audit_row first = {.at = clock_now_ms(),
                                    .actor = STR("cairn"),
                                    .action = STR(AUDIT_BEGIN),
                                    .project = STR(AUDIT_STORE),
                                    .outcome = STR("ok"),
                                    .door = STR("internal"),
                                    .details = STR("{\"form\":1}")};
    return add(tx, &first, e);
}

enum err_code audit_append(struct store_tx *tx, const struct audit_row *r, struct err *e)
{
    struct audit_end *end = &tx->memory->audit;
    enum err_code rc = end->era == tx->memory->era ? ERR_OK : find_end(tx, end, e);
    if (!rc && end->seq == 0)
        rc = begin_chain(tx, e);
    return rc ? rc : add(tx, r, e);
}

void audit_only(struct store_tx *tx)
{
    tx->marks.accounted = true;
}

enum err_code audit_seal(struct store_tx *tx, struct err *e)
{
    struct audit_end *end = &tx->memory->audit;
    char text[128], hex[AUDIT_HEX];
    if (!end->dirty)
        return ERR_OK;
    enum err_code rc = end->era == tx->memory->era ? ERR_OK : find_end(tx, end, e);
    if (rc)
        return rc;
    sodium_bin2hex(hex, sizeof hex, end->hash, AUDIT_HASH);
    (void)snprintf(text, sizeof text, "%" PRId64 " %s", end->seq, hex);
    struct query q;
    query_fixed(&q, tx, STMT_META_SET, e);
    query_text(&q, STR(AUDIT_META_HEAD));
    query_text(&q, str_of(text));
    return query_run(&q);
}
