/* The keeper: the one process that writes segments and the manifest. Each step makes a new file, syncs it, then names
 * it in the manifest, then removes what the manifest no longer names; killed anywhere in between, the manifest still
 * tells of whole files, and what nobody names is removed by the next keeper. After each step the stock is read anew
 * from the manifest, as every other process does it. Everything here holds `keeping`. */
#include "index/engine.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/remask.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIVING_BATCH = 1000, LET_GO_BATCHES = 64, PAUSE_MS = 50, FILL_ARENA = 64 << 20, AT_ONCE = 16 << 20 };

/* ---- being the keeper ---- */
/* The lock at its path, not one in a folder that was moved away. */
static bool lock_is_there(const struct index *x)
{
    char path[MANIFEST_PATH_MAX];
    struct stat ours, there;
    manifest_path(path, sizeof path, x->dir, "lock");
    return fstat(x->lock_fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_ino == there.st_ino &&
           ours.st_dev == there.st_dev;
}

void keep_resign(struct index *x)
{
    if (x->lock_fd >= 0)
        close(x->lock_fd);
    x->lock_fd = -1;
}

static enum err_code take_lock(struct index *x, struct err *e)
{
    char path[MANIFEST_PATH_MAX];
    manifest_path(path, sizeof path, x->dir, "lock");
    if (!file_exists(store_dir(x->store))) /* moved away with all that is in it: nothing is begun in its place */
        return err_set(e, ERR_IO, NULL, "the data folder is not there any more");
    if (!file_exists(x->dir)) { /* it may not have been possible to make it before */
        enum err_code code = file_mkdirs(x->dir, e);
        if (code)
            return code;
    }
    int fd = file_open_append(path, e);
    if (fd < 0)
        return e->code;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return err_set(e, ERR_BUSY, NULL, "another process keeps the index");
    }
    x->lock_fd = fd;
    return ERR_OK;
}

static bool named(const struct manifest *s, const char *file)
{
    char name[64];
    for (size_t i = 0; i < s->n; i++) {
        (void)snprintf(name, sizeof name, "words-%016llx.seg", (unsigned long long)s->entries[i].name);
        if (strcmp(name, file) == 0)
            return true;
    }
    return false;
}

/* What an earlier keeper left behind, and what the format before this one was kept in. */
static void sweep(const struct index *x, const struct manifest *s)
{
    char path[MANIFEST_PATH_MAX];
    struct dirent *f;
    DIR *d = opendir(x->dir);
    while (d && (f = readdir(d))) {
        struct str name = str_of(f->d_name);
        bool ours = str_starts(name, "words-") && str_ends(name, ".seg") && !named(s, f->d_name);
        if (!ours && !str_starts(name, "words.db") && !str_starts(name, "manifest."))
            continue;
        manifest_path(path, sizeof path, x->dir, f->d_name);
        (void)file_remove(path, NULL);
    }
    if (d)
        closedir(d);
}

static enum err_code refresh(struct index *x, struct err *e)
{
    pthread_mutex_lock(&x->feeding);
    enum err_code code = feed_refresh(x, e);
    pthread_mutex_unlock(&x->feeding);
    return code;
}

static enum err_code save(struct index *x, struct manifest *s, struct err *e)
{
    s->generation++;
    enum err_code code = manifest_save(index_keys(x), x->dir, s, e);
    return code ? code : refresh(x, e);
}

enum err_code keep_reset(struct index *x, struct err *e)
{
    struct manifest s = {.n = 0};
    enum err_code code = index_forget(x, e);
    if (code)
        return code;
    (void)snprintf(s.identity, sizeof s.identity, "%s", store_identity(x->store));
    code = save(x, &s, e);
    if (code == ERR_OK)
        sweep(x, &s);
    return code;
}

/* The manifest as it is; made anew when it is not there, damaged, or not this store's. What it says and what the stock
 * has then agree. */
static enum err_code load(struct index *x, struct manifest *s, struct err *e)
{
    for (int i = 0; i < 2; i++) {
        struct err why = {0};
        enum err_code code = refresh(x, e);
        if (code)
            return code;
        struct stock *now = index_stock(x);
        int64_t watermark = now->watermark;
        stock_drop(now);
        code = manifest_load(index_keys(x), x->dir, s, &why);
        if (code == ERR_OK && s->watermark == watermark && strcmp(s->identity, store_identity(x->store)) == 0)
            return ERR_OK;
        manifest_release(s);
        if (code && code != ERR_NOT_FOUND && code != ERR_CORRUPT) /* it may pass: nothing is thrown away for it */
            return err_set(e, code, NULL, "%s", why.message);
        if (code != ERR_NOT_FOUND)
            log_event(LOG_ERROR, "index_damaged", L_CSTR("note", "it is made anew from the store"));
        code = keep_reset(x, e);
        if (code)
            return code;
    }
    return err_set(e, ERR_BUSY, NULL, "something else writes to the index");
}

enum err_code keep_claim(struct index *x, struct err *e)
{
    struct manifest s;
    if (x->read_only)
        return err_set(e, ERR_READ_ONLY, NULL, "the index was opened for searching only");
    if (x->lock_fd >= 0 && lock_is_there(x))
        return ERR_OK;
    keep_resign(x);
    enum err_code code = take_lock(x, e);
    if (code)
        return code;
    code = load(x, &s, e);
    if (code) {
        keep_resign(x);
        return code;
    }
    sweep(x, &s);
    manifest_release(&s);
    x->unmerged = true;
    return ERR_OK;
}

/* ---- writing segments ---- */
/* What goes on beside a merge. */
struct beside {
    struct index *x;
    struct manifest *manifest; /* the keeper's, which the merge will change; NULL: nothing is flushed meanwhile */
};
static enum err_code flush_memory(struct index *x, struct manifest *manifest, struct err *e);

/* While a large merge goes on, new turns are still taken in, and go to files of their own when they are many. What
 * fails here fails again afterwards, and is told then; until then no more is taken in. */
static bool pause_merge(void *arg)
{
    const struct beside *b = arg;
    struct index *x = b->x;
    struct err ignored = {0};
    int64_t now = clock_mono_us(), n;
    if (atomic_load(&x->stopping))
        return true;
    if (now - x->paused_us < PAUSE_MS * INT64_C(1000))
        return false;
    pthread_mutex_lock(&x->feeding);
    if (!stock_is_full(x->stock))
        (void)feed_some(x, FEED_BATCH, &n, &ignored);
    bool full = stock_is_full(x->stock);
    pthread_mutex_unlock(&x->feeding);
    if (full && b->manifest && b->manifest->n < SEGMENTS_MAX / 2)
        (void)flush_memory(x, b->manifest, &ignored);
    x->paused_us = clock_mono_us();
    return false;
}

/* A name that no file has had: the manifest's generation and the time would do, random is simpler. */
static uint64_t new_name(void)
{
    char id[ID_MAX];
    id_make("seg", id);
    uint64_t name = name_hash(str_of(id));
    return name ? name : 1;
}

/* What is one segment already, and whole, goes to the file as it is. */
static enum err_code put_sealed(const struct sink_to *to, struct str bytes, int fd, struct err *e)
{
    char about[SEGMENT_ABOUT];
    struct seal_writer *w = NULL;
    enum err_code code = seal_writer_new(to->keys, segment_about(about, to->name), fd, &w, e);
    if (code == ERR_OK)
        code = seal_writer_put(w, bytes, e);
    if (code == ERR_OK)
        code = seal_writer_end(w, e);
    seal_writer_free(w);
    return code;
}

static enum err_code put_plain(struct str bytes, int fd, struct err *e)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < bytes.n; i += SEGMENT_WRITE)
        code = file_write_fd(fd, str_take(str_skip(bytes, i), SEGMENT_WRITE), e);
    return code;
}

static enum err_code write_bytes(struct segment *s, const struct sink_to *to, struct sink_done *out, struct err *e)
{
    struct str bytes = {(const char *)s->p, (size_t)s->foot.size};
    if (!segment_touch(s, 0, s->foot.part[PART_CHUNKS][0]))
        return segment_bad(s, e);
    int fd = file_open_append(to->path, e);
    if (fd < 0)
        return e->code;
    enum err_code code = keyring_seals(to->keys) ? put_sealed(to, bytes, fd, e) : put_plain(bytes, fd, e);
    if (code == ERR_OK)
        code = file_sync(fd, e);
    close(fd);
    *out = (struct sink_done){.size = s->foot.size, .docs = s->foot.n_docs, .foot_crc = s->foot.crc};
    return code;
}

/* manifest: what may be flushed meanwhile goes there; NULL: nothing is. */
static enum err_code write_segment(struct index *x, struct manifest *manifest, struct segment *const *from, size_t n,
                                   int64_t pace, struct manifest_entry *out, struct err *e)
{
    char path[MANIFEST_PATH_MAX];
    struct sink_done done = {0};
    out->name = new_name();
    segment_path(path, sizeof path, x->dir, out->name);
    struct sink_to to = {.path = path, .pace = pace, .keys = index_keys(x), .name = out->name};
    struct beside b = {x, manifest};
    struct merge m = {.from = from, .n = n, .to = to, .pause = pause_merge, .arg = &b};
    bool as_it_is = n == 1 && atomic_load(&from[0]->n_dead) == 0 && from[0]->foot.size <= AT_ONCE;
    enum err_code code = as_it_is ? write_bytes(from[0], &to, &done, e) : segment_merge(&m, &done, e);
    if (code) {
        (void)file_remove(path, NULL);
        return code;
    }
    out->size = done.size;
    out->foot_crc = done.foot_crc;
    out->docs = done.docs;
    out->from = from[0]->foot.from;
    out->to = from[n - 1]->foot.to;
    return ERR_OK;
}

/* Entries i … i + count - 1 are replaced by `in[n]`. */
static enum err_code replace_entries(struct manifest *s, size_t i, size_t count, const struct manifest_entry *in,
                                     size_t n, struct err *e)
{
    size_t total = s->n - count + n;
    if (total > SEGMENTS_MAX)
        return err_set(e, ERR_TOO_LARGE, NULL, "the index has too many segments");
    struct manifest_entry *all = mem_alloc((total + 1) * sizeof *all);
    if (!all)
        return err_nomem(e);
    memcpy(all, s->entries, i * sizeof *all);
    memcpy(all + i, in, n * sizeof *all);
    memcpy(all + i + n, s->entries + i + count, (s->n - i - count) * sizeof *all);
    mem_free(s->entries);
    s->entries = all;
    s->n = total;
    return ERR_OK;
}

static void remove_segment(const struct index *x, uint64_t name)
{
    char path[MANIFEST_PATH_MAX];
    segment_path(path, sizeof path, x->dir, name);
    (void)file_remove(path, NULL);
}

/* ---- memory → file ---- */
/* The anchor is that of what is pinned: more may be taken in while it is written. */
static struct stock *pin_memory(struct index *x, struct manifest *manifest)
{
    pthread_mutex_lock(&x->feeding);
    struct stock *s = stock_hold(x->stock);
    x->pinned = s->n - s->n_files;
    manifest->anchor = x->anchor;
    memcpy(manifest->anchor_id, x->anchor_id, sizeof manifest->anchor_id);
    pthread_mutex_unlock(&x->feeding);
    return s;
}

static void unpin(struct index *x)
{
    pthread_mutex_lock(&x->feeding);
    x->pinned = 0;
    pthread_mutex_unlock(&x->feeding);
}

static enum err_code flush_pinned(struct index *x, const struct stock *s, struct manifest *manifest, struct err *e)
{
    struct manifest_entry entry = {.docs = 0};
    size_t n = s->n - s->n_files;
    if (n == 0 || s->watermark != manifest->watermark)
        return ERR_OK;
    enum err_code code = write_segment(x, NULL, s->segments + s->n_files, n, 0, &entry, e);
    if (code == ERR_OK)
        code = replace_entries(manifest, manifest->n, 0, &entry, 1, e);
    if (code)
        return code;
    manifest->watermark = entry.to;
    x->unmerged = true;
    return save(x, manifest, e);
}

static enum err_code flush_memory(struct index *x, struct manifest *manifest, struct err *e)
{
    struct stock *s = pin_memory(x, manifest);
    enum err_code code = flush_pinned(x, s, manifest, e);
    unpin(x);
    stock_drop(s);
    return code;
}

enum err_code keep_flush(struct index *x, struct err *e)
{
    struct manifest manifest;
    enum err_code code = load(x, &manifest, e);
    if (code)
        return code;
    code = flush_memory(x, &manifest, e);
    manifest_release(&manifest);
    return code;
}

enum err_code keep_flush_batch(struct index *x, int64_t *n, struct err *e)
{
    pthread_mutex_lock(&x->feeding);
    enum err_code code = feed_refresh(x, e);
    if (code == ERR_OK)
        code = feed_some(x, FEED_BATCH, n, e);
    bool due = code == ERR_OK && stock_is_full(x->stock);
    pthread_mutex_unlock(&x->feeding);
    return due ? keep_flush(x, e) : code;
}

/* ---- merging ---- */
/* Asks the store for each of the segment's turns whether it still has it. */
static enum err_code look_for_dead(struct index *x, struct manifest *manifest, struct segment *s, struct err *e)
{
    struct beside b = {x, manifest};
    int64_t seqs[LIVING_BATCH];
    uint32_t docs[LIVING_BATCH];
    bool alive[LIVING_BATCH];
    for (uint32_t i = 0; i < s->foot.n_docs; i += LIVING_BATCH) {
        uint32_t n = s->foot.n_docs - i < LIVING_BATCH ? s->foot.n_docs - i : LIVING_BATCH;
        const uint32_t *order = segment_part(s, PART_BY_SEQ, i, n, sizeof *order);
        for (uint32_t k = 0; k < n; k++) {
            const uint32_t *seq = order ? segment_part(s, PART_SEQ, order[k], 1, sizeof *seq) : NULL;
            if (!seq)
                return segment_bad(s, e);
            docs[k] = order[k];
            seqs[k] = s->foot.base + *seq;
        }
        struct store_tx *tx = NULL;
        enum err_code code = store_read_begin(x->store, &tx, e);
        if (code)
            return code;
        code = turns_alive(tx, seqs, n, alive, e);
        store_read_end(tx);
        if (code)
            return code;
        for (uint32_t k = 0; k < n; k++)
            if (!alive[k])
                segment_set_dead(s, docs[k]);
        if (i / LIVING_BATCH % LET_GO_BATCHES == 0)
            segment_let_go(s, PART_SEQ);
        if (pause_merge(&b))
            return err_set(e, ERR_UNAVAILABLE, NULL, "the merge was stopped");
    }
    segment_let_go(s, PART_SEQ);
    return ERR_OK;
}

/* The open segments of entries from … from + count - 1, held; false when one is missing (a hole: repaired first). */
static bool segments_of(const struct stock *s, const struct manifest *manifest, size_t from, size_t count,
                        struct segment **out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = NULL;
        for (size_t k = 0; k < s->n_files; k++)
            if (s->segments[k]->name == manifest->entries[from + i].name && !atomic_load(&s->segments[k]->bad))
                out[i] = s->segments[k];
        if (!out[i])
            return false;
    }
    return true;
}

/* For a merge, which reads all of it once. A sealed file is opened anew: what is opened of it into memory can go again
 * as nobody else reads it there. */
static enum err_code take_alone(struct index *x, struct segment *s, struct segment **out, struct err *e)
{
    char path[MANIFEST_PATH_MAX];
    if (!s->sealed) {
        *out = segment_hold(s);
        return ERR_OK;
    }
    segment_path(path, sizeof path, x->dir, s->name);
    enum err_code code = segment_open(index_keys(x), path, s->name, s->foot.size, s->foot.crc, out, e);
    if (code == ERR_CORRUPT || code == ERR_NOT_FOUND)
        return segment_bad(s, e);
    if (code == ERR_OK)
        (*out)->alone = true;
    return code;
}

static void give_back(struct segment *s, struct segment *alone)
{
    if (alone && atomic_load(&alone->bad))
        (void)segment_bad(s, NULL);
    segment_drop(alone);
}

static enum err_code merge_entries(struct index *x, const struct stock *s, struct manifest *manifest, size_t from,
                                   size_t count, int64_t pace, struct err *e)
{
    struct manifest_entry entry = {.docs = 0};
    struct segment *segments[MERGE_MAX], *alone[MERGE_MAX] = {NULL};
    enum err_code code = ERR_OK;
    if (!segments_of(s, manifest, from, count, segments))
        return ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < count; i++) {
        code = take_alone(x, segments[i], &alone[i], e);
        if (code == ERR_OK)
            code = look_for_dead(x, manifest, alone[i], e);
    }
    if (code == ERR_OK)
        code = write_segment(x, manifest, alone, count, pace, &entry, e);
    for (size_t i = 0; i < count; i++)
        give_back(segments[i], alone[i]);
    if (code == ERR_OK)
        code = replace_entries(manifest, from, count, &entry, 1, e);
    if (code == ERR_OK)
        code = save(x, manifest, e);
    for (size_t i = 0; code == ERR_OK && i < count; i++)
        remove_segment(x, segments[i]->name);
    return code;
}

enum err_code keep_merge(struct index *x, int64_t pace, bool *more, struct err *e)
{
    struct manifest manifest;
    int64_t sizes[SEGMENTS_MAX];
    size_t from, count;
    enum err_code code = load(x, &manifest, e);
    *more = x->unmerged = false;
    if (code)
        return code;
    for (size_t i = 0; i < manifest.n; i++)
        sizes[i] = manifest.entries[i].docs;
    if (stock_due(sizes, manifest.n, FILE_UNIT, &from, &count)) {
        struct stock *s = index_stock(x);
        uint64_t before = manifest.generation;
        code = merge_entries(x, s, &manifest, from, count, pace, e);
        *more = x->unmerged = code == ERR_OK && manifest.generation != before; /* else a hole comes first */
        stock_drop(s);
    }
    manifest_release(&manifest);
    return code;
}

/* ---- sealed or plain ---- */
static enum err_code convert_once(struct index *x, struct manifest *manifest, struct err *e)
{
    enum err_code code = ERR_OK;
    struct stock *s = index_stock(x);
    for (size_t i = 0; code == ERR_OK && i < manifest->n; i++) {
        struct segment *g;
        if (segments_of(s, manifest, i, 1, &g) && !segment_is_current(g, index_keys(x)))
            code = merge_entries(x, s, manifest, i, 1, 0, e);
    }
    stock_drop(s);
    return code;
}

/* The manifest last: as long as it is in the old form, whoever is killed here goes on at the next start. */
enum err_code keep_convert(struct index *x, struct err *e)
{
    struct manifest manifest;
    enum err_code code = keep_repair(x, e); /* damaged files go too */
    if (code == ERR_OK)
        code = load(x, &manifest, e);
    if (code)
        return code;
    code = convert_once(x, &manifest, e);
    if (code == ERR_OK)
        code = save(x, &manifest, e);
    if (code == ERR_OK)
        sweep(x, &manifest);
    manifest_release(&manifest);
    return code;
}

/* ---- filling holes ---- */
/* The turns of from < seq <= to, as many of them as `limit` reaches, as a segment in memory. */
static enum err_code build_some(struct index *x, int64_t from, int64_t to, int limit, struct segment **out,
                                struct err *e)
{
    struct store_tx *tx = NULL;
    struct turn *turns = NULL;
    size_t n = 0, kept = 0;
    struct arena *a = arena_new();
    if (!a)
        return err_nomem(e);
    arena_limit(a, FILL_ARENA);
    enum err_code code = store_read_begin(x->store, &tx, e);
    if (code == ERR_OK) {
        code = turns_after(tx, a, STR_NONE, from, limit, false, &turns, &n, e);
        store_read_end(tx);
    }
    while (code == ERR_OK && kept < n && turns[kept].seq <= to)
        kept++;
    if (code == ERR_OK)
        code = segment_build(turns, kept, from, kept && kept == (size_t)limit ? turns[kept - 1].seq : to, out, e);
    arena_free(a);
    return code;
}

/* The hole's next turns as a segment in a file; *from moves on. Fewer when they are more than memory has room for. */
static enum err_code fill_some(struct index *x, int64_t *from, int64_t to, struct manifest_entry *out, struct err *e)
{
    struct segment *s = NULL;
    struct err why = {0};
    int limit = FEED_BATCH;
    enum err_code code = build_some(x, *from, to, limit, &s, &why);
    while (code == ERR_NOMEM && limit > 1) {
        limit = limit > 8 ? limit / 8 : 1;
        err_clear(&why);
        code = build_some(x, *from, to, limit, &s, &why);
    }
    if (code)
        return err_set(e, code, NULL, "%s", why.message);
    code = write_segment(x, NULL, &s, 1, 0, out, e);
    *from = s->foot.to;
    segment_drop(s);
    return code;
}

static enum err_code fill_hole(struct index *x, struct hole h, struct manifest *manifest, struct err *e)
{
    enum err_code code = ERR_OK;
    size_t i = 0;
    while (i < manifest->n && manifest->entries[i].from != h.from)
        i++;
    if (i == manifest->n || manifest->entries[i].to != h.to)
        return ERR_OK;
    uint64_t old = manifest->entries[i].name;
    size_t replaced = 1;
    for (int64_t from = h.from; code == ERR_OK && from < h.to;) {
        struct manifest_entry entry = {.docs = 0};
        code = fill_some(x, &from, h.to, &entry, e);
        if (code == ERR_OK)
            code = replace_entries(manifest, i++, replaced, &entry, 1, e);
        replaced = 0;
    }
    if (code == ERR_OK)
        code = save(x, manifest, e);
    if (code == ERR_OK)
        remove_segment(x, old);
    return code;
}

enum err_code keep_mend(struct index *x, struct err *e)
{
    struct stock *s = index_stock(x);
    for (size_t i = 0; i < s->n_files && !atomic_load(&x->stopping); i++)
        (void)segment_check(s->segments[i], NULL);
    stock_drop(s);
    pthread_mutex_lock(&x->feeding);
    enum err_code code = feed_set_aside(x, e);
    pthread_mutex_unlock(&x->feeding);
    return code;
}

enum err_code keep_repair(struct index *x, struct err *e)
{
    struct manifest manifest;
    struct stock *s = index_stock(x);
    enum err_code code = s->n_holes ? load(x, &manifest, e) : ERR_OK;
    if (code == ERR_OK && s->n_holes) {
        for (size_t i = 0; code == ERR_OK && i < s->n_holes; i++)
            code = fill_hole(x, s->holes[i], &manifest, e);
        x->unmerged = true;
        manifest_release(&manifest);
    }
    stock_drop(s);
    return code;
}

/* ---- purging ---- */
/* The next entry that holds turns of the range, from place *i on. */
static bool next_stale(const struct manifest *m, const struct stale *s, size_t *i)
{
    while (*i < m->n && !(m->entries[*i].from < s->to && m->entries[*i].to >= s->from))
        ++*i;
    return *i < m->n;
}

/* Segments that hold turns whose words have changed are made from the store, as damaged ones are. */
static enum err_code remake_stale(struct index *x, struct err *e)
{
    struct store_tx *tx = NULL;
    struct manifest manifest;
    struct stale s;
    enum err_code code = store_read_begin(x->store, &tx, e);
    if (code == ERR_OK) {
        code = stale_turns(tx, &s, e);
        store_read_end(tx);
    }
    if (code || !s.to)
        return code;
    code = load(x, &manifest, e);
    if (code)
        return code;
    for (size_t i = 0; code == ERR_OK && next_stale(&manifest, &s, &i); s.from = manifest.entries[i].to + 1) {
        struct hole h = {manifest.entries[i].from, manifest.entries[i].to};
        code = fill_hole(x, h, &manifest, e);
        while (code == ERR_OK && i + 1 < manifest.n && manifest.entries[i].to < h.to)
            i++;
    }
    manifest_release(&manifest);
    return code;
}

enum err_code keep_purge(struct index *x, struct err *e)
{
    struct manifest manifest;
    enum err_code code = keep_repair(x, e); /* a damaged file holds deleted turns too */
    if (code == ERR_OK)
        code = keep_flush(x, e);
    if (code == ERR_OK)
        code = remake_stale(x, e);
    if (code == ERR_OK)
        code = load(x, &manifest, e);
    if (code)
        return code;
    struct stock *s = index_stock(x);
    for (size_t i = 0; code == ERR_OK && i < manifest.n; i++) {
        struct segment *g;
        if (!segments_of(s, &manifest, i, 1, &g))
            continue;
        code = look_for_dead(x, &manifest, g, e);
        if (code == ERR_OK && atomic_load(&g->n_dead) > 0)
            code = merge_entries(x, s, &manifest, i, 1, 0, e);
    }
    stock_drop(s);
    manifest_release(&manifest);
    return code;
}
