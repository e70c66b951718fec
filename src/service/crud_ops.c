/* From a kind to its operation entries: names, routes, arguments. What the operations do is in crud.c. */
#include "service/crud.h"
#include "service/operation_table.h"

#include "service/features.h"
#include "store/records.h"

#include <string.h>

enum { FILTERS_MAX = 24, FIXED_LIST_ARGS = 9 };

static enum arg_type filter_type(const struct field *f)
{
    switch (f->type) {
    case FIELD_INT:
        return ARG_INT;
    case FIELD_BOOL:
        return ARG_BOOL;
    case FIELD_ENUM:
        return ARG_ENUM;
    default:
        return ARG_TEXT;
    }
}

static bool is_filter(const struct field *f)
{
    bool plain = f->type == FIELD_TEXT || f->type == FIELD_ENUM || f->type == FIELD_INT || f->type == FIELD_BOOL;
    return plain && (f->flags & (FIELD_INDEXED | FIELD_FILTER)) && !(f->flags & FIELD_HIDDEN);
}

/* What a list shows unless asked (kind's `shown`): the filter gets that default, and "all" to lift it. */
static void show_usual(struct arena *a, const struct kind *k, struct op_arg *arg)
{
    struct str usual = str_of(k->shown);
    struct str field = usual.p ? str_cut(&usual, '=') : STR_NONE;
    if (!str_is(field, arg->name))
        return;
    arg->choices = arena_fmt(a, "%s|all", arg->choices).p;
    arg->fallback = arena_fmt(a, "\"%.*s\"", STR_ARG(usual)).p;
}

static const struct op_arg *list_args(struct arena *a, const struct kind *k, size_t *n)
{
    static const struct op_arg fixed[FIXED_LIST_ARGS] = {
        {"project", ARG_TEXT, ARG_IN_QUERY, 0, 1, 200, NULL, NULL, "only records of this project"},
        {"submodule_id", ARG_TEXT, ARG_IN_QUERY, 0, 1, 200, NULL, NULL, "the same under its v1 name"},
        {"tag", ARG_TEXT, ARG_IN_QUERY, 0, 1, 200, NULL, NULL, "only records that carry this tag"},
        {"limit", ARG_INT, ARG_IN_QUERY, 0, 1, 1000, "50", NULL, "how many at most"},
        {"cursor", ARG_TEXT, ARG_IN_QUERY, 0, 1, 400, NULL, NULL, "next_cursor of the page before"},
        {"created_after", ARG_TIME, ARG_IN_QUERY, 0, 0, 0, NULL, NULL, "only records made at or after this time"},
        {"created_before", ARG_TIME, ARG_IN_QUERY, 0, 0, 0, NULL, NULL, "only records made before this time"},
        ACCESS_REASON(ARG_IN_QUERY),
        MASK(ARG_IN_QUERY),
    };
    static const struct op_arg find = {
        "q", ARG_TEXT, ARG_IN_QUERY, 0, 1, 200, NULL, NULL, "only records with this in a name, title or description"};
    struct op_arg *args = arena_array(a, struct op_arg, FIXED_LIST_ARGS + 1 + FILTERS_MAX);
    if (!args)
        return NULL;
    memcpy(args, fixed, sizeof fixed);
    *n = FIXED_LIST_ARGS;
    for (size_t i = 0; i < FIXED_LIST_ARGS; i++) {
        if (k->page && strcmp(args[i].name, "limit") == 0)
            args[i].fallback = arena_fmt(a, "%d", k->page).p;
    }
    if (list_findable(k))
        args[(*n)++] = find;
    for (size_t i = 0; i < k->n_fields && *n < FIXED_LIST_ARGS + FILTERS_MAX; i++) {
        const struct field *f = &k->fields[i];
        if (!is_filter(f))
            continue;
        args[*n] = (struct op_arg){f->name, filter_type(f), ARG_IN_QUERY, 0, 0, 0, NULL, f->choices, f->help};
        show_usual(a, k, &args[(*n)++]);
    }
    return args;
}

/* With an access_reason and a mask where it reads. */
static const struct op_arg *id_args(struct arena *a, const struct kind *k, bool reads, size_t *n)
{
    struct op_arg *args = arena_array(a, struct op_arg, 5);
    if (!args)
        return NULL;
    args[0] =
        (struct op_arg){"id", ARG_TEXT, ARG_IN_PATH, ARG_REQUIRED | ARG_POSITIONAL, 1, 200, NULL, NULL, k->id_name};
    args[1] = (struct op_arg){
        "project", ARG_TEXT, ARG_IN_QUERY, 0, 1, 200, NULL, NULL, "the project it belongs to, where ids are names"};
    args[2] =
        (struct op_arg){"submodule_id", ARG_TEXT, ARG_IN_QUERY, 0, 1, 200, NULL, NULL, "the same under its v1 name"};
    args[3] = (struct op_arg)ACCESS_REASON(ARG_IN_QUERY);
    args[4] = (struct op_arg)MASK(ARG_IN_QUERY);
    *n = reads ? 5 : 3;
    return args;
}

static void describe(struct arena *a, struct operation *op, const char *verb, const char *method, const char *path)
{
    const struct kind *k = op->kind;
    op->name = arena_fmt(a, "%s.%s", k->name, verb).p;
    op->method = method;
    op->path = arena_fmt(a, "/api/v1/%s%s", k->plural, path).p;
}

static const char *article(const char *noun)
{
    return strchr("aeiou", noun[0]) ? "an" : "a";
}

static void add_list(struct arena *a, const struct kind *k, struct operation *op)
{
    *op = (struct operation){.kind = k, .permission = PERM_READ, .flags = OP_LIST_V1, .status = 200, .fn = crud_list};
    describe(a, op, "list", "GET", "");
    op->args = list_args(a, k, &op->n_args);
    op->summary = arena_fmt(a, "List %s", k->plural).p;
    op->answer = arena_fmt(a, "[%s]", k->name).p;
}

static void add_get(struct arena *a, const struct kind *k, struct operation *op)
{
    *op = (struct operation){.kind = k, .permission = PERM_READ, .flags = OP_INLINE, .status = 200, .fn = crud_get};
    describe(a, op, "get", "GET", "/{id}");
    op->args = id_args(a, k, true, &op->n_args);
    op->summary = arena_fmt(a, "Show one %s", k->name).p;
    op->answer = k->name;
}

static void add_create(struct arena *a, const struct kind *k, struct operation *op)
{
    *op = (struct operation){
        .kind = k, .permission = PERM_WRITE, .flags = OP_INLINE | OP_RECORD_BODY, .status = 201, .fn = crud_create};
    describe(a, op, "create", "POST", "");
    op->summary = arena_fmt(a, (k->flags & KIND_KEYED) ? "Save %s %s (a known %s is updated)" : "Save %s %s",
                            article(k->name), k->name, k->id_name)
                      .p;
    op->answer = k->name;
}

static void add_update(struct arena *a, const struct kind *k, struct operation *op)
{
    *op = (struct operation){.kind = k,
                             .permission = PERM_WRITE,
                             .flags = OP_INLINE | OP_RECORD_BODY | OP_RECORD_PATCH,
                             .status = 200,
                             .fn = crud_update};
    describe(a, op, "update", "PATCH", "/{id}");
    op->args = id_args(a, k, false, &op->n_args);
    op->summary = arena_fmt(a, "Change fields of %s %s", article(k->name), k->name).p;
    op->answer = k->name;
}

static void add_delete(struct arena *a, const struct kind *k, struct operation *op)
{
    *op = (struct operation){.kind = k, .permission = PERM_WRITE, .flags = OP_INLINE, .status = 200, .fn = crud_delete};
    describe(a, op, "delete", "DELETE", "/{id}");
    op->args = id_args(a, k, false, &op->n_args);
    op->summary =
        arena_fmt(a, "Delete %s %s (soft: out of every list and search at once)", article(k->name), k->name).p;
    op->answer = "{id, deleted:bool}";
}

/* Where a kind has a rule of its own, its function stands in for the general one and calls it when the rule is kept. */
static op_fn *own_function(const struct operation *op)
{
    static const struct {
        const char *name;
        op_fn *fn;
    } own[] = {{"tag.create", tag_create}};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (op->name && strcmp(op->name, own[i].name) == 0)
            return own[i].fn;
    }
    return op->fn;
}

int crud_operations(struct arena *a, const struct kind *k, struct operation *out)
{
    int n = 0;
    if (k->flags & KIND_INTERNAL)
        return 0;
    add_list(a, k, &out[n++]);
    add_get(a, k, &out[n++]);
    if (!(k->flags & KIND_NO_CRUD)) {
        add_create(a, k, &out[n++]);
        if (!(k->flags & KIND_IMMUTABLE))
            add_update(a, k, &out[n++]);
        add_delete(a, k, &out[n++]);
    }
    for (int i = 0; i < n; i++)
        out[i].fn = own_function(&out[i]);
    return arena_failed(a) ? -1 : n;
}
