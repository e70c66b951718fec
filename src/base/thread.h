/* What a thread asks of the scheduler for itself, and what it leaves behind when it rests. */
#ifndef CAIRN_BASE_THREAD_H
#define CAIRN_BASE_THREAD_H

enum { THREAD_NICE_LEAST = 19 }; /* work that waits for everything else */

/* From now on the calling thread, and no other, is this nice (1 … 19). Failing is no harm. */
void thread_nice(int nice);

/* Before a thread rests that may have worked on texts that must not be in a core (EPHEMERAL): the processor's wide
 * registers keep the last bytes that were copied, and a core has every thread's. Some nanoseconds. */
void thread_wipe_registers(void);

#endif
