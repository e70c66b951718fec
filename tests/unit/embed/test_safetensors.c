/* Reading weights: what is read, and every way in which a file can lie. */
#include "unit/embed/tiny.h"

#include "embed/safetensors.h"

#include <math.h>

/* A file of this header and `data` bytes of zeros. */
static void make(struct buf *b, const char *header, size_t data)
{
    uint64_t n = strlen(header);
    buf_init(b, 0);
    buf_put(b, &n, sizeof n);
    buf_cstr(b, header);
    memset(buf_room(b, data + 1), 0, data);
    buf_added(b, data);
}

static void refused(const char *header, size_t data, const char *word)
{
    struct buf b;
    struct err e = {0};
    struct safetensors *s;
    make(&b, header, data);
    assert_int_equal(safetensors_open(buf_view(&b), &s, &e), ERR_INVALID);
    assert_null(s);
    if (!strstr(e.message, word))
        fail_msg("\"%s\" does not say \"%s\"", e.message, word);
    buf_release(&b);
}

#define TENSOR(dtype, shape, from, to)                                                                                 \
    "{\"t\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}}"

static void test_lies(void **state)
{
    (void)state;
    refused(TENSOR("F32", "[2,2]", "0", "16"), 15, "outside");
    refused(TENSOR("F32", "[2,2]", "0", "12"), 16, "do not fit");
    refused(TENSOR("F32", "[2,2]", "16", "0"), 16, "outside");
    refused(TENSOR("F32", "[2,2]", "-16", "0"), 16, "data_offsets");
    refused(TENSOR("F32", "[2,2]", "0", "1e9"), 16, "data_offsets");
    refused(TENSOR("F32", "[2,-2]", "0", "16"), 16, "shape");
    refused(TENSOR("F32", "[2,2.5]", "0", "16"), 16, "shape");
    refused(TENSOR("F32", "[1,1,1,1,1,1,1,1,4]", "0", "16"), 16, "shape");
    refused(TENSOR("F32", "[4611686018427387904,4]", "0", "0"), 16, "shape"); /* wraps to 0 */
    refused(TENSOR("F32", "\"2\"", "0", "16"), 16, "shape");
    refused(TENSOR("X32", "[2,2]", "0", "16"), 16, "dtype");
    refused("{\"t\":{}}", 0, "dtype");
    refused("{\"t\":5}", 0, "object");
    refused("[1]", 0, "object");
    refused("{\"t\":", 0, "line 1");
    refused("", 0, "length");
}

static void test_wrong_lengths(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {0, 1000, 1ull << 40, UINT64_MAX, UINT64_MAX - 7, (uint64_t)1 << 63};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char file[32] = {0};
        struct err e = {0};
        struct safetensors *s;
        memcpy(file, &lengths[i], 8);
        assert_int_equal(safetensors_open((struct str){file, sizeof file}, &s, &e), ERR_INVALID);
    }
    for (size_t n = 0; n < 9; n++) {
        struct safetensors *s;
        assert_int_equal(safetensors_open((struct str){"\1\0\0\0\0\0\0\0{", n}, &s, NULL), ERR_INVALID);
    }
}

/* Cut anywhere, the file is refused, as its last tensor is then outside. */
static void test_every_truncation(void **state)
{
    (void)state;
    struct buf b;
    tiny_weights(&b, "F16", "");
    for (size_t n = 0; n < b.n; n += n < 4000 ? 1 : 97) {
        struct safetensors *s;
        char *copy = mem_alloc(n + 1); /* on the heap, where reading past it is seen */
        memcpy(copy, b.p, n);
        assert_int_equal(safetensors_open((struct str){copy, n}, &s, NULL), ERR_INVALID);
        mem_free(copy);
    }
    buf_release(&b);
}

static void test_shapes_are_checked(void **state)
{
    (void)state;
    struct buf b;
    struct safetensors *s;
    struct tensor t;
    make(&b,
         "{\"__metadata__\":{\"format\":\"pt\"},\"m\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
         "\"v\":{\"dtype\":\"BF16\",\"shape\":[3],\"data_offsets\":[24,30]},"
         "\"i\":{\"dtype\":\"I64\",\"shape\":[1,1],\"data_offsets\":[0,8]}}",
         30);
    assert_int_equal(safetensors_open(buf_view(&b), &s, NULL), ERR_OK);
    assert_true(safetensors_has(s, "m"));
    assert_false(safetensors_has(s, "__metadata__"));
    assert_int_equal(safetensors_get(s, "m", 2, 3, &t, NULL), ERR_OK);
    assert_int_equal(safetensors_get(s, "v", 1, 3, &t, NULL), ERR_OK);
    assert_int_equal(t.type, TENSOR_BF16);
    assert_int_equal(safetensors_get(s, "m", 3, 2, &t, NULL), ERR_INVALID);
    assert_int_equal(safetensors_get(s, "m", 1, 6, &t, NULL), ERR_INVALID);
    assert_int_equal(safetensors_get(s, "v", 3, 1, &t, NULL), ERR_INVALID);
    assert_int_equal(safetensors_get(s, "i", 1, 1, &t, NULL), ERR_INVALID);
    struct err e = {0};
    assert_int_equal(safetensors_get(s, "absent", 1, 1, &t, &e), ERR_INVALID);
    assert_non_null(strstr(e.message, "\"absent\" is missing"));
    safetensors_close(s);
    buf_release(&b);
}

static float read_half(enum tensor_type type, uint16_t bits)
{
    unsigned char raw[3] = {0, (unsigned char)bits, (unsigned char)(bits >> 8)};
    struct tensor t = {type, 1, 1, raw + 1}; /* not aligned on purpose */
    float v;
    tensor_row(&t, 0, &v);
    return v;
}

static void test_half_precision(void **state)
{
    (void)state;
    assert_true(read_half(TENSOR_F16, 0x3C00) == 1.0f);
    assert_true(read_half(TENSOR_F16, 0xC500) == -5.0f);
    assert_true(read_half(TENSOR_F16, 0x7BFF) == 65504.0f);
    assert_true(read_half(TENSOR_F16, 0x0001) == 0x1p-24f);
    assert_true(read_half(TENSOR_F16, 0x83FF) == -0x1.ff8p-15f);
    assert_true(read_half(TENSOR_F16, 0x0400) == 0x1p-14f);
    assert_true(signbit(read_half(TENSOR_F16, 0x8000)) && read_half(TENSOR_F16, 0x8000) == 0);
    assert_true(isinf(read_half(TENSOR_F16, 0x7C00)) && isnan(read_half(TENSOR_F16, 0x7E00)));
    assert_true(read_half(TENSOR_BF16, 0x3F80) == 1.0f);
    assert_true(read_half(TENSOR_BF16, 0xC0A0) == -5.0f);
    assert_true(isnan(read_half(TENSOR_BF16, 0x7FC0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_wrong_lengths),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_shapes_are_checked),
        cmocka_unit_test(test_half_precision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
