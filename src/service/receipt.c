/* Making and checking receipts of erasures. See receipt.h. */
#include "service/receipt.h"

#include "auth/keys.h"
#include "base/clock.h"
#include "base/json_write.h"
#include "config/config.h"
#include "service/backup_upkeep.h"
#include "store/erase.h"

#include <sodium.h>
#include <string.h>

enum { KEY = crypto_sign_PUBLICKEYBYTES, SIGNATURE = crypto_sign_BYTES, RECEIPT_VERSION = 1, TEXT64 = 96 };

/* ---- what it says ---- */

struct hashing {
    crypto_hash_sha256_state state;
    int64_t n;
};

static void hash_id(void *arg, struct str kind, struct str id)
{
    struct hashing *h = arg;
    crypto_hash_sha256_update(&h->state, (const unsigned char *)kind.p, kind.n);
    crypto_hash_sha256_update(&h->state, (const unsigned char *)" ", 1);
    crypto_hash_sha256_update(&h->state, (const unsigned char *)id.p, id.n);
    crypto_hash_sha256_update(&h->state, (const unsigned char *)"\n", 1);
    h->n++;
}

static void put_hash(struct json_out *w, struct hashing *h)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof hash + 1];
    crypto_hash_sha256_final(&h->state, hash);
    jw_kcstr(w, "ids_sha256", sodium_bin2hex(hex, sizeof hex, hash, sizeof hash));
}

static enum err_code put_rows(struct store_tx *tx, struct arena *a, struct json_out *w, struct str id, struct err *e)
{
    struct erase_count *counts;
    struct hashing h = {.n = 0};
    size_t n;
    crypto_hash_sha256_init(&h.state);
    enum err_code code = erase_counts(tx, a, id, &counts, &n, e);
    if (!code)
        code = erase_ids(tx, id, hash_id, &h, e);
    if (code)
        return code;
    jw_key(w, "records");
    jw_object(w);
    for (size_t i = 0; i < n; i++) {
        jw_key_str(w, counts[i].kind);
        jw_int(w, counts[i].n);
    }
    jw_end_object(w);
    jw_kint(w, "records_total", h.n);
    put_hash(w, &h);
    return ERR_OK;
}

/* Those that were begun before it was erased. Copies made elsewhere are not known here. */
static enum err_code put_backups(struct service *svc, struct arena *a, struct json_out *w, int64_t until, struct err *e)
{
    const char *folder = "";
    int64_t *times = NULL;
    size_t n;
    enum err_code code = backups_made(svc, a, &folder, &times, &n, e);
    if (code)
        return code;
    jw_key(w, "backups_that_may_hold_it");
    jw_array(w);
    for (size_t i = 0; i < n && i < 1000; i++) {
        char at[CLOCK_TEXT];
        if (times[i] > until)
            continue;
        (void)clock_format(times[i], at);
        jw_cstr(w, at);
    }
    jw_end_array(w);
    return ERR_OK;
}

static void put_cleaned(struct json_out *w, const struct receipt_facts *f)
{
    jw_key(w, "cleaned");
    jw_object(w);
    jw_kbool(w, "database_pages", true);
    jw_kbool(w, "write_ahead_log", true);
    jw_kbool(w, "index", f->index);
    jw_kbool(w, "vectors", f->vectors);
    jw_kbool(w, "journal", f->journal);
    jw_kint(w, "dictionaries", f->dictionaries);
    jw_kint(w, "cold_archives", f->cold);
    jw_kint(w, "session_keys_destroyed", f->keys);
    jw_kbool(w, "store_before_restore", f->replaced_store);
    jw_end_object(w);
}

static void put_head(struct json_out *w, struct service *svc, const struct record *r, int64_t erased_at)
{
    static const char *const texts[] = {"scope", "target_kind", "target_id", "requested_by", "reason"};
    jw_kint(w, "version", RECEIPT_VERSION);
    jw_kstr(w, "erasure_id", r->id);
    jw_kcstr(w, "store", store_identity(svc->store));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (record_text(r, texts[i]).n)
            jw_kstr(w, texts[i], record_text(r, texts[i]));
    jw_kstr(w, "project", r->project);
    jw_ktime(w, "requested_at", r->created_at);
    jw_ktime(w, "erased_at", erased_at);
}

/* ---- signing ---- */

static enum err_code own_key(const char *dir, bool make, struct jwt_key *out, bool *found, struct err *e)
{
    struct jwt_key keys[JWT_ALGORITHMS];
    size_t n;
    *found = false;
    enum err_code code = keys_load(dir, make, keys, &n, e);
    for (size_t i = 0; !code && i < n; i++) {
        if (keys[i].algorithm != JWT_EDDSA)
            continue;
        *out = keys[i];
        *found = true;
    }
    sodium_memzero(keys, sizeof keys);
    return code;
}

static void put_bytes(struct json_out *w, const char *name, const unsigned char *bytes, size_t n)
{
    char text[TEXT64];
    sodium_bin2base64(text, sizeof text, bytes, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    jw_kcstr(w, name, text);
}

static enum err_code sign(struct service *svc, struct arena *a, struct str receipt, struct str *out, struct err *e)
{
    struct jwt_key key;
    unsigned char signature[SIGNATURE];
    bool found;
    struct buf b;
    struct json_out w;
    enum err_code code = own_key(store_dir(svc->store), true, &key, &found, e);
    if (!code && !found)
        code = err_set(e, ERR_INTERNAL, NULL, "there is no key to sign the receipt with");
    if (code)
        return code;
    crypto_sign_detached(signature, NULL, (const unsigned char *)receipt.p, receipt.n, key.secret);
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    jw_kraw(&w, "receipt", receipt);
    jw_key(&w, "signature");
    jw_object(&w);
    jw_kcstr(&w, "algorithm", "Ed25519");
    jw_kcstr(&w, "key_id", key.id);
    put_bytes(&w, "public_key", key.public_key, KEY);
    put_bytes(&w, "value", signature, SIGNATURE);
    jw_end_object(&w);
    jw_end_object(&w);
    sodium_memzero(&key, sizeof key);
    *out = buf_take(&b, a);
    return out->p ? ERR_OK : err_nomem(e);
}

enum err_code receipt_make(struct service *svc, struct arena *a, const struct record *erasure,
                           const struct receipt_facts *f, struct str *out, struct err *e)
{
    struct buf b;
    struct json_out w;
    struct store_tx *tx;
    enum err_code code = store_read_begin(svc->store, &tx, e);
    if (code)
        return code;
    buf_init(&b, RECEIPT_MAX);
    jw_init(&w, &b);
    jw_object(&w);
    put_head(&w, svc, erasure, f->erased_at);
    code = put_rows(tx, a, &w, erasure->id, e);
    store_read_end(tx);
    put_cleaned(&w, f);
    if (f->cold)
        jw_kraw(&w, "cold_archives", f->cold_archives);
    if (!code)
        code = put_backups(svc, a, &w, f->erased_at, e);
    jw_end_object(&w);
    struct str text = buf_take(&b, a);
    if (!code && !text.p)
        code = err_nomem(e);
    return code ? code : sign(svc, a, text, out, e);
}

/* ---- checking ---- */

static bool read_bytes(const struct json *o, const char *name, unsigned char *out, size_t n)
{
    struct str text = json_text(o, name);
    size_t got = 0;
    const char *end = NULL;
    return text.n &&
           !sodium_base642bin(out, n, text.p, text.n, NULL, &got, &end, sodium_base64_VARIANT_URLSAFE_NO_PADDING) &&
           got == n && end == text.p + text.n;
}

static enum err_code minified(struct arena *a, const struct json *o, struct str *out, struct err *e)
{
    struct buf b;
    struct json_out w;
    buf_init(&b, RECEIPT_MAX);
    jw_init(&w, &b);
    jw_value(&w, o);
    *out = buf_take(&b, a);
    return out->p ? ERR_OK : err_nomem(e);
}

enum err_code receipt_verify(struct arena *a, const char *dir, const struct json *receipt, struct receipt_check *out,
                             struct err *e)
{
    const struct json *said = json_get_type(receipt, "receipt", JSON_OBJECT);
    const struct json *by = json_get_type(receipt, "signature", JSON_OBJECT);
    unsigned char key[KEY], signature[SIGNATURE];
    struct jwt_key own;
    struct str text;
    bool found = false;
    *out =
        (struct receipt_check){.wrong = "the signature does not fit: the receipt was changed, or is none of Cairn's"};
    if (!said || !by || !str_is(json_text(by, "algorithm"), "Ed25519") || !read_bytes(by, "public_key", key, KEY) ||
        !read_bytes(by, "value", signature, SIGNATURE))
        return err_set(
            e, ERR_INVALID, "receipt",
            "this is no receipt: it has the members `receipt` and `signature` (algorithm Ed25519, public_key,"
            " value)");
    if (sodium_init() < 0)
        return err_set(e, ERR_INTERNAL, NULL, "libsodium could not be started");
    enum err_code code = minified(a, said, &text, e);
    if (!code && dir)
        code = own_key(dir, false, &own, &found, e);
    if (code)
        return code;
    out->genuine = crypto_sign_verify_detached(signature, (const unsigned char *)text.p, text.n, key) == 0;
    out->own_key = out->genuine && found && memcmp(own.public_key, key, KEY) == 0;
    if (out->genuine)
        out->wrong = out->own_key ? NULL : "the signature fits, but it was made with another store's key";
    sodium_memzero(&own, sizeof own);
    return ERR_OK;
}
