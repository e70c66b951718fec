/* Any bytes as a segment whose checksums are right (they are made right here, or nothing would come past them): opened,
 * searched, checked and merged without harm, whatever its tables and lists say. */
#include "base/crc.h"
#include "base/mem.h"
#include "index/engine.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BYTES_MAX = 1 << 20 };

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* The input as a segment: sizes and checksums that only say what is there are set right. */
static char *seal(const uint8_t *data, size_t size)
{
    struct segment_foot foot;
    char *bytes = mem_alloc(size);
    memcpy(bytes, data, size);
    memcpy(&foot, bytes + size - sizeof foot, sizeof foot);
    memcpy(foot.magic, "CAIRNSEG", sizeof foot.magic);
    foot.format = SEGMENT_FORMAT;
    foot.size = size;
    const uint64_t *chunks = foot.part[PART_CHUNKS];
    if (chunks[0] <= size && chunks[1] <= size - chunks[0])
        foot.chunks_crc = crc32c(bytes + chunks[0], chunks[1]);
    foot.crc = crc32c(&foot, offsetof(struct segment_foot, crc));
    memcpy(bytes + size - sizeof foot, &foot, sizeof foot);
    return bytes;
}

/* Every document, as a search comes by them. */
static void search(struct segment *s, struct arena *a)
{
    const struct str terms[] = {STR("word1"), STR("word3"), STR("@ann")};
    struct index_query q = {.terms = terms, .n_terms = 3, .limit = 10, .around = 2, .session_id = STR("sess_1")};
    for (int all = 0; all < 2; all++, q.session_id = STR_NONE) {
        struct part_of part = {.s = s};
        struct index_hits hits = {0};
        struct located best[10];
        size_t n = 0;
        struct ranking r = {.q = &q, .parts = &part, .n_parts = 1, .limit = 10};
        if (extent_make(a, &q, &part, NULL) != ERR_OK)
            return;
        part.lists = arena_array(a, struct list, 3);
        for (size_t k = 0; k < 3; k++)
            if (!terms_find(s, terms[k], &part.lists[k]))
                return;
        r.turns = part.turns;
        r.bytes = part.bytes;
        if (rank_weigh(&r, NULL) != ERR_OK || rank_run(&r, a, NULL) != ERR_OK)
            return;
        for (; n < r.n; n++)
            if (!place_of(&r, 0, r.best[n].doc, &best[n]))
                return;
        (void)places_hand_over(&r, a, a, best, n, &hits, NULL);
    }
}

static void merge(struct segment *s)
{
    struct sink_done done;
    struct segment *again = NULL;
    struct merge m = {.from = &s, .n = 1};
    if (s->foot.n_docs)
        segment_set_dead(s, 0);
    if (segment_merge(&m, &done, NULL) == ERR_OK) {
        must(segment_of_memory(done.memory, done.size, &again, NULL) == ERR_OK);
        segment_drop(again);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct segment *s = NULL;
    struct manifest m;
    struct arena *a = arena_new();
    if (manifest_parse((struct str){(const char *)data, size}, &m, NULL) == ERR_OK)
        manifest_release(&m);
    if (size >= sizeof(struct segment_foot) && size <= BYTES_MAX &&
        segment_of_memory(seal(data, size), size, &s, NULL) == ERR_OK) {
        search(s, a);
        atomic_store(&s->bad, false);
        (void)segment_check(s, NULL);
        merge(s);
        segment_drop(s);
    }
    arena_free(a);
    return 0;
}
