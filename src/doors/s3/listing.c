/* The few elements that matter, found by their tags. Texts cannot hold a '<' (it is written "&lt;"), so no text is
 * taken for a tag; comments and CDATA, which no such server writes, would only lead to names that are not ours. */
#include "doors/s3/listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum err_code bad(struct err *e, const char *what)
{
    return err_set(e, ERR_UNAVAILABLE, NULL, "the answer of cold storage's server %s", what);
}

/* The text between <name> and </name>, the first such; *rest goes on behind it. */
static bool element(struct str *rest, const char *name, struct str *inner)
{
    char tag[40];
    int n = snprintf(tag, sizeof tag, "<%s>", name);
    ptrdiff_t at = str_find(*rest, (struct str){tag, (size_t)n});
    if (at < 0)
        return false;
    struct str behind = str_skip(*rest, (size_t)at + (size_t)n);
    n = snprintf(tag, sizeof tag, "</%s>", name);
    ptrdiff_t end = str_find(behind, (struct str){tag, (size_t)n});
    if (end < 0)
        return false;
    *inner = str_take(behind, (size_t)end);
    *rest = str_skip(behind, (size_t)end + (size_t)n);
    return true;
}

static struct str text_of(struct str within, const char *name)
{
    struct str inner = STR_NONE;
    return element(&within, name, &inner) ? inner : STR_NONE;
}

/* ---- texts ---- */

/* A character's name between '&' and ';' as a byte; -1: of what is beyond ASCII no name of ours is made. */
static int named(struct str name)
{
    static const struct {
        const char *name;
        char is;
    } names[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_is(name, names[i].name))
            return names[i].is;
    char digits[8] = "";
    if (!str_starts(name, "#") || name.n < 2 || name.n >= sizeof digits)
        return -1;
    bool hex = name.p[1] == 'x';
    struct str number = str_skip(name, hex ? 2 : 1);
    memcpy(digits, number.p, number.n);
    long c = strtol(digits, NULL, hex ? 16 : 10);
    return c > 0 && c < 0x80 ? (int)c : -1;
}

/* STR_NONE: out of memory. */
static struct str plain(struct arena *a, struct str text)
{
    struct buf b;
    if (!text.n)
        return STR("");
    if (!memchr(text.p, '&', text.n))
        return arena_str(a, text);
    buf_init(&b, 0);
    while (text.n) {
        if (text.p[0] != '&') {
            buf_char(&b, text.p[0]);
            text = str_skip(text, 1);
            continue;
        }
        struct str rest = str_skip(text, 1);
        int c = named(str_cut(&rest, ';'));
        buf_char(&b, c < 0 ? '?' : (char)c);
        text = rest;
    }
    return buf_take(&b, a);
}

/* ---- lists ---- */

static bool push(struct arena *a, struct s3_listing *l, size_t *room, const struct s3_object *o)
{
    if (l->n == *room) {
        size_t more = *room ? 2 * *room : 64;
        struct s3_object *to = arena_array(a, struct s3_object, more);
        if (!to)
            return false;
        if (l->n)
            memcpy(to, l->objects, l->n * sizeof *to);
        l->objects = to;
        *room = more;
    }
    l->objects[l->n++] = *o;
    return true;
}

static enum err_code take_all(struct arena *a, struct str xml, const char *name, struct s3_listing *l, size_t *room,
                              struct err *e)
{
    struct str inner;
    while (element(&xml, name, &inner)) {
        struct s3_object o = {.key = plain(a, text_of(inner, "Key")),
                              .version = plain(a, text_of(inner, "VersionId")),
                              .latest = str_is(text_of(inner, "IsLatest"), "true")};
        (void)str_int(text_of(inner, "Size"), &o.bytes);
        if (!o.key.p || !o.version.p)
            return err_nomem(e);
        if (!o.key.n || o.bytes < 0)
            return bad(e, "lists an object without a name or size");
        if (!push(a, l, room, &o))
            return err_nomem(e);
    }
    return ERR_OK;
}

static enum err_code take_place(struct arena *a, struct str xml, bool versions, struct s3_listing *l, struct err *e)
{
    l->more = str_is(text_of(xml, "IsTruncated"), "true");
    l->token = plain(a, text_of(xml, "NextContinuationToken"));
    l->key_marker = plain(a, text_of(xml, "NextKeyMarker"));
    l->at_version = plain(a, text_of(xml, "NextVersionIdMarker"));
    if (!l->token.p || !l->key_marker.p || !l->at_version.p)
        return err_nomem(e);
    if (l->more && (versions ? !l->key_marker.n : !l->token.n))
        return bad(e, "does not say where its list goes on");
    return l->more && l->n == 0 ? bad(e, "is a list without an end") : ERR_OK;
}

enum err_code s3_listing_read(struct arena *a, struct str xml, bool versions, struct s3_listing *out, struct err *e)
{
    const char *root = versions ? "</ListVersionsResult>" : "</ListBucketResult>";
    size_t room = 0;
    *out = (struct s3_listing){.n = 0};
    if (str_find(xml, str_of(root)) < 0)
        return bad(e, "is no list");
    enum err_code code = take_all(a, xml, versions ? "Version" : "Contents", out, &room, e);
    if (!code && versions)
        code = take_all(a, xml, "DeleteMarker", out, &room, e);
    return code ? code : take_place(a, xml, versions, out, e);
}

void s3_error_code(struct str xml, char out[static 60])
{
    struct str code = text_of(xml, "Code");
    out[0] = '\0';
    for (size_t i = 0; i < code.n; i++)
        if (code.n >= 60 || !((code.p[i] >= 'A' && code.p[i] <= 'Z') || (code.p[i] >= 'a' && code.p[i] <= 'z')))
            return;
    memcpy(out, code.n ? code.p : "", code.n);
    out[code.n] = '\0';
}
