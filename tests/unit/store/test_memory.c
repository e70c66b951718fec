/* A store in memory is a store like any other: snapshots beside writes, many threads, a bound, and nothing left. */
#include "place.h"

#include "base/mem.h"
#include "store/erase.h"
#include "store/memory_file.h"

#include <pthread.h>

enum { MB = 1 << 20 };

/* ---- the files ---- */
static void bytes_are_kept_over_pieces(void **state)
{
    (void)state;
    struct memory_room room = {.most = 4 * MB};
    struct memory_file f;
    char text[] = "across the border of two pieces", got[sizeof text];
    memory_file_init(&f, &room);
    assert_true(memory_file_write(&f, text, sizeof text, MEMORY_PIECE - 7));
    assert_int_equal(f.size, MEMORY_PIECE - 7 + (int64_t)sizeof text);
    assert_int_equal(room.used, 2 * MEMORY_PIECE);
    assert_int_equal(memory_file_read(&f, got, sizeof got, MEMORY_PIECE - 7), sizeof got);
    assert_memory_equal(got, text, sizeof text);
    assert_int_equal(memory_file_read(&f, got, 9, 0), 9);
    assert_memory_equal(got, "\0\0\0\0\0\0\0\0\0", 9);
    assert_int_equal(memory_file_read(&f, got, 100, f.size - 3), 3);
    assert_int_equal(memory_file_read(&f, got, 1, f.size), 0);
    memory_file_release(&f);
    assert_int_equal(room.used, 0);
}

static void what_was_cut_off_is_zero_when_it_grows_again(void **state)
{
    (void)state;
    struct memory_room room = {.most = 4 * MB};
    struct memory_file f;
    char full[1000], got[1000], none[1000] = {0};
    memset(full, 'x', sizeof full);
    memory_file_init(&f, &room);
    assert_true(memory_file_write(&f, full, sizeof full, 0));
    memory_file_cut(&f, 100);
    assert_true(memory_file_write(&f, "", 1, 999));
    assert_int_equal(memory_file_read(&f, got, sizeof got, 0), sizeof got);
    assert_memory_equal(got, full, 100);
    assert_memory_equal(got + 100, none, 900);
    memory_file_cut(&f, 0);
    assert_int_equal(room.used, 0);
    memory_file_release(&f);
}

static void no_more_than_the_room_and_then_nothing_is_changed(void **state)
{
    (void)state;
    struct memory_room room = {.most = 3 * MEMORY_PIECE};
    struct memory_file a, b;
    memory_file_init(&a, &room);
    memory_file_init(&b, &room);
    assert_true(memory_file_write(&a, "a", 1, 2 * MEMORY_PIECE - 1));
    assert_false(memory_file_write(&b, "b", 1, 2 * MEMORY_PIECE - 1));
    assert_int_equal(b.size, 0);
    assert_int_equal(room.used, 2 * MEMORY_PIECE);
    assert_true(memory_file_write(&b, "b", 1, MEMORY_PIECE - 1));
    memory_file_release(&a);
    memory_file_release(&b);
    assert_int_equal(room.used, 0);
}

static void failing_allocations_change_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct memory_room room = {.most = 4 * MB};
        struct memory_file f;
        memory_file_init(&f, &room);
        mem_fail_after(i, false);
        bool ok = memory_file_write(&f, "x", 1, MEMORY_PIECE);
        bool hit = mem_fail_hit();
        mem_fail_after(-1, false);
        assert_int_equal(ok, !hit);
        assert_int_equal(f.size, ok ? MEMORY_PIECE + 1 : 0);
        memory_file_release(&f);
        assert_int_equal(room.used, 0);
    }
}

/* ---- the store ---- */
static int setup(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    p->arena = arena_new();
    OK(store_open(&(struct store_options){.memory_bytes = 32 * MB, .sync_normal = true}, &p->store, &e));
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    store_close(p->store);
    arena_free(p->arena);
    free(p);
    return 0;
}

static int64_t count(struct store_tx *tx)
{
    int64_t n = -1;
    OK(record_count(tx, KIND_TURN, STR_NONE, &n, &e));
    return n;
}

static void a_snapshot_stays_while_it_is_written(void **state)
{
    struct place *p = *state;
    assert_null(store_dir(p->store));
    struct str c = add_conversation(p, add_session(p)->id)->id;
    struct store_tx *old, *new;
    OK(store_read_begin(p->store, &old, &e));
    assert_int_equal(count(old), 0);
    for (int i = 0; i < 300; i++)
        OK(append_turn(p->store, c, STR("some words"), NULL, &e));
    OK(store_read_begin(p->store, &new, &e));
    assert_int_equal(count(new), 300);
    assert_int_equal(count(old), 0);
    store_read_end(old);
    store_read_end(new);
    assert_true(store_bytes(p->store) > 0);
}

struct writing {
    struct place *p;
    struct str conversation;
    int64_t seen;
};

static void *write_some(void *arg)
{
    struct writing *w = arg;
    for (int i = 0; i < 200; i++)
        OK(append_turn(w->p->store, w->conversation, STR("words of a thread"), NULL, &e));
    return NULL;
}

static void *read_some(void *arg)
{
    struct writing *w = arg;
    for (int i = 0; i < 200; i++) {
        struct store_tx *tx;
        OK(store_read_begin(w->p->store, &tx, &e));
        int64_t n = count(tx);
        assert_true(n >= w->seen);
        w->seen = n;
        store_read_end(tx);
    }
    return NULL;
}

static void many_threads_read_and_write(void **state)
{
    struct place *p = *state;
    struct str c = add_conversation(p, add_session(p)->id)->id;
    struct writing w[8];
    pthread_t threads[8];
    for (int i = 0; i < 8; i++) {
        w[i] = (struct writing){p, c, 0};
        pthread_create(&threads[i], NULL, i % 2 ? read_some : write_some, &w[i]);
    }
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    struct store_tx *tx;
    OK(store_read_begin(p->store, &tx, &e));
    assert_int_equal(count(tx), 800);
    store_read_end(tx);
}

static void a_full_one_says_so_and_keeps_what_it_has(void **state)
{
    struct place *p = *state;
    struct str c = add_conversation(p, add_session(p)->id)->id;
    size_t n = 0, size = 900000;
    char *big = malloc(size);
    memset(big, 'x', size);
    struct err full = {0};
    while (!append_turn(p->store, c, (struct str){big, size}, NULL, &full))
        assert_true(++n < 100);
    free(big);
    assert_int_equal(full.code, ERR_DISK_FULL);
    assert_true(n > 5);
    struct store_tx *tx;
    OK(store_read_begin(p->store, &tx, &e));
    assert_int_equal(count(tx), n);
    store_read_end(tx);
}

static enum err_code delete_job(struct store_tx *tx, void *arg, struct err *e)
{
    struct dropped d;
    return session_delete(tx, *(struct str *)arg, &d, e);
}

static void what_was_deleted_gives_its_room_back(void **state)
{
    struct place *p = *state;
    struct str session = add_session(p)->id, c = add_conversation(p, session)->id;
    struct store_vacuumed v;
    bool left = true;
    for (int i = 0; i < 20; i++) {
        char text[20000];
        memset(text, 'a' + i, sizeof text);
        OK(append_turn(p->store, c, (struct str){text, sizeof text}, NULL, &e));
    }
    int64_t before = store_bytes(p->store);
    OK(store_write(p->store, delete_job, &session, &e));
    while (left)
        OK(erase_some(p->store, &(struct erase_wish){.scope = ERASE_AGED, .before = INT64_MAX, .erasure_id = STR("e")},
                      500, &left, &e));
    OK(store_vacuum(p->store, &v, &e));
    OK(store_scrub(p->store, &e));
    assert_true(store_bytes(p->store) < before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_kept_over_pieces),
        cmocka_unit_test(what_was_cut_off_is_zero_when_it_grows_again),
        cmocka_unit_test(no_more_than_the_room_and_then_nothing_is_changed),
        cmocka_unit_test(failing_allocations_change_nothing),
        cmocka_unit_test_setup_teardown(a_snapshot_stays_while_it_is_written, setup, teardown),
        cmocka_unit_test_setup_teardown(many_threads_read_and_write, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_one_says_so_and_keeps_what_it_has, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_deleted_gives_its_room_back, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
