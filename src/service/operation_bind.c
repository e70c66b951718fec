/* Checking a call's arguments against its operation's table entry. Everything that reaches an operation
 * function went through here: right type, inside its bounds, one of its choices, nothing unknown.
 * It does not know where the input came from (HTTP, command line, library). */
#include "service/access.h"
#include "service/v1.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/near.h"

#include <math.h>
#include <string.h>

enum { TEXT_MAX = 1 << 20, ENUM_SHOWN = 200 };

static const char *where_name(enum arg_where w)
{
    return w == ARG_IN_PATH ? "in the path" : w == ARG_IN_QUERY ? "in the query" : "in the body";
}

static bool choice_has(const char *choices, struct str v)
{
    struct str rest = str_of(choices);
    while (rest.p) {
        if (str_eq(str_cut(&rest, '|'), v))
            return true;
    }
    return false;
}

static enum err_code bad_choice(const struct op_arg *arg, struct str got, struct err *e)
{
    return err_set(e, ERR_INVALID, arg->name, "%s must be one of %.*s, not \"%.*s\"", arg->name, ENUM_SHOWN,
                   arg->choices, (int)(got.n < 40 ? got.n : 40), got.p);
}

static struct json *node(struct arena *a, enum json_type type, struct err *e)
{
    struct json *v = arena_alloc(a, sizeof *v);
    if (!v)
        err_nomem(e);
    else
        v->type = type;
    return v;
}

static enum err_code check_range(const struct op_arg *arg, double v, struct err *e)
{
    if ((arg->min != 0 || arg->max != 0) && (v < arg->min || v > arg->max))
        return err_set(e, ERR_INVALID, arg->name, "%s must be from %.15g to %.15g, not %.15g", arg->name, arg->min,
                       arg->max, v);
    return ERR_OK;
}

static enum err_code check_length(const struct op_arg *arg, size_t n, struct err *e)
{
    double max = arg->max > 0 ? arg->max : TEXT_MAX;
    if ((double)n < arg->min)
        return n == 0 ? err_set(e, ERR_INVALID, arg->name, "%s must not be empty", arg->name)
                      : err_set(e, ERR_INVALID, arg->name, "%s must be at least %.0f bytes long", arg->name, arg->min);
    if ((double)n > max)
        return err_set(e, ERR_INVALID, arg->name, "%s is %zu bytes long; at most %.0f are allowed", arg->name, n, max);
    return ERR_OK;
}

static enum err_code check_time(struct op_call *c, const struct op_arg *arg, const struct json *v,
                                const struct json **out, struct err *e)
{
    int64_t ms;
    if (v->type != JSON_STRING || !clock_parse(v->s, &ms))
        return err_set(e, ERR_INVALID, arg->name, "%s must be a time such as 2026-01-31T12:00:00Z", arg->name);
    struct json *t = node(c->arena, JSON_INT, e);
    if (!t)
        return ERR_NOMEM;
    t->integer = ms;
    t->number = (double)ms;
    t->raw = v->raw;
    *out = t;
    return ERR_OK;
}

static enum err_code wrong_type(const struct op_arg *arg, const struct json *v, const char *right, struct err *e)
{
    return err_set(e, ERR_INVALID, arg->name, "%s must be %s, not %s", arg->name, right, json_type_name(v->type));
}

/* 5.0 is a whole number: many clients know no other kind. */
static enum err_code check_int(struct op_call *c, const struct op_arg *arg, const struct json *v,
                               const struct json **out, struct err *e)
{
    bool whole = v->type == JSON_DOUBLE && v->number == floor(v->number) && fabs(v->number) <= 9e15;
    if (v->type != JSON_INT && !whole)
        return wrong_type(arg, v, "a whole number", e);
    if (whole) {
        struct json *n = node(c->arena, JSON_INT, e);
        if (!n)
            return ERR_NOMEM;
        n->integer = (int64_t)v->number;
        n->number = v->number;
        n->raw = v->raw;
        *out = n;
    }
    return check_range(arg, (*out)->number, e);
}

/* A value that came as JSON. */
static enum err_code check_value(struct op_call *c, const struct op_arg *arg, const struct json *v,
                                 const struct json **out, struct err *e)
{
    *out = v;
    switch (arg->type) {
    case ARG_TEXT:
        return v->type != JSON_STRING ? wrong_type(arg, v, "a string", e) : check_length(arg, v->s.n, e);
    case ARG_ENUM:
        if (v->type != JSON_STRING)
            return wrong_type(arg, v, "a string", e);
        return choice_has(arg->choices, v->s) ? ERR_OK : bad_choice(arg, v->s, e);
    case ARG_INT:
        return check_int(c, arg, v, out, e);
    case ARG_REAL:
        if (v->type != JSON_INT && v->type != JSON_DOUBLE)
            return wrong_type(arg, v, "a number", e);
        return check_range(arg, v->number, e);
    case ARG_BOOL:
        return v->type == JSON_BOOL ? ERR_OK : wrong_type(arg, v, "true or false", e);
    case ARG_TIME:
        return check_time(c, arg, v, out, e);
    case ARG_OBJECT:
        return v->type == JSON_OBJECT ? check_length(arg, v->raw.n, e) : wrong_type(arg, v, "an object", e);
    case ARG_ARRAY:
        return v->type == JSON_ARRAY ? check_length(arg, v->raw.n, e) : wrong_type(arg, v, "an array", e);
    case ARG_JSON:
        break;
    }
    return check_length(arg, v->raw.n, e);
}

static enum err_code number_from_text(struct op_call *c, const struct op_arg *arg, struct str s, struct json **out,
                                      struct err *e)
{
    struct json *v = node(c->arena, arg->type == ARG_INT ? JSON_INT : JSON_DOUBLE, e);
    if (!v)
        return ERR_NOMEM;
    bool ok = arg->type == ARG_INT ? str_int(s, &v->integer) : str_double(s, &v->number) && isfinite(v->number);
    if (!ok)
        return err_set(e, ERR_INVALID, arg->name, "%s must be a %s, not \"%.*s\"", arg->name,
                       arg->type == ARG_INT ? "whole number" : "number", (int)(s.n < 40 ? s.n : 40), s.p);
    if (arg->type == ARG_INT)
        v->number = (double)v->integer;
    *out = v;
    return ERR_OK;
}

/* A value that came as text: from the path, the query, the command line. */
static enum err_code value_from_text(struct op_call *c, const struct op_arg *arg, struct str s, const struct json **out,
                                     struct err *e)
{
    struct json *v = NULL;
    switch (arg->type) {
    case ARG_INT:
    case ARG_REAL:
        if (number_from_text(c, arg, s, &v, e))
            return e ? e->code : ERR_INVALID;
        break;
    case ARG_BOOL:
        if (!str_is(s, "true") && !str_is(s, "false") && !str_is(s, "1") && !str_is(s, "0"))
            return err_set(e, ERR_INVALID, arg->name, "%s must be true or false", arg->name);
        v = node(c->arena, JSON_BOOL, e);
        if (v)
            v->boolean = str_is(s, "true") || str_is(s, "1");
        break;
    case ARG_OBJECT:
    case ARG_ARRAY:
    case ARG_JSON: {
        const struct json *parsed;
        struct err why = {0};
        if (json_parse(c->arena, s, 0, &parsed, &why))
            return err_set(e, ERR_INVALID, arg->name, "%s is not valid JSON: %.150s", arg->name, why.message);
        return check_value(c, arg, parsed, out, e);
    }
    case ARG_TEXT:
    case ARG_ENUM:
    case ARG_TIME:
        v = node(c->arena, JSON_STRING, e);
        if (v)
            v->s = s;
        break;
    }
    return v ? check_value(c, arg, v, out, e) : ERR_NOMEM;
}

static const struct op_pair *find_pair(const struct op_input *in, const struct op_arg *arg)
{
    for (size_t i = 0; i < in->n_pairs; i++) {
        if (in->pairs[i].where == arg->where && str_is(in->pairs[i].name, arg->name))
            return &in->pairs[i];
    }
    return NULL;
}

static enum err_code bind_fallback(struct op_call *c, const struct op_arg *arg, size_t i, struct err *e)
{
    if (arg->flags & ARG_REQUIRED)
        return err_set(e, ERR_INVALID, arg->name, "%s is missing %s: %s", arg->name, where_name(arg->where), arg->help);
    if (!arg->fallback)
        return ERR_OK;
    return json_parse(c->arena, str_of(arg->fallback), 0, &c->values[i], e);
}

static enum err_code bind_arg(struct op_call *c, const struct op_input *in, size_t i, struct err *e)
{
    const struct op_arg *arg = &c->op->args[i];
    const struct op_pair *pair = find_pair(in, arg);
    if (pair)
        return value_from_text(c, arg, pair->value, &c->values[i], e);
    const struct json *v = json_get(c->body, arg->name);
    if (v && v->type == JSON_NULL && !(arg->flags & ARG_REQUIRED) && arg->type != ARG_JSON)
        v = NULL; /* null says "not given" */
    if (!v)
        return bind_fallback(c, arg, i, e);
    return check_value(c, arg, v, &c->values[i], e);
}

static int arg_number(const struct operation *op, struct str name, bool in_body)
{
    for (size_t i = 0; i < op->n_args; i++) {
        if (str_is(name, op->args[i].name) && (in_body || op->args[i].where != ARG_IN_BODY))
            return (int)i;
    }
    return -1;
}

static enum err_code unknown_name(const struct operation *op, struct str name, const char *what, struct err *e)
{
    const char *names[64];
    size_t n = 0;
    for (size_t i = 0; i < op->n_args && n < 64; i++)
        names[n++] = op->args[i].name;
    const char *near = near_name(name, names, n);
    char field[48];
    size_t len = name.n < sizeof field - 1 ? name.n : sizeof field - 1;
    memcpy(field, name.p, len);
    field[len] = 0;
    if (near)
        return err_set(e, ERR_INVALID, field, "unknown %s \"%s\"; did you mean \"%s\"?", what, field, near);
    return err_set(e, ERR_INVALID, field, "unknown %s \"%s\"", what, field);
}

static enum err_code refuse_unknown(struct op_call *c, const struct op_input *in, struct err *e)
{
    const struct operation *op = c->op;
    for (size_t i = 0; i < in->n_pairs; i++) {
        if (in->pairs[i].where != ARG_IN_PATH && arg_number(op, in->pairs[i].name, true) < 0)
            return unknown_name(op, in->pairs[i].name, "parameter", e);
    }
    if (!c->body || (op->flags & (OP_RECORD_BODY | OP_ANY_BODY)))
        return ERR_OK;
    for (size_t i = 0; i < c->body->n; i++) {
        if (arg_number(op, c->body->keys[i].key, true) < 0)
            return unknown_name(op, c->body->keys[i].key, "member", e);
    }
    return ERR_OK;
}

static enum err_code bind_record(struct op_call *c, struct err *e)
{
    c->record = record_new(c->arena, c->op->kind);
    if (!c->record)
        return err_nomem(e);
    if (!c->body)
        return err_set(e, ERR_INVALID, "body", "a JSON object with the %s's fields is needed", c->op->kind->name);
    return record_from_json(c->arena, c->body, (c->op->flags & OP_RECORD_PATCH) ? RECORD_PATCH : RECORD_CREATE,
                            c->record, e);
}

static enum err_code parse_body(struct op_call *c, const struct op_input *in, struct err *e)
{
    if (str_trim(in->body).n == 0)
        return ERR_OK;
    enum err_code code = json_parse(c->arena, in->body, 0, &c->body, e);
    if (!code && c->body->type != JSON_OBJECT)
        code = err_set(e, ERR_INVALID, "body", "the body must be a JSON object, not %s", json_type_name(c->body->type));
    return code;
}

/* ---- projects ---- */

/* A project's own record goes by its slug. */
static bool names_project(const struct operation *op, const char *arg)
{
    if (op->flags & OP_OWN_PROJECT)
        return false;
    return strcmp(arg, "project") == 0 || (strcmp(arg, "submodule_id") == 0 && op->kind != KIND_PROJECT);
}

/* From here on `project` is a full name. Reading may name those of other organisations too. */
static enum err_code bind_project_name(struct op_call *c, size_t i, struct err *e)
{
    enum project_name form = access_of(c->op) == ACCESS_READ ? PROJECT_SLUG_OR_FULL : PROJECT_SLUG;
    struct json *v = node(c->arena, JSON_STRING, e);
    if (!v)
        return ERR_NOMEM;
    enum err_code code =
        caller_named_project(caller_of(c), c->arena, c->op->args[i].name, c->values[i]->s, form, &v->s, e);
    c->values[i] = v;
    return code;
}

/* A record's own. What belongs to the organisation as a whole is said by null, or by nothing; projects always do. */
static enum err_code bind_record_project(struct op_call *c, struct err *e)
{
    const struct caller *who = caller_of(c);
    struct record *r = c->record;
    bool org = r->kind->flags & KIND_ORG, patch = c->op->flags & OP_RECORD_PATCH;
    if (r->kind == KIND_PROJECT && r->id.p) {
        struct str ignored;
        enum err_code code = caller_named_project(who, c->arena, "slug", r->id, PROJECT_SLUG, &ignored, e);
        if (code)
            return code;
    }
    if (r->project.n && r->kind != KIND_PROJECT)
        return caller_named_project(who, c->arena, "project", r->project, PROJECT_SLUG, &r->project, e);
    if (org && (r->project.p || !patch))
        r->project = caller_project(who, c->arena, STR(""));
    return org && !r->project.p && !patch ? err_nomem(e) : ERR_OK;
}

static enum err_code bind_project(struct op_call *c, struct err *e)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; !code && i < c->op->n_args; i++)
        if (c->values[i] && names_project(c->op, c->op->args[i].name))
            code = bind_project_name(c, i, e);
    if (!code && c->record)
        code = bind_record_project(c, e);
    if (code || c->project.n)
        return code;
    struct str named = c->op->flags & OP_OWN_PROJECT ? STR_NONE : v1_project(c);
    c->project = named.n ? named : caller_own_project(caller_of(c), c->arena);
    return c->project.p ? ERR_OK : err_nomem(e);
}

/* That a reason was given may be logged, not what it says. */
static void take_reason(struct op_call *c)
{
    c->access_reason = op_text(c, "access_reason");
    if (c->access_reason.n)
        log_event(LOG_DEBUG, "access_reason", L_CSTR("operation", c->op->name), L_STR("caller", caller_of(c)->name),
                  L_INT("bytes", c->access_reason.n));
}

enum err_code op_bind(struct op_call *c, const struct op_input *in, struct err *e)
{
    const struct operation *op = c->op;
    c->status = op->status;
    c->total = -1;
    c->values = arena_array(c->arena, const struct json *, op->n_args + 1);
    if (!c->values)
        return err_nomem(e);
    enum err_code code = parse_body(c, in, e);
    if (!code)
        code = refuse_unknown(c, in, e);
    for (size_t i = 0; !code && i < op->n_args; i++)
        code = bind_arg(c, in, i, e);
    if (!code && (op->flags & OP_RECORD_BODY))
        code = bind_record(c, e);
    if (!code)
        code = bind_project(c, e);
    if (!code)
        take_reason(c);
    return code;
}
