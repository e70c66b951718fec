/* Who may read and write what. The whole rule is here; SQL that filters lists says the same (store/scope). */
#include "service/caller.h"

#include <string.h>

const struct caller CALLER_LOCAL = {
    .name = {"local", 5}, .org = {"default", 7}, .project = {"default", 7}, .permissions = ~0u, .everything = true};

const struct caller *caller_of(const struct op_call *c)
{
    return c->caller ? c->caller : &CALLER_LOCAL;
}

bool caller_permitted(const struct caller *c, enum permission p)
{
    return p == PERM_NONE || c->everything || c->permissions & 1u << p;
}

struct str project_org(struct str full)
{
    const char *slash = full.n ? memchr(full.p, '/', full.n) : NULL;
    return slash ? str_take(full, (size_t)(slash - full.p)) : STR("default");
}

static struct str slug_of(struct str full)
{
    const char *slash = full.n ? memchr(full.p, '/', full.n) : NULL;
    return slash ? str_skip(full, (size_t)(slash - full.p) + 1) : full;
}

static bool same_org(const struct caller *c, struct str project)
{
    return str_eq(project_org(project), c->org);
}

static bool own_project(const struct caller *c, struct str project)
{
    return str_is(slug_of(c->project), "*") || str_eq(slug_of(project), slug_of(c->project));
}

bool caller_reads(const struct caller *c, struct str project, struct str level)
{
    if (c->everything || str_is(level, "PUBLIC"))
        return true;
    if (!same_org(c, project))
        return false;
    return level.n == 0 || str_is(level, "TEAM") || own_project(c, project);
}

bool caller_writes(const struct caller *c, struct str project)
{
    return c->everything || (same_org(c, project) && (slug_of(project).n == 0 || own_project(c, project)));
}

enum err_code caller_refuse_write(const struct caller *c, struct str project, struct err *e)
{
    return err_named(e, ERR_FORBIDDEN, "FORBIDDEN", "this token is for project %.*s: it cannot write to %.*s",
                     STR_ARG(str_take(c->project, 80)), STR_ARG(str_take(project, 80)));
}

struct str caller_project(const struct caller *c, struct arena *a, struct str slug)
{
    if (str_is(c->org, "default"))
        return slug;
    return arena_fmt(a, "%.*s/%.*s", STR_ARG(c->org), STR_ARG(slug));
}
