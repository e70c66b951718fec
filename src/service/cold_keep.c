/* Making archives of turns that are about to be let go. See cold.h. */
#include "service/cold.h"

#include "base/clock.h"
#include "base/json_write.h"
#include "store/turns.h"

static void put_head(struct json_out *w, const struct record *conversation, int64_t first, int64_t last, size_t n)
{
    jw_object(w);
    jw_kint(w, "cairn_cold", COLD_VERSION);
    jw_ktime(w, "archived_at", clock_now_ms());
    jw_kstr(w, "session_id", record_text(conversation, "session_id"));
    jw_kstr(w, "conversation_id", conversation->id);
    jw_kstr(w, "project", conversation->project);
    jw_kint(w, "first", first);
    jw_kint(w, "last", last);
    jw_kint(w, "turns", (int64_t)n);
    jw_end_object(w);
}

static void put_turn(struct json_out *w, const struct turn *t)
{
    jw_object(w);
    jw_kcstr(w, "kind", "turn");
    jw_kstr(w, "turn_id", t->id);
    jw_kstr(w, "conversation_id", t->conversation_id);
    jw_kint(w, "turn_number", t->turn_number);
    jw_kstr(w, "agent", t->agent);
    jw_kstr(w, "role", t->role);
    jw_ktime(w, "timestamp", t->timestamp);
    jw_kint(w, "token_count", t->token_count);
    jw_kraw(w, "metadata", t->metadata.n ? t->metadata : STR("{}"));
    jw_kstr(w, "content", t->content);
    jw_end_object(w);
}

static struct str lines_of(struct arena *a, const struct record *c, int64_t first, int64_t last,
                           const struct turn *turns, size_t n)
{
    struct buf b;
    struct json_out w;
    buf_init(&b, ARCHIVE_MAX);
    jw_init(&w, &b);
    put_head(&w, c, first, last, n);
    buf_char(&b, '\n');
    for (size_t i = 0; i < n; i++) {
        w.comma = false;
        put_turn(&w, &turns[i]);
        buf_char(&b, '\n');
    }
    return buf_take(&b, a);
}

/* ---- what is kept already ---- */

/* An archive of these turns may be there: of a run that was killed, or of turns that were restored since. */
struct same {
    struct service *svc;
    const struct cold_archive *as;
    struct str lines;
    bool found;
};

static struct str without_head(struct str lines)
{
    (void)str_cut(&lines, '\n');
    return lines;
}

static enum err_code look_at(void *arg, const struct cold_archive *c, struct err *e)
{
    struct same *s = arg;
    struct err why = {0};
    struct str lines;
    if (s->found || !str_eq(c->conversation, s->as->conversation) || c->first != s->as->first || c->last != s->as->last)
        return ERR_OK;
    struct arena *a = arena_new();
    enum err_code code = a ? cold_read(s->svc, a, c, &lines, &why) : err_nomem(e);
    s->found = !code && str_eq(without_head(lines), without_head(s->lines));
    arena_free(a);
    return a ? ERR_OK : code; /* what cannot be read is not what we look for */
}

/* ---- keeping them ---- */

static enum err_code keep_lines(struct service *svc, struct arena *a, const struct cold_archive *as, struct str lines,
                                struct err *e)
{
    struct same s = {.svc = svc, .as = as, .lines = lines};
    enum err_code code = cold_walk(svc, as->session, look_at, &s, e);
    return code || s.found ? code : cold_write(svc, a, as, lines, e);
}

/* *large: they are too much for one archive. */
static enum err_code keep_some(struct service *svc, const struct record *c, int64_t first, int64_t last, bool *large,
                               struct err *e)
{
    struct store_tx *tx = NULL;
    struct turn *turns;
    size_t n = 0;
    struct err why = {0};
    struct arena *a = arena_new();
    enum err_code code = a ? store_read_begin(svc->store, &tx, &why) : err_nomem(&why);
    if (!code) {
        code = turns_page(tx, a, c->id, first, (int)(last - first + 1), &turns, &n, &why);
        store_read_end(tx);
    }
    struct str lines = code || !n ? STR_NONE : lines_of(a, c, first, last, turns, n);
    const struct cold_archive as = {
        .session = record_text(c, "session_id"), .conversation = c->id, .first = first, .last = last};
    *large = last > first && ((code == ERR_NOMEM && a) || (n && (!lines.p || lines.n > ARCHIVE_BYTES)));
    if (!code && n && !*large)
        code = lines.p ? keep_lines(svc, a, &as, lines, &why) : err_nomem(&why);
    arena_free(a);
    return code && !*large ? err_set(e, code, why.field[0] ? why.field : NULL, "%s", why.message) : ERR_OK;
}

static enum err_code keep_range(struct service *svc, const struct record *c, int64_t first, int64_t last, struct err *e)
{
    bool large;
    enum err_code code = keep_some(svc, c, first, last, &large, e);
    if (code || !large)
        return code;
    int64_t middle = first + (last - first) / 2;
    code = keep_range(svc, c, first, middle, e);
    return code ? code : keep_range(svc, c, middle + 1, last, e);
}

enum err_code cold_keep(struct service *svc, const struct record *conversation, int64_t first, int64_t last,
                        struct err *e)
{
    enum err_code code = ERR_OK;
    for (int64_t at = first; !code && cold_wanted(svc) && at <= last; at += ARCHIVE_TURNS) {
        int64_t end = at + ARCHIVE_TURNS - 1 < last ? at + ARCHIVE_TURNS - 1 : last;
        code = keep_range(svc, conversation, at, end, e);
    }
    return code;
}
