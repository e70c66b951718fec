/* SHA-256 in pieces: by the processor's own instructions where it has them (about ten times as fast), else libsodium's.
 * The result is the same. A struct sha256 belongs to one thread. */
#ifndef CAIRN_BASE_SHA256_H
#define CAIRN_BASE_SHA256_H

#include "base/str.h"

enum { SHA256_BYTES = 32, SHA256_BLOCK = 64 };

struct sha256 {
    uint32_t state[8];
    uint64_t bytes; /* hashed so far, those in `rest` too */
    unsigned char rest[SHA256_BLOCK];
    bool native;
};
void sha256_begin(struct sha256 *h);
void sha256_add(struct sha256 *h, const void *p, size_t n);
void sha256_end(struct sha256 *h, unsigned char out[SHA256_BYTES]);
/* Whether this processor has the instructions. */
bool sha256_is_native(void);
/* For tests: as on a processor without them. */
void sha256_begin_portable(struct sha256 *h);

#endif
