/* watch: follows the sources of histories and takes in what they add, until it is stopped. */
#include "base/mem.h"
#include "doors/cli/import.h"

#include "service/caller.h"

#include <stdio.h>
#include <unistd.h>

enum { PLACES_MAX = 32 };

static void tell(void *arg, const struct history_wish *w, const struct history_report *r)
{
    struct cli *c = arg;
    if (!r->counts.fresh)
        return;
    printf(c->json ? "{\"source\":\"%s\",\"turns_new\":%lld}\n" : "%s: %lld turns new\n", w->format->name,
           (long long)r->counts.fresh);
    fflush(stdout);
}

static enum err_code run_watch(struct cli *c, const struct given *g, struct op_call *call, struct err *e)
{
    (void)g;
    struct import_place places[PLACES_MAX];
    struct history_wish wishes[PLACES_MAX] = {{0}};
    struct service *svc;
    struct str project = op_text(call, "project"), full = STR_NONE;
    size_t n = 0;
    enum err_code code = import_find(c, call, places, PLACES_MAX, &n, e);
    if (!code && project.n)
        code = caller_named_project(&CALLER_LOCAL, c->arena, "project", project, PROJECT_SLUG, &full, e);
    c->bulk = true;
    mem_keep_small();
    if (!code)
        code = settings_data(c, e);
    if (!code)
        code = ask_open(c, true, false, &svc, e);
    if (code)
        return code;
    for (size_t i = 0; i < n; i++)
        wishes[i] = (struct history_wish){.format = places[i].format,
                                          .path = places[i].path,
                                          .project = full,
                                          .live = true,
                                          .stop = import_catch_signals()};
    code = history_watch(svc, wishes, n, tell, c, e);
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
