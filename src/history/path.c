/* Parts of paths: see path.h. */
#include "history/path.h"

#include "history/often.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static size_t last_slash(struct str path)
{
    while (path.n && path.p[path.n - 1] != '/')
        path.n--;
    return path.n;
}

struct str path_base(struct str path)
{
    return str_skip(path, last_slash(path));
}

struct str path_folder(struct str path)
{
    size_t slash = last_slash(path);
    return slash ? path_base(str_take(path, slash - 1)) : STR_NONE;
}

struct str path_before(struct str path, const char *part)
{
    struct str before = STR_NONE;
    while (path.n) {
        struct str one = str_cut(&path, '/');
        if (str_is(one, part))
            return before;
        before = one;
    }
    return STR_NONE;
}

bool path_has(struct str path, const char *part)
{
    while (path.n)
        if (str_is(str_cut(&path, '/'), part))
            return true;
    return false;
}

struct str path_without(struct str name, const char *ending)
{
    return str_ends(name, ending) ? str_take(name, name.n - strlen(ending)) : name;
}

struct str path_of_folder(struct arena *a, int dir)
{
    char link[64], path[PATH_MAX];
    if (dir < 0)
        return STR_NONE;
    snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
    ssize_t n = readlink(link, path, sizeof path);
    return n > 0 ? arena_str(a, path_base((struct str){path, (size_t)n})) : STR_NONE;
}

int path_open(int dir, const char *name, bool folder)
{
    const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (folder ? O_DIRECTORY : 0);
    int fd = openat(dir, name, flags | O_NOATIME);
    return fd < 0 && errno == EPERM ? openat(dir, name, flags) : fd; /* somebody else's */
}

bool path_is_private(struct str path)
{
    static const char *const begins[] = {".credentials", ".claude.json", ".env",      ".netrc",          "oauth_creds",
                                         "mcp-oauth",    "mcp-auth",     "mcp-needs", "google_accounts", "credentials"};
    static const char *const names[] = {"auth.json", "token.json", "tokens.json",    "secrets.json",
                                        "mcp.json",  "id_rsa",     "installation_id"};
    static const char *const ends[] = {".pem", ".key", ".p12"};
    struct str base = path_base(path);
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (str_starts(base, begins[i]))
            return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_is(base, names[i]))
            return true;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (str_ends(base, ends[i]))
            return true;
    return str_starts(base, "settings") && str_ends(base, ".json");
}

struct str path_key(struct arena *a, const char *kind, struct str session, struct str thread, struct str text)
{
    const struct str parts[] = {session, thread, str_trim(text)};
    return arena_fmt(a, "%s:%llx", kind, (unsigned long long)often_hash(parts, sizeof parts / sizeof *parts));
}
