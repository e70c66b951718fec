/* Any bytes as the database of Chronicle Weaver. */
#include "history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct told t = {0};
    told_read(&t, &history_weaver, "chronicle_weaver.db", (struct str){(const char *)data, size}, 0);
    told_free(&t);
    return 0;
}
