/* The catalog: the operations table turned into a list of paths and methods, for the API's description. */
#include "doors/http/http_int.h"

#include <stdlib.h>
#include <string.h>

static size_t count_paths(const struct operation *ops, size_t n)
{
    size_t all = 0;
    for (size_t i = 0; i < n; i++) {
        struct str rest = str_of(ops[i].path);
        while (rest.p)
            all += str_cut(&rest, ' ').n > 0;
    }
    return all;
}

static size_t add_all(struct catalog_entry *to, size_t n, const struct operation *ops, size_t n_ops)
{
    for (size_t i = 0; i < n_ops; i++) {
        struct str rest = str_of(ops[i].path);
        unsigned nth = 0;
        while (rest.p) {
            struct str path = str_cut(&rest, ' ');
            if (path.n > 0)
                to[n++] = (struct catalog_entry){path, &ops[i], nth++};
        }
    }
    return n;
}

/* By path; methods of a path in the order GET, POST, PUT, PATCH, DELETE. */
static int by_path(const void *a, const void *b)
{
    static const char ORDER[] = "GET POST PUT PATCH DELETE";
    const struct catalog_entry *x = a, *y = b;
    int c = str_cmp(x->path, y->path);
    if (c != 0)
        return c;
    const char *mx = strstr(ORDER, x->op->method), *my = strstr(ORDER, y->op->method);
    return (mx > my) - (mx < my);
}

const struct catalog_entry *catalog_make(struct arena *a, size_t *n)
{
    size_t n_ops, n_extras;
    const struct operation *ops = operations_all(&n_ops), *extras = extras_all(&n_extras);
    size_t all = count_paths(ops, n_ops) + count_paths(extras, n_extras);
    struct catalog_entry *c = arena_array(a, struct catalog_entry, all ? all : 1);
    *n = 0;
    if (!c)
        return NULL;
    *n = add_all(c, 0, ops, n_ops);
    *n = add_all(c, *n, extras, n_extras);
    qsort(c, *n, sizeof(*c), by_path);
    return c;
}

struct str catalog_param(struct str *rest)
{
    ptrdiff_t from = rest->p ? str_find(*rest, STR("{")) : -1;
    struct str tail = from < 0 ? STR_NONE : str_skip(*rest, (size_t)from + 1);
    ptrdiff_t to = from < 0 ? -1 : str_find(tail, STR("}"));
    if (to < 0)
        return STR_NONE;
    *rest = str_skip(tail, (size_t)to + 1);
    return str_take(tail, (size_t)to);
}

struct str catalog_group(const struct catalog_entry *c)
{
    struct str name = str_of(c->op->name), group = str_cut(&name, '.');
    return str_is(group, "v1") && name.n ? str_cut(&name, '.') : group; /* "v1.session.list": operations.c */
}
