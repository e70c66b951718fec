/* One line of progress on stderr that rewrites itself; nothing at all when stderr is no terminal. */
#ifndef CAIRN_DOORS_CLI_PROGRESS_H
#define CAIRN_DOORS_CLI_PROGRESS_H

#include "doors/cli/command.h"

struct progress {
    bool on, shown;
    int64_t next_us; /* not before then: ten times a second is enough */
};

void progress_begin(struct progress *p);
void progress_show(struct progress *p, const char *what, int64_t done, int64_t total);
void progress_end(struct progress *p); /* wipes the line */

#endif
