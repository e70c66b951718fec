/* Where the data folder is: flag, environment, or the place the XDG base directory rules name. */
#include "doors/cli/command.h"

#include <stdlib.h>

enum { DIR_MAX = 3500 }; /* leaves room below PATH_MAX for the files in it */

static const char *first_set(const char *variable)
{
    const char *v = getenv(variable);
    return v && *v ? v : NULL;
}

enum err_code settings_data(struct cli *c, struct err *e)
{
    const char *xdg = first_set("XDG_DATA_HOME"), *home = first_set("HOME");
    if (!c->data)
        c->data = first_set("CAIRN_DATA");
    if (!c->data && xdg && xdg[0] == '/') /* the rules say that relative ones are to be ignored */
        c->data = arena_fmt(c->arena, "%s/cairn", xdg).p;
    else if (!c->data && home)
        c->data = arena_fmt(c->arena, "%s/.local/share/cairn", home).p;
    if (!c->data && arena_failed(c->arena))
        return err_nomem(e);
    if (!c->data || !*c->data)
        return err_set(e, ERR_INVALID, "data", "where is the data? Give --data DIR, or set CAIRN_DATA or HOME");
    if (str_of(c->data).n > DIR_MAX)
        return err_set(e, ERR_INVALID, "data", "the data folder's path is longer than %d bytes", DIR_MAX);
    return ERR_OK;
}
