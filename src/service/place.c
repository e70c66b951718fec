/* Sessions by id or by the caller's own name, made on first use (contract §2). */
#include "service/place.h"

#include "base/text.h"
#include "service/default_agents.h"
#include "service/operation_run.h"

enum { NAME_MAX_BYTES = 200, DIRECTIVE_BYTES = 200 };

enum err_code place_session(struct store_tx *tx, struct arena *a, const struct caller *who, enum access access,
                            struct str name, struct str project, struct record **out, struct err *e)
{
    *out = NULL;
    if (name.n == 0 || name.n > NAME_MAX_BYTES)
        return err_set(e, ERR_INVALID, "session_id", "session_id must be 1 to %d bytes long", NAME_MAX_BYTES);
    if (str_starts(name, "sess_"))
        return access_session(who, access, tx, a, name, out, e);
    struct err why = {0};
    enum err_code code = session_by_alias(tx, a, project, name, out, &why);
    if (!code)
        code = access_record(who, access, tx, a, *out, &why);
    if (code == ERR_NOT_FOUND) {
        *out = NULL;
        return ERR_OK;
    }
    if (code && e)
        *e = why;
    if (!code && str_is(record_text(*out, "status"), "expired"))
        return err_named(e, ERR_GONE, "SESSION_EXPIRED", "session %.*s has expired; only its summary is kept",
                         STR_ARG(name));
    return code;
}

struct str place_default_preferences(void)
{
    return str_of(KIND_SESSION->fields[kind_field(KIND_SESSION, STR("user_preferences"))].fallback);
}

enum err_code place_session_new(struct store_tx *tx, struct arena *a, struct str new_id, struct str name,
                                struct str project, struct record **out, struct err *e)
{
    struct record *r = record_new(a, KIND_SESSION);
    if (!r)
        return err_nomem(e);
    r->id = new_id;
    r->project = project;
    record_set(r, "alias", V_TEXT(name));
    record_set(r, "title", V_TEXT(name));
    record_set(r, "status", V_TEXT(STR("active")));
    record_set(r, "user_preferences", V_TEXT(place_default_preferences()));
    enum err_code code = record_insert(tx, a, r, e);
    if (!code)
        code = default_agents_insert(tx, a, r->id, r->project, e);
    *out = r;
    return code;
}

enum err_code place_conversation_new(struct store_tx *tx, struct arena *a, struct str new_id,
                                     const struct record *session, struct str directive, struct err *e)
{
    struct record *r = record_new(a, KIND_CONVERSATION);
    if (!r)
        return err_nomem(e);
    r->id = new_id;
    r->project = session->project;
    record_set(r, "session_id", V_TEXT(session->id));
    record_set(r, "status", V_TEXT(STR("active")));
    if (directive.n)
        record_set(r, "directive", V_TEXT(text_cut(str_trim(directive), DIRECTIVE_BYTES)));
    return record_insert(tx, a, r, e);
}
