/* The cache of answers. See answer_cache.h. A shard is a hash table of chains and a list in the order of use; its whole
 * state is under its lock. Keys are compared whole: they name the caller's rights, so a mere hash would not do. */
#include "service/answer_cache.h"

#include "base/mem.h"

#include <pthread.h>
#include <string.h>

enum { SHARDS = 8, BUCKETS = 256, VALID_MS = 30000, LARGEST_SHARE = 8 };

struct entry {
    struct entry *chain;         /* next in its bucket */
    struct entry *newer, *older; /* in the order of use */
    uint64_t hash, version;
    int64_t until_ms;
    size_t key_n, answer_n;
    char bytes[]; /* key, answer */
};

struct shard {
    pthread_mutex_t lock;
    struct entry *buckets[BUCKETS];
    struct entry *newest, *oldest;
    size_t used, most;
};

struct answer_cache {
    struct shard shards[SHARDS];
};

struct answer_cache *answer_cache_new(size_t bytes)
{
    struct answer_cache *c = mem_zalloc(sizeof *c);
    for (size_t i = 0; c && i < SHARDS; i++) {
        pthread_mutex_init(&c->shards[i].lock, NULL);
        c->shards[i].most = bytes / SHARDS;
    }
    return c;
}

/* FNV-1a: keys come from op_run, and whoever could make them collide only slows himself down. */
static uint64_t hash_of(struct str s)
{
    uint64_t h = 1469598103934665603u;
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
    return h;
}

static size_t size_of(const struct entry *e)
{
    return sizeof *e + e->key_n + e->answer_n;
}

/* ---- a shard, under its lock ---- */

static struct entry **bucket_of(struct shard *s, uint64_t hash)
{
    return &s->buckets[(hash >> 16) % BUCKETS];
}

static void unlist(struct shard *s, struct entry *e)
{
    *(e->newer ? &e->newer->older : &s->newest) = e->older;
    *(e->older ? &e->older->newer : &s->oldest) = e->newer;
}

static void list_newest(struct shard *s, struct entry *e)
{
    e->newer = NULL;
    e->older = s->newest;
    *(s->newest ? &s->newest->newer : &s->oldest) = e;
    s->newest = e;
}

static void drop(struct shard *s, struct entry *e)
{
    struct entry **at = bucket_of(s, e->hash);
    while (*at && *at != e)
        at = &(*at)->chain;
    if (*at)
        *at = e->chain;
    unlist(s, e);
    s->used -= size_of(e);
    mem_free(e);
}

static struct entry *find(struct shard *s, struct str key, uint64_t hash)
{
    struct entry *e = *bucket_of(s, hash);
    while (e && !(e->hash == hash && e->key_n == key.n && memcmp(e->bytes, key.p, key.n) == 0))
        e = e->chain;
    return e;
}

/* ---- callers ---- */

void answer_cache_free(struct answer_cache *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        while (c->shards[i].oldest)
            drop(&c->shards[i], c->shards[i].oldest);
        pthread_mutex_destroy(&c->shards[i].lock);
    }
    mem_free(c);
}

bool answer_cache_get(struct answer_cache *c, struct str key, uint64_t version, int64_t now_ms, struct buf *out)
{
    uint64_t hash = hash_of(key);
    struct shard *s = &c->shards[hash % SHARDS];
    pthread_mutex_lock(&s->lock);
    struct entry *e = find(s, key, hash);
    bool valid = e && e->version == version && now_ms < e->until_ms;
    if (valid) {
        unlist(s, e);
        list_newest(s, e);
        buf_put(out, e->bytes + e->key_n, e->answer_n);
    } else if (e) {
        drop(s, e);
    }
    pthread_mutex_unlock(&s->lock);
    return valid;
}

static struct entry *entry_new(struct str key, uint64_t hash, uint64_t version, int64_t until_ms, struct str answer)
{
    struct entry *e = mem_alloc(sizeof *e + key.n + answer.n);
    if (!e)
        return NULL;
    *e = (struct entry){.hash = hash, .version = version, .until_ms = until_ms, .key_n = key.n, .answer_n = answer.n};
    memcpy(e->bytes, key.p, key.n);
    memcpy(e->bytes + key.n, answer.p, answer.n);
    return e;
}

void answer_cache_put(struct answer_cache *c, struct str key, uint64_t version, int64_t now_ms, struct str answer)
{
    uint64_t hash = hash_of(key);
    struct shard *s = &c->shards[hash % SHARDS];
    if (sizeof(struct entry) + key.n + answer.n > s->most / LARGEST_SHARE)
        return;
    struct entry *e = entry_new(key, hash, version, now_ms + VALID_MS, answer);
    if (!e)
        return;
    pthread_mutex_lock(&s->lock);
    struct entry *old = find(s, key, hash);
    if (old)
        drop(s, old);
    e->chain = *bucket_of(s, hash);
    *bucket_of(s, hash) = e;
    list_newest(s, e);
    s->used += size_of(e);
    while (s->oldest && s->used > s->most)
        drop(s, s->oldest);
    pthread_mutex_unlock(&s->lock);
}
