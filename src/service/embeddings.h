/* Whose embeddings a request wants: for the proxy, which forwards what is not ours. */
#ifndef CAIRN_SERVICE_EMBEDDINGS_H
#define CAIRN_SERVICE_EMBEDDINGS_H

#include "search/meaning.h"

/* True for "cairn", and for the name and the id of the model that is there. m may be NULL. */
bool embeddings_ours(struct meaning *m, struct str model);

#endif
