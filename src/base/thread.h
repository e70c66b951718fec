/* What a thread asks of the scheduler for itself. */
#ifndef CAIRN_BASE_THREAD_H
#define CAIRN_BASE_THREAD_H

/* From now on the calling thread runs only where nobody else wants the processor (SCHED_IDLE), and makes way at once
 * when somebody does: a thread that is merely nice keeps its turn of some milliseconds, and whoever answers a request
 * waits for it. On a machine without any rest it hardly runs at all. Failing is no harm. */
void thread_idle(void);

#endif
