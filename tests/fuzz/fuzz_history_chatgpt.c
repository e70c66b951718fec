/* Any bytes as an export of ChatGPT. */
#include "history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_history(&history_chatgpt, "conversations.json", data, size);
}
