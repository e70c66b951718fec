/* Lines of a file of any length, one after another, in bounded memory. A line ends with '\n' and with nothing else.
 *
 * Most lines are given as they are. One beyond LINES_WHOLE is slimmed while it is read: JSON strings in it are cut
 * after LINES_STRING bytes (at a border of characters and of escapes), blobs ("data" of base64 sources, signatures)
 * are left out, and of lists and objects within others, when there is much already, the rest; so that what is given is
 * JSON still and fits. One that does not fit even so is given as too large. NULs at the ends of a line are no part of
 * it, nor a byte order mark before the first.
 *
 * A last line without its '\n' is still being written, perhaps: it is given as torn. Whoever takes it must not mark
 * what is behind it: the next reading begins with it again. */
#ifndef CAIRN_HISTORY_LINES_H
#define CAIRN_HISTORY_LINES_H

#include "history/format.h"

enum { LINES_BUFFER = 1 << 20, LINES_WHOLE = LINES_BUFFER, LINES_STRING = 1 << 20, LINES_SLIM = 4 << 20 };

struct lines;
struct line {
    struct str text; /* until the next call */
    struct history_at at;
    bool too_large; /* no text */
    bool cut;       /* slimmed: it is not the whole */
    bool torn;      /* the file's last, without its end */
};

/* From in->from to in->size. NULL: out of memory. */
struct lines *lines_new(const struct history_in *in);
void lines_free(struct lines *l);
/* *found false: there is no more. ERR_IO: the file cannot be read. */
enum err_code lines_next(struct lines *l, struct line *out, bool *found, struct err *e);
/* Where the next line begins (a torn one: where it began), and how many lines came before it: for history_mark. */
int64_t lines_offset(const struct lines *l);
int64_t lines_count(const struct lines *l);

/* Members of a line's outermost object, without parsing it: what stands for `keys[i]` goes to out[i] (the string's
 * inside, still escaped, or the raw text of anything else), STR_NONE where there is none. False: it is no whole object,
 * as far as that can be seen so cheaply. At most 8 keys. */
bool lines_members(struct str text, const char *const *keys, size_t n, struct str *out);

#endif
