/* Chooses the kernels by what the processor (and the system, which must save the wide registers) can do. */
#include "embed/kernels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <stdbool.h>

/* Not all compilers' __builtin_cpu_supports knows the name: leaf 7, subleaf 1, EAX bit 4. */
static bool has_avxvnni(void)
{
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 4);
}

static size_t wide_kernels(const struct kernels **out)
{
    size_t n = 0;
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vnni"))
        out[n++] = &kernels_avx512;
    if (avx2 && has_avxvnni())
        out[n++] = &kernels_avxvnni;
    if (avx2)
        out[n++] = &kernels_avx2;
    return n;
}
#else
static size_t wide_kernels(const struct kernels **out)
{
    (void)out;
    return 0;
}
#endif

size_t kernels_all(const struct kernels *out[KERNELS_MAX])
{
    size_t n = wide_kernels(out);
    out[n++] = &kernels_portable;
    return n;
}

const struct kernels *kernels_best(void)
{
    const struct kernels *all[KERNELS_MAX];
    kernels_all(all);
    return all[0];
}
