/* Receipts: what an erasure took, signed by the store's own key (Ed25519, <data>/auth/ed25519.json).
 *
 *   {"receipt":{…},"signature":{"algorithm":"Ed25519","key_id":…,"public_key":…,"value":…}}
 *
 * Signed are the bytes of the member `receipt` as minified JSON, members in the order in which they stand; so white
 * space that somebody adds does no harm. Keys and signatures are base64url without padding. It tells counts and times,
 * the ids of what was asked for, and a hash over all ids that went (a line "kind id\n" each, in the order of their
 * numbers in the list of tombstones), so whoever has the ids can prove them; nothing of the contents. */
#ifndef CAIRN_SERVICE_RECEIPT_H
#define CAIRN_SERVICE_RECEIPT_H

#include "service/service.h"
#include "store/records.h"

enum { RECEIPT_MAX = 512 * 1024 };

/* What was cleaned beside the rows. */
struct receipt_facts {
    int64_t dictionaries, keys; /* of sessions, destroyed */
    int64_t cold;               /* archives removed or written anew */
    struct str cold_archives;   /* which, as a JSON array; STR_NONE: none */
    bool index, vectors, journal, replaced_store;
    int64_t erased_at;
};
/* The signed receipt of an erasure's record, as text in the arena. Blocks. */
enum err_code receipt_make(struct service *svc, struct arena *a, const struct record *erasure,
                           const struct receipt_facts *f, struct str *out, struct err *e);

struct receipt_check {
    bool genuine;      /* the signature fits the receipt and the key that it names */
    bool own_key;      /* and that is the key of this store */
    const char *wrong; /* why not, in words; NULL: nothing is */
};
/* ERR_INVALID when it is no receipt. `dir`: the data folder whose key is looked at; NULL: none. */
enum err_code receipt_verify(struct arena *a, const char *dir, const struct json *receipt, struct receipt_check *out,
                             struct err *e);

#endif
