/* Any bytes as what lies beside sessions of Gemini CLI: prompts, and a saved conversation. */
#include "history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_history(&history_gemini, "tmp/p/logs.json", data, size);
    return fuzz_history(&history_gemini, "tmp/p/checkpoint-x.json", data, size);
}
