/* Parts of paths: see path.h. */
#include "history/path.h"

#include <string.h>

static size_t last_slash(struct str path)
{
    while (path.n && path.p[path.n - 1] != '/')
        path.n--;
    return path.n;
}

struct str path_base(struct str path)
{
    return str_skip(path, last_slash(path));
}

struct str path_folder(struct str path)
{
    size_t slash = last_slash(path);
    return slash ? path_base(str_take(path, slash - 1)) : STR_NONE;
}

bool path_has(struct str path, const char *part)
{
    while (path.n)
        if (str_is(str_cut(&path, '/'), part))
            return true;
    return false;
}

struct str path_without(struct str name, const char *ending)
{
    return str_ends(name, ending) ? str_take(name, name.n - strlen(ending)) : name;
}
