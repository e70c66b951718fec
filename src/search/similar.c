/* Vectors of short texts, kept by hash; see similar.h. Sets of eight slots instead of one long list: finding and making
 * room look at eight, whatever is kept. */
#include "search/similar_int.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

#include <math.h>
#include <sodium.h>
#include <string.h>

/* Texts embedded between two looks at the clock. */
enum { SLICE = 8 };

struct wanted {
    struct str text;
    uint8_t key[KEY_BYTES];
};

enum err_code similar_open(struct meaning *m, struct store *store, struct similar **out, struct err *e)
{
    struct similar *s = mem_zalloc(sizeof *s);
    *out = NULL;
    if (!s)
        return err_nomem(e);
    s->meaning = m;
    s->store = store;
    pthread_mutex_init(&s->lock, NULL);
    enum err_code code = records_open(s, e);
    if (code)
        similar_close(s);
    else
        *out = s;
    return code;
}

void similar_close(struct similar *s)
{
    if (!s)
        return;
    records_close(s);
    pthread_mutex_destroy(&s->lock);
    mem_free(s->slots);
    mem_free(s->vectors);
    mem_free(s);
}

/* ---- what is kept ---- */

/* With the first use after the model was loaded. Pages that are not written to cost no memory. */
static bool make_room(struct similar *s)
{
    size_t dimensions = s->width ? 0 : meaning_dimensions(s->meaning);
    if (s->width || !dimensions)
        return s->width;
    s->slots = mem_zalloc(SIMILAR_KEPT * sizeof *s->slots);
    s->vectors = mem_zalloc(SIMILAR_KEPT * small_width(dimensions));
    if (s->slots && s->vectors) {
        s->dimensions = dimensions;
        s->width = small_width(dimensions);
        return true;
    }
    mem_free(s->slots);
    mem_free(s->vectors);
    s->slots = NULL;
    s->vectors = NULL;
    return false;
}

static struct similar_slot *set_of(struct similar *s, const uint8_t *key)
{
    uint32_t h;
    memcpy(&h, key, sizeof h);
    return s->slots + h % (SIMILAR_KEPT / WAYS) * WAYS;
}

/* Its slot, or the one to be given up for it. */
static struct similar_slot *slot_of(struct similar *s, const uint8_t *key, bool *there)
{
    struct similar_slot *set = set_of(s, key), *oldest = set;
    *there = true;
    for (int i = 0; i < WAYS; i++) {
        if (set[i].used && !memcmp(set[i].key, key, KEY_BYTES))
            return &set[i];
        oldest = set[i].used < oldest->used ? &set[i] : oldest;
    }
    *there = false;
    return oldest;
}

static int8_t *vector_of(struct similar *s, const struct similar_slot *slot)
{
    return s->vectors + (size_t)(slot - s->slots) * s->width;
}

static void look_up(struct similar *s, const struct wanted *w, size_t n, struct small_vector *out, int8_t *room)
{
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < n; i++) {
        bool there;
        struct similar_slot *slot = slot_of(s, w[i].key, &there);
        out[i] = (struct small_vector){0};
        if (!there)
            continue;
        slot->used = ++s->uses;
        memcpy(room + i * s->width, vector_of(s, slot), s->width);
        out[i] = (struct small_vector){room + i * s->width, slot->scale};
    }
    pthread_mutex_unlock(&s->lock);
}

static void keep(struct similar *s, const struct wanted *w, const struct small_vector *v)
{
    bool there;
    pthread_mutex_lock(&s->lock);
    struct similar_slot *slot = slot_of(s, w->key, &there);
    memcpy(slot->key, w->key, KEY_BYTES);
    slot->used = ++s->uses;
    slot->scale = v->scale;
    memcpy(vector_of(s, slot), v->v, s->width);
    pthread_mutex_unlock(&s->lock);
}

/* ---- making ---- */

static void make_key(struct str text, enum embed_use use, uint8_t *out)
{
    uint8_t salt[crypto_generichash_KEYBYTES_MIN] = {(uint8_t)use};
    crypto_generichash(out, KEY_BYTES, (const uint8_t *)(text.p ? text.p : ""), text.n, salt, sizeof salt);
}

static bool embed_slice(struct similar *s, const struct wanted *w, const size_t *which, size_t n, enum embed_use use,
                        struct small_vector *out, int8_t *room, float *floats)
{
    struct str texts[SLICE];
    struct err e = {0};
    for (size_t i = 0; i < n; i++)
        texts[i] = w[which[i]].text;
    if (meaning_vectors(s->meaning, texts, n, use, floats, &e)) {
        log_error("similar_failed", &e);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        int8_t *v = room + which[i] * s->width;
        struct small_vector *made = &out[which[i]];
        made->v = v;
        small_pack(floats + i * s->dimensions, s->dimensions, v, &made->scale);
        keep(s, &w[which[i]], made);
    }
    return true;
}

static void make_missing(struct similar *s, struct arena *a, const struct wanted *w, size_t n, enum embed_use use,
                         int64_t deadline_us, struct small_vector *out, int8_t *room)
{
    float *floats = arena_array(a, float, SLICE * s->dimensions);
    size_t which[SLICE], k = 0;
    for (size_t i = 0; floats && i <= n; i++) {
        if (i < n && !out[i].v)
            which[k++] = i;
        if (k == 0 || (k < SLICE && i < n))
            continue;
        if ((deadline_us && clock_mono_us() >= deadline_us) || !embed_slice(s, w, which, k, use, out, room, floats))
            return;
        k = 0;
    }
}

bool similar_vectors(struct similar *s, struct arena *a, const struct str *texts, size_t n, enum embed_use use,
                     int64_t deadline_us, struct small_vector *out)
{
    if (!s)
        return false;
    pthread_mutex_lock(&s->lock);
    bool ready = make_room(s);
    pthread_mutex_unlock(&s->lock);
    struct wanted *w = ready ? arena_array(a, struct wanted, n + 1) : NULL;
    int8_t *room = w ? arena_alloc(a, (n + 1) * s->width) : NULL;
    if (!room)
        return false;
    for (size_t i = 0; i < n; i++) {
        w[i].text = text_cut(texts[i], SIMILAR_TEXT_BYTES);
        make_key(w[i].text, use, w[i].key);
    }
    look_up(s, w, n, out, room);
    make_missing(s, a, w, n, use, deadline_us, out, room);
    return true;
}

/* ---- comparing ---- */

bool similar_texts(struct similar *s, struct arena *a, struct str to, enum embed_use use, const struct str *texts,
                   size_t n, int64_t deadline_us, float *out)
{
    struct small_vector own = {0};
    struct small_vector *others = s ? arena_array(a, struct small_vector, n + 1) : NULL;
    bool any = false;
    for (size_t i = 0; i < n; i++)
        out[i] = NAN;
    if (!others || !str_trim(to).n || !similar_vectors(s, a, &to, 1, use, deadline_us, &own) || !own.v ||
        !similar_vectors(s, a, texts, n, EMBED_DOCUMENT, deadline_us, others))
        return false;
    for (size_t i = 0; i < n; i++) {
        out[i] = small_cosine(own, others[i], s->width);
        any = any || !isnan(out[i]);
    }
    return any;
}

double similar_share(double cosine, double low, double high)
{
    if (isnan(cosine) || cosine <= low)
        return 0;
    return cosine >= high ? 1 : (cosine - low) / (high - low);
}

double similar_both(double x, double y)
{
    return 1 - (1 - x) * (1 - y);
}
