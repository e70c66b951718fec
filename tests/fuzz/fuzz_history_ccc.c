/* Any bytes as the database of CCC. */
#include "history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct told t = {0};
    told_read(&t, &history_ccc, ".cccmemory.db", (struct str){(const char *)data, size}, 0);
    told_free(&t);
    return 0;
}
