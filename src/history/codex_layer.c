/* Which layer of a rollout has the words: a look ahead, once a file and only where an event comes before any item. */
#include "history/codex.h"

enum { LINES_BETWEEN = 256 };

bool codex_injected(struct str text)
{
    static const char *const begins[] = {"<environment_context>",    "<user_instructions>",
                                         "# AGENTS.md instructions", "<permissions instructions>",
                                         "<INSTRUCTIONS>",           "<turn_aborted>",
                                         "<user_shell_command>",     "<subagent_notification>",
                                         "<collaboration_mode>",     "<skill>"};
    text = str_trim(text);
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (str_starts(text, begins[i]))
            return true;
    return false;
}

/* A message that somebody said. */
static bool is_message(struct arena *a, struct str line)
{
    static const char *const keys[] = {"type", "payload"};
    const struct json *p;
    struct str member[2];
    struct err why = {0};
    if (!lines_members(line, keys, 2, member) || !str_is(member[0], "response_item") ||
        history_json(a, member[1], &p, &why) || !str_is(json_text(p, "type"), "message"))
        return false;
    struct str role = json_text(p, "role"), text = history_text(a, json_get(p, "content"));
    return str_trim(text).n && (str_is(role, "assistant") || (str_is(role, "user") && !codex_injected(text)));
}

enum err_code codex_items_ahead(const struct codex *c, const struct history_at *at, bool *found, struct err *e)
{
    struct history_in rest = *c->in;
    struct arena *a = arena_new();
    struct line l;
    bool more = true;
    rest.from = at->offset;
    rest.from_line = at->line - 1;
    struct lines *lines = a ? lines_new(&rest) : NULL;
    enum err_code code = lines ? ERR_OK : err_nomem(e);
    for (*found = false; !code && more && !*found;) {
        code = lines_next(lines, &l, &more, e);
        *found = !code && more && !l.too_large && is_message(a, l.text);
        if (more && l.at.line % LINES_BETWEEN == 0)
            arena_reset(a);
    }
    lines_free(lines);
    if (a)
        arena_free(a);
    return code;
}
