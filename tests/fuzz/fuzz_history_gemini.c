/* Any bytes as a session of Gemini CLI, as one document. */
#include "history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_history(&history_gemini, "tmp/p/chats/session-1.json", data, size);
}
