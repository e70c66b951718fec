/* Encrypting, decrypting and changing keys. See encryption.h. Each part knows how to bring its own files into the form
 * that the keyring asks for; here is the order, and who may. */
#include "service/encryption.h"

#include "base/log.h"
#include "config/config.h"
#include "service/cold.h"
#include "service/features.h"
#include "service/journal.h"
#include "service/plain_files.h"

#include <string.h>

/* ---- the secret ---- */

/* In a file beside the data it would guard nothing. */
static enum err_code not_in_a_file(const struct config *config, const char *name, struct err *e)
{
    const struct setting *s = setting_find(str_of(name));
    if (config && s && config_text(config, name) && config_source(config, s) == FROM_FILE)
        return err_set(e, ERR_INVALID, name,
                       "%s must not be in a configuration file: set it in the environment, or use encryption.key_file",
                       name);
    return ERR_OK;
}

enum err_code encryption_secret(const struct config *config, struct seal_secret *out, struct err *e)
{
    *out = (struct seal_secret){0};
    enum err_code code = not_in_a_file(config, "encryption.key", e);
    if (!code)
        code = not_in_a_file(config, "encryption.passphrase", e);
    if (code)
        return code;
    out->key = str_of(config_text(config, "encryption.key"));
    out->key_file = config_text(config, "encryption.key_file");
    out->passphrase = str_of(config_text(config, "encryption.passphrase"));
    return ERR_OK;
}

/* ---- converting ---- */

/* Each part brings what it keeps into the form that the keyring asks for now. */
static enum err_code convert_all(struct service *s, struct err *e)
{
    log_event(LOG_INFO, "converting", L_CSTR("what", "database"), L_INT("bytes", store_disk_bytes(s->store)));
    enum err_code code = store_reform(s->store, e);
    if (!code)
        log_event(LOG_INFO, "converting", L_CSTR("what", "columns"));
    if (!code)
        code = store_convert_columns(s->store, NULL, NULL, e);
    if (!code)
        log_event(LOG_INFO, "converting", L_CSTR("what", "index"));
    if (!code)
        code = index_convert(s->index, e);
    if (!code)
        code = meaning_convert(s->meaning, s->store, e);
    if (!code)
        code = journal_convert(s->journal, e);
    if (!code && cold_wanted(s))
        log_event(LOG_INFO, "converting", L_CSTR("what", "cold storage"));
    return code ? code : cold_convert(s, e);
}

static enum err_code to_sealed(struct service *s, const struct seal_secret *secret, struct err *e)
{
    enum err_code code = store_seal(s->store, secret, e);
    if (!code)
        code = convert_all(s, e);
    return code ? code : store_seal_state(s->store, SEAL_SEALED, e);
}

static enum err_code to_plain(struct service *s, struct err *e)
{
    enum err_code code = store_seal_state(s->store, SEAL_OPENING, e);
    if (!code)
        code = convert_all(s, e);
    return code ? code : store_seal_state(s->store, SEAL_PLAIN, e);
}

static enum err_code to_new_keys(struct service *s, struct err *e)
{
    enum err_code code = store_seal_renew(s->store, e);
    if (!code)
        code = convert_all(s, e);
    return code ? code : store_seal_state(s->store, SEAL_SEALED, e);
}

/* One conversion at a time, and no other process: its connections would take the data for what it no longer is. */
static enum err_code begin(struct service *s, struct err *e)
{
    if (atomic_exchange(&s->converted, true))
        return err_named(e, ERR_CONFLICT, "CONVERSION_RUNNING", "the data is being encrypted or decrypted already");
    enum err_code code = store_sole(s->store, e);
    if (code)
        atomic_store(&s->converted, false);
    return code;
}

static void end(struct service *s, enum err_code code, const char *event, const struct err *e)
{
    store_shared(s->store);
    atomic_store(&s->converted, false);
    if (code && e)
        log_error("encryption_failed", e);
    else if (!code)
        log_event(LOG_INFO, event, L_CSTR("dir", store_dir(s->store)));
}

/* What there is to do is looked at once nobody else can change it. */
static enum err_code seal_all(struct service *s, const struct seal_secret *secret, struct err *e)
{
    enum seal_state state = keyring_state(store_keyring(s->store));
    if (state == SEAL_SEALED || state == SEAL_CHANGING)
        return err_named(e, ERR_CONFLICT, "ENCRYPTED_ALREADY", "the data is encrypted already");
    return to_sealed(s, secret, e);
}

static enum err_code open_all(struct service *s, struct err *e)
{
    if (!store_keyring(s->store))
        return err_named(e, ERR_CONFLICT, "NOT_ENCRYPTED", "the data is not encrypted");
    return to_plain(s, e);
}

static enum err_code rekey_all(struct service *s, const struct seal_secret *secret, bool deep, struct err *e)
{
    struct keyring *k = store_keyring(s->store);
    enum seal_state state = keyring_state(k);
    if (!k)
        return err_named(e, ERR_CONFLICT, "NOT_ENCRYPTED", "the data is not encrypted: cairn encrypt does that");
    if (state == SEAL_SEALING || state == SEAL_OPENING)
        return err_set(e, ERR_CONFLICT, NULL, "finish encrypting or decrypting first: run that command again");
    enum err_code code = secret ? keyring_rewrap(k, secret, e) : ERR_OK;
    return !code && deep ? to_new_keys(s, e) : code;
}

enum err_code encryption_seal(struct service *s, const struct seal_secret *secret, struct err *e)
{
    enum err_code code = begin(s, e);
    if (code)
        return code;
    code = seal_all(s, secret, e);
    end(s, code, "encrypted", e);
    return code;
}

enum err_code encryption_open(struct service *s, struct err *e)
{
    enum err_code code = begin(s, e);
    if (code)
        return code;
    code = open_all(s, e);
    end(s, code, "decrypted", e);
    return code;
}

enum err_code encryption_rekey(struct service *s, const struct seal_secret *secret, bool deep, struct err *e)
{
    enum err_code code = begin(s, e);
    if (code)
        return code;
    code = rekey_all(s, secret, deep, e);
    end(s, code, "rekeyed", e);
    return code;
}

void encryption_tell(const struct service *s, struct json_out *w)
{
    static const char *const names[] = {[SEAL_PLAIN] = "off",
                                        [SEAL_SEALING] = "encrypting",
                                        [SEAL_SEALED] = "on",
                                        [SEAL_OPENING] = "decrypting",
                                        [SEAL_CHANGING] = "changing keys"};
    enum seal_state state = keyring_state(store_keyring(s->store));
    jw_object(w);
    jw_kbool(w, "enabled", state != SEAL_PLAIN);
    jw_kcstr(w, "state", names[state]);
    jw_end_object(w);
}

/* ---- operations: only over the Unix socket or in this process, for the secret is in them ---- */

/* The secret in the call, else the one in the settings. */
static enum err_code given_secret(struct op_call *c, bool must, struct seal_secret *out, struct err *e)
{
    *out = (struct seal_secret){.key = op_text(c, "key"), .passphrase = op_text(c, "passphrase")};
    if (seal_secret_given(out) || !must)
        return ERR_OK;
    return encryption_secret(c->svc->options.config, out, e);
}

static enum err_code answer(struct op_call *c, bool plain, struct err *e)
{
    jw_object(c->out);
    jw_key(c->out, "encryption");
    encryption_tell(c->svc, c->out);
    jw_key(c->out, "files_left");
    jw_array(c->out);
    enum err_code code = plain_files_list(c->svc, c->arena, plain, c->out, e);
    jw_end_array(c->out);
    jw_end_object(c->out);
    return code;
}

enum err_code encryption_encrypt(struct op_call *c, struct err *e)
{
    struct seal_secret secret;
    enum err_code code = given_secret(c, true, &secret, e);
    if (!code)
        code = encryption_seal(c->svc, &secret, e);
    return code ? code : answer(c, true, e);
}

/* Where the keys go that backups are sealed with, their owner must say so. */
static enum err_code check_backups(struct op_call *c, struct err *e)
{
    int64_t lost = 0;
    enum err_code code = plain_files_count(c->svc, c->arena, false, &lost, e);
    if (!code && lost && !op_bool(c, "lose_backups", false))
        code = err_named(e, ERR_CONFLICT, "BACKUPS_WOULD_BE_LOST",
                         "%lld encrypted backups could never be read again, as the keys go: remove them, or say "
                         "lose_backups",
                         (long long)lost);
    return code;
}

enum err_code encryption_decrypt(struct op_call *c, struct err *e)
{
    enum err_code code = check_backups(c, e);
    if (!code)
        code = encryption_open(c->svc, e);
    return code ? code : answer(c, false, e);
}

enum err_code encryption_rekey_op(struct op_call *c, struct err *e)
{
    struct seal_secret secret;
    bool deep = op_bool(c, "deep", false);
    enum err_code code = given_secret(c, false, &secret, e);
    bool given = seal_secret_given(&secret);
    if (!code && !given && !deep)
        code = err_set(e, ERR_INVALID, "key", "say which: a new key or passphrase, deep, or both");
    if (!code && deep)
        code = check_backups(c, e);
    if (!code)
        code = encryption_rekey(c->svc, given ? &secret : NULL, deep, e);
    return code ? code : answer(c, true, e);
}
