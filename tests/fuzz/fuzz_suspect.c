/* Text that addresses the model, and its escaping in the recalled block. Whatever the bytes: no crash; a score from 0
 * to 1; what is escaped is not changed by escaping it again, is valid UTF-8 where the text was, and has no tag of the
 * block. */
#include "base/arena.h"
#include "base/text.h"
#include "privacy/injection.h"
#include "service/chat_escape.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static struct str escaped(struct arena *a, struct str text)
{
    struct buf b;
    buf_init(&b, 0);
    chat_escape(&b, text);
    return buf_take(&b, a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct injection found;
    struct err e = {0};
    must(injection_judge(text, &found, &e) == ERR_OK && found.score >= 0 && found.score <= 1);
    struct arena *a = arena_new();
    struct str once = escaped(a, text);
    must(str_eq(escaped(a, once), once) && once.n <= 2 * size);
    must(text_utf8_valid(once) || !text_utf8_valid(text));
    must(str_find(once, STR("<" CHAT_BLOCK_TAG)) < 0 && str_find(once, STR("</" CHAT_BLOCK_TAG)) < 0);
    arena_free(a);
    return 0;
}
