/* Any bytes as the lines of an export: read in by the operation behind `cairn import`, into a real store. It must
 * not crash, and whatever it took in must leave the store in order: turn numbers without a gap, no orphans. */
#include "base/log.h"
#include "service/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct service *svc;
static char dir[] = "/tmp/cairn-fuzz-XXXXXX";

static void clean(void)
{
    char command[64];
    service_close(svc);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    if (system(command))
        abort();
}

static void open_once(void)
{
    struct err e = {0};
    log_setup(LOG_OFF, true, STDERR_FILENO);
    if (!mkdtemp(dir) || service_open(&(struct service_options){.dir = dir, .sync_normal = true}, &svc, &e))
        abort();
    atexit(clean);
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
    struct buf body, answer;
    struct json_out w;
    struct err e = {0};
    if (!svc)
        open_once();
    buf_init(&body, 0);
    buf_init(&answer, 0);
    jw_init(&w, &answer);
    buf_cstr(&body, "{\"records\":[");
    struct str rest = {(const char *)data, size};
    for (bool first = true; rest.p; first = false) {
        buf_cstr(&body, first ? "" : ",");
        buf_str(&body, str_cut(&rest, '\n'));
    }
    buf_cstr(&body, "]}");
    struct op_call call = {.svc = svc, .op = operation_find("records.import"), .arena = arena_new(), .out = &w};
    const struct op_input in = {.body = buf_view(&body)};
    if (op_bind(&call, &in, &e) == ERR_OK)
        (void)op_run(&call, &e);
    arena_free(call.arena);
    buf_release(&body);
    buf_release(&answer);
    if (++runs % 256 == 0 && store_check(svc->store, no_problem, NULL, &e))
        abort();
    return 0;
}
