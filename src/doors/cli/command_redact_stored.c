/* redact --stored: masks what the data folder holds already, or says how much it would. The operation works some
 * seconds a call and gives a cursor; here it is called until none is left, and the counts are added up. Broken off, it
 * is simply begun again: what is masked already is passed over. */
#include "doors/cli/command_redact_stored.h"

#include "base/json_write.h"
#include "doors/cli/progress.h"

enum { COUNTS = 128 };

struct counts {
    struct str names[COUNTS];
    int64_t n[COUNTS];
};
struct redacting {
    struct cli *c;
    struct op_call *args;
    struct str cursor;
    int64_t looked, masked;
    struct counts kinds, types;
    struct progress progress;
};

static void add(struct counts *all, struct str name, int64_t n)
{
    for (size_t i = 0; i < COUNTS; i++) {
        if (all->names[i].p && !str_eq(all->names[i], name))
            continue;
        all->names[i] = name;
        all->n[i] += n;
        return;
    }
}

static void add_all(struct counts *all, const struct json *o)
{
    for (size_t i = 0; o && i < o->n; i++)
        add(all, o->keys[i].key, o->items[i].integer);
}

static int64_t number_of(const struct json *o, const char *key)
{
    const struct json *v = json_get_type(o, key, JSON_INT);
    return v ? v->integer : 0;
}

static enum err_code one_call(struct redacting *r, struct err *e)
{
    static const char *const names[] = {"session_id", "project"};
    struct op_pair pairs[4];
    struct given g = {.op = operation_find("redact.stored"), .pairs = pairs};
    struct answer answer;
    const struct json *o = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct str v = op_text(r->args, names[i]);
        if (v.p)
            pairs[g.n_pairs++] = (struct op_pair){str_of(names[i]), v, ARG_IN_BODY};
    }
    if (op_bool(r->args, "dry_run", false))
        pairs[g.n_pairs++] = (struct op_pair){STR("dry_run"), STR("true"), ARG_IN_BODY};
    if (r->cursor.n)
        pairs[g.n_pairs++] = (struct op_pair){STR("cursor"), r->cursor, ARG_IN_BODY};
    enum err_code code = ask(r->c, &g, &answer, e);
    if (!code)
        code = json_parse(r->c->arena, answer.json, 0, &o, e);
    if (code)
        return code;
    r->looked += number_of(o, "looked");
    r->masked += number_of(o, "masked");
    add_all(&r->kinds, json_get_type(o, "by_kind", JSON_OBJECT));
    add_all(&r->types, json_get_type(o, "by_type", JSON_OBJECT));
    r->cursor = json_text(o, "next_cursor");
    return ERR_OK;
}

/* ---- what is told ---- */

static void write_counts(struct json_out *w, const char *name, const struct counts *all)
{
    jw_key(w, name);
    jw_object(w);
    for (size_t i = 0; i < COUNTS && all->names[i].p; i++) {
        jw_key_str(w, all->names[i]);
        jw_int(w, all->n[i]);
    }
    jw_end_object(w);
}

static void put_counts(struct buf *b, const char *what, const struct counts *all)
{
    if (all->names[0].p)
        buf_fmt(b, "%s\n", what);
    for (size_t i = 0; i < COUNTS && all->names[i].p; i++)
        buf_fmt(b, "  %-20.*s %lld\n", STR_ARG(all->names[i]), (long long)all->n[i]);
}

static void report(struct redacting *r)
{
    bool dry = op_bool(r->args, "dry_run", false);
    struct buf *out = &r->c->out;
    struct json_out w;
    if (!r->c->json) {
        buf_fmt(out, "%s %lld of %lld records\n", dry ? "would mask" : "masked", (long long)r->masked,
                (long long)r->looked);
        put_counts(out, "by kind", &r->kinds);
        put_counts(out, "by type", &r->types);
        return;
    }
    jw_init(&w, out);
    jw_object(&w);
    jw_kbool(&w, "dry_run", dry);
    jw_kint(&w, "looked", r->looked);
    jw_kint(&w, "masked", r->masked);
    write_counts(&w, "by_kind", &r->kinds);
    write_counts(&w, "by_type", &r->types);
    jw_end_object(&w);
    buf_char(out, '\n');
}

enum err_code redact_stored_run(struct cli *c, struct op_call *call, struct err *e)
{
    struct redacting r = {.c = c, .args = call};
    enum err_code code = ERR_OK;
    progress_begin(&r.progress);
    do {
        code = one_call(&r, e);
        progress_show(&r.progress, "records looked at", r.looked, r.looked);
    } while (!code && r.cursor.n);
    progress_end(&r.progress);
    if (!code)
        report(&r);
    return code;
}
