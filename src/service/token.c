/* Tokens: giving out, listing, taking back; and a caller made of one. Only what a token permits is kept, never the
 * token itself: it is shown once. */
#include "service/token.h"

#include "auth/auth.h"
#include "base/clock.h"
#include "base/id.h"
#include "service/audit.h"
#include "service/features.h"
#include "service/operation_run.h"

#include <string.h>

/* Permissions travel as bits from the token to the check. */
_Static_assert(JWT_READ == 1 << PERM_READ && JWT_WRITE == 1 << PERM_WRITE && JWT_MEMORY == 1 << PERM_MEMORY &&
                   JWT_ADMIN == 1 << PERM_ADMIN,
               "a token's permissions are a caller's");

enum { MINUTE = 60, HOUR = 3600, DAY = 86400, LIFE_MAX = 3650 * DAY };

/* ---- a caller made of a token ---- */

/* The full name of a project, or of all ("*") of an organisation. */
static struct str full_name(struct arena *a, struct str org, struct str slug)
{
    const struct caller c = {.org = org};
    return caller_project(&c, a, slug);
}

enum err_code token_caller(struct service *s, struct arena *a, struct str token, struct caller *out, struct err *e)
{
    struct auth_identity who;
    enum err_code code = auth_check(s->auth, token, clock_now_ms() / 1000, &who, e);
    if (code)
        return code;
    *out = (struct caller){.name = arena_str(a, str_of(who.token_id)),
                           .org = arena_str(a, str_of(who.org)),
                           .project = arena_str(a, str_of(who.project)),
                           .permissions = who.permissions,
                           .expires_at = who.expires_at * 1000,
                           .parents = arena_str(a, str_of(who.parents))};
    out->project = full_name(a, out->org, out->project);
    return out->project.p && !arena_failed(a) ? ERR_OK : err_nomem(e);
}

const char *permission_name(enum permission p)
{
    static const char *const names[] = {"none", "read", "write", "memory", "admin"};
    return names[p];
}

enum err_code token_permits(const struct caller *c, enum permission p, const char *what, struct err *e)
{
    if (caller_permitted(c, p))
        return ERR_OK;
    return err_named(e, ERR_FORBIDDEN, "FORBIDDEN", "%s needs the permission %s, which this token does not have", what,
                     permission_name(p));
}

/* ---- making ---- */

struct token_wish {
    struct str org, slug; /* slug may be "*" */
    unsigned permissions;
    int64_t expires_at; /* seconds since 1970 */
    enum jwt_algorithm algorithm;
    struct str made_by, note, parents;
};

static enum err_code register_line(struct arena *a, const struct token_wish *w, struct str id, struct record **out,
                                   struct err *e)
{
    struct record *r = record_new(a, KIND_TOKEN);
    struct str permissions = jwt_permissions_text(a, w->permissions);
    if (!r || !permissions.p)
        return err_nomem(e);
    r->id = id;
    r->project = full_name(a, w->org, w->slug);
    record_set(r, "org", V_TEXT(w->org));
    record_set(r, "permissions", V_TEXT(permissions));
    record_set(r, "algorithm", V_TEXT(str_of(jwt_algorithm_name(w->algorithm))));
    record_set(r, "expires_at", V_INT(w->expires_at * 1000));
    record_set(r, "revoked", V_INT(0));
    record_set(r, "made_by", V_TEXT(w->made_by));
    if (w->note.p)
        record_set(r, "note", V_TEXT(w->note));
    *out = r;
    return r->project.p ? ERR_OK : err_nomem(e);
}

static enum err_code make(struct op_call *c, const struct token_wish *w, struct token_made *out, struct err *e)
{
    char id[ID_MAX];
    struct jwt_key key;
    struct arena *a = c->arena;
    id_make("tok", id);
    const struct jwt_claims claims = {.jti = arena_str(a, str_of(id)),
                                      .org = w->org,
                                      .sub = w->slug,
                                      .permissions = w->permissions,
                                      .iat = clock_now_ms() / 1000,
                                      .exp = w->expires_at,
                                      .parents = w->parents};
    if (!claims.jti.p)
        return err_nomem(e);
    enum err_code code = auth_key(c->svc->auth, w->algorithm, &key, e);
    if (!code)
        code = jwt_make(a, &key, &claims, &out->text, e);
    memset(&key, 0, sizeof key);
    return code ? code : register_line(a, w, claims.jti, &out->record, e);
}

/* ---- a session's token ---- */

/* Whoever takes back a token takes back all that were derived from it: each names its parents. */
enum err_code token_for_session(struct op_call *c, struct str project, struct token_made *out, struct err *e)
{
    const struct caller *who = caller_of(c);
    struct str slug = project_slug(project);
    *out = (struct token_made){0};
    if (who->everything || who->parents.n + 1 + who->name.n > JWT_PARENTS_MAX || !jwt_name_fine(slug, JWT_NAME_MAX))
        return ERR_OK;
    struct token_wish w = {.org = who->org,
                           .slug = slug,
                           .permissions = who->permissions,
                           .expires_at = who->expires_at / 1000,
                           .algorithm = auth_takes(c->svc->auth, JWT_HS256) ? JWT_HS256 : JWT_EDDSA,
                           .made_by = who->name,
                           .note = STR("session")};
    w.parents = arena_fmt(c->arena, "%.*s%s%.*s", STR_ARG(who->parents), who->parents.n ? " " : "", STR_ARG(who->name));
    return w.parents.p ? make(c, &w, out, e) : err_nomem(e);
}

/* ---- auth.token ---- */

/* "90d": a number and s, m, h, d, w or y. */
static enum err_code parse_life(struct str s, int64_t *seconds, struct err *e)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', MINUTE}, {'h', HOUR}, {'d', DAY}, {'w', 7 * DAY}, {'y', 365 * DAY}};
    int64_t n = 0, each = 0;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        each = s.n > 1 && s.p[s.n - 1] == units[i].unit ? units[i].seconds : each;
    if (each && str_int(str_take(s, s.n - 1), &n) && n > 0 && n <= LIFE_MAX / each) {
        *seconds = n * each;
        return ERR_OK;
    }
    return err_set(e, ERR_INVALID, "expires",
                   "expires must be a number with s, m, h, d, w or y after it, such as 90d, and at most 10 years");
}

/* Nobody gives out more than they have: no other organisation, no other project, no further permission. */
static enum err_code within_own(const struct caller *who, const struct token_wish *w, struct err *e)
{
    if (who->everything)
        return ERR_OK;
    if (!str_eq(w->org, who->org))
        return err_named(e, ERR_FORBIDDEN, "FORBIDDEN", "this token may only make tokens for organisation %.*s",
                         STR_ARG(who->org));
    if (!str_is(project_slug(who->project), "*") && !str_eq(w->slug, project_slug(who->project)))
        return err_named(e, ERR_FORBIDDEN, "FORBIDDEN", "this token may only make tokens for project %.*s",
                         STR_ARG(project_slug(who->project)));
    if (w->permissions & ~who->permissions)
        return err_named(e, ERR_FORBIDDEN, "FORBIDDEN", "this token may only give permissions that it has itself");
    return ERR_OK;
}

static enum err_code read_wish(struct op_call *c, struct token_wish *w, struct err *e)
{
    const struct caller *who = caller_of(c);
    struct str algorithm = op_text(c, "algorithm"), org = op_text(c, "org"), slug = op_text(c, "project");
    int64_t life = 0;
    *w = (struct token_wish){.org = org.n ? org : who->org,
                             .slug = slug.n ? slug : project_slug(who->project),
                             .made_by = who->name,
                             .note = op_text(c, "note"),
                             .parents = STR("")};
    enum err_code code = jwt_permissions_parse(op_text(c, "permissions"), &w->permissions, e);
    if (!code)
        code = parse_life(op_text(c, "expires"), &life, e);
    if (!code && (!jwt_name_fine(w->org, JWT_NAME_MAX) || str_is(w->org, "*")))
        code = err_set(e, ERR_INVALID, "org", "org must be a name without spaces and slashes");
    if (!code && !jwt_name_fine(w->slug, JWT_NAME_MAX))
        code = err_set(e, ERR_INVALID, "project", "project must be a name without spaces and slashes, or * for all");
    if (!code)
        code = within_own(who, w, e);
    w->expires_at = clock_now_ms() / 1000 + life;
    w->algorithm = auth_takes(c->svc->auth, JWT_HS256) ? JWT_HS256 : JWT_EDDSA;
    if (algorithm.n)
        (void)jwt_algorithm_find(algorithm, &w->algorithm); /* one of the table's choices */
    return code;
}

struct new_token {
    struct op_call *call;
    struct token_made made;
};

static enum err_code insert_on(struct store_tx *tx, void *arg, struct err *e)
{
    const struct new_token *n = arg;
    audit_touch(n->call, KIND_TOKEN, n->made.record->id);
    audit_place(n->call, STR_NONE, n->made.record->project);
    struct record fresh = *n->made.record; /* what an insert fills in must not stay for the next try */
    return record_insert(tx, n->call->arena, &fresh, e);
}

static void write_line(struct json_out *w, const struct record *r)
{
    jw_kstr(w, "id", r->id);
    jw_kstr(w, "token_id", r->id);
    jw_kstr(w, "project", project_slug(r->project));
    jw_kstr(w, "org", record_text(r, "org"));
    jw_kstr(w, "permissions", record_text(r, "permissions"));
    jw_kstr(w, "algorithm", record_text(r, "algorithm"));
    jw_ktime(w, "expires_at", record_int(r, "expires_at"));
}

static void answer_token(struct op_call *c, void *arg)
{
    const struct token_made *made = &((const struct new_token *)arg)->made;
    jw_object(c->out);
    jw_kstr(c->out, "token", made->text);
    write_line(c->out, made->record);
    jw_end_object(c->out);
}

enum err_code auth_token(struct op_call *c, struct err *e)
{
    struct token_wish w;
    struct new_token *n = arena_alloc(c->arena, sizeof *n);
    if (!n)
        return err_nomem(e);
    n->call = c;
    enum err_code code = read_wish(c, &w, e);
    if (!code)
        code = make(c, &w, &n->made, e);
    return code ? code : op_write(c, insert_on, n, answer_token, e);
}

/* ---- auth.list ---- */

static enum err_code list_on(struct op_call *c, struct store_tx *tx, struct err *e)
{
    const struct caller *who = caller_of(c);
    struct list_filter filters[2];
    struct list_query q = {.kind = KIND_TOKEN,
                           .filters = filters,
                           .limit = (int)op_int(c, "limit", 50),
                           .cursor = op_text(c, "cursor"),
                           .count = true};
    struct list_page page;
    if (!who->everything)
        filters[q.n_filters++] = (struct list_filter){"org", V_TEXT(who->org)};
    if (!who->everything && !str_is(project_slug(who->project), "*"))
        filters[q.n_filters++] = (struct list_filter){"project", V_TEXT(who->project)};
    enum err_code code = record_list(tx, c->arena, &q, &page, e);
    if (code)
        return code;
    jw_object(c->out);
    jw_key(c->out, "tokens");
    jw_array(c->out);
    for (size_t i = 0; i < page.n; i++) {
        const struct record *r = page.rows[i];
        jw_object(c->out);
        write_line(c->out, r);
        jw_ktime(c->out, "created_at", r->created_at);
        jw_kbool(c->out, "revoked", record_int(r, "revoked"));
        jw_ktime(c->out, "revoked_at", record_int(r, "revoked_at"));
        jw_kstr(c->out, "made_by", record_text(r, "made_by"));
        jw_kstr(c->out, "note", record_text(r, "note"));
        jw_end_object(c->out);
    }
    jw_end_array(c->out);
    jw_kstr(c->out, "next_cursor", page.next_cursor);
    jw_kint(c->out, "total", page.total);
    jw_end_object(c->out);
    return ERR_OK;
}

enum err_code auth_list(struct op_call *c, struct err *e)
{
    return op_read(c, list_on, e);
}

/* ---- auth.revoke ---- */

struct revocation {
    struct op_call *call;
    int64_t at; /* ms; an earlier one of the same token stays */
};

static bool sees(const struct caller *who, const struct record *r)
{
    return who->everything || (str_eq(record_text(r, "org"), who->org) &&
                               (str_is(project_slug(who->project), "*") || str_eq(r->project, who->project)));
}

static enum err_code revoke_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct revocation *v = arg;
    struct arena *a = v->call->arena;
    struct record *r, *patch = record_new(a, KIND_TOKEN);
    struct str id = op_text(v->call, "id");
    struct err why = {0};
    if (!patch)
        return err_nomem(e);
    enum err_code code = record_get(tx, a, KIND_TOKEN, id, STR_NONE, &r, &why);
    if (code == ERR_NOT_FOUND || (!code && !sees(caller_of(v->call), r)))
        return err_named(e, ERR_NOT_FOUND, "NOT_FOUND", "there is no token %.*s in the register",
                         STR_ARG(str_take(id, 60)));
    if (code) {
        if (e)
            *e = why;
        return code;
    }
    audit_touch_record(v->call, r);
    if (record_int(r, "revoked")) {
        v->at = record_int(r, "revoked_at");
        return ERR_OK;
    }
    record_set(patch, "revoked", V_INT(1));
    record_set(patch, "revoked_at", V_INT(v->at));
    return record_update(tx, a, r->seq, patch, e);
}

static void answer_revoked(struct op_call *c, void *arg)
{
    const struct revocation *v = arg;
    auth_changed(c->svc->auth);
    jw_object(c->out);
    jw_kstr(c->out, "token_id", op_text(c, "id"));
    jw_kbool(c->out, "revoked", true);
    jw_ktime(c->out, "revoked_at", v->at);
    jw_end_object(c->out);
}

enum err_code auth_revoke(struct op_call *c, struct err *e)
{
    struct revocation *v = arena_alloc(c->arena, sizeof *v);
    if (!v)
        return err_nomem(e);
    *v = (struct revocation){c, clock_now_ms()};
    return op_write(c, revoke_on, v, answer_revoked, e);
}
