/* libcairn: include/cairn.h over the service, for programs that want Cairn inside their own process. A door like the
 * others: it gives operations their arguments and hands back what they answer. This file opens and closes, and keeps
 * each thread's last error; library_call.c calls. No HTTP, no terminal. Only what cairn.h names is visible outside
 * (library.map). */
#include "doors/library.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/config.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum { SETTINGS_MAX = 1000, OPTIONS_MAX = 4096 /* a size beyond it is no size */ };

/* The public numbers are ours, member by member: cairn.h cannot include err.h. */
#define SAME(theirs, ours) _Static_assert((int)(theirs) == (int)(ours), "cairn.h and err.h number errors alike")
SAME(CAIRN_OK, ERR_OK);
SAME(CAIRN_INVALID, ERR_INVALID);
SAME(CAIRN_NOT_FOUND, ERR_NOT_FOUND);
SAME(CAIRN_CONFLICT, ERR_CONFLICT);
SAME(CAIRN_GONE, ERR_GONE);
SAME(CAIRN_DENIED, ERR_DENIED);
SAME(CAIRN_FORBIDDEN, ERR_FORBIDDEN);
SAME(CAIRN_LIMIT, ERR_LIMIT);
SAME(CAIRN_TOO_LARGE, ERR_TOO_LARGE);
SAME(CAIRN_TIMEOUT, ERR_TIMEOUT);
SAME(CAIRN_BUSY, ERR_BUSY);
SAME(CAIRN_NO_MEMORY, ERR_NOMEM);
SAME(CAIRN_IO, ERR_IO);
SAME(CAIRN_DISK_FULL, ERR_DISK_FULL);
SAME(CAIRN_READ_ONLY, ERR_READ_ONLY);
SAME(CAIRN_CORRUPT, ERR_CORRUPT);
SAME(CAIRN_UNAVAILABLE, ERR_UNAVAILABLE);
SAME(CAIRN_INTERNAL, ERR_INTERNAL);
SAME(CAIRN_INTERNAL + 1, ERR_CODE_COUNT); /* a new number of ours needs a public one */

/* ---- errors ---- */

/* Words of the last error of each thread. */
static _Thread_local char last_error[sizeof((struct err *)0)->message];

void library_begin(void)
{
    last_error[0] = 0;
}

int library_failed(enum err_code code, const struct err *e)
{
    const char *words = e->message[0] ? e->message : err_code_name(code);
    size_t n = strlen(words);
    n = n < sizeof last_error ? n : sizeof last_error - 1;
    memcpy(last_error, words, n);
    last_error[n] = 0;
    return (int)code;
}

const char *cairn_last_error(void)
{
    return last_error;
}

/* ---- open ---- */

/* The table of operations is the process's: made with the first handle, kept until the process ends, because another
 * thread may be about to open the next one. The log is its own too: a library does not write to its host's stderr,
 * unless the host asks for it. */
static enum err_code process_once(const struct config *config, struct err *e)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool quiet;
    enum log_level level = LOG_OFF;
    const struct setting *s = setting_find(STR("server.log_level"));
    bool asked = s && config_source(config, s) == FROM_FLAG && /* not what the folder's cairn.toml says for a server */
                 log_level_parse(str_of(config_text(config, "server.log_level")), &level);
    pthread_mutex_lock(&lock);
    if (!quiet || asked)
        log_setup(level, true, STDERR_FILENO);
    quiet = true;
    enum err_code code = operations_init(e);
    pthread_mutex_unlock(&lock);
    return code;
}

/* What the caller's header knows of the options; members that it does not know stay 0. One that is newer than this
 * library may only leave what we do not know at 0; so new members must leave no padding at the end. */
static enum err_code take_options(const struct cairn_options *given, struct cairn_options *o, struct err *e)
{
    *o = (struct cairn_options)CAIRN_OPTIONS;
    if (!given)
        return ERR_OK;
    if (given->size < sizeof given->size || given->size > OPTIONS_MAX)
        return err_set(e, ERR_INVALID, "size", "begin the options with CAIRN_OPTIONS, which sets their size");
    for (size_t i = sizeof *o; i < given->size; i++) {
        if (((const unsigned char *)given)[i])
            return err_set(e, ERR_INVALID, "size", "the options ask for something newer than libcairn %s",
                           cairn_version());
    }
    memcpy(o, given, given->size < sizeof *o ? given->size : sizeof *o);
    if (o->n_settings > SETTINGS_MAX || (o->n_settings && !o->settings))
        return err_set(e, ERR_INVALID, "settings", "settings must be %d entries at most, and n_settings their count",
                       SETTINGS_MAX);
    if (o->read_only && o->background)
        return err_set(e, ERR_INVALID, "background", "work in the background writes: it cannot go with read_only");
    return ERR_OK;
}

/* The settings given, over <dir>/cairn.toml, over the defaults. The environment is the host program's: a variable meant
 * for a server must not change what a program inside finds. */
static enum err_code read_settings(struct cairn *c, const struct cairn_options *o, const struct config **out,
                                   struct err *e)
{
    const char *file = arena_fmt(c->arena, "%s/cairn.toml", c->dir).p;
    struct config_flag *given = arena_array(c->arena, struct config_flag, o->n_settings + 1);
    if (!file || !given)
        return err_nomem(e);
    for (size_t i = 0; i < o->n_settings; i++) {
        if (!o->settings[i].name || !o->settings[i].value)
            return err_set(e, ERR_INVALID, "settings", "setting %zu has no %s", i + 1,
                           o->settings[i].name ? "value" : "name");
        given[i] = (struct config_flag){str_of(o->settings[i].name), str_of(o->settings[i].value)};
    }
    return config_load_inside(c->arena, file_exists(file) ? file : NULL, given, o->n_settings, out, e);
}

static enum err_code open_service(struct cairn *c, const struct cairn_options *o, struct err *e)
{
    struct service_options so = {
        .dir = c->dir, .read_only = o->read_only, .background = o->background, .keeps_ephemeral = !o->read_only};
    enum err_code code = read_settings(c, o, &so.config, e);
    if (!code)
        code = process_once(so.config, e);
    return code ? code : service_open(&so, &c->svc, e);
}

static void release(struct cairn *c)
{
    if (c->arena)
        arena_free(c->arena);
    mem_free(c->dir);
    mem_free(c);
}

int cairn_open_with(const char *dir, const struct cairn_options *options, cairn **out)
{
    struct err e = {0};
    struct cairn_options o;
    library_begin();
    if (!out)
        return library_failed(err_set(&e, ERR_INVALID, "out", "cairn_open needs a place for the handle"), &e);
    *out = NULL;
    if (!dir || !*dir)
        return library_failed(err_set(&e, ERR_INVALID, "dir", "cairn_open needs the path of a data folder"), &e);
    enum err_code code = take_options(options, &o, &e);
    if (code)
        return library_failed(code, &e);
    struct cairn *c = mem_zalloc(sizeof *c);
    if (!c)
        return library_failed(err_nomem(&e), &e);
    c->dir = mem_strdup(dir);
    c->arena = arena_new();
    code = c->dir && c->arena ? open_service(c, &o, &e) : err_nomem(&e);
    if (!code) {
        *out = c;
        return CAIRN_OK;
    }
    release(c);
    return library_failed(code, &e);
}

int cairn_open(const char *dir, cairn **out)
{
    return cairn_open_with(dir, NULL, out);
}

void cairn_close(cairn *c)
{
    if (!c)
        return;
    service_close(c->svc);
    release(c);
}
