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

static void choices_write(struct json_out *w, const char *choices, bool null)
{
    struct str rest = str_of(choices);
    jw_key(w, "enum");
    jw_array(w);
    while (rest.p)
        jw_str(w, str_cut(&rest, '|'));
    if (null)
        jw_null(w);
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
        choices_write(w, s->choices, s->nullable);
    bounds_write(w, s);
    if (s->pattern)
        jw_kcstr(w, "pattern", s->pattern);
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

/* Names of projects have neither slashes nor control characters (service/caller.c); a project's own record goes by
 * whatever name it has. */
#define PROJECT_NAME "^([^/*\\x00-\\x1f\\x7f]|[^/\\x00-\\x1f\\x7f]{2,})$"
static bool names_project(const struct operation *op, const char *arg)
{
    if (op->flags & OP_OWN_PROJECT)
        return false;
    return strcmp(arg, "project") == 0 || (strcmp(arg, "submodule_id") == 0 && op->kind != KIND_PROJECT);
}

struct shape openapi_arg_shape(const struct operation *op, const struct op_arg *a)
{
    const char *pattern = names_project(op, a->name) ? PROJECT_NAME : NULL;
    return (struct shape){a->type, a->min, a->max, a->fallback, a->choices, a->help, false, false, pattern};
}

struct shape openapi_field_shape(const struct field *f, bool nullable)
{
    static const enum arg_type TYPES[] = {
        [FIELD_TEXT] = ARG_TEXT,     [FIELD_INT] = ARG_INT,     [FIELD_REAL] = ARG_REAL,
        [FIELD_BOOL] = ARG_BOOL,     [FIELD_TIME] = ARG_TIME,   [FIELD_ENUM] = ARG_ENUM,
        [FIELD_OBJECT] = ARG_OBJECT, [FIELD_ARRAY] = ARG_ARRAY, [FIELD_JSON] = ARG_JSON,
    };
    return (struct shape){TYPES[f->type],
                          f->min,
                          f->max,
                          f->fallback,
                          f->choices,
                          f->help,
                          nullable,
                          (f->flags & FIELD_READ_ONLY) != 0,
                          NULL};
}

/* ---- kinds ---- */

static void put(struct json_out *w, const char *key, struct shape s)
{
    jw_key(w, key);
    openapi_shape(w, &s);
}

/* What every record has besides its fields; see kind.h and, for v1's names, service/v1.h. */
static void answered_members(struct json_out *w, const struct kind *k)
{
    const struct shape id = {.type = ARG_TEXT, .max = 200}, time = {.type = ARG_TIME}, number = {.type = ARG_INT};
    put(w, "id", id);
    if (strcmp(k->id_name, "id") != 0)
        put(w, k->id_name, id);
    put(w, "project", (struct shape){.type = ARG_TEXT, .nullable = true, .help = "the project it belongs to"});
    put(w, "submodule_id", (struct shape){.type = ARG_TEXT, .nullable = true, .help = "the same under its v1 name"});
    put(w, "submodule_name", (struct shape){.type = ARG_TEXT, .nullable = true, .help = "the project's name"});
    put(w, "created_at", time);
    put(w, "updated_at", time);
    put(w, "version", number);
    const struct shape kept_time = {.type = ARG_TIME, .read_only = true};
    const struct shape counted = {.type = ARG_INT, .read_only = true};
    if (k == KIND_SESSION) {
        put(w, "timestamp", kept_time);
        put(w, "conversation_count", counted);
        put(w, "total_turns", counted);
    } else if (k == KIND_CONVERSATION) {
        put(w, "message_count", counted);
    }
}

/* An answer may be sent back as it is: what Cairn keeps itself is then passed over (record_read.c). */
static void sent_members(struct json_out *w, const struct kind *k, enum kind_use use)
{
    bool keyed = k->flags & KIND_KEYED;
    char pattern[64];
    snprintf(pattern, sizeof pattern, "^%s_[0-9a-f]{32}$", k->id_prefix ? k->id_prefix : "");
    if (use == KIND_CREATED) {
        put(w, k->id_name,
            (struct shape){.type = ARG_TEXT,
                           .min = 1,
                           .max = 200,
                           .nullable = !keyed,
                           .help = keyed ? "its name" : "made where none is given",
                           .pattern = keyed ? "^[^\\x00-\\x1f]+$" : pattern});
        put(w, "created_at", (struct shape){.type = ARG_TIME, .nullable = true, .help = "when it was made (now)"});
    }
    if (use == KIND_CREATED && k != KIND_PROJECT)
        put(w, "project",
            (struct shape){.type = ARG_TEXT,
                           .min = 1,
                           .max = 200,
                           .nullable = true,
                           .help = "the project it belongs to",
                           .pattern = PROJECT_NAME});
    jw_kraw(w, "updated_at", STR("{\"description\":\"passed over\"}"));
    jw_kraw(w, "version", STR("{\"description\":\"passed over\"}"));
}

static bool is_member(const struct kind *k, const struct field *f, enum kind_use use)
{
    unsigned closed =
        FIELD_HIDDEN | (use == KIND_ANSWERED ? 0u : FIELD_READ_ONLY) | (use == KIND_UPDATED ? FIELD_FIXED : 0u);
    return !(f->flags & closed) && strcmp(f->name, k->id_name) != 0;
}

static void required_members(struct json_out *w, const struct kind *k, enum kind_use use)
{
    if (use == KIND_UPDATED)
        return;
    jw_key(w, "required");
    jw_array(w);
    if (use == KIND_ANSWERED || k->flags & KIND_KEYED)
        jw_cstr(w, k->id_name);
    for (size_t i = 0; i < k->n_fields; i++) {
        bool must = use == KIND_ANSWERED || k->fields[i].flags & FIELD_REQUIRED;
        if (must && is_member(k, &k->fields[i], use))
            jw_cstr(w, k->fields[i].name);
    }
    jw_end_array(w);
}

void openapi_kind(struct json_out *w, const struct kind *k, enum kind_use use)
{
    jw_object(w);
    jw_kcstr(w, "type", "object");
    jw_kcstr(w, "description", k->help);
    jw_key(w, "properties");
    jw_object(w);
    if (use == KIND_ANSWERED)
        answered_members(w, k);
    else
        sent_members(w, k, use);
    for (size_t i = 0; i < k->n_fields; i++) {
        const struct field *f = &k->fields[i];
        if (!is_member(k, f, use))
            continue;
        struct shape s = openapi_field_shape(f, !(f->flags & FIELD_REQUIRED) && f->type != FIELD_JSON);
        if (use != KIND_CREATED)
            s.fallback = NULL; /* defaults are of what is saved first */
        put(w, f->name, s);
    }
    jw_end_object(w);
    required_members(w, k, use);
    if (use != KIND_ANSWERED)
        jw_kbool(w, "additionalProperties", false);
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
    jw_kraw(w, "AnthropicError",
            STR("{\"type\":\"object\",\"required\":[\"type\",\"error\"],\"properties\":{\"type\":{\"const\":\"error\"},"
                "\"error\":{\"type\":\"object\",\"required\":[\"type\",\"message\"],\"properties\":{\"type\":{"
                "\"type\":\"string\"},\"message\":{\"type\":\"string\"}}},\"request_id\":{\"type\":\"string\"}}}"));
}
