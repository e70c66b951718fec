/* Examples of request bodies, made of what the tables say: a default is an example, so is the first of the choices, an
 * id has the form of its kind, and a text tells what belongs there. */
#include "doors/http/openapi.h"

#include "record/kind.h"

#include <stdio.h>
#include <string.h>

enum { OPTIONAL_SHOWN = 2, TEXT_SHOWN = 60 };

/* "session_id" is shown as the id of a session. */
static bool put_id(struct json_out *w, const char *name)
{
    size_t n = strlen(name), n_kinds;
    const struct kind *k = kinds_all(&n_kinds);
    for (size_t i = 0; n > 3 && i < n_kinds; i++) {
        char id[64];
        if (!k[i].id_prefix || strcmp(k[i].id_name, name) != 0)
            continue;
        snprintf(id, sizeof id, "%s_0123456789abcdef0123456789abcdef", k[i].id_prefix);
        jw_cstr(w, id);
        return true;
    }
    return false;
}

static void put_number(struct json_out *w, const struct shape *s)
{
    bool bound = s->min != 0 || s->max != 0;
    jw_num(w, bound && (s->min > 1 || s->max < 1) ? s->min : 1);
}

static void put_example(struct json_out *w, const char *name, const struct shape *s)
{
    struct str rest = str_of(s->choices ? s->choices : "");
    struct str text =
        str_take(str_of(s->help ? s->help : name), s->max > 0 && s->max < TEXT_SHOWN ? (size_t)s->max : TEXT_SHOWN);
    if (s->fallback) {
        jw_raw(w, str_of(s->fallback));
        return;
    }
    switch (s->type) {
    case ARG_INT:
    case ARG_REAL:
        put_number(w, s);
        break;
    case ARG_BOOL:
        jw_bool(w, true);
        break;
    case ARG_TIME:
        jw_cstr(w, "2026-01-31T12:00:00Z");
        break;
    case ARG_ENUM:
        jw_str(w, str_cut(&rest, '|'));
        break;
    case ARG_OBJECT:
        jw_raw(w, STR("{}"));
        break;
    case ARG_ARRAY:
        jw_raw(w, STR("[]"));
        break;
    default:
        if (!put_id(w, name))
            jw_str(w, strcmp(name, "project") == 0 ? STR("default") : text);
    }
}

/* What must be given; where nothing must, the first two of what may. */
void openapi_example_args(struct json_out *w, const struct operation *op)
{
    size_t required = 0, shown = 0;
    for (size_t i = 0; i < op->n_args; i++)
        required += op->args[i].where == ARG_IN_BODY && op->args[i].flags & ARG_REQUIRED;
    jw_object(w);
    for (size_t i = 0; i < op->n_args; i++) {
        const struct op_arg *a = &op->args[i];
        if (a->where != ARG_IN_BODY || (required ? !(a->flags & ARG_REQUIRED) : shown >= OPTIONAL_SHOWN))
            continue;
        struct shape s = openapi_arg_shape(op, a);
        shown++;
        jw_key(w, a->name);
        put_example(w, a->name, &s);
    }
    jw_end_object(w);
}

/* A record: its name where it has one, what must be given, and a field that may be. A patch shows only the last. */
void openapi_example_kind(struct json_out *w, const struct kind *k, bool patch)
{
    size_t shown = 0;
    jw_object(w);
    if (!patch && k->flags & KIND_KEYED)
        jw_kcstr(w, k->id_name, "example");
    for (size_t i = 0; i < k->n_fields; i++) {
        const struct field *f = &k->fields[i];
        bool closed = f->flags & (FIELD_HIDDEN | FIELD_READ_ONLY) || (patch && f->flags & FIELD_FIXED);
        bool must = !patch && f->flags & FIELD_REQUIRED;
        if (closed || (!must && shown >= 1) || (!must && (f->type == FIELD_TIME || strstr(f->name, "_id"))))
            continue;
        struct shape s = openapi_field_shape(f, false);
        shown += !must;
        jw_key(w, f->name);
        put_example(w, f->name, &s);
    }
    jw_end_object(w);
}
