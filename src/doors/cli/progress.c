/* Progress of long work, for eyes only: a pipe or a log gets none of it. */
#include "doors/cli/progress.h"

#include "base/clock.h"

#include <stdio.h>
#include <unistd.h>

enum { STEP_US = 100000 };

void progress_begin(struct progress *p)
{
    *p = (struct progress){.on = isatty(STDERR_FILENO) == 1};
}

void progress_show(struct progress *p, const char *what, int64_t done, int64_t total)
{
    int64_t now = clock_mono_us();
    if (!p->on || now < p->next_us)
        return;
    int percent = total > 0 ? (int)((double)done * 100 / (double)total) : 100;
    fprintf(stderr, "\r%s %d %%\033[K", what, percent > 100 ? 100 : percent);
    fflush(stderr);
    p->next_us = now + STEP_US;
    p->shown = true;
}

void progress_end(struct progress *p)
{
    if (p->shown)
        fputs("\r\033[K", stderr);
}
