/* Scheduling of single threads. Linux keeps policy and niceness for each thread, not for the process. */
#include "base/thread.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NICE_LEAST = 19 };

void thread_idle(void)
{
    const struct sched_param none = {.sched_priority = 0};
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE_LEAST); /* where the policy is not to be had */
    (void)sched_setscheduler(0, SCHED_IDLE, &none);
}
