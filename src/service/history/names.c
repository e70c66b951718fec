/* Ids and keys of what is imported, made of what it is, so that it is the same whenever it is met. Ids are made of the
 * tool's own ids and of paths, and are the same in every store; keys, which may be made of words, with a secret of the
 * store: nobody who sees one can tell, or try out, what it was made of. */
#include "service/history/int.h"

#include <stdio.h>

void names_key(const struct history_names *n, const char *what, const struct str *parts, size_t n_parts,
               unsigned char out[SHA256_BYTES])
{
    struct sha256 h;
    struct str heads[] = {{(const char *)n->secret, sizeof n->secret}, str_of(n->source), str_of(what)};
    sha256_begin(&h);
    for (size_t i = 0; i < sizeof heads / sizeof *heads + n_parts; i++) {
        struct str s = i < 3 ? heads[i] : parts[i - 3];
        uint64_t size = s.n;
        sha256_add(&h, &size, sizeof size);
        if (s.n)
            sha256_add(&h, s.p, s.n);
    }
    sha256_end(&h, out);
}

void names_id(const struct history_names *n, const char *prefix, const struct str *parts, size_t n_parts, char *out)
{
    unsigned char key[SHA256_BYTES];
    const struct history_names open = {.source = n->source};
    names_key(&open, prefix, parts, n_parts, key);
    int at = snprintf(out, ID_MAX, "%s_", prefix);
    for (int i = 0; i < 16; i++)
        at += snprintf(out + at, (size_t)(ID_MAX - at), "%02x", key[i]);
}

void names_file(const struct history_names *n, struct str root, struct str path, char *out)
{
    const struct str parts[] = {root, path};
    names_id(n, "impf", parts, 2, out);
}

void history_session_id(const char *source, struct str session, char out[ID_MAX])
{
    const struct history_names n = {.source = source};
    names_id(&n, "sess", &session, 1, out);
}
