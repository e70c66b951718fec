/* watch: follows the sources of histories and takes in what they add, until it is stopped. */
#include "base/log.h"
#include "base/mem.h"
#include "doors/cli/import.h"

#include "service/caller.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void tell(void *arg, const struct history_wish *w, const struct history_report *r)
{
    struct cli *c = arg;
    if (!r->counts.fresh)
        return;
    printf(c->json ? "{\"source\":\"%s\",\"turns_new\":%lld}\n" : "%s: %lld turns new\n", w->format->name,
           (long long)r->counts.fresh);
    fflush(stdout);
}

/* A tool that comes later is followed too; a place that is named must be there. */
static enum err_code find(struct cli *c, struct op_call *call, struct import_found *out, struct err *e)
{
    enum err_code code = import_find(c, call, true, out, e);
    if (code)
        return code;
    if (out->is_export)
        return err_set(e, ERR_INVALID, "source", "an export of Cairn's own does not grow: cairn import takes it in");
    if (!out->n)
        return err_set(e, ERR_INVALID, "path", "%s has no usual place: cairn watch %s PATH", out->format->title,
                       out->format->name);
    if (op_text(call, "path").n && access(out->places[0].path, F_OK))
        return err_set(e, ERR_NOT_FOUND, "path", "cannot look at %.180s: %m", out->places[0].path);
    return ERR_OK;
}

static enum err_code run_watch(struct cli *c, const struct given *g, struct op_call *call, struct err *e)
{
    (void)g;
    struct import_found found;
    struct history_wish wishes[IMPORT_PLACES] = {{0}};
    struct service *svc;
    struct str project = op_text(call, "project"), full = STR_NONE;
    enum err_code code = find(c, call, &found, e);
    if (!code && project.n)
        code = caller_named_project(&CALLER_LOCAL, c->arena, "project", project, PROJECT_SLUG, &full, e);
    c->bulk = true;
    mem_keep_small();
    if (!getenv("CAIRN_LOG_LEVEL")) /* it runs on and on: what it waits for is said */
        log_setup(LOG_WARN, isatty(STDERR_FILENO) != 1, STDERR_FILENO);
    if (!code)
        code = settings_data(c, e);
    if (!code)
        code = ask_open(c, true, false, &svc, e);
    if (code)
        return code;
    for (size_t i = 0; i < found.n; i++)
        wishes[i] = (struct history_wish){.format = found.places[i].format,
                                          .path = found.places[i].path,
                                          .project = full,
                                          .live = true,
                                          .stop = import_catch_signals()};
    code = history_watch(svc, wishes, found.n, tell, c, e);
    service_close(svc);
    return code;
}

static const struct op_arg args[] = {
    {"source", ARG_TEXT, ARG_IN_QUERY, ARG_POSITIONAL, 1, 3500, NULL, NULL, "claude-code …; none: all that is found"},
    {"path", ARG_TEXT, ARG_IN_QUERY, ARG_POSITIONAL, 1, 3500, NULL, NULL,
     "its folder or file, where it is not the usual one"},
    {"project", ARG_TEXT, ARG_IN_QUERY, 0, 1, 200, NULL, NULL, "put it into this project instead of its own"},
};

const struct command command_watch = {
    .name = "watch",
    .summary = "Follow agents' histories: import what they add, as it is written",
    .args = args,
    .n_args = sizeof args / sizeof args[0],
    .run = run_watch,
    .details =
        "Imports what is there, then what comes, within a second, until it is stopped (Ctrl-C). A server may have the\n"
        "same data folder open. As a service: systemctl --user enable --now cairn-watch\n",
};
