/* Row numbers: what goes in comes out, and a session is one range. */
#include "unit/index/shelf.h"

#include <math.h>

static void parts_come_back(void **state)
{
    (void)state;
    for (int64_t session = 1; session < ROW_SLOTS; session = session * 3 + 1)
        for (int64_t seq = 1; seq < (int64_t)1 << ROW_SEQ_BITS; seq = seq * 7 + 3) {
            int64_t from, to, row = row_make(session, seq, (size_t)(seq % 5000));
            row_range(session, &from, &to);
            assert_true(row > 0);
            assert_int_equal(row_slot(row), session);
            assert_int_equal(row_seq(row), seq);
            assert_true(row >= from && row <= to);
        }
}

static void later_turns_have_higher_rows(void **state)
{
    (void)state;
    for (int64_t seq = 1; seq < 1000; seq++)
        assert_true(row_make(5, seq, 1 << 20) < row_make(5, seq + 1, 0));
    assert_true(row_make(5, ((int64_t)1 << ROW_SEQ_BITS) - 1, 1 << 20) < row_make(6, 1, 0));
}

static void sessions_beyond_the_slots_share_them(void **state)
{
    (void)state;
    assert_int_equal(row_slot(row_make(ROW_SLOTS + 7, 1, 10)), 7);
}

static void lengths_are_kept_to_a_twentieth(void **state)
{
    double bytes[ROW_LENGTHS];
    (void)state;
    row_lengths(bytes);
    for (size_t n = 200; n < 1000000; n = n * 5 / 4)
        assert_true(fabs(bytes[row_length(row_make(1, 1, n))] - (double)n) < 0.06 * (double)n);
    assert_int_equal(row_length(row_make(1, 1, 0)), 0);
    assert_int_equal(row_length(row_make(1, 1, (size_t)1 << 40)), ROW_LENGTHS - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_come_back), cmocka_unit_test(later_turns_have_higher_rows),
        cmocka_unit_test(sessions_beyond_the_slots_share_them), cmocka_unit_test(lengths_are_kept_to_a_twentieth)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
