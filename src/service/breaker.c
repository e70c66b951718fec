/* The circuit breaker: so that a broken store costs each chat nothing but a glance. */
#include "service/breaker.h"

#include "base/clock.h"

bool breaker_allows(struct breaker *b)
{
    return clock_mono_us() >= atomic_load_explicit(&b->closed_again_us, memory_order_relaxed);
}

void breaker_report(struct breaker *b, bool ok)
{
    if (ok) {
        atomic_store(&b->failures, 0);
        atomic_store(&b->closed_again_us, 0);
        return;
    }
    /* A failed trial opens it again at once: the count stays at its bound until a success. */
    if (atomic_fetch_add(&b->failures, 1) + 1 >= BREAKER_FAILURES)
        atomic_store(&b->closed_again_us, clock_mono_us() + BREAKER_OPEN_US);
}
