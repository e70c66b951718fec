/* The order of an imported conversation's turns in its file, where they came in another: a sample from some time on
 * first, the whole later. Numbers of turns tell the order in which they came. */
#include "service/export.h"
#include "service/operation_run.h"

#include "base/json.h"
#include "store/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 200, MOST = 1 << 20 };

struct entry {
    int64_t seq, number;
    int64_t line; /* in the file; of what is from another one the line of the turn before */
    size_t at;    /* in the order in which it came */
};
struct order {
    struct arena *arena;
    struct entry *all;
    size_t n, room;
    char file[ID_MAX]; /* that the first turn came from */
    int64_t last, after;
    bool broken;
};

static struct entry *add(struct order *o)
{
    if (o->n == o->room) {
        size_t room = o->room ? 2 * o->room : PAGE;
        struct entry *more = arena_array(o->arena, struct entry, room);
        if (!more)
            return NULL;
        if (o->n)
            memcpy(more, o->all, o->n * sizeof *more);
        o->all = more;
        o->room = room;
    }
    o->all[o->n].at = o->n;
    return &o->all[o->n++];
}

static enum err_code add_turn(struct order *o, struct arena *a, const struct record *r, struct err *e)
{
    const struct json *m = NULL;
    struct err why = {0};
    bool parsed = !json_parse(a, record_text(r, "metadata"), JSON_DUPLICATES_OK, &m, &why);
    const struct json *source = parsed ? json_get_type(m, "source", JSON_OBJECT) : NULL;
    const struct json *line = source ? json_get_type(source, "line", JSON_INT) : NULL;
    struct str file = json_text(source, "file");
    if (!o->file[0] && line)
        snprintf(o->file, sizeof o->file, "%.*s", STR_ARG(file));
    if (line && str_is(file, o->file)) {
        o->broken = o->broken || line->integer < o->last;
        o->last = line->integer;
    }
    struct entry *x = add(o);
    if (!x)
        return err_nomem(e);
    x->seq = r->seq;
    x->number = record_int(r, "turn_number");
    x->line = o->last;
    return ERR_OK;
}

static enum err_code add_page(struct op_call *c, struct order *o, struct str conversation, bool *more, struct err *e)
{
    struct arena *a = arena_new();
    struct record **rows;
    struct store_tx *tx;
    size_t n = 0;
    enum err_code code = a ? op_read_begin(c, &tx, e) : err_nomem(e);
    if (!code) {
        code = records_of(tx, a, KIND_TURN, "conversation_id", conversation, o->after, PAGE, &rows, &n, e);
        for (size_t i = 0; i < n && !code; i++)
            code = add_turn(o, a, rows[i], e);
        if (n)
            o->after = rows[n - 1]->seq;
        store_read_end(tx);
    }
    *more = !code && n == PAGE && o->n < MOST;
    if (a)
        arena_free(a);
    return code;
}

/* Among the conversation's own by their lines; those without stand behind the turn that they came after. */
static enum err_code add_places(struct order *o, const struct met_place *places, size_t n, struct err *e)
{
    const size_t own = o->n;
    for (size_t i = 0, k = 0; i < n; i++) {
        while (k < own && o->all[k].number <= places[i].after)
            k++;
        const int64_t line = places[i].line > 0 ? places[i].line : k ? o->all[k - 1].line : 0;
        struct entry *x = add(o);
        if (!x)
            return err_nomem(e);
        x->seq = places[i].turn;
        x->line = line;
    }
    return ERR_OK;
}

static int by_line(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return x->line != y->line ? (x->line > y->line) - (x->line < y->line) : (x->at > y->at) - (x->at < y->at);
}

enum err_code export_order(struct op_call *c, struct str conversation, const struct met_place *places, size_t n,
                           int64_t **seqs, size_t *n_seqs, struct err *e)
{
    struct order o = {.arena = c->arena};
    enum err_code code = ERR_OK;
    *n_seqs = 0;
    for (bool more = true; more && !code;)
        code = add_page(c, &o, conversation, &more, e);
    if (code || !o.broken || o.n >= MOST) /* so many are left as they came */
        return code;
    code = add_places(&o, places, n, e);
    *seqs = code ? NULL : arena_array(c->arena, int64_t, o.n);
    if (code || !*seqs)
        return code ? code : err_nomem(e);
    qsort(o.all, o.n, sizeof *o.all, by_line);
    for (size_t i = 0; i < o.n; i++)
        (*seqs)[i] = o.all[i].seq;
    *n_seqs = o.n;
    return ERR_OK;
}
