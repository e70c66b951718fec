/* checkpoint: a state of the work kept as it was, with the git commit it belongs to. Made for a hook: the commit is
 * found out here, because only here is the folder known in which the work is done; a server may run anywhere. The rest
 * is the operation checkpoint.create, and it is silent when all went well. */
#include "doors/cli/command.h"
#include "doors/cli/git.h"

#include "base/json_write.h"

enum { TITLE_MAX = 500, MESSAGE_MAX = 64 << 10, ID_MAX = 64 };

static const struct op_arg checkpoint_args[] = {
    {"title", ARG_TEXT, ARG_IN_QUERY, ARG_REQUIRED | ARG_POSITIONAL | ARG_REST, 1, TITLE_MAX, NULL, NULL, "short name"},
    {"session_id", ARG_TEXT, ARG_IN_QUERY, 0, 1, ID_MAX, NULL, NULL, "session it was taken in"},
    {"message", ARG_TEXT, ARG_IN_QUERY, 0, 1, MESSAGE_MAX, NULL, NULL, "what it holds, in more words"},
    {"commit", ARG_TEXT, ARG_IN_QUERY, 0, 1, ID_MAX, NULL, NULL,
     "commit it belongs to; else the one that is checked out in this folder, where there is git"},
};

/* The record as checkpoint.create takes it. STR_NONE: no memory. */
static struct str record_of(struct cli *c, const struct op_call *call)
{
    struct buf b;
    struct json_out w;
    struct str commit = op_text(call, "commit");
    if (!commit.n)
        commit = git_commit(c->arena);
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    jw_kstr(&w, "title", op_text(call, "title"));
    if (op_text(call, "session_id").n)
        jw_kstr(&w, "session_id", op_text(call, "session_id"));
    if (op_text(call, "message").n)
        jw_kstr(&w, "description", op_text(call, "message"));
    if (commit.n)
        jw_kstr(&w, "git_commit", commit);
    jw_end_object(&w);
    struct str out = b.failed ? STR_NONE : arena_str(c->arena, buf_view(&b));
    buf_release(&b);
    return out;
}

static enum err_code run(struct cli *c, const struct given *g, struct op_call *call, struct err *e)
{
    (void)g;
    struct answer answer;
    struct given create = {.op = operation_find("checkpoint.create"), .body = record_of(c, call)};
    if (!create.body.p)
        return err_nomem(e);
    enum err_code code = ask(c, &create, &answer, e);
    if (!code && c->json) {
        buf_str(&c->out, answer.json);
        buf_char(&c->out, '\n');
    }
    return code;
}

const struct command command_checkpoint = {
    .name = "checkpoint",
    .summary = "Keep a checkpoint of the work, with its git commit",
    .args = checkpoint_args,
    .n_args = sizeof checkpoint_args / sizeof checkpoint_args[0],
    .run = run,
    .details =
        "Silent when it is kept; --json shows it. For each commit of a repository, .git/hooks/post-commit (made\n"
        "executable) holds\n"
        "    #!/bin/sh\n"
        "    cairn checkpoint -- \"$(git log -1 --format=%s)\"\n"
        "The commit is told by git rev-parse HEAD; without git or a repository the checkpoint has none.\n",
};
