/* Between the files of ephemeral sessions: ephemeral.c, ephemeral_route.c, ephemeral_wipe.c. */
#ifndef CAIRN_SERVICE_EPHEMERAL_INT_H
#define CAIRN_SERVICE_EPHEMERAL_INT_H

#include "service/service.h"

/* The service of ephemeral sessions, opened when it is not there yet. */
enum err_code ephemeral_open(struct service *home, struct service **out, struct err *e);

/* Overwrites what was deleted in it, whenever it is told that something is due (any thread, at once). */
struct wiper;
enum err_code wiper_start(struct service *s, struct wiper **out, struct err *e);
void wiper_due(struct wiper *w);
void wiper_stop(struct wiper *w); /* NULL is fine */

#endif
