/* GET /docs: the API on one page without scripts or anything from elsewhere. All text is escaped. */
#include "doors/http/http_int.h"

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

static void arguments(struct buf *b, const struct operation *op)
{
    static const char *const WHERE[] = {"path", "query", "body"};
    if (op->n_args == 0)
        return;
    buf_cstr(b, "<table>");
    for (size_t i = 0; i < op->n_args; i++) {
        const struct op_arg *a = &op->args[i];
        cell(b, "<tr><td><code>", a->name, "</code></td><td>");
        buf_cstr(b, WHERE[a->where]);
        buf_cstr(b, a->flags & ARG_REQUIRED ? ", required" : "");
        cell(b, "</td><td>", a->help, "");
        if (a->choices)
            cell(b, " (", a->choices, ")");
        if (a->fallback)
            cell(b, "; default <code>", a->fallback, "</code>");
        buf_cstr(b, "</td></tr>");
    }
    buf_cstr(b, "</table>");
}

void docs_write(struct buf *b)
{
    size_t n = 0;
    struct arena *a = arena_new();
    const struct catalog_entry *c = a ? catalog_make(a, &n) : NULL;
    buf_cstr(b, "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Cairn: the API</title><style>"
                "body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
                "code{font-size:.95em}h2{font-size:1.05rem;margin:1.6rem 0 .2rem}p{margin:.2rem 0}"
                "table{border-collapse:collapse;font-size:.9em}td{padding:.1rem .8rem .1rem 0;vertical-align:top}"
                "</style><h1>Cairn ");
    escape(b, str_of(cairn_version()));
    buf_cstr(b, "</h1><p>Long-term memory of AI agents. The same for machines: <a href=\"/openapi.json\">"
                "openapi.json</a>.</p>");
    for (size_t i = 0; i < n; i++) {
        cell(b, "<h2><code>", c[i].op->method, " ");
        escape(b, c[i].path);
        cell(b, "</code></h2><p>", c[i].op->summary, "</p>");
        arguments(b, c[i].op);
        cell(b, "<p>Answers ", c[i].op->answer, "</p>");
    }
    buf_cstr(b, "</html>");
    if (!c)
        b->failed = true;
    if (a)
        arena_free(a);
}
