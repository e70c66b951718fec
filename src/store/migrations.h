/* The versions of the schema. Each step knows its way up and back; both run inside one transaction. What follows
 * from the table of kinds needs no step: missing tables, columns and indexes are added when a store opens. */
#ifndef CAIRN_STORE_MIGRATIONS_H
#define CAIRN_STORE_MIGRATIONS_H

#include "store/internal.h"

struct migration {
    int version;
    const char *name;
    enum err_code (*up)(struct store_tx *tx, struct err *e);
    enum err_code (*down)(struct store_tx *tx, struct err *e);
};
/* In ascending order, versions 1, 2, 3 … */
const struct migration *migrations_all(size_t *n);

#endif
