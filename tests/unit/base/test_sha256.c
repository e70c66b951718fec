/* SHA-256 by the processor's instructions, held against libsodium's and the standard's own examples, for all lengths
 * around block ends and pieces of any size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sha256.h"

#include <sodium.h>
#include <string.h>

enum { LONGEST = 700 };

static void same(const unsigned char *p, size_t n, size_t piece, bool native)
{
    unsigned char expected[SHA256_BYTES], got[SHA256_BYTES];
    struct sha256 h;
    crypto_hash_sha256(expected, p, n);
    if (native)
        sha256_begin(&h);
    else
        sha256_begin_portable(&h);
    for (size_t at = 0; at < n; at += piece)
        sha256_add(&h, p + at, n - at < piece ? n - at : piece);
    sha256_add(&h, NULL, 0);
    sha256_end(&h, got);
    assert_memory_equal(got, expected, sizeof got);
}

static void any_length_in_any_pieces(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 3, 55, 63, 64, 65, 127, 200, LONGEST};
    unsigned char text[LONGEST];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (unsigned char)(i * 7 + i / 13);
    for (size_t n = 0; n <= LONGEST; n++)
        for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
            same(text, n, pieces[k], true);
            same(text, n, pieces[k], false);
        }
}

static void the_standards_examples(void **state)
{
    (void)state;
    static const struct {
        const char *text, *hash;
    } examples[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        unsigned char hash[SHA256_BYTES];
        char hex[2 * SHA256_BYTES + 1];
        struct sha256 h;
        sha256_begin(&h);
        sha256_add(&h, examples[i].text, strlen(examples[i].text));
        sha256_end(&h, hash);
        sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
        assert_string_equal(hex, examples[i].hash);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_length_in_any_pieces),
        cmocka_unit_test(the_standards_examples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
