/* Between ephemeral.c and ephemeral_route.c. */
#ifndef CAIRN_SERVICE_EPHEMERAL_INT_H
#define CAIRN_SERVICE_EPHEMERAL_INT_H

#include "service/service.h"

/* The service of ephemeral sessions, opened when it is not there yet. */
enum err_code ephemeral_open(struct service *home, struct service **out, struct err *e);
/* Overwrites what was deleted in it. */
enum err_code ephemeral_wipe(struct service *s, struct err *e);

#endif
