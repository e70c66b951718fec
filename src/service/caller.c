/* Who may do what, and how projects are named. Who may read what is store/scope's rule, which SQL shares; here is who
 * may write. */
#include "service/caller.h"

#include <string.h>

enum { SLUG_BYTES = 200 };

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

struct scope caller_scope(const struct caller *c)
{
    if (c->everything)
        return (struct scope){0};
    return (struct scope){.limited = true, .org = c->org, .project = c->project};
}

bool caller_reads(const struct caller *c, struct str project, struct str level)
{
    struct scope s = caller_scope(c);
    return scope_reads(&s, project, level);
}

bool caller_writes(const struct caller *c, struct str project)
{
    struct scope s = caller_scope(c);
    bool org_own = project_slug(project).n == 0 && str_eq(project_org(project), c->org);
    return c->everything || org_own || scope_owns(&s, project);
}

enum err_code caller_refuse_write(const struct caller *c, struct str project, struct err *e)
{
    return err_named(e, ERR_FORBIDDEN, "FORBIDDEN", "this token is for project %.*s: it cannot write to %.*s",
                     STR_ARG(str_take(c->project, 80)), STR_ARG(str_take(project, 80)));
}

/* ---- names of projects ---- */

static struct str in_org(struct arena *a, struct str org, struct str slug)
{
    return str_is(org, "default") ? slug : arena_fmt(a, "%.*s/%.*s", STR_ARG(org), STR_ARG(slug));
}

const struct caller *caller_copy(const struct caller *c, struct arena *a)
{
    struct caller *to = c ? arena_alloc(a, sizeof *to) : NULL;
    if (!to)
        return NULL;
    *to = *c;
    to->name = arena_str(a, c->name);
    to->org = arena_str(a, c->org);
    to->project = arena_str(a, c->project);
    to->parents = c->parents.n ? arena_str(a, c->parents) : STR("");
    return arena_failed(a) ? NULL : to;
}

struct str caller_project(const struct caller *c, struct arena *a, struct str slug)
{
    return in_org(a, c->org, slug);
}

struct str caller_own_project(const struct caller *c, struct arena *a)
{
    return str_is(project_slug(c->project), "*") ? caller_project(c, a, STR("default")) : c->project;
}

static bool is_slug(struct str s)
{
    if (s.n == 0 || s.n > SLUG_BYTES || str_is(s, "*"))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f || s.p[i] == '/')
            return false;
    return true;
}

enum err_code caller_named_project(const struct caller *c, struct arena *a, const char *field, struct str given,
                                   enum project_name form, struct str *full, struct err *e)
{
    struct str slug = given, org = c->org;
    *full = STR_NONE;
    if (form == PROJECT_SLUG_OR_FULL && given.n && memchr(given.p, '/', given.n)) {
        org = str_cut(&slug, '/');
        if (!is_slug(org) || !is_slug(slug))
            return err_set(e, ERR_INVALID, field, "%s must be a project's name, or organisation/project", field);
    }
    if (!is_slug(slug))
        return err_set(e, ERR_INVALID, field,
                       "%s must be a name of 1 to %d bytes without '/' and control characters, and not \"*\"", field,
                       SLUG_BYTES);
    *full = in_org(a, org, slug);
    return full->p ? ERR_OK : err_nomem(e);
}

struct str caller_shown_project(const struct caller *c, struct arena *a, struct str full)
{
    if (c->everything)
        return full;
    if (str_eq(project_org(full), c->org))
        return project_slug(full);
    return str_is(project_org(full), "default") ? arena_fmt(a, "default/%.*s", STR_ARG(full)) : full;
}
