/* An array of at most some thousand entries, searched by a keyed 128-bit hash: cheaper to read than to index. */
#include "doors/proxy/placed.h"

#include "base/id.h"
#include "base/mem.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>

enum { HASH = crypto_shorthash_siphashx24_BYTES, TEXT_MAX = 256 << 10 };

struct entry {
    unsigned char session[HASH], key[HASH];
    char *text;
    size_t n;
    int turns;
    uint64_t used; /* the clock when last asked for */
};

struct placed {
    unsigned char secret[crypto_shorthash_siphashx24_KEYBYTES];
    pthread_mutex_t lock;
    uint64_t clock;
    size_t n, max;
    struct entry entries[];
};

enum err_code placed_new(size_t max, struct placed **out, struct err *e)
{
    struct placed *p = mem_zalloc(sizeof *p + max * sizeof p->entries[0]);
    if (!p)
        return err_nomem(e);
    p->max = max;
    id_random(p->secret, sizeof p->secret);
    pthread_mutex_init(&p->lock, NULL);
    *out = p;
    return ERR_OK;
}

void placed_free(struct placed *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->n; i++)
        mem_free(p->entries[i].text);
    pthread_mutex_destroy(&p->lock);
    mem_free(p);
}

static void hash(const struct placed *p, struct str s, unsigned char *out)
{
    crypto_shorthash_siphashx24(out, (const unsigned char *)(s.p ? s.p : ""), s.n, p->secret);
}

static struct entry *find(struct placed *p, const unsigned char *session, const unsigned char *key)
{
    for (size_t i = 0; i < p->n; i++)
        if (!memcmp(p->entries[i].key, key, HASH) && !memcmp(p->entries[i].session, session, HASH))
            return &p->entries[i];
    return NULL;
}

bool placed_get(struct placed *p, struct arena *a, struct str session, struct str key, struct str *text, int *turns)
{
    unsigned char s[HASH], k[HASH];
    bool found = false;
    hash(p, session, s);
    hash(p, key, k);
    pthread_mutex_lock(&p->lock);
    struct entry *e = find(p, s, k);
    if (e) {
        e->used = ++p->clock;
        *text = arena_str(a, (struct str){e->text, e->n});
        *turns = e->turns;
        found = text->p != NULL;
    }
    pthread_mutex_unlock(&p->lock);
    return found;
}

/* A free entry, or the one used longest ago. */
static struct entry *make_room(struct placed *p)
{
    if (p->n < p->max)
        return &p->entries[p->n++];
    struct entry *oldest = &p->entries[0];
    for (size_t i = 1; i < p->n; i++)
        if (p->entries[i].used < oldest->used)
            oldest = &p->entries[i];
    return oldest;
}

void placed_put(struct placed *p, struct str session, struct str key, struct str text, int turns)
{
    unsigned char s[HASH], k[HASH];
    char *copy = text.n <= TEXT_MAX ? mem_alloc(text.n + 1) : NULL;
    if (!copy)
        return;
    if (text.n)
        memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    hash(p, session, s);
    hash(p, key, k);
    pthread_mutex_lock(&p->lock);
    struct entry *e = find(p, s, k);
    if (!e)
        e = make_room(p);
    mem_free(e->text);
    *e = (struct entry){.text = copy, .n = text.n, .turns = turns, .used = ++p->clock};
    memcpy(e->session, s, HASH);
    memcpy(e->key, k, HASH);
    pthread_mutex_unlock(&p->lock);
}
