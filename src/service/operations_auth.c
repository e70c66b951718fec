/* Operations: callers' tokens. See operation_table.h. They need no auth to be on: tokens are made before it is. */
#include "service/operation_table.h"

#include "service/features.h"

static const struct op_arg token_args[] = {
    {"project", ARG_TEXT, ARG_IN_BODY, 0, 1, 100, NULL, NULL, "the project it is for (default); * for all"},
    {"permissions", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, "\"read,write,memory\"", NULL,
     "read, write, memory (recall and chat), admin (tokens, backup, maintenance), with commas"},
    {"expires", ARG_TEXT, ARG_IN_BODY, 0, 2, 20, "\"90d\"", NULL, "how long it lasts: a number and s, m, h, d, w or y"},
    {"org", ARG_TEXT, ARG_IN_BODY, 0, 1, 100, NULL, NULL, "the organisation (the caller's own)"},
    {"algorithm", ARG_ENUM, ARG_IN_BODY, 0, 0, 0, NULL, "HS256|EdDSA", "how it is signed (HS256)"},
    {"note", ARG_TEXT, ARG_IN_BODY, 0, 0, 500, NULL, NULL, "what it is for, shown in the list"},
};
static const struct op_arg list_args[] = {
    {"limit", ARG_INT, ARG_IN_QUERY, 0, 1, 1000, "50", NULL, "tokens at most"},
    {"cursor", ARG_TEXT, ARG_IN_QUERY, 0, 1, 500, NULL, NULL, "from the page before"},
};
static const struct op_arg revoke_args[] = {
    {"id", ARG_TEXT, ARG_IN_PATH, ARG_REQUIRED | ARG_POSITIONAL, 1, 64, NULL, NULL, "the token's id (tok_…)"},
};

static const struct operation entries[] = {
    {"auth.token", "POST", "/api/v2/auth/tokens", "auth token", NULL, ARGS(token_args), PERM_ADMIN, LIMIT_NONE,
     OP_OWN_PROJECT, 201, auth_token, "Make a token for a caller; it is shown this once",
     "{token:text, token_id, project:text, org:text, permissions:text, algorithm:text, expires_at}"},
    {"auth.list", "GET", "/api/v2/auth/tokens", "auth list", NULL, ARGS(list_args), PERM_ADMIN, LIMIT_NONE, 0, 200,
     auth_list, "List the tokens that were made, newest first",
     "{tokens [{token_id, project:text, org:text, permissions:text, algorithm:text, expires_at, created_at, "
     "revoked:bool, revoked_at, made_by:text?, note:text?}], next_cursor, total:int}"},
    {"auth.revoke", "DELETE", "/api/v2/auth/tokens/{id}", "auth revoke", NULL, ARGS(revoke_args), PERM_ADMIN,
     LIMIT_NONE, 0, 200, auth_revoke, "Take a token back, with all that were derived from it",
     "{token_id, revoked:bool, revoked_at}"},
};
const struct operation_table operations_auth = TABLE_OF(entries);
