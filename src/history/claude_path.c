/* What a path says of a file of Claude Code's. Names only: nothing is opened. A root may be ~/.claude, its folder
 * projects, one project's, or any folder with transcripts in it. */
#include "history/claude.h"

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
} beside[] = {
    {"workflows", "journal.jsonl", "workflow journal"},
    {"tool-results", NULL, "tool result"},
    {"todos", ".json", "todos"},
    {"tasks", ".json", "tasks"},
    {"file-history", NULL, "file version"},
    {"debug", ".txt", "debug log"},
    {"shell-snapshots", NULL, "shell snapshot"},
    {"session-env", NULL, "session environment"},
    {"plans", ".md", "plan"},
    {"memory", ".md", "memory"},
    {"paste-cache", NULL, "paste"},
    {"image-cache", NULL, "image"},
    {"statsig", NULL, "statistics"},
    {"logs", NULL, "log"},
    {"sessions", ".json", "live session"},
    {NULL, "stats-cache.json", "statistics"},
    {NULL, "sessions-index.json", "sessions index"},
    {NULL, ".meta.json", "agent description"},
};

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
    if (left_alone(path, base)) {
        *out = (struct history_name){.kind = "private", .way = HISTORY_LEAVE};
        return true;
    }
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        if ((beside[i].part && !has_part(path, beside[i].part)) || (beside[i].end && !str_ends(base, beside[i].end)))
            continue;
        *out = (struct history_name){.kind = beside[i].kind, .way = HISTORY_LIST};
        return true;
    }
    if (!str_ends(base, ".jsonl"))
        return false;
    if (str_is(base, "history.jsonl")) {
        *out = (struct history_name){.kind = "prompts", .way = HISTORY_LIST};
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
        if (str_is(part, "subagents"))
            out->session = before;
    }
}
