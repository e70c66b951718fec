/* What a thread asks of the scheduler for itself. */
#ifndef CAIRN_BASE_THREAD_H
#define CAIRN_BASE_THREAD_H

enum { THREAD_NICE_LEAST = 19 }; /* work that waits for everything else */

/* From now on the calling thread, and no other, is this nice (1 … 19). Failing is no harm. */
void thread_nice(int nice);

#endif
