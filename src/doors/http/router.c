/* Routing by a trie of path segments; see router.h. Knows nothing of connections or of running operations. */
#include "doors/http/router.h"

#include "base/arena.h"
#include "base/mem.h"

#include <string.h>

struct node {
    struct str segment; /* "" for the root and for "{name}" */
    struct node **kids; /* literal children, sorted */
    size_t n_kids, cap_kids;
    struct node *any; /* the "{name}" child */
    const struct route *routes[ROUTE_METHODS];
};

struct router {
    struct arena *arena;
    struct node *root;
};

static const char *const METHODS[ROUTE_METHODS] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

struct router *router_new(void)
{
    struct arena *a = arena_new();
    struct router *rt = a ? arena_alloc(a, sizeof(*rt)) : NULL;
    if (!rt)
        goto fail;
    rt->arena = a;
    rt->root = arena_alloc(a, sizeof(*rt->root));
    if (rt->root)
        return rt;
fail:
    if (a)
        arena_free(a);
    return NULL;
}

void router_free(struct router *rt)
{
    if (rt)
        arena_free(rt->arena);
}

static int method_number(struct str method)
{
    if (str_is(method, "HEAD"))
        return ROUTE_GET;
    for (int i = 0; i < ROUTE_METHODS; i++)
        if (str_is(method, METHODS[i]))
            return i;
    return -1;
}

/* The place of `segment` among the sorted children: its index, or where it belongs with *found false. */
static size_t kid_place(const struct node *n, struct str segment, bool *found)
{
    size_t lo = 0, hi = n->n_kids;
    *found = false;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = str_cmp(segment, n->kids[mid]->segment);
        if (c == 0) {
            *found = true;
            return mid;
        }
        if (c < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

static struct node *kid_add(struct router *rt, struct node *n, struct str segment)
{
    bool found;
    size_t at = kid_place(n, segment, &found);
    if (found)
        return n->kids[at];
    if (n->n_kids == n->cap_kids) {
        size_t cap = n->cap_kids ? n->cap_kids * 2 : 4;
        struct node **more = arena_array(rt->arena, struct node *, cap);
        if (!more)
            return NULL;
        if (n->n_kids)
            memcpy(more, n->kids, n->n_kids * sizeof(*more));
        n->kids = more;
        n->cap_kids = cap;
    }
    struct node *kid = arena_alloc(rt->arena, sizeof(*kid));
    if (!kid)
        return NULL;
    kid->segment = segment;
    memmove(n->kids + at + 1, n->kids + at, (n->n_kids - at) * sizeof(struct node *));
    n->kids[at] = kid;
    n->n_kids++;
    return kid;
}

static bool is_param(struct str segment)
{
    return segment.n > 2 && segment.p[0] == '{' && segment.p[segment.n - 1] == '}';
}

static enum err_code add_route(struct router *rt, struct route *route, struct err *e)
{
    int m = method_number(str_of(route->method));
    if (m < 0 || route->pattern.n == 0 || route->pattern.p[0] != '/')
        return err_set(e, ERR_INVALID, "path", "a route needs a known method and a path from \"/\", not \"%s %.*s\"",
                       route->method, STR_ARG(route->pattern));
    struct node *n = rt->root;
    struct str rest = str_skip(route->pattern, 1);
    size_t segments = 0;
    while (rest.p && rest.n > 0) {
        struct str segment = str_cut(&rest, '/');
        if (++segments > ROUTE_SEGMENTS)
            return err_set(e, ERR_INVALID, "path", "a route has at most %d segments", ROUTE_SEGMENTS);
        if (is_param(segment)) {
            if (route->n_params == ROUTE_PARAMS)
                return err_set(e, ERR_INVALID, "path", "a route has at most %d parameters", ROUTE_PARAMS);
            route->params[route->n_params++] = (struct str){segment.p + 1, segment.n - 2};
            if (!n->any)
                n->any = arena_alloc(rt->arena, sizeof(*n));
            n = n->any;
        } else {
            n = kid_add(rt, n, segment);
        }
        if (!n)
            return err_nomem(e);
    }
    if (n->routes[m])
        return err_set(e, ERR_CONFLICT, "path", "two routes for \"%s %.*s\"", route->method, STR_ARG(route->pattern));
    n->routes[m] = route;
    return ERR_OK;
}

static enum err_code add_pattern(struct router *rt, const struct route *as, struct str pattern, struct err *e)
{
    struct route *route = arena_alloc(rt->arena, sizeof(*route));
    if (!route)
        return err_nomem(e);
    *route = *as;
    route->pattern = arena_str(rt->arena, pattern);
    if (!route->pattern.p)
        return err_nomem(e);
    return add_route(rt, route, e);
}

enum err_code router_add_op(struct router *rt, const struct operation *op, struct err *e)
{
    const struct route as = {.method = op->method, .op = op, .permission = op->permission};
    struct str rest = str_of(op->path);
    enum err_code code = ERR_OK;
    while (rest.p && rest.n > 0 && code == ERR_OK) {
        struct str pattern = str_cut(&rest, ' ');
        if (pattern.n > 0)
            code = add_pattern(rt, &as, pattern, e);
    }
    return code;
}

/* The operation that a route of the proxy's stands for: from it come its limit and its permission. */
static const struct operation *served(const char *method, const char *path)
{
    size_t n;
    const struct operation *all = operations_all(&n);
    for (size_t i = 0; i < n; i++)
        if (all[i].flags & OP_PROXY && strcmp(all[i].method, method) == 0 && strcmp(all[i].path, path) == 0)
            return &all[i];
    return NULL;
}

enum err_code router_add(struct router *rt, const struct http_route *route, struct err *e)
{
    const struct operation *serves = served(route->method, route->path);
    const struct route as = {.method = route->method,
                             .fn = route->fn,
                             .arg = route->arg,
                             .serves = serves,
                             .permission = serves ? serves->permission : route->permission};
    return add_pattern(rt, &as, str_of(route->path), e);
}

/* What a walk through the trie carries along. */
struct walk {
    struct str segments[ROUTE_SEGMENTS];
    size_t n;
    int method; /* -1: one that no route has */
    struct route_match *out;
};

/* Bounded: one level a segment, at most ROUTE_SEGMENTS; at most two ways a level, and literal ways are few. */
static bool walk_from(struct walk *w, const struct node *n, size_t depth, size_t params)
{
    if (depth == w->n) {
        for (int m = 0; m < ROUTE_METHODS; m++)
            if (n->routes[m])
                w->out->allowed |= 1u << m;
        w->out->route = w->method < 0 ? NULL : n->routes[w->method];
        return w->out->route != NULL;
    }
    bool found;
    size_t at = kid_place(n, w->segments[depth], &found);
    if (found && walk_from(w, n->kids[at], depth + 1, params))
        return true;
    if (!n->any || params == ROUTE_PARAMS || w->segments[depth].n == 0)
        return false;
    struct str before = w->out->values[params];
    w->out->values[params] = w->segments[depth];
    if (walk_from(w, n->any, depth + 1, params + 1))
        return true;
    w->out->values[params] = before;
    return false;
}

enum err_code router_match(const struct router *rt, struct arena *a, struct str method, struct str path,
                           struct route_match *out, struct err *e)
{
    struct walk w = {.method = method_number(method), .out = out};
    memset(out, 0, sizeof(*out));
    if (path.n == 0 || path.p[0] != '/')
        return err_set(e, ERR_INVALID, "path", "the request's path must begin with \"/\"");
    struct str rest = str_skip(path, 1);
    while (rest.p && rest.n > 0) { /* a slash at the very end adds no segment */
        if (w.n == ROUTE_SEGMENTS)
            return ERR_OK;
        struct str raw = str_cut(&rest, '/');
        enum err_code code = url_decode(a, raw, false, "path", &w.segments[w.n++], e);
        if (code != ERR_OK)
            return code;
    }
    walk_from(&w, rt->root, 0, 0);
    return ERR_OK;
}

struct str router_allow(struct arena *a, unsigned allowed)
{
    struct str s = STR("");
    for (int m = 0; m < ROUTE_METHODS && s.p; m++) {
        if (!(allowed & (1u << m)))
            continue;
        s = arena_fmt(a, "%.*s%s%s, ", STR_ARG(s), METHODS[m], m == ROUTE_GET ? ", HEAD" : "");
    }
    return s.p ? arena_fmt(a, "%.*sOPTIONS", STR_ARG(s)) : s;
}
