/* Inside libcairn: what its files share. Programs include cairn.h. */
#ifndef CAIRN_DOORS_LIBRARY_H
#define CAIRN_DOORS_LIBRARY_H

#include "cairn.h"

#include "service/service.h"

struct cairn {
    struct service *svc;
    char *dir;           /* the service borrows it */
    struct arena *arena; /* the configuration, which the service borrows too */
};

/* Every public function that can fail begins with the first, which forgets this thread's last error, and ends a failure
 * with the second, which keeps its words and returns the code as a public number. */
void library_begin(void);
int library_failed(enum err_code code, const struct err *e);

#endif
