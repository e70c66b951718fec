/* Rewriting the vectors: without rows that are gone, with rows put between, or without what is damaged. A new .bin is
 * written beside, flushed to disk and put in the old one's place; searches go on with the one they have. Rows keep
 * their codes.
 *
 * A purge takes the tail's rows into the new .bin, which keeps its birth: the old tail, whose rows are all covered by
 * then, is begun anew after. A mended .bin has another birth, so that the old tail, which came after what is missing,
 * counts no more from the same moment on. */
#include "index/vectors_int.h"

#include "base/file.h"
#include "base/mem.h"

#include <string.h>
#include <unistd.h>

struct rewriting {
    struct vectors *v;
    struct snapshot *s;
    vectors_gone_fn *gone; /* NULL: none is */
    void *arg;
    const struct vector_row *add; /* rows to put between, in order */
    size_t n_add;
    uint64_t birth;
    uint32_t form;
    int fd;
    char *rows, *block;
    const char *list[VECTORS_BLOCK];
    size_t n, blocks; /* rows waiting for their block; blocks written */
    struct block_head last;
    int64_t removed;
};

static enum err_code put_block(struct rewriting *r, size_t at, struct err *e)
{
    return block_write(r->v, r->form, r->birth, r->fd, at, r->block, e);
}

/* One block of the rows that wait; those that do not fit into it wait on. */
static enum err_code flush(struct rewriting *r, struct err *e)
{
    size_t size = tail_row_bytes(r->v->width);
    size_t n = block_fill(r->block, r->v->width, r->list, r->n, r->blocks ? &r->last : NULL, r->birth);
    memcpy(&r->last, r->block, sizeof r->last);
    memmove(r->rows, r->rows + n * size, (r->n - n) * size);
    r->n -= n;
    return put_block(r, r->blocks++, e);
}

/* Those that come before that seq; one that has it is in already. */
static enum err_code add_before(struct rewriting *r, int64_t seq, struct err *e)
{
    enum err_code code = ERR_OK;
    for (; code == ERR_OK && r->n_add && r->add->seq <= seq; r->add++, r->n_add--) {
        if (r->add->seq == seq)
            continue;
        char *row = r->rows + r->n++ * tail_row_bytes(r->v->width);
        memset(row, 0, tail_row_bytes(r->v->width));
        vector_row_encode(r->v, r->add, 0, row);
        if (r->n == VECTORS_BLOCK)
            code = flush(r, e);
    }
    return code;
}

static enum err_code ask_gone(struct rewriting *r, const int64_t *seqs, size_t n, bool *gone, struct err *e)
{
    memset(gone, 0, n * sizeof *gone);
    enum err_code code = r->gone && n ? r->gone(r->arg, seqs, n, gone, e) : ERR_OK;
    for (size_t i = 0; i < n; i++)
        r->removed += gone[i];
    return code;
}

static size_t block_seqs(const struct block *b, int64_t seqs[VECTORS_BLOCK])
{
    for (size_t i = 0; i < b->head->n; i++)
        seqs[i] = b->head->first + b->seq[i];
    return b->head->n;
}

static size_t tail_seqs(const struct snapshot *s, int64_t seqs[VECTORS_BLOCK])
{
    size_t n = s->tail_to - s->tail_from;
    for (size_t i = 0; i < n; i++)
        seqs[i] = ((const struct tail_row *)(const void *)snapshot_tail(s, s->tail_from + i))->seq;
    return n;
}

/* Up to the first that is: where there is none, as mostly, nothing need be written. */
static enum err_code any_gone(struct rewriting *r, bool *any, struct err *e)
{
    int64_t seqs[VECTORS_BLOCK];
    bool gone[VECTORS_BLOCK];
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k <= r->s->blocks && r->removed == 0; k++) {
        struct block b;
        if (k == r->s->blocks)
            code = ask_gone(r, seqs, tail_seqs(r->s, seqs), gone, e);
        else if (snapshot_block(r->s, k, &b))
            code = ask_gone(r, seqs, block_seqs(&b, seqs), gone, e);
        else
            code = err_set(e, ERR_CORRUPT, NULL, "the file of vectors is damaged");
    }
    *any = r->removed > 0;
    r->removed = 0;
    return code;
}

static enum err_code take_block(struct rewriting *r, size_t k, struct err *e)
{
    struct block b;
    int64_t seqs[VECTORS_BLOCK];
    bool gone[VECTORS_BLOCK];
    if (!snapshot_block(r->s, k, &b) || !snapshot_codes(r->s, k))
        return err_set(e, ERR_CORRUPT, NULL, "the file of vectors is damaged");
    (void)block_seqs(&b, seqs);
    enum err_code code = ask_gone(r, seqs, b.head->n, gone, e);
    for (size_t i = 0; code == ERR_OK && i < b.head->n; i++) {
        if (gone[i])
            continue;
        code = add_before(r, seqs[i], e);
        if (code)
            break;
        block_row(&b, i, r->v->width, r->rows + r->n++ * tail_row_bytes(r->v->width));
        if (r->n == VECTORS_BLOCK)
            code = flush(r, e);
    }
    return code;
}

static enum err_code take_tail(struct rewriting *r, struct err *e)
{
    int64_t seqs[VECTORS_BLOCK];
    bool gone[VECTORS_BLOCK];
    size_t size = tail_row_bytes(r->v->width), from = r->s->tail_from, n = tail_seqs(r->s, seqs);
    enum err_code code = ask_gone(r, seqs, n, gone, e);
    for (size_t i = 0; code == ERR_OK && i < n; i++) {
        if (gone[i])
            continue;
        code = add_before(r, seqs[i], e);
        if (code)
            break;
        memcpy(r->rows + r->n++ * size, snapshot_tail(r->s, from + i), size);
        if (r->n == VECTORS_BLOCK)
            code = flush(r, e);
    }
    return code;
}

/* The last block says how far the store was taken in, also where the last rows are gone. */
static enum err_code finish(struct rewriting *r, const struct vectors_state *state, struct err *e)
{
    enum err_code code = ERR_OK;
    while (code == ERR_OK && (r->n > 0 || (r->blocks == 0 && state)))
        code = flush(r, e);
    if (code || !state || r->last.through == state->last)
        return code;
    if (r->last.n == 0)
        r->last.first = state->last;
    r->last.through = state->last;
    r->last.anchor = state->anchor;
    block_seal(r->block, r->v->width, &r->last);
    return put_block(r, r->blocks - 1, e);
}

static enum err_code rewrite(struct rewriting *r, size_t blocks, const struct vectors_state *state, struct err *e)
{
    struct file_head head = vectors_head(r->v, r->form, r->birth);
    enum err_code code = file_cut(r->fd, 0, e);
    if (code == ERR_OK)
        code = file_write_at(r->fd, 0, (struct str){(const char *)&head, sizeof head}, e);
    for (size_t k = 0; code == ERR_OK && k < blocks; k++)
        code = take_block(r, k, e);
    if (code == ERR_OK && state)
        code = take_tail(r, e);
    if (code == ERR_OK && state)
        code = add_before(r, INT64_MAX, e);
    if (code == ERR_OK)
        code = finish(r, state, e);
    if (code == ERR_OK)
        code = file_sync(r->fd, e);
    if (code == ERR_OK)
        code = file_replace(r->v->new_path, r->v->path, e);
    if (code == ERR_OK)
        code = vectors_open_files(r->v, e);
    struct tail_head tail =
        vectors_tail_head(r->v, r->form, r->birth, vectors_fresh_number(), r->blocks ? r->last.through : 0);
    return code ? code : vectors_begin_tail(r->v, &tail, (struct str){"", 0}, e);
}

/* `state`: that of the whole, when all of it and the tail are taken; NULL: only so many blocks, without the tail. */
static enum err_code run(struct rewriting *r, size_t blocks, const struct vectors_state *state, struct err *e)
{
    struct vectors *v = r->v;
    r->form = vectors_form(v);
    r->rows = mem_alloc(VECTORS_BLOCK * tail_row_bytes(v->width));
    r->block = mem_alloc(block_bytes(v->width));
    r->fd = r->rows && r->block ? file_open_write(v->new_path, e) : -1;
    for (size_t i = 0; r->rows && i < VECTORS_BLOCK; i++)
        r->list[i] = r->rows + i * tail_row_bytes(v->width);
    enum err_code code = r->fd >= 0 ? rewrite(r, blocks, state, e) : r->rows && r->block ? ERR_IO : err_nomem(e);
    if (r->fd >= 0)
        close(r->fd);
    (void)file_remove(v->new_path, NULL); /* when it did not come to its end */
    mem_free(r->rows);
    mem_free(r->block);
    return code;
}

enum err_code vectors_mend(struct vectors *v, struct err *e)
{
    struct snapshot s;
    size_t right = 0;
    enum err_code code = snapshot_take(v, &s, e);
    while (right < s.blocks && snapshot_recheck(&s, right))
        right++;
    struct rewriting r = {.v = v, .s = &s, .birth = vectors_fresh_number()};
    if (code == ERR_OK)
        code = run(&r, right, NULL, e);
    snapshot_drop(&s);
    return code;
}

enum err_code vectors_reform(struct vectors *v, struct err *e)
{
    struct snapshot s;
    struct rewriting r = {.v = v, .s = &s};
    uint32_t want = vectors_form(v);
    pthread_mutex_lock(&v->lock);
    bool right = v->birth && v->form == want && (!v->tail || v->tail->form == want);
    pthread_mutex_unlock(&v->lock);
    if (right)
        return ERR_OK;
    enum err_code code = snapshot_take(v, &s, e);
    r.birth = s.birth;
    bool other = code == ERR_OK && (s.form != want || (s.tail && s.tail->form != want));
    if (other)
        code = run(&r, s.blocks, &s.state, e);
    snapshot_drop(&s);
    return code != ERR_CORRUPT ? code : vectors_mend(v, e);
}

static enum err_code purge(struct vectors *v, struct rewriting *r, struct err *e)
{
    struct snapshot s;
    enum err_code code = snapshot_take(v, &s, e);
    r->s = &s;
    r->birth = s.birth;
    bool any = false;
    if (code == ERR_OK)
        code = any_gone(r, &any, e);
    if (code == ERR_OK && any)
        code = run(r, s.blocks, &s.state, e);
    snapshot_drop(&s);
    r->s = NULL;
    return code;
}

enum err_code vectors_purge(struct vectors *v, vectors_gone_fn *gone, void *arg, int64_t *removed, struct err *e)
{
    struct rewriting r = {.v = v, .gone = gone, .arg = arg};
    pthread_mutex_lock(&v->writing);
    enum err_code code = vectors_take(v, e);
    if (code == ERR_OK)
        code = purge(v, &r, e);
    pthread_mutex_unlock(&v->writing);
    *removed = code ? 0 : r.removed;
    return code;
}

static enum err_code insert(struct vectors *v, struct rewriting *r, struct err *e)
{
    struct snapshot s;
    enum err_code code = snapshot_take(v, &s, e);
    r->s = &s;
    r->birth = s.birth;
    if (code == ERR_OK && r->n_add && r->add[r->n_add - 1].seq > s.state.last)
        code = err_set(e, ERR_INVALID, NULL, "vectors behind the watermark are appended");
    if (code == ERR_OK && r->n_add)
        code = run(r, s.blocks, &s.state, e);
    snapshot_drop(&s);
    r->s = NULL;
    return code;
}

enum err_code vectors_insert(struct vectors *v, const struct vector_row *rows, size_t n, vectors_gone_fn *gone,
                             void *arg, struct err *e)
{
    struct vector_row *kept = mem_alloc((n + 1) * sizeof *kept);
    struct rewriting r = {.v = v, .add = kept};
    if (!kept)
        return err_nomem(e);
    pthread_mutex_lock(&v->writing);
    enum err_code code = vectors_take(v, e);
    for (size_t at = 0, some; code == ERR_OK && at < n; at += VECTORS_BLOCK) {
        code = vector_rows_living(rows + at, n - at < VECTORS_BLOCK ? n - at : VECTORS_BLOCK, gone, arg, kept + r.n_add,
                                  &some, e);
        r.n_add += some;
    }
    if (code == ERR_OK)
        code = insert(v, &r, e);
    pthread_mutex_unlock(&v->writing);
    mem_free(kept);
    return code;
}
