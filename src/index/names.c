/* The tables of names of a segment that is being written: sessions, conversations in them, agents. Sessions and
 * conversations come in the order of the documents, agents as they are met. */
#include "index/segment.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 64 };

void names_init(struct names *n)
{
    *n = (struct names){.n_sessions = 0};
    buf_init(&n->sessions, 0);
    buf_init(&n->conversations, 0);
    buf_init(&n->agents, 0);
    buf_init(&n->bytes, UINT32_MAX);
}

void names_release(struct names *n)
{
    buf_release(&n->sessions);
    buf_release(&n->conversations);
    buf_release(&n->agents);
    buf_release(&n->bytes);
    mem_free(n->agent_slots);
}

static struct name_ref put_name(struct names *n, struct str s)
{
    struct name_ref r = {(uint32_t)n->bytes.n, (uint32_t)s.n};
    buf_str(&n->bytes, s);
    return r;
}

static bool same_name(const struct names *n, struct name_ref r, struct str s)
{
    return r.n == s.n && (s.n == 0 || memcmp(n->bytes.p + r.at, s.p, s.n) == 0);
}

void names_session(struct names *n, struct str id, struct str project, uint32_t first)
{
    struct session_row row = {.hash = name_hash(id), .first = first};
    row.id = put_name(n, id);
    const struct session_row *last = (const struct session_row *)(const void *)n->sessions.p;
    if (n->n_sessions && !n->sessions.failed && !n->bytes.failed &&
        same_name(n, last[n->n_sessions - 1].project, project))
        row.project = last[n->n_sessions - 1].project;
    else
        row.project = put_name(n, project);
    buf_put(&n->sessions, &row, sizeof row);
    n->n_sessions++;
}

void names_conversation(struct names *n, struct str id, uint32_t first)
{
    struct conversation_row row = {.hash = name_hash(id), .first = first, .session = n->n_sessions - 1};
    row.id = put_name(n, id);
    buf_put(&n->conversations, &row, sizeof row);
    n->n_conversations++;
}

void names_docs(struct names *n, uint32_t docs, uint64_t bytes)
{
    if (n->sessions.failed || n->conversations.failed)
        return;
    struct session_row *s = (struct session_row *)(void *)n->sessions.p + (n->n_sessions - 1);
    struct conversation_row *c = (struct conversation_row *)(void *)n->conversations.p + (n->n_conversations - 1);
    s->n += docs;
    s->bytes += bytes;
    c->n += docs;
}

/* ---- agents ---- */
static const struct name_ref *agent_at(const struct names *n, uint32_t i)
{
    return (const struct name_ref *)(const void *)n->agents.p + i;
}

static uint32_t *slot_of(const struct names *n, struct str name)
{
    for (size_t i = name_hash(name);; i++) {
        uint32_t *slot = &n->agent_slots[i & (n->n_slots - 1)];
        if (*slot == 0 || same_name(n, *agent_at(n, *slot - 1), name))
            return slot;
    }
}

static bool make_room(struct names *n)
{
    if (n->n_agents * (size_t)2 < n->n_slots)
        return true;
    size_t slots = n->n_slots ? n->n_slots * 2 : FIRST_SLOTS;
    uint32_t *p = mem_zalloc(slots * sizeof *p);
    if (!p)
        return false;
    mem_free(n->agent_slots);
    n->agent_slots = p;
    n->n_slots = slots;
    for (uint32_t i = 0; i < n->n_agents; i++) {
        struct str name = {n->bytes.p + agent_at(n, i)->at, agent_at(n, i)->n};
        *slot_of(n, name) = i + 1;
    }
    return true;
}

uint32_t names_agent(struct names *n, struct str name)
{
    if (n->bytes.failed || n->agents.failed || !make_room(n)) {
        n->failed = true;
        return 0;
    }
    uint32_t *slot = slot_of(n, name);
    if (*slot == 0) {
        struct name_ref r = put_name(n, name);
        buf_put(&n->agents, &r, sizeof r);
        if (n->bytes.failed || n->agents.failed)
            return 0;
        *slot = ++n->n_agents;
    }
    return *slot - 1;
}

/* ---- writing ---- */
struct hashed {
    uint64_t hash;
    uint32_t i;
};

static int compare_hashed(const void *a, const void *b)
{
    const struct hashed *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->i > y->i) - (x->i < y->i);
}

/* Numbers of rows by ascending hash; each row begins with it. */
static bool write_order(struct sink *k, const char *rows, size_t size, uint32_t n)
{
    struct hashed *h = mem_alloc((n + (size_t)1) * sizeof *h);
    if (!h)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        memcpy(&h[i].hash, rows + i * size, sizeof h[i].hash);
        h[i].i = i;
    }
    qsort(h, n, sizeof *h, compare_hashed);
    for (uint32_t i = 0; i < n; i++)
        sink_put(k, &h[i].i, sizeof h[i].i);
    mem_free(h);
    return true;
}

enum err_code names_write(struct names *n, struct sink *k, struct segment_foot *foot, struct err *e)
{
    if (n->failed || n->sessions.failed || n->conversations.failed || n->agents.failed || n->bytes.failed)
        return err_nomem(e);
    foot->n_sessions = n->n_sessions;
    foot->n_conversations = n->n_conversations;
    foot->n_agents = n->n_agents;
    sink_part(k, PART_SESSIONS);
    sink_put(k, n->sessions.p, n->sessions.n);
    sink_part(k, PART_SESSION_HASH);
    if (!write_order(k, n->sessions.p, sizeof(struct session_row), n->n_sessions))
        return err_nomem(e);
    sink_part(k, PART_CONVERSATIONS);
    sink_put(k, n->conversations.p, n->conversations.n);
    sink_part(k, PART_CONVERSATION_HASH);
    if (!write_order(k, n->conversations.p, sizeof(struct conversation_row), n->n_conversations))
        return err_nomem(e);
    sink_part(k, PART_AGENTS);
    sink_put(k, n->agents.p, n->agents.n);
    sink_part(k, PART_NAMES);
    sink_put(k, n->bytes.p, n->bytes.n);
    return ERR_OK;
}
