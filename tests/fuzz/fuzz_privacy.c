/* Any bytes as a text: the prefilter finds what searching pattern by pattern finds; pieces cut anywhere are masked as
 * the whole is; masks are final and characters stay whole; JSON stays JSON. */
#include "base/json.h"
#include "base/text.h"
#include "privacy/privacy_int.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static struct privacy *opened(bool one_by_one, size_t segment)
{
    struct privacy *p;
    must(privacy_open(&(struct privacy_options){.one_by_one = one_by_one, .segment = segment}, &p, NULL) == ERR_OK);
    if (!one_by_one)
        must(later_wait(p->later) != NULL);
    return p;
}

static void same_finds(const struct privacy *slow, const struct privacy *fast, struct str text, struct arena *a)
{
    const struct privacy_span *x, *y;
    size_t n, m;
    must(privacy_scan(slow, PRIVACY_PUBLIC, text, a, &x, &n, NULL) == ERR_OK);
    must(privacy_scan(fast, PRIVACY_PUBLIC, text, a, &y, &m, NULL) == ERR_OK);
    must(n == m);
    for (size_t i = 0; i < n; i++)
        must(x[i].start == y[i].start && x[i].end == y[i].end && x[i].by == y[i].by);
}

static void same_pieces(const struct privacy *p, struct str text, size_t most)
{
    struct scratch *s;
    struct privacy_stream *stream;
    struct buf whole, pieces;
    struct str out;
    buf_init(&whole, 0);
    buf_init(&pieces, 0);
    must(scan_text(p, PRIVACY_PUBLIC, text, &s, NULL) == ERR_OK);
    masked_put(p, text, 0, text.n, &s->kept, &whole);
    must(privacy_stream_new(p, PRIVACY_PUBLIC, &stream, NULL) == ERR_OK);
    for (struct str rest = text; rest.n > 0; rest = str_skip(rest, most)) {
        must(privacy_stream_feed(stream, str_take(rest, most), &out, NULL) == ERR_OK);
        buf_str(&pieces, out);
    }
    must(privacy_stream_end(stream, &out, NULL) == ERR_OK);
    buf_str(&pieces, out);
    must(str_eq(buf_view(&whole), buf_view(&pieces)));
    privacy_stream_free(stream);
    buf_release(&whole);
    buf_release(&pieces);
}

static void final(const struct privacy *p, struct str text, struct arena *a)
{
    struct str once, twice;
    must(privacy_mask(p, PRIVACY_PUBLIC, text, a, &once, NULL) == ERR_OK);
    must(privacy_mask(p, PRIVACY_PUBLIC, once, a, &twice, NULL) == ERR_OK);
    must(str_eq(once, twice));
    must(!text_utf8_valid(text) || text_utf8_valid(once));
}

static void json(const struct privacy *p, struct str text, struct arena *a)
{
    const struct json *v;
    struct str once;
    if (privacy_mask_json(p, PRIVACY_PUBLIC, text, a, &once, NULL) == ERR_OK)
        must(json_parse(a, once, JSON_DUPLICATES_OK, &v, NULL) == ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct privacy *slow, *fast, *small;
    struct arena *a = arena_new();
    if (!slow) {
        slow = opened(true, 0);
        fast = opened(false, 0);
        small = opened(false, 24);
    }
    if (size > 1 && size < 20000) {
        struct str text = {(const char *)data + 1, size - 1};
        same_finds(slow, fast, text, a);
        same_finds(slow, small, text, a);
        same_pieces(fast, text, 1 + data[0] % 97);
        final(fast, text, a);
        json(fast, text, a);
    }
    arena_free(a);
    return 0;
}
