/* Values by key in a table of chains: see noted.h. */
#include "service/history/noted.h"

#include <string.h>

struct noted_one {
    struct noted_one *next;
    struct str key, value;
};

static size_t slot_of(struct str key)
{
    uint64_t h = 1469598103934665603u; /* FNV-1a */
    for (size_t i = 0; i < key.n; i++)
        h = (h ^ (unsigned char)key.p[i]) * 1099511628211u;
    return (size_t)(h ^ h >> 32) % NOTED_SLOTS;
}

static struct noted_one *find(const struct noted *n, struct str key)
{
    struct noted_one *one = n->slots ? n->slots[slot_of(key)] : NULL;
    while (one && !str_eq(one->key, key))
        one = one->next;
    return one;
}

static bool begin(struct noted *n)
{
    if (!n->arena)
        n->arena = arena_new();
    if (n->arena && !n->slots)
        n->slots = arena_calloc(n->arena, NOTED_SLOTS, sizeof *n->slots);
    return n->slots != NULL;
}

void noted_free(struct noted *n)
{
    if (n->arena)
        arena_free(n->arena);
    *n = (struct noted){0};
}

bool noted_put(struct noted *n, struct str key, struct str value)
{
    struct noted_one *one = find(n, key);
    if (one && str_eq(one->value, value))
        return true;
    n->bytes += sizeof *one + key.n + value.n;
    if (n->bytes > NOTED_BYTES)
        return true;
    if (!begin(n))
        return false;
    if (!one) {
        one = arena_alloc(n->arena, sizeof *one);
        if (!one)
            return false;
        struct noted_one **slot = &n->slots[slot_of(key)];
        *one = (struct noted_one){.next = *slot, .key = arena_str(n->arena, key)};
        *slot = one;
    }
    one->value = arena_str(n->arena, value);
    return !arena_failed(n->arena);
}

struct str noted_get(const struct noted *n, struct str key)
{
    const struct noted_one *one = find(n, key);
    return one ? one->value : STR_NONE;
}
