/* What a thread keeps for scanning: room for finds, PCRE2's and Hyperscan's working memory. Made at a thread's first
 * scan, freed when it ends; so that a scan takes neither locks nor memory. */
#include "privacy/privacy_int.h"

#include "base/mem.h"

#include <hs/hs_runtime.h>
#include <pthread.h>
#include <string.h>

enum { STACK_FIRST = 32 << 10, STACK_MOST = 1 << 20, MATCH_LIMIT = 1000 * 1000 };

static _Thread_local struct scratch *mine;
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool keyed;

static void scratch_free(void *p)
{
    struct scratch *s = p;
    if (!s)
        return;
    mem_free(s->found.at);
    mem_free(s->kept.at);
    mem_free(s->resume);
    mem_free(s->seen);
    mem_free(s->places);
    mem_free(s->hit);
    hs_free_scratch(s->hs);
    pcre2_match_data_free(s->match);
    pcre2_match_context_free(s->limits);
    pcre2_jit_stack_free(s->stack);
    mem_free(s);
    mine = NULL;
}

static void make_key(void)
{
    keyed = pthread_key_create(&key, scratch_free) == 0;
}

static struct scratch *scratch_new(void)
{
    struct scratch *s = mem_zalloc(sizeof *s);
    if (!s)
        return NULL;
    s->match = mem_fail_now() ? NULL : pcre2_match_data_create(2, NULL);
    s->limits = mem_fail_now() ? NULL : pcre2_match_context_create(NULL);
    s->stack = pcre2_jit_stack_create(STACK_FIRST, STACK_MOST, NULL); /* NULL where there is no machine code */
    if (!s->match || !s->limits) {
        scratch_free(s);
        return NULL;
    }
    pcre2_set_match_limit(s->limits, MATCH_LIMIT);
    if (s->stack)
        pcre2_jit_stack_assign(s->limits, NULL, s->stack);
    return s;
}

static bool grow(struct scratch *s, size_t n)
{
    size_t *resume = mem_grow(s->resume, n * sizeof *resume);
    if (resume)
        s->resume = resume;
    unsigned *seen = mem_grow(s->seen, n * sizeof *seen);
    if (seen)
        s->seen = seen;
    struct place *places = mem_grow(s->places, n * sizeof *places);
    if (places) {
        memset(places, 0, n * sizeof *places);
        s->places = places;
        s->n_seen = 0;
    }
    bool *hit = mem_grow(s->hit, n * sizeof *hit);
    if (hit)
        s->hit = hit;
    if (resume && seen && places && hit)
        s->n_resume = n;
    return resume && seen && places && hit;
}

struct scratch *scratch_take(const struct privacy *p)
{
    if (!mine) {
        pthread_once(&once, make_key);
        mine = keyed ? scratch_new() : NULL;
        if (mine)
            pthread_setspecific(key, mine);
    }
    struct scratch *s = mine;
    if (!s)
        return NULL;
    if (s->n_resume < p->n && !grow(s, p->n))
        return NULL;
    if (p->n)
        memset(s->resume, 0, p->n * sizeof *s->resume);
    s->found.n = s->kept.n = 0;
    return s;
}

bool finds_insert(struct finds *f, size_t at, const struct find *one)
{
    if (f->n == f->room) {
        size_t room = f->room ? f->room * 2 : 64;
        struct find *grown = mem_grow(f->at, room * sizeof *grown);
        if (!grown)
            return false;
        f->at = grown;
        f->room = room;
    }
    memmove(f->at + at + 1, f->at + at, (f->n - at) * sizeof *f->at);
    f->at[at] = *one;
    f->n++;
    return true;
}

bool finds_add(struct finds *f, const struct find *one)
{
    return finds_insert(f, f->n, one);
}
