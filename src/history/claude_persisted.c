/* Outputs of tools that are too long for a line: the tool keeps them in <session>/tool-results/ and writes a preview
 * and where they are into the transcript. Where the file is there its text counts, and the preview is left out of
 * recall; where it has gone the preview is all there is. Small outputs are kept there too, though the line has them
 * whole: those lines get the key that the file will have. */
#include "history/claude.h"
#include "history/path.h"

#include "base/file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { HEAD = 1024, NAME_MOST = 160, PATH_MOST = 512 };

/* A name of one file, as it may stand in a path. */
static bool is_name(struct str s)
{
    return s.n && s.n <= NAME_MOST && *s.p != '.' && !memchr(s.p, '/', s.n) && !memchr(s.p, '\\', s.n) &&
           !memchr(s.p, '\0', s.n);
}

/* The last part of a path, of whatever system. */
static struct str last_part(struct str path)
{
    size_t i = path.n;
    while (i && path.p[i - 1] != '/' && path.p[i - 1] != '\\')
        i--;
    return str_skip(path, i);
}

/* "… Full output saved to: /home/…/tool-results/toolu_x.txt", "Output has been saved to …": the file's name. */
static struct str name_in(struct str text)
{
    struct str head = str_take(text, HEAD);
    ptrdiff_t at = str_find(head, STR(" saved to"));
    if (at < 0)
        return STR_NONE;
    struct str rest = str_skip(head, (size_t)at), line = str_cut(&rest, '\n');
    at = str_find(line, STR("tool-results"));
    if (at < 0)
        return STR_NONE;
    struct str name = last_part(str_trim(line));
    while (name.n && strchr(".\"'`)>,;", name.p[name.n - 1]))
        name.n--;
    return is_name(name) ? name : STR_NONE;
}

/* The session's folder of outputs, seen from the transcript, and a file in it. */
static bool path_to(const struct claude_reader *r, struct str session, struct str name, char out[PATH_MOST])
{
    size_t n = 0;
    if (r->place.up && r->place.up < 8)
        for (int i = 0; i < r->place.up; i++)
            n += (size_t)snprintf(out + n, PATH_MOST - n, "../");
    else if (is_name(session))
        n = (size_t)snprintf(out, PATH_MOST, "%.*s/", STR_ARG(session));
    else
        return false;
    (void)snprintf(out + n, PATH_MOST - n, "tool-results%s%.*s", name.n ? "/" : "", STR_ARG(name));
    return true;
}

/* Its size; -1: it is not there. */
static int64_t size_of(const struct claude_reader *r, struct str session, struct str name)
{
    char path[PATH_MOST];
    struct err none = {0};
    int64_t size = -1;
    bool gone;
    int fd = path_to(r, session, name, path) ? history_sibling(r->in, path, &none) : -1;
    if (fd < 0)
        return -1;
    if (file_look(fd, &size, &gone, &none))
        size = -1;
    close(fd);
    return size;
}

struct str claude_persisted_key(struct arena *a, struct str session, struct str name)
{
    ptrdiff_t dot = str_find(name, STR("."));
    struct str stem = dot > 0 ? str_take(name, (size_t)dot) : name;
    return str_starts(stem, "toolu_") ? arena_fmt(a, "tool result %.*s", STR_ARG(stem))
                                      : arena_fmt(a, "tool result %.*s %.*s", STR_ARG(session), STR_ARG(stem));
}

static enum err_code add_key(struct claude_reader *r, struct str session, struct str name, struct err *e)
{
    struct str key = claude_persisted_key(r->in->arena, session, name);
    return key.p ? history_merged(r->in, key, NULL, e) : err_nomem(e);
}

/* The line has its answers whole: their files say nothing new. */
static enum err_code whole(struct claude_reader *r, const struct json *blocks, struct str session, struct err *e)
{
    enum err_code code = ERR_OK;
    if (!r->looked_for_results) {
        r->looked_for_results = true;
        r->has_results = size_of(r, session, STR_NONE) >= 0;
    }
    for (size_t i = 0; r->has_results && blocks && blocks->type == JSON_ARRAY && i < blocks->n && !code; i++) {
        struct str id = json_text(&blocks->items[i], "tool_use_id");
        if (is_name(id))
            code = add_key(r, session, id, e);
    }
    return code;
}

enum err_code claude_persisted(struct claude_reader *r, const struct json *line, const struct json *blocks,
                               struct str text, struct str *elsewhere, struct err *e)
{
    struct str session = r->place.session.n ? r->place.session : json_text(line, "sessionId"), name = name_in(text);
    struct str beside = last_part(json_text(json_get(line, "toolUseResult"), "persistedOutputPath"));
    *elsewhere = STR_NONE;
    if (!name.n && is_name(beside))
        name = beside;
    if (!name.n)
        return whole(r, blocks, session, e);
    int64_t size = size_of(r, session, name);
    if (size > (int64_t)text.n)
        *elsewhere = name;
    return size >= 0 && size <= (int64_t)text.n ? add_key(r, session, name, e) : ERR_OK;
}
