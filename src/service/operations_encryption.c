/* Operations: encryption at rest. The secret is in the body and never elsewhere, so they are for the owner alone: over
 * the Unix socket or in this process. See operation_table.h. */
#include "service/operation_table.h"

#include "service/features.h"

#define NEW_KEY                                                                                                        \
    {                                                                                                                  \
        "key", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, NULL, NULL, "the key: 32 bytes as 64 hex digits or in base64"         \
    }
#define NEW_PASSPHRASE                                                                                                 \
    {                                                                                                                  \
        "passphrase", ARG_TEXT, ARG_IN_BODY, 0, 8, 1000, NULL, NULL, "a passphrase instead"                            \
    }

static const struct op_arg encrypt_args[] = {NEW_KEY, NEW_PASSPHRASE};
static const struct op_arg decrypt_args[] = {
    {"lose_backups", ARG_BOOL, ARG_IN_BODY, 0, 0, 0, "false", NULL,
     "also when there are encrypted backups, which nobody can read afterwards"},
};
static const struct op_arg rekey_args[] = {
    NEW_KEY,
    NEW_PASSPHRASE,
    {"deep", ARG_BOOL, ARG_IN_BODY, 0, 0, 0, "false", NULL, "new data keys too: everything is written anew"},
    {"lose_backups", ARG_BOOL, ARG_IN_BODY, 0, 0, 0, "false", NULL,
     "with deep: also when there are encrypted backups, which nobody can read afterwards"},
};

#define DONE "{encryption {enabled:bool, state:text}, files_left [text]}"

static const struct operation entries[] = {
    {"encryption.encrypt", "POST", "/api/v2/encryption/encrypt", NULL, NULL, ARGS(encrypt_args), PERM_ADMIN, LIMIT_NONE,
     OP_LOCAL, 200, encryption_encrypt,
     "Encrypt the data folder while it is in use (Unix socket only); files_left: copies that are still plain", DONE},
    {"encryption.decrypt", "POST", "/api/v2/encryption/decrypt", NULL, NULL, ARGS(decrypt_args), PERM_ADMIN, LIMIT_NONE,
     OP_LOCAL, 200, encryption_decrypt,
     "Decrypt the data folder while it is in use and destroy its keys (Unix socket only)", DONE},
    {"encryption.rekey", "POST", "/api/v2/encryption/rekey", NULL, NULL, ARGS(rekey_args), PERM_ADMIN, LIMIT_NONE,
     OP_LOCAL, 200, encryption_rekey_op, "Another key or passphrase for the encrypted data (Unix socket only)", DONE},
};
const struct operation_table operations_encryption = TABLE_OF(entries);
