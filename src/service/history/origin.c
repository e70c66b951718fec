/* Where an imported turn came from: its metadata names the file's record, the line and the byte. */
#include "service/history/history.h"

#include "service/audit.h"
#include "service/features.h"
#include "service/operation_run.h"
#include "store/turns.h"

#include <string.h>
#include <unistd.h>

static const char mark[] = "\"source\":{\"file\":\"impf_";
enum { MARK_BEFORE = 24 };

/* It stands at the beginning, behind TURN_LEFT_OUT at most. */
bool history_imported(struct str metadata)
{
    return str_find(str_take(metadata, MARK_BEFORE + sizeof mark), (struct str){mark, sizeof mark - 1}) >= 0;
}

static int64_t int_of(const struct json *o, const char *key, int64_t otherwise)
{
    const struct json *n = json_get_type(o, key, JSON_INT);
    return n ? n->integer : otherwise;
}

bool history_origin(struct store *s, struct arena *a, struct str metadata, struct history_origin *out)
{
    const struct json *o = NULL;
    struct record *r = NULL;
    struct store_tx *tx;
    struct err why = {0};
    if (!history_imported(metadata) || json_parse(a, metadata, JSON_DUPLICATES_OK, &o, NULL))
        return false;
    const struct json *source = json_get_type(o, "source", JSON_OBJECT);
    if (store_read_begin(s, &tx, &why))
        return false;
    enum err_code code = record_get(tx, a, KIND_IMPORT_FILE, json_text(source, "file"), STR_NONE, &r, &why);
    store_read_end(tx);
    if (code)
        return false;
    *out = (struct history_origin){.source = record_text(r, "source"),
                                   .root = record_text(r, "root"),
                                   .path = record_text(r, "path"),
                                   .entry = json_text(o, "entry"),
                                   .line = int_of(source, "line", 0),
                                   .offset = int_of(source, "offset", -1),
                                   .bytes = int_of(source, "bytes", 0),
                                   .device = record_int(r, "device"),
                                   .inode = record_int(r, "inode")};
    return true;
}

static void put_origin(struct arena *a, struct json_out *w, const struct history_origin *o)
{
    jw_kstr(w, "origin", o->source);
    jw_kstr(w, "path", arena_fmt(a, "%.*s/%.*s", STR_ARG(o->root), STR_ARG(o->path)));
    if (o->entry.n)
        jw_kstr(w, "entry", o->entry);
    jw_kint(w, "line", o->line);
    if (o->offset >= 0)
        jw_kint(w, "byte_offset", o->offset);
    jw_kint(w, "bytes", o->bytes);
}

void history_origin_write(struct store *s, struct arena *a, struct json_out *w, struct str metadata)
{
    struct history_origin o;
    if (history_origin(s, a, metadata, &o))
        put_origin(a, w, &o);
}

/* ---- files that were moved ---- */

struct moving {
    struct arena *arena;
    struct history_origin *origin;
    int64_t device, inode;
};

static struct str last_part(struct str path)
{
    struct str part = STR_NONE;
    while (path.n)
        part = str_cut(&path, '/');
    return part;
}

/* Another place of the same name and number on the disk, imported later: the last counts. */
static enum err_code take_place(void *arg, const struct record *r, struct err *e)
{
    struct moving *m = arg;
    struct history_origin *o = m->origin;
    struct str root = record_text(r, "root"), path = record_text(r, "path");
    (void)e;
    if (record_int(r, "inode") != m->inode || record_int(r, "device") != m->device ||
        !str_eq(last_part(path), last_part(o->path)))
        return ERR_OK;
    char *whole = arena_cstr(m->arena, arena_fmt(m->arena, "%.*s/%.*s", STR_ARG(root), STR_ARG(path)));
    if (whole && access(whole, F_OK) == 0) {
        o->root = arena_str(m->arena, root);
        o->path = arena_str(m->arena, path);
    }
    return ERR_OK;
}

/* The root may have been imported from another place since. */
static void follow_moved(struct service *svc, struct arena *a, struct history_origin *o)
{
    struct moving m = {a, o, o->device, o->inode};
    struct err none = {0};
    char *whole = arena_cstr(a, arena_fmt(a, "%.*s/%.*s", STR_ARG(o->root), STR_ARG(o->path)));
    if (whole && o->inode && access(whole, F_OK))
        (void)history_manifest(svc, o->source, take_place, &m, &none);
}

/* ---- the operation ---- */

static enum err_code find_turn(struct op_call *c, struct store_tx *tx, struct str *metadata, struct str *hash,
                               struct err *e)
{
    struct record *r;
    enum err_code code = record_get(tx, c->arena, KIND_TURN, op_text(c, "turn_id"), STR_NONE, &r, e);
    if (!code)
        code = access_record(caller_of(c), ACCESS_READ, tx, c->arena, r, e);
    if (code)
        return code;
    audit_touch_record(c, r);
    *metadata = record_text(r, "metadata");
    *hash = record_text(r, "content_hash");
    return ERR_OK;
}

enum err_code turn_source(struct op_call *c, struct err *e)
{
    struct store_tx *tx;
    struct str metadata, hash;
    enum err_code code = op_read_begin(c, &tx, e);
    if (code)
        return code;
    code = find_turn(c, tx, &metadata, &hash, e);
    store_read_end(tx);
    if (code)
        return code;
    struct history_origin o;
    bool imported = history_origin(c->svc->store, c->arena, metadata, &o);
    jw_object(c->out);
    jw_kstr(c->out, "turn_id", op_text(c, "turn_id"));
    jw_kbool(c->out, "imported", imported);
    if (imported) {
        follow_moved(c->svc, c->arena, &o);
        put_origin(c->arena, c->out, &o);
    }
    jw_kstr(c->out, "content_hash", hash);
    jw_end_object(c->out);
    return ERR_OK;
}
