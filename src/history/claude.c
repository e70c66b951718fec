/* Claude Code's transcripts: one JSON object a line. This file reads them line by line and knows where another reading
 * may begin; what a line becomes is claude_lines.c's business. */
#include "history/claude.h"
#include "history/formats.h"
#include "history/path.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DESCRIPTION_MOST = 1 << 16, NAME_MOST = 160 };

/* Prompts in the queue wait: then the next reading begins before the oldest of them. */
enum err_code claude_mark(struct claude_reader *r, int64_t from, int64_t lines, struct err *e)
{
    if (r->held.n)
        return ERR_OK;
    if (r->queue.n)
        return history_mark(r->in, r->queue.items[0].mark, r->queue.items[0].at.line - 1, e);
    return history_mark(r->in, from, lines, e);
}

static enum err_code take(struct claude_reader *r, const struct line *l, struct err *e)
{
    enum err_code code = claude_line(r, l, e);
    if (!code)
        code = claude_queue_end(r, false, e);
    arena_reset(r->in->arena);
    return code;
}

/* A last line without its end counts when it is whole, and is read again next time. */
static enum err_code take_torn(struct claude_reader *r, const struct line *l, struct err *e)
{
    return lines_members(l->text, NULL, 0, NULL) ? take(r, l, e) : ERR_OK;
}

/* What is still held when the file ends is told; but as its last message may go on, the next reading begins before it.
 */
static enum err_code read_lines(struct claude_reader *r, struct err *e)
{
    struct line l;
    bool found = true;
    enum err_code code = ERR_OK;
    while (!code && found) {
        r->line_from = lines_offset(r->lines);
        code = lines_next(r->lines, &l, &found, e);
        if (code || !found || l.torn)
            break;
        code = take(r, &l, e);
        if (!code)
            code = claude_mark(r, lines_offset(r->lines), lines_count(r->lines), e);
    }
    if (!code && found && l.torn)
        code = take_torn(r, &l, e);
    if (!code)
        code = claude_tell(r, e);
    if (!code)
        code = claude_snapshots_end(r, e);
    return code ? code : claude_queue_end(r, true, e);
}

static void keep(char *out, size_t room, struct str s)
{
    s = text_cut(s, room - 1);
    memcpy(out, s.p ? s.p : "", s.n);
    out[s.n] = '\0';
}

bool claude_is_agent_name(struct str s)
{
    bool harmless = s.n > 0 && s.n < CLAUDE_AGENT_NAME;
    while (harmless && s.n)
        harmless = history_harmless(str_cut(&s, ':'));
    return harmless;
}

/* agent-<id>.meta.json {agentType, description}. A name that could be anything is none. */
static void read_agent(struct claude_reader *r)
{
    char name[NAME_MOST];
    struct arena *a = r->in->arena;
    struct str base = path_without(path_base(r->in->path), ".jsonl");
    const struct json *o;
    struct err none = {0};
    size_t n = 0;
    if (!r->place.thread.n || base.n + sizeof ".meta.json" > sizeof name)
        return;
    snprintf(name, sizeof name, "%.*s.meta.json", STR_ARG(base));
    int fd = history_sibling(r->in, name, &none);
    if (fd < 0)
        return;
    char *text = arena_alloc(a, DESCRIPTION_MOST);
    if (text && !file_read_at(fd, 0, text, DESCRIPTION_MOST, &n, &none) && n < DESCRIPTION_MOST &&
        !history_json(a, (struct str){text, n}, &o, &none)) {
        struct str type = json_text(o, "agentType");
        keep(r->agent.type, sizeof r->agent.type, claude_is_agent_name(type) ? type : STR_NONE);
        keep(r->agent.task, sizeof r->agent.task, json_text(o, "description"));
    }
    close(fd);
    arena_reset(a);
}

static enum err_code claude_read(struct history_in *in, struct err *e)
{
    if (claude_is_beside(in->kind))
        return claude_folder_read(in, e);
    struct claude_reader *r = mem_zalloc(sizeof *r);
    if (!r)
        return err_nomem(e);
    r->in = in;
    r->lines = lines_new(in);
    claude_place_of(in->path, &r->place);
    read_agent(r);
    enum err_code code = claude_holding_init(&r->held) && r->lines ? read_lines(r, e) : err_nomem(e);
    claude_holding_free(&r->held);
    claude_queue_free(&r->queue);
    lines_free(r->lines);
    mem_free(r);
    return code;
}

static const struct history_root roots[] = {{"CLAUDE_CONFIG_DIR", "", ".claude"},
                                            {"XDG_CONFIG_HOME", "claude", ".config/claude"}};

/* A line of a transcript names its session, or is a snapshot or a summary; one of the list of prompts has what was
 * shown, when and where. */
static bool is_own_line(struct str line)
{
    static const char *const keys[] = {"type", "sessionId", "snapshot", "leafUuid", "display", "timestamp", "project"};
    struct str v[sizeof keys / sizeof *keys];
    if (!lines_members(line, keys, sizeof keys / sizeof *keys, v))
        return false;
    return (v[0].n && (v[1].n || v[2].n || v[3].n)) || (v[4].p && v[5].n && v[6].p);
}

static bool claude_sniff(struct str path, struct str head)
{
    enum { LINES = 16 };
    bool own = false;
    for (int i = 0; i < LINES && head.n && !own && str_ends(path, ".jsonl"); i++)
        own = is_own_line(str_trim(str_cut(&head, '\n')));
    return own || (str_ends(path, ".jsonl") && str_find(head, STR("\"sessionId\":\"")) >= 0);
}

const struct history_format history_claude = {
    .name = "claude-code",
    .title = "Claude Code",
    .roots = roots,
    .n_roots = sizeof roots / sizeof *roots,
    .recognise = claude_recognise,
    .sniff = claude_sniff,
    .read = claude_read,
};
