/* Any bytes as an export of Claude.ai. */
#include "history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_history(&history_claude_ai, "conversations.json", data, size);
}
