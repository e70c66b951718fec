/* Finding a turn that is in cold storage alone: by what is left of its row, else by looking through all archives. */
#include "service/cold.h"

#include "base/id.h"
#include "base/json.h"
#include "store/retention.h"

struct finding {
    struct service *svc;
    struct arena *arena;
    struct str id;
    struct turn_trace trace;
    struct cold_place *out;
    bool found;
};

static enum err_code take(struct finding *f, const struct cold_archive *c, struct str head, struct err *e)
{
    const struct json *o;
    enum err_code code = json_parse(f->arena, head, 0, &o, e);
    if (code)
        return code;
    f->found = true;
    *f->out = (struct cold_place){.seq = f->trace.seq,
                                  .session_id = arena_str(f->arena, c->session),
                                  .conversation_id = arena_str(f->arena, c->conversation),
                                  .project = json_text(o, "project")};
    return arena_failed(f->arena) ? err_nomem(e) : ERR_OK;
}

static enum err_code search(struct finding *f, struct arena *a, const struct cold_archive *c, struct err *e)
{
    struct str lines;
    const struct json *o;
    enum err_code code = cold_read(f->svc, a, c, &lines, e);
    struct str head = code ? STR_NONE : str_cut(&lines, '\n');
    while (!code && !f->found && lines.n) {
        struct str line = str_cut(&lines, '\n');
        if (str_find(line, f->id) < 0)
            continue;
        code = json_parse(a, line, 0, &o, e);
        if (!code && str_eq(json_text(o, "turn_id"), f->id))
            code = take(f, c, head, e);
    }
    return code;
}

/* Archives that nobody can read any more hold nothing to be found. */
static enum err_code look_at(void *arg, const struct cold_archive *c, struct err *e)
{
    struct finding *f = arg;
    struct err why = {0};
    const struct turn_trace *t = &f->trace;
    bool traced = t->seq && id_has_form(t->session_id, "sess");
    if (f->found || (traced && (!str_eq(c->conversation, t->conversation_id) || t->turn_number < c->first ||
                                t->turn_number > c->last)))
        return ERR_OK;
    struct arena *a = arena_new();
    enum err_code code = a ? search(f, a, c, &why) : err_nomem(&why);
    arena_free(a);
    return code && code != ERR_GONE && code != ERR_NOT_FOUND ? err_set(e, code, NULL, "%s", why.message) : ERR_OK;
}

enum err_code cold_find_turn(struct service *svc, struct arena *a, struct str id, struct cold_place *out, struct err *e)
{
    struct finding f = {.svc = svc, .arena = a, .id = id, .out = out};
    struct store_tx *tx;
    enum err_code code = store_read_begin(svc->store, &tx, e);
    if (code)
        return code;
    code = turn_trace(tx, a, id, &f.trace, e);
    store_read_end(tx);
    bool traced = f.trace.seq && id_has_form(f.trace.session_id, "sess");
    if (!code)
        code = cold_walk(svc, traced ? f.trace.session_id : STR_NONE, look_at, &f, e);
    return code || f.found ? code : err_set(e, ERR_NOT_FOUND, NULL, "that turn is in no archive");
}
