/* One sealed page. Of 4096 bytes SQLite leaves the last 48 to us:
 *
 *      0  4048 bytes of content, enciphered (on page 1 of a database the first 16, which are always the same, are the
 *         keyring's id: so a backup tells which key it needs)
 *   4048  nonce, 24 bytes: the open file's random prefix and its count
 *   4072  tag
 *   4088  mark: "CSP", a byte that tells whether the WAL frame's checksum is masked, the key's epoch
 *
 * Authenticated with it: the kind of file and the page's place, and the mark. */
#include "store/sqlite_vfs.h"

#include <sodium.h>
#include <string.h>

enum {
    AT_NONCE = CONTENT,
    AT_TAG = AT_NONCE + SEAL_NONCE,
    AT_MARK = AT_TAG + SEAL_TAG,
    MARK = 8,
    AT_FLAG = AT_MARK + 3
};
_Static_assert(AT_MARK + MARK == PAGE, "what is reserved holds what sealing adds");

static const unsigned char MAGIC[3] = {'C', 'S', 'P'};
static const char FIRST_BYTES[16] = "SQLite format 3";

enum page_rule page_rule(const struct driver_files *f, struct keyring **keys)
{
    static const enum page_rule rules[] = {[SEAL_PLAIN] = PAGE_PLAIN,
                                           [SEAL_SEALING] = PAGE_EITHER,
                                           [SEAL_SEALED] = PAGE_SEALED,
                                           [SEAL_OPENING] = PAGE_OPENING,
                                           [SEAL_CHANGING] = PAGE_SEALED};
    *keys = atomic_load(&((struct driver_files *)(uintptr_t)f)->keys);
    return rules[keyring_state(*keys)];
}

struct page_about page_about(enum file_kind kind, const void *where, size_t n)
{
    struct page_about a = {.n = 1 + n + MARK};
    a.bytes[0] = (unsigned char)kind;
    memcpy(a.bytes + 1, where, n);
    return a;
}

static void put_mark(unsigned char *mark, bool masked, uint32_t epoch)
{
    memcpy(mark, MAGIC, sizeof MAGIC);
    mark[3] = masked;
    for (int i = 0; i < 4; i++)
        mark[4 + i] = (unsigned char)(epoch >> (8 * i));
}

uint32_t page_epoch(const unsigned char *page)
{
    const unsigned char *p = page + AT_MARK + 4;
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

bool page_marked(const unsigned char *page)
{
    return memcmp(page + AT_MARK, MAGIC, sizeof MAGIC) == 0 && page[AT_FLAG] <= 1;
}

bool page_mark_masked(const unsigned char *page)
{
    return page[AT_FLAG] == 1;
}

/* SQLite's checksums in the WAL go over the whole page, so what is reserved must come back as it went: as nothing. */
bool page_has_room(const unsigned char *plain)
{
    return sodium_is_zero(plain + CONTENT, RESERVED);
}

int page_seal(struct keyring *k, struct seal_nonces *n, const struct page_about *about, bool first, bool masked,
              const unsigned char *plain, unsigned char *out)
{
    struct page_about a = *about;
    uint32_t epoch = keyring_epoch(k);
    const unsigned char *key = keyring_page_key(k, epoch);
    size_t skip = first ? sizeof FIRST_BYTES : 0;
    if (!key || !page_has_room(plain) || (first && memcmp(plain, FIRST_BYTES, skip) != 0))
        return SQLITE_IOERR_WRITE;
    put_mark(out + AT_MARK, masked, epoch);
    memcpy(a.bytes + a.n - MARK, out + AT_MARK, MARK);
    seal_nonces_next(n, out + AT_NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt_detached(out + skip, out + AT_TAG, NULL, plain + skip, CONTENT - skip,
                                                        a.bytes, a.n, NULL, out + AT_NONCE, key);
    memcpy(out, keyring_id(k), skip);
    return SQLITE_OK;
}

bool page_open(struct keyring *k, const struct page_about *about, bool first, unsigned char *page)
{
    struct page_about a = *about;
    size_t skip = first ? sizeof FIRST_BYTES : 0;
    const unsigned char *key = page_marked(page) ? keyring_page_key(k, page_epoch(page)) : NULL;
    if (!key || (first && memcmp(page, keyring_id(k), skip) != 0))
        return false;
    memcpy(a.bytes + a.n - MARK, page + AT_MARK, MARK);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt_detached(page + skip, NULL, page + skip, CONTENT - skip,
                                                            page + AT_TAG, a.bytes, a.n, page + AT_NONCE, key))
        return false;
    memcpy(page, FIRST_BYTES, skip);
    memset(page + CONTENT, 0, RESERVED);
    return true;
}

/* ---- checksums ---- */

/* Four rounds over two halves of 32 bits, with SipHash under a key made from the page key as the round function: a
 * permutation that depends on the frame's place, so that nothing has to be stored beside it. */
static uint32_t round_of(const unsigned char key[crypto_shorthash_KEYBYTES], int number, uint32_t half,
                         const unsigned char about[FRAME_ABOUT])
{
    unsigned char in[FRAME_ABOUT + 8], out[crypto_shorthash_BYTES];
    memcpy(in, about, FRAME_ABOUT);
    memcpy(in + FRAME_ABOUT, &half, 4);
    memcpy(in + FRAME_ABOUT + 4, &number, 4);
    crypto_shorthash(out, in, sizeof in, key);
    memcpy(&half, out, 4);
    return half;
}

static void permute(struct keyring *k, uint32_t epoch, const unsigned char about[FRAME_ABOUT],
                    unsigned char sum[CHECKSUM], bool forth)
{
    static const char purpose[] = "cairn checksum 1";
    unsigned char key[crypto_shorthash_KEYBYTES];
    uint32_t half[2];
    const unsigned char *page_key = keyring_page_key(k, epoch);
    if (!page_key)
        return;
    crypto_generichash(key, sizeof key, (const unsigned char *)purpose, sizeof purpose, page_key, SEAL_KEY);
    memcpy(half, sum, CHECKSUM);
    for (int i = 0; i < 4; i++) {
        int number = forth ? i : 3 - i;
        half[number & 1] ^= round_of(key, number, half[~number & 1], about);
    }
    memcpy(sum, half, CHECKSUM);
}

void checksum_mask(struct keyring *k, uint32_t epoch, const unsigned char about[FRAME_ABOUT],
                   unsigned char sum[CHECKSUM])
{
    permute(k, epoch, about, sum, true);
}

void checksum_unmask(struct keyring *k, uint32_t epoch, const unsigned char about[FRAME_ABOUT],
                     unsigned char sum[CHECKSUM])
{
    permute(k, epoch, about, sum, false);
}
