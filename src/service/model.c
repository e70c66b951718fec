/* Finding the embedding model; the order is told in model.h. */
#include "service/model.h"

#include "base/file.h"
#include "base/log.h"
#include "config/config.h"
#include "service/masking.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A model's folder at base/below, or in it under the default model's name (as tools/get-model makes it), or the file
 * that cairn model --pack made, with .cairn at the end. */
static bool try_place(struct model_choice *c, const char *base, const char *below)
{
    static const char in_folder[] = "/config.json";
    static const char *const forms[] = {in_folder, "/all-MiniLM-L6-v2/config.json", ".cairn"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        int n = snprintf(c->path, sizeof c->path, "%s%s%s", base, below, forms[i]);
        if (n <= 0 || n >= (int)sizeof c->path || !file_exists(c->path))
            continue;
        if (str_ends(str_of(c->path), in_folder))
            c->path[(size_t)n - strlen(in_folder)] = 0;
        c->place = MODEL_FOUND;
        return true;
    }
    c->path[0] = 0;
    return false;
}

static bool beside_program(struct model_choice *c)
{
    char program[MODEL_PATH_ROOM];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n <= 0)
        return false;
    program[n] = '\0';
    char *slash = strrchr(program, '/');
    if (!slash)
        return false;
    *slash = '\0';
    return try_place(c, program, "/model") || try_place(c, program, "/../share/cairn/model");
}

static bool users_own(struct model_choice *c)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (data && data[0] == '/')
        return try_place(c, data, "/cairn/model");
    return home && *home && try_place(c, home, "/.local/share/cairn/model");
}

void model_choose(const struct config *config, const char *dir, struct model_choice *out)
{
    const char *named = config_text(config, "search.model");
    *out = (struct model_choice){.place = MODEL_NONE};
    if (named && strcmp(named, "off") == 0)
        out->place = MODEL_OFF;
    else if (named && snprintf(out->path, sizeof out->path, "%s", named) < (int)sizeof out->path)
        out->place = MODEL_NAMED;
    else if (config_text(config, "embedding.url"))
        out->place = MODEL_ENDPOINT;
    else if (!try_place(out, dir, "/model") && !users_own(out) && !beside_program(out) && model_inside().n)
        out->place = MODEL_INSIDE;
}

void model_endpoint(const struct config *config, struct endpoint *out)
{
    const char *model = config_text(config, "embedding.model");
    *out = (struct endpoint){.url = config_text(config, "embedding.url"),
                             .model = model ? model : "",
                             .key = config_text(config, "embedding.key"),
                             .timeout_ms = (int)config_int(config, "embedding.seconds") * 1000};
}

enum err_code model_open(struct service *s, struct err *e)
{
    const struct config *config = s->options.config;
    struct model_choice c;
    struct meaning_options o = {.store = s->store,
                                .dir = s->store ? store_dir(s->store) : s->options.dir,
                                .dial = s->options.dial,
                                .gate = s->masking ? masking_shown(s->masking) : NULL,
                                .query_ms = (int)config_int(config, "embedding.query_ms"),
                                .threads = (int)config_int(config, "embedding.threads"),
                                .read_only = s->options.read_only,
                                .on_demand = !s->options.background};
    model_choose(config, o.dir, &c);
    switch (c.place) {
    case MODEL_NONE:
    case MODEL_OFF:
        log_event(LOG_INFO, "no_model", L_CSTR("note", "recall works by words alone"));
        return ERR_OK;
    case MODEL_ENDPOINT:
        model_endpoint(config, &o.endpoint);
        break;
    case MODEL_NAMED:
    case MODEL_FOUND:
        o.model = c.path;
        break;
    case MODEL_INSIDE:
        o.packed = model_inside();
        break;
    }
    return meaning_open(&o, &s->meaning, e);
}
