/* From what a call touched to the row that tells of it: ids, kinds and figures, never a text of a record's. */
#include "service/audit_int.h"
#include "service/operation_run.h"

#include "base/clock.h"
#include "store/gate.h"

#include <sodium.h>
#include <string.h>

enum { UUID_CHARS = 36, NAME_HASH = 16, ACTOR_MAX = 100, REASON_MAX = 1000 };

/* ---- ids ---- */

static bool hex_from(struct str s, bool dashes)
{
    for (size_t i = 0; i < s.n; i++) {
        char ch = s.p[i];
        if (!(ch >= '0' && ch <= '9') && !(ch >= 'a' && ch <= 'f') && !(dashes && ch == '-'))
            return false;
    }
    return true;
}

/* "<prefix>_" and 32 hex digits, or a UUID: forms that carry no words. */
static bool plain_id(struct str id)
{
    struct str rest = id, prefix = str_cut(&rest, '_');
    if (!rest.p)
        return id.n == UUID_CHARS && hex_from(id, true);
    bool word = prefix.n >= 2 && prefix.n <= 8;
    for (size_t i = 0; i < prefix.n && word; i++)
        word = prefix.p[i] >= 'a' && prefix.p[i] <= 'z';
    return word && rest.n == 32 && hex_from(rest, false);
}

struct str audit_id(const struct audit *a, struct arena *arena, struct str id)
{
    unsigned char hash[NAME_HASH];
    char *hex;
    if (!id.n || plain_id(id) || (id.p[0] == '~' && id.n == 1 + 2 * NAME_HASH && hex_from(str_skip(id, 1), false)))
        return id.p ? id : STR("");
    hex = arena_alloc(arena, 2 + 2 * sizeof hash);
    if (!hex)
        return STR_NONE;
    crypto_generichash(hash, sizeof hash, (const unsigned char *)id.p, id.n, a->salt, sizeof a->salt);
    hex[0] = '~';
    sodium_bin2hex(hex + 1, 1 + 2 * sizeof hash, hash, sizeof hash);
    return (struct str){hex, 1 + 2 * sizeof hash};
}

/* ---- details ---- */

/* All that were touched, by kind: {"turn":["turn_…", …], …} */
static void put_records(struct json_out *w, const struct audit *a, struct arena *arena, const struct audit_trace *t)
{
    const struct kind *done[16];
    size_t n_done = 0;
    jw_key(w, "records");
    jw_object(w);
    for (size_t i = 0; i <= t->n_more && n_done < sizeof done / sizeof *done; i++) {
        const struct kind *k = i ? t->more[i - 1].kind : t->first.kind;
        bool told = false;
        for (size_t d = 0; d < n_done && !told; d++)
            told = done[d] == k;
        if (told)
            continue;
        done[n_done++] = k;
        jw_key(w, k->name);
        jw_array(w);
        for (size_t j = i; j <= t->n_more; j++) {
            const struct audit_touched *x = j ? &t->more[j - 1] : &t->first;
            if (x->kind == k)
                jw_str(w, audit_id(a, arena, x->id));
        }
        jw_end_array(w);
    }
    jw_end_object(w);
    if (t->total > (int64_t)t->n_more + 1)
        jw_kint(w, "records_in_all", t->total);
}

static struct str details_of(const struct audit *a, struct arena *arena, const struct audit_trace *t)
{
    struct buf b;
    struct json_out w;
    if (!t->n_more && t->total <= 1 && !t->n_counts)
        return STR("{}");
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    if (t->total > 1)
        put_records(&w, a, arena, t);
    for (size_t i = 0; i < t->n_counts; i++)
        jw_kint(&w, t->counts[i].name, t->counts[i].n);
    jw_end_object(&w);
    return buf_take(&b, arena);
}

bool audit_subject_make(const struct audit *a, struct arena *arena, const struct audit_trace *t,
                        struct audit_subject *out)
{
    *out = (struct audit_subject){.record_kind = t->total ? str_of(t->first.kind->name) : STR(""),
                                  .record_id = t->total ? audit_id(a, arena, t->first.id) : STR(""),
                                  .session = audit_id(a, arena, t->session),
                                  .project = t->project,
                                  .details = details_of(a, arena, t)};
    return out->record_id.p && out->session.p && out->details.p;
}

/* ---- calls ---- */

static const char *outcome_of(enum err_code code)
{
    return code == ERR_OK ? "ok" : code == ERR_DENIED || code == ERR_FORBIDDEN ? "denied" : "failed";
}

/* Who was asked for but not reached: the ids that the path names. */
static void take_named(struct op_call *c)
{
    static const struct {
        const char *arg;
        const struct kind *const *kind;
    } names[] = {{"conversation_id", &KIND_CONVERSATION}, {"session_id", &KIND_SESSION}, {"export_id", &KIND_EXPORT}};
    if (!c->values || c->audit.total)
        return;
    struct str name = str_of(c->op->name), id_given = op_text(c, "id");
    const struct kind *k = c->op->kind ? c->op->kind : kind_find(str_cut(&name, '.'));
    if (k && id_given.n) {
        audit_touch(c, k, id_given);
        return;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct str id = op_text(c, names[i].arg);
        if (id.n)
            audit_touch(c, *names[i].kind, id);
        if (id.n && *names[i].kind == KIND_SESSION && !c->audit.session.n)
            c->audit.session = id;
    }
}

/* What a caller writes as his reason is his own text: what must not be kept of one is masked, as strictly as anywhere.
 */
static enum err_code reason_of(struct op_call *c, struct str *out, struct err *e)
{
    *out = STR("");
    if (!c->access_reason.n)
        return ERR_OK;
    return gate_text(c->svc->audit->store, c->arena, STR("PUBLIC"), false, str_take(c->access_reason, REASON_MAX), out,
                     e);
}

enum err_code audit_row_of_call(struct op_call *c, enum err_code code, struct audit_row *out, struct err *e)
{
    const struct caller *who = caller_of(c);
    struct audit_subject s;
    struct str reason;
    enum err_code rc = reason_of(c, &reason, e);
    if (rc)
        return rc;
    take_named(c);
    if (c->audit.kept)
        s = *c->audit.kept;
    else if (!audit_subject_make(c->svc->audit, c->arena, &c->audit, &s))
        return err_nomem(e);
    *out = (struct audit_row){.at = clock_now_ms(),
                              .actor = str_take(who->name, ACTOR_MAX),
                              .action = str_of(c->op->name),
                              .record_kind = s.record_kind,
                              .record_id = s.record_id,
                              .project = s.project.p ? s.project : who->project,
                              .session = s.session,
                              .reason = reason,
                              .outcome = str_of(outcome_of(code)),
                              .request_id = c->request_id,
                              .door = str_of(c->from.door ? c->from.door : "internal"),
                              .peer = c->from.peer,
                              .details = s.details};
    return ERR_OK;
}
