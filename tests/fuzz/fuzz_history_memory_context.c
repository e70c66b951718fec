/* Any bytes as a MEMORY-CONTEXT store's unique_messages.jsonl. */
#include "history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_history(&history_memory_context, "unique_messages.jsonl", data, size);
}
