/* The thread that makes records' vectors. One round: the newest records of the kind are looked through on a snapshot;
 * those whose text is known keep their vectors, some of the others are embedded after the snapshot is closed; then the
 * new rows take the place of the old. A kind with many new records takes several rounds. Before all were made once,
 * none is used: of two equal records the one with a vector would win.
 *
 * Looking through costs what the records' texts cost to read. So that a store that always changes does not keep a
 * processor busy, a round is due only REST times later than its look took; nothing happens where nobody asks. */
#include "search/similar_int.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/thread.h"
#include "store/records.h"

#include <string.h>

enum { MAKE = 128, SLICE = 16, REST = 20, QUICK_US = 10000, RETRY_US = 5000000, NICE = 10 };
enum { IDLE_MS = 60000, FORGOTTEN_US = 15 * 60 * 1000000 };

struct look {
    struct similar *s;
    const struct kept_kind *kept;
    struct arena *a, *scratch; /* the second: of the record at hand */
    struct kept_row *rows;     /* the new ones; v NULL: to be made, or not this time */
    size_t n, cap, at, room;
    struct str texts[MAKE];
    size_t places[MAKE]; /* in rows */
    size_t n_texts;
    bool more;
};

/* ---- looking ---- */

static uint64_t key_of(struct str s)
{
    uint64_t h = 14695981039346656037U; /* FNV-1a */
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (uint8_t)s.p[i]) * 1099511628211U;
    return h;
}

static struct kept_row *row_new(struct look *l)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 64;
        struct kept_row *more = mem_grow(l->rows, cap * sizeof *more);
        if (!more)
            return NULL;
        l->rows = more;
        l->cap = cap;
    }
    return &l->rows[l->n++];
}

/* The row of before, when its text is still the same. */
static struct kept_row *known(struct look *l, int64_t seq, uint64_t key)
{
    const struct kept_kind *k = l->kept;
    while (l->at < k->n && k->rows[l->at].seq > seq)
        l->at++;
    bool same = l->at < k->n && k->rows[l->at].seq == seq && k->rows[l->at].key == key;
    return same ? &k->rows[l->at] : NULL;
}

static enum err_code consider(void *arg, const struct record *r, struct err *e)
{
    struct look *l = arg;
    arena_reset(l->scratch);
    struct str text = record_searched_text(l->scratch, r);
    struct kept_row *row = text.p && l->n < l->room ? row_new(l) : NULL;
    if (!text.p || (!row && l->n < l->room))
        return err_nomem(e);
    if (!row)
        return ERR_OK;
    text = text_cut(text, SIMILAR_TEXT_BYTES);
    *row = (struct kept_row){.seq = r->seq, .key = key_of(text)};
    struct kept_row *old = known(l, row->seq, row->key);
    if (old) {
        row->v = old->v;
        row->scale = old->scale;
        old->taken = true;
    } else if (l->n_texts < MAKE) {
        l->places[l->n_texts] = l->n - 1;
        l->texts[l->n_texts] = arena_str(l->a, text);
        if (!l->texts[l->n_texts++].p)
            return err_nomem(e);
    } else {
        l->more = true;
    }
    return ERR_OK;
}

static enum err_code look_through(struct look *l, const struct kind *k, struct err *e)
{
    struct store_tx *tx;
    struct list_query q = {.kind = k, .limit = SIMILAR_RECORDS};
    enum err_code code = store_read_begin(l->s->store, &tx, e);
    if (code)
        return code;
    code = record_walk(tx, &q, consider, l, e);
    store_read_end(tx);
    return code;
}

/* ---- making ---- */

static bool stopping(struct similar *s)
{
    pthread_mutex_lock(&s->ask_lock);
    bool stop = s->stop;
    pthread_mutex_unlock(&s->ask_lock);
    return stop;
}

static enum err_code make_slice(struct look *l, size_t from, size_t n, float *floats, struct err *e)
{
    struct similar *s = l->s;
    enum err_code code = meaning_vectors(s->meaning, l->texts + from, n, EMBED_DOCUMENT, floats, e);
    for (size_t i = 0; i < n && !code; i++) {
        struct kept_row *row = &l->rows[l->places[from + i]];
        row->v = mem_alloc(s->width);
        if (!row->v)
            return err_nomem(e);
        small_pack(floats + i * s->dimensions, s->dimensions, row->v, &row->scale);
    }
    return code;
}

static enum err_code make_all(struct look *l, struct err *e)
{
    float *floats = arena_array(l->a, float, SLICE * l->s->dimensions);
    enum err_code code = floats ? ERR_OK : err_nomem(e);
    for (size_t i = 0; i < l->n_texts && !code && !stopping(l->s); i += SLICE)
        code = make_slice(l, i, l->n_texts - i < SLICE ? l->n_texts - i : SLICE, floats, e);
    return code;
}

/* ---- a round ---- */

static void replace(struct look *l, struct kept_kind *k)
{
    size_t n = 0, before = k->n;
    struct kept_row *old = k->rows;
    for (size_t i = 0; i < l->n; i++)
        if (l->rows[i].v)
            l->rows[n++] = l->rows[i];
    pthread_rwlock_wrlock(&l->s->rows_lock);
    k->rows = l->rows;
    k->n = n;
    pthread_rwlock_unlock(&l->s->rows_lock);
    l->s->n_rows = l->s->n_rows - before + n;
    for (size_t i = 0; i < before; i++)
        if (!old[i].taken)
            mem_free(old[i].v);
    mem_free(old);
}

/* A look that failed changes nothing: what it had made goes, what it had taken stays where it was. */
static void give_up(struct look *l, struct kept_kind *k)
{
    for (size_t i = 0; i < l->n_texts; i++)
        mem_free(l->rows[l->places[i]].v);
    for (size_t i = 0; i < k->n; i++)
        k->rows[i].taken = false;
    mem_free(l->rows);
}

static enum err_code round_of(struct similar *s, size_t which, int64_t *look_us, bool *more, struct err *e)
{
    size_t ignored;
    struct kept_kind *k = &s->kinds[which];
    struct look *l = mem_zalloc(sizeof *l);
    if (!l)
        return err_nomem(e);
    *l = (struct look){
        .s = s, .kept = k, .a = arena_new(), .scratch = arena_new(), .room = SIMILAR_RECORDS_ALL - (s->n_rows - k->n)};
    int64_t start = clock_mono_us();
    enum err_code code = l->a && l->scratch ? look_through(l, kinds_all(&ignored) + which, e) : err_nomem(e);
    *look_us = clock_mono_us() - start;
    if (!code)
        code = make_all(l, e);
    if (code)
        give_up(l, k);
    else
        replace(l, k);
    *more = l->more;
    if (l->a)
        arena_free(l->a);
    if (l->scratch)
        arena_free(l->scratch);
    mem_free(l);
    return code;
}

static void bring_up_to_date(struct similar *s, size_t which)
{
    struct kept_kind *k = &s->kinds[which];
    struct err e = {0};
    int64_t look_us = 0, change = store_change_count(s->store);
    bool more = false;
    enum err_code code = round_of(s, which, &look_us, &more, &e);
    if (code)
        log_error("record_vectors_failed", &e);
    pthread_mutex_lock(&s->ask_lock);
    k->rounds++;
    k->made = k->made || (!code && !more);
    k->quick = !code && !more && look_us < QUICK_US;
    k->asked = !code && more;
    k->change = code || more ? change - 1 : change;
    k->due_us = clock_mono_us() + (code ? RETRY_US : more ? 0 : look_us * REST);
    pthread_cond_broadcast(&s->done);
    pthread_mutex_unlock(&s->ask_lock);
}

/* ---- the thread ---- */

static void forget(struct similar *s, struct kept_kind *k)
{
    pthread_rwlock_wrlock(&s->rows_lock);
    s->n_rows -= k->n;
    for (size_t i = 0; i < k->n; i++)
        mem_free(k->rows[i].v);
    mem_free(k->rows);
    k->rows = NULL;
    k->n = 0;
    pthread_rwlock_unlock(&s->rows_lock);
    k->made = false;
    k->rounds = 0;
}

/* Which kind to look at, n_kinds: none for now. In turns, so that a large one does not hold up the others. Under
 * ask_lock. */
static size_t next_kind(struct similar *s, size_t last)
{
    int64_t now = clock_mono_us();
    for (size_t i = 1; i <= s->n_kinds; i++) {
        size_t which = (last + i) % s->n_kinds;
        struct kept_kind *k = &s->kinds[which];
        if (k->asked)
            return which;
        if (k->n && now - k->wanted_us > FORGOTTEN_US)
            forget(s, k);
    }
    return s->n_kinds;
}

void *records_thread(void *arg)
{
    struct similar *s = arg;
    thread_nice(NICE);
    pthread_mutex_lock(&s->ask_lock);
    for (size_t last = 0; !s->stop;) {
        struct timespec until;
        size_t which = next_kind(s, last);
        clock_after(IDLE_MS, &until);
        if (which == s->n_kinds) {
            (void)pthread_cond_timedwait(&s->wake, &s->ask_lock, &until);
            continue;
        }
        pthread_mutex_unlock(&s->ask_lock);
        bring_up_to_date(s, which);
        last = which;
        pthread_mutex_lock(&s->ask_lock);
    }
    pthread_mutex_unlock(&s->ask_lock);
    return NULL;
}
