/* Packing: 128 numbers with as many bits as the largest needs, and numbers of seven bits a byte. Four lanes side by
 * side (number i is in lane i % 4), so that each step handles four at once with the 16-byte registers that every
 * processor of ours has. Not the layout of lists (postings.c). */
#include "index/segment.h"

#include <string.h>

enum { LANES = 4, STEPS = POSTINGS_BLOCK / LANES, WORD_BITS = 32 };
typedef uint32_t lanes __attribute__((vector_size(16)));

unsigned pack_bits(const uint32_t v[POSTINGS_BLOCK])
{
    uint32_t all = 0;
    for (int i = 0; i < POSTINGS_BLOCK; i++)
        all |= v[i];
    return all ? WORD_BITS - (unsigned)__builtin_clz(all) : 0;
}

void pack(const uint32_t v[POSTINGS_BLOCK], unsigned bits, uint8_t *out)
{
    lanes word = {0};
    unsigned used = 0;
    if (bits == 0)
        return;
    for (int i = 0; i < STEPS; i++) {
        lanes x;
        memcpy(&x, v + (ptrdiff_t)LANES * i, sizeof x);
        word |= x << used;
        used += bits;
        if (used < WORD_BITS)
            continue;
        memcpy(out, &word, sizeof word);
        out += sizeof word;
        used -= WORD_BITS;
        word = used ? x >> (bits - used) : (lanes){0};
    }
}

void unpack(const uint8_t *in, unsigned bits, uint32_t v[POSTINGS_BLOCK])
{
    if (bits == 0) {
        memset(v, 0, POSTINGS_BLOCK * sizeof *v);
        return;
    }
    uint32_t low = bits == WORD_BITS ? UINT32_MAX : ((uint32_t)1 << bits) - 1;
    const lanes mask = {low, low, low, low};
    lanes word;
    unsigned used = 0;
    memcpy(&word, in, sizeof word);
    for (int i = 0; i < STEPS; i++) {
        lanes x = word >> used;
        used += bits;
        if (used >= WORD_BITS) {
            used -= WORD_BITS;
            if (i + 1 < STEPS) { /* after the last one there is nothing more: 128 * bits fill whole words */
                in += sizeof word;
                memcpy(&word, in, sizeof word);
                if (used)
                    x |= word << (bits - used);
            }
        }
        x &= mask;
        memcpy(v + (ptrdiff_t)LANES * i, &x, sizeof x);
    }
}

size_t varint(uint8_t out[VARINT_MAX], uint64_t v)
{
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        out[n++] = (uint8_t)(v | 0x80);
    out[n++] = (uint8_t)v;
    return n;
}

void put_varint(struct buf *b, uint64_t v)
{
    uint8_t out[VARINT_MAX];
    buf_put(b, out, varint(out, v));
}

bool get_varint(const uint8_t **p, const uint8_t *end, uint64_t *v)
{
    *v = 0;
    for (unsigned shift = 0; shift < 64 && *p < end; shift += 7) {
        uint8_t c = *(*p)++;
        *v |= (uint64_t)(c & 0x7f) << shift;
        if (c < 0x80)
            return true;
    }
    return false;
}
