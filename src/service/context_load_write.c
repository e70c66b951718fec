/* Writing the notes of what was recalled, and keeping only the newest. See context_load.h. */
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "config/config.h"
#include "service/context_load_int.h"
#include "store/records.h"
#include "store/usage.h"

#include <string.h>

enum { BATCH = 32 };

static const char *const purposes[] = {"recall", "context", "search", "proxy", "directive"};

struct load_row {
    struct record *record; /* without a project while it has a session */
    struct str session_id;
};
struct load_batch {
    struct arena *arena;
    struct load_row rows[BATCH];
    size_t n;
    int64_t written;
};

/* ---- from notes to records ---- */

static struct str items_json(struct arena *a, const char *at, size_t n)
{
    size_t n_kinds;
    const struct kind *kinds = kinds_all(&n_kinds);
    struct buf b;
    struct json_out w;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_array(&w);
    for (size_t i = 0; i < n; i++) {
        const unsigned char *head = (const unsigned char *)at;
        double score;
        memcpy(&score, at + 2, sizeof score);
        jw_object(&w);
        jw_kcstr(&w, "kind", kinds[head[0]].name);
        jw_kstr(&w, "id", (struct str){at + LOAD_ITEM_HEAD, head[1]});
        jw_key(&w, "score");
        if (score < 0)
            jw_null(&w);
        else
            jw_num(&w, score);
        jw_end_object(&w);
        at += LOAD_ITEM_HEAD + head[1];
    }
    jw_end_array(&w);
    return buf_take(&b, a);
}

static struct value text_or_null(struct str s)
{
    return s.n ? V_TEXT(s) : V_NULL;
}

/* The record borrows the note's bytes. False: out of memory. */
static bool row_of(struct arena *a, const struct load_note *n, struct load_row *row)
{
    struct load_head h;
    struct str texts[LOAD_TEXTS];
    struct record *r = record_new(a, KIND_CONTEXT_LOAD);
    const char *at = n->bytes + n->reader_n;
    memcpy(&h, at, sizeof h);
    at += sizeof h;
    for (size_t i = 0; i < LOAD_TEXTS; at += h.texts[i++])
        texts[i] = (struct str){at, h.texts[i]};
    struct str items = items_json(a, at, h.n);
    if (!r || !items.p)
        return false;
    r->created_at = r->updated_at = n->at_ms;
    r->project = texts[LOAD_PROJECT];
    record_set(r, "session_id", text_or_null(texts[LOAD_SESSION]));
    record_set(r, "conversation_id", text_or_null(texts[LOAD_CONVERSATION]));
    record_set(r, "purpose", V_TEXT(str_of(purposes[h.purpose])));
    record_set(r, "reader", V_TEXT(((struct str){n->bytes, n->reader_n})));
    record_set(r, "query", text_or_null(texts[LOAD_QUERY]));
    record_set(r, "items", V_TEXT(items));
    record_set(r, "tokens", V_INT(h.tokens));
    record_set(r, "took_ms", V_REAL((double)n->took_us / 1000.0));
    *row = (struct load_row){r, texts[LOAD_SESSION]};
    return true;
}

/* ---- writing ---- */

/* The project is the session's; what was recalled for a session that is gone by now leaves no trace. */
static enum err_code write_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct load_batch *b = arg;
    struct record *session = NULL;
    enum err_code code = ERR_OK;
    b->written = 0;
    for (size_t i = 0; i < b->n && !code; i++) {
        struct record r = *b->rows[i].record;
        struct str id = b->rows[i].session_id;
        struct err why = {0};
        if (id.n && !(session && str_eq(session->id, id))) /* they mostly come in runs */
            code = record_get(tx, b->arena, KIND_SESSION, id, STR_NONE, &session, &why);
        if (code == ERR_NOT_FOUND) {
            session = NULL;
            code = ERR_OK;
            continue;
        }
        if (code)
            return err_set(e, code, NULL, "%s", why.message);
        if (id.n)
            r.project = session->project;
        code = record_insert(tx, b->arena, &r, e);
        b->written++;
    }
    return code;
}

static void write_batch(struct service *svc, struct load_batch *b, size_t notes)
{
    struct err e = {0};
    if (b->n && store_write(svc->store, write_on, b, &e)) {
        b->written = 0;
        log_event(LOG_WARN, "context_loads_not_written", L_CSTR("message", e.message));
    }
    metric_add(M_LOADS_WRITTEN, b->written);
    metric_add(M_LOADS_DROPPED, (int64_t)notes - b->written);
}

static struct load_note *write_some(struct service *svc, struct load_note *first)
{
    struct load_batch b = {.arena = arena_new()};
    struct load_note *n = first, *next;
    size_t notes = 0;
    for (; n && notes < BATCH; n = n->next, notes++) {
        if (b.arena && row_of(b.arena, n, &b.rows[b.n]))
            b.n++;
    }
    write_batch(svc, &b, notes);
    for (; first != n; first = next) {
        next = first->next;
        mem_free(first);
    }
    if (b.arena)
        arena_free(b.arena);
    return n;
}

void context_loads_write(struct service *svc)
{
    struct load_note *n = svc->loads ? context_loads_take(svc->loads) : NULL;
    while (n)
        n = write_some(svc, n);
}

/* ---- upkeep ---- */

enum { TRIM_SESSIONS = 500, TRIM_ROWS = 500 };

struct trim {
    struct usage_over *over;
    int64_t deleted;
};

static enum err_code trim_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct trim *t = arg;
    return context_loads_delete(tx, t->over, TRIM_ROWS, &t->deleted, e);
}

enum err_code context_loads_trim(struct service *svc, struct arena *a, struct err *e)
{
    int64_t keep = config_int(svc->options.config, "learning.context_loads_kept");
    struct usage_over *over = NULL;
    struct store_tx *tx;
    size_t n = 0;
    enum err_code code = store_read_begin(svc->store, &tx, e);
    if (code)
        return code;
    code = context_loads_over(tx, a, keep, TRIM_SESSIONS, &over, &n, e);
    store_read_end(tx);
    for (size_t i = 0; i < n && !code; i++) {
        struct trim t = {.over = &over[i], .deleted = TRIM_ROWS};
        while (!code && t.deleted == TRIM_ROWS)
            code = store_write(svc->store, trim_on, &t, e);
    }
    return code;
}
