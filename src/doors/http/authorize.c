/* Who asks, and may they? Where auth is on, each request over TCP to a route that needs a permission carries a token:
 * `Authorization: Bearer TOKEN`, or `X-Cairn-Token: TOKEN` when Authorization holds something for the upstream, or
 * on Anthropic's routes `x-api-key: TOKEN`. The Unix socket is the owner's: its file is theirs alone (mode 0600).
 *
 * This happens when the head has come, before the body is read: strangers cannot make us keep theirs. */
#include "doors/http/http_int.h"
#include "service/token.h"

#include "auth/auth.h"
#include "base/clock.h"

const struct caller *http_caller(const struct http_request *r)
{
    return r->call.caller ? r->call.caller : &CALLER_LOCAL;
}

/* The token after "Bearer", STR_NONE when it is another scheme's. */
static struct str bearer(struct str value)
{
    if (value.n < 7 || !str_ieq(str_take(value, 7), STR("Bearer ")))
        return STR_NONE;
    return str_trim(str_skip(value, 7));
}

/* Two of them would let a proxy before us and us see different callers. */
static enum err_code only_one(const struct http_request *r, const char *name, struct err *e)
{
    unsigned n = 0;
    for (size_t i = 0; i < r->n_headers; i++)
        n += str_ieq(r->headers[i].name, str_of(name));
    return n < 2 ? ERR_OK : err_set(e, ERR_DENIED, NULL, "the request has more than one %s header", name);
}

static enum err_code find_token(const struct http_request *r, struct str *out, struct err *e)
{
    enum err_code code = only_one(r, "X-Cairn-Token", e);
    *out = http_header_get(r, "X-Cairn-Token");
    if (code || out->p)
        return code;
    code = only_one(r, "Authorization", e);
    struct str given = http_header_get(r, "Authorization");
    *out = bearer(given);
    if (!code && !given.p && (str_is(r->path, "/v1/messages") || str_starts(r->path, "/v1/messages/")))
        *out = http_header_get(r, "x-api-key"); /* where Anthropic's clients put their key */
    if (code || out->n)
        return code;
    return err_set(e, ERR_DENIED, NULL,
                   given.p ? "the Authorization header must be \"Bearer\" and a token (cairn auth token makes one)"
                           : "this needs a token: send Authorization: Bearer TOKEN (cairn auth token makes one)");
}

enum err_code authorize(struct http_request *r, struct err *e)
{
    struct str token;
    if (!r->srv->auth || r->local || !r->route || r->route->permission == PERM_NONE)
        return ERR_OK;
    struct caller *c = arena_alloc(r->arena, sizeof *c);
    if (!c)
        return err_nomem(e);
    enum err_code code = find_token(r, &token, e);
    if (!code)
        code = token_caller(r->srv->svc, r->arena, token, c, e);
    if (code)
        return code;
    r->call.caller = c; /* the call's: limits count by it before the operation runs */
    const char *what = r->route->op ? r->route->op->name : r->route->pattern.p;
    return token_permits(c, r->route->permission, what, e);
}

/* Also a second token beside the one that was used: none may reach the upstream. */
bool http_header_is_token(const struct http_request *r, const struct http_header *h)
{
    struct auth_identity who;
    struct str value = bearer(h->value);
    if (!r->call.caller)
        return false;
    if (!value.n)
        value = h->value;
    return value.n > 0 && auth_check(r->srv->svc->auth, value, clock_now_ms() / 1000, &who, NULL) == ERR_OK;
}
