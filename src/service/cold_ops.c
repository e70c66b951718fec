/* The operations on cold storage: what is there, whether it is whole, and reading it. */
#include "service/caller.h"
#include "service/cold.h"
#include "service/features.h"
#include "service/operation_run.h"

struct listing {
    struct op_call *call;
    int64_t archives, bytes, damaged;
};

static void put_archive(struct json_out *w, const struct cold_archive *a)
{
    jw_kstr(w, "session_id", a->session);
    jw_kstr(w, "conversation_id", a->conversation);
    jw_kint(w, "first", a->first);
    jw_kint(w, "last", a->last);
    jw_kint(w, "bytes", a->bytes);
    jw_kstr(w, "sha256", a->sha256);
}

/* Its lines, when it can be read and the caller may look into it. What nobody can read is for those to see who may see
 * everything. */
static enum err_code look_into(const struct op_call *c, struct arena *a, const struct cold_archive *x,
                               struct str *lines, bool *shown, struct err *why)
{
    *shown = caller_of(c)->everything;
    enum err_code code = cold_read(c->svc, a, x, lines, why);
    return code ? code : cold_permits(a, caller_of(c), *lines, shown, why);
}

static enum err_code list_one(void *arg, const struct cold_archive *a, struct err *e)
{
    struct listing *l = arg;
    struct err why = {0};
    struct str lines;
    bool shown = caller_of(l->call)->everything;
    struct arena *own = shown ? NULL : arena_new();
    if (!shown && !own)
        return err_nomem(e);
    if (!shown)
        (void)look_into(l->call, own, a, &lines, &shown, &why);
    arena_free(own);
    if (!shown)
        return ERR_OK;
    l->archives++;
    l->bytes += a->bytes;
    jw_object(l->call->out);
    put_archive(l->call->out, a);
    jw_end_object(l->call->out);
    return ERR_OK;
}

enum err_code cold_list(struct op_call *c, struct err *e)
{
    struct listing l = {.call = c};
    jw_object(c->out);
    jw_kbool(c->out, "enabled", cold_wanted(c->svc));
    jw_key(c->out, "archives");
    jw_array(c->out);
    enum err_code code = cold_walk(c->svc, STR_NONE, list_one, &l, e);
    jw_end_array(c->out);
    jw_kint(c->out, "bytes", l.bytes);
    jw_end_object(c->out);
    return code;
}

/* Those that are not whole, each with the reason. */
static enum err_code verify_one(void *arg, const struct cold_archive *a, struct err *e)
{
    struct listing *l = arg;
    struct err why = {0};
    struct str lines;
    struct arena *own = arena_new();
    if (!own)
        return err_nomem(e);
    bool shown;
    enum err_code code = look_into(l->call, own, a, &lines, &shown, &why);
    l->archives += shown;
    if (code && shown) {
        l->damaged++;
        jw_object(l->call->out);
        put_archive(l->call->out, a);
        jw_kcstr(l->call->out, "problem", why.message);
        jw_end_object(l->call->out);
    }
    arena_free(own);
    return ERR_OK;
}

enum err_code cold_verify(struct op_call *c, struct err *e)
{
    struct listing l = {.call = c};
    jw_object(c->out);
    jw_kbool(c->out, "enabled", cold_wanted(c->svc));
    jw_key(c->out, "damaged");
    jw_array(c->out);
    enum err_code code = cold_walk(c->svc, STR_NONE, verify_one, &l, e);
    jw_end_array(c->out);
    jw_kint(c->out, "archives", l.archives);
    jw_end_object(c->out);
    return code;
}

struct reading {
    struct op_call *call;
    int64_t archives;
};

static enum err_code read_one(void *arg, const struct cold_archive *a, struct err *e)
{
    struct reading *r = arg;
    struct op_call *c = r->call;
    struct str lines;
    bool shown = false;
    struct arena *own = arena_new();
    enum err_code code = own ? look_into(c, own, a, &lines, &shown, e) : err_nomem(e);
    r->archives += !code && shown;
    if (!code && shown)
        buf_str(c->out->b, lines);
    if (own)
        arena_free(own);
    return code || !c->flush ? code : c->flush(c, e);
}

enum err_code cold_read_out(struct op_call *c, struct err *e)
{
    c->content_type = "application/x-ndjson";
    c->file_name = "cold.jsonl";
    struct reading r = {.call = c};
    enum err_code code = cold_walk(c->svc, op_text(c, "session_id"), read_one, &r, e);
    if (!code && r.archives == 0)
        return err_set(e, ERR_NOT_FOUND, "session_id", "nothing of that session is in cold storage");
    return code;
}
