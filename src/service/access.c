/* Single records under the caller's rights: the rule of caller.h and store/scope.h, applied where a record is named. */
#include "service/access.h"

#include <string.h>

enum access access_of(const struct operation *op)
{
    bool reads = op->permission == PERM_READ || op->permission == PERM_NONE || strcmp(op->method, "GET") == 0;
    return reads ? ACCESS_READ : ACCESS_WRITE;
}

enum err_code access_record(const struct caller *who, enum access access, struct store_tx *tx, struct arena *a,
                            const struct record *r, struct err *e)
{
    struct scope s = caller_scope(who);
    struct str level;
    if (scope_owns(&s, r->project) || (access == ACCESS_WRITE && caller_writes(who, r->project)))
        return ERR_OK;
    enum err_code code = record_level(tx, a, r, &level, e);
    if (code)
        return code;
    if (!caller_reads(who, r->project, level))
        return record_missing(r->kind, r->id, e);
    return access == ACCESS_WRITE ? caller_refuse_write(who, caller_shown_project(who, a, r->project), e) : ERR_OK;
}

static enum err_code get(const struct caller *who, enum access access, struct store_tx *tx, struct arena *a,
                         const struct kind *k, struct str id, struct record **out, struct err *e)
{
    enum err_code code = record_get(tx, a, k, id, STR_NONE, out, e);
    return code ? code : access_record(who, access, tx, a, *out, e);
}

enum err_code access_session(const struct caller *who, enum access access, struct store_tx *tx, struct arena *a,
                             struct str id, struct record **out, struct err *e)
{
    struct err why = {0};
    enum err_code code = get(who, access, tx, a, KIND_SESSION, id, out, &why);
    if (code == ERR_NOT_FOUND)
        return err_named(e, code, "SESSION_NOT_FOUND", "there is no session %.*s", STR_ARG(str_take(id, 60)));
    if (code && e)
        *e = why;
    if (!code && str_is(record_text(*out, "status"), "expired"))
        return err_named(e, ERR_GONE, "SESSION_EXPIRED", "session %.*s has expired; only its summary is kept",
                         STR_ARG(id));
    return code;
}

enum err_code access_conversation(const struct caller *who, enum access access, struct store_tx *tx, struct arena *a,
                                  struct str id, struct record **out, struct err *e)
{
    struct err why = {0};
    enum err_code code = get(who, access, tx, a, KIND_CONVERSATION, id, out, &why);
    if (code == ERR_NOT_FOUND)
        return err_named(e, code, "CONVERSATION_NOT_FOUND", "there is no conversation %.*s", STR_ARG(str_take(id, 60)));
    if (code && e)
        *e = why;
    return code;
}

/* ---- what a record names ---- */

static enum err_code reference(const struct caller *who, struct store_tx *tx, struct arena *a, const struct kind *k,
                               struct str id, struct err *e)
{
    struct record *named;
    struct err why = {0};
    if (!k || !id.n || (k->flags & KIND_KEYED))
        return ERR_OK;
    enum err_code code = record_get(tx, a, k, id, STR_NONE, &named, &why);
    if (code == ERR_NOT_FOUND)
        return ERR_OK;
    if (code) {
        if (e)
            *e = why;
        return code;
    }
    return access_record(who, ACCESS_WRITE, tx, a, named, e);
}

enum err_code access_references(const struct caller *who, struct store_tx *tx, struct arena *a, const struct record *r,
                                struct err *e)
{
    const struct {
        const struct kind *kind;
        const char *field;
    } named[] = {
        {KIND_SESSION, "session_id"},
        {KIND_CONVERSATION, "conversation_id"},
        {KIND_SESSION, "source_session_id"},
        {kind_find(record_text(r, "record_kind")), "record_id"},
    };
    enum err_code code = ERR_OK;
    for (size_t i = 0; !who->everything && !code && i < sizeof named / sizeof *named; i++)
        code = reference(who, tx, a, named[i].kind, record_text(r, named[i].field), e);
    return code;
}
