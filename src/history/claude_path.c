/* What a path says of a file of Claude Code's. Names only: nothing is opened. A root may be ~/.claude, its folder
 * projects, one project's, or any folder with transcripts in it. */
#include "history/claude.h"
#include "history/path.h"

#include <string.h>

static struct str base_of(struct str path)
{
    for (size_t i = path.n; i; i--)
        if (path.p[i - 1] == '/')
            return str_skip(path, i);
    return path;
}

static bool has_part(struct str path, const char *name)
{
    while (path.n)
        if (str_is(str_cut(&path, '/'), name))
            return true;
    return false;
}

/* Folders and files beside the transcripts, by a part of their path or the end of their name. */
static const struct {
    const char *part, *end, *kind;
    enum history_way way;
    int order;
    bool grows;
} beside[] = {
    {"workflows", "journal.jsonl", "workflow journal", HISTORY_LIST, 0, false},
    {"tool-results", NULL, "tool result", HISTORY_READ, 4, false},
    {"todos", ".json", "todos", HISTORY_READ, 4, false},
    {"tasks", ".json", "tasks", HISTORY_READ, 4, false},
    {"file-history", NULL, "file version", HISTORY_READ, 4, false},
    {"debug", ".txt", "debug log", HISTORY_READ, 4, true},
    {"shell-snapshots", NULL, "shell snapshot", HISTORY_READ, 4, false},
    {"session-env", NULL, "session environment", HISTORY_READ, 4, false},
    {"plans", ".md", "plan", HISTORY_READ, 4, false},
    {"memory", ".md", "memory", HISTORY_READ, 4, false},
    {"paste-cache", NULL, "paste", HISTORY_LIST, 0, false},
    {"image-cache", NULL, "image", HISTORY_LIST, 0, false},
    {"statsig", NULL, "statistics", HISTORY_LIST, 0, false},
    {"logs", NULL, "log", HISTORY_LIST, 0, false},
    {"sessions", ".json", "live session", HISTORY_LIST, 0, false},
    {NULL, "stats-cache.json", "statistics", HISTORY_LIST, 0, false},
    {NULL, "sessions-index.json", "sessions index", HISTORY_READ, 5, false},
    {NULL, ".meta.json", "agent description", HISTORY_LIST, 0, false},
};

bool claude_is_beside(const char *kind)
{
    if (!strcmp(kind, "prompts"))
        return true;
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++)
        if (beside[i].way == HISTORY_READ && !strcmp(beside[i].kind, kind))
            return true;
    return false;
}

/* Never opened. */
static bool left_alone(struct str path, struct str base)
{
    return str_starts(base, ".credentials") || str_starts(base, ".claude.json") || has_part(path, "backups") ||
           (str_starts(base, "settings") && str_ends(base, ".json"));
}

static bool is_replay(struct str base)
{
    return str_starts(base, "agent-acompact-") || str_starts(base, "agent-aprompt_suggestion-");
}

bool claude_recognise(struct str path, struct history_name *out)
{
    struct str base = base_of(path);
    *out = (struct history_name){0};
    if (left_alone(path, base) || path_is_private(base)) {
        *out = (struct history_name){.kind = "private", .way = HISTORY_LEAVE};
        return true;
    }
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        if ((beside[i].part && !has_part(path, beside[i].part)) || (beside[i].end && !str_ends(base, beside[i].end)))
            continue;
        *out = (struct history_name){
            .kind = beside[i].kind, .way = beside[i].way, .order = beside[i].order, .grows = beside[i].grows};
        return true;
    }
    if (!str_ends(base, ".jsonl"))
        return false;
    if (str_is(base, "history.jsonl")) {
        *out = (struct history_name){.kind = "prompts", .order = 3, .grows = true}; /* after the transcripts */
        return true;
    }
    *out = (struct history_name){.kind = "transcript", .way = HISTORY_READ, .grows = true};
    if (str_starts(base, "agent-")) {
        out->kind = is_replay(base) ? "replay transcript" : "agent transcript";
        out->order = is_replay(base) ? 2 : 1;
    }
    return true;
}

void claude_place_of(struct str path, struct claude_place *out)
{
    struct str base = base_of(path), before = STR_NONE, part;
    *out = (struct claude_place){0};
    base.n -= str_ends(base, ".jsonl") ? strlen(".jsonl") : 0;
    if (!str_starts(base, "agent-")) {
        out->session = base;
        return;
    }
    out->replay = is_replay(base);
    out->thread = str_skip(base, strlen("agent-"));
    for (struct str rest = path; rest.n; before = part) {
        part = str_cut(&rest, '/');
        out->up += out->up && rest.n ? 1 : 0;
        if (str_is(part, "subagents")) {
            out->session = before;
            out->up = 1;
        }
    }
}
