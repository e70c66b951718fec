/* GET /openapi.json: the API's description in OpenAPI 3.1, from the table of operations and the table of kinds.
 * Nothing is described here that is not in one of the two. */
#include "doors/http/openapi.h"

#include "base/arena.h"
#include "doors/http/http_int.h"
#include "service/token.h"

#include <stdio.h>
#include <string.h>

/* Objects and arrays are given as JSON text, not spread over several parameters. */
static void parameter_schema(struct json_out *w, const struct shape *s)
{
    bool json = s->type == ARG_OBJECT || s->type == ARG_ARRAY || s->type == ARG_JSON;
    if (json) {
        jw_key(w, "content");
        jw_object(w);
        jw_key(w, "application/json");
        jw_object(w);
    }
    jw_key(w, "schema");
    openapi_shape(w, s);
    if (json) {
        jw_end_object(w);
        jw_end_object(w);
    }
}

static void parameter(struct json_out *w, const struct operation *op, struct str name, const char *in,
                      const struct op_arg *arg)
{
    const struct shape text = {.type = ARG_TEXT};
    struct shape s = arg ? openapi_arg_shape(op, arg) : text;
    jw_object(w);
    jw_kstr(w, "name", name);
    jw_kcstr(w, "in", in);
    if (strcmp(in, "path") == 0 || (arg && arg->flags & ARG_REQUIRED))
        jw_kbool(w, "required", true);
    if (arg && arg->help)
        jw_kcstr(w, "description", arg->help);
    s.help = NULL;
    parameter_schema(w, &s);
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
        parameter(w, c->op, name, "path", arg_named(c->op, name));
    for (size_t i = 0; i < c->op->n_args; i++)
        if (c->op->args[i].where == ARG_IN_QUERY)
            parameter(w, c->op, str_of(c->op->args[i].name), "query", &c->op->args[i]);
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
        struct shape s = openapi_arg_shape(op, &op->args[i]);
        s.nullable = !(op->args[i].flags & ARG_REQUIRED); /* null says "not given" */
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
        openapi_ref(w, op->kind->name, op->flags & OP_RECORD_PATCH ? ".update" : ".create");
    else if (proxied)
        jw_raw(w, STR("{\"type\":\"object\"}"));
    else
        body_schema(w, op);
    if (!proxied) {
        jw_key(w, "example");
        if (record)
            openapi_example_kind(w, op->kind, (op->flags & OP_RECORD_PATCH) != 0);
        else
            openapi_example_args(w, op);
    }
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
    jw_key(w, method);
    jw_object(w);
    jw_kcstr(w, "operationId", id);
    jw_kcstr(w, "summary", c->op->summary);
    jw_key(w, "tags");
    jw_array(w);
    jw_str(w, catalog_group(c));
    jw_end_array(w);
    jw_kcstr(w, "x-permission", permission_name(c->op->permission));
    jw_key(w, "security");
    security(w, c->op, auth);
    parameters(w, c);
    request_body(w, c->op);
    openapi_responses(w, c);
    jw_end_object(w);
}

static void paths(struct json_out *w, const struct catalog_entry *c, size_t n, bool auth)
{
    jw_key(w, "paths");
    jw_object(w);
    for (size_t i = 0; i < n; i++) {
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

/* Only the schemas that something refers to. */
static void kind_schemas(struct json_out *w, const struct kind *k, const struct catalog_entry *all, size_t n)
{
    static const char *const SUFFIX[] = {[KIND_ANSWERED] = "", [KIND_CREATED] = ".create", [KIND_UPDATED] = ".update"};
    bool used[] = {[KIND_ANSWERED] = true, [KIND_CREATED] = false, [KIND_UPDATED] = false};
    char name[80];
    for (size_t i = 0; i < n; i++)
        if (all[i].op->kind == k && all[i].op->flags & OP_RECORD_BODY)
            used[all[i].op->flags & OP_RECORD_PATCH ? KIND_UPDATED : KIND_CREATED] = true;
    for (int use = KIND_ANSWERED; use <= KIND_UPDATED; use++) {
        if (!used[use])
            continue;
        snprintf(name, sizeof(name), "%s%s", k->name, SUFFIX[use]);
        jw_key(w, name);
        openapi_kind(w, k, (enum kind_use)use);
    }
}

static void components(struct json_out *w, const struct catalog_entry *all, size_t n)
{
    size_t n_kinds;
    const struct kind *kinds = kinds_all(&n_kinds);
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
    for (size_t i = 0; i < n_kinds; i++)
        if (!(kinds[i].flags & KIND_INTERNAL))
            kind_schemas(w, &kinds[i], all, n);
    jw_end_object(w);
    openapi_headers_component(w);
    openapi_responses_component(w, all, n);
    jw_end_object(w);
}

/* Tags are what comes before the dot of an operation's name. */
static void tags(struct json_out *w, const struct catalog_entry *c, size_t n)
{
    jw_key(w, "tags");
    jw_array(w);
    for (size_t i = 0; i < n; i++) {
        bool seen = false;
        for (size_t j = 0; j < i && !seen; j++)
            seen = str_eq(catalog_group(&c[i]), catalog_group(&c[j]));
        if (seen)
            continue;
        const struct kind *k = kind_find(catalog_group(&c[i]));
        jw_object(w);
        jw_kstr(w, "name", catalog_group(&c[i]));
        jw_kcstr(w, "description", k ? k->help : c[i].op->summary);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void info(struct json_out *w)
{
    jw_key(w, "info");
    jw_object(w);
    jw_kcstr(w, "title", "Cairn");
    jw_kcstr(w, "version", cairn_version());
    jw_kcstr(w, "description", "Long-term memory of AI agents");
    jw_key(w, "license");
    jw_raw(w, STR("{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}"));
    jw_end_object(w);
}

void openapi_write(struct buf *b, bool auth)
{
    struct json_out w;
    struct arena *a = arena_new();
    size_t n = 0;
    const struct catalog_entry *all = a ? catalog_make(a, &n) : NULL;
    jw_init(&w, b);
    if (all) {
        jw_object(&w);
        jw_kcstr(&w, "openapi", "3.1.0");
        info(&w);
        jw_kraw(&w, "servers", STR("[{\"url\":\"/\"}]"));
        tags(&w, all, n);
        paths(&w, all, n, auth);
        components(&w, all, n);
        jw_end_object(&w);
    }
    if (!all || arena_failed(a))
        b->failed = true;
    if (a)
        arena_free(a);
}
