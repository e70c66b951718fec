/* Forgetting on request: which records are meant, whether they may be, and what came of it. The work is erasure's
 * (erasure.h); people are found by erasure_value.c. */
#include "service/audit.h"
#include "service/cold.h"
#include "service/erasure_value.h"
#include "service/features.h"
#include "service/operation_run.h"
#include "service/receipt.h"

#include "base/clock.h"

enum { LIST = 100 };

struct forgetting {
    struct op_call *call;
    struct erasure_new request;
    struct erasure_item item; /* the one record, of scopes turn and record */
    struct dropped dropped;
    struct erasure_found found; /* scope value */
    bool dry_run, now;
};

/* ---- what is meant ---- */

static enum err_code one_target(struct op_call *c, struct err *e)
{
    static const char *const names[] = {"session", "conversation", "turn", "record", "value", "project"};
    int n = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        n += op_text(c, names[i]).n > 0;
    if (n == 1)
        return ERR_OK;
    return err_set(
        e, ERR_INVALID, n ? names[1] : names[0],
        "say what is to be forgotten: one of session, conversation, turn, record (with id), value or project");
}

static enum err_code kind_named(struct op_call *c, const struct kind **out, struct err *e)
{
    struct str name = op_text(c, "record");
    *out = kind_find(name);
    if (!*out || !erase_takes(*out) || ((*out)->flags & KIND_INTERNAL))
        return err_set(e, ERR_INVALID, "record", "there is no kind of records \"%.*s\" that can be forgotten",
                       STR_ARG(str_take(name, 60)));
    if (!op_text(c, "id").n)
        return err_set(e, ERR_INVALID, "id", "id is required: which %s is to be forgotten", (*out)->name);
    return ERR_OK;
}

/* The record, under the caller's rights; *scope as the kind has it. */
static enum err_code find_record(struct forgetting *f, struct store_tx *tx, const struct kind *k, struct str id,
                                 struct record **out, struct err *e)
{
    struct op_call *c = f->call;
    f->request.scope = k == KIND_SESSION        ? "session"
                       : k == KIND_CONVERSATION ? "conversation"
                       : k == KIND_TURN         ? "turn"
                                                : "record";
    enum err_code code = record_get(tx, c->arena, k, id, c->project, out, e);
    return code ? code : access_record(caller_of(c), ACCESS_WRITE, tx, c->arena, *out, e);
}

static enum err_code find_target(struct forgetting *f, struct store_tx *tx, struct record **out, struct err *e)
{
    struct op_call *c = f->call;
    const struct kind *k;
    if (op_text(c, "session").n)
        return find_record(f, tx, KIND_SESSION, op_text(c, "session"), out, e);
    if (op_text(c, "conversation").n)
        return find_record(f, tx, KIND_CONVERSATION, op_text(c, "conversation"), out, e);
    if (op_text(c, "turn").n)
        return find_record(f, tx, KIND_TURN, op_text(c, "turn"), out, e);
    enum err_code code = kind_named(c, &k, e);
    return code ? code : find_record(f, tx, k, op_text(c, "id"), out, e);
}

static bool by_list(const struct forgetting *f)
{
    struct str scope = str_of(f->request.scope);
    return str_is(scope, "turn") || str_is(scope, "record");
}

static void aim_at(struct forgetting *f, struct record *r)
{
    audit_touch_record(f->call, r);
    f->request.target = r;
    f->request.project = r->project;
    f->item = (struct erasure_item){r->kind, r->seq, r->id, r->project, r->id};
    f->request.items = by_list(f) ? &f->item : NULL;
    f->request.n_items = by_list(f) ? 1 : 0;
}

static enum err_code aim_at_project(struct forgetting *f, struct err *e)
{
    struct op_call *c = f->call;
    const struct caller *who = caller_of(c);
    f->request.scope = "project";
    enum err_code code = caller_named_project(who, c->arena, "project", op_text(c, "project"), PROJECT_SLUG_OR_FULL,
                                              &f->request.project, e);
    if (!code && !caller_writes(who, f->request.project))
        code = caller_refuse_write(who, f->request.project, e);
    return code;
}

/* A turn that retention has let go is none of the store's any more, but may be in cold storage. */
static enum err_code aim_at_cold(struct forgetting *f, struct str id, struct err *missing, struct err *e)
{
    struct op_call *c = f->call;
    const struct caller *who = caller_of(c);
    struct cold_place at;
    struct err why = {0};
    struct record *r = record_new(c->arena, KIND_TURN);
    enum err_code code = r ? cold_find_turn(c->svc, c->arena, id, &at, &why) : err_nomem(&why);
    if (code == ERR_NOT_FOUND || (!code && !caller_writes(who, at.project)))
        return err_set(e, missing->code, NULL, "%s", missing->message);
    if (code)
        return err_set(e, code, why.field[0] ? why.field : NULL, "%s", why.message);
    r->seq = at.seq;
    r->id = id;
    r->project = at.project;
    record_set(r, "session_id", V_TEXT(at.session_id));
    record_set(r, "conversation_id", V_TEXT(at.conversation_id));
    aim_at(f, r);
    return ERR_OK;
}

static enum err_code aim_at_record(struct forgetting *f, struct err *e)
{
    struct op_call *c = f->call;
    struct store_tx *tx;
    struct record *r;
    struct err why = {0};
    enum err_code code = store_read_begin(c->svc->store, &tx, e);
    if (code)
        return code;
    code = find_target(f, tx, &r, &why);
    store_read_end(tx);
    if (code == ERR_NOT_FOUND && op_text(c, "turn").n && cold_wanted(c->svc))
        return aim_at_cold(f, op_text(c, "turn"), &why, e);
    if (!code)
        aim_at(f, r);
    else if (e)
        *e = why;
    return code;
}

static enum err_code aim(struct forgetting *f, struct err *e)
{
    struct op_call *c = f->call;
    f->request.requested_by = caller_of(c)->name;
    f->request.reason = op_text(c, "reason");
    f->request.due_at = f->now ? clock_now_ms() : erasure_due(c->svc);
    id_make("ers", f->request.id);
    if (op_text(c, "project").n)
        return aim_at_project(f, e);
    if (op_text(c, "value").n) {
        f->request.scope = "value";
        f->request.project = c->project;
        return erasure_find(c, op_text(c, "value"), op_bool(c, "masked", false), &f->found, e);
    }
    return aim_at_record(f, e);
}

/* ---- the answer ---- */

static void put_counts(struct json_out *w, const struct erase_count *counts, size_t n)
{
    int64_t total = 0;
    jw_key(w, "records");
    jw_object(w);
    for (size_t i = 0; i < n; i++) {
        jw_key_str(w, counts[i].kind);
        jw_int(w, counts[i].n);
        total += counts[i].n;
    }
    jw_end_object(w);
    jw_kint(w, "records_total", total);
}

/* What a value has met beside the records that go. */
static void put_found(struct json_out *w, const struct erasure_found *found)
{
    if (found->n_edits)
        jw_kint(w, "texts_changed", (int64_t)found->n_edits);
    if (found->cold)
        jw_kint(w, "turns_in_cold_storage", found->cold);
    if (found->with_mask)
        jw_kint(w, "records_with_its_mask", found->with_mask);
    if (!found->n_sessions)
        return;
    jw_key(w, "sessions");
    jw_array(w);
    for (size_t i = 0; i < found->n_sessions; i++)
        jw_str(w, found->sessions[i]->id);
    jw_end_array(w);
}

static enum err_code count_wish(struct forgetting *f, struct store_tx *tx, struct erase_count **out, size_t *n,
                                struct err *e)
{
    struct str scope = str_of(f->request.scope);
    struct erase_wish wish = {.scope = ERASE_PROJECT, .id = f->request.project};
    if (by_list(f)) {
        *out = arena_array(f->call->arena, struct erase_count, 1);
        *n = *out ? 1 : 0;
        if (*out)
            **out = (struct erase_count){str_of(f->item.kind->name), 1};
        return *out ? ERR_OK : err_nomem(e);
    }
    if (!str_is(scope, "project"))
        wish = (struct erase_wish){.scope = str_is(scope, "session") ? ERASE_SESSION : ERASE_CONVERSATION,
                                   .id = f->request.target->id};
    return erase_would(tx, f->call->arena, &wish, out, n, e);
}

static enum err_code tell_dry(struct forgetting *f, struct err *e)
{
    struct erase_count *counts = f->found.counts;
    size_t n = f->found.n_counts;
    struct store_tx *tx;
    struct json_out *w = f->call->out;
    enum err_code code = ERR_OK;
    if (!str_is(str_of(f->request.scope), "value")) {
        code = store_read_begin(f->call->svc->store, &tx, e);
        if (!code) {
            code = count_wish(f, tx, &counts, &n, e);
            store_read_end(tx);
        }
    }
    if (code)
        return code;
    jw_object(w);
    jw_kbool(w, "dry_run", true);
    jw_kcstr(w, "scope", f->request.scope);
    put_counts(w, counts, n);
    put_found(w, &f->found);
    jw_end_object(w);
    return ERR_OK;
}

static enum err_code tell_done(struct forgetting *f, struct err *e)
{
    struct op_call *c = f->call;
    struct json_out *w = c->out;
    struct store_tx *tx;
    struct record *r;
    struct erase_count *counts = NULL;
    size_t n = 0;
    enum err_code code = store_read_begin(c->svc->store, &tx, e);
    if (code)
        return code;
    code = record_get(tx, c->arena, KIND_ERASURE, str_of(f->request.id), STR_NONE, &r, e);
    if (!code)
        code = erase_counts(tx, c->arena, r->id, &counts, &n, e);
    store_read_end(tx);
    if (code)
        return code;
    jw_object(w);
    jw_kbool(w, "dry_run", false);
    jw_kstr(w, "erasure_id", r->id);
    jw_kcstr(w, "scope", f->request.scope);
    jw_kstr(w, "state", record_text(r, "state"));
    jw_ktime(w, "due_at", record_int(r, "due_at"));
    put_counts(w, counts, n);
    put_found(w, &f->found);
    if (record_text(r, "receipt").n)
        jw_kraw(w, "receipt", record_text(r, "receipt"));
    jw_end_object(w);
    return ERR_OK;
}

/* ---- doing it ---- */

static enum err_code request_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct forgetting *f = arg;
    return erasure_request(tx, f->call->arena, &f->request, &f->dropped, e);
}

/* Whose user the value is: each is a request of its own. */
static enum err_code request_session(struct forgetting *f, const struct record *session, struct str *id, struct err *e)
{
    struct forgetting one = {.call = f->call, .request = f->request};
    one.request.scope = "session";
    one.request.target = session;
    one.request.project = session->project;
    id_make("ers", one.request.id);
    *id = arena_str(f->call->arena, str_of(one.request.id));
    enum err_code code = id->p ? store_write(f->call->svc->store, request_on, &one, e) : err_nomem(e);
    return code ? code : erasure_derive(f->call->svc, *id, e);
}

static enum err_code carry_out(struct forgetting *f, struct err *e)
{
    struct service *svc = f->call->svc;
    size_t n = f->found.n_sessions;
    struct str *ids = arena_array(f->call->arena, struct str, n + 1);
    if (!ids)
        return err_nomem(e);
    ids[n] = str_of(f->request.id);
    enum err_code code = store_write(svc->store, request_on, f, e);
    if (!code && f->found.n_items + f->found.n_edits + (size_t)f->found.cold)
        code = erasure_take_found(f->call, ids[n], &f->found, e);
    if (!code)
        code = erasure_derive(svc, ids[n], e);
    for (size_t i = 0; !code && i < n; i++)
        code = request_session(f, f->found.sessions[i], &ids[i], e);
    return code || f->request.due_at > clock_now_ms() ? code : erasure_finish(svc, ids, n + 1, e);
}

enum err_code forget(struct op_call *c, struct err *e)
{
    struct forgetting f = {.call = c, .dry_run = op_bool(c, "dry_run", false), .now = op_bool(c, "now", false)};
    enum err_code code = one_target(c, e);
    if (!code)
        code = aim(&f, e);
    if (code)
        return code;
    if (f.dry_run)
        return tell_dry(&f, e);
    code = carry_out(&f, e);
    return code ? code : tell_done(&f, e);
}

/* ---- receipts ---- */

enum err_code receipt_check_call(struct op_call *c, struct err *e)
{
    struct receipt_check found;
    enum err_code code = receipt_verify(c->arena, store_dir(c->svc->store), op_json(c, "receipt"), &found, e);
    if (code)
        return code;
    jw_object(c->out);
    jw_kbool(c->out, "genuine", found.genuine);
    jw_kbool(c->out, "of_this_store", found.own_key);
    if (found.wrong)
        jw_kcstr(c->out, "problem", found.wrong);
    jw_end_object(c->out);
    return ERR_OK;
}
