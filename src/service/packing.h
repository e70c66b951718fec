/* Packing as an upkeep task (background_table.c). Not here: how contents are packed (store/pack.h). */
#ifndef CAIRN_SERVICE_PACKING_H
#define CAIRN_SERVICE_PACKING_H

#include "service/service.h"

enum err_code packing_run(struct service *svc, struct arena *a, struct err *e);

#endif
