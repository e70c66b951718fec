/* Any bytes as a rollout of Codex. */
#include "history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_history(&history_codex, "sessions/2026/03/01/rollout-2026-03-01T09-00-00-x.jsonl", data, size);
}
