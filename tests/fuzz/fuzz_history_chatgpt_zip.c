/* Any bytes as an export of ChatGPT, in its zip. */
#include "history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_history(&history_chatgpt, "x.zip", data, size);
}
