/* The table of counters behind rate limits. See limit.h for the formula and the reasons. */
#include "doors/http/limit.h"

#include "base/id.h"
#include "base/mem.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>

enum { SHARDS = 16, WAYS = 8, SLOTS = LIMIT_STEPS + 1, HASH = crypto_shorthash_siphashx24_BYTES, KEY_MAX = 400 };

struct entry {
    unsigned char hash[HASH];
    uint32_t step;         /* of the newest counter; 0: the entry is free */
    uint16_t count[SLOTS]; /* ring: step s is count[s % SLOTS] */
    uint8_t used;          /* asked for again since the clock's hand passed */
};

struct set {
    struct entry ways[WAYS];
    unsigned hand;
};

struct limit_table {
    /* Keyed, so that nobody can choose keys that share a set or a hash. 128 bits: two keys never meet by chance. */
    unsigned char secret[crypto_shorthash_siphashx24_KEYBYTES];
    size_t sets; /* per shard */
    struct shard {
        pthread_mutex_t mu;
        struct set *sets;
    } shards[SHARDS];
};

enum err_code limit_table_new(size_t entries, struct limit_table **out, struct err *e)
{
    struct limit_table *t = mem_zalloc(sizeof *t);
    *out = NULL;
    if (!t)
        return err_nomem(e);
    id_random(t->secret, sizeof t->secret);
    t->sets = (entries + (size_t)SHARDS * WAYS - 1) / ((size_t)SHARDS * WAYS);
    t->sets = t->sets ? t->sets : 1;
    bool fine = true;
    for (int i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&t->shards[i].mu, NULL);
        t->shards[i].sets = mem_zalloc(t->sets * sizeof(struct set));
        fine = fine && t->shards[i].sets;
    }
    if (!fine) {
        limit_table_free(t);
        return err_nomem(e);
    }
    *out = t;
    return ERR_OK;
}

void limit_table_free(struct limit_table *t)
{
    if (!t)
        return;
    for (int i = 0; i < SHARDS; i++) {
        pthread_mutex_destroy(&t->shards[i].mu);
        mem_free(t->shards[i].sets);
    }
    mem_free(t);
}

/* Step 0 means "free", so that time 0 begins at step 1. */
static uint32_t step_of(int64_t now_ms)
{
    return (uint32_t)(now_ms / LIMIT_STEP_MS) + 1;
}

static bool is_idle(const struct entry *e, uint32_t step)
{
    return e->step == 0 || (step > e->step && step - e->step >= SLOTS);
}

/* Not first come but least used: an entry idle for the window holds nothing worth keeping. */
static struct entry *make_room(struct set *s, uint32_t step)
{
    for (int i = 0; i < WAYS; i++)
        if (is_idle(&s->ways[i], step))
            return &s->ways[i];
    while (s->ways[s->hand].used) { /* ends within one round: each look clears a mark */
        s->ways[s->hand].used = 0;
        s->hand = (s->hand + 1) % WAYS;
    }
    struct entry *e = &s->ways[s->hand];
    s->hand = (s->hand + 1) % WAYS;
    return e;
}

static struct entry *find(struct set *s, const unsigned char *hash, uint32_t step)
{
    for (int i = 0; i < WAYS; i++)
        if (s->ways[i].step && memcmp(s->ways[i].hash, hash, HASH) == 0) {
            s->ways[i].used = 1; /* from the second time on: a key seen once goes before one that is busy */
            return &s->ways[i];
        }
    struct entry *e = make_room(s, step);
    memset(e, 0, sizeof *e);
    memcpy(e->hash, hash, HASH);
    e->step = step;
    return e;
}

/* Moves the ring on to `step`, forgetting what falls out of the window. */
static void advance(struct entry *e, uint32_t step)
{
    if (step <= e->step)
        return; /* the clock went back, or two threads passed each other */
    uint32_t passed = step - e->step;
    for (uint32_t i = 0; i < passed && i < SLOTS; i++)
        e->count[(step - i) % SLOTS] = 0;
    e->step = step;
}

/* The oldest step that still counts leaves the window SLOTS steps after its own begin. */
static int64_t oldest_leaves(const struct entry *e, int64_t now_ms)
{
    for (uint32_t age = LIMIT_STEPS;; age--) {
        uint32_t step = e->step - age;
        if (age == 0 || (e->step > age && e->count[step % SLOTS])) {
            int64_t at = ((int64_t)step - 1 + SLOTS) * LIMIT_STEP_MS;
            return at > now_ms ? at - now_ms : 1;
        }
    }
}

static void judge(struct entry *e, int limit, int64_t now_ms, struct limit_verdict *out)
{
    int sum = 0;
    for (int i = 0; i < SLOTS; i++)
        sum += e->count[i];
    out->granted = sum < limit;
    if (out->granted) {
        e->count[e->step % SLOTS]++;
        sum++;
    }
    out->limit = limit;
    out->remaining = sum < limit ? limit - sum : 0; /* a limit may have been lowered since */
    out->wait_ms = oldest_leaves(e, now_ms);
}

void limit_take(struct limit_table *t, struct str key, unsigned class, int limit, int64_t now_ms,
                struct limit_verdict *out)
{
    unsigned char text[KEY_MAX + 1], hash[HASH];
    uint64_t place;
    size_t n = key.n < KEY_MAX ? key.n : KEY_MAX;
    text[0] = (unsigned char)class;
    if (n)
        memcpy(text + 1, key.p, n);
    crypto_shorthash_siphashx24(hash, text, n + 1, t->secret);
    memcpy(&place, hash, sizeof place);
    struct shard *shard = &t->shards[place % SHARDS];
    uint32_t step = step_of(now_ms);
    pthread_mutex_lock(&shard->mu);
    struct entry *e = find(&shard->sets[place / SHARDS % t->sets], hash, step);
    advance(e, step);
    judge(e, limit, now_ms, out);
    pthread_mutex_unlock(&shard->mu);
}
