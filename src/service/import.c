/* Taking in records of an export (export.h). What is there already, by its id, is left as it is, so an import may be
 * repeated, broken off and begun again. A call is one transaction; records that cannot be taken in are told with the
 * reason and stop no other. Turns get their numbers anew, so a part of a conversation has no gap either. */
#include "service/audit.h"
#include "service/features.h"
#include "service/learning.h"
#include "service/operation_run.h"
#include "service/quota.h"

#include "base/clock.h"
#include "base/id.h"
#include "store/turns.h"

#include <string.h>

enum { RECORDS_MAX = 1000, REFUSED_SHOWN = 20 };

struct taking {
    size_t at; /* in the call's list, from 1 */
    struct record *record;
    struct turn_new turn; /* of a turn, looked at */
    enum err_code code;   /* why not, found before the transaction or in it */
    bool checked;         /* it was refused before */
    char reason[sizeof((struct err *)0)->message];
};
struct importing {
    struct op_call *call;
    struct taking *all;
    size_t n, room;
    int64_t imported, known;
};

/* ---- reading ---- */

static void refuse(struct taking *t, enum err_code code, const struct err *why)
{
    t->code = code;
    memcpy(t->reason, why->message, sizeof t->reason);
}

static enum err_code read_record(struct importing *im, const struct json *o, struct record **out, struct err *e)
{
    struct op_call *c = im->call;
    struct str name = json_text(o, "kind");
    const struct kind *k = o->type == JSON_OBJECT && name.n ? kind_find(name) : NULL;
    if (!k || (k->flags & KIND_INTERNAL))
        return err_set(e, ERR_INVALID, "kind", "every record needs its kind, such as \"session\" or \"turn\"");
    *out = record_new(c->arena, k);
    if (!*out)
        return err_nomem(e);
    enum err_code code = record_from_json(c->arena, o, RECORD_RESTORE, *out, e);
    struct str project = op_text(c, "project");
    if (code)
        return code;
    if (!(*out)->id.n)
        return err_set(e, ERR_INVALID, k->id_name, "%s is missing: a record without it cannot be told from others",
                       k->id_name);
    if (project.n && (*out)->project.n) /* bound already to its full name */
        (*out)->project = project;
    else if ((*out)->project.n)
        return caller_named_project(caller_of(c), c->arena, "project", (*out)->project, PROJECT_SLUG, &(*out)->project,
                                    e);
    return ERR_OK;
}

static struct taking *next(struct importing *im)
{
    if (im->n == im->room) {
        size_t room = im->room ? im->room * 2 : 256;
        struct taking *more = arena_array(im->call->arena, struct taking, room);
        if (!more)
            return NULL;
        if (im->n)
            memcpy(more, im->all, im->n * sizeof *more);
        im->all = more;
        im->room = room;
    }
    im->all[im->n] = (struct taking){0};
    return &im->all[im->n++];
}

/* A store's own words for a text that it keeps masked: the raw text's hash goes with it. */
static struct str hash_of(const struct record *r)
{
    struct str s = record_text(r, "content_hash");
    bool hex = s.n == 64;
    for (size_t i = 0; i < s.n && hex; i++)
        hex = (s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f');
    return hex ? s : STR_NONE;
}

/* The gate looks here, on this thread. */
static void read_turn(const struct store *s, struct taking *t)
{
    const struct record *r = t->record;
    t->turn = (struct turn_new){.id = r->id,
                                .conversation_id = record_text(r, "conversation_id"),
                                .agent = record_text(r, "agent"),
                                .role = record_text(r, "role"),
                                .content = record_text(r, "content"),
                                .metadata = record_text(r, "metadata"),
                                .timestamp = record_int(r, "timestamp"),
                                .created_at = r->created_at,
                                .token_count = record_int(r, "token_count"),
                                .content_hash = hash_of(r)};
    turn_look(s, &t->turn);
}

static enum err_code read_all(struct importing *im, const struct json *list, size_t at, struct err *e);

static enum err_code read_one(struct importing *im, const struct json *o, size_t at, struct err *e)
{
    struct taking *t = next(im);
    struct err why = {0};
    if (!t)
        return err_nomem(e);
    t->at = at;
    enum err_code code = read_record(im, o, &t->record, &why);
    if (code == ERR_NOMEM)
        return err_nomem(e);
    if (code)
        refuse(t, code, &why);
    else if (t->record->kind == KIND_TURN)
        read_turn(im->call->svc->store, t);
    t->checked = code != ERR_OK;
    const struct json *attached = o->type == JSON_OBJECT ? json_get(o, "attached") : NULL;
    return !code && attached && attached->type == JSON_ARRAY ? read_all(im, attached, at, e) : ERR_OK;
}

/* Labels and sources come behind their record; theirs in turn are not looked for. */
static enum err_code read_all(struct importing *im, const struct json *list, size_t at, struct err *e)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < list->n && !code; i++)
        code = read_one(im, &list->items[i], at ? at : i + 1, e);
    return code;
}

/* ---- writing ---- */

static enum err_code take_turn(struct store_tx *tx, struct service *svc, const struct turn_new *t, bool *known,
                               struct err *e)
{
    struct turn_added added;
    int64_t before = turns_last_seq(tx);
    enum err_code code = quota_session(svc, tx, STR_NONE, t->conversation_id, t->content.n, e);
    if (code)
        return code;
    code = turn_append(tx, t, &added, e);
    *known = !code && added.seq <= before;
    return code;
}

/* Session and conversation must be here before what belongs to them: an export has them first. */
static enum err_code check_parent(struct store_tx *tx, struct arena *a, const struct record *r, struct err *e)
{
    struct record *parent;
    struct str session = record_text(r, "session_id"), conversation = record_text(r, "conversation_id");
    enum err_code code = ERR_OK;
    if (session.n)
        code = record_get(tx, a, KIND_SESSION, session, STR_NONE, &parent, e);
    if (!code && conversation.n)
        code = record_get(tx, a, KIND_CONVERSATION, conversation, STR_NONE, &parent, e);
    return code;
}

/* Counts are of what is here, not of what was there. */
static enum err_code take_other(struct store_tx *tx, struct arena *a, const struct record *given, bool *known,
                                struct err *e)
{
    struct record *there, *r = record_new(a, given->kind);
    struct err why = {0};
    if (!r)
        return err_nomem(e);
    struct value *v = r->v;
    memcpy(v, given->v, given->kind->n_fields * sizeof *v);
    *r = *given;
    r->v = v;
    enum err_code code = record_get(tx, a, r->kind, r->id, r->project, &there, &why);
    *known = !code;
    if (code != ERR_NOT_FOUND)
        return code ? err_set(e, code, NULL, "%s", why.message) : ERR_OK;
    code = check_parent(tx, a, r, e);
    if (code)
        return code;
    if (r->kind == KIND_CONVERSATION) {
        record_set(r, "turn_count", V_INT(0));
        record_set(r, "content_bytes", V_INT(0));
        record_set(r, "last_turn_at", V_NULL);
        record_set(r, "window_start", V_INT(0));
        record_set(r, "turns_removed", V_INT(0));
    }
    code = record_insert(tx, a, r, e);
    return code || r->kind != KIND_AGENT_STATE ? code : learning_restored(tx, a, r, clock_now_ms(), e);
}

static enum err_code take(struct store_tx *tx, struct importing *im, const struct taking *t, bool *known, struct err *e)
{
    const struct record *r = t->record;
    struct op_call *c = im->call;
    const struct caller *who = caller_of(c);
    if (!caller_writes(who, r->project))
        return caller_refuse_write(who, r->project, e);
    enum err_code code = access_references(who, tx, c->arena, r, e);
    if (code)
        return code;
    return r->kind == KIND_TURN ? take_turn(tx, c->svc, &t->turn, known, e) : take_other(tx, c->arena, r, known, e);
}

/* What one record is to blame for; anything else undoes the whole call. */
static bool own_fault(enum err_code code)
{
    return code == ERR_INVALID || code == ERR_NOT_FOUND || code == ERR_CONFLICT || code == ERR_GONE ||
           code == ERR_FORBIDDEN || code == ERR_TOO_LARGE;
}

static enum err_code import_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct importing *im = arg;
    im->imported = im->known = 0;
    for (size_t i = 0; i < im->n; i++) {
        struct taking *t = &im->all[i];
        struct err why = {0};
        bool known = false;
        if (t->checked)
            continue;
        enum err_code code = take(tx, im, t, &known, &why);
        t->code = ERR_OK;
        if (code && !own_fault(code))
            return err_set(e, code, NULL, "%s", why.message);
        if (code)
            refuse(t, code, &why);
        if (!code && !known)
            audit_touch(im->call, t->record->kind, t->record->id);
        im->imported += !code && !known;
        im->known += !code && known;
    }
    audit_count(im->call, "imported", im->imported);
    audit_count(im->call, "known", im->known);
    return ERR_OK;
}

static void write_refused(struct json_out *w, const struct taking *t)
{
    jw_object(w);
    jw_kint(w, "record", (int64_t)t->at);
    jw_kcstr(w, "kind", t->record ? t->record->kind->name : "");
    jw_kstr(w, "id", t->record ? t->record->id : STR_NONE);
    jw_kcstr(w, "reason", t->reason);
    jw_end_object(w);
}

static void answer_imported(struct op_call *c, void *arg)
{
    const struct importing *im = arg;
    int64_t refused = 0;
    jw_object(c->out);
    jw_kint(c->out, "imported", im->imported);
    jw_kint(c->out, "known", im->known);
    jw_key(c->out, "refused");
    jw_array(c->out);
    for (size_t i = 0; i < im->n; i++) {
        if (im->all[i].code && refused++ < REFUSED_SHOWN)
            write_refused(c->out, &im->all[i]);
    }
    jw_end_array(c->out);
    jw_kint(c->out, "refused_count", refused);
    jw_end_object(c->out);
}

enum err_code records_import(struct op_call *c, struct err *e)
{
    struct importing *im = arena_alloc(c->arena, sizeof *im);
    const struct json *list = op_json(c, "records");
    if (!im)
        return err_nomem(e);
    if (list->n > RECORDS_MAX)
        return err_set(e, ERR_INVALID, "records", "records has %zu members; at most %d are taken in one call", list->n,
                       RECORDS_MAX);
    *im = (struct importing){.call = c};
    enum err_code code = read_all(im, list, 0, e);
    return code ? code : op_write(c, import_on, im, answer_imported, e);
}
