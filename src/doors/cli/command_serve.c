/* serve: the server, with its settings from flags, environment and cairn.toml. Which flags there are is the table of
 * settings' to say. */
#include "doors/cli/command.h"

#include "base/log.h"
#include "doors/http/serve.h"

#include <unistd.h>

static enum err_code run_serve(struct cli *c, const struct given *g, struct op_call *call, struct err *e)
{
    (void)g, (void)call, (void)e;
    const struct config *cfg = c->config;
    const struct serve_options o = {
        .config = cfg,
        .dir = c->data,
        .listen = config_text(cfg, "server.listen"),
        .workers = (int)config_int(cfg, "server.workers"),
        .max_connections = (int)config_int(cfg, "server.max_connections"),
        .slow_seconds = (int)config_int(cfg, "server.slow_seconds"),
        .upstream_url = config_text(cfg, "upstream.url"),
        .upstream_key = config_text(cfg, "upstream.key"),
        .connect_timeout_ms = (int)config_int(cfg, "upstream.connect_seconds") * 1000,
        .total_timeout_ms = (int)config_int(cfg, "upstream.total_seconds") * 1000,
        .memory_deadline_ms = (int)config_int(cfg, "memory.deadline_ms"),
        .memory_max_tokens = config_int(cfg, "memory.tokens"),
        .quiet = c->json,
    };
    enum log_level level = LOG_INFO;
    (void)log_level_parse(str_of(config_text(cfg, "server.log_level")), &level);
    log_setup(level, isatty(STDERR_FILENO) != 1, STDERR_FILENO);
    c->status = serve_run(&o); /* says itself what went wrong */
    return ERR_OK;
}

const struct command command_serve = {
    .name = "serve",
    .summary = "Start the server: chat proxy, REST API, memory",
    .settings = true,
    .run = run_serve,
    .details =
        "More settings are in cairn.toml; cairn config lists all of them with their values and where those come from.\n"
        "The upstream's key is never a flag: it comes from $CAIRN_UPSTREAM_KEY, cairn.toml or $OPENAI_API_KEY; "
        "without\n"
        "one the callers' own keys are passed on. Without an upstream the server stores and recalls, and chat routes\n"
        "say what is missing.\n",
};
