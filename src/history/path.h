/* Parts of paths below a root, for what a format recognises. Names only. */
#ifndef CAIRN_HISTORY_PATH_H
#define CAIRN_HISTORY_PATH_H

#include "base/arena.h"

struct str path_base(struct str path);   /* behind the last '/' */
struct str path_folder(struct str path); /* the name of the folder it is in; STR_NONE: none */
/* The part before the first that is exactly `part`; STR_NONE: there is none. */
struct str path_before(struct str path, const char *part);
bool path_has(struct str path, const char *part);             /* whether a part of it is exactly this */
struct str path_without(struct str name, const char *ending); /* the name without the ending, if it has it */

/* What the folder is called that a descriptor stands for, in the arena; STR_NONE when nobody can say. */
struct str path_of_folder(struct arena *a, int dir);
/* Opens a name in a folder for reading, without following a link, and without a trace in its time of access where that
 * is allowed. -1 with errno. */
int path_open(int dir, const char *name, bool folder);
/* Of credentials and settings, by the names that tools give them: never to be opened, whatever the format. */
bool path_is_private(struct str path);
/* Key of a file that is one turn: what it is, where it belongs, and its words; so it is the same when only the file's
 * time has changed. */
struct str path_key(struct arena *a, const char *kind, struct str session, struct str thread, struct str text);

#endif
