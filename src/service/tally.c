/* Counting the most frequent keys in bounded memory. See tally.h. */
#include "service/tally.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_MAX = 10000, MEMBERS = 4 };

/* FNV-1a: most comparisons end at a number. */
static uint32_t hash_of(struct str s)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 16777619u;
    return h;
}

bool tally_init(struct tally *t, struct arena *a, size_t most)
{
    most = most < 1 ? 1 : most > MOST_MAX ? MOST_MAX : most;
    *t = (struct tally){.arena = a, .items = arena_array(a, struct tally_item, most), .most = most};
    return t->items != NULL;
}

static struct tally_item *find(struct tally *t, struct str key, uint32_t hash)
{
    for (size_t i = 0; i < t->n; i++) {
        if (t->items[i].hash == hash && str_eq(t->items[i].key, key))
            return &t->items[i];
    }
    return NULL;
}

/* The smallest counter; of equals the last, so that older keys stay. */
static struct tally_item *smallest(struct tally *t)
{
    struct tally_item *least = &t->items[0];
    for (size_t i = 1; i < t->n; i++) {
        if (t->items[i].count <= least->count)
            least = &t->items[i];
    }
    return least;
}

static bool name(struct tally *t, struct tally_item *item, struct str key, struct str shown, uint32_t hash)
{
    item->key = arena_str(t->arena, key);
    item->shown = str_eq(key, shown) ? item->key : arena_str(t->arena, shown);
    item->hash = hash;
    return item->key.p && item->shown.p;
}

bool tally_add(struct tally *t, struct str key, struct str shown, double by)
{
    uint32_t hash = hash_of(key);
    struct tally_item *item = find(t, key, hash);
    if (!item && t->n < t->most) {
        item = &t->items[t->n++];
        *item = (struct tally_item){0};
        if (!name(t, item, key, shown, hash))
            return false;
    } else if (!item) {
        item = smallest(t);
        item->error = item->count;
        if (!name(t, item, key, shown, hash))
            return false;
    }
    item->count += by;
    return true;
}

void tally_fade(struct tally *t, double factor)
{
    for (size_t i = 0; i < t->n; i++) {
        t->items[i].count *= factor;
        t->items[i].error *= factor;
    }
}

/* ---- the most frequent ---- */

static int by_certain_count(const void *pa, const void *pb)
{
    const struct tally_item *a = pa, *b = pb;
    double x = a->count - a->error, y = b->count - b->error;
    return x > y ? -1 : x < y ? 1 : str_cmp(a->key, b->key);
}

bool tally_top(const struct tally *t, double least, size_t max, struct tally_item **out, size_t *n)
{
    *n = 0;
    *out = arena_array(t->arena, struct tally_item, t->n + 1);
    if (!*out)
        return false;
    for (size_t i = 0; i < t->n; i++) {
        if (t->items[i].count - t->items[i].error >= least)
            (*out)[(*n)++] = t->items[i];
    }
    qsort(*out, *n, sizeof **out, by_certain_count);
    *n = *n < max ? *n : max;
    return true;
}

/* ---- kept ---- */

void tally_write(struct json_out *w, const struct tally *t)
{
    jw_array(w);
    for (size_t i = 0; i < t->n; i++) {
        const struct tally_item *item = &t->items[i];
        jw_array(w);
        jw_str(w, item->key);
        jw_str(w, str_eq(item->key, item->shown) ? STR("") : item->shown);
        jw_num(w, item->count);
        jw_num(w, item->error);
        jw_end_array(w);
    }
    jw_end_array(w);
}

static bool is_item(const struct json *v)
{
    return v->type == JSON_ARRAY && v->n == MEMBERS && v->items[0].type == JSON_STRING &&
           v->items[1].type == JSON_STRING && (v->items[2].type == JSON_INT || v->items[2].type == JSON_DOUBLE) &&
           (v->items[3].type == JSON_INT || v->items[3].type == JSON_DOUBLE);
}

bool tally_read(struct tally *t, const struct json *array)
{
    size_t n = array && array->type == JSON_ARRAY ? array->n : 0;
    for (size_t i = 0; i < n && t->n < t->most; i++) {
        const struct json *v = &array->items[i];
        if (!is_item(v))
            continue;
        struct str key = v->items[0].s, shown = v->items[1].s.n ? v->items[1].s : key;
        struct tally_item *item = &t->items[t->n++];
        if (!name(t, item, key, shown, hash_of(key)))
            return false;
        item->count = v->items[2].number;
        item->error = v->items[3].number;
    }
    return true;
}
