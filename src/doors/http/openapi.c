/* GET /openapi.json: the API's description in OpenAPI 3.1, from the table of operations and the table of kinds.
 * Nothing is described here that is not in one of the two. */
#include "doors/http/openapi.h"

#include "base/arena.h"
#include "doors/http/http_int.h"
#include "service/token.h"

#include <stdio.h>
#include <string.h>

static void parameter(struct json_out *w, struct str name, const char *in, const struct op_arg *arg)
{
    const struct shape text = {.type = ARG_TEXT};
    struct shape s = arg ? openapi_arg_shape(arg) : text;
    jw_object(w);
    jw_kstr(w, "name", name);
    jw_kcstr(w, "in", in);
    if (strcmp(in, "path") == 0 || (arg && arg->flags & ARG_REQUIRED))
        jw_kbool(w, "required", true);
    if (arg && arg->help)
        jw_kcstr(w, "description", arg->help);
    s.help = NULL;
    jw_key(w, "schema");
    openapi_shape(w, &s);
    jw_end_object(w);
}

static const struct op_arg *arg_named(const struct operation *op, struct str name)
{
    for (size_t i = 0; i < op->n_args; i++)
        if (str_is(name, op->args[i].name))
            return &op->args[i];
    return NULL;
}

static void parameters(struct json_out *w, const struct catalog_entry *c)
{
    struct str rest = c->path, name;
    jw_key(w, "parameters");
    jw_array(w);
    while ((name = catalog_param(&rest)).p)
        parameter(w, name, "path", arg_named(c->op, name));
    for (size_t i = 0; i < c->op->n_args; i++)
        if (c->op->args[i].where == ARG_IN_QUERY)
            parameter(w, str_of(c->op->args[i].name), "query", &c->op->args[i]);
    jw_end_array(w);
}

static size_t body_args(const struct operation *op, unsigned flags)
{
    size_t n = 0;
    for (size_t i = 0; i < op->n_args; i++)
        n += op->args[i].where == ARG_IN_BODY && (op->args[i].flags & flags) == flags;
    return n;
}

static void body_schema(struct json_out *w, const struct operation *op)
{
    jw_object(w);
    jw_kcstr(w, "type", "object");
    jw_key(w, "properties");
    jw_object(w);
    for (size_t i = 0; i < op->n_args; i++) {
        if (op->args[i].where != ARG_IN_BODY)
            continue;
        struct shape s = openapi_arg_shape(&op->args[i]);
        jw_key(w, op->args[i].name);
        openapi_shape(w, &s);
    }
    jw_end_object(w);
    if (body_args(op, ARG_REQUIRED)) {
        jw_key(w, "required");
        jw_array(w);
        for (size_t i = 0; i < op->n_args; i++)
            if (op->args[i].where == ARG_IN_BODY && op->args[i].flags & ARG_REQUIRED)
                jw_cstr(w, op->args[i].name);
        jw_end_array(w);
    }
    jw_kbool(w, "additionalProperties", (op->flags & OP_ANY_BODY) != 0);
    jw_end_object(w);
}

static void request_body(struct json_out *w, const struct operation *op)
{
    bool record = (op->flags & OP_RECORD_BODY) && op->kind;
    /* Of most proxied routes the body is the upstream's to describe. */
    bool proxied = (op->flags & OP_PROXY) && strcmp(op->method, "POST") == 0 && body_args(op, 0) == 0;
    if (!record && !proxied && body_args(op, 0) == 0)
        return;
    jw_key(w, "requestBody");
    jw_object(w);
    jw_kbool(w, "required", record || proxied || body_args(op, ARG_REQUIRED) > 0);
    jw_key(w, "content");
    jw_object(w);
    jw_key(w, "application/json");
    jw_object(w);
    jw_key(w, "schema");
    if (record)
        openapi_ref(w, op->kind->name, op->flags & OP_RECORD_PATCH ? "" : ".create");
    else if (proxied)
        jw_raw(w, STR("{\"type\":\"object\"}"));
    else
        body_schema(w, op);
    jw_end_object(w);
    jw_end_object(w);
    jw_end_object(w);
}

static void success_schema(struct json_out *w, const struct operation *op)
{
    /* Of generic operations the answer is the kind itself, or a list of it. */
    bool one = op->kind && op->answer && strcmp(op->answer, op->kind->name) == 0;
    jw_key(w, "schema");
    if (op->flags & OP_LIST_V1 && op->kind) {
        jw_object(w);
        jw_kcstr(w, "type", "array");
        jw_key(w, "items");
        openapi_ref(w, op->kind->name, "");
        jw_end_object(w);
    } else if (one) {
        openapi_ref(w, op->kind->name, "");
    } else {
        jw_raw(w, op->flags & OP_TEXT ? STR("{\"type\":\"string\"}") : STR("{\"type\":\"object\"}"));
    }
}

static void responses(struct json_out *w, const struct catalog_entry *c)
{
    char status[16];
    snprintf(status, sizeof(status), "%d", c->op->status);
    bool openai = str_starts(c->path, "/v1/") || str_starts(c->path, "/v2/");
    jw_key(w, "responses");
    jw_object(w);
    jw_key(w, status);
    jw_object(w);
    jw_kcstr(w, "description", c->op->answer ? c->op->answer : "done");
    jw_key(w, "content");
    jw_object(w);
    jw_key(w, c->op->flags & OP_TEXT ? "text/plain" : "application/json");
    jw_object(w);
    success_schema(w, c->op);
    jw_end_object(w);
    jw_end_object(w);
    jw_end_object(w);
    jw_key(w, "default");
    jw_object(w);
    jw_kcstr(w, "description", "an error");
    jw_key(w, "content");
    jw_object(w);
    jw_key(w, "application/json");
    jw_object(w);
    jw_key(w, "schema");
    openapi_ref(w, openai ? "OpenAIError" : "Error", "");
    jw_end_object(w);
    jw_end_object(w);
    jw_end_object(w);
    jw_end_object(w);
}

/* A token where one is needed; where auth is off one is taken as well as none. */
static void security(struct json_out *w, const struct operation *op, bool auth)
{
    bool open = op->permission == PERM_NONE;
    jw_raw(w, open ? STR("[]") : auth ? STR("[{\"bearer\":[]}]") : STR("[{},{\"bearer\":[]}]"));
}

static void operation_write(struct json_out *w, const struct catalog_entry *c, bool auth)
{
    char id[96], method[16];
    size_t i = 0;
    for (; c->op->method[i] && i < sizeof(method) - 1; i++)
        method[i] = (char)(c->op->method[i] | 0x20);
    method[i] = 0;
    if (c->nth)
        snprintf(id, sizeof(id), "%s.%u", c->op->name, c->nth + 1);
    else
        snprintf(id, sizeof(id), "%s", c->op->name);
    struct str tag = str_of(c->op->name);
    jw_key(w, method);
    jw_object(w);
    jw_kcstr(w, "operationId", id);
    jw_kcstr(w, "summary", c->op->summary);
    jw_key(w, "tags");
    jw_array(w);
    jw_str(w, str_cut(&tag, '.'));
    jw_end_array(w);
    jw_kcstr(w, "x-permission", permission_name(c->op->permission));
    jw_key(w, "security");
    security(w, c->op, auth);
    parameters(w, c);
    request_body(w, c->op);
    responses(w, c);
    jw_end_object(w);
}

static void paths(struct json_out *w, struct arena *a, bool auth)
{
    size_t n = 0;
    const struct catalog_entry *c = catalog_make(a, &n);
    jw_key(w, "paths");
    jw_object(w);
    for (size_t i = 0; c && i < n; i++) {
        if (i == 0 || !str_eq(c[i].path, c[i - 1].path)) {
            jw_key_str(w, c[i].path);
            jw_object(w);
        }
        operation_write(w, &c[i], auth);
        if (i + 1 == n || !str_eq(c[i].path, c[i + 1].path))
            jw_end_object(w);
    }
    jw_end_object(w);
}

static void components(struct json_out *w)
{
    size_t n;
    const struct kind *kinds = kinds_all(&n);
    jw_key(w, "components");
    jw_object(w);
    jw_key(w, "securitySchemes");
    jw_raw(w, STR("{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\",\"description\":"
                  "\"A token of cairn auth token: HS256 or EdDSA, with org, sub (the project), permissions and exp. "
                  "Needed over "
                  "TCP where auth is on. X-Cairn-Token holds it where Authorization is the upstream's.\"}}"));
    jw_key(w, "schemas");
    jw_object(w);
    openapi_errors(w);
    for (size_t i = 0; i < n; i++) {
        char name[80];
        if (kinds[i].flags & KIND_INTERNAL)
            continue;
        jw_key(w, kinds[i].name);
        openapi_kind(w, &kinds[i], false);
        snprintf(name, sizeof(name), "%s.create", kinds[i].name);
        jw_key(w, name);
        openapi_kind(w, &kinds[i], true);
    }
    jw_end_object(w);
    jw_end_object(w);
}

void openapi_write(struct buf *b, bool auth)
{
    struct json_out w;
    struct arena *a = arena_new();
    jw_init(&w, b);
    if (!a) {
        b->failed = true;
        return;
    }
    jw_object(&w);
    jw_kcstr(&w, "openapi", "3.1.0");
    jw_key(&w, "info");
    jw_object(&w);
    jw_kcstr(&w, "title", "Cairn");
    jw_kcstr(&w, "version", cairn_version());
    jw_kcstr(&w, "description", "Long-term memory of AI agents");
    jw_key(&w, "license");
    jw_raw(&w, STR("{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}"));
    jw_end_object(&w);
    paths(&w, a, auth);
    components(&w);
    jw_end_object(&w);
    if (arena_failed(a))
        b->failed = true;
    arena_free(a);
}
