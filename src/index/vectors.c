/* The file of vectors: opening, growing, looking at what other processes wrote. How it is searched: vector_search.c. */
#include "index/vectors_int.h"

#include "base/crc.h"
#include "base/file.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { PATH_ROOM = 4096, VERSION = 1, BLOCK_MAGIC = 0x4b4c4256 /* "VBLK" */, ROOM_LEAST = 16 << 20 };
static const char MAGIC[8] = "CAIRNVEC";
static const size_t FILE_MOST = (size_t)1 << 40;

/* ---- layout ---- */
static size_t aligned(size_t n)
{
    return (n + VECTOR_ALIGN - 1) / VECTOR_ALIGN * VECTOR_ALIGN;
}

size_t block_size(size_t n, size_t width)
{
    return sizeof(struct block_head) + 4 * aligned(4 * n) + aligned(n * width / 8) + n * width;
}

struct block block_at(const char *p, size_t width)
{
    struct block b = {.head = (const void *)p};
    size_t n = b.head->n, column = aligned(4 * n);
    p += sizeof(struct block_head);
    b.seq = (const void *)p;
    b.session = (const void *)(p + column);
    b.project = (const void *)(p + 2 * column);
    b.scale = (const void *)(p + 3 * column);
    b.bits = (const void *)(p + 4 * column);
    b.codes = (const void *)(p + 4 * column + aligned(n * width / 8));
    return b;
}

static uint64_t hash64(struct str s)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a, its ends mixed into each other */
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
    return (h ^ h >> 32) * 0x9e3779b97f4a7c15u;
}

uint32_t vector_hash(struct str s)
{
    return (uint32_t)(hash64(s) >> 32);
}

uint64_t vectors_anchor(struct str turn_id)
{
    return hash64(turn_id);
}

static struct file_head make_head(const struct vectors *v)
{
    struct file_head h = {.version = VERSION, .dimensions = (uint32_t)v->dimensions};
    memcpy(h.magic, MAGIC, sizeof h.magic);
    memcpy(h.model, v->model, sizeof h.model);
    h.crc = crc32c(&h, offsetof(struct file_head, crc));
    return h;
}

static bool head_is_right(const struct vectors *v, const char *p)
{
    struct file_head want = make_head(v);
    return memcmp(&want, p, sizeof want) == 0;
}

/* Is there a whole block at p, of which n bytes are there? */
static bool block_is_right(const struct vectors *v, const char *p, size_t n, int64_t after)
{
    struct block_head h;
    if (n < sizeof h)
        return false;
    memcpy(&h, p, sizeof h);
    return h.magic == BLOCK_MAGIC && h.crc == crc32c(&h, offsetof(struct block_head, crc)) && h.n > 0 &&
           h.n <= VECTORS_BLOCK && h.bytes == block_size(h.n, v->width) && h.bytes <= n && h.first > after &&
           h.last >= h.first;
}

static bool rows_are_right(const char *p)
{
    const struct block_head *h = (const void *)p;
    return h->crc_rows == crc32c(p + sizeof *h, h->bytes - sizeof *h);
}

/* ---- mapping ---- */
static void mapping_drop(struct mapping *m)
{
    if (m && atomic_fetch_sub(&m->users, 1) == 1) {
        file_unmap(m->map);
        mem_free(m);
    }
}

static void forget(struct vectors *v)
{
    mapping_drop(v->mapping);
    if (v->reader >= 0)
        close(v->reader);
    v->mapping = NULL;
    v->reader = -1;
    v->committed = 0;
    v->state = (struct vectors_state){0};
}

/* More than there is, so that a growing file is seldom mapped anew. */
static enum err_code map_room(struct vectors *v, size_t size, struct err *e)
{
    size_t room = size < ROOM_LEAST / 2 ? (size_t)ROOM_LEAST : size * 2;
    struct mapping *m = mem_zalloc(sizeof *m);
    if (!m)
        return err_nomem(e);
    enum err_code code = file_map_fd(v->reader, room, &m->map, e);
    if (code) {
        mem_free(m);
        return code;
    }
    atomic_init(&m->users, 1);
    mapping_drop(v->mapping);
    v->mapping = m;
    return ERR_OK;
}

/* Takes in the whole blocks that follow. Of a file just opened only the last one's rows are checked, since a torn
 * write can only be there: all of them are checked in the background. */
static void take_blocks(struct vectors *v, size_t size)
{
    const char *p = v->mapping->map.p;
    bool check_all = v->committed > 0;
    size_t at = check_all ? v->committed : sizeof(struct file_head);
    for (v->committed = at; block_is_right(v, p + at, size - at, v->state.last); v->committed = at) {
        const struct block_head *h = (const void *)(p + at);
        bool last = !block_is_right(v, p + at + h->bytes, size - at - h->bytes, h->last);
        if ((check_all || last) && !rows_are_right(p + at))
            return;
        v->state = (struct vectors_state){v->state.rows + h->n, h->last, h->anchor};
        at += h->bytes;
    }
}

/* With `lock`. */
static enum err_code refresh(struct vectors *v, struct err *e)
{
    int64_t size = 0;
    bool gone = false;
    enum err_code code = v->reader >= 0 ? file_look(v->reader, &size, &gone, e) : ERR_OK;
    if (code)
        return code;
    if (gone)
        forget(v);
    if (v->reader < 0) {
        v->reader = file_open_read(v->path, e);
        code = v->reader < 0 ? ERR_IO : file_look(v->reader, &size, &gone, e);
    }
    if (code == ERR_OK && (size < (int64_t)sizeof(struct file_head) || (uint64_t)size > FILE_MOST))
        code = err_set(e, ERR_CORRUPT, NULL, "the file of vectors is damaged");
    if (code == ERR_OK && (!v->mapping || v->mapping->map.n < (size_t)size))
        code = map_room(v, (size_t)size, e);
    if (code == ERR_OK && !v->committed && !head_is_right(v, v->mapping->map.p))
        code = err_set(e, ERR_CORRUPT, NULL, "the file of vectors is damaged or of another model");
    if (code == ERR_OK && (size_t)size > v->committed)
        take_blocks(v, (size_t)size);
    if (code && !v->committed)
        forget(v);
    return code;
}

static enum err_code look(struct vectors *v, int64_t *size, struct err *e)
{
    bool gone = false;
    pthread_mutex_lock(&v->lock);
    enum err_code code = refresh(v, e);
    if (code == ERR_OK)
        code = file_look(v->reader, size, &gone, e);
    pthread_mutex_unlock(&v->lock);
    return code;
}

void snapshot_take(struct vectors *v, struct snapshot *out)
{
    *out = (struct snapshot){0};
    pthread_mutex_lock(&v->lock);
    (void)refresh(v, NULL);
    if (v->mapping && v->committed) {
        atomic_fetch_add(&v->mapping->users, 1);
        *out = (struct snapshot){v->mapping, v->mapping->map.p, v->committed, v->state.rows};
    }
    pthread_mutex_unlock(&v->lock);
}

void snapshot_drop(struct snapshot *s)
{
    mapping_drop(s->mapping);
}

/* The head was right when it was taken in; it is looked at again, because a wrong one would send us anywhere. */
bool snapshot_next(const struct snapshot *s, size_t width, size_t *at, struct block *out)
{
    if (*at == 0)
        *at = sizeof(struct file_head);
    if (!s->p || *at + sizeof(struct block_head) > s->n)
        return false;
    const struct block_head *h = (const void *)(s->p + *at);
    if (h->n > VECTORS_BLOCK || h->bytes != block_size(h->n, width) || h->bytes > s->n - *at)
        return false;
    *out = block_at(s->p + *at, width);
    *at += h->bytes;
    return true;
}

void vectors_state(struct vectors *v, struct vectors_state *out)
{
    pthread_mutex_lock(&v->lock);
    (void)refresh(v, NULL);
    *out = v->state;
    pthread_mutex_unlock(&v->lock);
}

/* ---- open and close ---- */
static enum err_code set_up(struct vectors *v, const struct vectors_options *o, struct err *e)
{
    char path[PATH_ROOM];
    const char *digits = strrchr(o->model_id, '@');
    digits = digits ? digits + 1 : o->model_id;
    if (o->dimensions == 0 || o->dimensions > VECTORS_DIMENSIONS_MAX)
        return err_set(e, ERR_INVALID, NULL, "vectors have 1 to %d dimensions", VECTORS_DIMENSIONS_MAX);
    if (!*digits || strchr(digits, '/') || strlen(digits) >= sizeof v->model)
        return err_set(e, ERR_INVALID, NULL, "the model's id does not name a file");
    if (snprintf(path, sizeof path, "%s/index", o->dir) >= (int)(sizeof path - sizeof v->model - 16))
        return err_set(e, ERR_INVALID, NULL, "the data folder's path is too long");
    if (!o->read_only)
        (void)file_mkdirs(path, NULL); /* opening the file will tell */
    size_t n = strlen(path);
    snprintf(path + n, sizeof path - n, "/vectors-%s.bin", digits);
    strcpy(v->model, digits); /* the folder's name does not matter: the digits stand for what is in it */
    v->path = mem_strdup(path);
    return v->path ? ERR_OK : err_nomem(e);
}

enum err_code vectors_open(const struct vectors_options *o, struct vectors **out, struct err *e)
{
    struct vectors *v = mem_zalloc(sizeof *v);
    *out = NULL;
    if (!v)
        return err_nomem(e);
    v->dimensions = o->dimensions;
    v->width = aligned(o->dimensions);
    v->read_only = o->read_only;
    v->reader = v->writer = -1;
    pthread_mutex_init(&v->lock, NULL);
    pthread_mutex_init(&v->writing, NULL);
    enum err_code code = set_up(v, o, e);
    if (code)
        vectors_close(v);
    else
        *out = v;
    return code;
}

void vectors_close(struct vectors *v)
{
    if (!v)
        return;
    forget(v);
    if (v->writer >= 0)
        close(v->writer); /* the lock goes with it */
    pthread_mutex_destroy(&v->lock);
    pthread_mutex_destroy(&v->writing);
    mem_free(v->path);
    mem_free(v);
}

/* ---- writing: with `writing` ---- */
static void let_go(struct vectors *v)
{
    if (v->writer >= 0)
        close(v->writer);
    v->writer = -1;
}

/* A new file with the whole blocks of the present one, if there are any. By renaming, because others may
 * have the present one mapped. */
static enum err_code make_file(struct vectors *v, struct err *e)
{
    struct snapshot s;
    struct file_head head = make_head(v);
    snapshot_take(v, &s);
    struct str bytes = s.n ? (struct str){s.p, s.n} : (struct str){(const char *)&head, sizeof head};
    enum err_code code = file_write_atomic(v->path, bytes, e);
    snapshot_drop(&s);
    return code;
}

static enum err_code lock_file(struct vectors *v, struct err *e)
{
    v->writer = file_open_append(v->path, e);
    if (v->writer < 0)
        return ERR_IO;
    if (flock(v->writer, LOCK_EX | LOCK_NB) == 0)
        return ERR_OK;
    let_go(v);
    return err_set(e, ERR_BUSY, NULL, "another process writes the vectors");
}

static bool writes(struct vectors *v)
{
    int64_t size;
    bool gone = true;
    return v->writer >= 0 && file_look(v->writer, &size, &gone, NULL) == ERR_OK && !gone;
}

static enum err_code claim(struct vectors *v, struct err *e)
{
    enum { TRIES = 4 };
    for (int i = 0; i < TRIES && !writes(v); i++) {
        struct err why = {0};
        int64_t size = 0;
        let_go(v);
        (void)look(v, &size, &why);
        bool none = why.code == ERR_NOT_FOUND || why.code == ERR_CORRUPT;
        enum err_code code = why.code && !none ? why.code : none ? make_file(v, &why) : lock_file(v, &why);
        if (code)
            return err_set(e, code, NULL, "%s", why.message);
        if (none)
            continue;
        /* Another writer may have written since; what is not a whole block now is a torn end or damage. */
        code = look(v, &size, &why);
        if (code == ERR_OK && (size_t)size > v->committed) {
            code = make_file(v, &why);
            let_go(v);
        }
        if (code)
            return err_set(e, code, NULL, "%s", why.message);
    }
    return writes(v) ? ERR_OK : err_set(e, ERR_BUSY, NULL, "the file of vectors is being replaced");
}

enum err_code vectors_claim(struct vectors *v, struct err *e)
{
    struct err own = {0};
    if (v->read_only)
        return err_set(e, ERR_READ_ONLY, NULL, "the vectors were opened for searching only");
    pthread_mutex_lock(&v->writing);
    enum err_code code = claim(v, &own);
    if (code)
        let_go(v);
    pthread_mutex_unlock(&v->writing);
    return code ? err_set(e, own.code, NULL, "%s", own.message) : ERR_OK;
}

static void fill_block(const struct vectors *v, const struct vector_row *rows, size_t n, char *p)
{
    struct block_head h = {.magic = BLOCK_MAGIC,
                           .n = (uint32_t)n,
                           .bytes = block_size(n, v->width),
                           .first = rows[0].seq,
                           .last = rows[n - 1].seq,
                           .anchor = vectors_anchor(rows[n - 1].turn_id)};
    memcpy(p, &h, sizeof h);
    struct block b = block_at(p, v->width);
    for (size_t i = 0; i < n; i++) { /* the parts lie in p, which is ours to write */
        ((uint32_t *)(uintptr_t)b.seq)[i] = (uint32_t)(rows[i].seq - h.first);
        ((uint32_t *)(uintptr_t)b.session)[i] = vector_hash(rows[i].session_id);
        ((uint32_t *)(uintptr_t)b.project)[i] = vector_hash(rows[i].project);
        vector_encode(rows[i].v, v->dimensions, v->width, (int8_t *)(uintptr_t)b.codes + i * v->width,
                      (uint64_t *)(uintptr_t)b.bits + i * v->width / 64, (float *)(uintptr_t)b.scale + i);
    }
    h.crc_rows = crc32c(p + sizeof h, h.bytes - sizeof h);
    h.crc = crc32c(&h, offsetof(struct block_head, crc));
    memcpy(p, &h, sizeof h);
}

static enum err_code append(struct vectors *v, const struct vector_row *rows, size_t n, struct err *e)
{
    size_t bytes = block_size(n, v->width);
    struct vectors_state state;
    vectors_state(v, &state);
    for (size_t i = 0; i < n; i++)
        if (rows[i].seq <= (i ? rows[i - 1].seq : state.last) || rows[i].seq - rows[0].seq > UINT32_MAX)
            return err_set(e, ERR_INVALID, NULL, "vectors must come in the order of their turns");
    char *p = mem_zalloc(bytes);
    if (!p)
        return err_nomem(e);
    fill_block(v, rows, n, p);
    enum err_code code = file_write_fd(v->writer, (struct str){p, bytes}, e);
    if (code && file_cut(v->writer, (int64_t)v->committed, NULL))
        let_go(v); /* claiming it again mends it */
    mem_free(p);
    return code;
}

enum err_code vectors_append(struct vectors *v, const struct vector_row *rows, size_t n, struct err *e)
{
    if (n == 0 || n > VECTORS_BLOCK)
        return n ? err_set(e, ERR_INVALID, NULL, "at most %d vectors at once", VECTORS_BLOCK) : ERR_OK;
    enum err_code code = vectors_claim(v, e);
    if (code)
        return code;
    pthread_mutex_lock(&v->writing);
    code = v->writer < 0 ? err_set(e, ERR_BUSY, NULL, "another process writes the vectors") : append(v, rows, n, e);
    pthread_mutex_unlock(&v->writing);
    return code;
}

enum err_code vectors_reset(struct vectors *v, struct err *e)
{
    enum err_code code = vectors_claim(v, e);
    if (code)
        return code;
    struct file_head head = make_head(v);
    pthread_mutex_lock(&v->writing);
    code = file_write_atomic(v->path, (struct str){(const char *)&head, sizeof head}, e);
    let_go(v);
    pthread_mutex_unlock(&v->writing);
    return code ? code : vectors_claim(v, e);
}

enum err_code vectors_check(struct vectors *v, struct err *e)
{
    struct snapshot s;
    struct block b;
    size_t at = 0;
    bool right = true;
    snapshot_take(v, &s);
    while (right && snapshot_next(&s, v->width, &at, &b))
        right = b.head->crc == crc32c(b.head, offsetof(struct block_head, crc)) && rows_are_right((const void *)b.head);
    right = right && (!s.p || at >= s.n);
    snapshot_drop(&s);
    return right ? ERR_OK : err_set(e, ERR_CORRUPT, NULL, "the file of vectors is damaged");
}
