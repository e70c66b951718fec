/* A record in memory: access by field name, and its JSON form. Why here: doors, service and store all
 * speak records, and none should know a kind's columns by position. Not here: reading a caller's JSON
 * (record_read.c), SQL. */
#include "record/record.h"

#include "base/buf.h"

struct record *record_new(struct arena *a, const struct kind *k)
{
    struct record *r = arena_alloc(a, sizeof *r);
    struct value *v = arena_array(a, struct value, k->n_fields ? k->n_fields : 1);
    if (!r || !v)
        return NULL;
    r->kind = k;
    r->v = v; /* zeroed: VALUE_UNSET */
    return r;
}

struct value field_default(const struct field *f)
{
    struct str s = str_of(f->fallback);
    int64_t i = 0;
    double d = 0;
    if (!s.p)
        return V_UNSET;
    switch (f->type) {
    case FIELD_INT:
    case FIELD_TIME:
        (void)str_int(s, &i);
        return V_INT(i);
    case FIELD_REAL:
        (void)str_double(s, &d);
        return V_REAL(d);
    case FIELD_BOOL:
        return V_INT(str_is(s, "true"));
    case FIELD_TEXT:
    case FIELD_ENUM: /* a JSON string without escapes: only the quotes go */
        return V_TEXT(str_take(str_skip(s, 1), s.n - 2));
    case FIELD_OBJECT:
    case FIELD_ARRAY:
    case FIELD_JSON:
        break;
    }
    return V_TEXT(s);
}

struct value *record_value(const struct record *r, const char *field)
{
    int i = kind_field(r->kind, str_of(field));
    return i < 0 ? NULL : &r->v[i];
}

struct str record_text(const struct record *r, const char *field)
{
    const struct value *v = record_value(r, field);
    return v && v->type == VALUE_TEXT ? v->s : STR_NONE;
}

int64_t record_int(const struct record *r, const char *field)
{
    const struct value *v = record_value(r, field);
    if (!v)
        return 0;
    return v->type == VALUE_INT ? v->i : v->type == VALUE_REAL ? (int64_t)v->d : 0;
}

/* Whoever set it may have had a whole number at hand. */
double record_real(const struct record *r, const char *field)
{
    const struct value *v = record_value(r, field);
    if (!v)
        return 0;
    return v->type == VALUE_REAL ? v->d : v->type == VALUE_INT ? (double)v->i : 0;
}

void record_set(struct record *r, const char *field, struct value v)
{
    struct value *at = record_value(r, field);
    if (at)
        *at = v;
}

/* JSON fields hold checked JSON already and go out as they are. */
static void write_value(struct json_out *w, const struct field *f, const struct value *v)
{
    if (v->type == VALUE_UNSET || v->type == VALUE_NULL) {
        jw_null(w);
        return;
    }
    switch (f->type) {
    case FIELD_TEXT:
    case FIELD_ENUM:
        jw_str(w, v->s);
        break;
    case FIELD_INT:
        jw_int(w, v->i);
        break;
    case FIELD_REAL:
        jw_num(w, v->type == VALUE_INT ? (double)v->i : v->d);
        break;
    case FIELD_BOOL:
        jw_bool(w, v->i != 0);
        break;
    case FIELD_TIME:
        jw_time(w, v->i);
        break;
    case FIELD_OBJECT:
    case FIELD_ARRAY:
    case FIELD_JSON:
        jw_raw(w, v->s.n ? v->s : STR("null"));
        break;
    }
}

/* Every visible field, also the absent ones as null: an answer's shape does not depend on its values. */
void record_write_members(struct json_out *w, const struct record *r)
{
    const struct kind *k = r->kind;
    jw_kstr(w, "id", r->id);
    if (!str_is(str_of(k->id_name), "id"))
        jw_kstr(w, k->id_name, r->id);
    jw_kstr(w, "project", r->project.n ? r->project : STR_NONE);
    jw_ktime(w, "created_at", r->created_at);
    jw_ktime(w, "updated_at", r->updated_at);
    jw_kint(w, "version", r->version);
    for (size_t i = 0; i < k->n_fields; i++) {
        if (k->fields[i].flags & FIELD_HIDDEN)
            continue;
        jw_key(w, k->fields[i].name);
        write_value(w, &k->fields[i], &r->v[i]);
    }
}

void record_write(struct json_out *w, const struct record *r)
{
    jw_object(w);
    record_write_members(w, r);
    jw_end_object(w);
}

struct str record_searched_text(struct arena *a, const struct record *r)
{
    struct buf b;
    buf_init(&b, 0);
    for (size_t i = 0; i < r->kind->n_fields; i++) {
        if (!(r->kind->fields[i].flags & FIELD_SEARCHED) || r->v[i].type != VALUE_TEXT || !r->v[i].s.n)
            continue;
        if (b.n)
            buf_char(&b, '\n');
        buf_str(&b, r->v[i].s);
    }
    struct str text = buf_take(&b, a);
    return text;
}
