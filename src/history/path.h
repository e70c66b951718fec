/* Parts of paths below a root, for what a format recognises. Names only. */
#ifndef CAIRN_HISTORY_PATH_H
#define CAIRN_HISTORY_PATH_H

#include "base/str.h"

struct str path_base(struct str path);                        /* behind the last '/' */
struct str path_folder(struct str path);                      /* the name of the folder it is in; STR_NONE: none */
bool path_has(struct str path, const char *part);             /* whether a part of it is exactly this */
struct str path_without(struct str name, const char *ending); /* the name without the ending, if it has it */

#endif
