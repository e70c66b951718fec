/* Writing vectors: becoming the writer, appending, and beginning anew. What is on the disk at each moment, and what a
 * reader or the next writer makes of it: vectors_int.h. Nothing is flushed to disk but what replaces a file: what a
 * power cut takes is made anew from the store. */
#include "index/vectors_int.h"

#include "base/file.h"
#include "base/id.h"
#include "base/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static void close_file(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void vectors_let_go(struct vectors *v)
{
    close_file(&v->bin);
    close_file(&v->end);
    close_file(&v->lock_file); /* the lock goes with it */
}

uint64_t vectors_fresh_number(void)
{
    uint64_t n;
    id_random(&n, sizeof n);
    return n | 1; /* never 0 */
}

/* ---- claiming: with `writing` ---- */
static bool still_there(int fd)
{
    int64_t size;
    bool gone = true;
    return fd >= 0 && file_look(fd, &size, &gone, NULL) == ERR_OK && !gone;
}

static enum err_code take_lock(struct vectors *v, struct err *e)
{
    enum { TRIES = 4 };
    if (still_there(v->lock_file))
        return ERR_OK;
    vectors_let_go(v);
    for (int i = 0; i < TRIES; i++) {
        v->lock_file = file_open_write(v->lock_path, e);
        if (v->lock_file < 0)
            return ERR_IO;
        bool ours = flock(v->lock_file, LOCK_EX | LOCK_NB) == 0;
        if (ours && still_there(v->lock_file)) /* else somebody removed it meanwhile */
            return ERR_OK;
        close_file(&v->lock_file);
        if (!ours)
            break;
    }
    return err_set(e, ERR_BUSY, NULL, "another process writes the vectors");
}

enum err_code vectors_begin_tail(struct vectors *v, const struct tail_head *h, struct str rows, struct err *e)
{
    enum err_code code = file_cut(v->end, 0, e);
    if (code == ERR_OK)
        code = rows_write(v, h, v->end, 0, rows, e);
    return code ? code : file_write_at(v->end, 0, (struct str){(const char *)h, sizeof *h}, e);
}

static enum err_code begin_empty_tail(struct vectors *v, uint32_t form, uint64_t birth, int64_t after, struct err *e)
{
    struct tail_head h = vectors_tail_head(v, form, birth, vectors_fresh_number(), after);
    return vectors_begin_tail(v, &h, (struct str){"", 0}, e);
}

enum err_code vectors_open_files(struct vectors *v, struct err *e)
{
    close_file(&v->bin);
    close_file(&v->end);
    v->bin = file_open_write(v->path, e);
    v->end = v->bin < 0 ? -1 : file_open_write(v->tail_path, e);
    return v->end < 0 ? ERR_IO : ERR_OK;
}

/* Empty files with a birth of their own, by renaming, because others may have the present one mapped. */
enum err_code vectors_make_files(struct vectors *v, struct err *e)
{
    uint64_t birth = vectors_fresh_number();
    uint32_t form = vectors_form(v);
    struct file_head head = vectors_head(v, form, birth);
    enum err_code code = file_write_atomic(v->path, (struct str){(const char *)&head, sizeof head}, e);
    if (code == ERR_OK)
        code = vectors_open_files(v, e);
    return code ? code : begin_empty_tail(v, form, birth, 0, e);
}

/* Whole blocks at the end that are not right mean that the file must be replaced: others may be looking at them. */
static enum err_code take_files(struct vectors *v, bool *damaged, struct err *e)
{
    struct err why = {0};
    struct snapshot s;
    enum err_code code = snapshot_take(v, &s, &why);
    if (code) {
        snapshot_drop(&s);
        return code == ERR_NOT_FOUND || code == ERR_CORRUPT ? vectors_make_files(v, e)
                                                            : err_set(e, code, NULL, "%s", why.message);
    }
    *damaged = s.size >= sizeof(struct file_head) + (s.blocks + 1) * block_stride(v, s.form);
    code = vectors_open_files(v, e);
    if (code == ERR_OK && !s.tail)
        code = begin_empty_tail(v, s.form, s.birth, s.state.last, e);
    snapshot_drop(&s);
    return code;
}

static bool found_damaged(struct vectors *v)
{
    struct snapshot s;
    (void)snapshot_take(v, &s, NULL);
    bool damaged = s.mapping && atomic_load(&s.mapping->damaged);
    snapshot_drop(&s);
    return damaged;
}

static enum err_code claim(struct vectors *v, struct err *e)
{
    bool damaged = false;
    enum err_code code = take_lock(v, e);
    if (code == ERR_OK && !(still_there(v->bin) && still_there(v->end)))
        code = take_files(v, &damaged, e);
    if (code == ERR_OK && (damaged || found_damaged(v)))
        code = vectors_mend(v, e);
    return code ? code : vectors_reform(v, e);
}

enum err_code vectors_take(struct vectors *v, struct err *e)
{
    if (v->read_only)
        return err_set(e, ERR_READ_ONLY, NULL, "the vectors were opened for searching only");
    enum err_code code = claim(v, e);
    if (code)
        vectors_let_go(v);
    return code;
}

enum err_code vectors_claim(struct vectors *v, struct err *e)
{
    struct err own = {0};
    pthread_mutex_lock(&v->writing);
    enum err_code code = vectors_take(v, &own);
    pthread_mutex_unlock(&v->writing);
    return code ? err_set(e, code, NULL, "%s", own.message) : ERR_OK;
}

enum err_code vectors_reset(struct vectors *v, struct err *e)
{
    pthread_mutex_lock(&v->writing);
    enum err_code code = vectors_take(v, e);
    if (code == ERR_OK)
        code = vectors_make_files(v, e);
    if (code)
        vectors_let_go(v);
    pthread_mutex_unlock(&v->writing);
    return code;
}

/* ---- appending: with `writing` ---- */
void vector_row_encode(const struct vectors *v, const struct vector_row *row, uint64_t round, char *out)
{
    struct tail_row r = {.round = round,
                         .seq = row->seq,
                         .anchor = vectors_anchor(row->turn_id),
                         .session = vector_hash(row->session_id),
                         .project = vector_hash(row->project),
                         .conversation = vector_hash(row->conversation_id),
                         .time = vector_seconds(row->timestamp)};
    uint8_t step;
    vector_encode(row->v, v->dimensions, v->width, (uint8_t *)(uintptr_t)tail_row_codes(out, v->width),
                  (uint64_t *)(uintptr_t)tail_row_bits(out), &step);
    r.step = step;
    memcpy(out, &r, sizeof r);
    tail_row_seal(out, v->width);
}

static enum err_code append_to_tail(struct vectors *v, const struct tail *t, size_t at, struct str rows, struct err *e)
{
    int64_t from = (int64_t)(sizeof(struct tail_head) + at * tail_stride(v, t->form));
    struct tail_head h = vectors_tail_head(v, t->form, t->birth, t->round, t->after);
    enum err_code code = rows_write(v, &h, v->end, at, rows, e);
    if (code && file_cut(v->end, from, NULL))
        vectors_let_go(v); /* claiming it again mends it */
    return code;
}

/* Full blocks of the n rows go to the end of .bin, the rest becomes the tail. */
static enum err_code append_blocks(struct vectors *v, const struct snapshot *s, char *rows, size_t n, struct err *e)
{
    size_t size = tail_row_bytes(v->width), bytes = block_bytes(v->width), at = 0, blocks = s->blocks;
    const char **list = mem_alloc(n * sizeof *list);
    char *p = mem_alloc(bytes);
    struct block last;
    struct block_head before = {0};
    enum err_code code = list && p ? ERR_OK : err_nomem(e);
    if (code == ERR_OK && blocks && !snapshot_block(s, blocks - 1, &last))
        code = err_set(e, ERR_CORRUPT, NULL, "the file of vectors is damaged");
    if (code == ERR_OK && blocks)
        before = *last.head;
    for (size_t i = 0; code == ERR_OK && i < n; i++)
        list[i] = rows + i * size;
    for (; code == ERR_OK && n - at >= VECTORS_BLOCK; blocks++) {
        at += block_fill(p, v->width, list + at, n - at, blocks ? &before : NULL, s->birth);
        memcpy(&before, p, sizeof before);
        code = block_write(v, s->form, s->birth, v->bin, blocks, p, e);
    }
    uint64_t round = vectors_fresh_number();
    struct tail_head h = vectors_tail_head(v, s->form, s->birth, round, blocks ? before.through : 0);
    for (size_t i = at; code == ERR_OK && i < n; i++) {
        memcpy(rows + i * size, &round, sizeof round); /* the first member */
        tail_row_seal(rows + i * size, v->width);
    }
    if (code == ERR_OK)
        code = vectors_begin_tail(v, &h, (struct str){rows + at * size, (n - at) * size}, e);
    mem_free(list);
    mem_free(p);
    return code;
}

static enum err_code append_after(struct vectors *v, const struct snapshot *s, const struct vector_row *rows, size_t n,
                                  struct err *e)
{
    size_t size = tail_row_bytes(v->width), old = s->tail_to - s->tail_from;
    char *all = mem_zalloc((old + n) * size);
    if (!all)
        return err_nomem(e);
    if (old)
        memcpy(all, snapshot_tail(s, s->tail_from), old * size);
    uint64_t round = s->tail ? s->tail->round : 0;
    for (size_t i = 0; i < n; i++)
        vector_row_encode(v, &rows[i], round, all + (old + i) * size);
    enum err_code code = s->tail && s->tail_to + n < VECTORS_BLOCK
                             ? append_to_tail(v, s->tail, s->tail_to, (struct str){all + old * size, n * size}, e)
                             : append_blocks(v, s, all, old + n, e);
    mem_free(all);
    return code;
}

static enum err_code append(struct vectors *v, const struct vector_row *rows, size_t n, struct err *e)
{
    struct snapshot s;
    enum err_code code = snapshot_take(v, &s, e);
    for (size_t i = 0; code == ERR_OK && i < n; i++)
        if (rows[i].seq <= (i ? rows[i - 1].seq : s.state.last))
            code = err_set(e, ERR_INVALID, NULL, "vectors must come in the order of their turns");
    if (code == ERR_OK)
        code = append_after(v, &s, rows, n, e);
    snapshot_drop(&s);
    return code;
}

enum err_code vector_rows_living(const struct vector_row *rows, size_t n, vectors_gone_fn *gone, void *arg,
                                 struct vector_row *kept, size_t *n_kept, struct err *e)
{
    int64_t seqs[VECTORS_BLOCK] = {0};
    bool is_gone[VECTORS_BLOCK] = {false};
    for (size_t i = 0; i < n; i++)
        seqs[i] = rows[i].seq;
    *n_kept = 0;
    enum err_code code = gone(arg, seqs, n, is_gone, e);
    for (size_t i = 0; code == ERR_OK && i < n; i++)
        if (!is_gone[i])
            kept[(*n_kept)++] = rows[i];
    return code;
}

enum err_code vectors_append_living(struct vectors *v, const struct vector_row *rows, size_t n, vectors_gone_fn *gone,
                                    void *arg, struct err *e)
{
    struct vector_row kept[VECTORS_BLOCK];
    if (n == 0 || n > VECTORS_BLOCK)
        return n ? err_set(e, ERR_INVALID, NULL, "at most %d vectors at once", VECTORS_BLOCK) : ERR_OK;
    pthread_mutex_lock(&v->writing);
    enum err_code code = vectors_take(v, e);
    if (code == ERR_OK && gone)
        code = vector_rows_living(rows, n, gone, arg, kept, &n, e);
    if (code == ERR_OK && n)
        code = append(v, gone ? kept : rows, n, e);
    pthread_mutex_unlock(&v->writing);
    return code;
}

enum err_code vectors_append(struct vectors *v, const struct vector_row *rows, size_t n, struct err *e)
{
    return vectors_append_living(v, rows, n, NULL, NULL, e);
}
