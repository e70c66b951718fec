/* Any bytes as a transcript of Claude Code. */
#include "history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_history(&history_claude, "projects/-home-ada-mill/5e551011-0000-4000-8000-000000000001.jsonl", data,
                        size);
}
