/* CRC-32C against its published check value, and what it is for. */
#include "unit/base/unit.h"

#include "base/crc.h"

static void known_values(void **state)
{
    (void)state;
    assert_int_equal(crc32c("123456789", 9), 0xe3069283);
    assert_int_equal(crc32c("", 0), 0);
    unsigned char zeros[32] = {0};
    assert_int_equal(crc32c(zeros, sizeof zeros), 0x8a9136aa); /* RFC 3720 */
}

static void every_bit_counts(void **state)
{
    unsigned char p[100];
    (void)state;
    for (size_t i = 0; i < sizeof p; i++)
        p[i] = (unsigned char)(i * 37);
    uint32_t right = crc32c(p, sizeof p);
    for (size_t bit = 0; bit < 8 * sizeof p; bit++) {
        p[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_int_not_equal(crc32c(p, sizeof p), right);
        p[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_values), cmocka_unit_test(every_bit_counts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
