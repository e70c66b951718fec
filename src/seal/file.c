/* Sealed files: written once, from begin to end, in chunks that are sealed one by one, so that neither writing nor
 * opening needs the whole sealed form at once.
 *
 *   0  "CAIRNSF1"                       16  the keyring's id
 *   8  epoch of the file key, u32       32  16 random bytes: the first part of each chunk's nonce
 *  12  bytes of a chunk, u32            48  16 bytes made of the file key and `about`
 *  64  chunks: SEAL_CHUNK bytes (the last one fewer, at least none) and a tag each
 *
 * A chunk's nonce ends with its number, so that none can change places; head and "is it the last one" are
 * authenticated with each, so that none can be cut off or come from another file. The head's last field tells a file in
 * another file's place from a damaged one. */
#include "seal/keyring_int.h"

#include "base/file.h"
#include "base/mem.h"

#include <sys/mman.h>
#include <unistd.h>

enum { AT_EPOCH = 8, AT_CHUNK = 12, AT_ID = 16, AT_PREFIX = 32, AT_ABOUT = 48, ABOUT = 16 };
enum { SEALED_CHUNK = SEAL_CHUNK + SEAL_TAG, AHEAD = SEAL_FILE_HEAD + 1 };
static const char MAGIC[8] = {'C', 'A', 'I', 'R', 'N', 'S', 'F', '1'};

/* The head, and after it the byte that says whether a chunk is the last one. */
struct chunks {
    unsigned char ahead[AHEAD];
    const unsigned char *key; /* the keyring's */
    struct seal_nonces nonces;
};

uint64_t seal_file_size(uint64_t plain)
{
    uint64_t chunks = plain ? (plain - 1) / SEAL_CHUNK + 1 : 1;
    return SEAL_FILE_HEAD + plain + chunks * SEAL_TAG;
}

bool seal_file_is(struct str head)
{
    return head.n >= sizeof MAGIC && memcmp(head.p, MAGIC, sizeof MAGIC) == 0;
}

static void about_of(const unsigned char *key, struct str about, unsigned char out[ABOUT])
{
    key_derive(key, "cairn file 1", about.p, about.n, out, ABOUT);
}

/* ---- writing ---- */

static void chunks_begin(struct chunks *c, const struct keyring *k, struct str about)
{
    uint32_t epoch = keyring_epoch(k);
    memset(c->ahead, 0, sizeof c->ahead);
    seal_nonces_init(&c->nonces);
    c->key = file_key(k, epoch);
    memcpy(c->ahead, MAGIC, sizeof MAGIC);
    put32(c->ahead + AT_EPOCH, epoch);
    put32(c->ahead + AT_CHUNK, SEAL_CHUNK);
    memcpy(c->ahead + AT_ID, keyring_id(k), SEAL_ID);
    memcpy(c->ahead + AT_PREFIX, c->nonces.prefix, sizeof c->nonces.prefix);
    about_of(c->key, about, c->ahead + AT_ABOUT);
}

/* Writes n + SEAL_TAG bytes to out. */
static void chunk_seal(struct chunks *c, const char *p, size_t n, bool last, unsigned char *out)
{
    unsigned char nonce[SEAL_NONCE];
    seal_nonces_next(&c->nonces, nonce);
    c->ahead[SEAL_FILE_HEAD] = last;
    crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, (const unsigned char *)p, n, c->ahead, AHEAD, NULL, nonce,
                                               c->key);
}

struct seal_writer {
    struct chunks chunks;
    int fd;
    size_t n; /* waiting in `plain` */
    char plain[SEAL_CHUNK];
    unsigned char sealed[SEALED_CHUNK];
};

enum err_code seal_writer_new(struct keyring *k, struct str about, int fd, struct seal_writer **out, struct err *e)
{
    struct seal_writer *w = mem_alloc(sizeof *w);
    *out = NULL;
    if (!w)
        return err_nomem(e);
    w->fd = fd;
    w->n = 0;
    chunks_begin(&w->chunks, k, about);
    enum err_code rc = file_write_fd(fd, (struct str){(const char *)w->chunks.ahead, SEAL_FILE_HEAD}, e);
    if (rc) {
        seal_writer_free(w);
        return rc;
    }
    *out = w;
    return ERR_OK;
}

void seal_writer_free(struct seal_writer *w)
{
    if (w)
        sodium_memzero(w, sizeof *w);
    mem_free(w);
}

static enum err_code flush(struct seal_writer *w, bool last, struct err *e)
{
    size_t n = w->n;
    chunk_seal(&w->chunks, w->plain, n, last, w->sealed);
    w->n = 0;
    return file_write_fd(w->fd, (struct str){(const char *)w->sealed, n + SEAL_TAG}, e);
}

/* A full chunk waits until more comes: only then is it known not to be the last. */
enum err_code seal_writer_put(struct seal_writer *w, struct str bytes, struct err *e)
{
    enum err_code rc = ERR_OK;
    while (bytes.n && !rc) {
        if (w->n == SEAL_CHUNK)
            rc = flush(w, false, e);
        size_t n = bytes.n < SEAL_CHUNK - w->n ? bytes.n : SEAL_CHUNK - w->n;
        memcpy(w->plain + w->n, bytes.p, n);
        w->n += n;
        bytes = str_skip(bytes, n);
    }
    return rc;
}

enum err_code seal_writer_end(struct seal_writer *w, struct err *e)
{
    return flush(w, true, e);
}

/* ---- opening ---- */

static enum err_code damaged(struct err *e, const char *what)
{
    return err_set(e, ERR_CORRUPT, NULL, "a sealed file is damaged: %s", what);
}

static enum err_code chunks_read_head(struct chunks *c, const struct keyring *k, struct str about, struct str sealed,
                                      struct err *e)
{
    unsigned char expected[ABOUT];
    if (sealed.n < SEAL_FILE_HEAD + SEAL_TAG || !seal_file_is(sealed))
        return damaged(e, "it has no head");
    memcpy(c->ahead, sealed.p, SEAL_FILE_HEAD);
    if (memcmp(c->ahead + AT_ID, keyring_id(k), SEAL_ID) != 0)
        return damaged(e, "it is sealed with another store's key");
    c->key = file_key(k, get32(c->ahead + AT_EPOCH));
    if (!c->key)
        return damaged(e, "it is sealed with a key that is no longer there");
    about_of(c->key, about, expected);
    if (get32(c->ahead + AT_CHUNK) != SEAL_CHUNK)
        return damaged(e, "its chunks have another size");
    if (sodium_memcmp(expected, c->ahead + AT_ABOUT, ABOUT) != 0)
        return damaged(e, "it is another file, or its head was changed");
    c->nonces.next = 0;
    memcpy(c->nonces.prefix, c->ahead + AT_PREFIX, sizeof c->nonces.prefix);
    return ERR_OK;
}

void *seal_memory(size_t n)
{
    enum { FLAGS = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE };
    void *p = mem_fail_now() ? MAP_FAILED : mmap(NULL, n ? n : 1, PROT_READ | PROT_WRITE, FLAGS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    (void)madvise(p, n ? n : 1, MADV_DONTDUMP);
    return p;
}

void seal_memory_free(void *p, size_t n)
{
    if (p)
        (void)munmap(p, n ? n : 1);
}

void seal_file_release(struct str plain)
{
    file_unmap(plain);
}

static enum err_code open_chunks(struct chunks *c, struct str sealed, unsigned char *out, struct err *e)
{
    while (sealed.n) {
        unsigned char nonce[SEAL_NONCE];
        size_t n = sealed.n < SEALED_CHUNK ? sealed.n : SEALED_CHUNK;
        seal_nonces_next(&c->nonces, nonce);
        c->ahead[SEAL_FILE_HEAD] = n == sealed.n;
        if (n < SEAL_TAG || crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, (const unsigned char *)sealed.p,
                                                                       n, c->ahead, AHEAD, nonce, c->key))
            return damaged(e, "a part of it was changed or is missing");
        out += n - SEAL_TAG;
        sealed = str_skip(sealed, n);
    }
    return ERR_OK;
}

enum err_code seal_file_open_bytes(struct keyring *k, struct str about, struct str sealed, struct str *out,
                                   struct err *e)
{
    struct chunks c;
    *out = STR_NONE;
    enum err_code rc = chunks_read_head(&c, k, about, sealed, e);
    if (rc)
        return rc;
    struct str body = str_skip(sealed, SEAL_FILE_HEAD);
    size_t chunks = (body.n + SEALED_CHUNK - 1) / SEALED_CHUNK;
    if (body.n < chunks * SEAL_TAG)
        return damaged(e, "it is cut short");
    size_t n = body.n - chunks * SEAL_TAG;
    unsigned char *plain = seal_memory(n);
    if (!plain)
        return err_nomem(e);
    rc = open_chunks(&c, body, plain, e);
    if (rc || !n) {
        sodium_memzero(plain, n);
        (void)munmap(plain, n ? n : 1);
        *out = rc ? STR_NONE : STR("");
    } else {
        *out = (struct str){(const char *)plain, n};
    }
    return rc;
}

enum err_code seal_file_open(struct keyring *k, struct str about, const char *path, size_t max, struct str *out,
                             struct err *e)
{
    struct str map;
    *out = STR_NONE;
    enum err_code rc = file_map(path, max, &map, e);
    if (rc)
        return rc;
    rc = seal_file_open_bytes(k, about, map, out, e);
    file_unmap(map);
    return rc;
}

/* ---- chunk by chunk ---- */

struct seal_reader {
    struct chunks chunks;
    int fd;
    uint64_t size, n; /* plain bytes; chunks */
};

static enum err_code reader_begin(struct seal_reader *r, struct keyring *k, struct str about, struct err *e)
{
    char head[SEAL_FILE_HEAD + SEAL_TAG];
    int64_t size;
    size_t got;
    bool gone;
    enum err_code rc = file_look(r->fd, &size, &gone, e);
    if (!rc)
        rc = file_read_at(r->fd, 0, head, sizeof head, &got, e);
    if (!rc && !k)
        rc = damaged(e, "its keys are not there");
    if (!rc)
        rc = chunks_read_head(&r->chunks, k, about, (struct str){head, got}, e);
    if (rc)
        return rc;
    uint64_t body = (uint64_t)size - SEAL_FILE_HEAD;
    r->n = (body - 1) / SEALED_CHUNK + 1;
    r->size = body - r->n * SEAL_TAG;
    return body >= r->n * SEAL_TAG && seal_file_size(r->size) == (uint64_t)size ? ERR_OK
                                                                                : damaged(e, "it is cut short");
}

enum err_code seal_reader_new(struct keyring *k, struct str about, int fd, struct seal_reader **out, struct err *e)
{
    struct seal_reader *r = mem_zalloc(sizeof *r);
    *out = NULL;
    if (!r)
        return err_nomem(e);
    r->fd = fd;
    enum err_code rc = reader_begin(r, k, about, e);
    if (rc)
        mem_free(r);
    else
        *out = r;
    return rc;
}

void seal_reader_free(struct seal_reader *r)
{
    mem_free(r);
}

uint64_t seal_reader_size(const struct seal_reader *r)
{
    return r->size;
}

uint32_t seal_reader_epoch(const struct seal_reader *r)
{
    return get32(r->chunks.ahead + AT_EPOCH);
}

enum err_code seal_reader_chunk(const struct seal_reader *r, uint64_t i, void *out, struct err *e)
{
    unsigned char sealed[SEALED_CHUNK], ahead[AHEAD], nonce[SEAL_NONCE];
    struct seal_nonces nonces = r->chunks.nonces;
    size_t got;
    if (i >= r->n)
        return damaged(e, "it has no such part");
    size_t n = (size_t)(i + 1 < r->n ? SEAL_CHUNK : r->size - i * SEAL_CHUNK) + SEAL_TAG;
    enum err_code rc = file_read_at(r->fd, (int64_t)(SEAL_FILE_HEAD + i * SEALED_CHUNK), sealed, n, &got, e);
    if (rc)
        return rc;
    memcpy(ahead, r->chunks.ahead, sizeof ahead);
    ahead[SEAL_FILE_HEAD] = i + 1 == r->n;
    nonces.next = i;
    seal_nonces_next(&nonces, nonce);
    if (got < n ||
        crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed, n, ahead, AHEAD, nonce, r->chunks.key))
        return damaged(e, "a part of it was changed or is missing");
    return ERR_OK;
}

/* ---- small files ---- */

static enum err_code seal_whole(struct keyring *k, struct str about, struct str plain, struct buf *out)
{
    struct chunks c;
    chunks_begin(&c, k, about);
    buf_put(out, c.ahead, SEAL_FILE_HEAD);
    do {
        size_t n = plain.n < SEAL_CHUNK ? plain.n : SEAL_CHUNK;
        unsigned char *room = (unsigned char *)buf_room(out, n + SEAL_TAG);
        if (!room)
            return ERR_NOMEM;
        chunk_seal(&c, plain.p, n, n == plain.n, room);
        buf_added(out, n + SEAL_TAG);
        plain = str_skip(plain, n);
    } while (plain.n);
    return out->failed ? ERR_NOMEM : ERR_OK;
}

enum err_code seal_file_write(struct keyring *k, struct str about, const char *path, struct str plain, struct err *e)
{
    struct buf b;
    if (!keyring_seals(k))
        return file_write_atomic(path, plain, e);
    buf_init(&b, SIZE_MAX / 2);
    enum err_code rc = seal_whole(k, about, plain, &b) ? err_nomem(e) : file_write_atomic(path, buf_view(&b), e);
    buf_release(&b);
    return rc;
}

bool seal_state_demands(enum seal_state state)
{
    return state == SEAL_SEALED || state == SEAL_CHANGING;
}

enum err_code seal_file_read(struct keyring *k, struct str about, const char *path, size_t max, struct buf *out,
                             struct err *e)
{
    struct buf b;
    struct str plain = STR_NONE;
    buf_init(&b, SIZE_MAX / 2);
    enum err_code rc = file_read_all(path, max, &b, e);
    enum seal_state state = keyring_state(k);
    if (!rc && k && seal_file_is(buf_view(&b))) {
        rc = seal_file_open_bytes(k, about, buf_view(&b), &plain, e);
        buf_str(out, plain);
        seal_file_release(plain);
    } else if (!rc && seal_state_demands(state)) {
        rc = err_set(e, ERR_CORRUPT, NULL, "%.180s is not sealed, as all is here", path);
    } else if (!rc) {
        buf_str(out, buf_view(&b));
    }
    buf_release(&b);
    return !rc && out->failed ? err_nomem(e) : rc;
}
