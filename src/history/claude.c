/* Claude Code's transcripts: one JSON object a line. This file reads them line by line and knows where another reading
 * may begin; what a line becomes is claude_lines.c's business. */
#include "history/claude.h"
#include "history/formats.h"

#include "base/mem.h"

/* Nothing may wait, but for prompts in the queue: then the next reading begins before the oldest of them. */
static enum err_code mark(struct claude_reader *r, struct err *e)
{
    if (r->held.n)
        return ERR_OK;
    if (r->queue.n)
        return history_mark(r->in, r->queue.items[0].mark, r->queue.items[0].at.line - 1, e);
    return history_mark(r->in, lines_offset(r->lines), lines_count(r->lines), e);
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
            code = mark(r, e);
    }
    if (!code)
        code = claude_tell(r, e);
    if (!code)
        code = mark(r, e);
    if (!code && found && l.torn)
        code = take_torn(r, &l, e);
    if (!code)
        code = claude_tell(r, e);
    return code ? code : claude_queue_end(r, true, e);
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
    enum err_code code = claude_holding_init(&r->held) && r->lines ? read_lines(r, e) : err_nomem(e);
    claude_holding_free(&r->held);
    claude_queue_free(&r->queue);
    lines_free(r->lines);
    mem_free(r);
    return code;
}

static const struct history_root roots[] = {{"CLAUDE_CONFIG_DIR", "", ".claude"}};

/* Its lines name their session. */
static bool claude_sniff(struct str path, struct str head)
{
    return str_ends(path, ".jsonl") && str_find(head, STR("\"sessionId\":\"")) >= 0;
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
