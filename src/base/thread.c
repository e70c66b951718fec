/* Scheduling of single threads: Linux keeps niceness for each thread, not for the process. */
#include "base/thread.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

void thread_nice(int nice)
{
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), nice);
}
