/* Keys, words and places of what imports have met: see met.h. A table for each. */
#include "store/met.h"

#include "store/internal.h"

#include <string.h>

enum { PLACES_MOST = 1 << 20 };

static struct str bytes_of(const unsigned char key[MET_KEY])
{
    return (struct str){(const char *)key, MET_KEY};
}

enum err_code met_add(struct store_tx *tx, const unsigned char key[MET_KEY], bool *added, struct err *e)
{
    int64_t before = tx->d->changed(tx->c);
    struct query q;
    query_fixed(&q, tx, STMT_MET_ADD, e);
    query_bytes(&q, bytes_of(key));
    enum err_code rc = query_run(&q);
    *added = !rc && tx->d->changed(tx->c) > before;
    return rc;
}

enum err_code met_has(struct store_tx *tx, const unsigned char key[MET_KEY], bool *has, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_MET_HAS, e);
    query_bytes(&q, bytes_of(key));
    *has = query_row(&q);
    return query_end(&q);
}

enum err_code met_any(struct store_tx *tx, bool *any, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_MET_ANY, e);
    *any = query_row(&q);
    return query_end(&q);
}

/* ---- the same words ---- */

enum err_code met_said_add(struct store_tx *tx, const struct met_said *m, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_SAID_ADD, e);
    query_int(&q, m->words);
    query_int(&q, m->time);
    query_int(&q, m->turn);
    query_int(&q, m->how);
    return query_run(&q);
}

enum err_code met_said_remove(struct store_tx *tx, const struct met_said *m, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_SAID_REMOVE, e);
    query_int(&q, m->words);
    query_int(&q, m->time);
    query_int(&q, m->turn);
    return query_run(&q);
}

enum err_code met_said_find(struct store_tx *tx, int64_t words, int64_t from, int64_t to, struct met_said *out,
                            size_t most, size_t *n, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, from > 0 ? STMT_SAID_WHEN : STMT_SAID_EVER, e);
    query_int(&q, words);
    query_int(&q, (int64_t)most);
    if (from > 0) {
        query_int(&q, from);
        query_int(&q, to);
    }
    *n = 0;
    while (*n < most && query_row(&q))
        out[(*n)++] = (struct met_said){words, query_col_int(&q, 0), query_col_int(&q, 1), query_col_int(&q, 2)};
    return query_end(&q);
}

static enum err_code read_turn(struct query *q, struct met_turn *out)
{
    *out = (struct met_turn){0};
    if (query_row(q)) {
        struct str conversation = q->tx->d->column_text(q->s, 1);
        size_t n = conversation.n < ID_MAX ? conversation.n : ID_MAX - 1;
        *out = (struct met_turn){
            .seq = query_col_int(q, 0), .number = query_col_int(q, 2), .timestamp = query_col_int(q, 3)};
        if (n)
            memcpy(out->conversation, conversation.p, n);
    }
    return query_end(q);
}

enum err_code met_turn_at(struct store_tx *tx, int64_t seq, struct met_turn *out, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_TURN_PLACE, e);
    query_int(&q, seq);
    return read_turn(&q, out);
}

enum err_code met_turn_of(struct store_tx *tx, struct str id, struct met_turn *out, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_TURN_PLACE_OF, e);
    query_text(&q, id);
    return read_turn(&q, out);
}

/* ---- places ---- */

enum err_code met_place_add(struct store_tx *tx, int64_t conversation, const struct met_place *p, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_PLACE_ADD, e);
    query_int(&q, conversation);
    query_int(&q, p->turn);
    query_int(&q, p->after);
    query_int(&q, p->line);
    return query_run(&q);
}

enum err_code met_place_has(struct store_tx *tx, int64_t conversation, int64_t turn, bool *has, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_PLACE_HAS, e);
    query_int(&q, conversation);
    query_int(&q, turn);
    *has = query_row(&q);
    return query_end(&q);
}

enum err_code met_place_moved(struct store_tx *tx, int64_t was, int64_t is, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_PLACE_MOVED, e);
    query_int(&q, was);
    query_int(&q, is);
    return query_run(&q);
}

enum err_code met_places(struct store_tx *tx, struct arena *a, int64_t conversation, struct met_place **out, size_t *n,
                         struct err *e)
{
    size_t room = 0;
    struct query q;
    query_fixed(&q, tx, STMT_PLACES, e);
    query_int(&q, conversation);
    query_int(&q, PLACES_MOST);
    *n = 0;
    *out = NULL;
    while (query_row(&q)) {
        if (*n == room) {
            struct met_place *more = arena_array(a, struct met_place, room ? 2 * room : 64);
            if (!more) {
                q.rc = err_nomem(e);
                break;
            }
            if (*n)
                memcpy(more, *out, *n * sizeof *more);
            *out = more;
            room = room ? 2 * room : 64;
        }
        (*out)[(*n)++] = (struct met_place){query_col_int(&q, 0), query_col_int(&q, 1), query_col_int(&q, 2)};
    }
    return query_end(&q);
}
