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

struct caller {
    struct str name;      /* for the audit: the token's id, "local" */
    struct str org;       /* "default" */
    struct str project;   /* full name of the caller's project; "*" as slug: every project of the organisation */
    unsigned permissions; /* bits 1 << enum permission */
    bool everything;      /* auth is off: all records and operations */
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

/* "web" → "acme/web" for the caller's organisation; "" → its own. STR_NONE when out of memory. */
struct str caller_project(const struct caller *c, struct arena *a, struct str slug);
/* The organisation of a full name. */
struct str project_org(struct str full);

#endif
