/* Tags of stable masks: the same value gives the same letters within a store, and nobody without its key can try out
 * values. Consonants only: no tag is a word, a number, or a part of what a detector looks for. */
#include "privacy/privacy_int.h"

#include <sodium.h>
#include <string.h>

static const char letters[] = "bcdfghjklmnpqrstvwxz";
enum { N_LETTERS = sizeof letters - 1 };

/* Values that differ in signs and case only are the same one: 555-1234 and 555 1234. */
static void add(crypto_generichash_state *h, struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if (c >= 'A' && c <= 'Z')
            c |= 32;
        if (c != ' ' && c != '-' && c != '(' && c != ')')
            crypto_generichash_update(h, &c, 1);
    }
}

void tag_make(const struct privacy *p, const struct detector *d, struct str value, char out[TAG_LETTERS])
{
    crypto_generichash_state h;
    unsigned char hash[16];
    uint64_t number;
    crypto_generichash_init(&h, p->key, sizeof p->key, sizeof hash);
    crypto_generichash_update(&h, (const unsigned char *)d->type, strlen(d->type) + 1);
    add(&h, value);
    crypto_generichash_final(&h, hash, sizeof hash);
    memcpy(&number, hash, sizeof number);
    for (int i = 0; i < TAG_LETTERS; i++, number /= N_LETTERS)
        out[i] = letters[number % N_LETTERS];
}

bool tag_is(const char *p)
{
    for (int i = 0; i < TAG_LETTERS; i++) {
        if (!p[i] || !strchr(letters, p[i]))
            return false;
    }
    return true;
}
