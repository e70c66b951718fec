/* Tags on records: one is made only on a record that is there. Lists filter by them (store/list.c); a record's
 * deletion takes its tags along only with its session or conversation, otherwise a tag on what is gone finds nothing.
 */
#include "service/crud.h"
#include "service/features.h"
#include "service/operation_run.h"

static enum err_code tagged_on(struct op_call *c, struct store_tx *tx, struct err *e)
{
    struct str kind = record_text(c->record, "record_kind"), id = record_text(c->record, "record_id");
    const struct kind *k = kind_find(kind);
    struct record *r;
    struct err why = {0};
    if (!k || (k->flags & KIND_INTERNAL))
        return err_set(e, ERR_INVALID, "record_kind", "record_kind must be a kind of record such as session, not %.*s",
                       STR_ARG(str_take(kind, 60)));
    record_set(c->record, "record_kind", V_TEXT(str_of(k->name)));
    struct str project = (k->flags & KIND_KEYED) && k != KIND_PROJECT ? c->record->project : STR_NONE;
    enum err_code code = record_get(tx, c->arena, k, id, project, &r, &why);
    if (!code)
        code = access_record(caller_of(c), ACCESS_WRITE, tx, c->arena, r, &why);
    if (code == ERR_NOT_FOUND)
        return err_set(e, code, "record_id", "there is no %s %.*s to put a tag on", k->name, STR_ARG(str_take(id, 80)));
    return code ? err_named(e, code, why.name, "%s", why.message) : ERR_OK;
}

/* Looked up before the write, not in it: a record that is deleted in between leaves a tag that finds nothing. */
enum err_code tag_create(struct op_call *c, struct err *e)
{
    if (!c->record->project.n)
        c->record->project = c->project;
    enum err_code code = op_read(c, tagged_on, e);
    return code ? code : crud_create(c, e);
}
