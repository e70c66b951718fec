/* Places: where the turns that matched stand, the turns around them, and whose agent's name a question names.
 * The turns of the index come from its table doc, those of the fresh tail from the store's own records. */
#include "index/intern.h"

#include <stdlib.h>
#include <string.h>

static bool in_time(const struct index_query *q, int64_t t)
{
    return (!q->from || t >= q->from) && (!q->to || t <= q->to);
}

/* ---- the tail's conversations ---- */
static enum err_code conversation_number(struct search *s, struct str id, int64_t *out, struct err *e)
{
    *out = 0;
    if (!s->d)
        return ERR_OK;
    sqlite3_stmt *q = db_stmt(s->d, DB_CONVERSATION_FIND, e);
    if (!q)
        return e->code;
    bind_str(q, 1, id);
    int rc = sqlite3_step(q);
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int64(q, 0);
    sqlite3_reset(q);
    return db_error(s->d, rc, e);
}

struct named { /* a turn of the tail, to be sorted by its conversation */
    struct str conversation;
    size_t i;
};

static int compare_named(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    return str_cmp(x->conversation, y->conversation);
}

enum err_code places_prepare(struct search *s, struct err *e)
{
    size_t n = s->tail.n;
    struct named *by = arena_array(s->scratch, struct named, n + 1);
    s->tail_conversation = arena_array(s->scratch, int64_t, n + 1);
    if (!by || !s->tail_conversation)
        return err_nomem(e);
    if (s->q->except_conversation.p) {
        enum err_code code = conversation_number(s, s->q->except_conversation, &s->except, e);
        if (code)
            return code;
    }
    for (size_t i = 0; i < n; i++)
        by[i] = (struct named){s->tail.turns[i].conversation_id, i};
    if (n > 1)
        qsort(by, n, sizeof *by, compare_named);
    for (size_t i = 0; i < n; i++) {
        int64_t *to = &s->tail_conversation[by[i].i];
        if (i > 0 && str_eq(by[i].conversation, by[i - 1].conversation)) {
            *to = s->tail_conversation[by[i - 1].i];
            continue;
        }
        enum err_code code = conversation_number(s, by[i].conversation, to, e);
        if (code)
            return code;
        if (*to == 0)
            *to = -1 - (int64_t)i;
    }
    return ERR_OK;
}

/* ---- from a row to a place ---- */
static struct located tail_place(const struct search *s, size_t i)
{
    const struct turn *t = &s->tail.turns[i];
    struct index_hit hit = {.seq = t->seq,
                            .conversation = s->tail_conversation[i],
                            .turn_number = t->turn_number,
                            .timestamp = t->timestamp,
                            .asks = text_asks(t->content)};
    return (struct located){hit, -1 - (int64_t)i};
}

/* Posting lists were filtered by this; turns that meaning found come from anywhere. */
static bool in_slots(const struct extent *x, int64_t session)
{
    int64_t slot = session & (ROW_SLOTS - 1);
    return !x->slots || x->slots[slot >> 6] >> (slot & 63) & 1;
}

enum err_code place_of(struct search *s, const struct scored *o, struct located *out, bool *wanted, struct err *e)
{
    *wanted = false;
    if (o->row < 0) {
        size_t i = (size_t)(-1 - o->row);
        *out = tail_place(s, i);
        *wanted = !s->q->except_conversation.p || !str_eq(s->tail.turns[i].conversation_id, s->q->except_conversation);
    } else {
        sqlite3_stmt *q = db_stmt(s->d, DB_DOC_GET, e);
        if (!q)
            return e->code;
        *out = (struct located){.hit.seq = row_seq(o->row)};
        sqlite3_bind_int64(q, 1, out->hit.seq);
        int rc = sqlite3_step(q);
        if (rc == SQLITE_ROW) {
            int64_t session = sqlite3_column_int64(q, 0);
            out->hit.conversation = sqlite3_column_int64(q, 1);
            out->hit.turn_number = sqlite3_column_int64(q, 2);
            out->hit.timestamp = sqlite3_column_int64(q, 3);
            out->agent = sqlite3_column_int64(q, 4);
            out->hit.asks = sqlite3_column_int(q, 5);
            *wanted = (!s->session || session == s->session) && in_slots(&s->scope, session) &&
                      (!s->except || out->hit.conversation != s->except);
        }
        sqlite3_reset(q);
        if (db_error(s->d, rc, e))
            return e->code;
    }
    *wanted = *wanted && in_time(s->q, out->hit.timestamp);
    out->hit.score = o->score;
    out->hit.matched = o->matched;
    return ERR_OK;
}

/* ---- around ---- */
struct run { /* turn numbers of one conversation */
    int64_t conversation, first, last;
};
struct around {
    struct search *s;
    struct run *runs;
    size_t n_runs;
    struct index_hit **known; /* the hits, by conversation and turn number */
    size_t n_known;
    struct located *out;
    size_t n, cap;
};

static int compare_places(int64_t conversation, int64_t number, int64_t other, int64_t other_number)
{
    if (conversation != other)
        return conversation < other ? -1 : 1;
    return (number > other_number) - (number < other_number);
}

static int compare_hits(const void *a, const void *b)
{
    const struct index_hit *x = *(struct index_hit *const *)a, *y = *(struct index_hit *const *)b;
    return compare_places(x->conversation, x->turn_number, y->conversation, y->turn_number);
}

/* The runs of turns within `reach` of a hit, without overlap, ascending. */
static enum err_code make_runs(struct around *r, struct located *best, size_t n, int reach, struct err *e)
{
    struct arena *a = r->s->scratch;
    r->known = arena_array(a, struct index_hit *, n);
    r->runs = arena_array(a, struct run, n);
    r->cap = n * 2 * (size_t)reach;
    r->out = arena_array(a, struct located, r->cap);
    if (!r->known || !r->runs || !r->out)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++)
        r->known[i] = &best[i].hit;
    r->n_known = n;
    qsort(r->known, n, sizeof *r->known, compare_hits);
    for (size_t i = 0; i < n; i++) {
        const struct index_hit *h = r->known[i];
        struct run *last = r->n_runs ? &r->runs[r->n_runs - 1] : NULL;
        if (last && last->conversation == h->conversation && h->turn_number - reach <= last->last + 1)
            last->last = h->turn_number + reach;
        else
            r->runs[r->n_runs++] = (struct run){h->conversation, h->turn_number - reach, h->turn_number + reach};
    }
    return ERR_OK;
}

static bool is_known(const struct around *r, const struct index_hit *h)
{
    return bsearch(&h, r->known, r->n_known, sizeof *r->known, compare_hits) != NULL;
}

static void add_around(struct around *r, const struct located *p)
{
    if (r->n < r->cap && in_time(r->s->q, p->hit.timestamp) && !is_known(r, &p->hit))
        r->out[r->n++] = *p;
}

static enum err_code around_indexed(struct around *r, const struct run *run, struct err *e)
{
    sqlite3_stmt *q = db_stmt(r->s->d, DB_DOC_RANGE, e);
    if (!q)
        return e->code;
    sqlite3_bind_int64(q, 1, run->conversation);
    sqlite3_bind_int64(q, 2, run->first);
    sqlite3_bind_int64(q, 3, run->last);
    int rc;
    while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
        struct located p = {.hit = {.seq = sqlite3_column_int64(q, 0),
                                    .conversation = run->conversation,
                                    .turn_number = sqlite3_column_int64(q, 1),
                                    .timestamp = sqlite3_column_int64(q, 2),
                                    .asks = sqlite3_column_int(q, 4)},
                            .agent = sqlite3_column_int64(q, 3)};
        add_around(r, &p);
    }
    sqlite3_reset(q);
    return db_error(r->s->d, rc, e);
}

static int compare_run(const void *key, const void *item)
{
    const struct index_hit *h = key;
    const struct run *run = item;
    if (h->conversation == run->conversation && h->turn_number >= run->first && h->turn_number <= run->last)
        return 0;
    return compare_places(h->conversation, h->turn_number, run->conversation, run->first);
}

static enum err_code find_around(struct around *r, struct located *best, size_t n, int reach, struct err *e)
{
    enum err_code code = make_runs(r, best, n, reach, e);
    for (size_t i = 0; code == ERR_OK && r->s->d && i < r->n_runs; i++)
        if (r->runs[i].conversation > 0)
            code = around_indexed(r, &r->runs[i], e);
    for (size_t i = 0; code == ERR_OK && i < r->s->tail.n; i++) {
        struct located p = tail_place(r->s, i);
        if (bsearch(&p.hit, r->runs, r->n_runs, sizeof *r->runs, compare_run))
            add_around(r, &p);
    }
    return code;
}

/* ---- speakers ---- */
struct naming {
    const struct index_query *q;
    uint32_t named;
};

static int name_word(void *arg, const struct token *t)
{
    struct naming *m = arg;
    for (size_t i = 0; i < m->q->n_terms; i++)
        if (str_eq(m->q->terms[i], t->form))
            m->named |= (uint32_t)1 << i;
    return 0;
}

static enum err_code name_of(struct search *s, int64_t agent, uint32_t *named, struct err *e)
{
    struct naming m = {s->q, 0};
    struct str name = STR_NONE;
    sqlite3_stmt *q = NULL;
    int rc = SQLITE_OK;
    if (agent < 0) {
        name = s->tail.turns[-1 - agent].agent;
    } else {
        q = db_stmt(s->d, DB_AGENT_NAME, e);
        if (!q)
            return e->code;
        sqlite3_bind_int64(q, 1, agent);
        rc = sqlite3_step(q);
        if (rc == SQLITE_ROW)
            name = column_str(q, 0);
    }
    tokens_walk(name, TOKENS_WORDS, name_word, &m);
    sqlite3_reset(q);
    *named = m.named;
    return rc == SQLITE_ROW || rc == SQLITE_OK ? ERR_OK : db_error(s->d, rc, e);
}

enum { NAMES_KNOWN = 64 };
struct names { /* the agents met lately: there are few */
    int64_t agent[NAMES_KNOWN];
    uint32_t named[NAMES_KNOWN];
    unsigned n;
};

static enum err_code speaker(struct search *s, struct names *known, struct located *p, struct err *e)
{
    unsigned n = known->n < NAMES_KNOWN ? known->n : NAMES_KNOWN;
    for (unsigned i = 0; i < n; i++)
        if (known->agent[i] == p->agent) {
            p->hit.speaker = known->named[i];
            return ERR_OK;
        }
    enum err_code code = name_of(s, p->agent, &p->hit.speaker, e);
    known->agent[known->n % NAMES_KNOWN] = p->agent;
    known->named[known->n++ % NAMES_KNOWN] = p->hit.speaker;
    return code;
}

enum err_code places_hand_over(struct search *s, struct arena *a, struct located *best, size_t n,
                               struct index_hits *out, struct err *e)
{
    struct around r = {.s = s};
    struct names known = {.n = 0};
    int reach = s->q->around > AROUND_MAX ? AROUND_MAX : s->q->around;
    enum err_code code = n > 0 && reach > 0 ? find_around(&r, best, n, reach, e) : ERR_OK;
    if (code)
        return code;
    out->hits = arena_array(a, struct index_hit, n + r.n + 1);
    if (!out->hits)
        return err_nomem(e);
    for (size_t i = 0; i < n + r.n; i++) {
        struct located *p = i < n ? &best[i] : &r.out[i - n];
        code = speaker(s, &known, p, e);
        if (code)
            return code;
        out->hits[i] = p->hit;
    }
    out->n = n;
    out->n_around = r.n;
    return ERR_OK;
}
