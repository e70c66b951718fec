/* Where the embedding model's folder is. */
#ifndef CAIRN_SERVICE_MODEL_H
#define CAIRN_SERVICE_MODEL_H

#include "service/service.h"

enum { MODEL_PATH_ROOM = 4096 };
/* The folder that service_options.model describes, into out; false: none. `dir` is the data folder. */
bool model_find(const struct service_options *o, const char *dir, char out[MODEL_PATH_ROOM]);

#endif
