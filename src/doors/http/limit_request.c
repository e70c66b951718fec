/* A request and its limit: which class it belongs to, whose count it is, and what the answer says about it. The
 * counting itself is limit.c's.
 *
 * Whose count: the session the request names (in its path, its body, or X-Cairn-Session of a proxied chat); a
 * conversation stands for its session, because looking that up would cost more than all the rest. A request that names
 * neither counts for its caller's token, and without one for the client's address (of IPv6 the first 64 bits, which is
 * what one household or host has). */
#include "base/clock.h"
#include "doors/http/http_int.h"
#include "service/caller.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { ENTRIES = 65536, KEY_MAX = 350 };

/* The setting of each class, in enum limit_class's order. */
static const char *const SETTINGS[LIMIT_CLASSES] = {
    NULL,
    "limits.sessions_per_minute",
    "limits.conversations_per_minute",
    "limits.context_per_minute",
    "limits.chat_per_minute",
    "limits.analytics_per_minute",
};

/* auto: who serves others than this machine's user asks them who they are. */
static bool wanted(const struct config *c, bool auth)
{
    struct str mode = str_of(config_text(c, "limits.enabled"));
    return str_is(mode, "on") || (str_is(mode, "auto") && auth);
}

enum err_code limits_start(struct limits *l, const struct config *config, bool auth, const int *per_minute,
                           struct err *e)
{
    if (!per_minute && !wanted(config, auth))
        return ERR_OK;
    for (int i = 1; i < LIMIT_CLASSES; i++)
        l->per_minute[i] = per_minute ? per_minute[i] : (int)config_int(config, SETTINGS[i]);
    return limit_table_new(ENTRIES, &l->table, e);
}

void limits_stop(struct limits *l)
{
    limit_table_free(l->table);
    l->table = NULL;
}

/* ---- whose count ---- */

void limit_note_address(struct http_request *r)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *a = info ? info->client_addr : NULL;
    r->peer_n = 0;
    if (!a || r->local)
        return;
    if (a->sa_family == AF_INET) {
        r->peer_n = sizeof(struct in_addr);
        memcpy(r->peer, &((const struct sockaddr_in *)a)->sin_addr, r->peer_n);
    } else if (a->sa_family == AF_INET6) {
        r->peer_n = 8;
        memcpy(r->peer, &((const struct sockaddr_in6 *)a)->sin6_addr, r->peer_n);
    }
}

/* The session that a bound call names. */
static struct str session_of(const struct op_call *c)
{
    static const char *const NAMES[] = {"session_id", "session", "conversation_id"};
    for (size_t i = 0; c->values && i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        struct str s = op_text(c, NAMES[i]);
        if (s.n)
            return s;
    }
    if (c->record && kind_field(c->record->kind, STR("session_id")) >= 0)
        return record_text(c->record, "session_id");
    /* Where the session itself is the resource. */
    return c->values && strstr(c->op->path, "/sessions/{id}") ? op_text(c, "id") : STR_NONE;
}

/* One letter says what kind of name follows, so that no session can be called like somebody's token. */
static struct str key_of(const struct http_request *r, struct str session, char key[KEY_MAX])
{
    const struct caller *c = r->call.caller;
    char kind = session.n ? 's' : c && !c->everything ? 't' : 'a';
    struct str name = kind == 's' ? session : kind == 't' ? c->name : (struct str){r->peer, r->peer_n};
    /* A session's own name is one of its project's: "notes" of another project is another session. */
    struct str project = kind == 's' && c ? c->project : STR_NONE;
    int n = snprintf(key, KEY_MAX, "%c%.*s|", kind, STR_ARG(str_take(project, 100)));
    size_t used = n > 0 ? (size_t)n : 0;
    name = str_take(name, KEY_MAX - used);
    if (name.n)
        memcpy(key + used, name.p, name.n);
    return (struct str){key, used + name.n};
}

/* ---- judging and telling ---- */

static enum limit_class class_of(const struct http_request *r)
{
    const struct operation *op = r->route->op ? r->route->op : r->route->serves;
    return op ? op->limit : LIMIT_NONE;
}

static enum err_code take(struct http_request *r, struct str session, struct err *e)
{
    struct limits *l = &r->srv->limits;
    enum limit_class class = class_of(r);
    char key[KEY_MAX];
    if (!l->table || class == LIMIT_NONE)
        return ERR_OK;
    struct str k = key_of(r, session, key);
    limit_take(l->table, k, class, l->per_minute[class], clock_mono_us() / 1000, &r->limit);
    r->limit_reset = (clock_now_ms() + r->limit.wait_ms + 999) / 1000;
    if (r->limit.granted)
        return ERR_OK;
    static const char *const WHOSE[] = {"session", "token", "address"};
    const char *whose = WHOSE[key[0] == 's' ? 0 : key[0] == 't' ? 1 : 2];
    err_named(e, ERR_LIMIT, "RATE_LIMIT_EXCEEDED", "this %s may make %d such requests a minute; try again in %lld s",
              whose, r->limit.limit, (long long)(r->limit.wait_ms + 999) / 1000);
    if (e->code == ERR_LIMIT)
        e->retry_after_ms = (unsigned)r->limit.wait_ms;
    return ERR_LIMIT;
}

enum err_code limit_check_call(struct http_request *r, struct err *e)
{
    return take(r, session_of(&r->call), e);
}

bool http_limit(struct http_request *r, struct str session)
{
    struct err e = {0};
    if (take(r, session, &e) == ERR_OK)
        return true;
    http_answer_error(r, &e);
    return false;
}

static bool add_number(struct MHD_Response *res, const char *name, int64_t v)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)v);
    return MHD_add_response_header(res, name, text) == MHD_YES;
}

bool limit_headers(const struct http_request *r, struct MHD_Response *res)
{
    if (r->limit.limit == 0)
        return true;
    return add_number(res, "X-RateLimit-Limit", r->limit.limit) &&
           add_number(res, "X-RateLimit-Remaining", r->limit.remaining) &&
           add_number(res, "X-RateLimit-Reset", r->limit_reset) &&
           add_number(res, "X-RateLimit-Window", LIMIT_WINDOW_S);
}
