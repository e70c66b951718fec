/* The gate's place in the store: which fields of a record pass it, and at which level. See gate.h.
 *
 * Most texts hold nothing to mask. So they are first looked at as for PUBLIC, which masks the most; only where that
 * changes something the level is looked up and the text masked for it. */
#include "store/gate.h"

#include "store/gate_int.h"

#include <string.h>

enum err_code gate_text(const struct store *s, struct arena *a, struct str level, bool json, struct str text,
                        struct str *out, struct err *e)
{
    *out = text;
    if (!s->gate || !text.n)
        return ERR_OK;
    return s->gate->mask(s->gate->arg, a, level, json, text, out, e);
}

static int strictness(struct str level)
{
    return level.n == 0 || str_is(level, "TEAM") ? 1 : str_is(level, "PRIVATE") ? 0 : 2;
}

struct str gate_stricter(struct str x, struct str y)
{
    static const char *const names[] = {"PRIVATE", "TEAM", "PUBLIC"};
    int a = strictness(x), b = strictness(y);
    return str_of(names[a > b ? a : b]);
}

/* ---- a record's fields ---- */

static bool is_json(const struct field *f)
{
    return f->type == FIELD_OBJECT || f->type == FIELD_ARRAY || f->type == FIELD_JSON;
}

bool gate_looks_at(const struct field *f)
{
    return !(f->flags & FIELD_EXACT) && (f->type == FIELD_TEXT || is_json(f));
}

static enum err_code mask_field(const struct store_gate *g, struct arena *a, struct str level, const struct field *f,
                                struct value *v, bool *changed, struct err *e)
{
    struct str out;
    if (!gate_looks_at(f) || v->type != VALUE_TEXT || !v->s.n)
        return ERR_OK;
    enum err_code code = g->mask(g->arg, a, level, is_json(f), v->s, &out, e);
    if (code || out.p == v->s.p)
        return code;
    v->s = out;
    *changed = true;
    return ERR_OK;
}

static enum err_code mask_fields(const struct store_gate *g, struct arena *a, struct str level, const struct kind *k,
                                 struct value *v, bool *changed, struct err *e)
{
    enum err_code code = ERR_OK;
    *changed = false;
    for (size_t i = 0; i < k->n_fields && !code; i++)
        code = mask_field(g, a, level, &k->fields[i], &v[i], changed, e);
    return code;
}

enum err_code gate_record(const struct store_gate *g, struct arena *a, struct str level, struct record *r,
                          bool *changed, struct err *e)
{
    return mask_fields(g, a, level, r->kind, r->v, changed, e);
}

static struct value *copy_values(struct arena *a, const struct record *r)
{
    struct value *v = arena_array(a, struct value, r->kind->n_fields);
    if (v)
        memcpy(v, r->v, r->kind->n_fields * sizeof *v);
    return v;
}

/* A copy of the values, masked as for PUBLIC; *v is NULL where that changes nothing: then no level would. */
static enum err_code look(const struct store *s, struct arena *a, const struct record *r, struct value **v,
                          struct err *e)
{
    bool changed;
    size_t n = r->kind->n_fields;
    *v = NULL;
    if (!s->gate || !n)
        return ERR_OK;
    struct value *copy = copy_values(a, r);
    if (!copy)
        return err_nomem(e);
    enum err_code code = mask_fields(s->gate, a, STR("PUBLIC"), r->kind, copy, &changed, e);
    *v = changed ? copy : NULL;
    return code;
}

/* What was looked at for PUBLIC, at the level that it has. */
static enum err_code settle(const struct store *s, struct arena *a, const struct record *r, struct str level,
                            struct value *v, struct err *e)
{
    bool changed;
    if (str_is(level, "PUBLIC"))
        return ERR_OK;
    memcpy(v, r->v, r->kind->n_fields * sizeof *v);
    return mask_fields(s->gate, a, level, r->kind, v, &changed, e);
}

/* ---- what is stored ---- */

enum err_code gate_insert(struct store_tx *tx, struct arena *a, struct record *r, struct err *e)
{
    struct value *v;
    struct str level;
    enum err_code code = look(tx->store, a, r, &v, e);
    if (code || !v)
        return code;
    code = record_level_new(tx, a, r, &level, e);
    if (!code)
        code = settle(tx->store, a, r, level, v, e);
    if (!code)
        r->v = v;
    return code;
}

/* Where the patch moves the record, or changes a session's level, its texts are the new place's. */
static enum err_code level_after(struct store_tx *tx, struct arena *a, int64_t seq, const struct record *patch,
                                 struct str *level, struct err *e)
{
    struct record stored = {.kind = patch->kind, .seq = seq};
    struct str given = STR_NONE;
    enum err_code code = record_level_new(tx, a, patch, &given, e);
    if (!code)
        code = record_level(tx, a, &stored, level, e);
    if (code)
        return code;
    if (given.n)
        *level = patch->kind == KIND_SESSION ? given : gate_stricter(given, *level);
    return ERR_OK;
}

/* A session whose level becomes stricter is marked: what is stored of it is to be masked anew (remask.h). */
static enum err_code mark_stricter(struct store_tx *tx, struct arena *a, int64_t seq, struct record *out, struct err *e)
{
    struct record stored = {.kind = KIND_SESSION, .seq = seq};
    struct str given = out->kind == KIND_SESSION ? record_text(out, "privacy_level") : STR_NONE, was;
    if (!given.n || !tx->store->gate)
        return ERR_OK;
    enum err_code code = record_level(tx, a, &stored, &was, e);
    if (code || strictness(given) <= strictness(was))
        return code;
    out->v = copy_values(a, out);
    if (!out->v)
        return err_nomem(e);
    record_set(out, "mask_due", V_INT(1));
    return ERR_OK;
}

enum err_code gate_update(struct store_tx *tx, struct arena *a, int64_t seq, const struct record *patch,
                          struct record *out, struct err *e)
{
    struct value *v;
    struct str level;
    *out = *patch;
    enum err_code code = look(tx->store, a, patch, &v, e);
    if (!code && v) {
        code = level_after(tx, a, seq, patch, &level, e);
        if (!code)
            code = settle(tx->store, a, patch, level, v, e);
        out->v = v;
    }
    return code ? code : mark_stricter(tx, a, seq, out, e);
}

enum err_code gate_stored(struct store_tx *tx, struct arena *a, struct record *r, struct record **patch,
                          struct str *level, struct err *e)
{
    struct value *v;
    *patch = NULL;
    enum err_code code = look(tx->store, a, r, &v, e);
    if (code || !v)
        return code;
    code = record_level(tx, a, r, level, e);
    if (!code)
        code = settle(tx->store, a, r, *level, v, e);
    struct record *p = code ? NULL : record_new(a, r->kind);
    if (!p)
        return code ? code : err_nomem(e);
    bool any = false;
    for (size_t i = 0; i < r->kind->n_fields; i++)
        if (v[i].type == VALUE_TEXT && v[i].s.p != r->v[i].s.p) {
            p->v[i] = v[i];
            any = true;
        }
    *patch = any ? p : NULL;
    return ERR_OK;
}

/* ---- what is read ---- */

void store_read_as(struct store_tx *tx, const struct store_reader *r)
{
    tx->reader = r;
}

/* STR_NONE: as it is stored. */
static struct str shown_level(const struct store_reader *r, struct str project)
{
    if (!r || scope_owns(&r->scope, project))
        return r ? r->least : STR_NONE;
    struct str level = str_eq(project_org(project), r->scope.org) ? STR("TEAM") : STR("PUBLIC");
    return r->least.n ? gate_stricter(level, r->least) : level;
}

enum err_code gate_shown_record(struct store_tx *tx, struct arena *a, struct record *r, struct err *e)
{
    bool changed;
    struct str level = shown_level(tx->reader, r->project);
    return level.n ? gate_record(tx->reader->gate, a, level, r, &changed, e) : ERR_OK;
}

enum err_code gate_shown_text(struct store_tx *tx, struct arena *a, struct str project, bool json, struct str *text,
                              struct err *e)
{
    struct str level = shown_level(tx->reader, project);
    const struct store_gate *g = level.n ? tx->reader->gate : NULL;
    return g && text->n ? g->mask(g->arg, a, level, json, *text, text, e) : ERR_OK;
}
