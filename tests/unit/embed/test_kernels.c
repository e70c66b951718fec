/* Every instruction set's kernels against plain loops in double precision, at shapes that leave rows, columns and
 * lanes over. */
#include "unit/base/random.h"
#include "unit/base/unit.h"

#include "embed/kernels.h"

#include <math.h>
#include <stdalign.h>
#include <string.h>

enum { M = 23, N16 = 5, K = 76, N = N16 * PANEL };

static uint64_t seed = 11;

static float unit(void)
{
    return (float)random_below(&seed, 20001) / 10000.0f - 1;
}

static void each(void (*check)(const struct kernels *k))
{
    const struct kernels *all[KERNELS_MAX];
    size_t n = kernels_all(all);
    assert_ptr_equal(all[0], kernels_best());
    assert_ptr_equal(all[n - 1], &kernels_portable);
    for (size_t i = 0; i < n; i++)
        check(all[i]);
}

static alignas(64) float a[M][K + 3], panels[N16][K][PANEL], bias[N], c[M][N + 5];
static alignas(64) int8_t bytes[N16][K / 4][PANEL][4];
static uint8_t rows[M][K];

static void matmul_float(const struct kernels *k)
{
    for (size_t m = 1; m <= M; m++)
        for (size_t n16 = 1; n16 <= N16; n16 += 2) {
            memset(c, 0, sizeof c);
            c[m - 1][n16 * PANEL] = 77; /* just past what may be written */
            k->matmul_float(m, n16, K, a[0], K + 3, panels[0][0], m % 2 ? bias : NULL, c[0], N + 5);
            assert_true(c[m - 1][n16 * PANEL] == 77);
            for (size_t i = 0; i < m; i++)
                for (size_t j = 0; j < n16 * PANEL; j++) {
                    double want = m % 2 ? (double)bias[j] : 0;
                    for (size_t x = 0; x < K; x++)
                        want += (double)a[i][x] * (double)panels[j / PANEL][x][j % PANEL];
                    assert_true(fabs(want - (double)c[i][j]) < 1e-4);
                }
        }
}

static void test_matmul_float(void **state)
{
    (void)state;
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j < K; j++)
            a[i][j] = unit();
    for (size_t i = 0; i < N16 * K * PANEL; i++)
        panels[i / PANEL / K][i / PANEL % K][i % PANEL] = unit();
    for (size_t j = 0; j < N; j++)
        bias[j] = unit();
    each(matmul_float);
}

static void matmul_int8(const struct kernels *k)
{
    float row_scale[M], scale[N];
    int32_t zero[M], sum[N] = {0};
    for (size_t i = 0; i < M; i++) {
        row_scale[i] = 0.01f * (float)(i + 1);
        zero[i] = (int32_t)i * 11;
    }
    for (size_t j = 0; j < N; j++) {
        scale[j] = 0.001f * (float)(j + 1);
        for (size_t x = 0; x < K; x++)
            sum[j] += bytes[j / PANEL][x / 4][j % PANEL][x % 4];
    }
    struct uint8_rows in = {rows[0], row_scale, zero};
    struct int8_weights w = {bytes[0][0][0], NULL, scale, sum};
    for (size_t m = 1; m <= M; m++) {
        k->matmul_int8(m, N16, K, &in, &w, bias, c[0], N + 5);
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < N; j++) {
                int32_t exact = 0;
                for (size_t x = 0; x < K; x++)
                    exact += (rows[i][x] - zero[i]) * bytes[j / PANEL][x / 4][j % PANEL][x % 4];
                assert_true(c[i][j] == (float)exact * (scale[j] * row_scale[i]) + bias[j]);
            }
    }
}

/* The greatest products there are must not saturate, as they do with vpmaddubsw. */
static void test_matmul_int8(void **state)
{
    (void)state;
    for (int extreme = 0; extreme < 2; extreme++) {
        for (size_t i = 0; i < sizeof rows; i++)
            rows[i / K][i % K] = (uint8_t)(extreme ? 255 : random_below(&seed, 256));
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i / (K * PANEL)][i / 64 % (K / 4)][i / 4 % PANEL][i % 4] =
                (int8_t)(extreme ? (i % 7 ? 127 : -127) : (int)random_below(&seed, 255) - 127);
        each(matmul_int8);
    }
}

static void quantise(const struct kernels *k)
{
    float x[K], smooth[K], step;
    uint8_t q[K];
    int32_t zero;
    for (int round = 0; round < 200; round++) {
        size_t n = 1 + random_below(&seed, K);
        float shift = (float)(round % 5) - 2;
        for (size_t i = 0; i < n; i++) {
            x[i] = unit() * 3 + shift;
            smooth[i] = exp2f((float)(i % 5) - 2);
        }
        k->quantise(x, round % 2 ? smooth : NULL, n, q, &step, &zero);
        assert_in_range(zero, 0, 255);
        for (size_t i = 0; i < n; i++) {
            float v = x[i] * (round % 2 ? smooth[i] : 1);
            assert_true(fabsf((float)(q[i] - zero) * step - v) <= step * 1.01f);
        }
    }
}

static void quantise_odd(const struct kernels *k)
{
    float x[K] = {0}, step;
    uint8_t q[K];
    int32_t zero;
    memset(q, 9, sizeof q);
    k->quantise(x, NULL, K, q, &step, &zero);
    assert_true(step == 0 && zero == 0);
    for (size_t i = 0; i < K; i++)
        assert_int_equal(q[i], 0);
    x[3] = INFINITY; /* not finite: no crash, nothing undefined */
    x[K - 1] = NAN;
    k->quantise(x, NULL, K, q, &step, &zero);
    assert_true(step == 0 && zero == 0);
}

static void test_quantise(void **state)
{
    (void)state;
    each(quantise);
    each(quantise_odd);
}

static void softmax(const struct kernels *k)
{
    float x[80], given[80];
    for (size_t n = 1; n <= 80; n++) {
        size_t padded = (n + PANEL - 1) / PANEL * PANEL;
        double max = -INFINITY, want_sum = 0;
        for (size_t i = 0; i < n; i++) {
            given[i] = x[i] = unit() * (n % 3 ? 20 : 2000);
            max = (double)x[i] > max ? (double)x[i] : max;
        }
        float sum = k->softmax(x, n, padded, 0.25f);
        for (size_t i = 0; i < n; i++) {
            double want = exp(((double)given[i] - max) * 0.25);
            want_sum += want;
            assert_true(fabs((double)x[i] - want) <= 1e-6 * want + 1e-37);
        }
        for (size_t i = n; i < padded; i++)
            assert_true(x[i] >= 0 && x[i] < 1e-37f);
        assert_true(fabs((double)sum - want_sum) < 1e-5 * want_sum);
    }
}

static void gelu(const struct kernels *k)
{
    float x[101], given[101];
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < 101; i++)
            given[i] = x[i] = unit() * (round % 2 ? 12 : 3);
        k->gelu(x, 101);
        for (size_t i = 0; i < 101; i++) {
            double v = (double)given[i], want = 0.5 * v * (1 + erf(v * 0.70710678118654752));
            assert_true(fabs((double)x[i] - want) < 3e-7 * (1 + fabs(v)));
        }
    }
}

static void add_norm(const struct kernels *k)
{
    enum { WIDE = 59 };
    float x[WIDE], y[WIDE], gamma[WIDE], beta[WIDE], given[WIDE];
    double mean = 0, variance = 0;
    for (size_t i = 0; i < WIDE; i++) {
        given[i] = x[i] = unit();
        y[i] = unit() + 3;
        gamma[i] = unit();
        beta[i] = unit();
        mean += ((double)x[i] + (double)y[i]) / WIDE;
    }
    for (size_t i = 0; i < WIDE; i++)
        variance += pow((double)x[i] + (double)y[i] - mean, 2) / WIDE;
    k->add_norm(x, y, WIDE, gamma, beta, 1e-12f);
    for (size_t i = 0; i < WIDE; i++) {
        double want = ((double)given[i] + (double)y[i] - mean) / sqrt(variance) * (double)gamma[i] + (double)beta[i];
        assert_true(fabs((double)x[i] - want) < 1e-5);
    }
}

static void scale(const struct kernels *k)
{
    float x[37], out[38] = {0};
    for (size_t i = 0; i < 37; i++)
        x[i] = unit();
    k->scale(x, 37, 0.5f, out);
    for (size_t i = 0; i < 37; i++)
        assert_true(out[i] == x[i] * 0.5f);
    assert_true(out[37] == 0);
}

static void test_softmax(void **state)
{
    (void)state;
    each(softmax);
}

static void test_gelu(void **state)
{
    (void)state;
    each(gelu);
}

static void test_add_norm_and_scale(void **state)
{
    (void)state;
    each(add_norm);
    each(scale);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matmul_float), cmocka_unit_test(test_matmul_int8),
        cmocka_unit_test(test_quantise),     cmocka_unit_test(test_softmax),
        cmocka_unit_test(test_gelu),         cmocka_unit_test(test_add_norm_and_scale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
