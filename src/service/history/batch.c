/* A batch into the store, in one transaction: keys of what is met, sessions and conversations where they are new,
 * turns, and how far the file was read. On the writer's thread, perhaps more than once: all depends on the batch and
 * the transaction alone. A session that was deleted stays so: what belongs to it is not taken in. */
#include "service/history/extract.h"

#include "base/clock.h"
#include "base/text.h"
#include "service/default_agents.h"
#include "service/quota.h"
#include "store/records.h"

#include <stdio.h>

enum { TITLE_BYTES = 100, DIRECTIVE_BYTES = 200 };

/* Below 1: never put by for its age. What was imported is old from the start, and is there to stay. */
static const char preferences[] = "{\"memory_retention_days\":0,\"context_depth\":10,\"auto_summarize\":true}";

/* ---- places ---- */

/* A title is known once a session has it: till then it is new whenever it is told. */
static enum err_code title_known(struct store_tx *tx, const struct place *p, struct err *e)
{
    bool added;
    enum err_code code = p->title_new ? met_add(tx, p->title_key, &added, e) : ERR_OK;
    return code || p->title_by != HISTORY_TITLE_OWN ? code : met_add(tx, p->own_key, &added, e);
}

/* What a session is called that nobody has given a name: no words of a turn, which erasure would have to find. */
static struct str default_title(struct arena *a, struct str project, int64_t when)
{
    char day[CLOCK_TEXT];
    clock_format(when, day);
    return arena_fmt(a, "%.*s, %.10s", STR_ARG(text_cut(project, TITLE_BYTES)), day);
}

static enum err_code session_new(struct store_tx *tx, struct batch *b, const struct place *p, struct record **out,
                                 struct err *e)
{
    struct record *r = record_new(b->arena, KIND_SESSION);
    if (!r)
        return err_nomem(e);
    struct str project = p->project.n ? p->project : STR("default"), name = p->title_new ? p->title : STR_NONE;
    if (!name.n)
        name = default_title(b->arena, project, p->first);
    r->id = str_of(p->session_id);
    r->project = project;
    r->created_at = p->first;
    if (p->exact)
        record_set(r, "alias", V_TEXT(p->session));
    record_set(r, "title", V_TEXT(name));
    record_set(r, "privacy_level", V_TEXT(b->x->level));
    record_set(r, "status", V_TEXT(STR("active")));
    record_set(r, "user_preferences", V_TEXT(STR(preferences)));
    record_set(r, "last_active", V_INT(clock_now_ms()));
    *out = r;
    enum err_code code = record_insert(tx, b->arena, r, e);
    if (!code)
        code = title_known(tx, p, e);
    return code ? code : default_agents_insert(tx, b->arena, r->id, r->project, e);
}

static enum err_code conversation_new(struct store_tx *tx, struct batch *b, const struct place *p,
                                      const struct record *session, struct record **out, struct err *e)
{
    struct record *r = record_new(b->arena, KIND_CONVERSATION);
    if (!r)
        return err_nomem(e);
    struct str name = p->thread.n || !p->title_new ? p->directive : p->title;
    r->id = str_of(p->conversation_id);
    r->project = session->project;
    r->created_at = p->first;
    record_set(r, "session_id", V_TEXT(session->id));
    record_set(r, "status", V_TEXT(STR("active")));
    if (name.n)
        record_set(r, "directive", V_TEXT(name));
    enum err_code code = record_insert(tx, b->arena, r, e);
    *out = code ? NULL : r;
    return code ? code : batch_source(tx, b, r, 1, e);
}

static enum err_code retitle(struct store_tx *tx, struct batch *b, const struct record *session, const struct place *p,
                             struct err *e)
{
    struct str was = record_text(session, "title");
    enum err_code code = title_known(tx, p, e);
    if (code || str_eq(was, p->title))
        return code;
    if (p->title_by == HISTORY_TITLE_GUESS &&
        !str_eq(was, default_title(b->arena, session->project, session->created_at)))
        return ERR_OK;
    struct record *patch = record_new(b->arena, KIND_SESSION);
    if (!patch)
        return err_nomem(e);
    record_set(patch, "title", V_TEXT(p->title));
    return record_update(tx, b->arena, session->seq, patch, e);
}

/* Not found because it was deleted: then its id is taken, and it is gone. */
static enum err_code gone_or(enum err_code code, struct place *p, const struct err *why, struct err *e)
{
    if (code == ERR_CONFLICT) {
        p->state = PLACE_GONE;
        return ERR_OK;
    }
    return code ? err_set(e, code, NULL, "%s", why->message) : ERR_OK;
}

/* A session that was erased left its key. */
static enum err_code make_session(struct store_tx *tx, struct batch *b, struct place *p, enum place_wish wish,
                                  struct record **out, struct err *e)
{
    bool added;
    enum err_code code = met_add(tx, p->made_key, &added, e);
    if (!code && !added && wish == PLACE_FOR_KNOWN)
        return err_set(e, ERR_CONFLICT, NULL, "the session was erased");
    return code ? code : session_new(tx, b, p, out, e);
}

static enum err_code make_conversation(struct store_tx *tx, struct batch *b, struct place *p,
                                       const struct record *session, struct err *e)
{
    struct record *r = NULL;
    struct err why = {0};
    enum err_code code = record_get(tx, b->arena, KIND_CONVERSATION, str_of(p->conversation_id), STR_NONE, &r, &why);
    if (code && code != ERR_NOT_FOUND)
        return err_set(e, code, NULL, "%s", why.message);
    err_clear(&why);
    if (code)
        code = gone_or(conversation_new(tx, b, p, session, &r, &why), p, &why, e);
    if (r) {
        p->seq = r->seq;
        p->count = record_int(r, "turn_count");
    }
    return code;
}

enum err_code place_ready(struct store_tx *tx, struct batch *b, struct place *p, enum place_wish wish, struct err *e)
{
    struct record *session = NULL;
    struct err why = {0};
    if (p->state != PLACE_UNKNOWN)
        return ERR_OK;
    enum err_code code = record_get(tx, b->arena, KIND_SESSION, str_of(p->session_id), STR_NONE, &session, &why);
    if (code && code != ERR_NOT_FOUND)
        return err_set(e, code, NULL, "%s", why.message);
    if (!code && p->title_new)
        code = retitle(tx, b, session, p, e);
    if (wish == PLACE_FOR_TITLE)
        return code == ERR_NOT_FOUND ? ERR_OK : code;
    err_clear(&why);
    p->state = PLACE_READY;
    if (code == ERR_NOT_FOUND)
        code = make_session(tx, b, p, wish, &session, &why);
    if (code)
        return gone_or(code, p, &why, e);
    return make_conversation(tx, b, p, session, e);
}

/* ---- turns ---- */

/* What became of it counts on its side of the mark. */
static void count(struct batch *b, const struct item *i, const char *refused)
{
    struct file_counts *f = i->tail ? &b->tail : &b->upto_stored;
    if (refused)
        reasons_add(f, str_of(refused), 1);
    f->c.skipped += refused != NULL;
    f->c.fresh += !refused && i->fresh && !i->poorer.turn;
    f->c.duplicates += !refused && (!i->fresh || i->poorer.turn);
}

/* Its key, and those of the lines that it goes on with. */
static enum err_code look_at_keys(struct store_tx *tx, struct item *i, struct err *e)
{
    bool fresh;
    enum err_code code = met_add(tx, i->key, &fresh, e);
    i->first = fresh ? 0 : i->n_parts + 1;
    for (size_t k = 0; k < i->n_parts && !code; k++) {
        code = met_add(tx, i->parts[k].key, &fresh, e);
        if (fresh && i->first > i->n_parts && str_trim(str_skip(i->raw, i->parts[k].from)).n)
            i->first = k + 1;
    }
    i->fresh = i->first <= i->n_parts;
    i->poorer.turn = i->known_at.seq = 0;
    i->other_id = STR_NONE;
    i->grown = false;
    return code;
}

/* Whether it is new, and what its place is called if that is new too: by what is told of it, and by nothing else. */
static enum err_code look_at(struct store_tx *tx, struct item *i, struct err *e)
{
    enum err_code code = look_at_keys(tx, i, e);
    struct place *p = i->place;
    if (i->record) {
        if (!code && i->fresh && p && !p->first)
            p->first = i->record->created_at;
        return code;
    }
    struct str words = str_trim(str_take(i->turn.content, 4 * DIRECTIVE_BYTES));
    if (!p->first)
        p->first = i->turn.timestamp;
    if (!code && i->fresh && !p->directive.n && (p->thread.n || str_is(i->turn.role, "user")))
        p->directive = text_cut(words, DIRECTIVE_BYTES);
    return code;
}

/* The turn, or what is new of it: that is masked where it is stored. */
static enum err_code append(struct store_tx *tx, struct batch *b, struct item *i, struct err *e)
{
    struct turn_new t = i->turn;
    struct turn_added added;
    const bool whole = !i->first || i->grown;
    if (i->other_id.p)
        t.id = i->other_id;
    if (!whole) {
        const struct item_part *p = &i->parts[i->first - 1];
        t.id = str_of(p->id);
        t.content = str_trim(str_skip(i->raw, p->from));
        t.content_hash = t.masked_for = STR_NONE;
    }
    enum err_code code = quota_session(b->x->svc, tx, STR_NONE, t.conversation_id, t.content.n, e);
    if (!code)
        code = turn_append(tx, &t, &added, e);
    if (code == ERR_CONFLICT || (!code && !added.session_id.p)) { /* it came by an export of another store */
        i->fresh = false;
        i->poorer.turn = 0;
        return ERR_OK;
    }
    if (code)
        return code;
    if (i->place) /* a turn has one always */
        i->place->count = added.turn_number;
    i->said.turn = added.seq;
    if (whole && i->words_n)
        code = met_said_add(tx, &i->said, e);
    if (!code && whole && i->also) {
        struct met_said also = i->said;
        also.words = i->also;
        code = met_said_add(tx, &also, e);
    }
    return code || !i->poorer.turn ? code : again_instead(tx, b, i, added.seq, e);
}

static enum err_code store_item(struct store_tx *tx, struct batch *b, struct item *i, struct err *e)
{
    struct err why = {0};
    enum err_code code = i->record  ? ERR_OK
                         : i->first ? again_known(tx, b->arena, i, &why)
                                    : again_look(tx, b->arena, i, &why);
    if (!code && !i->record && i->first && !i->poorer.turn)
        code = grown_look(tx, b, i, &why);
    if (!code && i->fresh && i->place)
        code = place_ready(tx, b, i->place, PLACE_FOR_TURNS, &why);
    bool gone = i->place && i->place->state == PLACE_GONE;
    if (!code && !i->fresh && !i->record)
        code = again_told(tx, b, i, &why);
    else if (!code && i->fresh && !gone)
        code = i->record ? batch_record(tx, b, i, &why) : append(tx, b, i, &why);
    if (code && code != ERR_GONE) {
        if (e && !e->code)
            *e = why;
        return code;
    }
    count(b, i, !i->fresh ? NULL : gone ? "deleted" : code == ERR_GONE ? "expired" : NULL);
    return ERR_OK;
}

/* ---- the file ---- */

static enum err_code file_record(struct store_tx *tx, struct batch *b, struct record **was, struct err *e)
{
    struct err why = {0};
    enum err_code code = record_get(tx, b->arena, KIND_IMPORT_FILE, str_of(b->file.id), STR_NONE, was, &why);
    if (code != ERR_NOT_FOUND)
        return code ? err_set(e, code, NULL, "%s", why.message) : ERR_OK;
    *was = NULL;
    return ERR_OK;
}

/* Known now, and new in an earlier reading of the same: what is left to be found elsewhere. */
static int64_t was_new(struct file_counts *f, int64_t before)
{
    int64_t n = before < f->c.duplicates ? before : f->c.duplicates;
    f->c.fresh += n;
    f->c.duplicates -= n;
    return before - n;
}

/* Counts up to the mark, and of what is behind it: that is read again another time. */
static void fill_counts(struct batch *b, const struct record *was, struct record *r)
{
    struct file_counts upto = {0}, tail = {0};
    bool anew = b->begins && b->file.anew;
    if (was && !anew)
        counts_read(b->arena, record_text(was, "counts"), &upto);
    if (was && !b->begins)
        counts_read(b->arena, record_text(was, "tail"), &tail);
    if (b->marked) {
        counts_add(&upto, &tail);
        counts_add(&upto, &b->upto_stored);
        tail = (struct file_counts){0};
    }
    counts_add(&tail, &b->tail);
    tail.before = b->ends ? 0 : b->file.before;
    if (b->ends) {
        int64_t left = was_new(&upto, b->file.before);
        was_new(&tail, left);
    }
    if (b->marked || anew) {
        record_set(r, "read_to", V_INT(b->marked ? b->file.read_to : 0));
        record_set(r, "lines", V_INT(b->marked ? b->file.lines : 0));
    }
    record_set(r, "counts", V_TEXT(counts_text(b->arena, &upto)));
    record_set(r, "tail", V_TEXT(counts_text(b->arena, &tail)));
}

/* A sample leaves the place as it was; so does whoever reads a file that another import has begun to read meanwhile: it
 * would count every line twice. */
static bool may_keep(const struct batch *b, const struct record *was)
{
    return b->x->keeps_place && str_eq(record_text(was, "reading"), b->expects);
}

static enum err_code keep_file(struct store_tx *tx, struct batch *b, struct err *e)
{
    const struct extraction *x = b->x;
    struct record *was, *r = record_new(b->arena, KIND_IMPORT_FILE);
    if (!r)
        return err_nomem(e);
    enum err_code code = file_record(tx, b, &was, e);
    if (code || (was && !may_keep(b, was)))
        return code;
    if (x->keeps_place) {
        fill_counts(b, was, r);
        record_set(r, "reading", V_TEXT(b->reading));
        record_set(r, "last_time", V_INT(b->file.last_time));
    }
    record_set(r, "status",
               V_TEXT(b->failed                   ? STR("failed")
                      : b->ends && x->keeps_place ? STR("read")
                                                  : STR("partly")));
    state_fill(b->arena, &b->file, r);
    if (was)
        return record_update(tx, b->arena, was->seq, r, e);
    r->id = str_of(b->file.id);
    r->project = b->project;
    record_set(r, "source", V_TEXT(str_of(x->names.source)));
    record_set(r, "file_kind", V_TEXT(b->kind));
    record_set(r, "root", V_TEXT(b->root));
    record_set(r, "path", V_TEXT(b->path));
    return record_insert(tx, b->arena, r, e);
}

/* What the reader counted, on both sides of the mark, and which items are where. */
static void batch_begin_counts(struct batch *b)
{
    bool behind = !b->marked || !b->mark_item;
    b->upto_stored = b->marked ? b->upto : (struct file_counts){0};
    b->tail = b->counts;
    if (b->marked)
        counts_subtract(&b->tail, &b->upto);
    for (struct item *i = b->items; i; i = i->next) {
        i->tail = behind;
        behind = behind || i == b->mark_item;
    }
}

/* Of what is told once more nothing is counted but what is new. */
static void only_fresh(struct file_counts *f)
{
    *f = (struct file_counts){.c = {.lines = f->c.fresh, .fresh = f->c.fresh}};
}

static void batch_end_counts(struct batch *b)
{
    if (b->again) {
        only_fresh(&b->upto_stored);
        only_fresh(&b->tail);
    }
    b->stored = b->upto_stored;
    counts_add(&b->stored, &b->tail);
}

static enum err_code begin_places(struct store_tx *tx, struct batch *b, struct err *e)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < b->n_places && !code; i++) {
        struct place *p = b->places[i];
        p->state = PLACE_UNKNOWN;
        p->first = 0;
        p->directive = STR_NONE;
        p->seq = p->count = 0;
        p->last.seq = 0;
        bool known = !p->title.n;
        if (!known && p->title_by != HISTORY_TITLE_OWN) /* the person's counts */
            code = met_has(tx, p->own_key, &known, e);
        if (!known && !code)
            code = met_has(tx, p->title_key, &known, e);
        p->title_new = !known;
    }
    return code;
}

static enum err_code write_all(struct store_tx *tx, struct batch *b, struct err *e)
{
    bool added;
    enum err_code code = begin_places(tx, b, e);
    batch_begin_counts(b);
    for (struct item *i = b->items; i && !code; i = i->next)
        code = look_at(tx, i, e);
    for (struct item *i = b->items; i && !code; i = i->next)
        code = store_item(tx, b, i, e);
    batch_end_counts(b);
    for (const struct more_key *k = b->keys; k && !code; k = k->next)
        code = met_add(tx, k->key, &added, e);
    for (size_t i = 0; i < b->n_places && !code; i++)
        if (b->places[i]->title.n)
            code = place_ready(tx, b, b->places[i], PLACE_FOR_TITLE, e);
    return code ? code : keep_file(tx, b, e);
}

/* Behind one that was not stored none is: its file's place would lie behind what is missing. */
enum err_code batch_write(struct store_tx *tx, void *arg, struct err *e)
{
    struct batch *b = arg;
    struct extraction *x = b->x;
    if (b->number > x->failed_at)
        return err_set(e, ERR_UNAVAILABLE, NULL, "what comes before it could not be stored");
    enum err_code code = quota_store(x->svc, e);
    if (!code)
        code = write_all(tx, b, e);
    if (code)
        x->failed_at = b->number;
    else if (b->number == x->failed_at) /* alone it went well */
        x->failed_at = INT64_MAX;
    return code;
}

enum err_code batch_try(struct batch *b, struct err *e)
{
    struct store_tx *tx;
    enum err_code code = store_read_begin(b->x->svc->store, &tx, e);
    if (code)
        return code;
    batch_begin_counts(b);
    for (struct item *i = b->items; i && !code; i = i->next) {
        bool has = false;
        code = met_has(tx, i->key, &has, e);
        i->fresh = !has;
        if (!code && i->fresh)
            code = again_look(tx, b->arena, i, e);
        count(b, i, NULL);
    }
    batch_end_counts(b);
    store_read_end(tx);
    return code;
}
