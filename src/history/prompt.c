/* Keys of prompts by their words and the minute: see prompt.h. */
#include "history/prompt.h"

enum { MINUTE_MS = 60000, KEY_BYTES = 16 };

static struct str key_of(struct arena *a, struct str text, int64_t minute)
{
    unsigned char digest[SHA256_BYTES];
    struct sha256 h;
    char hex[KEY_BYTES * 2];
    text = str_trim(text);
    sha256_begin(&h);
    sha256_add(&h, text.p, text.n);
    sha256_end(&h, digest);
    for (size_t i = 0; i < sizeof hex; i++)
        hex[i] = "0123456789abcdef"[digest[i / 2] >> (i % 2 ? 0 : 4) & 15];
    return arena_fmt(a, "prompt:%lld:%.*s", (long long)minute, (int)sizeof hex, hex);
}

struct str history_prompt_key(struct arena *a, struct str text, int64_t timestamp)
{
    return key_of(a, text, timestamp / MINUTE_MS);
}

enum err_code history_prompt_told(struct history_in *in, struct str text, int64_t timestamp, struct err *e)
{
    if (timestamp <= 0)
        return ERR_OK;
    struct str now = key_of(in->arena, text, timestamp / MINUTE_MS);
    struct str before = key_of(in->arena, text, timestamp / MINUTE_MS - 1);
    if (!now.p || !before.p)
        return err_nomem(e);
    enum err_code code = history_merged(in, now, NULL, e);
    return code ? code : history_merged(in, before, NULL, e);
}
