/* The files of vectors as they are read: what was written since, also by other processes, and a snapshot of that for a
 * search. The order in which they are looked at, and why it is this one: vectors_int.h. */
#include "index/vectors_int.h"

#include "base/file.h"
#include "base/mem.h"
#include "seal/seal.h"

#include <string.h>
#include <unistd.h>

enum { BLOCKS_LEAST = 64 };
static const size_t FILE_MOST = (size_t)1 << 40;

/* ---- the mapping ---- */
static void mapping_drop(struct mapping *m)
{
    if (m && atomic_fetch_sub(&m->users, 1) == 1) {
        if (m->form)
            seal_memory_free((void *)(uintptr_t)m->map.p, m->map.n);
        else
            file_unmap(m->map);
        if (m->fd >= 0)
            close(m->fd);
        mem_free(m->checked);
        mem_free(m->summaries);
        mem_free(m);
    }
}

static void tail_drop(struct tail *t)
{
    if (t && atomic_fetch_sub(&t->users, 1) == 1) {
        mem_free(t->rows);
        mem_free(t);
    }
}

static void forget_tail(struct vectors *v)
{
    tail_drop(v->tail);
    v->tail = NULL;
}

void vectors_forget(struct vectors *v)
{
    mapping_drop(v->mapping);
    forget_tail(v);
    if (v->reader >= 0)
        close(v->reader);
    if (v->tail_reader >= 0)
        close(v->tail_reader);
    v->mapping = NULL;
    v->state = (struct vectors_state){0};
    v->reader = v->tail_reader = -1;
    v->blocks = 0;
    v->birth = 0;
    v->form = 0;
}

const char *vectors_block(const struct vectors *v, const struct mapping *m, size_t k)
{
    return m->map.p + sizeof(struct file_head) + k * block_bytes(v->width);
}

/* The file itself, or memory into which its blocks will be opened. */
static enum err_code make_map(struct vectors *v, struct mapping *m, struct err *e)
{
    size_t n = sizeof(struct file_head) + m->room * block_bytes(v->width);
    if (!m->form)
        return file_map_fd(v->reader, n, &m->map, e);
    m->fd = dup(v->reader);
    m->map = (struct str){m->fd < 0 ? NULL : seal_memory(n), n};
    return m->map.p ? ERR_OK : err_nomem(e);
}

/* With `checking`, in which blocks are opened. */
static void take_along(const struct vectors *v, struct mapping *m)
{
    for (size_t k = 0; v->mapping && k < v->blocks; k++) {
        uint8_t known = atomic_load(&v->mapping->checked[k]);
        m->summaries[k] = v->mapping->summaries[k];
        if (known & (OPENED_SCAN | OPENED_CODES))
            memcpy((char *)(uintptr_t)vectors_block(v, m, k), vectors_block(v, v->mapping, k), block_bytes(v->width));
        atomic_store(&m->checked[k], known);
    }
    atomic_init(&m->damaged, v->mapping && atomic_load(&v->mapping->damaged));
}

/* More than there is, so that a growing file is seldom mapped anew. What is known of its blocks is taken along. */
static enum err_code map_room(struct vectors *v, size_t blocks, struct err *e)
{
    struct mapping *m = mem_zalloc(sizeof *m);
    if (!m)
        return err_nomem(e);
    m->room = blocks < BLOCKS_LEAST / 2 ? (size_t)BLOCKS_LEAST : blocks * 2;
    m->form = v->form;
    m->fd = -1;
    atomic_init(&m->users, 1);
    m->checked = mem_zalloc(m->room * sizeof *m->checked);
    m->summaries = mem_zalloc(m->room * sizeof *m->summaries);
    enum err_code code = m->checked && m->summaries ? make_map(v, m, e) : err_nomem(e);
    if (code) {
        mapping_drop(m);
        return code;
    }
    pthread_mutex_lock(&v->checking);
    take_along(v, m);
    pthread_mutex_unlock(&v->checking);
    mapping_drop(v->mapping);
    v->mapping = m;
    return ERR_OK;
}

/* ---- looking: with `lock` ---- */
/* Opens what is at `path` when nothing is open, or what was is not there any more; *size is its size. */
static enum err_code open_again(const char *path, int *fd, int64_t *size, bool *again, struct err *e)
{
    bool gone = false;
    enum err_code code = *fd >= 0 ? file_look(*fd, size, &gone, e) : ERR_OK;
    *again = code == ERR_OK && (*fd < 0 || gone);
    if (!*again)
        return code;
    if (*fd >= 0)
        close(*fd);
    struct err why = {0};
    *fd = file_open_read(path, &why);
    if (*fd < 0)
        return err_set(e, why.code, NULL, "%s", why.message);
    return file_look(*fd, size, &gone, e);
}

static enum err_code tail_begin(struct vectors *v, const struct tail_head *h, struct err *e)
{
    struct tail *t = mem_zalloc(sizeof *t);
    if (t)
        t->rows = mem_alloc(VECTORS_BLOCK * tail_row_bytes(v->width));
    if (!t || !t->rows) {
        mem_free(t);
        return err_nomem(e);
    }
    t->birth = h->birth;
    t->round = h->round;
    t->after = h->after;
    t->form = h->form;
    atomic_init(&t->users, 1);
    forget_tail(v);
    v->tail = t;
    return ERR_OK;
}

/* Takes in the whole, right rows that follow; searches that run look at fewer. */
static enum err_code tail_grow(struct vectors *v, struct err *e)
{
    struct tail *t = v->tail;
    size_t row = tail_row_bytes(v->width), got = 0;
    char *to = t->rows + t->n * row;
    if (t->n == VECTORS_BLOCK)
        return ERR_OK;
    enum err_code code = rows_read(v, t, v->tail_reader, to, VECTORS_BLOCK - t->n, &got, e);
    int64_t last = t->n ? ((const struct tail_row *)(const void *)(to - row))->seq : 0;
    for (; got >= row && tail_row_is_right(to, v->width, t->round); got -= row, to += row) {
        const struct tail_row *r = (const void *)to;
        if (r->seq <= last)
            break;
        last = r->seq;
        t->n++;
    }
    return code;
}

/* The tail as it is now; one that was begun anew while it was read is read again. */
static enum err_code look_at_tail(struct vectors *v, uint64_t *birth, struct err *e)
{
    enum { TRIES = 8 };
    int64_t size = 0;
    bool again = false;
    struct err why = {0};
    enum err_code code = open_again(v->tail_path, &v->tail_reader, &size, &again, &why);
    *birth = 0;
    if (code == ERR_NOT_FOUND)
        return ERR_OK; /* no tail */
    if (code)
        return err_set(e, code, NULL, "%s", why.message);
    for (int i = 0; i < TRIES; i++) {
        struct tail_head h;
        size_t got = 0;
        code = file_read_at(v->tail_reader, 0, &h, sizeof h, &got, e);
        if (code || got < sizeof h)
            return code;
        struct tail_head want = vectors_tail_head(v, h.form, h.birth, h.round, h.after);
        if (memcmp(&h, &want, sizeof h) != 0 || !vectors_form_is_known(v, h.form))
            return ERR_OK; /* not ours, or just being begun */
        if (*birth == h.birth && v->tail && v->tail->round == h.round)
            return ERR_OK; /* and nothing changed while it was read */
        *birth = h.birth;
        if (!v->tail || v->tail->round != h.round)
            code = tail_begin(v, &h, e);
        if (code == ERR_OK)
            code = tail_grow(v, e);
        if (code)
            return code;
    }
    return ERR_OK;
}

static enum err_code look_at_head(struct vectors *v, struct err *e)
{
    struct file_head h = {0};
    size_t got = 0;
    enum err_code code = file_read_at(v->reader, 0, &h, sizeof h, &got, e);
    if (code)
        return code;
    struct file_head want = vectors_head(v, h.form, h.birth);
    if (got < sizeof h || memcmp(&h, &want, sizeof h) != 0 || !vectors_form_is_known(v, h.form))
        return err_set(e, ERR_CORRUPT, NULL, "the file of vectors is damaged, or of another model or version");
    v->birth = h.birth;
    v->form = h.form;
    return ERR_OK;
}

/* The block k, which no search sees yet, as a whole. An error is one that may pass. */
static enum err_code last_is_right(struct vectors *v, size_t k, bool *right, struct err *e)
{
    const char *p = vectors_block(v, v->mapping, k);
    pthread_mutex_lock(&v->checking);
    enum err_code code = mapping_open(v, v->mapping, k, v->birth, OPENED_SCAN);
    if (code == ERR_OK)
        code = mapping_open(v, v->mapping, k, v->birth, OPENED_CODES);
    pthread_mutex_unlock(&v->checking);
    *right = code == ERR_OK && block_head_is_right(p, k, v->birth) && block_scan_is_right(p, v->width) &&
             block_codes_are_right(p, v->width);
    return code && code != ERR_CORRUPT ? err_set(e, code, NULL, "cannot read the file of vectors") : ERR_OK;
}

/* The whole blocks there are. Of the new ones the last that is right ends them: what follows it was not written to its
 * end. Those between are checked when they are first used. */
static enum err_code look_at_blocks(struct vectors *v, int64_t size, struct err *e)
{
    size_t n = ((size_t)size - sizeof(struct file_head)) / block_stride(v, v->form);
    enum err_code code = n > v->blocks && (!v->mapping || n > v->mapping->room) ? map_room(v, n, e) : ERR_OK;
    if (code)
        return code;
    for (bool right = false; n > v->blocks && !right; n -= !right)
        if ((code = last_is_right(v, n - 1, &right, e)) != ERR_OK)
            return code;
    v->blocks = n > v->blocks ? n : v->blocks;
    return ERR_OK;
}

static const struct block_head *last_head(const struct vectors *v)
{
    return v->blocks ? (const void *)vectors_block(v, v->mapping, v->blocks - 1) : NULL;
}

static void count_rows(struct vectors *v)
{
    size_t row = tail_row_bytes(v->width), stride = v->tail ? tail_stride(v, v->tail->form) : 0;
    const struct block_head *h = last_head(v);
    v->state = (struct vectors_state){.bytes = v->size};
    if (h) {
        v->state.rows = h->rows_before + h->n;
        v->state.last = h->through;
        v->state.anchor = h->anchor;
    }
    if (v->tail && v->tail->after > v->state.last)
        forget_tail(v); /* the block before it is lost */
    if (!v->tail)
        return;
    v->state.bytes += (int64_t)(sizeof(struct tail_head) + v->tail->n * stride);
    for (size_t i = 0; i < v->tail->n; i++) {
        const struct tail_row *r = (const void *)(v->tail->rows + i * row);
        if (r->seq <= v->state.last)
            continue;
        v->state.rows++;
        v->state.last = r->seq;
        v->state.anchor = r->anchor;
    }
}

/* Nobody of ours cuts a file that others have mapped; what is behind its end now must not be touched any more. */
static bool is_shorter(const struct vectors *v, int64_t size)
{
    return v->blocks && (uint64_t)size < sizeof(struct file_head) + v->blocks * block_stride(v, v->form);
}

static enum err_code look(struct vectors *v, struct err *e)
{
    uint64_t tail_birth = 0;
    int64_t size = 0;
    bool again = false;
    enum err_code code = look_at_tail(v, &tail_birth, e);
    if (code == ERR_OK)
        code = open_again(v->path, &v->reader, &size, &again, e);
    if (code == ERR_OK && (again || is_shorter(v, size))) {
        mapping_drop(v->mapping);
        v->mapping = NULL;
        v->blocks = 0;
        v->birth = 0;
        v->form = 0;
    }
    if (code == ERR_OK && (size < (int64_t)sizeof(struct file_head) || (uint64_t)size > FILE_MOST))
        code = err_set(e, ERR_CORRUPT, NULL, "the file of vectors is damaged");
    if (code == ERR_OK && !v->birth)
        code = look_at_head(v, e);
    if (code == ERR_OK)
        code = look_at_blocks(v, size, e);
    if (code == ERR_OK && tail_birth != v->birth)
        forget_tail(v);
    if (code == ERR_OK) {
        v->size = size;
        count_rows(v);
    } else if (!v->blocks) { /* else what was seen of it before is still right */
        vectors_forget(v);
    }
    return code;
}

enum err_code snapshot_take(struct vectors *v, struct snapshot *out, struct err *e)
{
    *out = (struct snapshot){.v = v};
    pthread_mutex_lock(&v->lock);
    enum err_code code = look(v, e);
    out->state = v->state;
    out->birth = v->birth;
    out->form = v->form;
    out->size = (size_t)v->size;
    if (v->blocks) {
        atomic_fetch_add(&v->mapping->users, 1);
        out->mapping = v->mapping;
        out->blocks = v->blocks;
    }
    if (v->tail) {
        atomic_fetch_add(&v->tail->users, 1);
        out->tail = v->tail;
        out->tail_to = v->tail->n;
    }
    const struct block_head *last = last_head(v);
    while (last && out->tail_from < out->tail_to &&
           ((const struct tail_row *)(const void *)snapshot_tail(out, out->tail_from))->seq <= last->through)
        out->tail_from++;
    pthread_mutex_unlock(&v->lock);
    return code;
}

void snapshot_drop(struct snapshot *s)
{
    mapping_drop(s->mapping);
    tail_drop(s->tail);
}

const char *snapshot_tail(const struct snapshot *s, size_t i)
{
    return s->tail->rows + i * tail_row_bytes(s->v->width);
}

void vectors_state(struct vectors *v, struct vectors_state *out)
{
    pthread_mutex_lock(&v->lock);
    (void)look(v, NULL);
    *out = v->state;
    pthread_mutex_unlock(&v->lock);
}
