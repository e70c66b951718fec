/* Quotas. See quota.h. Not rate limits, which are the HTTP door's. */
#include "service/quota.h"

#include "config/config.h"
#include "service/ephemeral.h"
#include "store/turns.h"

#include <stdio.h>

enum err_code quota_sessions(struct service *s, struct store_tx *tx, struct str user_id, struct err *e)
{
    int64_t most = config_int(s->options.config, "limits.max_sessions_per_user"), n = 0;
    if (most == 0 || !user_id.n)
        return ERR_OK;
    enum err_code code = sessions_active(tx, user_id, most, &n, e);
    if (code || n < most)
        return code;
    err_named(e, ERR_TOO_LARGE, "STORAGE_QUOTA_EXCEEDED",
              "this user has %lld active sessions, the most allowed; archive or delete one first", (long long)most);
    if (e)
        snprintf(e->field, sizeof e->field, "user_id");
    return ERR_TOO_LARGE;
}

enum err_code quota_ephemeral(struct service *s, struct err *e)
{
    return err_named(
        e, ERR_TOO_LARGE, "STORAGE_QUOTA_EXCEEDED",
        "EPHEMERAL sessions take all the memory they may, %lld bytes (privacy.ephemeral_bytes): delete one",
        (long long)config_int(s->options.config, "privacy.ephemeral_bytes"));
}

enum err_code quota_store(struct service *s, struct err *e)
{
    if (ephemeral_is(s)) {
        bool full = store_bytes(s->store) >= config_int(s->options.config, "privacy.ephemeral_bytes");
        return full ? quota_ephemeral(s, e) : ERR_OK;
    }
    int64_t most = config_int(s->options.config, "limits.store_bytes");
    if (most == 0 || store_bytes(s->store) < most)
        return ERR_OK;
    return err_named(e, ERR_TOO_LARGE, "STORAGE_QUOTA_EXCEEDED",
                     "the store has reached its bound of %lld bytes (limits.store_bytes); nothing more is taken in",
                     (long long)most);
}

enum err_code quota_session(struct service *s, struct store_tx *tx, struct str session_id, struct str conversation_id,
                            size_t bytes, struct err *e)
{
    int64_t most = config_int(s->options.config, "limits.session_bytes"), n = 0;
    if (most == 0)
        return ERR_OK;
    enum err_code code = session_bytes(tx, session_id, conversation_id, &n, e);
    if (code || n + (int64_t)bytes <= most)
        return code;
    err_named(e, ERR_TOO_LARGE, "STORAGE_QUOTA_EXCEEDED",
              "this session holds %lld bytes of the %lld allowed (limits.session_bytes): %zu more do not fit",
              (long long)n, (long long)most, bytes);
    if (e)
        snprintf(e->field, sizeof e->field, "content");
    return ERR_TOO_LARGE;
}
