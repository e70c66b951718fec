/* Who asks, and what they may. Made by a door (from a token, or CALLER_LOCAL where auth is off), borrowed by the
 * call. Rights on operations are `permissions`; rights on records are a matter of organisation, project and privacy
 * level:
 *   read   PUBLIC of anybody on the server; TEAM of the caller's organisation; PRIVATE of the caller's project
 *   write  the caller's project; records of the organisation's own (no project) too
 * A record has the level of the session it belongs to, and TEAM where it belongs to none.
 *
 * Projects are stored by their full name: "web" in the organisation `default`, "acme/web" in any other; "" and "acme/"
 * are the organisation's own. Slugs hold no '/'. So a prefix tells the organisation, in SQL too. */
#ifndef CAIRN_SERVICE_CALLER_H
#define CAIRN_SERVICE_CALLER_H

#include "base/arena.h"
#include "service/operation.h"
#include "store/scope.h"

struct caller {
    struct str name;      /* for the audit: the token's id, "local" */
    struct str org;       /* "default" */
    struct str project;   /* full name of the caller's project; "*" as slug: every project of the organisation */
    unsigned permissions; /* bits 1 << enum permission */
    bool everything;      /* auth is off: all records and operations */
    int64_t expires_at;   /* ms: when the token ends, 0: never */
    struct str parents;   /* ids of the tokens that it was derived from, with spaces */
};
extern const struct caller CALLER_LOCAL;

/* The caller of a call; never NULL. */
const struct caller *caller_of(const struct op_call *c);
bool caller_permitted(const struct caller *c, enum permission p);
/* `level`: "PUBLIC", "TEAM", "PRIVATE"; STR_NONE counts as TEAM. `project`: full name. */
bool caller_reads(const struct caller *c, struct str project, struct str level);
bool caller_writes(const struct caller *c, struct str project);
/* ERR_FORBIDDEN "this token is for project web: it cannot write to shop". */
enum err_code caller_refuse_write(const struct caller *c, struct str project, struct err *e);

/* As the store takes it: what lists, counts and searches show this caller. Strings are the caller's. */
struct scope caller_scope(const struct caller *c);
/* A copy whose strings live in the arena; NULL stays NULL, and is the answer when out of memory (arena_failed). */
const struct caller *caller_copy(const struct caller *c, struct arena *a);

/* "web" → "acme/web" for the caller's organisation; "" → its own. STR_NONE when out of memory. */
struct str caller_project(const struct caller *c, struct arena *a, struct str slug);
/* The project to work in where none is named: the caller's, or `default` of its organisation where it has all ("*").
 * In the arena or the caller's. STR_NONE when out of memory. */
struct str caller_own_project(const struct caller *c, struct arena *a);

/* What callers write and see: slugs for projects of their own organisation, full names for others' ("shop/web",
 * "default/web"). The one place that checks names given from outside. */
enum project_name { PROJECT_SLUG, PROJECT_SLUG_OR_FULL };
/* A name as given, to the full name. ERR_INVALID, naming `field`: a slug has 1 to 200 bytes, no '/', no control
 * characters, and is not "*"; a full name is two such names with a '/' between. */
enum err_code caller_named_project(const struct caller *c, struct arena *a, const char *field, struct str given,
                                   enum project_name form, struct str *full, struct err *e);
/* A full name as this caller is shown it. STR_NONE when out of memory. */
struct str caller_shown_project(const struct caller *c, struct arena *a, struct str full);

#endif
