/* Which members of a list's rows become columns. A record has up to thirty members and a terminal eighty
 * columns: the id comes first, then what tells records apart (short values, the time), and last the text
 * that a person would know it by, which takes the room that is left. */
#include "doors/cli/render.h"

#include <string.h>

enum { MEMBERS_MAX = 64, COLUMNS_SHOWN = 7, TEXT_LEAST = 16, GAP = 2 };

enum rank { RANK_ID, RANK_TEXT, RANK_TIME, RANK_PLAIN, RANK_OTHER_ID, RANK_NONE };

struct candidate {
    struct str name;
    enum rank rank;
    size_t width; /* the least it needs */
    bool number;
};

static bool one_of(struct str name, const char *names)
{
    struct str rest = str_of(names);
    while (rest.p) {
        if (str_eq(str_cut(&rest, '|'), name))
            return true;
    }
    return false;
}

/* Some row has a plain value there, and it is not just the id under its second name. */
static bool worth_showing(const struct json *rows, struct str name)
{
    bool filled = false, repeats = true;
    for (size_t i = 0; i < rows->n; i++) {
        const struct json *v = json_get_str(&rows->items[i], name), *id = json_get(&rows->items[i], "id");
        if (v && (v->type == JSON_ARRAY || v->type == JSON_OBJECT))
            return false;
        repeats = repeats && id && v && v != id && v->type == JSON_STRING && str_eq(v->s, id->s);
        filled = filled || !render_empty(v);
    }
    return filled && !repeats;
}

static enum rank rank_of(const struct json *rows, struct str name)
{
    if (str_is(name, "id"))
        return RANK_ID;
    if (one_of(name, "seq|version|updated_at|content_hash|metadata|project") || !worth_showing(rows, name))
        return RANK_NONE;
    if (one_of(name, "title|name|display_name|directive|content|text|description|effect_text|query|value"))
        return RANK_TEXT;
    if (str_is(name, "created_at"))
        return json_get(&rows->items[0], "timestamp") ? RANK_NONE : RANK_TIME;
    return str_is(name, "timestamp") ? RANK_TIME : str_ends(name, "_id") ? RANK_OTHER_ID : RANK_PLAIN;
}

static struct candidate measure(struct cli *c, const struct json *rows, struct str name)
{
    const struct json *first = json_get_str(&rows->items[0], name);
    struct candidate k = {.name = name, .rank = rank_of(rows, name), .width = clean_width(name)};
    k.number = first && (first->type == JSON_INT || first->type == JSON_DOUBLE);
    for (size_t i = 0; k.rank != RANK_NONE && i < rows->n; i++) {
        size_t w = clean_width(clean_fit(c->arena, render_cell(c, json_get_str(&rows->items[i], name)), 100));
        k.width = w > k.width ? w : k.width;
    }
    if (k.rank == RANK_TEXT && k.width > TEXT_LEAST)
        k.width = TEXT_LEAST;
    return k;
}

/* Drops the least telling columns until the rest fit; of the texts the first one stays. */
static void choose(struct candidate *k, size_t n, size_t room)
{
    for (;;) {
        size_t total = 0, shown = 0, worst = n;
        for (size_t i = 0; i < n; i++) {
            if (k[i].rank == RANK_NONE)
                continue;
            total += k[i].width + (shown++ ? GAP : 0);
            if (worst == n || k[i].rank >= k[worst].rank)
                worst = i;
        }
        if (shown < 2 || (shown <= COLUMNS_SHOWN && (room == 0 || total <= room)))
            return;
        k[worst].rank = RANK_NONE;
    }
}

static void add(struct table *t, const struct candidate *k)
{
    bool id = k->rank == RANK_ID;
    table_column(t, (struct column){.title = k->name,
                                    .ink = id ? INK_ID : INK_PLAIN,
                                    .right = k->number,
                                    .may_cut = k->rank == RANK_TEXT || k->rank == RANK_PLAIN});
}

void columns_pick(struct cli *c, struct table *t, const struct json *rows)
{
    struct candidate k[MEMBERS_MAX];
    const struct json *first = &rows->items[0];
    size_t n = 0;
    for (size_t i = 0; i < first->n && n < MEMBERS_MAX; i++)
        k[n++] = measure(c, rows, first->keys[i].key);
    choose(k, n, (size_t)c->screen.width);
    for (size_t pass = 0; pass < 3; pass++) { /* the id, everything short, the texts */
        for (size_t i = 0; i < n; i++) {
            size_t place = k[i].rank == RANK_ID ? 0 : k[i].rank == RANK_TEXT ? 2 : 1;
            if (k[i].rank != RANK_NONE && place == pass)
                add(t, &k[i]);
        }
    }
}
