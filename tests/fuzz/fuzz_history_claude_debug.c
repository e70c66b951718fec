/* Any bytes as a debug log of Claude Code. */
#include "history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_history(&history_claude, "debug/s.txt", data, size);
}
