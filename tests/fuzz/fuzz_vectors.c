/* Any bytes as the files of vectors: opened, searched, written to and searched again without a wrong step, and what a
 * check finds right stays so. The first two bytes say how many of the rest are the tail; with the third odd, checksums
 * are made right first, so that what lies behind them is reached. */
#include "base/crc.h"
#include "base/file.h"
#include "base/mem.h"
#include "index/vectors_int.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DIMENSIONS = 8, WIDTH = 64, HEAD = 3 };

static void must(bool ok)
{
    if (!ok)
        abort();
}

static const char *folder(void)
{
    static char dir[64];
    if (!dir[0]) {
        strcpy(dir, "/tmp/cairn-fuzz-vectors-XXXXXX");
        must(mkdtemp(dir) != NULL);
        char path[128];
        snprintf(path, sizeof path, "%s/index", dir);
        must(file_mkdirs(path, NULL) == ERR_OK);
    }
    return dir;
}

static void put(const char *end, const char *p, size_t n)
{
    char path[160];
    snprintf(path, sizeof path, "%s/index/vectors-00.%s", folder(), end);
    FILE *f = fopen(path, "wb");
    must(f && fwrite(p, 1, n, f) == n && fclose(f) == 0);
}

/* Heads, numbers and checksums as a writer would have put them; what they are sums of stays as it is. */
static void make_right(const struct vectors *v, char *bin, size_t n_bin, char *tail, size_t n_tail)
{
    struct file_head fh = vectors_head(v, 0, 7);
    size_t bytes = block_bytes(WIDTH), row = tail_row_bytes(WIDTH);
    memcpy(bin, &fh, n_bin < sizeof fh ? n_bin : sizeof fh);
    for (size_t k = 0; sizeof fh + (k + 1) * bytes <= n_bin; k++) {
        char *p = bin + sizeof fh + k * bytes;
        struct block_head h;
        memcpy(&h, p, sizeof h);
        h.magic = VECTOR_BLOCK_MAGIC;
        h.number = k;
        h.birth = fh.birth;
        block_seal(p, WIDTH, &h);
    }
    struct tail_head th = vectors_tail_head(v, 0, fh.birth, 9, 0);
    memcpy(tail, &th, n_tail < sizeof th ? n_tail : sizeof th);
    for (char *p = tail + sizeof th; n_tail >= sizeof th && (size_t)(tail + n_tail - p) >= row; p += row) {
        memcpy(p, &th.round, sizeof th.round);
        tail_row_seal(p, WIDTH);
    }
}

static void search(struct vectors *v)
{
    static const float q[DIMENSIONS] = {0.5F, -0.5F, 0.5F, 0.1F, -0.1F, 0.3F, 0.2F, 0.1F};
    static const uint64_t bits[2] = {0x5555555555555555u, UINT64_MAX};
    static const struct vector_set set = {-3, 128, bits};
    const struct vector_query queries[] = {{.v = q, .best = 10},
                                           {.v = q, .best = 1000, .session_id = STR("s")},
                                           {.v = q, .best = 300, .only = &set, .from = 1, .to = 1000000},
                                           {.v = q, .best = 3, .project = STR("p"), .except_conversation = STR("c")}};
    static const int64_t seqs[] = {INT64_MIN, 0, 1, 2, 300, INT64_MAX};
    struct vector_hit hits[VECTORS_BEST_MAX];
    float scores[6];
    size_t n;
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        must(vectors_search(v, &queries[i], hits, &n, NULL) == ERR_OK && n <= queries[i].best);
        for (size_t k = 0; k < n; k++)
            must(!isnan(hits[k].score));
    }
    must(vectors_scores(v, q, seqs, 6, scores, NULL) == ERR_OK);
}

static void add(struct vectors *v)
{
    static const float q[DIMENSIONS] = {1};
    struct vectors_state s;
    vectors_state(v, &s);
    if (s.last == INT64_MAX)
        return;
    struct vector_row row = {.seq = s.last + 1, .turn_id = STR("t"), .v = q};
    must(vectors_append(v, &row, 1, NULL) == ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vectors *v;
    const struct vectors_options o = {folder(), "fuzz@00", DIMENSIONS, false, NULL};
    if (size < HEAD)
        return 0;
    must(vectors_open(&o, &v, NULL) == ERR_OK);
    size_t n_tail = (size_t)(data[0] | data[1] << 8), left = size - HEAD;
    n_tail = n_tail < left ? n_tail : left;
    char *all = mem_alloc(left + 1), *bin = mem_alloc(left - n_tail + 1);
    memcpy(all, data + HEAD, n_tail);
    memcpy(bin, data + HEAD + n_tail, left - n_tail);
    if (data[2] & 1)
        make_right(v, bin, left - n_tail, all, n_tail);
    put("bin", bin, left - n_tail);
    put("tail", all, n_tail);
    search(v);
    (void)vectors_check(v, NULL);
    add(v);
    search(v);
    must(vectors_check(v, NULL) == ERR_OK);
    vectors_close(v);
    mem_free(all);
    mem_free(bin);
    return 0;
}
