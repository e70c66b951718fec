/* Any bytes as generic JSONL. */
#include "history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_history(&history_generic, "chat.jsonl", data, size);
}
