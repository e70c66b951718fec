/* Lines of an exported audit log. Whatever the bytes: no crash; a row that is taken is the same once it is written out
 * and read again, and its hash with it. */
#include "base/buf.h"
#include "service/audit_json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void again(struct arena *a, const struct audit_line *l)
{
    struct buf b;
    struct json_out w;
    struct audit_line back;
    unsigned char prev[AUDIT_HASH] = {0}, one[AUDIT_HASH], two[AUDIT_HASH];
    char before[AUDIT_HEX] = "";
    buf_init(&b, 0);
    jw_init(&w, &b);
    audit_json_line(&w, &l->row, before);
    must(!b.failed && audit_json_read(a, buf_view(&b), &back) && !back.end && !back.row.odd);
    audit_hash(prev, &l->row, one);
    audit_hash(prev, &back.row, two);
    must(memcmp(one, two, sizeof one) == 0);
    buf_release(&b);
}

/* The time as words has years 1 to 9999; a row with another is written with none, and is odd. */
static bool usual_time(int64_t ms)
{
    return ms > -62135596800000 && ms < 253402300800000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct audit_checker k;
    struct audit_line l;
    audit_check_begin(&k, (const unsigned char[AUDIT_HASH]){0}, "x");
    for (struct str rest = {(const char *)data, size}; rest.n;) {
        struct str line = str_cut(&rest, '\n');
        if (!audit_json_read(a, line, &l))
            continue;
        if (l.end) {
            (void)audit_check_end(&k, &(struct audit_head){.seq = l.rows});
            continue;
        }
        if (usual_time(l.row.at) && l.row.at)
            again(a, &l);
        (void)audit_check_row(&k, &l.row);
    }
    must(!k.broken || k.problem[0]);
    arena_free(a);
    return 0;
}
