/* Files with a JSON object a line, for formats that need nothing but the objects: what is blank, padding, damaged or
 * too large is told here, and the mark is set behind each line. */
#ifndef CAIRN_HISTORY_RECORDS_H
#define CAIRN_HISTORY_RECORDS_H

#include "history/lines.h"

struct records {
    /* Tells what the object is. in->arena is emptied after it. */
    enum err_code (*take)(void *arg, const struct json *o, const struct history_at *at, struct err *e);
    void *arg;
    /* Not NULL: the file is read from its beginning whatever in->from says, for what its first lines say of all; it is
     * true for the lines that were told in another reading, of which nothing may be told now. */
    bool *quiet;
    /* Not NULL: a line may hold several records. How many were told from the file's beginning on, those that were quiet
     * too: `take` counts its own, what is no object is counted here. Needs quiet. */
    int64_t *told;
    /* Not NULL: a line that is too long to be parsed as a whole is told by this, from its place. *took false: it cannot
     * be, and nothing was told; then what there is of it is taken. */
    enum err_code (*take_long)(void *arg, const struct history_at *at, bool *took, struct err *e);
};

enum err_code records_read(struct history_in *in, const struct records *how, struct err *e);

#endif
