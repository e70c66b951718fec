/* backup and restore: the store copied while it is in use, and put back. Both work on the files themselves, so
 * the copy belongs to who asked for it; a running server does not mind. */
#include "doors/cli/command.h"

#include "base/file.h"
#include "base/json_write.h"
#include "doors/cli/progress.h"
#include "service/audit.h"
#include "service/encryption.h"

#include <stdio.h>
#include <unistd.h>

static const struct op_arg backup_args[] = {
    {"path", ARG_TEXT, ARG_IN_QUERY, ARG_REQUIRED | ARG_POSITIONAL, 1, 3500, NULL, NULL,
     "file to write; it must not exist yet"},
};
static const struct op_arg restore_args[] = {
    {"path", ARG_TEXT, ARG_IN_QUERY, ARG_REQUIRED | ARG_POSITIONAL, 1, 3500, NULL, NULL,
     "a backup made by cairn backup"},
};

static void backup_progress(void *arg, int done, int total)
{
    progress_show(arg, "copying", done, total);
}

static void index_progress(void *arg, int64_t done, int64_t total)
{
    progress_show(arg, "indexing", done, total);
}

/* In the chain of the data that is there now: what was put back tells that it was. */
static void note(struct service *svc, const char *action)
{
    char who[24];
    (void)snprintf(who, sizeof who, "uid %u", (unsigned)getuid());
    audit_deed_note(svc, &(struct audit_deed){.action = action, .actor = STR("local"), .from = {"cli", str_of(who)}});
}

static void report(struct cli *c, const char *what, const char *path)
{
    struct json_out w;
    if (!c->json) {
        struct str data = clean_line(c->arena, str_of(c->data)), file = clean_line(c->arena, str_of(path));
        buf_fmt(&c->out, "%.*s: %s %.*s (%lld bytes, verified)\n", STR_ARG(data), what, STR_ARG(file),
                (long long)file_size(path));
        return;
    }
    jw_init(&w, &c->out);
    jw_object(&w);
    jw_kcstr(&w, "path", path);
    jw_kint(&w, "bytes", file_size(path));
    jw_kbool(&w, "verified", true);
    jw_end_object(&w);
    buf_char(&c->out, '\n');
}

/* store_backup refuses an existing file too; here it is said before anything is opened. */
static enum err_code run_backup(struct cli *c, const struct given *g, struct op_call *call, struct err *e)
{
    (void)g;
    struct service *svc = NULL;
    struct progress p;
    char *path = arena_cstr(c->arena, op_text(call, "path"));
    enum err_code code = path ? settings_data(c, e) : err_nomem(e);
    if (!code && file_exists(path))
        code = err_set(e, ERR_CONFLICT, "path", "%.200s exists already", path);
    if (!code)
        code = ask_open(c, false, true, &svc, e);
    if (code)
        return code;
    progress_begin(&p);
    code = store_backup(svc->store, path, backup_progress, &p, e);
    progress_end(&p);
    if (!code)
        note(svc, "backup");
    service_close(svc);
    if (code)
        return code;
    report(c, "backed up to", path);
    return ERR_OK;
}

/* The index holds what was there before: it is made again from what is there now. */
static enum err_code index_again(struct cli *c, struct err *e)
{
    struct service *svc = NULL;
    struct progress p;
    enum err_code code = ask_open(c, true, false, &svc, e);
    if (code)
        return code;
    progress_begin(&p);
    code = index_rebuild(svc->index, index_progress, &p, e);
    progress_end(&p);
    note(svc, "restore");
    service_close(svc);
    return code;
}

/* store_restore notices any other process by its lock; asking the server first gives the better words. */
static enum err_code run_restore(struct cli *c, const struct given *g, struct op_call *call, struct err *e)
{
    (void)g;
    struct seal_secret secret;
    char *path = arena_cstr(c->arena, op_text(call, "path"));
    enum err_code code = path ? settings_data(c, e) : err_nomem(e);
    if (code)
        return code;
    if (client_server_runs(c)) {
        cli_hint(c, "stop it first; what it has in memory would be written over the restored data");
        return err_set(e, ERR_CONFLICT, NULL, "a server is running on %.200s", c->data);
    }
    code = file_mkdirs(c->data, e);
    if (!code)
        code = settings_config(c, NULL, e);
    if (!code)
        code = encryption_secret(c->config, &secret, e);
    if (!code)
        code = store_restore(c->data, &secret, path, e);
    if (!code)
        code = index_again(c, e);
    if (!code)
        report(c, "restored from", path);
    return code;
}

const struct command command_backup = {
    .name = "backup",
    .summary = "Copy the data to a file, while in use, and verify the copy",
    .args = backup_args,
    .n_args = 1,
    .run = run_backup,
};

const struct command command_restore = {
    .name = "restore",
    .summary = "Put a backup in place of the data",
    .args = restore_args,
    .n_args = 1,
    .run = run_restore,
    .details =
        "Refused while a server runs on the data folder. The database that was there is kept beside the restored\n"
        "one as store.db.before-restore.\n",
};
