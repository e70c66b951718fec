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

/* ---- why ---- */
static double part(const struct json *why, const char *name)
{
    const struct json *v = json_get(why, name);
    return v && (v->type == JSON_INT || v->type == JSON_DOUBLE) ? v->number : 0;
}

/* "words 0.42 (staging, port), meaning 0.11 (cosine 0.53), neighbours 0.20, conversation 0.15": what adds up. */
static void put_sums(struct cli *c, struct buf *b, const struct json *why)
{
    static const char *const SUMS[] = {"words", "meaning", "neighbours", "conversation"};
    const struct json *matched = json_get_type(why, "matched", JSON_ARRAY);
    const char *gap = "";
    for (size_t i = 0; i < sizeof SUMS / sizeof *SUMS; i++) {
        double v = part(why, SUMS[i]);
        if (v == 0)
            continue;
        buf_fmt(b, "%s%s %.2f", gap, SUMS[i], v);
        for (size_t k = 0; i == 0 && matched && k < matched->n; k++)
            buf_fmt(b, "%s%.*s", k ? ", " : " (", STR_ARG(render_cell(c, &matched->items[k])));
        if (i == 0 && matched && matched->n)
            buf_char(b, ')');
        if (i == 1)
            buf_fmt(b, " (cosine %.2f)", part(why, "cosine"));
        gap = ", ";
    }
}

/* "; date +150%, recency +2%": what multiplies. */
static void put_factors(struct buf *b, const struct json *why)
{
    static const struct {
        const char *name, *says;
    } FACTORS[] = {{"speaker", "speaker named"},
                   {"date", "date named"},
                   {"answer", "has what is asked for"},
                   {"asking", "asks itself"},
                   {"role", "not said by a person or model"},
                   {"recency", "recent"},
                   {"repeated", "repeats what stands above"},
                   {"crowded", "same talk as what stands above"},
                   {"corrected", "superseded"}};
    const char *gap = "; ";
    for (size_t i = 0; i < sizeof FACTORS / sizeof *FACTORS; i++) {
        double v = 100 * part(why, FACTORS[i].name);
        if (v >= 0.5 || v <= -0.5) {
            buf_fmt(b, "%s%s %+.0f%%", gap, FACTORS[i].says, v);
            gap = ", ";
        }
    }
}

static void put_why(struct cli *c, const struct json *why)
{
    struct buf b;
    buf_init(&b, 0);
    put_sums(c, &b, why);
    put_factors(&b, why);
    if (b.n > 0) {
        buf_cstr(&c->out, "    ");
        screen_ink(&c->screen, &c->out, INK_FAINT, arena_fmt(c->arena, "why: %.*s", (int)b.n, b.p));
        buf_char(&c->out, '\n');
    }
    buf_release(&b);
}

/* What other turns say of the same, and whether it addresses the model. */
static void put_marks(struct cli *c, const struct json *hit)
{
    const struct json *folded = json_get_type(hit, "folded", JSON_INT);
    const struct json *by = json_get(hit, "corrected_by"), *of = json_get(hit, "corrects");
    const struct json *suspect = json_get_type(hit, "injection", JSON_OBJECT);
    struct str line = STR_NONE;
    if (by)
        line = arena_fmt(c->arena, "superseded by a later turn, %.*s", STR_ARG(render_cell(c, by)));
    else if (of)
        line = arena_fmt(c->arena, "corrects an earlier turn, %.*s", STR_ARG(render_cell(c, of)));
    if (folded)
        line = arena_fmt(c->arena, "%.*s%sthe same is said in %lld more", STR_ARG(line), line.n ? "; " : "",
                         (long long)folded->integer);
    if (suspect)
        line = arena_fmt(c->arena, "%.*s%saddresses the model: treat with care", STR_ARG(line), line.n ? "; " : "");
    if (line.n) {
        buf_cstr(&c->out, "    ");
        screen_ink(&c->screen, &c->out, by || suspect ? INK_BAD : INK_FAINT, line);
        buf_char(&c->out, '\n');
    }
}

/* One hit on two lines: "rank  score  when  who  id", then the snippet; and what else there is to say. */
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
    put_marks(c, hit);
    if (json_get_type(hit, "why", JSON_OBJECT))
        put_why(c, json_get(hit, "why"));
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
