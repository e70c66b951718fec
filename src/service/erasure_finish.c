/* Erasing for good: from the first row to the receipt. See erasure.h. In this order, each of which may be done again:
 *
 *   1. state `erasing`: whoever comes after a kill goes on from here
 *   2. journals of dead processes are stored, so that nothing comes back out of them later
 *   3. followers are held; what was made meanwhile is deleted; rows go, a few at a time
 *   4. keys of sessions that went whole; dictionaries, index, vectors, journal, the database that a restore had
 * replaced
 *   5. the database's unused pages and its log
 *   6. the receipt, with state `erased`
 *
 * A lock file keeps two processes, or two threads, from doing it at once: the second waits and finds it done. */
#include "service/erasure_int.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
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
static enum err_code remove_replaced(struct finishing *f, struct err *e)
{
    static const char *const names[] = {"store.db.before-restore", "store.db.before-restore-wal",
                                        "store.db.before-restore-shm"};
    char path[PATH_ROOM];
    enum err_code code = ERR_OK;
    for (size_t i = 0; !code && i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", store_dir(f->svc->store), names[i]);
        f->facts.replaced_store = f->facts.replaced_store || file_exists(path);
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

static enum err_code take_the_rest(struct finishing *f, struct err *e)
{
    struct service *s = f->svc;
    enum err_code code = store_unlearn(s->store, f->erasure->id, &f->facts.dictionaries, e);
    if (!code)
        code = take_cold(f, e);
    if (!code)
        code = index_purge(s->index, e);
    if (!code)
        code = meaning_purge(s->meaning, store_dir(s->store), e);
    if (code)
        return code;
    journal_forget(s->journal);
    f->facts.index = f->facts.vectors = f->facts.journal = true;
    code = remove_replaced(f, e);
    return code ? code : store_scrub(s->store, e);
}

/* ---- from beginning to end ---- */

/* What was in memory only has no files, and nothing to prove. */
static enum err_code finish_in_memory(struct finishing *f, struct err *e)
{
    enum err_code code = take_rows(f, e);
    return code ? code : set_state(f, "erased", STR_NONE, e);
}

static enum err_code finish(struct finishing *f, struct err *e)
{
    struct str receipt;
    enum err_code code = ERR_OK;
    if (ephemeral_is(f->svc))
        return finish_in_memory(f, e);
    if (!str_is(record_text(f->erasure, "state"), "erasing")) {
        code = note_slots(f, e);
        if (!code)
            code = set_state(f, "erasing", STR_NONE, e);
    }
    if (code)
        return code;
    replay_journals(f->svc);
    code = take_rows(f, e);
    if (!code)
        code = destroy_keys(f, e);
    if (!code)
        code = take_the_rest(f, e);
    f->facts.erased_at = clock_now_ms();
    if (!code)
        code = receipt_make(f->svc, f->arena, f->erasure, &f->facts, &receipt, e);
    return code ? code : set_state(f, "erased", receipt, e);
}

enum err_code erasure_finish(struct service *svc, struct str erasure_id, struct err *e)
{
    struct err own = {0};
    struct finishing f = {.svc = svc, .arena = arena_new()};
    int fd = -1;
    e = e ? e : &own;
    enum err_code code = f.arena ? ERR_OK : err_nomem(e);
    if (!code && !ephemeral_is(svc))
        code = take_lock(svc, &fd, e);
    if (!code)
        code = erasure_read(svc, f.arena, erasure_id, &f.erasure, e);
    if (!code && !str_is(record_text(f.erasure, "state"), "erased")) {
        code = finish(&f, e);
        if (!code)
            log_event(LOG_INFO, "erased", L_STR("erasure_id", erasure_id));
    }
    if (fd >= 0)
        close(fd);
    if (f.arena)
        arena_free(f.arena);
    return code;
}
