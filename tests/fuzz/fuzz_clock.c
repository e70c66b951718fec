/* Time stamps: no crash, and what is accepted can be written and read again as the same moment. */
#include "base/clock.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t ms, again;
    char text[CLOCK_TEXT];
    if (!clock_parse((struct str){(const char *)data, size}, &ms))
        return 0;
    if (clock_format(ms, text) != 24 || !clock_parse(str_of(text), &again) || again != ms)
        abort();
    return 0;
}
