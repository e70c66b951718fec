/* Records as the v1 API shows them. The names that v1 adds are accepted where a record is read, too
 * (record_read.c), so that what was read can be sent back. Not here: which records there are (crud.c). */
#include "service/v1.h"

#include "service/operation_run.h"

#include <string.h>

/* A project's record stands under its short name, as one of its organisation's own. */
static enum err_code project_name(struct store_tx *tx, struct arena *a, struct str project, struct str *out,
                                  struct err *e)
{
    const char *slash = memchr(project.p, '/', project.n);
    size_t org = slash ? (size_t)(slash - project.p) + 1 : 0;
    struct record *r;
    struct err why = {0};
    enum err_code code = record_get(tx, a, KIND_PROJECT, str_skip(project, org), str_take(project, org), &r, &why);
    *out = code ? STR_NONE : record_text(r, "name");
    if (code && code != ERR_NOT_FOUND)
        return err_set(e, code, NULL, "%s", why.message);
    return ERR_OK;
}

enum err_code v1_read(struct store_tx *tx, struct arena *a, const struct record *r, struct v1_extra *x, struct err *e)
{
    enum err_code code = ERR_OK;
    if (r->kind == KIND_SESSION)
        code = session_counts(tx, r->id, &x->counts, e);
    if (code || r->kind == KIND_PROJECT || !r->project.n || str_eq(r->project, x->project))
        return code;
    x->project = r->project;
    return project_name(tx, a, r->project, &x->project_name, e);
}

/* A project's record is its organisation's: its name is not for others. */
static void write_submodule(struct op_call *c, const struct record *r, const struct v1_extra *x)
{
    struct json_out *w = c->out;
    bool named = caller_reads(caller_of(c), r->project, STR("TEAM"));
    bool is_one = r->kind == KIND_PROJECT, in_one = r->project.n > 0;
    jw_kstr(w, "submodule_id", is_one ? r->id : in_one ? op_shown_project(c, r->project) : STR_NONE);
    jw_kstr(w, "submodule_name", is_one ? record_text(r, "name") : in_one && named ? x->project_name : STR_NONE);
}

void v1_write_members(struct op_call *c, const struct record *r, const struct v1_extra *x)
{
    struct json_out *w = c->out;
    op_write_members(c, r);
    write_submodule(c, r, x);
    if (r->kind == KIND_SESSION) {
        jw_ktime(w, "timestamp", r->created_at);
        jw_kint(w, "conversation_count", x->counts.conversations);
        jw_kint(w, "total_turns", x->counts.turns);
    } else if (r->kind == KIND_CONVERSATION) {
        jw_kint(w, "message_count", record_int(r, "turn_count"));
    }
}

void v1_write(struct op_call *c, const struct record *r, const struct v1_extra *x)
{
    jw_object(c->out);
    v1_write_members(c, r, x);
    jw_end_object(c->out);
}

struct str v1_project(const struct op_call *c)
{
    struct str p = op_text(c, "project");
    return p.n ? p : op_text(c, "submodule_id");
}
