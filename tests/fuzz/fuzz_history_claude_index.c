/* Any bytes as Claude Code's list of a project's sessions. */
#include "history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_history(&history_claude, "projects/-home-ada-mill/sessions-index.json", data, size);
}
