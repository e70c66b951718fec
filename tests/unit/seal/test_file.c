/* Sealed files: what went in comes out, of any length; any change, cut, exchange or other place is found. */
#include "folder.h"

#include <fcntl.h>

enum { MANY = 3 * SEAL_CHUNK + 17 };

static struct str text_of(struct folder *f, size_t n)
{
    char *p = arena_alloc(f->a, n + 1);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)('a' + (i * 7 + i / 251) % 26);
    return (struct str){p, n};
}

/* Written in pieces of `step` bytes. */
static void write_sealed(struct folder *f, const char *name, struct str text, size_t step)
{
    struct seal_writer *w;
    int fd = open(in(f, name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    OK(seal_writer_new(f->k, str_of(name), fd, &w, &e));
    for (size_t at = 0; at < text.n; at += step)
        OK(seal_writer_put(w, str_take(str_skip(text, at), step), &e));
    OK(seal_writer_end(w, &e));
    seal_writer_free(w);
    close(fd);
}

/* The same by single chunks, last first. */
static void read_by_chunks(struct folder *f, const char *name, struct str text)
{
    struct seal_reader *r;
    char chunk[SEAL_CHUNK];
    int fd = open(in(f, name), O_RDONLY);
    OK(seal_reader_new(f->k, str_of(name), fd, &r, &e));
    assert_int_equal(seal_reader_size(r), text.n);
    assert_int_equal(seal_reader_epoch(r), keyring_epoch(f->k));
    uint64_t n = text.n ? (text.n - 1) / SEAL_CHUNK + 1 : 1;
    WANT(ERR_CORRUPT, seal_reader_chunk(r, n, chunk, &e));
    while (n-- > 0) {
        struct str want = str_take(str_skip(text, n * SEAL_CHUNK), SEAL_CHUNK);
        OK(seal_reader_chunk(r, n, chunk, &e));
        assert_memory_equal(chunk, want.n ? want.p : "", want.n);
    }
    seal_reader_free(r);
    WANT(ERR_CORRUPT, seal_reader_new(f->k, STR("other"), fd, &r, &e));
    WANT(ERR_CORRUPT, seal_reader_new(NULL, str_of(name), fd, &r, &e));
    close(fd);
}

static void any_length_comes_back(void **state)
{
    struct folder *f = *state;
    static const size_t lengths[] = {0, 1, 17, SEAL_CHUNK - 1, SEAL_CHUNK, SEAL_CHUNK + 1, 2 * SEAL_CHUNK, MANY};
    static const size_t steps[] = {1 << 20, SEAL_CHUNK, 4099};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (size_t j = 0; j < 3; j++) {
            struct str out, text = text_of(f, lengths[i]);
            write_sealed(f, "f", text, steps[j]);
            struct str raw = read_file(f, "f");
            assert_true(seal_file_is(raw));
            if (text.n > 20)
                assert_int_equal(str_find(raw, str_take(text, 20)), -1);
            OK(seal_file_open(f->k, STR("f"), in(f, "f"), 1 << 26, &out, &e));
            assert_true(str_eq(out, text));
            seal_file_release(out);
            assert_int_equal(raw.n, seal_file_size(text.n));
            read_by_chunks(f, "f", text);
            WANT(ERR_CORRUPT, seal_file_open(f->k, STR("g"), in(f, "f"), 1 << 26, &out, &e));
        }
    }
}

static void refused(struct folder *f, struct str bytes)
{
    struct str out;
    WANT(ERR_CORRUPT, seal_file_open_bytes(f->k, STR("f"), bytes, &out, &e));
    assert_null(out.p);
}

static void every_change_is_found(void **state)
{
    struct folder *f = *state;
    write_sealed(f, "f", text_of(f, 300), 1 << 20);
    struct str whole = read_file(f, "f");
    char *bytes = arena_cstr(f->a, whole);
    for (size_t i = 0; i < whole.n; i++) {
        bytes[i] ^= 0x20;
        refused(f, (struct str){bytes, whole.n});
        bytes[i] ^= 0x20;
        refused(f, str_take(whole, i));
    }
}

/* Chunks taken away at the end, at a chunk's border, or put elsewhere. */
static void chunks_keep_their_places(void **state)
{
    struct folder *f = *state;
    const size_t c = SEAL_CHUNK + SEAL_TAG;
    write_sealed(f, "f", text_of(f, MANY), 1 << 20);
    struct str whole = read_file(f, "f");
    for (size_t n = 0; n < 4; n++)
        refused(f, str_take(whole, SEAL_FILE_HEAD + n * c));
    char *bytes = arena_cstr(f->a, whole);
    memcpy(bytes + SEAL_FILE_HEAD, whole.p + SEAL_FILE_HEAD + c, c);
    memcpy(bytes + SEAL_FILE_HEAD + c, whole.p + SEAL_FILE_HEAD, c);
    refused(f, (struct str){bytes, whole.n});
    /* a chunk of another writing of the same file */
    write_sealed(f, "f", text_of(f, MANY), 1 << 20);
    struct str second = read_file(f, "f");
    memcpy(bytes, whole.p, whole.n);
    memcpy(bytes + SEAL_FILE_HEAD, second.p + SEAL_FILE_HEAD, c);
    refused(f, (struct str){bytes, whole.n});
    /* what was never ended */
    refused(f, str_take(second, second.n - 17 - SEAL_TAG));
}

static void small_files_take_the_form_of_the_state(void **state)
{
    struct folder *f = *state;
    struct buf b;
    struct str text = STR("names of things");
    buf_init(&b, 0);
    OK(seal_file_write(f->k, STR("m"), in(f, "m"), text, &e));
    assert_true(seal_file_is(read_file(f, "m")));
    OK(seal_file_read(f->k, STR("m"), in(f, "m"), 1 << 20, &b, &e));
    assert_true(str_eq(buf_view(&b), text));
    OK(file_write_atomic(in(f, "m"), text, &e));
    WANT(ERR_CORRUPT, seal_file_read(f->k, STR("m"), in(f, "m"), 1 << 20, &b, &e));
    OK(keyring_set_state(f->k, SEAL_OPENING, &e));
    buf_clear(&b);
    OK(seal_file_read(f->k, STR("m"), in(f, "m"), 1 << 20, &b, &e));
    assert_true(str_eq(buf_view(&b), text));
    OK(seal_file_write(f->k, STR("m"), in(f, "m"), text, &e));
    assert_true(str_eq(read_file(f, "m"), text));
    OK(seal_file_write(NULL, STR("m"), in(f, "m"), text, &e));
    buf_clear(&b);
    OK(seal_file_read(NULL, STR("m"), in(f, "m"), 1 << 20, &b, &e));
    assert_true(str_eq(buf_view(&b), text));
    buf_release(&b);
}

static void failures_are_told(void **state)
{
    struct folder *f = *state;
    struct str out;
    write_sealed(f, "f", text_of(f, 300), 1 << 20);
    for (int n = 0; n < 4; n++) {
        mem_fail_after(n, true);
        enum err_code rc = seal_file_open(f->k, STR("f"), in(f, "f"), 1 << 26, &out, NULL);
        mem_fail_after(-1, false);
        assert_int_equal(rc != ERR_OK, mem_fail_hit());
        seal_file_release(rc ? STR_NONE : out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
        T(any_length_comes_back),    T(every_change_is_found),
        T(chunks_keep_their_places), T(small_files_take_the_form_of_the_state),
        T(failures_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
