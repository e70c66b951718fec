/* The circuit breaker for memory in chats: after five failures in a row it stays open for five seconds, then lets
 * one trial through. Lock-free; shared by all threads. */
#ifndef CAIRN_SERVICE_BREAKER_H
#define CAIRN_SERVICE_BREAKER_H

#include <stdatomic.h>
#include <stdbool.h>

struct breaker {
    atomic_int failures;          /* in a row */
    atomic_llong closed_again_us; /* monotonic time until which nothing is tried; 0: closed */
};

enum { BREAKER_FAILURES = 5, BREAKER_OPEN_US = 5000000 };

/* May memory be tried now? Asking changes nothing. */
bool breaker_allows(struct breaker *b);
void breaker_report(struct breaker *b, bool ok);

#endif
