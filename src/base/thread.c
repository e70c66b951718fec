/* Scheduling of single threads: Linux keeps niceness for each thread, not for the process. And registers: those that a
 * function call need not keep, so wiping them is harmless where this is called. */
#include "base/thread.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

void thread_nice(int nice)
{
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), nice);
}

#ifdef __x86_64__
__attribute__((target("avx512f"), noinline)) static void wipe_upper(void)
{
#define WIPE(n) "vpxorq %%zmm" #n ", %%zmm" #n ", %%zmm" #n "\n\t"
    __asm__ volatile(WIPE(16) WIPE(17) WIPE(18) WIPE(19) WIPE(20) WIPE(21) WIPE(22) WIPE(23) WIPE(24) WIPE(25) WIPE(26)
                         WIPE(27) WIPE(28) WIPE(29) WIPE(30) WIPE(31)::
                             : "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",
                               "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31");
#undef WIPE
}

__attribute__((target("avx"), noinline)) static void wipe_lower(void)
{
    __asm__ volatile("vzeroall" ::
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
                           "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

void thread_wipe_registers(void)
{
    if (__builtin_cpu_supports("avx512f"))
        wipe_upper();
    if (__builtin_cpu_supports("avx"))
        wipe_lower();
}
#else
void thread_wipe_registers(void)
{
}
#endif
