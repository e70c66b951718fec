/* Keys of prompts by session, words and time: see prompt.h. */
#include "history/prompt.h"

#include "history/often.h"

struct str prompt_key(struct arena *a, struct str session, struct str text, int64_t timestamp)
{
    const struct str parts[] = {session, str_trim(text)};
    uint64_t hash = often_hash(parts, sizeof parts / sizeof *parts);
    return arena_fmt(a, "typed:%lld:%llx", (long long)timestamp, (unsigned long long)hash);
}
