/* Tokens as the service knows them: whom one speaks for, making one, keeping the register. What a token is and whether
 * one is good is the auth room's (auth/auth.h). */
#ifndef CAIRN_SERVICE_TOKEN_H
#define CAIRN_SERVICE_TOKEN_H

#include "service/caller.h"
#include "service/service.h"
#include "store/records.h"

/* The bearer of `token` as a caller, in the arena. ERR_DENIED (INVALID_SESSION_TOKEN) says why it is not taken. */
enum err_code token_caller(struct service *s, struct arena *a, struct str token, struct caller *out, struct err *e);
/* ERR_FORBIDDEN naming the permission that `op` needs and the token lacks; `what` is the operation's name. */
enum err_code token_permits(const struct caller *c, enum permission p, const char *what, struct err *e);
/* "read", "write", "memory", "admin"; "none" for PERM_NONE. */
const char *permission_name(enum permission p);

/* A token with its line in the register, which is to be inserted (record_insert on a copy) by the job that makes it
 * valid; both live in the arena. */
struct token_made {
    struct str text;
    struct record *record;
};
/* For a new session: the caller's permissions and expiry, the session's project only. text is STR_NONE where the caller
 * needs no token (auth is off), or holds one that was derived so often that no further id fits. */
enum err_code token_for_session(struct op_call *c, struct str project, struct token_made *out, struct err *e);

#endif
