/* Versions: a number for everything that a kept answer may depend on, so that a cache sees in a few nanoseconds
 * whether anything was written meanwhile, by this process or by another. Entry header for callers of the store.
 *
 * What is counted goes by keys: a session's id stands for its record and all that belongs to it (conversations,
 * turns, states, summaries …), a kind's name for records of that kind that belong to no session, and
 * version_active(id) for a session's last_active alone. Traces of use (KIND_TRACE) are not counted.
 *
 * The counters are in `<data>/versions`, mapped by all processes of a data folder. A writer raises them before its
 * commit and again after it, before anybody is told: so an answer that was made from an older state never carries a
 * version that is still valid once the write is acknowledged. A process killed between its commit and the second raise
 * can leave an answer standing in another process: whoever keeps answers drops them after some seconds as well. Two
 * keys may share a counter: that costs a miss, never a stale answer. */
#ifndef CAIRN_STORE_VERSIONS_H
#define CAIRN_STORE_VERSIONS_H

#include "store/store.h"

uint64_t version_key(struct str id_or_kind);
uint64_t version_active(struct str session_id);

/* One number for all of the keys: it differs when anything they stand for was written. Take it before reading what is
 * to be kept. False: versions cannot be had here (a folder that cannot be written), so nothing may be kept. */
bool store_version(const struct store *s, const uint64_t *keys, size_t n, uint64_t *out);

#endif
