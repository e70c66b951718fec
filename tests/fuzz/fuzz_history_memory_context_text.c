/* Any bytes as a MEMORY-CONTEXT store's exports/talk.txt. */
#include "history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_history(&history_memory_context, "exports/talk.txt", data, size);
}
