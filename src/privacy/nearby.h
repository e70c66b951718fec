/* Words near a place in a text: what a number is called says what it is. "Phone: 785 8949" is a telephone number,
 * "order 785 8949" is none. One table of words in several languages, each with its kinds; who asks goes from token to
 * token, away from the place. A token is a run of letters, parted where camelCase parts it ("phoneNumber", "user_phone"
 * and "Phone:" all hold "phone"). Nothing here allocates; all is bounded by NEARBY_BEFORE and NEARBY_AFTER. */
#ifndef CAIRN_PRIVACY_NEARBY_H
#define CAIRN_PRIVACY_NEARBY_H

#include "base/str.h"

enum { NEARBY_BEFORE = 64, NEARBY_AFTER = 32 }; /* bytes that are looked at */

enum nearby_kind {
    NEARBY_PHONE = 1,      /* names a telephone number: phone, fax, móvil */
    NEARBY_REACH = 2,      /* goes with one: call, reach, dial */
    NEARBY_PLACE = 4,      /* whose telephone, right beside the number: office, home */
    NEARBY_ID = 8,         /* names another number: order, invoice, account */
    NEARBY_OTHER = 4096,   /* goes with other numbers, but may stand before any: time, price, customer */
    NEARBY_FILLER = 16,    /* may stand between a name and its number: is, at, number, the */
    NEARBY_UNIT = 32,      /* behind an amount: euros, km, users */
    NEARBY_IP = 64,        /* an address of a computer: ip, host, server */
    NEARBY_VERSION = 128,  /* a version or a section: v, release, chapter */
    NEARBY_SSN = 256,      /* social security */
    NEARBY_CARD = 512,     /* cards: visa, card, cvv */
    NEARBY_BANK = 1024,    /* accounts: iban, bank, konto */
    NEARBY_PRODUCT = 2048, /* numbers on goods and letters: isbn, barcode, tracking */
};

/* The kinds of a word, 0 where it is not in the table. ASCII letters in any case. */
unsigned nearby_word(struct str word);

/* Steps to the token before *at (after it), within `limit`; *at becomes its begin (its end). False: there is none. What
 * is before a blank line, or in the next line, belongs to something else. */
bool nearby_before(struct str text, size_t *at, size_t limit, struct str *token);
bool nearby_after(struct str text, size_t *at, size_t limit, struct str *token);

/* The kinds of all words within `before` bytes before start and `after` bytes behind end, together. */
unsigned nearby_kinds(struct str text, size_t start, size_t end, size_t before, size_t after);

/* The kinds of what a number is named by: of the first word before it, within `limit`, that is no filler. */
unsigned nearby_name(struct str text, size_t at, size_t limit);

/* The table is in order and each word is written as it is looked up; the tests ask. */
bool nearby_sorted(void);

#endif
