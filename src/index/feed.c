/* From the store into memory: looking whether the manifest has changed, and taking in the turns that come after it.
 * Done by the index's thread, and by a search that finds a few turns missing. Everything here holds `feeding`. */
#include "index/engine.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"

#include <stdio.h>
#include <string.h>

enum {
    RELOADS = 5,
    FEED_BYTES = 4 << 20,     /* that a batch takes, if its turns are as long as those before; */
    FEED_TEXT = 2 << 20,      /* bytes of their texts: no more turns are taken at once */
    FEED_ARENA = 16 << 20,    /* that it may take at most, */
    FEED_ARENA_ONE = 64 << 20 /* or one turn */
};

bool text_asks(struct str text)
{
    text = str_trim(text);
    return str_ends(text, "?");
}

/* ---- the store's end ---- */
enum err_code stored_last(struct store_tx *tx, struct arena *a, int64_t *out, struct err *e)
{
    struct turn *t = NULL;
    size_t n = 0;
    *out = turns_last_seq(tx);
    if (*out > 0)
        return ERR_OK;
    enum err_code code = turns_after(tx, a, STR_NONE, 0, 1, true, &t, &n, e);
    if (code == ERR_OK && n > 0)
        *out = t[n - 1].seq;
    return code;
}

enum err_code stored_last_now(struct index *x, int64_t deadline_us, int64_t *out, struct err *e)
{
    struct store_tx *tx = NULL;
    struct arena *a = arena_new();
    if (!a)
        return err_nomem(e);
    enum err_code code = store_read_begin_deadline(x->store, deadline_us, &tx, e);
    if (code == ERR_OK) {
        code = stored_last(tx, a, out, e);
        store_read_end(tx);
    }
    arena_free(a);
    return code;
}

/* ---- the manifest ---- */
/* Is the manifest this store's? Another one may have been put in its place: then it has another identity, or the turn
 * we remember is another one, or there are fewer than we took. */
static enum err_code check_store(struct index *x, const struct manifest *s, struct err *e)
{
    struct store_tx *tx = NULL;
    struct turn t;
    struct err found = {0};
    int64_t last = 0;
    struct arena *a = arena_new();
    if (!a)
        return err_nomem(e);
    enum err_code code = store_read_begin(x->store, &tx, e);
    if (code == ERR_OK) {
        code = stored_last(tx, a, &last, e);
        if (code == ERR_OK && (strcmp(s->identity, store_identity(x->store)) != 0 || last < s->watermark))
            code = err_set(e, ERR_CORRUPT, NULL, "the index is of another store");
        if (code == ERR_OK && s->anchor > 0 && turn_by_seq(tx, a, s->anchor, &t, &found) == ERR_OK &&
            !str_is(t.id, s->anchor_id))
            code = err_set(e, ERR_CORRUPT, NULL, "the index is of another store");
        store_read_end(tx);
    }
    arena_free(a);
    return code;
}

static struct segment *known_segment(const struct stock *s, uint64_t name)
{
    for (size_t i = 0; i < s->n_files; i++)
        if (s->segments[i]->name == name)
            return s->segments[i];
    return NULL;
}

/* One segment of the manifest: the one that is open already, the file, or a hole. *gone: there is no such file. */
static enum err_code add_entry(struct index *x, const struct manifest_entry *entry, struct stock *to, bool *gone,
                               struct err *e)
{
    char path[MANIFEST_PATH_MAX];
    struct err why = {0};
    struct segment *s = known_segment(x->stock, entry->name);
    enum err_code code = ERR_OK;
    if (s) {
        segment_hold(s);
    } else {
        segment_path(path, sizeof path, x->dir, entry->name);
        code = segment_open(index_keys(x), path, entry->name, entry->size, entry->foot_crc, &s, &why);
        if (code == ERR_NOMEM)
            return err_nomem(e);
        *gone = *gone || code == ERR_NOT_FOUND;
        to->again = to->again || (code && code != ERR_NOT_FOUND && code != ERR_CORRUPT);
    }
    if (code == ERR_OK && !atomic_load(&s->bad) && s->foot.from == entry->from && s->foot.to == entry->to)
        stock_add(to, s);
    else
        to->holes[to->n_holes++] = (struct hole){entry->from, entry->to};
    segment_drop(s);
    return ERR_OK;
}

/* The segments in memory that follow the manifest's go on being used. */
static void add_memory(const struct stock *from, struct stock *to)
{
    size_t i = from->n_files;
    while (i < from->n && from->segments[i]->foot.from != to->watermark)
        i++;
    for (; i < from->n; i++) {
        stock_add(to, from->segments[i]);
        to->taken = from->segments[i]->foot.to;
    }
}

static enum err_code stock_of_manifest(struct index *x, const struct manifest *s, bool ours, struct stock **out,
                                       bool *gone, struct err *e)
{
    struct stock *to = stock_new(s->n + x->stock->n, s->n);
    enum err_code code = to ? ERR_OK : err_nomem(e);
    *gone = false;
    for (size_t i = 0; code == ERR_OK && i < s->n; i++)
        code = add_entry(x, &s->entries[i], to, gone, e);
    if (code) {
        stock_drop(to);
        return code;
    }
    to->watermark = to->taken = s->watermark;
    to->n_files = to->n;
    if (ours)
        add_memory(x->stock, to);
    *out = to;
    return ERR_OK;
}

static enum err_code load_stock(struct index *x, struct stock **out, bool *gone, struct err *e)
{
    struct manifest s;
    struct err why = {0};
    enum err_code code = manifest_load(index_keys(x), x->dir, &s, &why);
    if (code == ERR_OK)
        code = check_store(x, &s, &why);
    bool ours = code == ERR_OK;
    if (code == ERR_NOT_FOUND || code == ERR_CORRUPT) { /* other errors may pass: the stock stays as it is */
        manifest_release(&s);
        s.anchor = 0;
        code = ERR_OK; /* as if nothing had been taken in: the keeper makes it anew */
    }
    if (code == ERR_OK)
        code = stock_of_manifest(x, &s, ours, out, gone, &why);
    if (code == ERR_OK && (*out)->n == (*out)->n_files) { /* else the last turn in memory stays the anchor */
        x->anchor = s.anchor;
        memcpy(x->anchor_id, s.anchor_id, sizeof x->anchor_id);
    }
    manifest_release(&s);
    return code ? err_set(e, code, NULL, "%s", why.message) : ERR_OK;
}

enum err_code feed_refresh(struct index *x, struct err *e)
{
    struct stamp now;
    for (int i = 0; i < RELOADS; i++) {
        struct stock *s = NULL;
        bool gone = false;
        manifest_stamp(x->dir, &now);
        if (memcmp(&now, &x->stock->stamp, sizeof now) == 0 && !x->reload && !x->stock->again)
            return ERR_OK;
        x->reload = false;
        enum err_code code = load_stock(x, &s, &gone, e);
        if (code)
            return code;
        struct stamp after;
        manifest_stamp(x->dir, &after);
        if (gone && memcmp(&now, &after, sizeof now) != 0) { /* merged away while we looked */
            stock_drop(s);
            continue;
        }
        s->stamp = now;
        index_publish(x, s);
        return ERR_OK;
    }
    return err_set(e, ERR_BUSY, NULL, "the index changes too fast to be read");
}

/* ---- taking in ---- */
/* A copy of the stock, with its holes but no segment yet, and room for so many of both. NULL: out of memory. */
static struct stock *without_segments(const struct stock *s, size_t segments, size_t holes)
{
    struct stock *to = stock_new(segments, holes);
    if (!to)
        return NULL;
    to->stamp = s->stamp;
    to->again = s->again;
    to->watermark = s->watermark;
    to->taken = s->taken;
    to->n_holes = s->n_holes;
    memcpy(to->holes, s->holes, s->n_holes * sizeof *s->holes);
    return to;
}

/* A copy of the stock without segments from … from + count - 1, and with `in` in their place (NULL: nothing). */
static struct stock *replaced(const struct stock *s, size_t from, size_t count, struct segment *in)
{
    struct stock *to = without_segments(s, s->n + 1, s->n_holes);
    if (!to)
        return NULL;
    to->n_files = s->n_files;
    for (size_t i = 0; i <= s->n; i++) {
        if (i == from && in)
            stock_add(to, in);
        if (i < s->n && (i < from || i >= from + count))
            stock_add(to, s->segments[i]);
    }
    return to;
}

/* Small segments in memory become larger ones, so that a search has few to look into. */
static enum err_code merge_memory(struct index *x, struct err *e)
{
    size_t first = x->stock->n_files + x->pinned, from, count;
    int64_t sizes[SEGMENTS_MAX];
    size_t n = x->stock->n > first ? x->stock->n - first : 0;
    n = n < SEGMENTS_MAX ? n : SEGMENTS_MAX;
    for (size_t i = 0; i < n; i++)
        sizes[i] = x->stock->segments[first + i]->foot.n_docs;
    if (!stock_due(sizes, n, MEMORY_UNIT, &from, &count))
        return ERR_OK;
    struct segment *s = NULL;
    struct sink_done done;
    struct merge m = {.from = x->stock->segments + first + from, .n = count};
    enum err_code code = segment_merge(&m, &done, e);
    if (code == ERR_OK)
        code = segment_of_memory(done.memory, (size_t)done.size, &s, e);
    if (code)
        return code;
    struct stock *to = replaced(x->stock, first + from, count, s);
    segment_drop(s);
    if (!to)
        return err_nomem(e);
    index_publish(x, to);
    return ERR_OK;
}

struct batch {
    struct arena *a;
    struct turn *turns;
    size_t n;
    int64_t last; /* of the store */
};

static enum err_code read_batch(struct index *x, int limit, struct batch *b, struct err *e)
{
    struct store_tx *tx = NULL;
    enum err_code code = store_read_begin(x->store, &tx, e);
    if (code)
        return code;
    code = stored_last(tx, b->a, &b->last, e);
    if (code == ERR_OK && b->last > x->stock->taken)
        code = turns_after(tx, b->a, STR_NONE, x->stock->taken, limit, false, &b->turns, &b->n, e);
    store_read_end(tx);
    return code;
}

/* As many of its turns as are taken: what is built of their words grows with them. */
static size_t fitting(const struct batch *b)
{
    size_t n = 0;
    for (size_t bytes = 0; b->turns && n < b->n; n++) {
        bytes += b->turns[n].content.n;
        if (n > 0 && bytes > FEED_TEXT)
            break;
    }
    return n;
}

/* As many as fill FEED_BYTES or FEED_TEXT, if the next are like these. */
static int next_batch(const struct batch *b)
{
    uint64_t text = 1, used = arena_used(b->a) + 1, fit = FEED_BATCH;
    for (size_t i = 0; b->turns && i < b->n; i++)
        text += b->turns[i].content.n;
    if (b->n * FEED_TEXT / text < fit)
        fit = b->n * FEED_TEXT / text;
    if (b->n * FEED_BYTES / used < fit)
        fit = b->n * FEED_BYTES / used;
    return fit < 1 ? 1 : (int)fit;
}

static enum err_code take_batch(struct index *x, int limit, int64_t *n, struct err *e)
{
    struct batch b = {.a = arena_new()};
    struct segment *s = NULL;
    if (!b.a)
        return err_nomem(e);
    arena_limit(b.a, limit > 1 ? FEED_ARENA : FEED_ARENA_ONE);
    enum err_code code = read_batch(x, limit, &b, e);
    size_t fit = fitting(&b);
    int64_t taken = x->stock->taken, to = b.last;
    if (b.turns && fit > 0 && (fit < b.n || fit >= (size_t)limit))
        to = b.turns[fit - 1].seq;
    if (code == ERR_OK && to > taken)
        code = segment_build(b.turns, fit, taken, to, &s, e);
    if (code == ERR_OK && s) {
        struct stock *next = replaced(x->stock, x->stock->n, 0, s);
        if (next) {
            next->taken = to;
            index_publish(x, next);
            *n = (int64_t)fit;
            if (b.turns && fit) {
                x->anchor = b.turns[fit - 1].seq;
                (void)snprintf(x->anchor_id, sizeof x->anchor_id, "%.*s", STR_ARG(b.turns[fit - 1].id));
            }
            metric_set(M_INDEX_LAG, b.last - to);
        } else {
            code = err_nomem(e);
        }
    }
    segment_drop(s);
    if (code == ERR_OK && b.n)
        x->batch = next_batch(&b);
    arena_free(b.a);
    return code;
}

/* Many long turns may be more than memory has room for: then fewer, and slowly more again. */
enum err_code feed_some(struct index *x, int most, int64_t *n, struct err *e)
{
    *n = 0;
    for (;;) {
        struct err now = {0};
        int limit = x->batch < most ? x->batch : most;
        enum err_code code = take_batch(x, limit, n, &now);
        if (code == ERR_NOMEM && limit > 1) {
            x->batch = limit > 8 ? limit / 8 : 1;
            continue;
        }
        if (code)
            return err_set(e, code, NULL, "%s", now.message);
        metric_add(M_INDEX_RECORDS, *n);
        return *n ? merge_memory(x, e) : ERR_OK;
    }
}

/* ---- damage ---- */
enum err_code feed_set_aside(struct index *x, struct err *e)
{
    const struct stock *s = x->stock;
    struct stock *to = without_segments(s, s->n, s->n_holes + s->n);
    if (!to)
        return err_nomem(e);
    for (size_t i = 0; i < s->n; i++) {
        if (i == s->n_files)
            to->n_files = to->n;
        if (atomic_load(&s->segments[i]->bad))
            to->holes[to->n_holes++] = (struct hole){s->segments[i]->foot.from, s->segments[i]->foot.to};
        else
            stock_add(to, s->segments[i]);
    }
    if (s->n_files == s->n)
        to->n_files = to->n;
    bool more = to->n_holes > s->n_holes;
    index_publish(x, to);
    if (more)
        log_event(LOG_ERROR, "index_damaged", L_CSTR("note", "a segment is made anew from the store"));
    return ERR_OK;
}
