/* What helps when stored data does not check: a backup, but for the keys, which no backup holds. */
#include "service/advice.h"

#include <string.h>

const char *advice_of(const struct err *e)
{
    if (e->code != ERR_CORRUPT)
        return NULL;
    if (strcmp(e->field, "keys") == 0)
        return "put your own copy of the folder keys in its place: backups do not hold it, and encrypted ones need it "
               "too";
    return "cairn doctor looks closer; cairn restore puts a backup in place";
}
