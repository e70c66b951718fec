/* Opening a segment and looking things up in its tables. Every access is bounds-checked here, and checksummed when it
 * comes from a file: what is damaged makes the segment `bad` and is reported, never used. */
#include "index/segment.h"

#include "base/crc.h"
#include "base/file.h"
#include "base/mem.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char MAGIC[8] = "CAIRNSEG";
static const int64_t SEQ_MOST = INT64_MAX / 2;
enum { WORD = 64 };

enum err_code segment_bad(struct segment *s, struct err *e)
{
    atomic_store(&s->bad, true);
    return err_set(e, ERR_CORRUPT, NULL, "a segment of the index is damaged");
}

/* ---- sealed files ---- */
struct str segment_about(char out[SEGMENT_ABOUT], uint64_t name)
{
    (void)snprintf(out, SEGMENT_ABOUT, "index segment %016" PRIx64, name);
    return str_of(out);
}

static bool bit_is_set(_Atomic uint64_t *bits, uint64_t i)
{
    return atomic_load_explicit(&bits[i / WORD], memory_order_acquire) >> (i % WORD) & 1;
}

/* Chunk i into the room, once: others may be reading it from then on. Plain files are there as they are. */
static bool open_chunk(struct segment *s, uint64_t i)
{
    if (!s->sealed || bit_is_set(s->opened, i))
        return true;
    pthread_mutex_lock(&s->opening);
    bool right = bit_is_set(s->opened, i) ||
                 seal_reader_chunk(s->sealed, i, (uint8_t *)s->room + i * SEAL_CHUNK, NULL) == ERR_OK;
    if (right)
        atomic_fetch_or_explicit(&s->opened[i / WORD], (uint64_t)1 << (i % WORD), memory_order_release);
    pthread_mutex_unlock(&s->opening);
    return right;
}

static bool open_from(struct segment *s, uint64_t at, uint64_t size)
{
    for (uint64_t i = at / SEAL_CHUNK; i * SEAL_CHUNK < size; i++)
        if (!open_chunk(s, i))
            return false;
    return true;
}

/* ---- checksums ---- */
static uint64_t chunk_count(const struct segment_foot *f)
{
    return (f->part[PART_CHUNKS][0] + SEGMENT_CHUNK - 1) / SEGMENT_CHUNK;
}

static bool check_chunk(struct segment *s, uint64_t i)
{
    uint32_t want;
    uint64_t from = i * SEGMENT_CHUNK, end = s->foot.part[PART_CHUNKS][0];
    uint64_t n = end - from < SEGMENT_CHUNK ? end - from : SEGMENT_CHUNK;
    if (!open_chunk(s, i))
        return false;
    memcpy(&want, s->p + end + i * sizeof want, sizeof want);
    if (crc32c(s->p + from, (size_t)n) != want)
        return false;
    atomic_fetch_or_explicit(&s->checked[i / WORD], (uint64_t)1 << (i % WORD), memory_order_release);
    return true;
}

bool segment_touch(struct segment *s, uint64_t at, uint64_t n)
{
    uint64_t end = s->foot.part[PART_CHUNKS][0];
    if (at > end || n > end - at)
        return segment_bad(s, NULL) == ERR_OK;
    if (!s->checked || n == 0)
        return true;
    for (uint64_t i = at / SEGMENT_CHUNK; i <= (at + n - 1) / SEGMENT_CHUNK; i++) {
        if (!bit_is_set(s->checked, i) && !check_chunk(s, i))
            return segment_bad(s, NULL) == ERR_OK;
    }
    return true;
}

/* ---- opening ---- */
static const size_t ELEMENT[PART_COUNT] = {
    [PART_SEQ] = 4,          [PART_TIME] = 8,         [PART_TURN] = 4,           [PART_CONVERSATION] = 4,
    [PART_AGENT] = 4,        [PART_LENGTH] = 1,       [PART_FLAGS] = 1,          [PART_BY_SEQ] = 4,
    [PART_SESSIONS] = 40,    [PART_SESSION_HASH] = 4, [PART_CONVERSATIONS] = 32, [PART_CONVERSATION_HASH] = 4,
    [PART_AGENTS] = 8,       [PART_NAMES] = 1,        [PART_POSTINGS] = 1,       [PART_TERMS] = 1,
    [PART_TERM_BLOCKS] = 16, [PART_CHUNKS] = 4};

/* How many elements a part must have; UINT64_MAX: any number. */
static uint64_t elements(const struct segment_foot *f, enum part p)
{
    switch (p) {
    case PART_SESSIONS:
    case PART_SESSION_HASH:
        return f->n_sessions;
    case PART_CONVERSATIONS:
    case PART_CONVERSATION_HASH:
        return f->n_conversations;
    case PART_AGENTS:
        return f->n_agents;
    case PART_TERM_BLOCKS:
        return ((uint64_t)f->n_terms + TERM_BLOCK - 1) / TERM_BLOCK;
    case PART_NAMES:
    case PART_POSTINGS:
    case PART_TERMS:
    case PART_COUNT:
        return UINT64_MAX;
    case PART_CHUNKS:
        return chunk_count(f);
    default:
        return f->n_docs;
    }
}

static bool parts_fit(const struct segment_foot *f)
{
    uint64_t end = f->size - sizeof *f;
    for (int p = 0; p < PART_COUNT; p++) {
        uint64_t at = f->part[p][0], n = f->part[p][1], want = elements(f, (enum part)p);
        if (at > end || n > end - at || at % 8 != 0 || (p < PART_CHUNKS && at + n > f->part[PART_CHUNKS][0]) ||
            (want != UINT64_MAX && n != want * ELEMENT[p]))
            return false;
    }
    return f->part[PART_CHUNKS][0] + f->part[PART_CHUNKS][1] == end;
}

/* So that sums and differences of them fit their type. */
static bool seqs_fit(const struct segment_foot *f)
{
    return f->from >= 0 && f->to >= f->from && f->to <= SEQ_MOST && f->base >= 0 && f->base <= SEQ_MOST;
}

static bool read_foot(struct segment *s, size_t n)
{
    struct segment_foot *f = &s->foot;
    if (n < sizeof *f || !open_from(s, n - sizeof *f, n))
        return false;
    memcpy(f, s->p + n - sizeof *f, sizeof *f);
    return memcmp(f->magic, MAGIC, sizeof MAGIC) == 0 && f->format == SEGMENT_FORMAT && f->size == n &&
           f->crc == crc32c(f, offsetof(struct segment_foot, crc)) && f->n_docs <= SEGMENT_DOCS_MAX && seqs_fit(f) &&
           parts_fit(f) && open_from(s, f->part[PART_CHUNKS][0], n) &&
           f->chunks_crc == crc32c(s->p + f->part[PART_CHUNKS][0], (size_t)f->part[PART_CHUNKS][1]);
}

static size_t words_for(uint64_t bits)
{
    return (size_t)((bits + WORD - 1) / WORD + 1);
}

static enum err_code make_bitmaps(struct segment *s, bool checked, struct err *e)
{
    s->dead = mem_zalloc(words_for(s->foot.n_docs) * sizeof *s->dead);
    if (checked)
        s->checked = mem_zalloc(words_for(chunk_count(&s->foot)) * sizeof *s->checked);
    return s->dead && (s->checked || !checked) ? ERR_OK : err_nomem(e);
}

static struct segment *segment_new(void)
{
    struct segment *s = mem_zalloc(sizeof *s);
    if (s) {
        atomic_init(&s->refs, 1);
        s->fd = -1;
        pthread_mutex_init(&s->opening, NULL);
    }
    return s;
}

enum err_code segment_of_memory(char *bytes, size_t n, struct segment **out, struct err *e)
{
    struct segment *s = segment_new();
    *out = NULL;
    if (!s) {
        mem_free(bytes);
        return err_nomem(e);
    }
    s->memory = bytes;
    s->p = (const uint8_t *)bytes;
    enum err_code code = read_foot(s, n) ? make_bitmaps(s, false, e) : segment_bad(s, e);
    if (code)
        segment_drop(s);
    else
        *out = s;
    return code;
}

/* Whole chunks of room, for a file that is opened as it is used. */
static enum err_code make_room(struct segment *s, struct keyring *keys, uint64_t size, struct err *e)
{
    char about[SEGMENT_ABOUT];
    uint64_t chunks = (size + SEAL_CHUNK - 1) / SEAL_CHUNK;
    enum err_code code = seal_reader_new(keys, segment_about(about, s->name), s->fd, &s->sealed, e);
    if (code)
        return code;
    s->opened = mem_zalloc(words_for(chunks) * sizeof *s->opened);
    s->room_n = (size_t)(chunks * SEAL_CHUNK);
    s->room = s->opened ? seal_memory(s->room_n) : NULL;
    s->p = s->room;
    return s->room ? ERR_OK : err_nomem(e);
}

static enum err_code map_file(struct segment *s, uint64_t size, struct err *e)
{
    struct str map;
    enum err_code code = file_map_fd(s->fd, (size_t)size, &map, e);
    if (code)
        return code;
    s->p = (const uint8_t *)map.p;
    return ERR_OK;
}

/* Whole chunks only, and never the table of checksums: chunks are checked by it without a look whether it is there. */
void segment_let_go(struct segment *s, enum part from)
{
    uint64_t first = (s->foot.part[from][0] + SEGMENT_CHUNK - 1) / SEGMENT_CHUNK;
    uint64_t end = s->foot.part[PART_CHUNKS][0] / SEGMENT_CHUNK;
    if (s->fd < 0 || !s->p || (s->sealed && !s->alone) || first >= end)
        return;
    (void)madvise((void *)(uintptr_t)(s->p + first * SEGMENT_CHUNK), (size_t)(end - first) * SEGMENT_CHUNK,
                  MADV_DONTNEED);
    for (uint64_t i = first; s->sealed && i < end; i++) {
        uint64_t all_but = ~((uint64_t)1 << (i % WORD));
        atomic_fetch_and_explicit(&s->opened[i / WORD], all_but, memory_order_relaxed);
        atomic_fetch_and_explicit(&s->checked[i / WORD], all_but, memory_order_relaxed);
    }
}

/* A sealed file is told from a plain one by its size: both follow from that of what is in it. */
static enum err_code take_file(struct segment *s, struct keyring *keys, const char *path, uint64_t size, struct err *e)
{
    int64_t found;
    bool gone;
    s->fd = file_open_read(path, e);
    if (s->fd < 0)
        return e->code;
    enum err_code code = file_look(s->fd, &found, &gone, e);
    if (code)
        return code;
    if (found < 0 || size < sizeof s->foot || size > INT64_MAX / 2)
        return segment_bad(s, e);
    if (keys && (uint64_t)found == seal_file_size(size))
        return make_room(s, keys, size, e);
    return (uint64_t)found == size && !seal_state_demands(keyring_state(keys)) ? map_file(s, size, e)
                                                                               : segment_bad(s, e);
}

static enum err_code open_file(struct segment *s, struct keyring *keys, const char *path, uint64_t size,
                               uint32_t foot_crc, struct err *e)
{
    enum err_code code = take_file(s, keys, path, size, e);
    if (code)
        return code;
    bool right = read_foot(s, (size_t)size) && s->foot.crc == foot_crc;
    s->foot.size = size; /* so that it is unmapped whatever the foot says */
    if (!s->sealed)      /* the foot was read, and with it what the system keeps together with it */
        (void)madvise((void *)(uintptr_t)s->p, (size_t)size, MADV_DONTNEED);
    return right ? make_bitmaps(s, true, e) : segment_bad(s, e);
}

enum err_code segment_open(struct keyring *keys, const char *path, uint64_t name, uint64_t size, uint32_t foot_crc,
                           struct segment **out, struct err *e)
{
    struct err own = {0};
    struct segment *s = segment_new();
    *out = NULL;
    if (!s)
        return err_nomem(e);
    s->name = name;
    enum err_code code = open_file(s, keys, path, size, foot_crc, &own);
    if (code == ERR_OK) {
        *out = s;
        return ERR_OK;
    }
    segment_drop(s);
    return err_set(e, code, NULL, "%s", own.message);
}

struct segment *segment_hold(struct segment *s)
{
    atomic_fetch_add(&s->refs, 1);
    return s;
}

void segment_drop(struct segment *s)
{
    if (!s || atomic_fetch_sub(&s->refs, 1) > 1)
        return;
    if (s->memory)
        mem_free(s->memory);
    else if (s->sealed)
        seal_memory_free(s->room, s->room_n);
    else if (s->p)
        file_unmap((struct str){(const char *)s->p, (size_t)s->foot.size});
    if (s->fd >= 0)
        close(s->fd);
    seal_reader_free(s->sealed);
    pthread_mutex_destroy(&s->opening);
    mem_free((void *)s->opened);
    mem_free((void *)s->checked);
    mem_free((void *)s->dead);
    mem_free(s);
}

bool segment_is_current(const struct segment *s, const struct keyring *keys)
{
    return keyring_seals(keys) ? s->sealed && seal_reader_epoch(s->sealed) == keyring_epoch(keys) : !s->sealed;
}

bool segment_whole(struct segment *s)
{
    int64_t size;
    bool gone;
    struct err ignored = {0};
    if (s->fd < 0 || file_look(s->fd, &size, &gone, &ignored) || (uint64_t)size >= s->foot.size)
        return true;
    return segment_bad(s, NULL) == ERR_OK;
}

/* ---- tables ---- */
const void *segment_part(struct segment *s, enum part p, uint64_t i, uint64_t n, size_t size)
{
    uint64_t at = s->foot.part[p][0], have = s->foot.part[p][1] / size;
    if (i > have || n > have - i) {
        (void)segment_bad(s, NULL);
        return NULL;
    }
    at += i * size;
    return segment_touch(s, at, n * size) ? s->p + at : NULL;
}

bool segment_name(struct segment *s, struct name_ref r, struct str *out)
{
    const char *p = segment_part(s, PART_NAMES, r.at, r.n, 1);
    *out = (struct str){p, p ? r.n : 0};
    return p != NULL;
}

uint64_t name_hash(struct str s)
{
    uint64_t h = 0xcbf29ce484222325; /* FNV-1a, then mixed: its low bits alone are poor */
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93;
    return h ^ h >> 32;
}

static const void *row_at(struct segment *s, enum part rows, uint32_t i)
{
    return segment_part(s, rows, i, 1, ELEMENT[rows]);
}

/* Both kinds of row begin with their hash. The first place in the order of hashes that is not below. */
static uint32_t first_of_hash(struct segment *s, enum part order, enum part rows, uint32_t n, uint64_t hash)
{
    uint32_t low = 0, high = n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const uint32_t *i = row_at(s, order, middle);
        const uint64_t *h = i ? row_at(s, rows, *i) : NULL;
        if (!h)
            return n;
        if (*h < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool segment_find_session(struct segment *s, struct str id, uint32_t *at, const struct session_row **out)
{
    uint64_t hash = name_hash(id);
    if (*at == 0)
        *at = first_of_hash(s, PART_SESSION_HASH, PART_SESSIONS, s->foot.n_sessions, hash);
    while (*at < s->foot.n_sessions) {
        struct str found;
        const uint32_t *i = row_at(s, PART_SESSION_HASH, *at);
        const struct session_row *row = i ? row_at(s, PART_SESSIONS, *i) : NULL;
        if (!row || row->hash != hash)
            return false;
        ++*at;
        if (!segment_name(s, row->id, &found))
            return false;
        if (!str_eq(found, id))
            continue;
        if (row->first > s->foot.n_docs || row->n > s->foot.n_docs - row->first)
            return segment_bad(s, NULL) == ERR_OK;
        *out = row;
        return true;
    }
    return false;
}

const struct conversation_row *segment_find_conversation(struct segment *s, uint64_t hash)
{
    uint32_t n = s->foot.n_conversations;
    uint32_t at = first_of_hash(s, PART_CONVERSATION_HASH, PART_CONVERSATIONS, n, hash);
    const uint32_t *i = at < n ? row_at(s, PART_CONVERSATION_HASH, at) : NULL;
    const struct conversation_row *row = i ? row_at(s, PART_CONVERSATIONS, *i) : NULL;
    if (!row || row->hash != hash)
        return NULL;
    if (row->first > s->foot.n_docs || row->n > s->foot.n_docs - row->first) {
        (void)segment_bad(s, NULL);
        return NULL;
    }
    return row;
}

bool segment_find_seq(struct segment *s, int64_t seq, uint32_t *doc)
{
    uint32_t low = 0, high = s->foot.n_docs;
    if (seq <= s->foot.from || seq > s->foot.to)
        return false;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const uint32_t *d = row_at(s, PART_BY_SEQ, middle);
        const uint32_t *have = d ? row_at(s, PART_SEQ, *d) : NULL;
        if (!have)
            return false;
        int64_t found = s->foot.base + *have;
        *doc = *d;
        if (found == seq)
            return true;
        if (found < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* ---- what the store does not have any more ---- */
bool segment_is_dead(const struct segment *s, uint32_t doc)
{
    return atomic_load_explicit(&s->dead[doc / WORD], memory_order_relaxed) >> (doc % WORD) & 1;
}

void segment_set_dead(struct segment *s, uint32_t doc)
{
    uint64_t bit = (uint64_t)1 << (doc % WORD);
    if (!(atomic_fetch_or_explicit(&s->dead[doc / WORD], bit, memory_order_relaxed) & bit))
        atomic_fetch_add_explicit(&s->n_dead, 1, memory_order_relaxed);
}

/* ---- lengths: a twentieth more each, so that a short text is told from a long one and a code fits a byte ---- */
int length_code(size_t bytes)
{
    int code = (int)lround(log1p((double)bytes / LENGTH_UNIT) / log(LENGTH_STEP));
    return code < LENGTH_NONE ? code : LENGTH_NONE - 1;
}

uint32_t length_bytes(int code)
{
    return (uint32_t)lround(LENGTH_UNIT * (pow(LENGTH_STEP, code) - 1));
}

/* ---- the whole ---- */
static bool rows_are_right(struct segment *s)
{
    uint32_t docs = 0, doc;
    struct str id;
    for (uint32_t i = 0; i < s->foot.n_conversations; i++) {
        const struct conversation_row *c = row_at(s, PART_CONVERSATIONS, i);
        if (!c || c->first != docs || c->n > s->foot.n_docs - docs || c->session >= s->foot.n_sessions ||
            !segment_name(s, c->id, &id) || name_hash(id) != c->hash || segment_find_conversation(s, c->hash) == NULL)
            return false;
        docs += c->n;
    }
    for (uint32_t i = 0; i < s->foot.n_docs; i++) {
        const uint32_t *seq = row_at(s, PART_SEQ, i), *agent = row_at(s, PART_AGENT, i);
        if (!seq || !agent || *agent >= s->foot.n_agents || !segment_find_seq(s, s->foot.base + *seq, &doc) || doc != i)
            return false;
    }
    return docs == s->foot.n_docs;
}

static bool lists_are_right(struct segment *s)
{
    struct term_walk w;
    struct cursor c;
    uint32_t n = 0;
    term_walk_begin(s, &w);
    while (term_walk_next(&w)) {
        uint32_t postings = 0;
        if (!cursor_open(&c, s, w.list))
            return false;
        for (uint32_t b = 0; b < c.n_blocks; b++) {
            if (!cursor_load(&c, b))
                return false;
            postings += c.n;
        }
        if (postings != w.list.df)
            return false;
        n++;
    }
    return n == s->foot.n_terms;
}

enum err_code segment_check(struct segment *s, struct err *e)
{
    if (!segment_whole(s) || !segment_touch(s, 0, s->foot.part[PART_CHUNKS][0]) || !rows_are_right(s) ||
        !lists_are_right(s) || atomic_load(&s->bad))
        return segment_bad(s, e);
    return ERR_OK;
}
