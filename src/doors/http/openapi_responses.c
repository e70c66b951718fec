/* What may come back, for the API's description: the answer, its headers, and the errors an operation can meet. Which
 * errors those are follows from the table's entry: who needs a permission can be refused it, who names a record may
 * name one that is not there, who has a limit can reach it. */
#include "doors/http/openapi.h"

#include "base/err.h"
#include "doors/http/http_int.h"

#include <stdio.h>
#include <string.h>

/* The three shapes of errors, by path; see answer.c. */
enum shape_of_error { CAIRN, OPENAI, ANTHROPIC, SHAPES };
static const char *const SCHEMA[SHAPES] = {"Error", "OpenAIError", "AnthropicError"};

static const struct error_answer {
    enum err_code code;
    const char *name, *description;
} ERRORS[] = {
    {ERR_INVALID, "Invalid", "what was sent is not right; details.field names what"},
    {ERR_DENIED, "Denied", "no token, a wrong one, one that is over, or the session is expired"},
    {ERR_FORBIDDEN, "Forbidden", "the token does not permit this"},
    {ERR_NOT_FOUND, "NotFound", "there is no such record, or none that the caller may see"},
    {ERR_CONFLICT, "Conflict", "it exists already, or cannot be changed"},
    {ERR_TOO_LARGE, "TooLarge", "the body is too large, or a quota is reached"},
    {ERR_LIMIT, "Limited", "too many requests; Retry-After says when to come again"},
    {ERR_INTERNAL, "Failed", "it failed for a reason of the server's own; its log has the request's id"},
    {ERR_UNAVAILABLE, "Unavailable", "the store, or something else that is needed, is not there now"},
};
enum { N_ERRORS = sizeof ERRORS / sizeof ERRORS[0] };

static enum shape_of_error shape_of(struct str path)
{
    if (str_starts(path, "/v1/messages"))
        return ANTHROPIC;
    return str_starts(path, "/v1/") || str_starts(path, "/v2/") ? OPENAI : CAIRN;
}

/* ---- which ---- */

static bool names_record(const struct catalog_entry *c)
{
    if (str_find(c->path, STR("{")) >= 0 || c->op->flags & OP_PROXY)
        return true;
    for (size_t i = 0; i < c->op->n_args; i++) {
        const char *name = c->op->args[i].name;
        size_t n = strlen(name);
        if ((n > 3 && strcmp(name + n - 3, "_id") == 0) || strcmp(name, "session") == 0)
            return true;
    }
    return (c->op->flags & OP_RECORD_BODY) != 0;
}

static bool meets(const struct catalog_entry *c, enum err_code code)
{
    const struct operation *op = c->op;
    bool own = !op->fn && !(op->flags & OP_PROXY); /* the door's: nothing is asked, nothing can be wrong */
    bool writes = strcmp(op->method, "GET") != 0;
    switch (code) {
    case ERR_DENIED:
    case ERR_FORBIDDEN:
        return op->permission != PERM_NONE;
    case ERR_NOT_FOUND:
        return names_record(c);
    case ERR_CONFLICT:
        return writes && op->permission != PERM_READ && !(op->flags & OP_PROXY);
    case ERR_TOO_LARGE:
        return writes;
    case ERR_LIMIT:
        return op->limit != LIMIT_NONE;
    case ERR_INTERNAL:
        return op->limit == LIMIT_CONTEXT;
    default:
        return !own;
    }
}

static void put_ref(struct json_out *w, const char *part, const char *prefix, const char *name)
{
    char ref[128];
    snprintf(ref, sizeof ref, "#/components/%s/%s%s", part, prefix, name);
    jw_object(w);
    jw_kcstr(w, "$ref", ref);
    jw_end_object(w);
}

/* ---- components ---- */

static void content(struct json_out *w, enum shape_of_error shape)
{
    jw_key(w, "content");
    jw_object(w);
    jw_key(w, "application/json");
    jw_object(w);
    jw_key(w, "schema");
    openapi_ref(w, SCHEMA[shape], "");
    jw_end_object(w);
    jw_end_object(w);
}

static void error_answer(struct json_out *w, const struct error_answer *e, enum shape_of_error shape)
{
    jw_object(w);
    jw_kcstr(w, "description", e->description);
    if (e->code == ERR_LIMIT) {
        jw_key(w, "headers");
        jw_raw(w, STR("{\"Retry-After\":{\"description\":\"seconds to wait\",\"schema\":{\"type\":\"integer\"}}}"));
    }
    content(w, shape);
    jw_end_object(w);
}

static bool ever_met(const struct catalog_entry *all, size_t n, enum err_code code, enum shape_of_error shape)
{
    for (size_t i = 0; i < n; i++)
        if (shape_of(all[i].path) == shape && meets(&all[i], code))
            return true;
    return false;
}

void openapi_responses_component(struct json_out *w, const struct catalog_entry *all, size_t n)
{
    char name[64];
    jw_key(w, "responses");
    jw_object(w);
    for (int shape = 0; shape < SHAPES; shape++) {
        for (size_t i = 0; i < N_ERRORS; i++) {
            if (!ever_met(all, n, ERRORS[i].code, (enum shape_of_error)shape))
                continue;
            snprintf(name, sizeof name, "%s.%s", SCHEMA[shape], ERRORS[i].name);
            jw_key(w, name);
            error_answer(w, &ERRORS[i], (enum shape_of_error)shape);
        }
    }
    jw_end_object(w);
}

/* What answers of lists, and of what has a limit, carry besides. */
static const struct {
    const char *name, *json;
    bool list; /* else: of what has a limit */
} HEADERS[] = {
    {"Link",
     "{\"description\":\"rel=next: where the next page is; left out on the last "
     "one\",\"schema\":{\"type\":\"string\"}}",
     true},
    {"X-Total-Count",
     "{\"description\":\"records there are in all, where that is counted\",\"schema\":{\"type\":\"integer\"}}", true},
    {"X-RateLimit-Limit",
     "{\"description\":\"requests a window; where limits are on\",\"schema\":{\"type\":\"integer\"}}", false},
    {"X-RateLimit-Remaining", "{\"description\":\"requests that are left\",\"schema\":{\"type\":\"integer\"}}", false},
    {"X-RateLimit-Reset",
     "{\"description\":\"when the window ends, in seconds since 1970\",\"schema\":{\"type\":\"integer\"}}", false},
    {"X-RateLimit-Window", "{\"description\":\"the window's length in seconds\",\"schema\":{\"type\":\"integer\"}}",
     false},
};
enum { N_HEADERS = sizeof HEADERS / sizeof HEADERS[0] };

void openapi_headers_component(struct json_out *w)
{
    jw_key(w, "headers");
    jw_object(w);
    for (size_t i = 0; i < N_HEADERS; i++)
        jw_kraw(w, HEADERS[i].name, str_of(HEADERS[i].json));
    jw_end_object(w);
}

/* ---- of one operation ---- */

static void headers(struct json_out *w, const struct operation *op)
{
    bool list = op->flags & OP_LIST_V1, limited = op->limit != LIMIT_NONE;
    if (!list && !limited)
        return;
    jw_key(w, "headers");
    jw_object(w);
    for (size_t i = 0; i < N_HEADERS; i++) {
        if (HEADERS[i].list ? !list : !limited)
            continue;
        jw_key(w, HEADERS[i].name);
        put_ref(w, "headers", "", HEADERS[i].name);
    }
    jw_end_object(w);
}

static void success(struct json_out *w, const struct operation *op)
{
    struct str types = openapi_types(op);
    jw_object(w);
    jw_kcstr(w, "description", op->answer ? op->answer : "done");
    headers(w, op);
    jw_key(w, "content");
    jw_object(w);
    while (types.n) {
        struct str type = str_cut(&types, ' ');
        jw_key_str(w, type);
        jw_object(w);
        jw_key(w, "schema");
        openapi_answer(w, op, type);
        jw_end_object(w);
    }
    jw_end_object(w);
    jw_end_object(w);
}

static bool takes_long_text(const struct operation *op)
{
    for (size_t i = 0; i < op->n_args; i++)
        if (op->args[i].where == ARG_IN_QUERY)
            return true;
    return false;
}

void openapi_responses(struct json_out *w, const struct catalog_entry *c)
{
    char status[16], prefix[64];
    enum shape_of_error shape = shape_of(c->path);
    snprintf(prefix, sizeof prefix, "%s.", SCHEMA[shape]);
    snprintf(status, sizeof status, "%d", c->op->status);
    jw_key(w, "responses");
    jw_object(w);
    jw_key(w, status);
    success(w, c->op);
    for (size_t i = 0; i < N_ERRORS; i++) {
        if (!meets(c, ERRORS[i].code))
            continue;
        snprintf(status, sizeof status, "%d", err_http_status(ERRORS[i].code));
        jw_key(w, status);
        put_ref(w, "responses", prefix, ERRORS[i].name);
    }
    if (takes_long_text(c->op)) { /* answered before anything is read; the first of them without our words */
        jw_kraw(w, "414", STR("{\"description\":\"path and query are longer than a request's head may be, 16 KiB\"}"));
        jw_kraw(w, "431", STR("{\"description\":\"path and headers are longer than 16 KiB together\"}"));
    }
    if (c->op->flags & OP_PROXY)
        jw_kraw(w, "default", STR("{\"description\":\"what the upstream answers, or that it does not\"}"));
    jw_end_object(w);
}
