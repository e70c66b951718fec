/* The list of operation groups, and the whole table made of them at start. Read the groups (operations_*.c) as the list
 * of what Cairn can do: what is there is routed, checked, documented and, where `cli` is set, a command. CRUD on
 * every kind is appended (crud_ops.c), but where a hand-written entry has the same route; where one has only the same
 * name, it is called "v1." and that name. */
#include "service/operation_table.h"

#include "service/crud.h"

#include <string.h>

/* clang-format off */
static const struct operation_table *const groups[] = {
    &operations_sessions,
    &operations_context,
    &operations_summary,
    &operations_causes,
    &operations_patterns,
    &operations_export,
    &operations_learning,
    &operations_admin,
    &operations_audit,
    &operations_maintenance,
    &operations_redact,
    &operations_encryption,
    &operations_erasure,
    &operations_auth,
    &operations_v1,
    &operations_embed,
    &operations_proxy,
};
/* clang-format on */
enum { GROUPS = sizeof groups / sizeof groups[0] };

/* The whole table, built once at start and read-only from then on: a fact of the process. */
static struct {
    struct arena *arena;
    struct operation *all;
    size_t n, n_declared;
} built;

static size_t declared_count(void)
{
    size_t n = 0;
    for (size_t i = 0; i < GROUPS; i++)
        n += groups[i]->n;
    return n;
}

static bool declared(const char *name)
{
    for (size_t i = 0; i < built.n_declared; i++) {
        if (strcmp(built.all[i].name, name) == 0)
            return true;
    }
    return false;
}

static bool routed(const struct operation *op)
{
    for (size_t i = 0; i < built.n_declared; i++) {
        const struct operation *o = &built.all[i];
        if (o->path && strcmp(o->method, op->method) == 0 && strcmp(o->path, op->path) == 0)
            return true;
    }
    return false;
}

static bool append_crud(const struct kind *k)
{
    struct operation ops[CRUD_OPS];
    int n = crud_operations(built.arena, k, ops);
    for (int i = 0; i < n; i++) {
        if (routed(&ops[i])) /* a hand-written one takes its place */
            continue;
        if (declared(ops[i].name)) /* there is one of that name elsewhere, in v2 */
            ops[i].name = arena_fmt(built.arena, "v1.%s", ops[i].name).p;
        if (!ops[i].name)
            return false;
        built.all[built.n++] = ops[i];
    }
    return n >= 0;
}

/* A hand-written entry whose body is a record names the kind by its own name ("event.create"): kinds have no constant
 * addresses. */
static void name_kinds(void)
{
    for (size_t i = 0; built.all && i < built.n_declared; i++) {
        struct operation *op = &built.all[i];
        struct str name = str_of(op->name);
        if ((op->flags & OP_RECORD_BODY) && !op->kind)
            op->kind = kind_find(str_cut(&name, '.'));
    }
}

enum err_code operations_init(struct err *e)
{
    size_t n_kinds;
    const struct kind *kinds = kinds_all(&n_kinds);
    if (built.arena)
        return ERR_OK;
    built.arena = arena_new();
    if (built.arena)
        built.all = arena_array(built.arena, struct operation, declared_count() + n_kinds * CRUD_OPS);
    bool ok = built.all != NULL;
    for (size_t i = 0; ok && i < GROUPS; i++) {
        memcpy(built.all + built.n, groups[i]->entries, groups[i]->n * sizeof *built.all);
        built.n += groups[i]->n;
    }
    built.n_declared = built.n;
    name_kinds();
    for (size_t i = 0; ok && i < n_kinds; i++)
        ok = append_crud(&kinds[i]);
    if (ok)
        return ERR_OK;
    operations_free();
    return err_nomem(e);
}

void operations_free(void)
{
    if (built.arena)
        arena_free(built.arena);
    built.arena = NULL;
    built.all = NULL;
    built.n = 0;
}

const struct operation *operations_all(size_t *n)
{
    *n = built.n;
    return built.all;
}

const struct operation *operation_find(const char *name)
{
    for (size_t i = 0; i < built.n; i++) {
        if (strcmp(built.all[i].name, name) == 0)
            return &built.all[i];
    }
    return NULL;
}
