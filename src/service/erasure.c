/* Requests to erase: writing one down, and finding those that are due. See erasure.h. */
#include "service/erasure.h"

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"

enum { PAGE = 100, AT_ONCE = 100, EVERY_MS = 3600000, EVERY_AT_ONCE_MS = 10000, RETRY_MS = 20000 };
static const int64_t DAY_MS = INT64_C(86400000);

int64_t erasure_due(const struct service *svc)
{
    return clock_now_ms() + config_int(svc->options.config, "erasure.days") * DAY_MS;
}

/* ---- the request ---- */

static enum err_code write_request(struct store_tx *tx, struct arena *a, const struct erasure_new *n, struct err *e)
{
    const struct record *t = n->target;
    struct record *r = record_new(a, KIND_ERASURE);
    if (!r)
        return err_nomem(e);
    r->id = str_of(n->id);
    r->project = n->project;
    record_set(r, "scope", V_TEXT(str_of(n->scope)));
    record_set(r, "requested_by", V_TEXT(n->requested_by));
    record_set(r, "reason", n->reason.n ? V_TEXT(n->reason) : V_NULL);
    record_set(r, "due_at", V_INT(n->due_at));
    record_set(r, "target_id", t ? V_TEXT(t->id) : V_NULL);
    record_set(r, "target_kind", t ? V_TEXT(str_of(t->kind->name)) : V_NULL);
    if (n->before)
        record_set(r, "since", V_INT(n->before));
    if (t && t->kind == KIND_TURN && record_text(t, "session_id").n)
        record_set(r, "within", V_TEXT(record_text(t, "session_id")));
    if (t && t->kind == KIND_CONVERSATION) {
        record_set(r, "within", V_TEXT(record_text(t, "session_id")));
        record_set(r, "since", V_INT(t->created_at));
    }
    return record_insert(tx, a, r, e);
}

static enum err_code note_request(struct store_tx *tx, struct arena *a, const struct record *session, struct err *e)
{
    struct record *patch = record_new(a, KIND_SESSION);
    if (!patch)
        return err_nomem(e);
    record_set(patch, "erasure_requested_at", V_INT(clock_now_ms()));
    return record_update(tx, a, session->seq, patch, e);
}

enum err_code erasure_add(struct store_tx *tx, struct arena *a, struct str erasure_id, const struct erasure_item *items,
                          size_t n, struct err *e)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; !code && i < n; i++) {
        struct err why = {0};
        const struct record r = {
            .kind = items[i].kind, .seq = items[i].seq, .id = items[i].id, .project = items[i].project};
        code = erase_list(tx, a, erasure_id, &r, items[i].shown, e);
        if (code)
            break;
        enum err_code gone = record_delete(tx, a, r.kind, r.seq, &why);
        if (gone && gone != ERR_NOT_FOUND) /* deleted already: it is only to be erased */
            code = err_set(e, gone, NULL, "%s", why.message);
    }
    return code;
}

enum err_code erasure_request(struct store_tx *tx, struct arena *a, const struct erasure_new *n,
                              struct dropped *dropped, struct err *e)
{
    struct str scope = str_of(n->scope);
    *dropped = (struct dropped){0};
    enum err_code code = write_request(tx, a, n, e);
    if (code)
        return code;
    if (str_is(scope, "session")) {
        code = note_request(tx, a, n->target, e);
        return code ? code : session_delete(tx, n->target->id, dropped, e);
    }
    if (str_is(scope, "conversation"))
        return conversation_delete(tx, n->target->id, dropped, e);
    if (str_is(scope, "project"))
        return project_delete(tx, n->project, &dropped->others, e);
    dropped->others = (int64_t)n->n_items;
    return erasure_add(tx, a, str_of(n->id), n->items, n->n_items, e);
}

enum err_code erasure_read(struct service *svc, struct arena *a, struct str id, struct record **out, struct err *e)
{
    struct store_tx *tx;
    enum err_code code = store_read_begin(svc->store, &tx, e);
    if (code)
        return code;
    code = record_get(tx, a, KIND_ERASURE, id, STR_NONE, out, e);
    store_read_end(tx);
    return code;
}

/* ---- what is due ---- */

static enum err_code page_of(struct service *svc, struct arena *a, const char *state, int64_t after,
                             struct record ***rows, size_t *n, struct err *e)
{
    struct store_tx *tx;
    enum err_code code = store_read_begin(svc->store, &tx, e);
    *n = 0;
    if (code)
        return code;
    code = records_of(tx, a, KIND_ERASURE, "state", str_of(state), after, PAGE, rows, n, e);
    store_read_end(tx);
    return code;
}

struct due {
    struct str ids[AT_ONCE];
    size_t n;
    int64_t now;
};

static void look_at(struct service *svc, struct arena *a, const struct record *r, struct due *due)
{
    struct err why = {0};
    if (record_int(r, "due_at") <= due->now || str_is(record_text(r, "state"), "erasing")) {
        if (due->n < AT_ONCE)
            due->ids[due->n++] = arena_str(a, r->id);
    } else if (!record_int(r, "derived") && erasure_derive(svc, r->id, &why)) {
        log_event(LOG_WARN, "erasure_failed", L_STR("erasure_id", r->id), L_CSTR("message", why.message));
    }
}

/* As many as are due, up to so many at once: the next run goes on. */
static enum err_code find_due(struct service *svc, struct arena *a, const char *state, struct due *due, struct err *e)
{
    enum err_code code = ERR_OK;
    int64_t after = 0;
    struct record **rows = NULL;
    for (size_t n = PAGE; !code && n == PAGE;) {
        code = page_of(svc, a, state, after, &rows, &n, e);
        for (size_t i = 0; !code && i < n; i++) {
            look_at(svc, a, rows[i], due);
            after = rows[i]->seq;
        }
    }
    return code;
}

/* ---- what was deleted without a request ---- */

/* Each time the whole file is gone through, so not more often than every so often. */
static bool lately(const struct list_page *aged, int64_t days)
{
    return aged->n && aged->rows[0]->created_at > clock_now_ms() - (days ? EVERY_MS : EVERY_AT_ONCE_MS);
}

static enum err_code any_aged(struct service *svc, struct arena *a, int64_t days, int64_t before, bool *out,
                              struct err *e)
{
    struct store_tx *tx;
    struct erase_count *counts;
    struct list_page page;
    const struct list_filter scope = {"scope", V_TEXT(STR("aged"))};
    const struct list_query q = {.kind = KIND_ERASURE, .filters = &scope, .n_filters = 1, .limit = 1};
    size_t n = 0;
    enum err_code code = store_read_begin(svc->store, &tx, e);
    *out = false;
    if (code)
        return code;
    code = record_list(tx, a, &q, &page, e);
    if (!code && !lately(&page, days))
        code = erase_would(tx, a, &(struct erase_wish){.scope = ERASE_AGED, .before = before}, &counts, &n, e);
    store_read_end(tx);
    *out = n > 0;
    return code;
}

struct request_job {
    struct arena *arena;
    struct erasure_new request;
    struct dropped dropped;
};

static enum err_code request_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct request_job *j = arg;
    return erasure_request(tx, j->arena, &j->request, &j->dropped, e);
}

/* Asks for it, when there is anything. */
static enum err_code request_aged(struct service *svc, struct arena *a, struct err *e)
{
    int64_t days = config_int(svc->options.config, "erasure.days"), before = clock_now_ms() - days * DAY_MS;
    bool any = false;
    struct request_job j = {.arena = a,
                            .request = {.scope = "aged",
                                        .project = STR("default"),
                                        .requested_by = STR("cairn"),
                                        .before = before,
                                        .due_at = clock_now_ms()}};
    enum err_code code = any_aged(svc, a, days, before, &any, e);
    if (code || !any)
        return code;
    id_make("ers", j.request.id);
    return store_write(svc->store, request_on, &j, e);
}

/* What failed is logged; it is tried again, but not at once: cold storage's server may be away for a while. */
enum err_code erasure_task(struct service *svc, struct arena *a, struct err *e)
{
    struct due *due = arena_alloc(a, sizeof *due);
    int64_t failed = atomic_load(&svc->erasure_failed_ms);
    if (!due)
        return err_nomem(e);
    due->now = clock_now_ms();
    if (failed && due->now < failed + RETRY_MS && due->now >= failed)
        return ERR_OK;
    enum err_code aged = request_aged(svc, a, e);
    enum err_code code = find_due(svc, a, "erasing", due, e);
    due->now = clock_now_ms();
    if (!code)
        code = find_due(svc, a, "requested", due, e);
    if (!code && arena_failed(a))
        code = err_nomem(e);
    if (!code)
        atomic_store(&svc->erasure_failed_ms, erasure_finish(svc, due->ids, due->n, NULL) ? clock_now_ms() : 0);
    return code ? code : aged;
}
