/* The forms of vectors' files. Plain ones hold blocks and rows as they are; sealed ones (vectors_int.h) hold each part
 * of a block and each row of the tail sealed by the store's keyring, bound to the file's birth and to its place in it.
 * A form's number is 0 for plain, else one more than the epoch of the keys in which the file was begun. */
#include "index/vectors_int.h"

#include "base/file.h"
#include "base/mem.h"
#include "seal/seal.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ABOUT_ROOM = 160 };

static struct keyring *keys_of(const struct vectors *v)
{
    return v->store ? store_keyring(v->store) : NULL;
}

uint32_t vectors_form(const struct vectors *v)
{
    struct keyring *k = keys_of(v);
    return keyring_seals(k) ? keyring_epoch(k) + 1 : 0;
}

bool vectors_form_is_known(const struct vectors *v, uint32_t form)
{
    struct keyring *k = keys_of(v);
    return form ? k != NULL : !seal_state_demands(keyring_state(k));
}

static size_t scan_part(const struct vectors *v)
{
    return sizeof(struct block_head) + block_scan_bytes(v->width);
}

size_t block_stride(const struct vectors *v, uint32_t form)
{
    return block_bytes(v->width) + (form ? 2 * SEAL_MORE : 0);
}

size_t tail_stride(const struct vectors *v, uint32_t form)
{
    return tail_row_bytes(v->width) + (form ? SEAL_MORE : 0);
}

static struct str about(const struct vectors *v, char out[ABOUT_ROOM], const char *what, uint64_t birth, uint64_t round,
                        size_t at)
{
    (void)snprintf(out, ABOUT_ROOM, "vectors %.79s %s %016" PRIx64 " %016" PRIx64 " %zu", v->model, what, birth, round,
                   at);
    return str_of(out);
}

/* ---- blocks ---- */
static int64_t block_offset(const struct vectors *v, uint32_t form, size_t k)
{
    return (int64_t)(sizeof(struct file_head) + k * block_stride(v, form));
}

static enum err_code seal_block(const struct vectors *v, uint64_t birth, size_t k, const char *p, struct buf *out,
                                struct err *e)
{
    char words[ABOUT_ROOM];
    size_t scan = scan_part(v);
    enum err_code code =
        keyring_seal(keys_of(v), SEAL_STORE, (struct str){p, scan}, about(v, words, "scan", birth, 0, k), out, e);
    return code ? code
                : keyring_seal(keys_of(v), SEAL_STORE, (struct str){p + scan, block_bytes(v->width) - scan},
                               about(v, words, "codes", birth, 0, k), out, e);
}

enum err_code block_write(const struct vectors *v, uint32_t form, uint64_t birth, int fd, size_t k, const char *p,
                          struct err *e)
{
    struct buf b;
    if (!form)
        return file_write_at(fd, block_offset(v, 0, k), (struct str){p, block_bytes(v->width)}, e);
    buf_init(&b, 0);
    enum err_code code = seal_block(v, birth, k, p, &b, e);
    if (code == ERR_OK)
        code = file_write_at(fd, block_offset(v, form, k), buf_view(&b), e);
    buf_release(&b);
    return code;
}

enum err_code block_open(const struct vectors *v, uint64_t birth, int fd, size_t k, bool codes, char *p, struct err *e)
{
    char words[ABOUT_ROOM];
    size_t scan = scan_part(v), from = codes ? scan : 0, n = codes ? block_bytes(v->width) - scan : scan, got = 0;
    char *sealed = mem_alloc(n + SEAL_MORE);
    if (!sealed)
        return err_nomem(e);
    int64_t at = block_offset(v, 1, k) + (int64_t)(codes ? scan + SEAL_MORE : 0);
    enum err_code code = file_read_at(fd, at, sealed, n + SEAL_MORE, &got, e);
    if (code == ERR_OK)
        code = keyring_open_at(keys_of(v), SEAL_STORE, (struct str){sealed, got == n + SEAL_MORE ? got : 0},
                               about(v, words, codes ? "codes" : "scan", birth, 0, k), p + from, e);
    mem_free(sealed);
    return code;
}

/* ---- rows of the tail ---- */
static int64_t row_offset(const struct vectors *v, uint32_t form, size_t i)
{
    return (int64_t)(sizeof(struct tail_head) + i * tail_stride(v, form));
}

enum err_code rows_write(const struct vectors *v, const struct tail_head *h, int fd, size_t at, struct str rows,
                         struct err *e)
{
    char words[ABOUT_ROOM];
    struct buf b;
    enum err_code code = ERR_OK;
    if (!h->form)
        return file_write_at(fd, row_offset(v, 0, at), rows, e);
    buf_init(&b, 0);
    size_t row = tail_row_bytes(v->width);
    for (size_t i = at; rows.n && code == ERR_OK; i++, rows = str_skip(rows, row))
        code = keyring_seal(keys_of(v), SEAL_STORE, str_take(rows, row), about(v, words, "row", h->birth, h->round, i),
                            &b, e);
    if (code == ERR_OK)
        code = file_write_at(fd, row_offset(v, h->form, at), buf_view(&b), e);
    buf_release(&b);
    return code;
}

/* Up to the first that does not open: it is not written to its end, or of an earlier round. */
static size_t open_rows(const struct vectors *v, const struct tail *t, const char *sealed, size_t n, char *to)
{
    char words[ABOUT_ROOM];
    size_t row = tail_row_bytes(v->width), done = 0;
    for (; done < n; done++, sealed += row + SEAL_MORE)
        if (keyring_open_at(keys_of(v), SEAL_STORE, (struct str){sealed, row + SEAL_MORE},
                            about(v, words, "row", t->birth, t->round, t->n + done), to + done * row, NULL))
            break;
    return done * row;
}

enum err_code rows_read(const struct vectors *v, const struct tail *t, int fd, char *to, size_t n, size_t *got,
                        struct err *e)
{
    size_t row = tail_row_bytes(v->width), stride = tail_stride(v, t->form);
    int64_t at = row_offset(v, t->form, t->n);
    if (!t->form)
        return file_read_at(fd, at, to, n * row, got, e);
    char *sealed = mem_alloc(n * stride + 1);
    *got = 0;
    if (!sealed)
        return err_nomem(e);
    enum err_code code = file_read_at(fd, at, sealed, n * stride, got, e);
    *got = code ? 0 : open_rows(v, t, sealed, *got / stride, to);
    mem_free(sealed);
    return code;
}
