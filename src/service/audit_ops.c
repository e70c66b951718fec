/* Operations on the audit log: listing rows, checking the chain, writing it all out. Whoever may administer an
 * organisation sees its rows, of a project that project's; the chain as a whole is the store's, and its operator's. */
#include "service/audit_int.h"
#include "service/audit_json.h"
#include "service/features.h"
#include "service/operation_run.h"

#include "base/log.h"

#include <sodium.h>
#include <string.h>

enum { PIECE = 5000, PAGE = 1000, FLUSH_BYTES = 64 * 1024 };

/* What waits is written first, so that who looks sees what was just done. A store that cannot be written is still
 * looked at. */
static void write_waiting(struct op_call *c)
{
    struct err why = {0};
    if (c->svc->audit && audit_queue_flush(c->svc->audit->queue, &why))
        log_error("audit_not_written", &why);
}

/* ---- list ---- */

static void take_scope(const struct caller *who, struct audit_query *q)
{
    struct str slug = project_slug(who->project);
    if (who->everything)
        return;
    q->project = who->project;
    q->scope = AUDIT_PROJECT;
    if (!str_is(slug, "*"))
        return;
    q->scope = str_is(who->org, "default") ? AUDIT_DEFAULT_ORG : AUDIT_ORG;
    q->project = str_take(who->project, who->project.n - slug.n); /* "acme/" */
}

/* As rows name it; where the audit is off, ids only. */
static struct str as_named(struct op_call *c, const char *arg)
{
    struct str id = op_text(c, arg);
    return id.n && c->svc->audit ? audit_id(c->svc->audit, c->arena, id) : id;
}

static enum err_code take_filters(struct op_call *c, struct audit_query *q, struct err *e)
{
    struct str cursor = op_text(c, "cursor");
    *q = (struct audit_query){.actor = op_text(c, "actor"),
                              .action = op_text(c, "action"),
                              .outcome = op_text(c, "outcome"),
                              .from = op_time(c, "since"),
                              .to = op_time(c, "until"),
                              .limit = (int)op_int(c, "limit", 50)};
    if (cursor.n && (!str_int(cursor, &q->before) || q->before < 1))
        return err_set(e, ERR_INVALID, "cursor", "cursor must be the next_cursor of the page before");
    take_scope(caller_of(c), q);
    q->record = as_named(c, "record_id");
    q->session = as_named(c, "session_id");
    return arena_failed(c->arena) ? err_nomem(e) : ERR_OK;
}

static void write_rows(struct op_call *c, const struct audit_query *q, const struct audit_row *rows, size_t n)
{
    struct json_out *w = c->out;
    jw_object(w);
    jw_key(w, "entries");
    jw_array(w);
    for (size_t i = 0; i < n; i++) {
        jw_object(w);
        audit_json_members(w, &rows[i],
                           str_is(rows[i].project, AUDIT_STORE) ? STR(AUDIT_STORE)
                                                                : op_shown_project(c, rows[i].project));
        jw_end_object(w);
    }
    jw_end_array(w);
    c->next_cursor = n && n == (size_t)q->limit ? arena_fmt(c->arena, "%lld", (long long)rows[n - 1].seq) : STR_NONE;
    jw_kstr(w, "next_cursor", c->next_cursor);
    jw_end_object(w);
}

static enum err_code list_on(struct op_call *c, struct store_tx *tx, struct err *e)
{
    struct audit_query q;
    struct audit_row *rows;
    size_t n;
    enum err_code code = take_filters(c, &q, e);
    if (!code)
        code = audit_list(tx, c->arena, &q, &rows, &n, e);
    if (!code)
        write_rows(c, &q, rows, n);
    return code;
}

enum err_code audit_list_rows(struct op_call *c, struct err *e)
{
    struct err ignored = {0};
    write_waiting(c);
    if (op_text(c, "record_id").n || op_text(c, "session_id").n)
        (void)audit_index_task(c->svc, c->arena, &ignored); /* what is not filed is looked through */
    return op_read(c, list_on, e);
}

/* ---- verify ---- */

static enum err_code operator_only(struct op_call *c, struct err *e)
{
    if (caller_of(c)->everything)
        return ERR_OK;
    return err_named(e, ERR_FORBIDDEN, "FORBIDDEN",
                     "the chain is the whole store's: %s is for its operator, over the Unix socket or the command line",
                     c->op->name);
}

static enum err_code see(void *arg, const struct audit_row *r, struct err *e)
{
    (void)e;
    return audit_check_row(arg, r) ? ERR_OK : ERR_CORRUPT;
}

/* A piece on a snapshot of its own, so that a long chain holds none open for long. *over: that was the last. */
static enum err_code check_piece(struct op_call *c, struct audit_checker *k, int64_t *after, bool *over, struct err *e)
{
    struct store_tx *tx;
    int64_t last;
    struct audit_head head;
    struct err why = {0};
    enum err_code code = store_read_begin(c->svc->store, &tx, e);
    if (code)
        return code;
    code = audit_walk(tx, *after, PIECE, see, k, &last, &why);
    *over = code == ERR_CORRUPT || last - *after < PIECE;
    *after = last;
    if (code == ERR_CORRUPT && k->broken)
        code = ERR_OK;
    else if (code)
        (void)err_set(e, code, NULL, "%s", why.message);
    if (!code && *over)
        code = audit_head(tx, &head, e);
    if (!code && *over)
        (void)audit_check_end(k, &head);
    store_read_end(tx);
    return code;
}

static enum err_code begin_check(struct op_call *c, struct audit_checker *k, struct err *e)
{
    unsigned char anchor[AUDIT_HASH];
    struct str expect = op_text(c, "expect");
    struct store_tx *tx;
    enum err_code code = store_read_begin(c->svc->store, &tx, e);
    if (code)
        return code;
    code = audit_anchor(tx, anchor, e);
    store_read_end(tx);
    audit_check_begin(k, anchor, expect.n ? arena_cstr(c->arena, expect) : NULL);
    return code;
}

enum err_code audit_verify(struct op_call *c, struct err *e)
{
    struct audit_checker k;
    int64_t after = 0;
    bool over = false;
    enum err_code code = operator_only(c, e);
    if (code)
        return code;
    write_waiting(c);
    code = begin_check(c, &k, e);
    while (!code && !over) {
        if (c->left && atomic_load(c->left))
            return err_set(e, ERR_UNAVAILABLE, NULL, "nobody waits for the answer any more");
        code = check_piece(c, &k, &after, &over, e);
    }
    if (!code)
        audit_verdict_write(c->out, &k);
    return code;
}

/* ---- export ---- */

struct exporting {
    struct op_call *call;
    char prev[AUDIT_HEX];
    int64_t rows;
};

static enum err_code write_line(void *arg, const struct audit_row *r, struct err *e)
{
    struct exporting *x = arg;
    struct json_out w;
    jw_init(&w, x->call->out->b);
    audit_json_line(&w, r, x->prev);
    buf_char(x->call->out->b, '\n');
    size_t n = r->hash.n < AUDIT_HEX - 1 ? r->hash.n : AUDIT_HEX - 1;
    if (n)
        memcpy(x->prev, r->hash.p, n);
    x->prev[n] = '\0';
    x->rows++;
    return x->call->out->b->failed ? err_nomem(e) : ERR_OK;
}

static enum err_code write_page(struct exporting *x, int64_t *after, bool *over, struct err *e)
{
    struct op_call *c = x->call;
    struct store_tx *tx;
    int64_t last, before = x->rows;
    enum err_code code = store_read_begin(c->svc->store, &tx, e);
    if (code)
        return code;
    code = audit_walk(tx, *after, PAGE, write_line, x, &last, e);
    store_read_end(tx);
    *after = last;
    *over = x->rows - before < PAGE;
    if (!code && c->flush && c->out->b->n >= FLUSH_BYTES)
        code = c->flush(c, e);
    return code;
}

static enum err_code first_prev(struct exporting *x, struct err *e)
{
    unsigned char anchor[AUDIT_HASH];
    struct store_tx *tx;
    enum err_code code = store_read_begin(x->call->svc->store, &tx, e);
    if (code)
        return code;
    code = audit_anchor(tx, anchor, e);
    store_read_end(tx);
    sodium_bin2hex(x->prev, sizeof x->prev, anchor, sizeof anchor);
    return code;
}

enum err_code audit_export(struct op_call *c, struct err *e)
{
    struct exporting x = {.call = c};
    int64_t after = 0;
    bool over = false;
    enum err_code code = operator_only(c, e);
    if (code)
        return code;
    write_waiting(c);
    c->content_type = "application/x-ndjson";
    c->file_name = "audit.jsonl";
    code = first_prev(&x, e);
    while (!code && !over)
        code = write_page(&x, &after, &over, e);
    if (code)
        return code;
    struct json_out w;
    jw_init(&w, c->out->b);
    audit_json_end(&w, x.rows, x.prev);
    buf_char(c->out->b, '\n');
    audit_count(c, "rows", x.rows);
    return ERR_OK;
}
