/* Any bytes as a journal: read back without a crash, whatever a dying process or disk left. */
#include "service/journal_replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int failed;
    journal_replay_text(NULL, (struct str){(const char *)data, size}, false, &failed);
    return 0;
}
