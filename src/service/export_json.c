/* The two formats that can be imported again. `jsonl` is flat, a record a line. `json` nests turns and characters in
 * their conversation and groups the rest by kind:
 *   {"cairn_export":1, "exported_at":…, "session":{…}, "conversations":[{…, "turns":[…], "characters":[…]}],
 *    "summaries":[…], …, "records":N} */
#include "base/clock.h"
#include "service/export.h"
#include "service/operation_run.h"

static void write_members(struct export_out *x, const struct record *r, struct str attached)
{
    struct json_out *w = x->call->out;
    jw_kcstr(w, "kind", r->kind->name);
    op_write_members(x->call, r);
    for (size_t i = 0; i < r->kind->n_fields; i++) { /* hidden elsewhere, but part of what is held */
        const struct field *field = &r->kind->fields[i];
        if ((field->flags & FIELD_HIDDEN) && record_text(r, field->name).n)
            jw_kstr(w, field->name, record_text(r, field->name));
    }
    if (attached.n)
        jw_kraw(w, "attached", attached);
}

static void write_head(struct json_out *w, const struct export_plan *p)
{
    jw_kint(w, "cairn_export", EXPORT_VERSION);
    jw_ktime(w, "exported_at", clock_now_ms());
    jw_kcstr(w, "cairn_version", cairn_version());
    jw_kbool(w, "complete", !p->start && !p->end);
}

/* ---- jsonl ---- */

static void end_line(struct export_out *x)
{
    buf_char(x->call->out->b, '\n');
    x->call->out->comma = false;
}

static void line_record(struct export_out *x, const struct record *r, struct str attached)
{
    struct json_out *w = x->call->out;
    jw_object(w);
    write_members(x, r, attached);
    jw_end_object(w);
    end_line(x);
    x->records++;
}

static void lines_begin(struct export_out *x, const struct record *session, struct str attached)
{
    jw_object(x->call->out);
    write_head(x->call->out, x->plan);
    jw_end_object(x->call->out);
    end_line(x);
    line_record(x, session, attached);
}

static void lines_end(struct export_out *x)
{
    jw_object(x->call->out);
    jw_kint(x->call->out, "records", x->records);
    jw_end_object(x->call->out);
    end_line(x);
}

const struct export_format export_jsonl = {lines_begin, line_record, lines_end};

/* ---- json ---- */

static bool nested(const struct kind *k)
{
    return k == KIND_TURN || k == kind_find(STR("character"));
}

/* Inside a conversation its lists are one level deeper; a record of the outer level ends it. */
static void close_inner(struct export_out *x)
{
    if (x->open[1])
        jw_end_array(x->call->out);
    x->open[1] = false;
}

static void close_conversation(struct export_out *x)
{
    close_inner(x);
    if (x->list == KIND_CONVERSATION)
        jw_end_object(x->call->out);
    x->list = x->list == KIND_CONVERSATION ? NULL : x->list;
}

static void tree_begin(struct export_out *x, const struct record *session, struct str attached)
{
    struct json_out *w = x->call->out;
    jw_object(w);
    write_head(w, x->plan);
    jw_key(w, "session");
    jw_object(w);
    write_members(x, session, attached);
    jw_end_object(w);
    x->records = 1;
}

static void open_list(struct export_out *x, int level, const struct kind *k)
{
    jw_key(x->call->out, k->plural);
    jw_array(x->call->out);
    x->open[level] = true;
}

static void tree_record(struct export_out *x, const struct record *r, struct str attached)
{
    struct json_out *w = x->call->out;
    const struct kind *k = r->kind;
    if (nested(k)) {
        if (x->open[1] && x->inner != k)
            close_inner(x);
        if (!x->open[1])
            open_list(x, 1, k);
        x->inner = k;
    } else {
        const struct kind *before = x->list;
        close_conversation(x);
        if (x->open[0] && before != k) {
            jw_end_array(w);
            x->open[0] = false;
        }
        if (!x->open[0])
            open_list(x, 0, k);
        x->list = k;
    }
    jw_object(w);
    write_members(x, r, attached);
    if (k != KIND_CONVERSATION) /* which stays open for what it holds */
        jw_end_object(w);
    x->records++;
}

static void tree_end(struct export_out *x)
{
    struct json_out *w = x->call->out;
    close_conversation(x);
    if (x->open[0])
        jw_end_array(w);
    jw_kint(w, "records", x->records);
    jw_end_object(w);
}

const struct export_format export_json = {tree_begin, tree_record, tree_end};
