/* A caller's JSON object checked against its kind's table entry. Why one place: every door gets the same
 * checks and the same words. A failure names the field and says what would be right. Not here: whether
 * ids exist, what may change after creation (store/records.c). */
#include "record/record.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/near.h"

#include <math.h>

enum { DEFAULT_MAX = 1024 * 1024, NAME_BOUND = 48, NAMES_MAX = 64, KEY_MAX = 200 };

/* A slip in a name would otherwise be lost without a word; the nearest name is what was meant most often. */
static enum err_code refuse_unknown(const struct kind *k, struct str key, struct err *e)
{
    const char *names[NAMES_MAX];
    size_t n = 0;
    for (size_t i = 0; i < k->n_fields && n < NAMES_MAX - 2; i++) {
        if (!(k->fields[i].flags & (FIELD_HIDDEN | FIELD_READ_ONLY)))
            names[n++] = k->fields[i].name;
    }
    names[n++] = k->id_name;
    names[n++] = "project";
    const char *near = near_name(key, names, n);
    struct str shown = str_take(key, NAME_BOUND - 1);
    char field[NAME_BOUND];
    size_t len = 0;
    for (; len < shown.n && shown.p[len]; len++)
        field[len] = shown.p[len];
    field[len] = '\0';
    if (near)
        return err_set(e, ERR_INVALID, field, "%s has no field \"%s\"; did you mean \"%s\"?", k->name, field, near);
    return err_set(e, ERR_INVALID, field, "%s has no field \"%s\"", k->name, field);
}

/* ---- one value ---- */

static enum err_code wrong_type(const struct field *f, const char *wanted, const struct json *v, struct err *e)
{
    return err_set(e, ERR_INVALID, f->name, "%s must be %s, not %s", f->name, wanted, json_type_name(v->type));
}

/* In bytes, as that is what has to be stored and sent; the message tells both numbers. */
static enum err_code check_length(const struct field *f, size_t n, struct err *e)
{
    double max = f->max > 0 ? f->max : DEFAULT_MAX;
    if ((double)n > max)
        return err_set(e, ERR_INVALID, f->name, "%s may be at most %.0f bytes long, it has %zu", f->name, max, n);
    if ((double)n < f->min)
        return f->min == 1 ? err_set(e, ERR_INVALID, f->name, "%s must not be empty", f->name)
                           : err_set(e, ERR_INVALID, f->name, "%s must be at least %.0f bytes long", f->name, f->min);
    return ERR_OK;
}

/* Both bounds 0: any number. */
static enum err_code check_range(const struct field *f, double x, struct err *e)
{
    if ((f->min != 0 || f->max != 0) && (x < f->min || x > f->max))
        return err_set(e, ERR_INVALID, f->name, "%s must be between %.15g and %.15g, not %.15g", f->name, f->min,
                       f->max, x);
    return ERR_OK;
}

static enum err_code read_text(struct arena *a, const struct field *f, const struct json *v, struct value *out,
                               struct err *e)
{
    if (v->type != JSON_STRING)
        return wrong_type(f, "a string", v, e);
    enum err_code rc = check_length(f, v->s.n, e);
    if (rc)
        return rc;
    struct str s = arena_str(a, v->s);
    if (!s.p)
        return err_nomem(e);
    *out = V_TEXT(s);
    return ERR_OK;
}

/* 1.0 is a whole number: many clients know no other kind. */
static enum err_code read_number(const struct field *f, const struct json *v, struct value *out, struct err *e)
{
    bool whole = f->type == FIELD_INT;
    if (v->type != JSON_INT && v->type != JSON_DOUBLE)
        return wrong_type(f, whole ? "a whole number" : "a number", v, e);
    enum err_code rc = check_range(f, v->number, e);
    if (rc)
        return rc;
    if (!whole) {
        *out = V_REAL(v->number);
        return ERR_OK;
    }
    if (v->type == JSON_INT) {
        *out = V_INT(v->integer);
        return ERR_OK;
    }
    if (v->number != floor(v->number) || fabs(v->number) > 9e15)
        return err_set(e, ERR_INVALID, f->name, "%s must be a whole number, not %.15g", f->name, v->number);
    *out = V_INT((int64_t)v->number);
    return ERR_OK;
}

static enum err_code read_time(const struct field *f, const struct json *v, struct value *out, struct err *e)
{
    int64_t ms;
    if (v->type != JSON_STRING)
        return wrong_type(f, "a time such as \"2026-02-03T04:05:06Z\"", v, e);
    if (!clock_parse(v->s, &ms))
        return err_set(e, ERR_INVALID, f->name, "%s must be a time such as \"2026-02-03T04:05:06Z\"", f->name);
    *out = V_INT(ms);
    return ERR_OK;
}

/* Choices are few, so all of them are named. */
static enum err_code read_choice(const struct field *f, const struct json *v, struct value *out, struct err *e)
{
    if (v->type != JSON_STRING)
        return wrong_type(f, "a string", v, e);
    struct near near = near_begin(v->s);
    struct str rest = str_of(f->choices);
    while (rest.p) {
        struct str choice = str_cut(&rest, '|');
        if (str_eq(choice, v->s)) {
            *out = V_TEXT(choice);
            return ERR_OK;
        }
        near_try(&near, choice);
    }
    char list[160];
    size_t n = 0;
    for (const char *c = f->choices; *c && n + 3 < sizeof list; c++) {
        list[n++] = *c == '|' ? ',' : *c;
        if (*c == '|')
            list[n++] = ' ';
    }
    list[n] = '\0';
    if (near.best.p)
        return err_set(e, ERR_INVALID, f->name, "%s must be one of %s; did you mean %.*s?", f->name, list,
                       STR_ARG(near.best));
    return err_set(e, ERR_INVALID, f->name, "%s must be one of %s", f->name, list);
}

/* Kept as minified text, so that equal values are equal texts and no space is paid for. */
static enum err_code read_json(struct arena *a, const struct field *f, const struct json *v, struct value *out,
                               struct err *e)
{
    if (f->type == FIELD_OBJECT && v->type != JSON_OBJECT)
        return wrong_type(f, "an object", v, e);
    if (f->type == FIELD_ARRAY && v->type != JSON_ARRAY)
        return wrong_type(f, "an array", v, e);
    struct buf b;
    struct json_out w;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_value(&w, v);
    enum err_code rc = b.failed ? err_nomem(e) : check_length(f, b.n, e);
    if (!rc) {
        struct str s = arena_str(a, buf_view(&b));
        *out = V_TEXT(s);
        if (!s.p)
            rc = err_nomem(e);
    }
    buf_release(&b);
    return rc;
}

static enum err_code read_value(struct arena *a, const struct field *f, const struct json *v, struct value *out,
                                struct err *e)
{
    switch (f->type) {
    case FIELD_TEXT:
        return read_text(a, f, v, out, e);
    case FIELD_INT:
    case FIELD_REAL:
        return read_number(f, v, out, e);
    case FIELD_BOOL:
        if (v->type != JSON_BOOL)
            return wrong_type(f, "true or false", v, e);
        *out = V_INT(v->boolean);
        return ERR_OK;
    case FIELD_TIME:
        return read_time(f, v, out, e);
    case FIELD_ENUM:
        return read_choice(f, v, out, e);
    case FIELD_OBJECT:
    case FIELD_ARRAY:
    case FIELD_JSON:
        break;
    }
    return read_json(a, f, v, out, e);
}

static enum err_code read_field(struct arena *a, const struct field *f, const struct json *v, enum record_mode mode,
                                struct value *out, struct err *e)
{
    if ((f->flags & FIELD_READ_ONLY) && mode != RECORD_RESTORE)
        return err_set(e, ERR_INVALID, f->name, "%s is kept by Cairn and cannot be set", f->name);
    /* null asks for the default; a JSON field without one may hold null itself. */
    if (v->type == JSON_NULL && f->fallback) {
        *out = field_default(f);
        return ERR_OK;
    }
    if (v->type == JSON_NULL && (f->flags & FIELD_REQUIRED) && f->type != FIELD_JSON)
        return err_set(e, ERR_INVALID, f->name, "%s must not be null", f->name);
    if (v->type == JSON_NULL && f->type != FIELD_JSON) {
        *out = V_NULL;
        return ERR_OK;
    }
    return read_value(a, f, v, out, e);
}

/* ---- what all kinds share ---- */

static enum err_code read_name(struct arena *a, const char *what, const struct json *v, struct str *out, struct err *e)
{
    if (v->type != JSON_STRING)
        return err_set(e, ERR_INVALID, what, "%s must be a string, not %s", what, json_type_name(v->type));
    if (!v->s.n || v->s.n > KEY_MAX)
        return err_set(e, ERR_INVALID, what, "%s must be 1 to %d bytes long", what, KEY_MAX);
    for (size_t i = 0; i < v->s.n; i++)
        if ((unsigned char)v->s.p[i] < 32)
            return err_set(e, ERR_INVALID, what, "%s must not hold control characters", what);
    *out = arena_str(a, v->s);
    return out->p ? ERR_OK : err_nomem(e);
}

/* Under "id" and under its own name; when both are given they must agree. */
static enum err_code read_id(struct arena *a, const struct json *v, const char *key, struct record *r, struct err *e)
{
    const struct kind *k = r->kind;
    struct str before = r->id;
    if (v->type == JSON_NULL)
        return ERR_OK;
    enum err_code rc = read_name(a, key, v, &r->id, e);
    if (rc)
        return rc;
    if (before.p && !str_eq(before, r->id))
        return err_set(e, ERR_INVALID, key, "id and %s must be the same when both are given", k->id_name);
    if (!(k->flags & KIND_KEYED) && !id_has_form(r->id, k->id_prefix))
        return err_set(e, ERR_INVALID, key, "%s must look like %s_ and 32 hex digits; leave it out to have one made",
                       key, k->id_prefix);
    return ERR_OK;
}

/* As `project` and as `submodule_id`, its name in the v1 API; when both are given they must agree. */
static enum err_code read_project(struct arena *a, const struct json *v, const char *key, struct record *r,
                                  struct err *e)
{
    struct str before = r->project;
    enum err_code rc = ERR_OK;
    if (v->type != JSON_NULL)
        rc = read_name(a, key, v, &r->project, e);
    else if (r->kind->flags & KIND_ORG)
        r->project = STR("");
    if (!rc && before.p && !str_eq(before, r->project))
        rc = err_set(e, ERR_INVALID, key, "project and submodule_id must be the same when both are given");
    return rc;
}

static enum err_code read_created(const struct json *v, struct record *r, struct err *e)
{
    static const struct field created = {.name = "created_at", .type = FIELD_TIME};
    struct value t = V_INT(0);
    enum err_code rc = v->type == JSON_NULL ? ERR_OK : read_time(&created, v, &t, e);
    r->created_at = t.i;
    return rc;
}

/* What v1 calls a project. On other records the project's name is said for the reader only. */
static enum err_code read_submodule(struct arena *a, struct str key, const struct json *v, struct record *r,
                                    struct err *e)
{
    bool id = str_is(key, "submodule_id"), project = r->kind == KIND_PROJECT;
    if (id)
        return project ? read_id(a, v, "submodule_id", r, e) : read_project(a, v, "submodule_id", r, e);
    int at = kind_field(KIND_PROJECT, STR("name"));
    struct value ignored;
    return read_field(a, &KIND_PROJECT->fields[at], v, RECORD_CREATE, project ? &r->v[at] : &ignored, e);
}

/* A member that is no field of its kind. An output sent back carries updated_at and version: no matter. */
static enum err_code read_shared(struct arena *a, struct str key, const struct json *v, struct record *r, struct err *e)
{
    if (str_is(key, "id"))
        return read_id(a, v, "id", r, e);
    if (str_is(key, r->kind->id_name))
        return read_id(a, v, r->kind->id_name, r, e);
    if (str_is(key, "project"))
        return read_project(a, v, "project", r, e);
    if (str_is(key, "submodule_id") || str_is(key, "submodule_name"))
        return read_submodule(a, key, v, r, e);
    if (str_is(key, "created_at"))
        return read_created(v, r, e);
    if (str_is(key, "updated_at") || str_is(key, "version"))
        return ERR_OK;
    return refuse_unknown(r->kind, key, e);
}

/* Only on creation: a patch leaves alone what it does not name. */
static enum err_code fill_defaults(struct record *r, struct err *e)
{
    const struct kind *k = r->kind;
    if ((k->flags & KIND_KEYED) && !r->id.p)
        return err_set(e, ERR_INVALID, k->id_name, "%s is required", k->id_name);
    for (size_t i = 0; i < k->n_fields; i++) {
        const struct field *f = &k->fields[i];
        if (r->v[i].type == VALUE_UNSET)
            r->v[i] = field_default(f);
        if (r->v[i].type == VALUE_UNSET && (f->flags & FIELD_REQUIRED) && !(f->flags & FIELD_READ_ONLY))
            return err_set(e, ERR_INVALID, f->name, "%s is required", f->name);
    }
    return ERR_OK;
}

/* When it was changed last and how often, as it was written out; what is not as we write it is made anew. */
static void read_stamps(const struct json *o, struct record *r)
{
    const struct json *version = json_get(o, "version"), *updated = json_get(o, "updated_at");
    if (version && version->type == JSON_INT && version->integer > 0)
        r->version = version->integer;
    if (updated && updated->type == JSON_STRING && !clock_parse(updated->s, &r->updated_at))
        r->updated_at = 0;
}

enum err_code record_from_json(struct arena *a, const struct json *o, enum record_mode mode, struct record *r,
                               struct err *e)
{
    if (!o || o->type != JSON_OBJECT)
        return err_set(e, ERR_INVALID, "body", "a %s must be given as a JSON object, not %s", r->kind->name,
                       o ? json_type_name(o->type) : "nothing");
    for (size_t i = 0; i < o->n; i++) {
        struct str key = o->keys[i].key;
        if (mode == RECORD_RESTORE && (str_is(key, "kind") || str_is(key, "attached")))
            continue;
        int at = kind_field(r->kind, key);
        bool known = at >= 0 && (mode == RECORD_RESTORE || !(r->kind->fields[at].flags & FIELD_HIDDEN));
        enum err_code rc = known ? read_field(a, &r->kind->fields[at], &o->items[i], mode, &r->v[at], e)
                                 : read_shared(a, key, &o->items[i], r, e);
        if (rc)
            return rc;
    }
    if (mode == RECORD_RESTORE)
        read_stamps(o, r);
    return mode == RECORD_PATCH ? ERR_OK : fill_defaults(r, e);
}
