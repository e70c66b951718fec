/* The schemas of the API's description: types with their bounds, record kinds, and errors. */
#include "doors/http/openapi.h"

#include "doors/http/http_int.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 1 << 20 };

void openapi_ref(struct json_out *w, const char *name, const char *suffix)
{
    char ref[128];
    int n = snprintf(ref, sizeof(ref), "#/components/schemas/%s%s", name, suffix);
    jw_object(w);
    jw_kstr(w, "$ref", (struct str){ref, n > 0 && n < (int)sizeof(ref) ? (size_t)n : 0});
    jw_end_object(w);
}

/* ---- types ---- */

static void choices_write(struct json_out *w, const char *choices)
{
    struct str rest = str_of(choices);
    jw_key(w, "enum");
    jw_array(w);
    while (rest.p)
        jw_str(w, str_cut(&rest, '|'));
    jw_end_array(w);
}

static const char *type_name(enum arg_type t)
{
    switch (t) {
    case ARG_INT:
        return "integer";
    case ARG_REAL:
        return "number";
    case ARG_BOOL:
        return "boolean";
    case ARG_OBJECT:
        return "object";
    case ARG_ARRAY:
        return "array";
    case ARG_JSON:
        return NULL; /* anything */
    default:
        return "string";
    }
}

static void type_write(struct json_out *w, const struct shape *s)
{
    const char *name = type_name(s->type);
    if (!name)
        return;
    jw_key(w, "type");
    if (s->nullable)
        jw_array(w);
    jw_cstr(w, name);
    if (s->nullable) {
        jw_cstr(w, "null");
        jw_end_array(w);
    }
}

static void bounds_write(struct json_out *w, const struct shape *s)
{
    bool number = s->type == ARG_INT || s->type == ARG_REAL;
    bool given = s->min != 0 || s->max != 0;
    if (number && given) {
        jw_knum(w, "minimum", s->min);
        jw_knum(w, "maximum", s->max);
    } else if (s->type == ARG_TEXT) {
        /* Ours are bounds in bytes; a character has at most four. */
        if (s->min > 0)
            jw_kint(w, "minLength", s->min > 4 ? (int64_t)(s->min / 4) : 1);
        jw_kint(w, "maxLength", s->max > 0 ? (int64_t)s->max : TEXT_MAX);
    }
}

void openapi_shape(struct json_out *w, const struct shape *s)
{
    jw_object(w);
    type_write(w, s);
    if (s->type == ARG_TIME)
        jw_kcstr(w, "format", "date-time");
    if (s->type == ARG_ENUM && s->choices)
        choices_write(w, s->choices);
    bounds_write(w, s);
    if (s->type == ARG_ARRAY) {
        jw_key(w, "items");
        jw_object(w);
        jw_end_object(w);
    }
    if (s->fallback)
        jw_kraw(w, "default", str_of(s->fallback));
    if (s->read_only)
        jw_kbool(w, "readOnly", true);
    if (s->help)
        jw_kcstr(w, "description", s->help);
    jw_end_object(w);
}

struct shape openapi_arg_shape(const struct op_arg *a)
{
    return (struct shape){a->type, a->min, a->max, a->fallback, a->choices, a->help, false, false};
}

static struct shape field_shape(const struct field *f, bool nullable)
{
    static const enum arg_type TYPES[] = {
        [FIELD_TEXT] = ARG_TEXT,     [FIELD_INT] = ARG_INT,     [FIELD_REAL] = ARG_REAL,
        [FIELD_BOOL] = ARG_BOOL,     [FIELD_TIME] = ARG_TIME,   [FIELD_ENUM] = ARG_ENUM,
        [FIELD_OBJECT] = ARG_OBJECT, [FIELD_ARRAY] = ARG_ARRAY, [FIELD_JSON] = ARG_JSON,
    };
    /* An enum that may be null would need null among its choices too. */
    bool null = nullable && f->type != FIELD_ENUM;
    return (struct shape){TYPES[f->type], f->min,  f->max, f->fallback,
                          f->choices,     f->help, null,   (f->flags & FIELD_READ_ONLY) != 0};
}

/* ---- kinds ---- */

static void common_members(struct json_out *w, const struct kind *k)
{
    const struct shape text = {.type = ARG_TEXT, .max = 200, .read_only = !(k->flags & KIND_KEYED)};
    const struct shape project = {.type = ARG_TEXT, .max = 200, .help = "the project it belongs to"};
    const struct shape time = {.type = ARG_TIME, .read_only = true};
    const struct shape version = {.type = ARG_INT, .read_only = true};
    jw_key(w, "id");
    openapi_shape(w, &text);
    if (k->id_name && strcmp(k->id_name, "id") != 0) {
        jw_key(w, k->id_name);
        openapi_shape(w, &text);
    }
    jw_key(w, "project");
    openapi_shape(w, &project);
    jw_key(w, "created_at");
    openapi_shape(w, &time);
    jw_key(w, "updated_at");
    openapi_shape(w, &time);
    jw_key(w, "version");
    openapi_shape(w, &version);
}

static void required_fields(struct json_out *w, const struct kind *k)
{
    bool any = false;
    for (size_t i = 0; i < k->n_fields; i++) {
        if (!(k->fields[i].flags & FIELD_REQUIRED) || k->fields[i].flags & (FIELD_HIDDEN | FIELD_READ_ONLY))
            continue;
        if (!any) {
            jw_key(w, "required");
            jw_array(w);
        }
        any = true;
        jw_cstr(w, k->fields[i].name);
    }
    if (any)
        jw_end_array(w);
}

void openapi_kind(struct json_out *w, const struct kind *k, bool create)
{
    jw_object(w);
    jw_kcstr(w, "type", "object");
    if (k->help)
        jw_kcstr(w, "description", k->help);
    jw_key(w, "properties");
    jw_object(w);
    common_members(w, k);
    for (size_t i = 0; i < k->n_fields; i++) {
        if (k->fields[i].flags & FIELD_HIDDEN || (k->id_name && strcmp(k->fields[i].name, k->id_name) == 0))
            continue;
        struct shape s = field_shape(&k->fields[i], true);
        jw_key(w, k->fields[i].name);
        openapi_shape(w, &s);
    }
    jw_end_object(w);
    if (create)
        required_fields(w, k);
    jw_end_object(w);
}

void openapi_errors(struct json_out *w)
{
    jw_kraw(w, "Error",
            STR("{\"type\":\"object\",\"required\":[\"error\"],\"properties\":{\"error\":{\"type\":\"object\","
                "\"required\":[\"code\",\"message\"],\"properties\":{\"code\":{\"type\":\"string\","
                "\"description\":\"such as VALIDATION_FAILED\"},\"message\":{\"type\":\"string\"},\"details\":{"
                "\"type\":\"object\",\"properties\":{\"field\":{\"type\":\"string\"}}},\"retry_after\":{"
                "\"type\":\"integer\",\"description\":\"seconds\"}}}}}"));
    jw_kraw(w, "OpenAIError",
            STR("{\"type\":\"object\",\"required\":[\"error\"],\"properties\":{\"error\":{\"type\":\"object\","
                "\"required\":[\"message\",\"type\",\"param\",\"code\"],\"properties\":{\"message\":{\"type\":"
                "\"string\"},\"type\":{\"type\":\"string\"},\"param\":{\"type\":[\"string\",\"null\"]},\"code\":{"
                "\"type\":[\"string\",\"null\"]}}}}}"));
}
