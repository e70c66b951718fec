/* An export for people: Markdown with a heading for each conversation and who said what. What was said is escaped, so
 * that stored text can neither set headings nor links nor HTML of its own; code between fences stays code. */
#include "base/clock.h"
#include "service/export.h"

#include <string.h>

static struct buf *out_of(struct export_out *x)
{
    return x->call->out->b;
}

static bool is_fence(struct str line)
{
    line = str_trim(line);
    return str_starts(line, "```") || str_starts(line, "~~~");
}

/* Backslashes before everything Markdown reads as its own; `<` and `&` as entities, which every reader understands. */
static void put_escaped(struct buf *b, struct str line)
{
    for (size_t i = 0; i < line.n; i++) {
        char c = line.p[i];
        if (c == '<')
            buf_cstr(b, "&lt;");
        else if (c == '&')
            buf_cstr(b, "&amp;");
        else if (c && strchr("\\`*_{}[]()#+-.!|>~", c)) {
            buf_char(b, '\\');
            buf_char(b, c);
        } else if ((unsigned char)c >= 32 || c == '\t')
            buf_char(b, c);
    }
}

/* A fence that the text leaves open is closed, so that what follows is not swallowed. */
static void put_text(struct buf *b, struct str text)
{
    char fence[4] = "";
    struct str rest = text;
    while (rest.p) {
        struct str line = str_cut(&rest, '\n');
        if (is_fence(line) && (!fence[0] || str_trim(line).p[0] == fence[0])) {
            if (fence[0])
                fence[0] = '\0';
            else
                memcpy(fence, str_trim(line).p[0] == '`' ? "```" : "~~~", sizeof fence);
            buf_str(b, line);
        } else if (fence[0]) {
            buf_str(b, line);
        } else {
            put_escaped(b, line);
        }
        buf_char(b, '\n');
    }
    if (fence[0])
        buf_fmt(b, "%s\n", fence);
}

/* On one line, as headings are. */
static void put_line(struct buf *b, struct str text)
{
    struct str rest = text;
    while (rest.p) {
        put_escaped(b, str_cut(&rest, '\n'));
        if (rest.p)
            buf_char(b, ' ');
    }
}

static void put_time(struct buf *b, int64_t ms)
{
    char text[CLOCK_TEXT];
    clock_format(ms, text);
    buf_fmt(b, "%.10s %.8s", text, text + 11);
}

static void put_labels(struct buf *b, const struct record *session)
{
    struct str id = session->id, project = session->project;
    buf_fmt(b, "\n- session: `%.*s`\n- project: ", STR_ARG(id));
    put_line(b, project);
    buf_cstr(b, "\n- created: ");
    put_time(b, session->created_at);
    buf_cstr(b, " UTC\n");
}

static void begin(struct export_out *x, const struct record *session, struct str attached)
{
    (void)attached;
    struct buf *b = out_of(x);
    struct str title = record_text(session, "title"), summary = record_text(session, "summary");
    buf_cstr(b, "# ");
    put_line(b, title.n ? title : STR("Session"));
    buf_char(b, '\n');
    put_labels(b, session);
    if (summary.n) {
        buf_char(b, '\n');
        put_text(b, summary);
    }
}

static void put_turn(struct buf *b, const struct record *r)
{
    buf_fmt(b, "\n**%lld. ", (long long)record_int(r, "turn_number"));
    put_line(b, record_text(r, "agent"));
    buf_cstr(b, "** ");
    put_time(b, record_int(r, "timestamp"));
    buf_cstr(b, "\n\n");
    put_text(b, record_text(r, "content"));
}

/* What a record of any other kind says, by the first of its fields that is prose. */
static struct str said_by(const struct record *r)
{
    static const char *const fields[] = {"text", "effect_text", "title", "name", "description"};
    struct str said = STR_NONE;
    for (size_t i = 0; i < sizeof fields / sizeof *fields && !said.n; i++)
        said = record_value(r, fields[i]) ? record_text(r, fields[i]) : STR_NONE;
    return said;
}

/* "agent_states" → "## Agent states" */
static void put_heading(struct buf *b, const char *plural)
{
    buf_fmt(b, "\n## %c", plural[0] - 'a' + 'A');
    for (const char *c = plural + 1; *c; c++)
        buf_char(b, *c == '_' ? ' ' : *c);
    buf_cstr(b, "\n\n");
}

/* As code: its JSON holds no line break, so it cannot end the fence. */
static void put_state(struct buf *b, const struct record *r)
{
    buf_cstr(b, "- ");
    put_line(b, record_text(r, "agent"));
    buf_cstr(b, "\n\n  ```json\n  ");
    buf_str(b, record_text(r, "state"));
    buf_cstr(b, "\n  ```\n");
}

static void put_record(struct export_out *x, const struct record *r, struct str attached)
{
    (void)attached;
    struct buf *b = out_of(x);
    x->records++;
    if (r->kind == KIND_TURN) {
        put_turn(b, r);
        return;
    }
    if (r->kind == KIND_CONVERSATION) {
        struct str directive = record_text(r, "directive");
        buf_cstr(b, "\n## ");
        put_line(b, directive.n ? str_take(directive, 200) : STR("Conversation"));
        buf_char(b, '\n');
        x->list = r->kind;
        return;
    }
    if (x->list != r->kind)
        put_heading(b, r->kind->plural);
    x->list = r->kind;
    if (r->kind == KIND_AGENT_STATE) {
        put_state(b, r);
        return;
    }
    buf_cstr(b, "- ");
    put_line(b, said_by(r));
    buf_char(b, '\n');
}

static void end(struct export_out *x)
{
    (void)x;
}

const struct export_format export_markdown = {begin, put_record, end};
