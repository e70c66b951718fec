/* Backup as an operation: an online copy, verified. Restoring needs the server stopped and is a command of its own. */
#include "service/features.h"

#include "base/clock.h"
#include "base/file.h"
#include "service/service.h"

enum err_code backup_make(struct op_call *c, struct err *e)
{
    int64_t start = clock_mono_us();
    char *path = arena_cstr(c->arena, op_text(c, "path"));
    if (!path)
        return err_nomem(e);
    if (path[0] != '/')
        return err_set(e, ERR_INVALID, "path", "path must be absolute: it is a file on the server's machine");
    enum err_code code = store_backup(c->svc->store, path, NULL, NULL, e);
    if (code)
        return code;
    jw_object(c->out);
    jw_kcstr(c->out, "path", path);
    jw_kint(c->out, "bytes", file_size(path));
    jw_kbool(c->out, "verified", true);
    jw_knum(c->out, "seconds", (double)(clock_mono_us() - start) / 1e6);
    jw_end_object(c->out);
    return ERR_OK;
}
