/* Which embedding model there is, and the struct meaning made of it. In this order:
 *
 * 1. the setting search.model (--model, CAIRN_MODEL): a folder or a packed file, taken as it is, so that a slip in it
 * is told and not passed over; "off": none
 * 2. the settings embedding.url and embedding.model: an endpoint
 * 3. <data>/model
 * 4. $XDG_DATA_HOME/cairn/model (~/.local/share/cairn/model)
 * 5. beside the program: <its folder>/model (a build folder), <its folder>/../share/cairn/model (an installed one)
 * 6. the weights inside the program (make release)
 *
 * In 3 to 5 "model" is a model's folder, or holds one called all-MiniLM-L6-v2, or is a packed file, model.cairn. */
#ifndef CAIRN_SERVICE_MODEL_H
#define CAIRN_SERVICE_MODEL_H

#include "service/service.h"

enum { MODEL_PATH_ROOM = 4096 };
enum model_place { MODEL_NONE, MODEL_OFF, MODEL_NAMED, MODEL_ENDPOINT, MODEL_FOUND, MODEL_INSIDE };
struct model_choice {
    enum model_place place;
    char path[MODEL_PATH_ROOM]; /* MODEL_NAMED, MODEL_FOUND */
};
/* `dir` is the data folder. */
void model_choose(const struct config *config, const char *dir, struct model_choice *out);
/* The endpoint that the settings name; its strings are theirs. */
void model_endpoint(const struct config *config, struct endpoint *out);
/* Fills s->meaning; NULL where there is no model, which is logged once. */
enum err_code model_open(struct service *s, struct err *e);

/* The packed model inside this program, aligned to 64 bytes; STR_NONE: none (model_inside.c). */
struct str model_inside(void);

#endif
