/* Counting what a session's memory holds and how it was used. See usage.h. */
#include "store/usage.h"

#include "store/internal.h"

enum { OVER_MAX = 10000 };
static const int64_t HOUR_MS = 3600000;

enum err_code usage_counts(struct store_tx *tx, struct str session_id, struct usage_counts *out, struct err *e)
{
    struct query q;
    *out = (struct usage_counts){0};
    query_fixed(&q, tx, STMT_USAGE_COUNTS, e);
    query_text(&q, session_id);
    if (query_row(&q))
        *out = (struct usage_counts){.conversations = query_col_int(&q, 0),
                                     .turns = query_col_int(&q, 1),
                                     .summaries = query_col_int(&q, 2),
                                     .events = query_col_int(&q, 3),
                                     .patterns = query_col_int(&q, 4),
                                     .agent_states = query_col_int(&q, 5),
                                     .checkpoints = query_col_int(&q, 6),
                                     .context_loads = query_col_int(&q, 7)};
    return query_end(&q);
}

/* ---- turns ---- */

/* Of equal names mostly few; the same one often comes again. */
static struct usage_speaker *speaker_of(struct query *q, struct arena *a, struct usage_turns *u)
{
    struct str agent = q->tx->d->column_text(q->s, 0), role = q->tx->d->column_text(q->s, 1);
    size_t i = 0;
    while (i < u->n && !(str_eq(u->speakers[i].agent, agent) && str_eq(u->speakers[i].role, role)))
        i++;
    if (i < u->n || u->n > USAGE_SPEAKERS)
        return &u->speakers[i < u->n ? i : USAGE_SPEAKERS];
    if (u->n < USAGE_SPEAKERS) {
        u->speakers[i].agent = query_col_text(q, a, 0);
        u->speakers[i].role = query_col_text(q, a, 1);
    }
    return &u->speakers[u->n++];
}

static void add_time(struct usage_turns *u, int64_t at)
{
    int64_t hour = at / HOUR_MS, day = hour / 24;
    if (at < 0) /* before 1970: counted, but in no hour */
        return;
    u->by_hour[hour % 24]++;
    if (u->by_day[day % USAGE_DAYS].day < day) {
        u->by_day[day % USAGE_DAYS].day = day;
        u->by_day[day % USAGE_DAYS].turns = 0;
    }
    u->by_day[day % USAGE_DAYS].turns += u->by_day[day % USAGE_DAYS].day == day;
}

static void add_turn(struct query *q, struct usage_speaker *s)
{
    int64_t at = query_col_int(q, 2);
    s->first = s->turns == 0 || at < s->first ? at : s->first;
    s->last = s->turns == 0 || at > s->last ? at : s->last;
    s->turns++;
    s->tokens += query_col_int(q, 3);
    s->bytes += query_col_int(q, 4);
    if (query_col_int(q, 5)) {
        double ms = q->tx->d->column_real(q->s, 6);
        s->responses++;
        s->response_ms += ms;
        s->response_max_ms = ms > s->response_max_ms ? ms : s->response_max_ms;
    }
}

enum err_code usage_turns(struct store_tx *tx, struct arena *a, struct str session_id, struct usage_turns *out,
                          struct err *e)
{
    struct query q;
    *out = (struct usage_turns){0};
    query_fixed(&q, tx, STMT_USAGE_TURNS, e);
    query_text(&q, session_id);
    while (query_row(&q)) {
        add_turn(&q, speaker_of(&q, a, out));
        add_time(out, query_col_int(&q, 2));
    }
    return query_end(&q);
}

/* ---- context loads ---- */

enum err_code context_loads_over(struct store_tx *tx, struct arena *a, int64_t keep, int limit, struct usage_over **out,
                                 size_t *n, struct err *e)
{
    size_t most = limit < 1 ? 1 : limit > OVER_MAX ? OVER_MAX : (size_t)limit;
    struct query q;
    *n = 0;
    *out = arena_array(a, struct usage_over, most);
    if (!*out)
        return err_nomem(e);
    query_fixed(&q, tx, STMT_LOADS_OVER, e);
    query_int(&q, keep < 0 ? 0 : keep);
    query_int(&q, (int64_t)most);
    while (*n < most && query_row(&q)) {
        struct str id = query_col_text(&q, a, 0);
        (*out)[(*n)++] = (struct usage_over){.session_id = id, .upto = query_col_int(&q, 1)};
    }
    return query_end(&q);
}

enum err_code context_loads_delete(struct store_tx *tx, const struct usage_over *o, int limit, int64_t *deleted,
                                   struct err *e)
{
    struct query q;
    int64_t before = tx->d->changed(tx->c);
    query_fixed(&q, tx, STMT_LOADS_DELETE, e);
    query_text(&q, o->session_id);
    query_int(&q, o->upto);
    query_int(&q, limit);
    tx_mark_record(tx, KIND_CONTEXT_LOAD, o->session_id); /* a trace: no answer depends on it */
    enum err_code code = query_run(&q);
    *deleted = code ? 0 : tx->d->changed(tx->c) - before;
    return code;
}
