/* Any bytes as an archive in cold storage, under a name whose checksum fits: listed, verified, written out, and
 * restored into a real store. The first byte tells how they are taken: as the archive itself, or as its lines, which
 * are packed first. It must not crash, and whatever came back must leave the store in order. */
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "service/cold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SESSION "sess_00000000000000000000000000000001"
#define CONVERSATION "conv_00000000000000000000000000000001"

static struct service *svc;
static char dir[] = "/tmp/cairn-fuzz-XXXXXX", name[300];
static struct str archive; /* the one that there is */

static enum err_code put(struct cold_driver *d, struct str at, struct str bytes, struct err *e)
{
    (void)d, (void)at, (void)bytes;
    return err_set(e, ERR_READ_ONLY, NULL, "nothing is written here");
}

static enum err_code get(struct cold_driver *d, struct str at, size_t most, struct buf *out, struct err *e)
{
    (void)d, (void)at, (void)most;
    buf_str(out, archive);
    return out->failed ? err_nomem(e) : ERR_OK;
}

static enum err_code list(struct cold_driver *d, struct str prefix, cold_object_fn *fn, void *arg, struct err *e)
{
    (void)d, (void)prefix;
    return fn(arg, str_of(name), (int64_t)archive.n, e);
}

static enum err_code take_out(struct cold_driver *d, struct str at, struct err *e)
{
    (void)d, (void)at, (void)e;
    return ERR_OK;
}

static void close_none(struct cold_driver *d)
{
    (void)d;
}

static struct cold_driver driver = {.put = put, .get = get, .list = list, .remove = take_out, .close = close_none};

static void run(const char *operation, const char *args)
{
    struct buf answer;
    struct json_out w;
    struct err e = {0};
    struct op_call call = {.svc = svc, .op = operation_find(operation), .arena = arena_new(), .out = &w};
    const struct op_input in = {.body = str_of(args)};
    buf_init(&answer, 0);
    jw_init(&w, &answer);
    if (op_bind(&call, &in, &e) == ERR_OK)
        (void)op_run(&call, &e);
    arena_free(call.arena);
    buf_release(&answer);
}

static void clean(void)
{
    char command[64];
    service_close(svc);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", dir);
    if (system(command))
        abort();
}

/* A session whose conversation has given three numbers. */
static void open_once(void)
{
    struct err e = {0};
    log_setup(LOG_OFF, true, STDERR_FILENO);
    if (!mkdtemp(dir) || service_open(&(struct service_options){.dir = dir, .sync_normal = true}, &svc, &e))
        abort();
    svc->cold = &driver;
    atexit(clean);
    run("records.import",
        "{\"records\":[{\"kind\":\"session\",\"id\":\"" SESSION "\"},"
        "{\"kind\":\"conversation\",\"id\":\"" CONVERSATION "\",\"session_id\":\"" SESSION "\",\"directive\":\"d\"}]}");
    for (int i = 0; i < 3; i++)
        run("turn.add", "{\"conversation_id\":\"" CONVERSATION "\",\"agent\":\"a\",\"content\":\"c\"}");
}

static void no_problem(void *arg, const char *problem)
{
    (void)arg;
    fprintf(stderr, "%s\n", problem);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned runs;
    char sha[65];
    struct err e = {0};
    if (!svc)
        open_once();
    if (size < 1)
        return 0;
    size_t room = ZSTD_compressBound(size);
    char *packed = malloc(room);
    archive = (struct str){(const char *)data + 1, size - 1};
    if (data[0] & 1) {
        archive.n = ZSTD_compress(packed, room, archive.p, archive.n, 1);
        archive.p = packed;
    }
    id_sha256(archive, sha);
    (void)snprintf(name, sizeof name, SESSION "/" CONVERSATION "/000000001-000000003.%s.zst", sha);
    run("cold.verify", "{}");
    run("cold.read", "{\"session_id\":\"" SESSION "\"}");
    run("cold.restore", "{\"session_id\":\"" SESSION "\"}");
    run("forget", "{\"turn\":\"turn_00000000000000000000000000000009\",\"dry_run\":true}");
    free(packed);
    archive = STR_NONE;
    if (++runs % 256 == 0 && store_check(svc->store, no_problem, NULL, &e))
        abort();
    return 0;
}
