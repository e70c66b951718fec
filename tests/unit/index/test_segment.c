/* Segments: what goes in comes out, a merged one is the one that would have been built, and every bit of a file counts.
 */
#include "unit/index/corpus.h"

#include "base/file.h"
#include "base/mem.h"

#include <fcntl.h>
#include <math.h>

static struct keyring *keys; /* NULL: files are plain */

/* ---- packing ---- */
static void numbers_are_packed_and_unpacked(void **state)
{
    struct corpus c = {.seed = 3};
    (void)state;
    for (unsigned bits = 0; bits <= 32; bits++)
        for (int round = 0; round < 20; round++) {
            uint32_t v[POSTINGS_BLOCK], back[POSTINGS_BLOCK];
            uint8_t bytes[16 * 32 + 1];
            for (int i = 0; i < POSTINGS_BLOCK; i++) {
                uint64_t r = (uint64_t)corpus_random(&c, 1 << 16) << 16 | corpus_random(&c, 1 << 16);
                v[i] = bits == 0 ? 0 : (uint32_t)(r >> (32 - bits));
            }
            if (bits)
                v[round] |= (uint32_t)1 << (bits - 1);
            assert_int_equal(pack_bits(v), bits);
            bytes[16 * bits] = 0xa5;
            pack(v, bits, bytes);
            assert_int_equal(bytes[16 * bits], 0xa5);
            unpack(bytes, bits, back);
            assert_memory_equal(v, back, sizeof v);
        }
}

static void varints_end_with_their_bytes(void **state)
{
    (void)state;
    const uint64_t values[] = {0, 1, 127, 128, 300, UINT32_MAX, UINT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct buf b;
        uint64_t back;
        buf_init(&b, 0);
        put_varint(&b, values[i]);
        const uint8_t *p = (const uint8_t *)b.p, *end = p + b.n;
        assert_true(get_varint(&p, end, &back) && back == values[i] && p == end);
        p = (const uint8_t *)b.p;
        assert_false(get_varint(&p, end - 1, &back));
        buf_release(&b);
    }
}

static void lengths_are_kept_to_a_fortieth(void **state)
{
    (void)state;
    for (size_t n = 400; n < 3000000; n = n * 6 / 5)
        assert_true(fabs((double)length_bytes(length_code(n)) - (double)n) < 0.027 * (double)n);
    assert_int_equal(length_code(0), 0);
    assert_int_equal(length_code((size_t)1 << 40), LENGTH_NONE - 1);
}

/* ---- round trip ---- */
static void a_segment_knows_its_turns(void **state)
{
    (void)state;
    struct corpus c = corpus_make(700, 5, 12, 50, 9);
    struct segment *s = corpus_segment(&c, 0, c.n);
    OK(segment_check(s, &e));
    assert_int_equal(s->foot.n_docs, c.n);
    for (size_t i = 0; i < c.n; i++) {
        const struct turn *t = &c.turns[i];
        uint32_t doc, at = 0;
        assert_true(segment_find_seq(s, t->seq, &doc));
        const struct conversation_row *conversation = segment_find_conversation(s, name_hash(t->conversation_id));
        assert_true(doc >= conversation->first && doc < conversation->first + conversation->n);
        const struct session_row *session;
        assert_true(segment_find_session(s, t->session_id, &at, &session));
        assert_true(doc >= session->first && doc < session->first + session->n);
        assert_int_equal(*(const int64_t *)segment_part(s, PART_TIME, doc, 1, 8), t->timestamp);
        assert_int_equal(*(const uint32_t *)segment_part(s, PART_TURN, doc, 1, 4), t->turn_number);
        uint8_t flags = *(const uint8_t *)segment_part(s, PART_FLAGS, doc, 1, 1);
        assert_int_equal(flags & DOC_ASKS, str_ends(str_trim(t->content), "?"));
        assert_int_equal(flags >> DOC_ROLE_SHIFT, str_is(t->role, "user") ? INDEX_ROLE_USER : INDEX_ROLE_ASSISTANT);
    }
    uint32_t doc;
    assert_false(segment_find_seq(s, c.turns[c.n - 1].seq + 1, &doc));
    assert_false(segment_find_seq(s, 0, &doc));
    assert_null(segment_find_conversation(s, 12345));
    assert_null(segment_part(s, PART_TIME, c.n, 1, 8)); /* out of bounds is damage */
    assert_true(s->bad);
    segment_drop(s);
    corpus_free(&c);
}

/* All but the agents, which are numbered as they are met. */
static void same_content(const struct segment *a, const struct segment *b)
{
    const enum part parts[] = {PART_SEQ,   PART_TIME,       PART_TURN,         PART_CONVERSATION,      PART_LENGTH,
                               PART_FLAGS, PART_BY_SEQ,     PART_SESSION_HASH, PART_CONVERSATION_HASH, PART_POSTINGS,
                               PART_TERMS, PART_TERM_BLOCKS};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const uint64_t *x = a->foot.part[parts[i]], *y = b->foot.part[parts[i]];
        assert_int_equal(x[1], y[1]);
        assert_memory_equal(a->p + x[0], b->p + y[0], x[1]);
    }
    assert_int_equal(a->foot.bytes, b->foot.bytes);
    assert_int_equal(a->foot.n_agents, b->foot.n_agents);
}

/* However the turns were divided, and whichever way they were merged. */
static void a_merged_segment_is_the_one_built_at_once(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed < 12; seed++) {
        struct corpus c = corpus_make(100 + (size_t)seed * 97, 1 + seed % 6, 15, 30, seed);
        struct segment *whole = corpus_segment(&c, 0, c.n), *parts[4], *halves[2];
        for (size_t i = 0; i < 4; i++)
            parts[i] = corpus_segment(&c, c.n * i / 4, c.n * (i + 1) / 4);
        struct segment *once = corpus_merge(parts, 4);
        halves[0] = corpus_merge(parts, 1);
        halves[1] = corpus_merge(parts + 1, 3);
        struct segment *twice = corpus_merge(halves, 2);
        OK(segment_check(once, &e));
        same_content(whole, once);
        same_content(whole, twice);
        for (size_t i = 0; i < 4; i++)
            segment_drop(parts[i]);
        segment_drop(whole);
        segment_drop(once);
        segment_drop(twice);
        segment_drop(halves[0]);
        segment_drop(halves[1]);
        corpus_free(&c);
    }
}

static void the_dead_are_gone_after_a_merge(void **state)
{
    (void)state;
    struct corpus c = corpus_make(300, 4, 10, 20, 4);
    struct segment *parts[2] = {corpus_segment(&c, 0, 150), corpus_segment(&c, 150, 300)};
    uint32_t doc;
    c.turns[7].content = STR("unheard secret");
    c.turns[7].agent = STR("Zaphod"); /* who says nothing else */
    segment_drop(parts[0]);
    parts[0] = corpus_segment(&c, 0, 150);
    assert_true(segment_find_seq(parts[0], c.turns[7].seq, &doc));
    segment_set_dead(parts[0], doc);
    for (size_t i = 150; i < 300; i++) {
        assert_true(segment_find_seq(parts[1], c.turns[i].seq, &doc));
        segment_set_dead(parts[1], doc);
        segment_set_dead(parts[1], doc);
    }
    assert_int_equal(parts[1]->n_dead, 150);
    struct segment *s = corpus_merge(parts, 2);
    OK(segment_check(s, &e));
    assert_int_equal(s->foot.n_docs, 149);
    assert_int_equal(s->foot.to, parts[1]->foot.to);
    assert_false(segment_find_seq(s, c.turns[7].seq, &doc));
    assert_null(memmem(s->p, s->foot.size, "secret", 6));
    assert_null(memmem(s->p, s->foot.size, "unheard", 7));
    assert_null(memmem(s->p, s->foot.size, "Zaphod", 6));
    struct segment *rest[2] = {s, NULL};
    segment_drop(parts[0]);
    segment_drop(parts[1]);
    segment_drop(rest[0]);
    corpus_free(&c);
}

static void a_segment_without_turns_is_one(void **state)
{
    (void)state;
    struct corpus c = corpus_make(10, 1, 5, 5, 2);
    struct segment *parts[2] = {corpus_segment(&c, 0, 0), NULL};
    parts[0]->foot.to = 0;
    parts[1] = corpus_segment(&c, 0, 10);
    OK(segment_check(parts[0], &e));
    struct segment *s = corpus_merge(parts, 2);
    assert_int_equal(s->foot.n_docs, 10);
    segment_drop(parts[0]);
    segment_drop(parts[1]);
    segment_drop(s);
    corpus_free(&c);
}

static void segments_that_are_no_neighbours_are_not_merged(void **state)
{
    (void)state;
    struct corpus c = corpus_make(30, 1, 5, 5, 2);
    struct segment *parts[2] = {corpus_segment(&c, 0, 10), corpus_segment(&c, 20, 30)};
    struct sink_done done;
    struct merge m = {.from = parts, .n = 2};
    WANT(ERR_INTERNAL, segment_merge(&m, &done, &e));
    segment_drop(parts[0]);
    segment_drop(parts[1]);
    corpus_free(&c);
}

/* ---- files ---- */
struct file {
    char path[64];
    char *bytes;
    size_t n, size; /* of the file; of what is in it */
    uint32_t foot_crc;
};

static void write_file(const struct file *f, const char *bytes, size_t n)
{
    int fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    close(fd);
}

static struct file make_file(size_t turns)
{
    struct corpus c = corpus_make(turns, 3, 8, 12, 5);
    struct segment *s = corpus_segment(&c, 0, c.n);
    struct file f = {.path = "/tmp/cairn-test-segment-XXXXXX", .n = 0};
    struct sink_done done;
    struct buf b;
    close(mkstemp(f.path));
    struct merge m = {.from = &s, .n = 1, .to = {.path = f.path, .pace = 1 << 30, .keys = keys, .name = 1}};
    OK(segment_merge(&m, &done, &e));
    buf_init(&b, 0);
    OK(file_read_all(f.path, 1 << 24, &b, &e));
    assert_int_equal(b.n, keys ? seal_file_size(done.size) : done.size);
    f.size = done.size;
    f.bytes = b.p;
    f.n = b.n;
    f.foot_crc = done.foot_crc;
    segment_drop(s);
    corpus_free(&c);
    return f;
}

static void drop_file(struct file *f)
{
    unlink(f->path);
    mem_free(f->bytes);
}

/* Opening or checking says so. */
static bool damage_is_found(const struct file *f)
{
    struct segment *s = NULL;
    struct err why = {0};
    enum err_code code = segment_open(keys, f->path, 1, f->size, f->foot_crc, &s, &why);
    if (code == ERR_OK)
        code = segment_check(s, &why);
    segment_drop(s);
    return code == ERR_CORRUPT;
}

static void every_bit_of_a_file_counts(void **state)
{
    (void)state;
    struct file f = make_file(9);
    struct segment *s = NULL;
    OK(segment_open(keys, f.path, 1, f.size, f.foot_crc, &s, &e));
    OK(segment_check(s, &e));
    segment_drop(s);
    char *copy = mem_alloc(f.n);
    for (size_t i = 0; i < f.n; i++) {
        memcpy(copy, f.bytes, f.n);
        copy[i] = (char)(copy[i] ^ 1 << i % 8);
        write_file(&f, copy, f.n);
        if (!damage_is_found(&f))
            fail_msg("a bit of byte %zu of %zu may be flipped", i, f.n);
    }
    mem_free(copy);
    drop_file(&f);
}

static void every_truncation_is_found(void **state)
{
    (void)state;
    struct file f = make_file(9);
    for (size_t n = 0; n < f.n; n++) {
        write_file(&f, f.bytes, n);
        if (!damage_is_found(&f))
            fail_msg("it may be cut to %zu of %zu bytes", n, f.n);
    }
    drop_file(&f);
}

/* More than one chunk, so that checking by and by is tried too. */
static void damage_is_found_by_who_uses_it(void **state)
{
    (void)state;
    struct file f = make_file(3000);
    struct corpus c = {.seed = 8};
    struct list l;
    assert_true(f.n > (size_t)3 * SEGMENT_CHUNK);
    for (int i = 0; i < 40; i++) {
        struct segment *s = NULL;
        char *copy = mem_alloc(f.n);
        memcpy(copy, f.bytes, f.n);
        size_t at = corpus_random(&c, (uint32_t)(f.n - 3 * SEGMENT_CHUNK)) + (keys ? SEAL_FILE_HEAD : 0);
        copy[at] = (char)~copy[at];
        write_file(&f, copy, f.n);
        mem_free(copy);
        OK(segment_open(keys, f.path, 1, f.size, f.foot_crc, &s, &e));
        (void)terms_find(s, STR("word1"), &l);
        if (keys) /* the chunk that it lies in */
            at = (at < SEAL_FILE_HEAD ? 0 : at - SEAL_FILE_HEAD) / (SEAL_CHUNK + SEAL_TAG) * SEAL_CHUNK;
        assert_false(segment_touch(s, at, 1));
        assert_true(s->bad);
        segment_drop(s);
    }
    drop_file(&f);
}

/* ---- the manifest ---- */
static struct manifest some_manifest(void)
{
    struct manifest m = {.generation = 4, .watermark = 30, .anchor = 30, .n = 3};
    m.entries = mem_zalloc(3 * sizeof *m.entries);
    for (int i = 0; i < 3; i++)
        m.entries[i] =
            (struct manifest_entry){.name = (uint64_t)i + 1, .size = 1000, .from = i * 10, .to = i * 10 + 10};
    snprintf(m.identity, sizeof m.identity, "store_x");
    snprintf(m.anchor_id, sizeof m.anchor_id, "turn_x");
    return m;
}

static void every_bit_of_the_manifest_counts(void **state)
{
    (void)state;
    char dir[] = "/tmp/cairn-test-manifest-XXXXXX", path[MANIFEST_PATH_MAX];
    struct manifest m = some_manifest(), back;
    struct buf b;
    assert_non_null(mkdtemp(dir));
    OK(manifest_save(keys, dir, &m, &e));
    OK(manifest_load(keys, dir, &back, &e));
    assert_int_equal(back.n, 3);
    assert_memory_equal(back.entries, m.entries, 3 * sizeof *m.entries);
    assert_string_equal(back.identity, "store_x");
    assert_string_equal(back.anchor_id, "turn_x");
    manifest_release(&back);
    manifest_path(path, sizeof path, dir, "manifest");
    buf_init(&b, 0);
    OK(file_read_all(path, 1 << 20, &b, &e));
    for (size_t i = 0; keys && i < b.n; i++) {
        b.p[i] = (char)(b.p[i] ^ 1 << i % 8);
        OK(file_write_atomic(path, buf_view(&b), &e));
        WANT(ERR_CORRUPT, manifest_load(keys, dir, &back, &e));
        b.p[i] = (char)(b.p[i] ^ 1 << i % 8);
        OK(file_write_atomic(path, (struct str){b.p, i}, &e));
        WANT(ERR_CORRUPT, manifest_load(keys, dir, &back, &e));
    }
    if (keys) { /* what is in it is seen to without them */
        buf_clear(&b);
        OK(manifest_save(NULL, dir, &m, &e));
        WANT(ERR_CORRUPT, manifest_load(keys, dir, &back, &e)); /* a plain one is none here */
        OK(file_read_all(path, 1 << 20, &b, &e));
    }
    for (size_t i = 0; i < b.n; i++) {
        b.p[i] = (char)(b.p[i] ^ 1 << i % 8);
        WANT(ERR_CORRUPT, manifest_parse(buf_view(&b), &back, &e));
        b.p[i] = (char)(b.p[i] ^ 1 << i % 8);
        WANT(ERR_CORRUPT, manifest_parse((struct str){b.p, i}, &back, &e));
    }
    OK(manifest_parse(buf_view(&b), &back, &e));
    manifest_release(&back);
    m.entries[1].from = 11; /* a gap */
    OK(manifest_save(keys, dir, &m, &e));
    WANT(ERR_CORRUPT, manifest_load(keys, dir, &back, &e));
    buf_release(&b);
    manifest_release(&m);
    unlink(path);
    rmdir(dir);
}

static void like_sizes_are_merged(void **state)
{
    (void)state;
    int64_t sizes[100];
    size_t n = 0, from, count, rewritten = 0;
    for (int i = 0; i < 5000; i++) {
        sizes[n++] = 1;
        while (stock_due(sizes, n, 8, &from, &count)) {
            int64_t sum = 0;
            for (size_t k = from; k < from + count; k++)
                sum += sizes[k];
            rewritten += (size_t)sum;
            sizes[from] = sum;
            memmove(sizes + from + 1, sizes + from + count, (n - from - count) * sizeof *sizes);
            n -= count - 1;
        }
        assert_true(n < 50);
    }
    assert_true(rewritten < (size_t)5000 * 6);
}

/* Sizes that no rule about like sizes ever merges: their number stays bounded all the same. */
static void unlike_sizes_are_merged_when_they_are_many(void **state)
{
    (void)state;
    for (int pattern = 0; pattern < 2; pattern++) {
        int64_t sizes[300];
        size_t n = 0, from, count;
        for (int i = 0; i < 5000; i++) {
            int64_t large = pattern && i / 10 % 2 ? 2000 : 1000;
            sizes[n++] = i % (pattern ? 10 : 16) == 0 ? large : 1;
            while (stock_due(sizes, n, 4096, &from, &count)) {
                assert_true(count > 1 && from + count <= n);
                for (size_t k = from + 1; k < from + count; k++)
                    sizes[from] += sizes[k];
                memmove(sizes + from + 1, sizes + from + count, (n - from - count) * sizeof *sizes);
                n -= count - 1;
            }
            assert_true(n < 200);
        }
    }
}

/* A plain file where all must be sealed, and a sealed one of another name. */
static void a_segment_is_of_its_form_and_name(void **state)
{
    (void)state;
    struct segment *s = NULL;
    if (!keys)
        return;
    struct file f = make_file(9);
    WANT(ERR_CORRUPT, segment_open(keys, f.path, 2, f.size, f.foot_crc, &s, &e));
    WANT(ERR_CORRUPT, segment_open(NULL, f.path, 1, f.size, f.foot_crc, &s, &e));
    OK(segment_open(keys, f.path, 1, f.size, f.foot_crc, &s, &e));
    assert_true(segment_is_current(s, keys) && !segment_is_current(s, NULL));
    assert_true(segment_touch(s, 0, s->foot.part[PART_CHUNKS][0]));
    write_file(&f, (const char *)s->p, f.size);
    segment_drop(s);
    WANT(ERR_CORRUPT, segment_open(keys, f.path, 1, f.size, f.foot_crc, &s, &e));
    OK(keyring_set_state(keys, SEAL_SEALING, &e));
    OK(segment_open(keys, f.path, 1, f.size, f.foot_crc, &s, &e));
    assert_false(segment_is_current(s, keys));
    OK(keyring_set_state(keys, SEAL_SEALED, &e));
    segment_drop(s);
    drop_file(&f);
}

static char folder[] = "/tmp/cairn-test-keys-XXXXXX";

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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(numbers_are_packed_and_unpacked),
                                       cmocka_unit_test(varints_end_with_their_bytes),
                                       cmocka_unit_test(lengths_are_kept_to_a_fortieth),
                                       cmocka_unit_test(a_segment_knows_its_turns),
                                       cmocka_unit_test(a_merged_segment_is_the_one_built_at_once),
                                       cmocka_unit_test(the_dead_are_gone_after_a_merge),
                                       cmocka_unit_test(a_segment_without_turns_is_one),
                                       cmocka_unit_test(segments_that_are_no_neighbours_are_not_merged),
                                       cmocka_unit_test(every_bit_of_a_file_counts),
                                       cmocka_unit_test(every_truncation_is_found),
                                       cmocka_unit_test(damage_is_found_by_who_uses_it),
                                       cmocka_unit_test(every_bit_of_the_manifest_counts),
                                       cmocka_unit_test(a_segment_is_of_its_form_and_name),
                                       cmocka_unit_test(like_sizes_are_merged),
                                       cmocka_unit_test(unlike_sizes_are_merged_when_they_are_many)};
    int failed = cmocka_run_group_tests_name("plain", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("sealed", tests, make_keys, drop_keys);
}
