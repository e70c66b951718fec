/* encrypt, decrypt, rekey: the operations encryption.*, with the secret gathered here. A running server does the work,
 * asked over the Unix socket; without one it is done in this process. Either way it may be killed, and run again goes
 * on. */
#include "doors/cli/command.h"
#include "doors/cli/secret.h"

#include "service/encryption.h"

#include <stdlib.h>

enum { PATIENCE_S = 7 * 24 * 3600 };

static const struct op_arg decrypt_args[] = {
    {"lose_backups", ARG_BOOL, ARG_IN_QUERY, 0, 0, 0, "false", NULL,
     "also when there are encrypted backups, which nobody can read afterwards"},
};
static const struct op_arg rekey_args[] = {
    {"key_file", ARG_TEXT, ARG_IN_QUERY, 0, 1, 4000, NULL, NULL, "file with the new key, its owner's alone"},
    {"deep", ARG_BOOL, ARG_IN_QUERY, 0, 0, 0, "false", NULL, "new data keys too: everything is written anew"},
    {"lose_backups", ARG_BOOL, ARG_IN_QUERY, 0, 0, 0, "false", NULL,
     "with deep: also when there are encrypted backups, which nobody can read afterwards"},
};

/* `flags`: names of arguments that are true, "" for none. */
static enum err_code ask_for(struct cli *c, const char *operation, const struct seal_secret *secret,
                             const char *const flags[2], const char *done, struct err *e)
{
    struct answer answer;
    const struct json *json = NULL;
    struct op_pair pairs[4];
    struct given g = {.op = operation_find(operation), .pairs = pairs};
    c->patience_s = PATIENCE_S;
    enum err_code code = secret_pairs(c, secret, pairs, &g.n_pairs, e);
    for (int i = 0; i < 2; i++)
        if (*flags[i])
            pairs[g.n_pairs++] = (struct op_pair){str_of(flags[i]), STR("true"), ARG_IN_BODY};
    if (!code)
        code = ask(c, &g, &answer, e);
    if (code)
        return code;
    if (c->json) {
        buf_str(&c->out, answer.json);
        buf_char(&c->out, '\n');
        return ERR_OK;
    }
    buf_fmt(&c->out, "%.*s: %s\n", STR_ARG(clean_line(c->arena, str_of(c->data))), done);
    if (json_parse(c->arena, answer.json, 0, &json, NULL) == ERR_OK) {
        const struct json *left = json_get(json, "files_left");
        for (size_t i = 0; left && i < left->n; i++) {
            screen_ink(&c->screen, &c->out, INK_BAD, STR("not changed: "));
            buf_fmt(&c->out, "%.*s\n", STR_ARG(clean_line(c->arena, left->items[i].s)));
        }
    }
    return ERR_OK;
}

static enum err_code run_encrypt(struct cli *c, const struct given *g, struct op_call *call, struct err *e)
{
    (void)g, (void)call;
    struct seal_secret secret;
    c->converting = true;
    enum err_code code = settings_config(c, NULL, e);
    if (!code)
        code = encryption_secret(c->config, &secret, e);
    if (!code && !seal_secret_given(&secret))
        code = secret_ask(c, "set CAIRN_KEY, CAIRN_PASSPHRASE or CAIRN_KEY_FILE", &secret.passphrase, e);
    secret_guard_process();
    if (code)
        return code;
    return ask_for(c, "encryption.encrypt", &secret, (const char *[]){"", ""},
                   "encrypted; without the key nobody can read it again, so keep it", e);
}

static enum err_code run_decrypt(struct cli *c, const struct given *g, struct op_call *call, struct err *e)
{
    (void)g;
    const struct seal_secret none = {0};
    const char *flags[] = {op_bool(call, "lose_backups", false) ? "lose_backups" : "", ""};
    return ask_for(c, "encryption.decrypt", &none, flags, "decrypted, its keys are destroyed", e);
}

/* The new secret has variables of its own: the old one's may be needed to open the data. */
static enum err_code new_secret(struct cli *c, struct op_call *call, struct seal_secret *out, struct err *e)
{
    *out = (struct seal_secret){.key = str_of(getenv("CAIRN_NEW_KEY")),
                                .passphrase = str_of(getenv("CAIRN_NEW_PASSPHRASE")),
                                .key_file = arena_cstr(c->arena, op_text(call, "key_file"))};
    if (seal_secret_given(out) || op_bool(call, "deep", false))
        return ERR_OK;
    return secret_ask(c, "set CAIRN_NEW_KEY or CAIRN_NEW_PASSPHRASE, or give --key-file", &out->passphrase, e);
}

static enum err_code run_rekey(struct cli *c, const struct given *g, struct op_call *call, struct err *e)
{
    (void)g;
    struct seal_secret secret;
    enum err_code code = new_secret(c, call, &secret, e);
    secret_guard_process();
    const char *flags[] = {op_bool(call, "deep", false) ? "deep" : "",
                           op_bool(call, "lose_backups", false) ? "lose_backups" : ""};
    return code ? code : ask_for(c, "encryption.rekey", &secret, flags, "the key was changed", e);
}

const struct command command_encrypt = {
    .name = "encrypt",
    .summary = "Encrypt the data folder, while in use",
    .run = run_encrypt,
    .details =
        "The key comes from $CAIRN_KEY (32 bytes as 64 hex digits or in base64), $CAIRN_PASSPHRASE or the file that\n"
        "encryption.key_file ($CAIRN_KEY_FILE) names; else a passphrase is asked for. From then on every command and "
        "the\n"
        "server need it. Backups made before stay as they are, and are listed. Keep a copy of the folder keys in the "
        "data\n"
        "folder apart from the backups: both it and the key are needed to read them.\n",
};

const struct command command_decrypt = {
    .name = "decrypt",
    .summary = "Decrypt the data folder, while in use",
    .args = decrypt_args,
    .n_args = sizeof decrypt_args / sizeof decrypt_args[0],
    .run = run_decrypt,
    .details = "The keys are destroyed at the end: encrypted backups can no longer be read.\n",
};

const struct command command_rekey = {
    .name = "rekey",
    .summary = "Change the key or passphrase of encrypted data",
    .args = rekey_args,
    .n_args = sizeof rekey_args / sizeof rekey_args[0],
    .run = run_rekey,
    .details =
        "The new one comes from $CAIRN_NEW_KEY, $CAIRN_NEW_PASSPHRASE or --key-file; else a passphrase is asked for.\n"
        "It is quick, as it only wraps the data's own keys anew; --deep changes those too and writes everything "
        "again;\n"
        "encrypted backups made before can then no longer be read.\n",
};
