/* GET /docs: the API on one page without scripts or anything from elsewhere. All text is escaped. */
#include "doors/http/http_int.h"
#include "record/kind.h"
#include "service/token.h"

static void escape(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        switch (s.p[i]) {
        case '&':
            buf_cstr(b, "&amp;");
            break;
        case '<':
            buf_cstr(b, "&lt;");
            break;
        case '>':
            buf_cstr(b, "&gt;");
            break;
        case '"':
            buf_cstr(b, "&quot;");
            break;
        default:
            buf_char(b, s.p[i]);
        }
    }
}

static void cell(struct buf *b, const char *before, const char *text, const char *after)
{
    buf_cstr(b, before);
    escape(b, str_of(text ? text : ""));
    buf_cstr(b, after);
}

static void row(struct buf *b, const char *name, const char *where, const char *help, const char *choices,
                const char *fallback)
{
    cell(b, "<tr><td><code>", name, "</code></td><td>");
    buf_cstr(b, where);
    cell(b, "</td><td>", help, "");
    if (choices)
        cell(b, " (", choices, ")");
    if (fallback)
        cell(b, "; default <code>", fallback, "</code>");
    buf_cstr(b, "</td></tr>");
}

static void argument_rows(struct buf *b, const struct operation *op)
{
    static const char *const WHERE[][2] = {
        {"path", "path, required"}, {"query", "query, required"}, {"body", "body, required"}};
    for (size_t i = 0; i < op->n_args; i++) {
        const struct op_arg *a = &op->args[i];
        row(b, a->name, WHERE[a->where][(a->flags & ARG_REQUIRED) != 0], a->help, a->choices, a->fallback);
    }
}

/* A body that is a record: its fields, but those that Cairn keeps itself. */
static void field_rows(struct buf *b, const struct operation *op)
{
    bool patch = op->flags & OP_RECORD_PATCH;
    unsigned closed = FIELD_HIDDEN | FIELD_READ_ONLY | (patch ? (unsigned)FIELD_FIXED : 0u);
    if (op->kind->flags & KIND_KEYED && !patch)
        row(b, op->kind->id_name, "body, required", "its name", NULL, NULL);
    for (size_t i = 0; i < op->kind->n_fields; i++) {
        const struct field *f = &op->kind->fields[i];
        if (!(f->flags & closed))
            row(b, f->name, !patch && f->flags & FIELD_REQUIRED ? "body, required" : "body", f->help, f->choices,
                patch ? NULL : f->fallback);
    }
}

static void arguments(struct buf *b, const struct operation *op)
{
    bool record = op->flags & OP_RECORD_BODY && op->kind;
    if (op->n_args == 0 && !record)
        return;
    buf_cstr(b, "<div class=\"wide\"><table>");
    argument_rows(b, op);
    if (record)
        field_rows(b, op);
    buf_cstr(b, "</table></div>");
}

/* Folded up, so that the page is a list first; <details> needs no script. */
static void operation_write(struct buf *b, const struct catalog_entry *c)
{
    cell(b, "<details><summary><code><b>", c->op->method, "</b> ");
    escape(b, c->path);
    cell(b, "</code><span>", c->op->summary, "</span></summary>");
    arguments(b, c->op);
    cell(b, "<p>Permission: ", permission_name(c->op->permission), ".</p>");
    cell(b, "<p>Answers <code>", c->op->answer, "</code></p></details>");
}

/* One section a group, in the order in which groups come first; the operations of a group are not side by side. */
static void section(struct buf *b, const struct catalog_entry *c, size_t n, size_t first)
{
    struct str group = catalog_group(&c[first]);
    for (size_t i = 0; i < first; i++)
        if (str_eq(catalog_group(&c[i]), group))
            return;
    buf_cstr(b, "<h2>");
    escape(b, group);
    buf_cstr(b, "</h2>");
    for (size_t i = first; i < n; i++)
        if (str_eq(catalog_group(&c[i]), group))
            operation_write(b, &c[i]);
}

/* Dark or light as the reader's system is; at 400 px summaries go below paths and only tables scroll sideways. */
static const char STYLE[] =
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "code{font-size:.9em;overflow-wrap:anywhere}h2{font-size:1.1rem;margin:1.8rem 0 .3rem}p{margin:.3rem 0}"
    "summary{cursor:pointer;padding:.2rem 0}summary span{margin-left:1rem;opacity:.8}"
    "details{border-bottom:1px solid #8884}details[open]{padding-bottom:.6rem}.wide{overflow-x:auto}"
    "table{border-collapse:collapse;font-size:.9em}td{padding:.1rem .8rem .1rem 0;vertical-align:top}"
    "@media(max-width:40rem){summary span{display:block;margin-left:0}}";

void docs_write(struct buf *b)
{
    size_t n = 0;
    struct arena *a = arena_new();
    const struct catalog_entry *c = a ? catalog_make(a, &n) : NULL;
    buf_cstr(b, "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                "content=\"width=device-width,initial-scale=1\"><link rel=\"icon\" href=\"data:,\">"
                "<title>Cairn: the API</title><style>");
    buf_cstr(b, STYLE);
    cell(b, "</style></head><body><h1>Cairn ", cairn_version(), "</h1><p>Long-term memory of AI agents. The same for ");
    buf_cstr(b,
             "machines: <a href=\"/openapi.json\">openapi.json</a>. In answers, <code>name?</code> may be left out and "
             "<code>:text?</code> may be null.</p>");
    for (size_t i = 0; i < n; i++)
        section(b, c, n, i);
    buf_cstr(b, "</body></html>");
    if (!c)
        b->failed = true;
    if (a)
        arena_free(a);
}
