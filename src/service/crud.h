/* CRUD on any kind: the functions behind the operations that are made from the table of kinds. */
#ifndef CAIRN_SERVICE_CRUD_H
#define CAIRN_SERVICE_CRUD_H

#include "service/operation.h"

op_fn crud_list, crud_get, crud_create, crud_update, crud_delete;

/* The operation entries for one kind, in the arena: at most CRUD_OPS, those its flags allow. Returns how many,
 * -1 when out of memory. */
enum { CRUD_OPS = 5 };
int crud_operations(struct arena *a, const struct kind *k, struct operation *out);

#endif
