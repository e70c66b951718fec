/* Merging: the same bytes as from building, whoever is dead, and memory that does not follow the size. */
#include "unit/index/corpus.h"

#include "base/mem.h"

#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- lists ---- */
struct posting {
    uint32_t doc;
    uint8_t tf, length;
};

static struct posting *random_postings(struct corpus *c, uint32_t n)
{
    struct posting *p = mem_alloc((n + 1) * sizeof *p);
    uint32_t doc = 0;
    for (uint32_t i = 0; i < n; i++) {
        doc += 1 + corpus_random(c, corpus_random(c, 8) ? 40 : 9);
        p[i] = (struct posting){doc, (uint8_t)(1 + corpus_random(c, 6)), (uint8_t)corpus_random(c, LENGTH_NONE)};
    }
    return p;
}

/* In portions of any size. */
static void add_all(struct corpus *c, struct postings_out *o, const struct posting *p, uint32_t n)
{
    uint32_t docs[300];
    uint8_t tf[300], lengths[300];
    for (uint32_t i = 0, some; i < n; i += some) {
        uint32_t most = corpus_random(c, 2) ? 3 : 300;
        some = 1 + corpus_random(c, most < n - i ? most : n - i);
        for (uint32_t k = 0; k < some; k++) {
            docs[k] = p[i + k].doc;
            tf[k] = p[i + k].tf;
            lengths[k] = p[i + k].length;
        }
        if (some == 1)
            postings_out_one(o, docs[0], tf[0], lengths[0]);
        else
            postings_out_add(o, docs, tf, lengths, some);
    }
}

static uint64_t put_list(struct corpus *c, struct sink *k, const struct posting *p, uint32_t n, int *times)
{
    struct postings_out o;
    uint64_t bytes = 0;
    *times = 0;
    postings_out_init(&o);
    postings_out_begin(&o);
    do {
        add_all(c, &o, p, n);
        ++*times;
    } while (!postings_out_end(&o, k, &bytes));
    assert_false(o.wrong || o.skips.failed || o.blocks.failed);
    assert_int_equal(o.df, n);
    postings_out_release(&o);
    return bytes;
}

static void is_best(const struct skip *k, const struct posting *p, uint32_t n)
{
    uint8_t shortest[4] = {LENGTH_NONE, LENGTH_NONE, LENGTH_NONE, LENGTH_NONE}, most = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint8_t *s = &shortest[p[i].tf < 4 ? p[i].tf - 1 : 3];
        *s = p[i].length < *s ? p[i].length : *s;
        most = p[i].tf > most ? p[i].tf : most;
    }
    assert_memory_equal(k->shortest, shortest, 4);
    assert_int_equal(k->tf_most, most);
}

static void reads_as(const char *bytes, uint64_t n_bytes, const struct posting *p, uint32_t n)
{
    struct segment s = {.p = (const uint8_t *)bytes, .foot = {.n_docs = p[n - 1].doc + 1}};
    struct list l = {.p = s.p, .n = n_bytes, .df = n};
    struct cursor c;
    uint32_t at = 0;
    s.foot.part[PART_CHUNKS][0] = n_bytes;
    assert_true(cursor_open(&c, &s, l));
    for (uint32_t b = 0; b < c.n_blocks; b++) {
        assert_true(cursor_load(&c, b));
        if (c.skips) {
            struct skip k = cursor_skip(&c, b);
            is_best(&k, p + at, c.n);
        }
        for (uint32_t i = 0; i < c.n; i++, at++)
            assert_true(c.docs[i] == p[at].doc && c.tf[i] == p[at].tf);
    }
    assert_int_equal(at, n);
}

/* The longest does not wait in memory: its skips come first, then it comes once more. */
static void lists_of_any_length_are_read_as_they_were_written(void **state)
{
    static const uint32_t LENGTHS[] = {1, 127, 128, 129, 255, 256, 5000, 2000000};
    (void)state;
    struct corpus c = {.seed = 3};
    for (size_t i = 0; i < sizeof LENGTHS / sizeof *LENGTHS; i++) {
        uint32_t n = LENGTHS[i];
        int times;
        struct posting *p = random_postings(&c, n);
        struct sink *k = NULL;
        struct sink_done done;
        struct segment_foot foot = {.n_docs = 0};
        OK(sink_new(&(struct sink_to){.path = NULL}, &k, &e));
        sink_part(k, PART_POSTINGS);
        uint64_t bytes = put_list(&c, k, p, n, &times);
        assert_int_equal(sink_at(k), bytes);
        assert_int_equal(times, n > 1000000 ? 2 : 1);
        OK(sink_finish(k, &foot, &done, &e));
        reads_as(done.memory, bytes, p, n);
        mem_free(done.memory);
        mem_free(p);
    }
}

static void postings_that_do_not_ascend_are_noticed(void **state)
{
    const uint32_t docs[] = {5, 9}, same = 9;
    const uint8_t tf[] = {1, 1}, lengths[] = {3, 3};
    (void)state;
    struct postings_out o;
    postings_out_init(&o);
    for (int one = 0; one < 2; one++) {
        postings_out_begin(&o);
        postings_out_add(&o, docs, tf, lengths, 2);
        assert_false(o.wrong);
        if (one)
            postings_out_one(&o, same, 1, 3);
        else
            postings_out_add(&o, &same, tf, lengths, 1);
        assert_true(o.wrong);
    }
    postings_out_release(&o);
}

/* ---- segments ---- */
/* Names lie in another order: those of agents come as they are met. */
static const enum part SAME[] = {PART_SEQ,      PART_TIME,  PART_TURN,       PART_CONVERSATION, PART_AGENT,
                                 PART_LENGTH,   PART_FLAGS, PART_BY_SEQ,     PART_SESSION_HASH, PART_CONVERSATION_HASH,
                                 PART_POSTINGS, PART_TERMS, PART_TERM_BLOCKS};

static void same_bytes(const struct segment *a, const struct segment *b)
{
    for (size_t i = 0; i < sizeof SAME / sizeof *SAME; i++) {
        const uint64_t *x = a->foot.part[SAME[i]], *y = b->foot.part[SAME[i]];
        assert_int_equal(x[1], y[1]);
        assert_memory_equal(a->p + x[0], b->p + y[0], x[1]);
    }
    assert_int_equal(a->foot.bytes, b->foot.bytes);
}

static void forget(struct segment *const *parts, size_t n, int64_t seq)
{
    uint32_t doc;
    for (size_t i = 0; i < n; i++)
        if (segment_find_seq(parts[i], seq, &doc))
            segment_set_dead(parts[i], doc);
}

/* As if the dead had never been: here and there one, or most of them. */
static void merging_gives_what_the_living_alone_give(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed < 16; seed++) {
        struct corpus c = corpus_make(500 + (size_t)seed * 211, 1 + seed % 9 * 7, 15, 30, seed);
        struct turn *living = arena_array(c.a, struct turn, c.n);
        struct segment *parts[5], *whole = NULL;
        size_t n = 0;
        for (size_t i = 0; i < c.n; i++)
            c.turns[i].agent = STR("ann"); /* agents are numbered as they are met */
        for (size_t i = 0; i < 5; i++)
            parts[i] = corpus_segment(&c, c.n * i / 5, c.n * (i + 1) / 5);
        for (size_t i = 0; i < c.n; i++)
            if (corpus_random(&c, 2 + seed % 7) == 0)
                forget(parts, 5, c.turns[i].seq);
            else
                living[n++] = c.turns[i];
        OK(segment_build(living, n, 0, c.turns[c.n - 1].seq, &whole, &e));
        struct segment *merged = corpus_merge(parts, 5);
        OK(segment_check(merged, &e));
        same_bytes(whole, merged);
        for (size_t i = 0; i < 5; i++)
            segment_drop(parts[i]);
        segment_drop(merged);
        segment_drop(whole);
        corpus_free(&c);
    }
}

/* ---- memory ---- */
struct peak {
    size_t most;
};

static bool look(void *arg)
{
    struct peak *p = arg;
    struct mallinfo2 m = mallinfo2();
    p->most = m.uordblks + m.hblkhd > p->most ? m.uordblks + m.hblkhd : p->most;
    return false;
}

/* Of one merge into a file: what it has at most beyond its sources. */
static size_t memory_of_merging(size_t turns)
{
    char path[] = "/tmp/cairn-test-merge-XXXXXX";
    struct corpus c = corpus_make(turns, 3, 8, 400, 5);
    struct segment *parts[4];
    struct sink_done done;
    struct peak before = {0}, most = {0};
    for (size_t i = 0; i < 4; i++)
        parts[i] = corpus_segment(&c, c.n * i / 4, c.n * (i + 1) / 4);
    close(mkstemp(path));
    struct merge m = {.from = parts, .n = 4, .to = {.path = path, .name = 1}, .pause = look, .arg = &most};
    (void)look(&before);
    OK(segment_merge(&m, &done, &e));
    assert_int_equal(done.docs, turns);
    for (size_t i = 0; i < 4; i++)
        segment_drop(parts[i]);
    unlink(path);
    corpus_free(&c);
    return most.most > before.most ? most.most - before.most : 0;
}

static void memory_does_not_follow_the_size(void **state)
{
    (void)state;
    size_t little = memory_of_merging(10000), much = memory_of_merging(160000);
    if (much > little + (1 << 20))
        fail_msg("merging sixteen times as much takes %zu KB, not %zu", much >> 10, little >> 10);
}

/* ---- sealed ---- */
static char folder[] = "/tmp/cairn-test-merge-XXXXXX";
static struct keyring *keys;

static int make_keys(void **state)
{
    (void)state;
    const struct seal_secret secret = {.key = STR("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff")};
    return mkdtemp(folder) && keyring_make(folder, &secret, SEAL_SEALED, &keys, NULL) == ERR_OK ? 0 : -1;
}

static int drop_keys(void **state)
{
    (void)state;
    char command[64];
    keyring_close(keys);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

/* What merging gives, in a sealed file that is opened again. */
static struct segment *merge_to_file(struct segment *const *from, size_t n, uint64_t name)
{
    char path[96];
    struct sink_done done;
    struct segment *s = NULL;
    (void)snprintf(path, sizeof path, "%s/%d.seg", folder, (int)name);
    struct merge m = {.from = from, .n = n, .to = {.path = path, .keys = keys, .name = name}};
    (void)unlink(path);
    OK(segment_merge(&m, &done, &e));
    OK(segment_open(keys, path, name, done.size, done.foot_crc, &s, &e));
    return s;
}

static uint64_t open_chunks(const struct segment *s)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i <= s->foot.size / SEAL_CHUNK; i++)
        n += s->opened[i / 64] >> (i % 64) & 1;
    return n;
}

/* Whoever lets go of everything at each step reads the same. */
static void what_was_let_go_of_is_read_again(void **state)
{
    (void)state;
    struct corpus c = corpus_make(9000, 30, 12, 3000, 9);
    struct segment *plain = corpus_segment(&c, 0, c.n), *s = merge_to_file(&plain, 1, 1);
    struct term_walk w, v;
    s->alone = true;
    for (uint32_t i = 0; i < s->foot.n_docs; i++) {
        const int64_t *a = segment_part(s, PART_TIME, i, 1, sizeof *a);
        const int64_t *b = segment_part(plain, PART_TIME, i, 1, sizeof *b);
        assert_true(a && *a == *b);
        segment_let_go(s, PART_SEQ);
    }
    term_walk_begin(s, &w);
    term_walk_begin(plain, &v);
    while (term_walk_next(&v)) {
        assert_true(term_walk_next(&w));
        assert_true(w.n == v.n && memcmp(w.term, v.term, v.n) == 0 && w.list.df == v.list.df);
        segment_let_go(s, PART_POSTINGS);
    }
    assert_false(term_walk_next(&w) || s->bad);
    s->alone = false;
    OK(segment_check(s, &e));
    uint64_t before = open_chunks(s);
    segment_let_go(s, PART_SEQ); /* somebody may be reading it */
    assert_int_equal(open_chunks(s), before);
    segment_drop(s);
    segment_drop(plain);
    corpus_free(&c);
}

static void merging_sealed_files_opens_little_at_a_time(void **state)
{
    (void)state;
    struct corpus c = corpus_make(200000, 40, 14, 60000, 9);
    struct segment *plain[2], *sealed[2];
    for (size_t i = 0; i < 2; i++) {
        plain[i] = corpus_segment(&c, c.n * i / 2, c.n * (i + 1) / 2);
        sealed[i] = merge_to_file(&plain[i], 1, i + 1);
        sealed[i]->alone = true;
    }
    struct segment *whole = corpus_merge(plain, 2), *merged = merge_to_file(sealed, 2, 3);
    OK(segment_check(merged, &e));
    same_bytes(whole, merged);
    for (size_t i = 0; i < 2; i++) {
        assert_true(open_chunks(sealed[i]) * 2 < sealed[i]->foot.size / SEAL_CHUNK);
        segment_drop(plain[i]);
        segment_drop(sealed[i]);
    }
    segment_drop(whole);
    segment_drop(merged);
    corpus_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lists_of_any_length_are_read_as_they_were_written),
                                       cmocka_unit_test(postings_that_do_not_ascend_are_noticed),
                                       cmocka_unit_test(merging_gives_what_the_living_alone_give),
                                       cmocka_unit_test(memory_does_not_follow_the_size),
                                       cmocka_unit_test(what_was_let_go_of_is_read_again),
                                       cmocka_unit_test(merging_sealed_files_opens_little_at_a_time)};
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
