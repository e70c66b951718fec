/* Finding the embedding model: what the caller or the setting search.model names, else the first of the usual places
 * that has one. A named folder is taken as it is, so that a slip in it is told and not passed over. */
#include "service/model.h"

#include "base/file.h"
#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char NAME[] = "all-MiniLM-L6-v2";

static bool is_model(const char *folder)
{
    char file[MODEL_PATH_ROOM];
    return snprintf(file, sizeof file, "%s/config.json", folder) < (int)sizeof file && file_exists(file);
}

static bool try_folder(char out[MODEL_PATH_ROOM], const char *base, const char *below, const char *name)
{
    int n = snprintf(out, MODEL_PATH_ROOM, "%s%s%s", base, below, name);
    return n > 0 && n < MODEL_PATH_ROOM && is_model(out);
}

static bool beside_program(char out[MODEL_PATH_ROOM])
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
    return try_folder(out, program, "/model/", NAME);
}

bool model_find(const struct service_options *o, const char *dir, char out[MODEL_PATH_ROOM])
{
    const char *named = o->model ? o->model : config_text(o->config, "search.model");
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (named && *named)
        return strcmp(named, "off") != 0 && snprintf(out, MODEL_PATH_ROOM, "%s", named) < MODEL_PATH_ROOM;
    if (try_folder(out, dir, "/model", ""))
        return true;
    if (data && *data ? try_folder(out, data, "/cairn-models/", NAME)
                      : home && *home && try_folder(out, home, "/.local/share/cairn-models/", NAME))
        return true;
    return beside_program(out);
}
