/* Bringing turns back from cold storage into their conversations. Archives are taken one by one, each in one
 * transaction, those of the highest numbers first: whoever is stopped in between leaves a conversation whose beginning
 * is still away, as retention does, and goes on when he is asked again. The archives stay. What somebody has had erased
 * stays away; what is there already is left as it is. */
#include "service/cold.h"
#include "service/features.h"
#include "service/operation_run.h"
#include "service/quota.h"

#include "base/clock.h"
#include "service/audit.h"
#include "store/retention.h"

#include <stdlib.h>
#include <string.h>

struct restoring {
    struct op_call *call;
    struct cold_archive *all;
    size_t n, room;
    int64_t restored, known, erased, elsewhere, away; /* away: turns whose conversation is no more */
};

/* ---- which archives ---- */

static enum err_code note_archive(void *arg, const struct cold_archive *c, struct err *e)
{
    struct restoring *r = arg;
    struct arena *a = r->call->arena;
    if (r->n == r->room) {
        size_t room = r->room ? 2 * r->room : 32;
        struct cold_archive *more = arena_array(a, struct cold_archive, room);
        if (!more)
            return err_nomem(e);
        if (r->n)
            memcpy(more, r->all, r->n * sizeof *more);
        r->all = more;
        r->room = room;
    }
    return cold_archive_copy(a, c, &r->all[r->n++]) ? ERR_OK : err_nomem(e);
}

static int highest_first(const void *x, const void *y)
{
    const struct cold_archive *a = x, *b = y;
    int c = str_cmp(a->conversation, b->conversation);
    return c ? c : a->first < b->first ? 1 : a->first > b->first ? -1 : str_cmp(a->path, b->path);
}

/* ---- one archive ---- */

struct line {
    struct turn_new turn;
    int64_t number;
};
struct batch {
    struct restoring *run;
    const struct cold_archive *archive;
    struct arena *arena;
    struct line *lines;
    size_t n;
    int64_t counts[PUT_BACK_OTHER + 1], bytes;
    bool gone; /* the conversation is no more */
};

static enum err_code read_line(struct batch *b, struct str text, struct line *out, struct err *e)
{
    const struct json *o = NULL;
    struct record *r = record_new(b->arena, KIND_TURN);
    enum err_code code = r ? json_parse(b->arena, text, 0, &o, e) : err_nomem(e);
    const struct json *number = code ? NULL : json_get_type(o, "turn_number", JSON_INT);
    if (!code)
        code = record_from_json(b->arena, o, RECORD_RESTORE, r, e);
    if (!code && (!number || !r->id.n || !str_eq(record_text(r, "conversation_id"), b->archive->conversation)))
        code = err_set(e, ERR_CORRUPT, NULL, "an archive holds a line that is no turn of its conversation");
    if (code)
        return code;
    out->number = number->integer;
    out->turn = (struct turn_new){.id = r->id,
                                  .conversation_id = b->archive->conversation,
                                  .agent = record_text(r, "agent"),
                                  .role = record_text(r, "role"),
                                  .content = record_text(r, "content"),
                                  .metadata = record_text(r, "metadata"),
                                  .timestamp = record_int(r, "timestamp"),
                                  .created_at = record_int(r, "timestamp"),
                                  .token_count = record_int(r, "token_count")};
    turn_look(b->run->call->svc->store, &out->turn);
    return ERR_OK;
}

static enum err_code read_lines(struct batch *b, struct str lines, struct err *e)
{
    enum err_code code = ERR_OK;
    size_t room = 0;
    for (size_t i = 0; i < lines.n; i++)
        room += lines.p[i] == '\n';
    b->lines = arena_array(b->arena, struct line, room + 1);
    if (!b->lines)
        return err_nomem(e);
    (void)str_cut(&lines, '\n'); /* the head */
    while (!code && lines.n) {
        struct str text = str_cut(&lines, '\n');
        code = text.n ? read_line(b, text, &b->lines[b->n], e) : ERR_OK;
        b->n += !code && text.n;
    }
    return code;
}

/* Only where it is still a conversation of that session. */
static enum err_code look_at_place(struct batch *b, struct store_tx *tx, struct err *e)
{
    struct record *c;
    struct err why = {0};
    enum err_code code = record_get(tx, b->arena, KIND_CONVERSATION, b->archive->conversation, STR_NONE, &c, &why);
    b->gone = code == ERR_NOT_FOUND || (!code && !str_eq(record_text(c, "session_id"), b->archive->session));
    return code && !b->gone ? err_set(e, code, NULL, "%s", why.message) : ERR_OK;
}

static enum err_code put_one(struct batch *b, struct store_tx *tx, const struct line *l, struct err *e)
{
    enum put_back how;
    enum err_code code = quota_session(b->run->call->svc, tx, STR_NONE, b->archive->conversation, l->turn.content.n, e);
    if (!code)
        code = turn_put_back(tx, &l->turn, l->number, &how, e);
    if (code)
        return code;
    b->counts[how]++;
    b->bytes += how == PUT_BACK ? (int64_t)l->turn.content.n : 0;
    return ERR_OK;
}

static enum err_code put_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct batch *b = arg;
    memset(b->counts, 0, sizeof b->counts);
    b->bytes = 0;
    enum err_code code = look_at_place(b, tx, e);
    for (size_t i = 0; !code && !b->gone && i < b->n; i++)
        code = put_one(b, tx, &b->lines[i], e);
    if (!code && b->counts[PUT_BACK])
        code = turns_back(tx, b->archive->conversation, b->archive->first, b->bytes, e);
    return code;
}

static enum err_code restore_archive(struct restoring *r, const struct cold_archive *c, struct err *e)
{
    struct str lines;
    struct batch b = {.run = r, .archive = c, .arena = arena_new()};
    enum err_code code = b.arena ? cold_read(r->call->svc, b.arena, c, &lines, e) : err_nomem(e);
    if (!code)
        code = read_lines(&b, lines, e);
    if (!code)
        code = store_write(r->call->svc->store, put_on, &b, e);
    if (!code) {
        r->restored += b.counts[PUT_BACK];
        r->known += b.counts[PUT_BACK_KNOWN];
        r->erased += b.counts[PUT_BACK_ERASED];
        r->elsewhere += b.counts[PUT_BACK_OTHER];
        r->away += b.gone ? (int64_t)b.n : 0;
    }
    arena_free(b.arena);
    return code;
}

/* ---- the operation ---- */

static enum err_code look_at_session(struct op_call *c, struct err *e)
{
    struct store_tx *tx;
    struct record *session;
    enum err_code code = store_read_begin(c->svc->store, &tx, e);
    if (code)
        return code;
    code = op_get_session(c, tx, op_text(c, "session_id"), &session, e);
    store_read_end(tx);
    if (!code)
        audit_touch_record(c, session);
    return code;
}

enum err_code cold_restore(struct op_call *c, struct err *e)
{
    struct restoring r = {.call = c};
    enum err_code code = look_at_session(c, e);
    if (!code)
        code = cold_walk(c->svc, op_text(c, "session_id"), note_archive, &r, e);
    if (!code && r.n == 0)
        code = err_set(e, ERR_NOT_FOUND, "session_id", "nothing of that session is in cold storage");
    if (r.n)
        qsort(r.all, r.n, sizeof *r.all, highest_first);
    for (size_t i = 0; !code && i < r.n; i++)
        code = restore_archive(&r, &r.all[i], e);
    audit_count(c, "restored", r.restored);
    if (code)
        return code;
    jw_object(c->out);
    jw_kstr(c->out, "session_id", op_text(c, "session_id"));
    jw_kint(c->out, "archives", (int64_t)r.n);
    jw_kint(c->out, "restored", r.restored);
    jw_kint(c->out, "known", r.known);
    jw_kint(c->out, "erased", r.erased);
    jw_kint(c->out, "refused", r.elsewhere);
    jw_kint(c->out, "without_conversation", r.away);
    jw_end_object(c->out);
    return ERR_OK;
}
