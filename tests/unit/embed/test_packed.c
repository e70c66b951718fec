/* The packed model: the folder's very vectors and id, wherever the bytes lie; nothing but an error from bytes that were
 * cut, changed or made up. */
#include "unit/embed/tiny.h"

#include "base/crc.h"

enum { CRC_AT = 12, CHECKED_FROM = 16 };

static struct tiny tiny;
static struct buf packed; /* of the tiny model */

static void pack(struct buf *out)
{
    char path[128];
    struct err e = {0};
    snprintf(path, sizeof path, "%s/packed", tiny.dir);
    if (embed_pack(tiny.dir, path, &e) != ERR_OK)
        fail_msg("%s", e.message);
    buf_init(out, 0);
    assert_int_equal(file_read_all(path, 1 << 20, out, &e), ERR_OK);
}

static int setup(void **state)
{
    (void)state;
    tiny_make(&tiny);
    tiny_text(&tiny, "config_sentence_transformers.json", "{\"prompts\":{\"query\":\"query: \"}}");
    pack(&packed);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_release(&packed);
    tiny_remove(&tiny);
    return 0;
}

/* Bytes with a checksum that fits them. */
static void seal(struct buf *b)
{
    uint32_t crc = crc32c(b->p + CHECKED_FROM, b->n - CHECKED_FROM);
    memcpy(b->p + CRC_AT, &crc, sizeof crc);
}

static void copy_packed(struct buf *b)
{
    buf_init(b, 0);
    buf_str(b, buf_view(&packed));
}

static void same_vectors(const struct embedder *a, const struct embedder *b)
{
    const struct str texts[] = {STR("the river is cold"), STR(""), STR("running, running [MASK] \xE5\xB7\x9D!"),
                                STR("a b c d e f g a b c d e f g a b c d e f g a b c d e f g a b c d e f g")};
    float x[4 * TINY_HIDDEN], y[4 * TINY_HIDDEN];
    for (int use = EMBED_DOCUMENT; use <= EMBED_QUERY; use++) {
        assert_int_equal(embed_texts(a, texts, 4, (enum embed_use)use, x, NULL), ERR_OK);
        assert_int_equal(embed_texts(b, texts, 4, (enum embed_use)use, y, NULL), ERR_OK);
        assert_memory_equal(x, y, sizeof x);
    }
}

static void test_same_as_the_folder(void **state)
{
    (void)state;
    struct embedder *folder = tiny_open(&tiny, EMBED_INT8), *m;
    struct err e = {0};
    char *room = mem_alloc(packed.n + 64);
    char *aligned = room + (64 - (uintptr_t)room % 64) % 64;
    for (size_t off = 0; off < 2; off++) { /* used in place, and copied */
        memmove(aligned + off, packed.p, packed.n);
        assert_int_equal(embed_open_packed((struct str){aligned + off, packed.n}, NULL, &m, &e), ERR_OK);
        assert_string_equal(embed_model_id(m), embed_model_id(folder));
        assert_int_equal(embed_max_tokens(m), embed_max_tokens(folder));
        same_vectors(folder, m);
        embed_close(m);
    }
    mem_free(room);
    embed_close(folder);
}

static void test_packing_is_repeatable(void **state)
{
    (void)state;
    struct buf again;
    pack(&again);
    assert_true(str_eq(buf_view(&packed), buf_view(&again)));
    buf_release(&again);
}

static void test_options(void **state)
{
    (void)state;
    struct embedder *m, *folder;
    struct err e = {0};
    struct embed_options o = {.precision = EMBED_FLOAT};
    assert_int_equal(embed_open_packed(buf_view(&packed), &o, &m, &e), ERR_INVALID);
    assert_string_equal(e.field, "precision");
    assert_null(m);
    o = (struct embed_options){.query_prefix = STR("the "), .document_prefix = STR("")};
    assert_int_equal(embed_open_packed(buf_view(&packed), &o, &m, NULL), ERR_OK);
    assert_int_equal(embed_open(tiny.dir, &o, &folder, NULL), ERR_OK);
    assert_string_equal(embed_model_id(m), embed_model_id(folder));
    same_vectors(folder, m);
    embed_close(m);
    embed_close(folder);
}

static void must_refuse(struct str bytes)
{
    struct embedder *m = (struct embedder *)1;
    struct err e = {0};
    assert_int_equal(embed_open_packed(bytes, NULL, &m, &e), ERR_CORRUPT);
    assert_null(m);
    assert_true(e.message[0] != '\0');
}

static void test_cut_short(void **state)
{
    (void)state;
    for (size_t n = 0; n < packed.n; n += n < 600 ? 1 : 37)
        must_refuse(str_take(buf_view(&packed), n));
    struct buf longer;
    copy_packed(&longer);
    for (int i = 0; i < 100; i++) {
        buf_char(&longer, '\0');
        must_refuse(buf_view(&longer));
        seal(&longer);
        must_refuse(buf_view(&longer));
    }
    buf_release(&longer);
}

static void test_every_bit(void **state)
{
    (void)state;
    struct buf b;
    copy_packed(&b);
    for (size_t at = 0; at < b.n; at += at < 600 ? 1 : 61) {
        b.p[at] ^= (char)(1 << at % 8);
        must_refuse(buf_view(&b));
        b.p[at] ^= (char)(1 << at % 8);
    }
    buf_release(&b);
}

/* Changed on purpose, the checksum too: refused, or a model whose vectors can be asked for. */
static void test_made_up(void **state)
{
    (void)state;
    struct buf b;
    uint64_t seed = 11;
    int opened = 0;
    copy_packed(&b);
    for (int round = 0; round < 3000; round++) {
        size_t at = CHECKED_FROM + random_below(&seed, round % 2 ? 700 : b.n - CHECKED_FROM);
        char was = b.p[at];
        b.p[at] = (char)random_below(&seed, 256);
        seal(&b);
        struct embedder *m = NULL;
        struct err e = {0};
        float v[4096];
        enum err_code rc = embed_open_packed(buf_view(&b), NULL, &m, &e);
        assert_true(rc == ERR_OK ? m != NULL : (rc == ERR_CORRUPT || rc == ERR_INVALID) && e.message[0]);
        if (m) {
            assert_true(embed_dimensions(m) <= 4096);
            rc = embed_texts(m, &STR("the river is running, zz"), 1, EMBED_QUERY, v, &e);
            assert_true(rc == ERR_OK || rc == ERR_CORRUPT);
            opened++;
        }
        embed_close(m);
        b.p[at] = was;
    }
    assert_true(opened > 100 && opened < 3000);
    buf_release(&b);
}

static void test_faults(void **state)
{
    (void)state;
    char path[128];
    struct err e = {0};
    int failures = 0;
    snprintf(path, sizeof path, "%s/faulty", tiny.dir);
    for (int64_t n = 0;; n++) {
        struct embedder *m = NULL;
        mem_fail_after(n, false);
        e = (struct err){0};
        enum err_code rc = embed_pack(tiny.dir, path, &e);
        bool written = rc == ERR_OK;
        if (written)
            rc = embed_open_packed((struct str){packed.p, packed.n}, NULL, &m, &e);
        bool hit = mem_fail_hit();
        mem_fail_after(-1, false);
        embed_close(m);
        if (!hit) {
            assert_int_equal(rc, ERR_OK);
            break;
        }
        assert_true((rc == ERR_NOMEM || rc == ERR_IO) && e.message[0]);
        failures++;
        if (written)
            continue;
        struct buf whole; /* a rename that could not be synced has happened all the same; half a file never */
        buf_init(&whole, 0);
        if (file_read_all(path, 1 << 20, &whole, NULL) == ERR_OK)
            assert_true(str_eq(buf_view(&whole), buf_view(&packed)));
        buf_release(&whole);
    }
    assert_true(failures > 40);
    assert_int_equal(embed_pack("/tmp/cairn-no-model", path, &e), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_as_the_folder),
        cmocka_unit_test(test_packing_is_repeatable),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_made_up),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
