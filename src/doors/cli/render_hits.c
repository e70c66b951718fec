/* What recall and search found, and a conversation with its turns, for reading. */
#include "doors/cli/render.h"

enum { SNIPPET_CHARS = 300 };

static const struct json *array_of(const struct json *answer, const char *name)
{
    return answer->type == JSON_ARRAY ? answer : json_get_type(answer, name, JSON_ARRAY);
}

/* Who said it, or what it is where nobody did. */
static struct str who(struct cli *c, const struct json *hit)
{
    const struct json *name = render_first(hit, "agent|role|kind");
    return name ? render_cell(c, name) : STR("");
}

/* Two lines of the terminal at most: a hit is to be recognised, not read. */
static struct str snippet(struct cli *c, const struct json *hit)
{
    const struct json *v = render_first(hit, "snippet|content|text|summary");
    struct str line = v ? render_cell(c, v) : STR("");
    size_t room = c->screen.width > 4 ? 2 * (size_t)(c->screen.width - 4) : SNIPPET_CHARS;
    return clean_fit(c->arena, line, room);
}

/* "0.873", or nothing where there is no score. */
static struct str score(struct cli *c, const struct json *hit)
{
    const struct json *v = render_first(hit, "relevance_score|score");
    bool number = v && (v->type == JSON_INT || v->type == JSON_DOUBLE);
    return number ? arena_fmt(c->arena, "%.3f", v->number) : STR("-");
}

/* One hit on two lines: "rank  score  when  who  id", then the snippet. */
static void put_hit(struct cli *c, const struct json *hit, size_t rank, size_t who_width)
{
    const struct json *id = render_first(hit, "turn_id|id|conversation_id");
    struct str when = render_cell(c, render_first(hit, "timestamp|created_at"));
    struct str name = who(c, hit), points = score(c, hit);
    size_t width = clean_width(name);
    buf_fmt(&c->out, "%2zu  ", rank);
    screen_ink(&c->screen, &c->out, INK_GOOD, points);
    buf_fmt(&c->out, "  %.*s  ", STR_ARG(when));
    screen_ink(&c->screen, &c->out, INK_TITLE, name);
    buf_fmt(&c->out, "%*s", (int)(width < who_width ? who_width - width : 0) + (who_width ? 2 : 0), "");
    screen_ink(&c->screen, &c->out, INK_ID, render_cell(c, id));
    buf_fmt(&c->out, "\n    %.*s\n", STR_ARG(snippet(c, hit)));
}

/* A line of its own for the snippet: beside score, time, speaker and id there would be no room for it. */
void render_hits(struct cli *c, const struct json *answer)
{
    const struct json *hits = array_of(answer, "results");
    const struct json *total = json_get_type(answer, "total_matches", JSON_INT);
    size_t width = 0;
    if (!hits || hits->n == 0) {
        buf_cstr(&c->out, "nothing found\n");
        return;
    }
    for (size_t i = 0; i < hits->n; i++) {
        size_t w = clean_width(who(c, &hits->items[i]));
        width = w > width && w <= 20 ? w : width;
    }
    for (size_t i = 0; i < hits->n; i++)
        put_hit(c, &hits->items[i], i + 1, width);
    if (total && total->integer > (int64_t)hits->n) {
        struct str more =
            arena_fmt(c->arena, "%zu of %lld found; --max-results shows more\n", hits->n, (long long)total->integer);
        screen_ink(&c->screen, &c->out, INK_FAINT, more);
    }
}

static void put_turn(struct cli *c, const struct json *turn)
{
    const struct json *number = json_get_type(turn, "turn_number", JSON_INT);
    struct str role = render_cell(c, json_get(turn, "role")), name = who(c, turn);
    buf_char(&c->out, '\n');
    screen_ink(&c->screen, &c->out, INK_TITLE,
               arena_fmt(c->arena, "#%lld %.*s", number ? (long long)number->integer : 0LL, STR_ARG(name)));
    if (role.n > 0 && !str_eq(role, name))
        buf_fmt(&c->out, " (%.*s)", STR_ARG(role));
    buf_fmt(&c->out, "  %.*s  ", STR_ARG(render_cell(c, render_first(turn, "timestamp|created_at"))));
    screen_ink(&c->screen, &c->out, INK_FAINT, render_cell(c, render_first(turn, "turn_id|id")));
    buf_cstr(&c->out, "\n    ");
    clean_block(&c->out, json_text(turn, "content"), 4);
    buf_char(&c->out, '\n');
}

/* What it is, then what was said: the same answer without its turns goes to the record's form. */
void render_conversation(struct cli *c, const struct json *answer)
{
    struct json head = *answer;
    const struct json *turns = json_get_type(answer, "turns", JSON_ARRAY);
    struct json *items = arena_array(c->arena, struct json, answer->n + 1);
    struct json_member *keys = arena_array(c->arena, struct json_member, answer->n + 1);
    if (!turns || !items || !keys) {
        render_record(c, answer);
        return;
    }
    head.n = 0;
    for (size_t i = 0; i < answer->n; i++) { /* everything but the turns, first */
        if (&answer->items[i] == turns)
            continue;
        items[head.n] = answer->items[i];
        keys[head.n++] = answer->keys[i];
    }
    head.items = items;
    head.keys = keys;
    render_record(c, &head);
    for (size_t i = 0; i < turns->n; i++)
        put_turn(c, &turns->items[i]);
}
