/* A journal's lines: sealed ones come back and nothing else does; a file takes the form that is wanted. */
#include "unit/store/place.h"

#include "base/mem.h"
#include "service/journal_line.h"

#define FIRST "{\"x\":1,\"begin\":{\"text\":\"harpoon\"}}"
#define SECOND "{\"x\":1,\"done\":true}"
static const struct str LINES[] = {{FIRST, sizeof FIRST - 1}, {SECOND, sizeof SECOND - 1}};

static struct str put_both(struct place *p, struct buf *b)
{
    buf_clear(b);
    for (int i = 0; i < 2; i++)
        journal_line_put(b, store_keyring(p->store), LINES[i]);
    assert_false(b->failed);
    return buf_view(b);
}

/* How many of the lines come back as they were, and that no other comes back. */
static int come_back(struct place *p, struct str text)
{
    int n = 0;
    while (text.p) {
        struct str line = journal_line_take(p->arena, store_keyring(p->store), str_cut(&text, '\n'));
        if (line.p && (str_eq(line, LINES[0]) || str_eq(line, LINES[1])))
            n++;
        else if (place_is_sealed)
            assert_null(line.p);
    }
    return n;
}

static void lines_come_back(void **state)
{
    struct place *p = *state;
    struct buf b;
    buf_init(&b, 0);
    struct str text = put_both(p, &b);
    assert_int_equal(come_back(p, text), 2);
    assert_true((str_find(text, STR("harpoon")) < 0) == place_is_sealed);
    assert_int_equal(come_back(p, str_take(text, text.n - 6)), 1); /* torn */
    buf_release(&b);
}

static void every_bit_of_a_sealed_line_counts(void **state)
{
    struct place *p = *state;
    struct buf b;
    buf_init(&b, 0);
    if (place_is_sealed) {
        struct str text = put_both(p, &b);
        for (size_t i = 0; i < text.n; i++) {
            char was = b.p[i];
            b.p[i] = (char)(was ^ 1 << i % 7);
            int n = come_back(p, text); /* as it was, or not at all */
            assert_true(was == '\n' ? n <= 2 : n == 1);
            b.p[i] = was;
        }
        assert_int_equal(come_back(p, STR("{\"x\":1,\"done\":true}\n")), 0); /* a plain one is none here */
        assert_null(journal_line_take(p->arena, NULL, str_trim(str_take(text, text.n / 2))).p);
    }
    buf_release(&b);
}

static void a_file_takes_the_form_that_is_wanted(void **state)
{
    struct place *p = *state;
    char path[100];
    struct buf b;
    buf_init(&b, 0);
    snprintf(path, sizeof path, "%s/x.log", p->dir);
    if (!place_is_sealed)
        return;
    struct keyring *k = store_keyring(p->store);
    (void)put_both(p, &b);
    OK(file_write_atomic(path, buf_view(&b), &e));
    for (int i = 0; i < 4; i++) {
        bool plain = i % 2 == 0;
        OK(keyring_set_state(k, plain ? SEAL_OPENING : SEAL_SEALING, &e));
        OK(journal_file_convert(k, path, &e));
        buf_clear(&b);
        OK(file_read_all(path, 1 << 20, &b, &e));
        assert_true((str_find(buf_view(&b), STR("harpoon")) >= 0) == plain);
        assert_true(come_back(p, buf_view(&b)) >= 2);
    }
    OK(keyring_set_state(k, SEAL_SEALED, &e));
    buf_release(&b);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)
    const struct CMUnitTest tests[] = {T(lines_come_back), T(every_bit_of_a_sealed_line_counts),
                                       T(a_file_takes_the_form_that_is_wanted)};
    int failed = cmocka_run_group_tests_name("plain", tests, NULL, NULL);
    place_is_sealed = true;
    return failed + cmocka_run_group_tests_name("sealed", tests, NULL, NULL);
}
