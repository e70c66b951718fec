/* Record ids: "<prefix>_" + 32 hex digits: 48 bits of milliseconds, a 16-bit count, 64 random bits.
 * Within a process each id sorts after the one before it, so index pages fill in order. Thread-safe. */
#ifndef CAIRN_BASE_ID_H
#define CAIRN_BASE_ID_H

#include "base/str.h"

enum { ID_MAX = 48 };
/* out[ID_MAX], NUL-terminated. prefix at most 8 characters, e.g. "sess". */
void id_make(const char *prefix, char *out);
/* True for "<prefix>_" + 32 lower-case hex digits. */
bool id_has_form(struct str s, const char *prefix);
/* SHA-256 of bytes, 64 lower-case hex digits and NUL into out[65]. */
void id_sha256(struct str bytes, char *out);
/* n random bytes from the system. */
void id_random(void *out, size_t n);

#endif
