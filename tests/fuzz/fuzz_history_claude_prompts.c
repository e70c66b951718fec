/* Any bytes as the list of prompts of Claude Code. */
#include "history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_history(&history_claude, "history.jsonl", data, size);
}
