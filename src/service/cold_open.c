/* Which driver cold storage has, by the settings: cold.folder, or cold.bucket with its keys. See cold.h. What cannot be
 * used does not count as none, since retention would let turns go that are nowhere else then: every call fails. */
#include "base/file.h"
#include "base/mem.h"
#include "config/config.h"
#include "service/cold.h"

#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_FILE_MOST = 8192 };

/* ---- one that only tells why ---- */

struct broken {
    struct cold_driver driver; /* first */
    struct err why;
};

static enum err_code tell(const struct cold_driver *d, struct err *e)
{
    const struct err *why = &((const struct broken *)d)->why;
    return err_set(e, why->code, why->field[0] ? why->field : NULL, "%s", why->message);
}

static enum err_code no_put(struct cold_driver *d, struct str name, struct str bytes, struct err *e)
{
    (void)name, (void)bytes;
    return tell(d, e);
}

static enum err_code no_get(struct cold_driver *d, struct str name, size_t most, struct buf *out, struct err *e)
{
    (void)name, (void)most, (void)out;
    return tell(d, e);
}

static enum err_code no_list(struct cold_driver *d, struct str prefix, cold_object_fn *fn, void *arg, struct err *e)
{
    (void)prefix, (void)fn, (void)arg;
    return tell(d, e);
}

static enum err_code no_remove(struct cold_driver *d, struct str name, struct err *e)
{
    (void)name;
    return tell(d, e);
}

static void close_broken(struct cold_driver *d)
{
    mem_free(d);
}

static enum err_code open_broken(const struct err *why, struct cold_driver **out, struct err *e)
{
    struct broken *b = mem_zalloc(sizeof *b);
    if (!b)
        return err_nomem(e);
    b->why = *why;
    b->driver =
        (struct cold_driver){.put = no_put, .get = no_get, .list = no_list, .remove = no_remove, .close = close_broken};
    *out = &b->driver;
    return ERR_OK;
}

/* ---- a bucket's keys ---- */

struct keys {
    char text[KEY_FILE_MOST + 1]; /* of the file, cut into lines */
    const char *id, *key, *token;
};

static enum err_code check_private(int fd, const char *path, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_errno(e, "look at the key file", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_INVALID, "cold.key_file", "the key file %.150s is not a file", path);
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        return err_set(e, ERR_DENIED, "cold.key_file",
                       "the key file %.120s can be used by others: make it yours alone with chmod 600", path);
    return ERR_OK;
}

static const char *next_line(char **rest)
{
    char *line = *rest;
    size_t n = strcspn(line, "\r\n");
    *rest = line + n + strspn(line + n, "\r\n");
    line[n] = '\0';
    return line;
}

/* A line each: the key's id, the key, and where there is one the session's token. */
static enum err_code key_file(const char *path, struct keys *k, struct err *e)
{
    int fd = mem_fail_now() ? -1 : open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a pipe is told, not waited for */
    if (fd < 0)
        return err_set(e, ERR_DENIED, "cold.key_file", "the key file %.150s cannot be opened", path);
    enum err_code code = check_private(fd, path, e);
    ssize_t n = code ? 0 : read(fd, k->text, sizeof k->text);
    close(fd);
    if (code)
        return code;
    if (n < 0)
        return err_errno(e, "read the key file", path);
    if (n == (ssize_t)sizeof k->text || memchr(k->text, 0, (size_t)n))
        return err_set(e, ERR_INVALID, "cold.key_file", "the key file %.150s holds no keys", path);
    k->text[n] = '\0';
    char *rest = k->text;
    k->id = next_line(&rest);
    k->key = next_line(&rest);
    k->token = next_line(&rest);
    return ERR_OK;
}

static enum err_code find_keys(const struct config *config, struct keys *k, struct err *e)
{
    const char *file = config_text(config, "cold.key_file");
    k->id = config_text(config, "cold.key_id");
    k->key = config_text(config, "cold.key");
    k->token = config_text(config, "cold.session_token");
    if (file && (k->id || k->key || k->token))
        return err_set(e, ERR_INVALID, "cold.key_file", "cold.key_file or cold.key_id and cold.key, not both");
    enum err_code code = file ? key_file(file, k, e) : ERR_OK;
    if (!code && (!k->id || !*k->id || !k->key || !*k->key))
        code = err_set(e, ERR_INVALID, "cold.key",
                       "cold.bucket needs its keys: $CAIRN_COLD_KEY_ID and $CAIRN_COLD_KEY, or cold.key_file");
    if (k->token && !*k->token)
        k->token = NULL;
    return code;
}

/* ---- which ---- */

static enum err_code open_bucket(const struct service *svc, struct cold_driver **out, struct err *e)
{
    const struct config *config = svc->options.config;
    struct keys k = {.id = NULL};
    const char *prefix = config_text(config, "cold.prefix");
    if (config_text(config, "cold.folder"))
        return err_set(e, ERR_INVALID, "cold.bucket", "cold.folder or cold.bucket, not both");
    if (!config_text(config, "cold.endpoint"))
        return err_set(e, ERR_INVALID, "cold.endpoint", "cold.bucket needs cold.endpoint, the address of its server");
    if (!svc->options.cold)
        return err_set(e, ERR_UNAVAILABLE, NULL, "a bucket as cold storage takes the program cairn, not the library");
    enum err_code code = find_keys(config, &k, e);
    const struct cold_bucket at = {.endpoint = config_text(config, "cold.endpoint"),
                                   .region = config_text(config, "cold.region"),
                                   .bucket = config_text(config, "cold.bucket"),
                                   .prefix = prefix ? prefix : "",
                                   .key_id = k.id,
                                   .key = k.key,
                                   .token = k.token,
                                   .path_style = config_bool(config, "cold.path_style"),
                                   .timeout_ms = (int)config_int(config, "cold.seconds") * 1000};
    if (!code)
        code = svc->options.cold(&at, out, e);
    sodium_memzero(&k, sizeof k);
    return code;
}

static enum err_code open_folder(const struct service *svc, const char *folder, struct cold_driver **out, struct err *e)
{
    char path[PATH_MAX];
    int n = folder[0] == '/' ? snprintf(path, sizeof path, "%s", folder)
                             : snprintf(path, sizeof path, "%s/%s", store_dir(svc->store), folder);
    if (n <= 0 || n >= (int)sizeof path)
        return err_set(e, ERR_INVALID, "cold.folder", "the path of cold.folder is too long");
    return cold_folder_open(path, out, e);
}

/* A server does not start with settings that cannot be right; a command that has nothing to do with them goes on. */
enum err_code cold_open(struct service *svc, struct err *e)
{
    const char *folder = config_text(svc->options.config, "cold.folder");
    struct err why = {0};
    if (config_text(svc->options.config, "cold.bucket")) {
        enum err_code code = open_bucket(svc, &svc->cold, &why);
        if (code && (svc->options.background || code == ERR_NOMEM) && code != ERR_UNAVAILABLE)
            return err_set(e, code, why.field[0] ? why.field : NULL, "%s", why.message);
        return code ? open_broken(&why, &svc->cold, e) : ERR_OK;
    }
    return folder && *folder ? open_folder(svc, folder, &svc->cold, e) : ERR_OK;
}

void cold_stop(struct service *svc)
{
    if (svc->cold && svc->cold->stop)
        svc->cold->stop(svc->cold);
}

void cold_close(struct service *svc)
{
    if (svc->cold)
        svc->cold->close(svc->cold);
    svc->cold = NULL;
}
