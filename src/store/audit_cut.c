/* Cutting off what is older than it must be kept, at the beginning of the chain: the one way in which rows go. In the
 * same transaction a row says what went and with which hash it ended, so the rest can still be checked. */
#include "store/audit_int.h"

#include "base/buf.h"

#include <inttypes.h>
#include <stdio.h>

struct looking {
    int64_t before, first, last;
    char hash[AUDIT_HEX];
};

static enum err_code look(void *arg, const struct audit_row *r, struct err *e)
{
    struct looking *l = arg;
    (void)e;
    if (r->at >= l->before)
        return ERR_GONE; /* stays, and all that follow */
    l->first = l->first ? l->first : r->seq;
    l->last = r->seq;
    (void)snprintf(l->hash, sizeof l->hash, "%.*s", STR_ARG(r->hash));
    return ERR_OK;
}

static enum err_code tell(struct store_tx *tx, const struct looking *l, int64_t now, struct err *e)
{
    char details[240];
    int n = snprintf(details, sizeof details,
                     "{\"first\":%" PRId64 ",\"last\":%" PRId64 ",\"rows\":%" PRId64 ",\"last_hash\":\"%s\"}", l->first,
                     l->last, l->last - l->first + 1, l->hash);
    const struct audit_row r = {.at = now,
                                .actor = STR("cairn"),
                                .action = STR(AUDIT_CUT),
                                .project = STR(AUDIT_STORE),
                                .outcome = STR("ok"),
                                .door = STR("internal"),
                                .details = {details, (size_t)n}};
    return audit_append(tx, &r, e);
}

/* The head's own row always stays. */
enum err_code audit_cut(struct store_tx *tx, void *arg, struct err *e)
{
    struct audit_cutting *c = arg;
    struct looking l = {.before = c->before};
    int64_t last;
    struct query q;
    c->cut = 0;
    tx->marks.accounted = true;
    enum err_code code = audit_walk(tx, 0, c->limit, look, &l, &last, NULL);
    if (code == ERR_GONE)
        code = ERR_OK;
    if (code || !l.first)
        return code ? err_set(e, code, NULL, "cannot look for old rows of the audit log") : ERR_OK;
    code = tell(tx, &l, c->now, e);
    if (code)
        return code;
    query_fixed(&q, tx, STMT_AUDIT_CUT, e);
    query_int(&q, l.last);
    code = query_run(&q);
    if (!code) {
        query_fixed(&q, tx, STMT_AUDIT_MENTION_CUT, e);
        query_int(&q, l.last);
        code = query_run(&q);
    }
    c->cut = l.last - l.first + 1;
    return code;
}
