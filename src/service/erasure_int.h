/* Between the files of erasure. */
#ifndef CAIRN_SERVICE_ERASURE_INT_H
#define CAIRN_SERVICE_ERASURE_INT_H

#include "service/erasure.h"

/* erasure_derive while the followers are held already. */
enum err_code erasure_derive_held(struct service *svc, struct arena *a, const struct record *r, struct err *e);

/* For walks of erasure_derived.c: which records are meant, and what becomes of one. */
struct plan;
typedef bool picks_fn(const struct record *r, const void *arg);
typedef enum err_code take_fn(struct store_tx *tx, struct plan *p, const struct record *r, struct err *e);

#endif
