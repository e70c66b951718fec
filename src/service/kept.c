/* Which calls share an answer, and what that answer depends on. See kept.h. */
#include "service/kept.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "service/answer_cache.h"
#include "service/audit.h"
#include "service/caller.h"
#include "service/context_load.h"
#include "service/service.h"
#include "store/versions.h"

#include <string.h>

enum { KEY_MAX = 4096, DEPENDS = 4 };

/* All that the answer follows from: operation, caller's rights, project, arguments, each behind its length so that no
 * two calls share a key. */
static struct str kept_key(struct op_call *c)
{
    const struct caller *who = caller_of(c);
    struct buf b;
    buf_init(&b, KEY_MAX);
    buf_fmt(&b, "%s %d %zu:%.*s %zu:%.*s %zu:%.*s", c->op->name, who->everything, who->org.n, STR_ARG(who->org),
            who->project.n, STR_ARG(who->project), c->project.n, STR_ARG(c->project));
    for (size_t i = 0; i < c->op->n_args; i++) {
        const struct json *v = c->values[i];
        struct str s = !v ? STR("-") : v->type == JSON_STRING ? v->s : v->raw;
        if (v && !s.p) /* a number that came as text */
            buf_fmt(&b, " %.17g", v->type == JSON_BOOL ? (double)v->boolean : v->number);
        else
            buf_fmt(&b, " %zu:%.*s", s.n, STR_ARG(s));
    }
    return buf_take(&b, c->arena);
}

/* Its session, that session's last_active, and the records of no session that a context shows. */
static bool kept_version(const struct op_call *c, uint64_t *out)
{
    struct str session = op_text(c, "session_id");
    if (!session.p)
        session = op_text(c, "id");
    uint64_t keys[DEPENDS] = {version_key(session), version_key(STR("character")), version_key(STR("prop")),
                              version_active(session)};
    bool shows_active = c->op->flags & OP_SHOWS_ACTIVE;
    return store_version(c->svc->store, keys, shows_active ? DEPENDS : DEPENDS - 1, out);
}

/* What is kept ends with the load and what the audit says, each with its length in four bytes behind it: takes the last
 * of them off the answer again. */
static struct str split(struct buf *b)
{
    uint32_t n;
    memcpy(&n, b->p + b->n - sizeof n, sizeof n);
    b->n -= sizeof n + n;
    return (struct str){b->p + b->n, n}; /* behind the end, until the next byte is written */
}

/* The version is taken before anything is read, so that a write meanwhile makes the kept answer old at once. */
bool kept_find(struct op_call *c, struct kept *k)
{
    k->key = kept_version(c, &k->version) ? kept_key(c) : STR_NONE;
    if (!k->key.p)
        return false;
    int64_t start = clock_mono_us();
    bool hit = answer_cache_get(c->svc->cache, k->key, k->version, start / 1000, c->out->b);
    if (hit && !c->out->b->failed) {
        audit_kept(c, split(c->out->b));
        context_load_note(c->svc->loads, caller_of(c)->name, split(c->out->b), clock_mono_us() - start);
    }
    metric_add(hit ? M_CACHE_HITS : M_CACHE_MISSES, 1);
    return hit;
}

void kept_store(struct op_call *c, const struct kept *k, size_t before)
{
    struct buf *b = c->out->b;
    size_t answer = b->n;
    uint32_t n = (uint32_t)c->load.n;
    if (!k->key.p)
        return;
    buf_str(b, c->load);
    buf_put(b, &n, sizeof n);
    size_t load_end = b->n;
    audit_keep(c, b);
    n = (uint32_t)(b->n - load_end);
    buf_put(b, &n, sizeof n);
    if (!b->failed)
        answer_cache_put(c->svc->cache, k->key, k->version, clock_mono_us() / 1000, str_skip(buf_view(b), before));
    b->n = answer;
}
