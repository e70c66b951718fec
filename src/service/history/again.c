/* What is met again, told by its words where no id tells it: another tool's copy of a message, an export of it, a list
 * of prompts. On the writer's thread, before a turn is stored.
 *
 * Two records are one message when their words are the same but for white space, and
 *  - both say when: within a second, as some cut their times to seconds (of two tools' own, not for a short word);
 *  - one does not: when the words are long enough not to be said twice by chance, or the message before was one too;
 *  - one is a prompt in a list of all that was typed: a moment before, in the session that the list names;
 *  - one stands in a list that keeps each message once, and has no time and no session of its own: always.
 * Never within one conversation (a word said twice is two turns), never twice for one place, and never for two records
 * of one tool's own: their ids say it. Where two copies differ, the tool's own is kept, then an export's, a
 * list's at last: the better one that comes later takes the place of the poorer. */
#include "service/history/extract.h"

#include "store/records.h"

#include "history/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CANDIDATES = 32, CHANCE_BYTES = 16, NEAR_MS = 1000, TYPED_BEFORE = 3600, TYPED_APART = 120, TYPED_BEHIND = 5 };

static int rank_of(const struct met_said *s)
{
    return (int)(s->how & SAID_RANK);
}

static bool one_source(const struct met_said *a, const struct met_said *b)
{
    return !((a->how ^ b->how) & ~(int64_t)SAID_BITS);
}

static bool either(const struct met_said *a, const struct met_said *b, int rank)
{
    return rank_of(a) == rank || rank_of(b) == rank;
}

/* A line of a list of prompts, and what its own tool says of it. */
static bool typed_pair(const struct met_said *a, const struct met_said *b)
{
    return one_source(a, b) && either(a, b, SAID_TYPED) && either(a, b, SAID_OWN);
}

/* As far as it can be told without looking at the turn. */
static bool may_be(const struct met_said *a, const struct met_said *b)
{
    if (one_source(a, b) && rank_of(a) == rank_of(b) && rank_of(a) != SAID_COPY)
        return false;
    if (either(a, b, SAID_TYPED) && !(a->how & b->how & SAID_PERSON))
        return either(a, b, SAID_ONCE);
    return rank_of(a) != rank_of(b) || !((a->how ^ b->how) & SAID_LEFT_OUT);
}

static bool in_place(const struct item *i, const struct met_turn *t)
{
    return !strcmp(t->conversation, i->place->conversation_id);
}

static bool typed_near(const struct item *i, const struct met_said *c, const struct met_turn *t)
{
    bool mine = rank_of(&i->said) == SAID_TYPED;
    int64_t typed = mine ? i->said.time : c->time, said = mine ? c->time : i->said.time;
    bool apart = ((mine ? &i->said : c)->how & SAID_APART) != 0;
    if (!typed || !said || (!apart && t->seq && !in_place(i, t)))
        return false;
    return said - typed <= (apart ? TYPED_APART : TYPED_BEFORE) && typed - said <= TYPED_BEHIND;
}

static bool is_near(const struct item *i, const struct met_said *c, const struct met_turn *t)
{
    if (either(&i->said, c, SAID_ONCE))
        return true;
    if (typed_pair(&i->said, c))
        return typed_near(i, c, t);
    if (t->seq && in_place(i, t))
        return false;
    bool chance = i->words_n < CHANCE_BYTES;
    if (chance && rank_of(&i->said) == SAID_OWN && rank_of(c) == SAID_OWN)
        return false;
    if (i->said.time && c->time)
        return t->seq ? llabs(i->turn.timestamp - t->timestamp) <= NEAR_MS : llabs(i->said.time - c->time) <= 1;
    return !chance || (t->seq && t->seq > i->place->last.seq && i->place->last.seq &&
                       !strcmp(t->conversation, i->place->last.conversation));
}

/* The number of a conversation; 0: there is none. */
static enum err_code number_of(struct store_tx *tx, struct arena *a, struct str conversation, int64_t *out,
                               struct err *e)
{
    struct record *r;
    struct err why = {0};
    enum err_code code = record_get(tx, a, KIND_CONVERSATION, conversation, STR_NONE, &r, &why);
    *out = code ? 0 : r->seq;
    return !code || code == ERR_NOT_FOUND ? ERR_OK : err_set(e, code, NULL, "%s", why.message);
}

/* A list that does not say in which session says in which folder. */
static enum err_code same_project(struct store_tx *tx, struct arena *a, const struct item *i, const struct met_said *c,
                                  const struct met_turn *t, bool *same, struct err *e)
{
    struct record *r;
    struct err why = {0};
    struct str mine = i->place->project.n ? i->place->project : STR("default");
    *same = true;
    if (!typed_pair(&i->said, c) || !((i->said.how | c->how) & SAID_APART) || !t->seq)
        return ERR_OK;
    enum err_code code = record_get(tx, a, KIND_CONVERSATION, str_of(t->conversation), STR_NONE, &r, &why);
    *same = code || str_eq(r->project, mine);
    return !code || code == ERR_NOT_FOUND ? ERR_OK : err_set(e, code, NULL, "%s", why.message);
}

/* A list's line is noted with the conversation that holds the turn, anything else with its own. */
static enum err_code is_told(struct store_tx *tx, struct arena *a, const struct item *i, const struct met_turn *t,
                             bool *told, struct err *e)
{
    int64_t place = i->place->seq;
    enum err_code code = ERR_OK;
    *told = false;
    if (rank_of(&i->said) == SAID_ONCE || !t->seq)
        return ERR_OK;
    if (rank_of(&i->said) == SAID_TYPED || !place)
        code = number_of(tx, a, str_of(rank_of(&i->said) == SAID_TYPED ? t->conversation : i->place->conversation_id),
                         &place, e);
    return code || !place ? code : met_place_has(tx, place, t->seq, told, e);
}

static enum err_code candidates(struct store_tx *tx, const struct item *i, bool ever, struct met_said *out, size_t *n,
                                struct err *e)
{
    const struct met_said *s = &i->said;
    int64_t before = 1, behind = 1;
    if (rank_of(s) == SAID_TYPED) {
        before = TYPED_BEHIND;
        behind = TYPED_BEFORE;
    } else if (s->how & SAID_PERSON) {
        before = TYPED_BEFORE;
        behind = TYPED_BEHIND;
    }
    ever = ever || s->time <= before;
    return met_said_find(tx, s->words, ever ? 0 : s->time - before, s->time + behind, out, CANDIDATES, n, e);
}

/* *found.seq stays 0 where the turn is gone. */
static enum err_code find(struct store_tx *tx, struct arena *a, const struct item *i, struct met_said *which,
                          struct met_turn *where, bool *found, struct err *e)
{
    struct met_said all[CANDIDATES];
    size_t n;
    enum err_code code = candidates(tx, i, false, all, &n, e);
    *found = false;
    for (size_t k = 0; k < n && !code; k++) {
        struct met_turn t;
        bool told = false, same = true;
        if (!may_be(&i->said, &all[k]))
            continue;
        code = met_turn_at(tx, all[k].turn, &t, e);
        if (code || (*found && !t.seq) || !is_near(i, &all[k], &t))
            continue;
        code = same_project(tx, a, i, &all[k], &t, &same, e);
        if (!code && same)
            code = is_told(tx, a, i, &t, &told, e);
        if (code || told || !same)
            continue;
        *found = true;
        *which = all[k];
        *where = t;
        if (t.seq)
            break;
    }
    return code;
}

enum err_code again_look(struct store_tx *tx, struct arena *a, struct item *i, struct err *e)
{
    struct met_said which;
    bool found;
    i->poorer.turn = 0;
    if (!i->words_n)
        return ERR_OK;
    enum err_code code = find(tx, a, i, &which, &i->known_at, &found, e);
    if (!code && !found && i->also) {
        struct item also = *i;
        also.said.words = i->also;
        also.words_n = i->also_n;
        code = find(tx, a, &also, &which, &i->known_at, &found, e);
    }
    if (code || !found)
        return code;
    if (i->known_at.seq && rank_of(&i->said) > rank_of(&which))
        i->poorer = which;
    else
        i->fresh = false;
    return ERR_OK;
}

/* ---- what is told elsewhere ---- */

/* By its id; where that was made of another time, by its words. */
static enum err_code holder(struct store_tx *tx, struct item *i, struct met_turn *out, struct err *e)
{
    struct met_said all[CANDIDATES];
    size_t n = 0;
    enum err_code code = met_turn_of(tx, i->turn.id, out, e);
    if (code || out->seq || !i->words_n)
        return code;
    code = candidates(tx, i, true, all, &n, e);
    for (size_t k = 0; k < n && !code; k++) {
        struct met_turn t;
        bool told = false;
        if (!one_source(&i->said, &all[k]))
            continue;
        code = met_turn_at(tx, all[k].turn, &t, e);
        if (!code && t.seq && i->place->seq && !in_place(i, &t))
            code = met_place_has(tx, i->place->seq, t.seq, &told, e);
        if (code || !t.seq || told)
            continue;
        *out = t;
        if (in_place(i, &t))
            break;
    }
    return code;
}

/* Whether a conversation was imported from copies of another tool's messages, under their ids. */
static enum err_code of_copies(struct store_tx *tx, struct arena *a, struct place *p, struct str conversation,
                               bool *copies, struct err *e)
{
    struct record **rows;
    size_t n = 0;
    enum err_code code = ERR_OK;
    if (!str_is(conversation, p->asked)) {
        code = records_of(tx, a, kind_find(STR("source")), "record_id", conversation, 0, 1, &rows, &n, e);
        const struct history_format *f = n ? history_format_find(record_text(rows[0], "origin")) : NULL;
        snprintf(p->asked, sizeof p->asked, "%.*s", STR_ARG(conversation));
        p->asked_copies = f && f->copies;
    }
    *copies = p->asked_copies;
    return code;
}

/* The deleted one keeps its id, so this one's ends otherwise. */
static enum err_code other_id(struct arena *a, struct item *i, struct err *e)
{
    char id[ID_MAX];
    int n = snprintf(id, sizeof id, "%.*s", STR_ARG(i->turn.id));
    id[n - 1] = id[n - 1] == '0' ? '1' : '0';
    i->other_id = arena_str(a, str_of(id));
    return i->other_id.p ? ERR_OK : err_nomem(e);
}

enum err_code again_known(struct store_tx *tx, struct arena *a, struct item *i, struct err *e)
{
    struct met_turn t;
    bool copies = false;
    if (rank_of(&i->said) != SAID_OWN)
        return ERR_OK;
    enum err_code code = met_turn_of(tx, i->turn.id, &t, e);
    if (!code && t.seq && !in_place(i, &t))
        code = of_copies(tx, a, i->place, str_of(t.conversation), &copies, e);
    if (code || !copies)
        return code;
    i->fresh = true;
    i->first = 0;
    i->known_at = t;
    i->poorer = (struct met_said){.words = i->said.words, .time = i->said.time, .turn = t.seq, .how = SAID_COPY};
    return other_id(a, i, e);
}

enum err_code again_told(struct store_tx *tx, struct batch *b, struct item *i, struct err *e)
{
    enum err_code code = ERR_OK;
    int64_t place = 0;
    int rank = rank_of(&i->said);
    if (rank == SAID_TYPED && i->known_at.seq) { /* it is taken */
        code = number_of(tx, b->arena, str_of(i->known_at.conversation), &place, e);
        const struct met_place own = {i->known_at.seq, i->known_at.number, -1};
        return code || !place ? code : met_place_add(tx, place, &own, e);
    }
    if (rank < SAID_COPY)
        return ERR_OK;
    if (!i->known_at.seq)
        code = holder(tx, i, &i->known_at, e);
    i->place->last = i->known_at;
    if (code || !i->known_at.seq || in_place(i, &i->known_at))
        return code;
    code = place_ready(tx, b, i->place, PLACE_FOR_KNOWN, e);
    if (code || i->place->state != PLACE_READY)
        return code;
    const struct met_place there = {i->known_at.seq, i->place->count, i->line};
    return met_place_add(tx, i->place->seq, &there, e);
}

/* The turn `seq` is stored instead of the poorer one, which goes; who told that one tells this one now. */
enum err_code again_instead(struct store_tx *tx, struct batch *b, struct item *i, int64_t seq, struct err *e)
{
    int64_t place = 0;
    const bool own = in_place(i, &i->known_at);
    enum err_code code = record_delete(tx, b->arena, KIND_TURN, i->poorer.turn, e);
    if (!code)
        code = met_said_remove(tx, &i->poorer, e);
    if (!code)
        code = met_place_moved(tx, i->poorer.turn, seq, e);
    if (!code && rank_of(&i->poorer) != SAID_ONCE)
        code = number_of(tx, b->arena, str_of(i->known_at.conversation), &place, e);
    const struct met_place there = {seq, i->known_at.number - 1, own ? -1 : 0};
    return code || !place ? code : met_place_add(tx, place, &there, e);
}
