/* serve: the server, with its settings from flags and, where those are not given, from the environment. */
#include "doors/cli/command.h"

#include "base/log.h"
#include "doors/http/serve.h"

#include <stdlib.h>
#include <unistd.h>

static const struct op_arg args[] = {
    {"listen", ARG_TEXT, ARG_IN_QUERY, 0, 3, 300, "\"127.0.0.1:5111\"", NULL, "HOST:PORT to listen on; port 0: any"},
    {"upstream", ARG_TEXT, ARG_IN_QUERY, 0, 1, 2000, NULL, NULL,
     "URL of the model's server, such as https://api.openai.com/v1"},
    {"connect_timeout", ARG_INT, ARG_IN_QUERY, 0, 1, 3600, "30", NULL, "seconds to reach the upstream"},
    {"total_timeout", ARG_INT, ARG_IN_QUERY, 0, 1, 86400, "600", NULL, "seconds for an upstream's whole answer"},
    {"memory_deadline", ARG_INT, ARG_IN_QUERY, 0, 1, 60000, "250", NULL,
     "milliseconds after which a chat goes on without memory"},
    {"memory_tokens", ARG_INT, ARG_IN_QUERY, 0, 50, 1e6, "1500", NULL, "budget of what memory adds to a chat"},
    {"log_level", ARG_ENUM, ARG_IN_QUERY, 0, 0, 0, "\"info\"", "debug|info|warn|error|off", "how much is logged"},
};

static const struct command_env env[] = {
    {"listen", "CAIRN_LISTEN"},
    {"upstream", "CAIRN_UPSTREAM_URL"},
    {"connect_timeout", "CAIRN_CONNECT_TIMEOUT"},
    {"total_timeout", "CAIRN_TOTAL_TIMEOUT"},
    {"memory_deadline", "CAIRN_MEMORY_DEADLINE"},
    {"memory_tokens", "CAIRN_MEMORY_TOKENS"},
    {"log_level", "CAIRN_LOG_LEVEL"},
};

/* Keys come from the environment only: flags show in process lists. */
static const char *upstream_key(void)
{
    const char *key = getenv("CAIRN_UPSTREAM_KEY");
    if (!key || !*key)
        key = getenv("OPENAI_API_KEY");
    return key && *key ? key : NULL;
}

static enum err_code run_serve(struct cli *c, const struct given *g, struct op_call *call, struct err *e)
{
    (void)g;
    struct serve_options o = {.upstream_key = upstream_key(), .quiet = c->json};
    struct str upstream = op_text(call, "upstream");
    enum log_level level = LOG_INFO;
    enum err_code code = settings_data(c, e);
    if (code)
        return code;
    o.dir = c->data;
    o.connect_timeout_ms = (int)op_int(call, "connect_timeout", 0) * 1000;
    o.total_timeout_ms = (int)op_int(call, "total_timeout", 0) * 1000;
    o.memory_deadline_ms = (int)op_int(call, "memory_deadline", 0);
    o.memory_max_tokens = op_int(call, "memory_tokens", 0);
    o.listen = arena_cstr(c->arena, op_text(call, "listen"));
    o.upstream_url = upstream.n ? arena_cstr(c->arena, upstream) : NULL;
    if (!o.listen || (upstream.n && !o.upstream_url))
        return err_nomem(e);
    (void)log_level_parse(op_text(call, "log_level"), &level);
    log_setup(level, isatty(STDERR_FILENO) != 1, STDERR_FILENO);
    c->status = serve_run(&o); /* says itself what went wrong */
    return ERR_OK;
}

const struct command command_serve = {
    .name = "serve",
    .summary = "Start the server: chat proxy, REST API, memory",
    .args = args,
    .n_args = sizeof args / sizeof args[0],
    .env = env,
    .n_env = sizeof env / sizeof env[0],
    .run = run_serve,
    .details =
        "The upstream's key comes from $CAIRN_UPSTREAM_KEY or $OPENAI_API_KEY; without one the callers' own keys\n"
        "are passed on. Without an upstream the server stores and recalls, and chat routes say what is missing.\n",
};
