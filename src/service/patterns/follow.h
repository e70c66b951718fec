/* The follower that finds patterns in turns (background_table.c). */
#ifndef CAIRN_SERVICE_PATTERNS_FOLLOW_H
#define CAIRN_SERVICE_PATTERNS_FOLLOW_H

#include "service/background.h"

enum err_code patterns_think(const struct follow_batch *b, void **plan, struct err *e);
enum err_code patterns_apply(struct store_tx *tx, struct arena *a, void *plan, struct err *e);

#endif
