/* Keys of prompts by session, words and minute: see prompt.h. */
#include "history/prompt.h"

#include "history/often.h"

enum { MINUTE_MS = 60000 };

/* How often it was met before. */
static uint32_t count(struct prompts *p, uint64_t hash)
{
    for (size_t i = 0; i < PROMPTS_RECENT; i++)
        if (p->recent[i].hash == hash)
            return p->recent[i].times++;
    p->recent[p->next].hash = hash;
    p->recent[p->next].times = 1;
    p->next = (p->next + 1) % PROMPTS_RECENT;
    return 0;
}

static struct str key_of(struct prompts *p, struct arena *a, struct str session, struct str text, int64_t minute)
{
    const struct str parts[] = {session, str_trim(text), {(const char *)&minute, sizeof minute}};
    uint64_t hash = often_hash(parts, sizeof parts / sizeof *parts);
    return arena_fmt(a, "prompt:%llx:%u", (unsigned long long)hash, count(p, hash));
}

struct str prompt_key(struct prompts *p, struct arena *a, struct str session, struct str text, int64_t timestamp)
{
    return key_of(p, a, session, text, timestamp / MINUTE_MS);
}

enum err_code prompt_told(struct prompts *p, struct history_in *in, struct str session, struct str text,
                          int64_t timestamp, struct err *e)
{
    enum err_code code = ERR_OK;
    for (int i = 0; i < 4 && timestamp > 0 && !code; i++) {
        struct str key = key_of(p, in->arena, i / 2 ? STR_NONE : session, text, timestamp / MINUTE_MS - i % 2);
        code = key.p ? history_merged(in, key, NULL, e) : err_nomem(e);
    }
    return code;
}
