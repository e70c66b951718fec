/* Audit rows and their JSON. See audit_json.h. An exported line holds every byte that the row's hash covers: texts as
 * strings, details as they are stored (as a string where somebody made them no JSON), the time to the millisecond. */
#include "service/audit_json.h"

#include "base/clock.h"

#include <sodium.h>

static bool is_json(struct arena *a, struct str s)
{
    const struct json *v;
    return s.n && !json_parse(a, s, JSON_DUPLICATES_OK, &v, NULL) && v->type == JSON_OBJECT && v->raw.n == s.n;
}

static void put_details(struct json_out *w, struct str details)
{
    struct arena *a = str_is(details, "{}") ? NULL : arena_new();
    jw_key(w, "details");
    if (!a ? str_is(details, "{}") : is_json(a, details))
        jw_raw(w, details);
    else
        jw_str(w, details);
    if (a)
        arena_free(a);
}

/* Everything but the project, which not everybody is shown as it is stored. */
static void put_texts(struct json_out *w, const struct audit_row *r)
{
    jw_kstr(w, "actor", r->actor);
    jw_kstr(w, "action", r->action);
    jw_kstr(w, "outcome", r->outcome);
    jw_kstr(w, "record_kind", r->record_kind);
    jw_kstr(w, "record_id", r->record_id);
    jw_kstr(w, "session_id", r->session);
    jw_kstr(w, "reason", r->reason);
    jw_kstr(w, "request_id", r->request_id);
    jw_kstr(w, "door", r->door);
    jw_kstr(w, "peer", r->peer);
    put_details(w, r->details);
}

void audit_json_members(struct json_out *w, const struct audit_row *r, struct str project)
{
    jw_kint(w, "id", r->seq);
    jw_ktime(w, "timestamp", r->at);
    jw_kstr(w, "project", project);
    put_texts(w, r);
    jw_kstr(w, "hash", r->hash);
}

void audit_json_line(struct json_out *w, const struct audit_row *r, const char *prev_hash)
{
    jw_object(w);
    jw_kint(w, "seq", r->seq);
    jw_kint(w, "at_ms", r->at);
    jw_ktime(w, "timestamp", r->at);
    jw_kstr(w, "project", r->project);
    put_texts(w, r);
    jw_kcstr(w, "prev_hash", prev_hash);
    jw_kstr(w, "hash", r->hash);
    jw_end_object(w);
}

void audit_json_end(struct json_out *w, int64_t rows, const char *head)
{
    jw_object(w);
    jw_kint(w, "rows", rows);
    jw_kcstr(w, "head", head);
    jw_end_object(w);
}

void audit_verdict_write(struct json_out *w, const struct audit_checker *k)
{
    char head[AUDIT_HEX];
    sodium_bin2hex(head, sizeof head, k->hash, AUDIT_HASH);
    jw_object(w);
    jw_kbool(w, "ok", k->broken == 0);
    jw_kint(w, "rows", k->rows);
    jw_kint(w, "first", k->first);
    jw_kint(w, "last", k->last);
    jw_kcstr(w, "head", head);
    if (k->broken) {
        jw_kint(w, "broken", k->broken);
        jw_kcstr(w, "problem", k->problem);
    }
    jw_end_object(w);
}

/* ---- reading ---- */

static bool take_int(const struct json *o, const char *name, int64_t *out)
{
    const struct json *v = json_get_type(o, name, JSON_INT);
    if (v)
        *out = v->integer;
    return v != NULL;
}

static bool take_text(const struct json *o, const char *name, struct str *out)
{
    const struct json *v = json_get_type(o, name, JSON_STRING);
    if (v)
        *out = v->s.p ? v->s : STR("");
    return v != NULL;
}

static bool read_row(const struct json *o, struct audit_line *out)
{
    struct audit_row *r = &out->row;
    const struct {
        const char *name;
        struct str *to;
    } texts[] = {{"project", &r->project},
                 {"actor", &r->actor},
                 {"action", &r->action},
                 {"outcome", &r->outcome},
                 {"record_kind", &r->record_kind},
                 {"record_id", &r->record_id},
                 {"session_id", &r->session},
                 {"reason", &r->reason},
                 {"request_id", &r->request_id},
                 {"door", &r->door},
                 {"peer", &r->peer},
                 {"hash", &r->hash},
                 {"prev_hash", &out->prev_hash}};
    bool whole = take_int(o, "seq", &r->seq) && take_int(o, "at_ms", &r->at);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        whole = whole && take_text(o, texts[i].name, texts[i].to);
    const struct json *details = json_get(o, "details");
    if (!whole || !details)
        return false;
    r->details = details->type == JSON_STRING ? details->s : details->raw;
    /* The time is there twice, for people too: both must say the same. */
    int64_t shown;
    r->odd = !clock_parse(json_text(o, "timestamp"), &shown) || shown != r->at;
    return true;
}

bool audit_json_read(struct arena *a, struct str text, struct audit_line *out)
{
    const struct json *o;
    *out = (struct audit_line){0};
    if (json_parse(a, text, 0, &o, NULL) || o->type != JSON_OBJECT)
        return false;
    if (take_int(o, "rows", &out->rows) && take_text(o, "head", &out->head)) {
        out->end = true;
        return true;
    }
    return read_row(o, out);
}
