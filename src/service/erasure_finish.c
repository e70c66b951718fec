/* Erasing for good: from the first row to the receipt, several erasures at once, as some of it goes through whole
 * files. See erasure.h. In this order, each of which may be done again:
 *
 *   1. state `erasing`: whoever comes after a kill goes on from here
 *   2. journals of dead processes are stored, so that nothing comes back out of them later
 *   3. followers are held; what was made meanwhile is deleted; rows go, a few at a time
 *   4. keys of sessions that went whole, dictionaries, archives in cold storage
 *   5. for all of them once: index, vectors, journal, the database that a restore had replaced; the database's unused
 *      pages and its log
 *   6. the receipt, with state `erased`
 *
 * A lock file keeps two processes, or two threads, from doing it at once: the second waits and finds it done. */
#include "service/erasure_int.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "seal/seal.h"
#include "search/meaning.h"
#include "service/audit.h"
#include "service/background.h"
#include "service/cold.h"
#include "service/ephemeral.h"
#include "service/journal.h"
#include "service/journal_replay.h"
#include "service/receipt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { ROWS = 200, PATH_ROOM = 4200 };

struct finishing {
    struct str key_slots; /* as the record has them: JSON numbers */
    struct service *svc;
    struct arena *arena;
    struct record *erasure;
    struct receipt_facts facts;
};

/* ---- one at a time ---- */

static enum err_code take_lock(struct service *svc, int *fd, struct err *e)
{
    char path[PATH_ROOM];
    (void)snprintf(path, sizeof path, "%s/erasure.lock", store_dir(svc->store));
    *fd = file_open_append(path, e);
    if (*fd < 0)
        return e ? e->code : ERR_IO;
    int rc;
    do
        rc = flock(*fd, LOCK_EX);
    while (rc && errno == EINTR);
    return rc ? err_errno(e, "lock", path) : ERR_OK;
}

/* ---- the record's state ---- */

struct state_job {
    struct finishing *f;
    const char *state;
    struct str receipt; /* STR_NONE: not yet */
};

static enum err_code state_on(struct store_tx *tx, void *arg, struct err *e)
{
    const struct state_job *j = arg;
    struct record *patch = record_new(j->f->arena, KIND_ERASURE);
    if (!patch)
        return err_nomem(e);
    record_set(patch, "state", V_TEXT(str_of(j->state)));
    if (j->f->key_slots.p)
        record_set(patch, "key_slots", V_TEXT(j->f->key_slots));
    if (j->receipt.p) {
        record_set(patch, "receipt", V_TEXT(j->receipt));
        record_set(patch, "erased_at", V_INT(j->f->facts.erased_at));
    }
    enum err_code code = record_update(tx, j->f->arena, j->f->erasure->seq, patch, e);
    if (code || !j->receipt.p)
        return code;
    return audit_own(j->f->svc, tx, "erasure.erased", j->f->erasure, "dictionaries", j->f->facts.dictionaries, e);
}

static enum err_code set_state(struct finishing *f, const char *state, struct str receipt, struct err *e)
{
    struct state_job j = {f, state, receipt};
    return store_write(f->svc->store, state_on, &j, e);
}

/* ---- keys ---- */

/* Whether the session goes whole with this erasure. */
static bool goes_whole(const struct record *erasure, const struct record *s)
{
    struct str scope = record_text(erasure, "scope");
    if (!s->deleted_at || s->version == 0)
        return false;
    if (str_is(scope, "session"))
        return str_eq(s->id, record_text(erasure, "target_id"));
    if (str_is(scope, "project"))
        return str_eq(s->project, erasure->project);
    return str_is(scope, "aged") && s->deleted_at <= record_int(erasure, "since");
}

static enum err_code put_slots(struct finishing *f, struct store_tx *tx, struct json_out *w, struct err *e)
{
    enum { PAGE = 100 };
    enum err_code code = ERR_OK;
    int64_t after = 0;
    for (size_t n = PAGE; !code && n == PAGE;) {
        struct record **rows;
        code = record_after(tx, f->arena, KIND_SESSION, after, PAGE, &rows, &n, e);
        for (size_t i = 0; !code && i < n; i++) {
            const struct value *slot = record_value(rows[i], "key_slot");
            after = rows[i]->seq;
            if (slot->type == VALUE_INT && goes_whole(f->erasure, rows[i]))
                jw_int(w, slot->i);
        }
    }
    return code;
}

/* Before their rows go, as only these name them; kept in the request, for whoever goes on after a kill. */
static enum err_code note_slots(struct finishing *f, struct err *e)
{
    struct store_tx *tx;
    struct buf b;
    struct json_out w;
    if (!store_keyring(f->svc->store))
        return ERR_OK;
    enum err_code code = store_read_begin(f->svc->store, &tx, e);
    if (code)
        return code;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_array(&w);
    code = put_slots(f, tx, &w, e);
    store_read_end(tx);
    jw_end_array(&w);
    f->key_slots = buf_take(&b, f->arena);
    return code ? code : f->key_slots.p ? ERR_OK : err_nomem(e);
}

/* After the rows: what is sealed with them is then in no copy either, of this store or a backup. */
static enum err_code destroy_keys(struct finishing *f, struct err *e)
{
    const struct json *slots = NULL;
    struct str text = f->key_slots.p ? f->key_slots : record_text(f->erasure, "key_slots");
    if (!text.n || !store_keyring(f->svc->store))
        return ERR_OK;
    enum err_code code = json_parse(f->arena, text, 0, &slots, e);
    for (size_t i = 0; !code && i < slots->n; i++) {
        code = keyring_destroy(store_keyring(f->svc->store), slots->items[i].integer, e);
        f->facts.keys += !code;
    }
    return code;
}

/* ---- rows ---- */

/* Deleted once more: somebody may have written to it between the request and now. */
static enum err_code again_on(struct store_tx *tx, void *arg, struct err *e)
{
    const struct record *r = arg;
    struct dropped d;
    struct str scope = record_text(r, "scope");
    if (str_is(scope, "session"))
        return session_delete(tx, record_text(r, "target_id"), &d, e);
    if (str_is(scope, "conversation"))
        return conversation_delete(tx, record_text(r, "target_id"), &d, e);
    return str_is(scope, "project") ? project_delete(tx, r->project, &d.others, e) : ERR_OK;
}

static enum err_code all_of(struct finishing *f, enum erase_scope scope, struct str id, struct err *e)
{
    const struct erase_wish wish = {
        .scope = scope, .id = id, .before = record_int(f->erasure, "since"), .erasure_id = f->erasure->id};
    enum err_code code = ERR_OK;
    for (bool left = true; !code && left;)
        code = erase_some(f->svc->store, &wish, ROWS, &left, e);
    return code;
}

static enum err_code erase_rows(struct finishing *f, struct err *e)
{
    const struct record *r = f->erasure;
    struct str scope = record_text(r, "scope"), target = record_text(r, "target_id");
    enum err_code code = ERR_OK;
    if (str_is(scope, "session"))
        code = all_of(f, ERASE_SESSION, target, e);
    else if (str_is(scope, "conversation"))
        code = all_of(f, ERASE_CONVERSATION, target, e);
    else if (str_is(scope, "project"))
        code = all_of(f, ERASE_PROJECT, r->project, e);
    else if (str_is(scope, "aged"))
        code = all_of(f, ERASE_AGED, STR_NONE, e);
    return code ? code : all_of(f, ERASE_LISTED, STR_NONE, e);
}

static enum err_code take_rows(struct finishing *f, struct err *e)
{
    background_hold(f->svc);
    enum err_code code = store_write(f->svc->store, again_on, f->erasure, e);
    if (!code)
        code = erasure_derive_held(f->svc, f->arena, f->erasure, e);
    if (!code)
        code = erase_rows(f, e);
    background_go_on();
    return code;
}

/* ---- what is beside the rows ---- */

static void replay_journals(struct service *svc)
{
    char path[PATH_ROOM];
    (void)snprintf(path, sizeof path, "%s/journal", store_dir(svc->store));
    journal_replay_dir(svc, path);
}

/* A restore keeps what it replaced, which holds all that was in it. */
static enum err_code remove_replaced(struct service *svc, bool *any, struct err *e)
{
    static const char *const names[] = {"store.db.before-restore", "store.db.before-restore-wal",
                                        "store.db.before-restore-shm"};
    char path[PATH_ROOM];
    enum err_code code = ERR_OK;
    for (size_t i = 0; !code && i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", store_dir(svc->store), names[i]);
        *any = *any || file_exists(path);
        code = file_remove(path, e);
    }
    return code;
}

static enum err_code take_cold(struct finishing *f, struct err *e)
{
    struct cold_changed changed;
    enum err_code code = cold_changed_begin(&changed, f->arena, record_text(f->erasure, "cold_archives"), e);
    if (code)
        return code;
    code = cold_erase(f->svc, f->arena, f->erasure, &changed, e);
    f->facts.cold = changed.n;
    enum err_code ended = cold_changed_end(&changed, f->arena, &f->facts.cold_archives, e);
    return code ? code : ended;
}

/* ---- from beginning to end ---- */

/* What was in memory only has no files, and nothing to prove. */
static enum err_code finish_in_memory(struct finishing *f, struct err *e)
{
    enum err_code code = take_rows(f, e);
    return code ? code : set_state(f, "erased", STR_NONE, e);
}

static enum err_code begin(struct finishing *f, struct err *e)
{
    if (str_is(record_text(f->erasure, "state"), "erasing"))
        return ERR_OK;
    enum err_code code = note_slots(f, e);
    return code ? code : set_state(f, "erasing", STR_NONE, e);
}

/* What is its own: rows, keys, dictionaries, archives. */
static enum err_code take_own(struct finishing *f, struct err *e)
{
    enum err_code code = take_rows(f, e);
    if (!code)
        code = destroy_keys(f, e);
    if (!code)
        code = store_unlearn(f->svc->store, f->erasure->id, &f->facts.dictionaries, e);
    return code ? code : take_cold(f, e);
}

/* What goes through whole files, once for all. */
static enum err_code take_shared(struct service *s, bool *replaced, struct err *e)
{
    enum err_code code = index_purge(s->index, e);
    if (!code)
        code = meaning_purge(s->meaning, store_dir(s->store), e);
    if (code)
        return code;
    journal_forget(s->journal);
    code = remove_replaced(s, replaced, e);
    return code ? code : store_scrub(s->store, e);
}

static enum err_code prove(struct finishing *f, bool replaced, struct err *e)
{
    struct str receipt;
    f->facts.index = f->facts.vectors = f->facts.journal = true;
    f->facts.replaced_store = replaced;
    f->facts.erased_at = clock_now_ms();
    enum err_code code = receipt_make(f->svc, f->arena, f->erasure, &f->facts, &receipt, e);
    if (!code)
        code = set_state(f, "erased", receipt, e);
    if (!code)
        log_event(LOG_INFO, "erased", L_STR("erasure_id", f->erasure->id));
    return code;
}

/* ---- several at once ---- */

typedef enum err_code step_fn(struct finishing *f, struct err *e);

struct one {
    struct finishing f;
    struct err why;
    enum err_code code;
    bool over; /* it was finished before, or has failed */
};
struct pass {
    struct service *svc;
    struct one *all;
    size_t n, open;
};

static void read_all(struct pass *p, const struct str *ids)
{
    for (size_t i = 0; i < p->n; i++) {
        struct one *o = &p->all[i];
        o->f = (struct finishing){.svc = p->svc, .arena = arena_new()};
        o->code = o->f.arena ? erasure_read(p->svc, o->f.arena, ids[i], &o->f.erasure, &o->why) : err_nomem(&o->why);
        o->over = o->code || str_is(record_text(o->f.erasure, "state"), "erased");
    }
}

static void each(struct pass *p, step_fn *fn)
{
    p->open = 0;
    for (size_t i = 0; i < p->n; i++) {
        struct one *o = &p->all[i];
        if (o->over)
            continue;
        o->code = fn(&o->f, &o->why);
        o->over = o->code != ERR_OK;
        p->open += !o->over;
    }
}

static void finish_files(struct pass *p)
{
    struct err why = {0};
    bool replaced = false;
    each(p, begin);
    if (!p->open)
        return;
    replay_journals(p->svc);
    each(p, take_own);
    enum err_code code = p->open ? take_shared(p->svc, &replaced, &why) : ERR_OK;
    for (size_t i = 0; i < p->n; i++) {
        struct one *o = &p->all[i];
        if (!o->over)
            o->code = code ? err_set(&o->why, code, NULL, "%s", why.message) : prove(&o->f, replaced, &o->why);
    }
}

/* The first that failed is told; the others are done all the same. */
static enum err_code end(struct pass *p, struct err *e)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < p->n; i++) {
        const struct one *o = &p->all[i];
        if (o->code && !code)
            code = err_set(e, o->code, o->why.field[0] ? o->why.field : NULL, "%s", o->why.message);
        if (o->code)
            log_event(LOG_WARN, "erasure_failed", L_STR("erasure_id", o->f.erasure ? o->f.erasure->id : STR_NONE),
                      L_CSTR("message", o->why.message));
        arena_free(o->f.arena);
    }
    return code;
}

enum err_code erasure_finish(struct service *svc, const struct str *ids, size_t n, struct err *e)
{
    struct err own = {0};
    struct pass p = {.svc = svc, .n = n};
    int fd = -1;
    e = e ? e : &own;
    if (n == 0)
        return ERR_OK;
    p.all = mem_zalloc(n * sizeof *p.all);
    enum err_code code = p.all ? ERR_OK : err_nomem(e);
    if (!code && !ephemeral_is(svc))
        code = take_lock(svc, &fd, e);
    if (!code) {
        read_all(&p, ids);
        if (ephemeral_is(svc))
            each(&p, finish_in_memory);
        else
            finish_files(&p);
        code = end(&p, e);
    }
    if (fd >= 0)
        close(fd);
    mem_free(p.all);
    return code;
}
