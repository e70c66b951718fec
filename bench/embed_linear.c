/* The embedder's int8 product beside oneDNN's u8s8 matmul, at the shapes of MiniLM's linear layers, on one thread, in
 * turns: JSON. oneDNN is asked twice: for what our kernel gives (floats: scaled by column, bias added) and for the bare
 * sums; the faster of the two counts. Both take bytes that are quantised already and weights laid out as they like.
 * Usage: OMP_NUM_THREADS=1 embed_linear ROUNDS */
#include "base/mem.h"
#include "embed/kernels.h"

#include <math.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KINDS = 3, SLICE_US = 4000, ROUNDS_MAX = 1000 };
static const char *const KIND[KINDS] = {"ours", "onednn_f32", "onednn_s32"};

/* One shape: m rows, k inputs, n outputs. */
struct shape {
    size_t m, k, n;
    uint8_t *x;         /* [m][k] */
    int8_t *w, *panels; /* [k][n], and as our kernel wants it */
    float *scale, *ones, *bias, *out;
    float *theirs; /* [n] bias / scale: oneDNN scales it too */
    int32_t *sum, *zero;
    dnnl_primitive_t product[2]; /* floats, sums */
    dnnl_exec_arg_t args[2][4];
    int n_args[2];
};

static void must(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "embed_linear: %s failed\n", what);
        exit(1);
    }
}

static void ok(dnnl_status_t status, const char *what)
{
    must(status == dnnl_success, what);
}

static void *room(size_t n)
{
    void *p = NULL;
    must(posix_memalign(&p, 64, n) == 0, "allocation");
    memset(p, 0, n);
    return p;
}

static dnnl_engine_t engine;
static dnnl_stream_t stream;

static dnnl_memory_desc_t describe(size_t rows, size_t cols, dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t d;
    const dnnl_dims_t dims = {(dnnl_dim_t)rows, (dnnl_dim_t)cols};
    ok(dnnl_memory_desc_init_by_tag(&d, 2, dims, type, tag), "a description");
    return d;
}

static dnnl_memory_t memory(const dnnl_memory_desc_t *d, void *p)
{
    dnnl_memory_t m;
    ok(dnnl_memory_create(&m, d, engine, p), "a memory");
    return m;
}

/* The weights in the layout that the product asks for. */
static dnnl_memory_t reordered(const struct shape *s, const_dnnl_primitive_desc_t product)
{
    dnnl_memory_desc_t plain = describe(s->k, s->n, dnnl_s8, dnnl_ab);
    const dnnl_memory_desc_t *wanted = dnnl_primitive_desc_query_md(product, dnnl_query_weights_md, 0);
    dnnl_memory_t from = memory(&plain, s->w), to = memory(wanted, DNNL_MEMORY_ALLOCATE);
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t move;
    ok(dnnl_reorder_primitive_desc_create(&desc, &plain, engine, wanted, engine, NULL), "a reorder");
    ok(dnnl_primitive_create(&move, desc), "a reorder");
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    ok(dnnl_primitive_execute(move, stream, 2, args), "reordering");
    return to;
}

static void make_product(struct shape *s, int kind)
{
    bool floats = kind == 0;
    dnnl_memory_desc_t x = describe(s->m, s->k, dnnl_u8, dnnl_ab),
                       w = describe(s->k, s->n, dnnl_s8, dnnl_format_tag_any), b = describe(1, s->n, dnnl_f32, dnnl_ab),
                       y = describe(s->m, s->n, floats ? dnnl_f32 : dnnl_s32, dnnl_ab);
    dnnl_matmul_desc_t desc;
    dnnl_primitive_attr_t attr;
    dnnl_primitive_desc_t pd;
    ok(dnnl_matmul_desc_init(&desc, &x, &w, floats ? &b : NULL, &y), "a matmul");
    ok(dnnl_primitive_attr_create(&attr), "attributes");
    if (floats)
        ok(dnnl_primitive_attr_set_output_scales(attr, (dnnl_dim_t)s->n, 2, s->scale), "scales");
    ok(dnnl_primitive_desc_create(&pd, &desc, attr, engine, NULL), "a matmul");
    ok(dnnl_primitive_create(&s->product[kind], pd), "a matmul");
    s->args[kind][0] = (dnnl_exec_arg_t){DNNL_ARG_SRC, memory(&x, s->x)};
    s->args[kind][1] = (dnnl_exec_arg_t){DNNL_ARG_WEIGHTS, reordered(s, pd)};
    s->args[kind][2] = (dnnl_exec_arg_t){DNNL_ARG_DST, memory(&y, s->out)};
    if (floats)
        s->args[kind][3] = (dnnl_exec_arg_t){DNNL_ARG_BIAS, memory(&b, s->theirs)};
    s->n_args[kind] = floats ? 4 : 3;
}

static void make_shape(struct shape *s, size_t m, size_t k, size_t n)
{
    *s = (struct shape){.m = m, .k = k, .n = n, .x = room(m * k), .w = room(k * n), .panels = room(k * n)};
    s->scale = room(n * sizeof(float));
    s->ones = room(m * sizeof(float));
    s->bias = room(n * sizeof(float));
    s->theirs = room(n * sizeof(float));
    s->out = room(m * n * sizeof(float));
    s->sum = room(n * sizeof(int32_t));
    s->zero = room(m * sizeof(int32_t));
    for (size_t i = 0; i < m * k; i++)
        s->x[i] = (uint8_t)rand();
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < n; j++) {
            int8_t v = (int8_t)(rand() % 255 - 127);
            s->w[i * n + j] = v;
            s->panels[j / PANEL * PANEL * k + i / 4 * 4 * PANEL + j % PANEL * 4 + i % 4] = v;
            s->sum[j] += v;
        }
    for (size_t j = 0; j < n; j++) {
        s->scale[j] = (float)(rand() % 1000 + 1) * 1e-6f;
        s->bias[j] = (float)(rand() % 1000) * 1e-3f;
        s->theirs[j] = s->bias[j] / s->scale[j];
    }
    for (size_t i = 0; i < m; i++)
        s->ones[i] = 1; /* oneDNN is given no zero points and no scales of rows: zero stays 0 */
    make_product(s, 0);
    make_product(s, 1);
}

static void run(struct shape *s, const struct kernels *k, int kind)
{
    if (kind > 0) {
        ok(dnnl_primitive_execute(s->product[kind - 1], stream, s->n_args[kind - 1], s->args[kind - 1]), "a product");
        return;
    }
    struct uint8_rows rows = {s->x, s->ones, s->zero};
    struct int8_weights weights = {s->panels, NULL, s->scale, s->sum};
    k->matmul_int8(s->m, s->n / PANEL, s->k, &rows, &weights, s->bias, s->out, s->n);
}

/* Both give the same, or the comparison means nothing. */
static void check(struct shape *s, const struct kernels *k)
{
    float *ours = room(s->m * s->n * sizeof *ours);
    run(s, k, 0);
    memcpy(ours, s->out, s->m * s->n * sizeof *ours);
    run(s, k, 1);
    for (size_t i = 0; i < s->m * s->n; i++)
        must(fabsf(ours[i] - s->out[i]) <= 1e-4f * fabsf(ours[i]) + 1e-3f, "the comparison of results");
    free(ours);
}

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* 10^9 multiplications and additions a second of the thread's own time. */
static double rate(struct shape *s, const struct kernels *k, int kind)
{
    double start = cpu_us(), now = start;
    size_t runs = 0;
    while (now - start < SLICE_US) {
        for (int i = 0; i < 4; i++, runs++)
            run(s, k, kind);
        now = cpu_us();
    }
    return (double)runs * 2 * (double)(s->m * s->k * s->n) / (now - start) / 1e3;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, by_size);
    return v[n / 2];
}

static void measure(size_t m, size_t k, size_t n, int rounds, bool first)
{
    static double got[KINDS][ROUNDS_MAX], ratio[ROUNDS_MAX];
    struct shape s;
    const struct kernels *kernels = kernels_best();
    make_shape(&s, m, k, n);
    check(&s, kernels);
    for (int kind = 0; kind < KINDS; kind++) /* warm up */
        rate(&s, kernels, kind);
    for (int r = 0; r < rounds; r++) {
        for (int kind = 0; kind < KINDS; kind++)
            got[kind][r] = rate(&s, kernels, kind);
        ratio[r] = got[0][r] / fmax(got[1][r], got[2][r]);
    }
    printf("%s\n {\"m\":%zu,\"k\":%zu,\"n\":%zu,\"ratio\":%.3f", first ? "" : ",", m, k, n,
           median(ratio, (size_t)rounds));
    for (int kind = 0; kind < KINDS; kind++)
        printf(",\"%s\":%.1f", KIND[kind], median(got[kind], (size_t)rounds));
    printf("}");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const size_t rows[] = {12, 64, 128}, sizes[][2] = {{384, 384}, {384, 1152}, {384, 1536}, {1536, 384}};
    int rounds = argc > 1 ? atoi(argv[1]) : 15;
    const dnnl_version_t *v = dnnl_version();
    must(rounds >= 1 && rounds <= ROUNDS_MAX, "reading the number of rounds");
    ok(dnnl_engine_create(&engine, dnnl_cpu, 0), "an engine");
    ok(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags), "a stream");
    printf("{\"onednn\":\"%d.%d.%d\",\"kernels\":\"%s\",\"shapes\":[", v->major, v->minor, v->patch,
           kernels_best()->name);
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 4; j++)
            measure(rows[i], sizes[j][0], sizes[j][1], rounds, i + j == 0);
    printf("]}\n");
    return 0;
}
