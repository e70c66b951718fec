/* Any bytes over the sealed files of the index, of a store whose keys are right: over a segment, over blocks of vectors
 * and over rows of their tail. What was changed never passes for whole, nothing crashes, and vectors that a writer has
 * taken over are whole again. Input: which file (one byte), where (two), what. */
#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "index/engine.h"
#include "index/vectors_int.h"
#include "seal/keyring_int.h"
#include "store/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DIMENSIONS = 8, ROWS = 300, TURNS = 12, HEAD = 3 };

static char dir[64];
static struct store store; /* nothing of it but the keyring */
static struct file {
    char path[128];
    struct buf whole;
} segment, bin, tail;
static struct sink_done segment_done;

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void keep(struct file *f)
{
    buf_init(&f->whole, 0);
    must(file_read_all(f->path, 1 << 24, &f->whole, NULL) == ERR_OK);
}

static void make_segment(void)
{
    struct turn turns[TURNS];
    struct segment *s;
    for (int64_t i = 0; i < TURNS; i++)
        turns[i] = (struct turn){.seq = i + 1,
                                 .turn_number = i + 1,
                                 .id = STR("turn_x"),
                                 .conversation_id = STR("conv_1"),
                                 .session_id = STR("sess_1"),
                                 .project = STR("p"),
                                 .role = STR("user"),
                                 .content = STR("word1 word2 word3 and some more")};
    must(segment_build(turns, TURNS, 0, TURNS, &s, NULL) == ERR_OK);
    const struct merge m = {
        .from = &s, .n = 1, .to = {.path = segment.path, .pace = 1 << 30, .keys = store.keyring, .name = 1}};
    must(segment_merge(&m, &segment_done, NULL) == ERR_OK);
    segment_drop(s);
    keep(&segment);
}

static struct vectors *open_vectors(void)
{
    struct vectors *v;
    const struct vectors_options o = {dir, "fuzz@00", DIMENSIONS, false, &store};
    must(vectors_open(&o, &v, NULL) == ERR_OK);
    return v;
}

static void add(struct vectors *v, size_t n)
{
    struct vectors_state s;
    must(vectors_claim(v, NULL) == ERR_OK);
    vectors_state(v, &s);
    for (size_t i = 0; i < n; i++) {
        const float q[DIMENSIONS] = {1, (float)i / 300.0F, -0.5F};
        const struct vector_row row = {
            .seq = s.last + 1 + (int64_t)i, .turn_id = STR("t"), .session_id = STR("s"), .v = q};
        must(vectors_append(v, &row, 1, NULL) == ERR_OK);
    }
}

static void make(void)
{
    const struct seal_secret secret = {.key = STR("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff")};
    strcpy(dir, "/tmp/cairn-fuzz-index-XXXXXX");
    must(mkdtemp(dir) != NULL);
    (void)snprintf(segment.path, sizeof segment.path, "%s/segment", dir);
    (void)snprintf(bin.path, sizeof bin.path, "%s/index/vectors-00.bin", dir);
    (void)snprintf(tail.path, sizeof tail.path, "%s/index/vectors-00.tail", dir);
    char index[80];
    (void)snprintf(index, sizeof index, "%s/index", dir);
    must(file_mkdirs(index, NULL) == ERR_OK);
    store.dir = dir;
    struct keyring *keys;
    must(keyring_make(dir, &secret, SEAL_SEALED, &keys, NULL) == ERR_OK);
    store.keyring = keys;
    make_segment();
    struct vectors *v = open_vectors();
    add(v, ROWS);
    vectors_close(v);
    keep(&bin);
    keep(&tail);
}

/* The file as it was, with the input over it from `at` on; whether that changes it. */
static bool put_over(const struct file *f, size_t at, struct str over)
{
    const struct str whole = buf_view(&f->whole);
    char *bytes = mem_alloc(whole.n);
    must(bytes != NULL);
    memcpy(bytes, whole.p, whole.n);
    at %= whole.n;
    over = str_take(over, whole.n - at);
    if (over.n)
        memcpy(bytes + at, over.p, over.n);
    const bool changed = memcmp(bytes, whole.p, whole.n) != 0;
    FILE *out = fopen(f->path, "wb");
    must(out && fwrite(bytes, 1, whole.n, out) == whole.n && fclose(out) == 0);
    mem_free(bytes);
    return changed;
}

static void look_at_segment(bool changed)
{
    struct segment *s = NULL;
    struct list l;
    bool whole =
        segment_open(store.keyring, segment.path, 1, segment_done.size, segment_done.foot_crc, &s, NULL) == ERR_OK;
    if (whole) {
        (void)terms_find(s, STR("word1"), &l);
        whole = segment_check(s, NULL) == ERR_OK;
    }
    segment_drop(s);
    must(whole != changed);
}

static void search(struct vectors *v)
{
    static const float q[DIMENSIONS] = {0.5F, -0.5F, 0.5F, 0.1F, -0.1F, 0.3F, 0.2F, 0.1F};
    const struct vector_query query = {.v = q, .best = 400};
    struct vector_hit hits[VECTORS_BEST_MAX];
    size_t n;
    must(vectors_search(v, &query, hits, &n, NULL) == ERR_OK && n <= ROWS + 1);
}

static void look_at_vectors(bool changed)
{
    struct vectors *v = open_vectors();
    search(v);
    const bool whole = vectors_check(v, NULL) == ERR_OK;
    must(whole || changed);
    add(v, 1);
    search(v);
    must(vectors_check(v, NULL) == ERR_OK);
    vectors_close(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!dir[0])
        make();
    if (size < HEAD)
        return 0;
    const size_t at = (size_t)(data[1] | data[2] << 8);
    const struct str over = {(const char *)data + HEAD, size - HEAD}, none = STR_NONE;
    const struct file *f = data[0] % 3 == 0 ? &segment : data[0] % 3 == 1 ? &bin : &tail;
    if (f == &segment) {
        look_at_segment(put_over(f, at, over));
        return 0;
    }
    const bool other = put_over(f == &bin ? &tail : &bin, 0, none), changed = put_over(f, at, over);
    look_at_vectors(other || changed);
    return 0;
}
