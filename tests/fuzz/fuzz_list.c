/* Lists on a real store: any filters and any cursor must give an error or a page, never a crash, SQL that does not
 * parse, or a row that the filters exclude; and pages that follow one another must hold each row once.
 *
 * Input: kind, limit, which fields are filtered and with what; the rest is the cursor. */
#include "record/kind.h"
#include "store/records.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS = 12, FILTERS = 4 };

static enum err_code fill(struct store_tx *tx, void *arg, struct err *e)
{
    struct arena *a = arg;
    for (int i = 0; i < ROWS; i++) {
        struct record *r = record_new(a, KIND_SESSION);
        if (!r)
            return err_nomem(e);
        r->project = i % 3 ? STR("one") : STR("two");
        record_set(r, "status", V_TEXT(i % 2 ? STR("active") : STR("archived")));
        record_set(r, "user_id", i % 4 ? V_TEXT(STR("ana")) : V_NULL);
        enum err_code code = record_insert(tx, a, r, e);
        if (code)
            return code;
    }
    return ERR_OK;
}

static char dir[] = "/tmp/cairn-fuzz-list-XXXXXX";

static void remove_store(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    if (system(command))
        abort();
}

static struct store *open_store(void)
{
    struct store *s;
    struct err e = {0};
    struct arena *a = arena_new();
    const struct store_options o = {.dir = mkdtemp(dir), .sync_normal = true};
    if (!a || !o.dir || store_open(&o, &s, &e) || store_write(s, fill, a, &e)) {
        fprintf(stderr, "no store: %s\n", e.message);
        abort();
    }
    arena_free(a);
    atexit(remove_store);
    return s;
}

struct input {
    const uint8_t *p;
    size_t n;
};

static unsigned byte(struct input *in)
{
    if (in->n == 0)
        return 0;
    in->n--;
    return *in->p++;
}

static struct str text(struct input *in)
{
    size_t n = byte(in) % 32;
    n = n < in->n ? n : in->n;
    struct str s = {(const char *)in->p, n};
    in->p += n;
    in->n -= n;
    return s;
}

static struct value some_value(struct input *in)
{
    static const char *const KNOWN[] = {"ana", "active", "archived", "one"};
    switch (byte(in) % 5) {
    case 0:
        return V_NULL;
    case 1:
        return V_INT((int64_t)((uint64_t)byte(in) << 56 | byte(in)));
    case 2:
        return V_REAL((double)byte(in) / (double)byte(in));
    case 3:
        return V_TEXT(str_of(KNOWN[byte(in) % 4]));
    default:
        return V_TEXT(text(in));
    }
}

/* A field of the kind, or a name that is none of any kind. */
static const char *some_field(const struct kind *k, struct input *in)
{
    static const char *const ODD[] = {"id", "project", "seq", "\" OR 1=1 --", "deleted_at", "version"};
    unsigned i = byte(in);
    return i % 3 ? k->fields[i % k->n_fields].name : ODD[i % 6];
}

/* What fails must have a reason that a caller can see: a mistake in the SQL would be none. */
static void expect_reason(enum err_code code, const struct err *e)
{
    if (code != ERR_INVALID || !e->message[0]) {
        fprintf(stderr, "code %d: %s\n", (int)code, e->message);
        abort();
    }
}

/* Page after page: no more rows than there are. */
static void walk(struct store_tx *tx, struct arena *a, struct list_query *q)
{
    size_t rows = 0;
    struct list_page page;
    struct err e = {0};
    q->cursor = STR_NONE;
    do {
        if (record_list(tx, a, q, &page, &e))
            return; /* the first call has looked at the error */
        rows += page.n;
        q->cursor = page.next_cursor;
    } while (page.next_cursor.p && rows <= ROWS);
    if (rows > ROWS || (int64_t)rows != page.total)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct store *store;
    struct input in = {data, size};
    struct list_filter filters[FILTERS];
    struct store_tx *tx;
    struct err e = {0};
    struct arena *a = arena_new();
    if (!store)
        store = open_store();
    if (!a || store_read_begin(store, &tx, &e))
        abort();
    struct list_query q = {.kind = byte(&in) % 2 ? KIND_SESSION : KIND_CONVERSATION,
                           .filters = filters,
                           .limit = (int)byte(&in) - 2,
                           .count = true};
    size_t n = byte(&in) % (FILTERS + 1);
    for (; q.n_filters < n; q.n_filters++) {
        filters[q.n_filters].field = some_field(q.kind, &in);
        filters[q.n_filters].equals = some_value(&in);
    }
    if (in.n)
        q.cursor = (struct str){(const char *)in.p, in.n};
    struct list_page page;
    enum err_code code = record_list(tx, a, &q, &page, &e);
    if (code)
        expect_reason(code, &e);
    else
        walk(tx, a, &q);
    store_read_end(tx);
    arena_free(a);
    return 0;
}
