/* The audit log's chain: whatever is done to its rows behind Cairn's back is found, by the row where it begins. */
#include "place.h"

#include "base/buf.h"
#include "base/mem.h"
#include "store/audit.h"

#include <sodium.h>
#include <sqlite3.h>

enum { ROWS = 12, FEW = 5 };

static struct audit_row sample(int i)
{
    static char id[ROWS + 40][64], details[ROWS + 40][160];
    (void)snprintf(id[i], sizeof id[i], "turn_%032x", i);
    (void)snprintf(details[i], sizeof details[i], "{\"records\":{\"turn\":[\"turn_%032x\"]}}", i + 1000);
    return (struct audit_row){.at = 1000 + i,
                              .actor = STR("local"),
                              .action = i % 2 ? STR("turn.add") : STR("recall"),
                              .record_kind = STR("turn"),
                              .record_id = str_of(id[i]),
                              .project = i % 3 ? STR("web") : STR("acme/web"),
                              .session = STR("sess_1"),
                              .reason = STR("because"),
                              .outcome = STR("ok"),
                              .request_id = STR("req-1"),
                              .door = STR("http"),
                              .peer = STR("127.0.0.1"),
                              .details = str_of(details[i])};
}

struct adding {
    int from, n;
    enum err_code end;
};

static enum err_code add_on(struct store_tx *tx, void *arg, struct err *e)
{
    const struct adding *w = arg;
    for (int i = w->from; i < w->from + w->n; i++) {
        struct audit_row r = sample(i);
        enum err_code code = audit_append(tx, &r, e);
        if (code)
            return code;
    }
    return w->end ? err_set(e, w->end, NULL, "on purpose") : ERR_OK;
}

static void add(struct place *p, int from, int n)
{
    struct adding w = {from, n, ERR_OK};
    OK(store_write(p->store, add_on, &w, &e));
}

static enum err_code see(void *arg, const struct audit_row *r, struct err *e)
{
    (void)e;
    (void)audit_check_row(arg, r);
    return ERR_OK;
}

static struct audit_checker check(struct place *p, const char *expect)
{
    struct store_tx *tx;
    struct audit_checker c;
    struct audit_head head;
    unsigned char anchor[AUDIT_HASH];
    int64_t last;
    OK(store_read_begin(p->store, &tx, &e));
    OK(audit_anchor(tx, anchor, &e));
    audit_check_begin(&c, anchor, expect);
    OK(audit_walk(tx, 0, 1000000, see, &c, &last, &e));
    OK(audit_head(tx, &head, &e));
    (void)audit_check_end(&c, &head);
    store_read_end(tx);
    return c;
}

/* How many rows it changed. */
static int sql(struct place *p, const char *text)
{
    char path[100], *message = NULL;
    sqlite3 *db;
    (void)snprintf(path, sizeof path, "%s/store.db", p->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    (void)sqlite3_busy_timeout(db, 5000);
    if (sqlite3_exec(db, text, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", text, message);
    int n = sqlite3_changes(db);
    sqlite3_close(db);
    return n;
}

static void assert_whole(struct place *p, int64_t rows)
{
    struct audit_checker c = check(p, NULL);
    if (c.broken)
        print_message("%s\n", c.problem);
    assert_int_equal(c.broken, 0);
    assert_int_equal(c.rows, rows);
}

static void a_chain_begins_and_goes_on(void **state)
{
    struct place *p = *state;
    assert_whole(p, 0);
    add(p, 0, ROWS);
    assert_whole(p, ROWS + 1);
    place_reopen(p);
    add(p, ROWS, 2);
    assert_whole(p, ROWS + 3);
}

static void what_is_undone_leaves_no_row_and_no_gap(void **state)
{
    struct place *p = *state;
    struct adding w = {2, 3, ERR_INVALID};
    add(p, 0, 2);
    WANT(ERR_INVALID, store_write(p->store, add_on, &w, &e));
    add(p, 2, 2);
    assert_whole(p, 5);
}

/* Each process goes on where the other ended. */
static void two_stores_write_one_chain(void **state)
{
    struct place *p = *state;
    struct store *other = NULL;
    OK(store_open(&(struct store_options){.dir = p->dir, .busy_ms = 5000}, &other, &e));
    for (int i = 0; i < 10; i++) {
        struct adding w = {i, 1, ERR_OK};
        OK(store_write(i % 2 ? other : p->store, add_on, &w, &e));
    }
    store_close(other);
    assert_whole(p, 11);
}

/* ---- tampering ---- */

static const char *const columns[] = {"seq",       "id",         "project", "created_at", "updated_at",
                                      "version",   "deleted_at", "actor",   "action",     "record_kind",
                                      "record_id", "session",    "reason",  "outcome",    "request_id",
                                      "door",      "peer",       "details", "hash"};

/* What a column is set to: something longer or larger, something shorter or smaller, nothing. */
static const char *const values[] = {
    "CASE WHEN typeof(\"%s\") = 'integer' THEN \"%s\" + 1000 ELSE \"%s\" || 'x' END",
    "CASE WHEN typeof(\"%s\") = 'integer' THEN \"%s\" - 7000 ELSE substr(\"%s\", 2) END",
    "CASE WHEN typeof(\"%s\") = 'null' THEN 5 ELSE NULL END",
};

static void tamper(struct place *p, const char *column, int row, const char *value)
{
    struct buf b;
    char to[200];
    buf_init(&b, 0);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
    (void)snprintf(to, sizeof to, value, column, column, column);
#pragma GCC diagnostic pop
    buf_fmt(&b, "UPDATE OR IGNORE audit_entry SET \"%s\" = %s WHERE seq = %d AND \"%s\" IS NOT %s", column, to, row,
            column, to);
    buf_char(&b, '\0');
    int changed = sql(p, b.p);
    buf_release(&b);
    int64_t broken = check(p, NULL).broken;
    if (changed && !(broken >= 1 && broken <= FEW + 1))
        fail_msg("row %d, column %s set to %s: broken %lld", row, column, to, (long long)broken);
    if (!changed) /* it was that already, or may not be */
        assert_int_equal(broken, 0);
    else
        (void)sql(p, "DELETE FROM audit_entry; INSERT INTO audit_entry SELECT * FROM kept");
}

static void any_changed_value_of_any_row_is_found(void **state)
{
    struct place *p = *state;
    add(p, 0, FEW - 1);
    (void)sql(p, "CREATE TABLE kept AS SELECT * FROM audit_entry");
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++)
        for (int row = 1; row <= FEW; row++)
            for (size_t v = 0; v < sizeof values / sizeof *values; v++)
                if (v < 2 || strcmp(columns[c], "seq") != 0) /* which cannot be nothing */
                    tamper(p, columns[c], row, values[v]);
    assert_whole(p, FEW);
}

static int64_t broken_by(struct place *p, const char *text)
{
    (void)sql(p, text);
    int64_t at = check(p, NULL).broken;
    (void)sql(p, "DELETE FROM audit_entry; INSERT INTO audit_entry SELECT * FROM kept");
    return at;
}

#define EXCHANGE(x, y)                                                                                                 \
    "UPDATE audit_entry SET seq = -1 WHERE seq = " #x ";UPDATE audit_entry SET seq = " #x " WHERE seq = " #y           \
    ";UPDATE audit_entry SET seq = " #y " WHERE seq = -1"

static void rows_deleted_inserted_exchanged_or_cut_off_are_found(void **state)
{
    struct place *p = *state;
    add(p, 0, ROWS);
    (void)sql(p, "CREATE TABLE kept AS SELECT * FROM audit_entry");
    assert_int_equal(broken_by(p, "DELETE FROM audit_entry WHERE seq = 5"), 5);
    assert_int_equal(broken_by(p, "DELETE FROM audit_entry WHERE seq = 1"), 1);
    assert_int_equal(broken_by(p, "DELETE FROM audit_entry WHERE seq <= 4"), 1);
    assert_int_equal(broken_by(p, "DELETE FROM audit_entry WHERE seq >= 10"), 10);
    assert_int_equal(broken_by(p, "DELETE FROM audit_entry"), 1);
    assert_int_equal(broken_by(p, EXCHANGE(3, 7)), 3);
    assert_int_equal(broken_by(p, "INSERT INTO audit_entry SELECT 14, id, project, created_at, updated_at, version,"
                                  " deleted_at, actor, action, record_kind, record_id, session, reason, outcome,"
                                  " request_id, door, peer, details, hash FROM kept WHERE seq = 13"),
                     14);
    assert_int_equal(broken_by(p, "DELETE FROM audit_entry WHERE seq = 6; UPDATE audit_entry SET seq = seq - 1 WHERE"
                                  " seq > 6"),
                     6);
    assert_whole(p, ROWS + 1);
}

/* Whoever takes rows off the end cannot have Cairn mend it by going on. */
static void rows_added_later_do_not_hide_what_was_cut_off(void **state)
{
    struct place *p = *state;
    add(p, 0, ROWS);
    (void)sql(p, "DELETE FROM audit_entry WHERE seq > 8");
    add(p, ROWS, 2);
    assert_int_equal(check(p, NULL).broken, 9);
}

static void a_row_put_at_the_end_stays_found(void **state)
{
    struct place *p = *state;
    unsigned char prev[AUDIT_HASH], hash[AUDIT_HASH];
    char hex[AUDIT_HEX], text[900];
    size_t n;
    add(p, 0, 3);
    struct audit_checker before = check(p, NULL);
    sodium_bin2hex(hex, sizeof hex, before.hash, AUDIT_HASH);
    (void)sodium_hex2bin(prev, sizeof prev, hex, strlen(hex), NULL, &n, NULL);
    struct audit_row r = sample(9);
    r.seq = before.last + 1;
    audit_hash(prev, &r, hash); /* even one that fits */
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    (void)snprintf(
        text, sizeof text,
        "INSERT INTO audit_entry (seq, id, project, created_at, updated_at, version, actor, action, record_kind,"
        " record_id, session, reason, outcome, request_id, door, peer, details, hash) VALUES (%d, '', '%.*s',"
        " %d, %d, 1, 'local', '%.*s', 'turn', '%.*s', 'sess_1', 'because', 'ok', 'req-1', 'http', '127.0.0.1',"
        " '%.*s', '%s')",
        (int)r.seq, STR_ARG(r.project), (int)r.at, (int)r.at, STR_ARG(r.action), STR_ARG(r.record_id),
        STR_ARG(r.details), hex);
    (void)sql(p, text);
    assert_int_equal(check(p, NULL).broken, 5);
    add(p, 3, 2);
    assert_int_equal(check(p, NULL).broken, 6);
}

static void a_head_written_down_elsewhere_tells_another_chain(void **state)
{
    struct place *p = *state;
    char hex[AUDIT_HEX];
    add(p, 0, 4);
    struct audit_checker c = check(p, NULL);
    sodium_bin2hex(hex, sizeof hex, c.hash, AUDIT_HASH);
    add(p, 4, 4);
    assert_int_equal(check(p, hex).broken, 0);
    (void)sql(p, "DELETE FROM audit_entry; DELETE FROM store_meta WHERE key = 'audit_head'");
    place_reopen(p);
    add(p, 0, 8);
    assert_int_equal(check(p, NULL).broken, 0); /* a whole new chain is whole */
    assert_true(check(p, hex).broken != 0);
}

/* ---- reading ---- */

static size_t listed(struct place *p, struct audit_query q)
{
    struct store_tx *tx;
    struct audit_row *rows;
    size_t n;
    q.limit = q.limit ? q.limit : 1000;
    OK(store_read_begin(p->store, &tx, &e));
    OK(audit_list(tx, p->arena, &q, &rows, &n, &e));
    for (size_t i = 1; i < n; i++)
        assert_true(rows[i].seq < rows[i - 1].seq);
    store_read_end(tx);
    return n;
}

static void index_some(struct place *p, int limit)
{
    struct audit_indexing w = {.limit = limit};
    OK(store_write(p->store, audit_index, &w, &e));
}

static void rows_are_found_by_what_they_say(void **state)
{
    struct place *p = *state;
    add(p, 0, ROWS);
    assert_int_equal(listed(p, (struct audit_query){0}), ROWS + 1);
    assert_int_equal(listed(p, (struct audit_query){.limit = 5}), 5);
    assert_int_equal(listed(p, (struct audit_query){.before = 4}), 3);
    assert_int_equal(listed(p, (struct audit_query){.action = STR("recall")}), ROWS / 2);
    assert_int_equal(listed(p, (struct audit_query){.actor = STR("local")}), ROWS);
    assert_int_equal(listed(p, (struct audit_query){.outcome = STR("denied")}), 0);
    assert_int_equal(listed(p, (struct audit_query){.from = 1003, .to = 1006}), 3);
    assert_int_equal(listed(p, (struct audit_query){.scope = AUDIT_DEFAULT_ORG}), 8);
    assert_int_equal(listed(p, (struct audit_query){.scope = AUDIT_ORG, .project = STR("acme/")}), 4);
    assert_int_equal(listed(p, (struct audit_query){.scope = AUDIT_PROJECT, .project = STR("web")}), 8);
    /* a record's rows, whether they are filed already or not */
    struct audit_row two = sample(2), other = sample(11);
    for (int filed = 0; filed < 4; filed++) {
        assert_int_equal(listed(p, (struct audit_query){.record = two.record_id}), 1);
        assert_int_equal(listed(p, (struct audit_query){.record = other.record_id}), 1);
        assert_int_equal(listed(p, (struct audit_query){.record = STR("sess_1")}), ROWS);
        assert_int_equal(listed(p, (struct audit_query){.record = STR("turn_000000000000000000000000000003ea")}), 1);
        assert_int_equal(listed(p, (struct audit_query){.record = STR("turn_00")}), 0);
        index_some(p, 5);
    }
}

static void what_is_old_is_cut_off_and_the_rest_can_still_be_checked(void **state)
{
    struct place *p = *state;
    add(p, 0, 1); /* with the beginning, whose time is now */
    struct audit_cutting w = {.before = 5000, .now = 2000, .limit = 100};
    OK(store_write(p->store, audit_cut, &w, &e));
    assert_int_equal(w.cut, 0);
    w = (struct audit_cutting){.before = INT64_MAX, .now = 2000, .limit = 1};
    OK(store_write(p->store, audit_cut, &w, &e));
    assert_int_equal(w.cut, 1);
    add(p, 1, ROWS - 1);
    index_some(p, 100);
    w = (struct audit_cutting){.before = 1005, .now = 2001, .limit = 100};
    OK(store_write(p->store, audit_cut, &w, &e));
    assert_int_equal(w.cut, 1); /* behind the first sample stands what tells of the first cut, which is younger */
    w.before = 2001;
    OK(store_write(p->store, audit_cut, &w, &e));
    assert_int_equal(w.cut, ROWS);
    struct audit_checker c = check(p, NULL);
    if (c.broken)
        print_message("%s\n", c.problem);
    assert_int_equal(c.broken, 0);
    assert_true(c.first > 2);
    place_reopen(p);
    assert_int_equal(check(p, NULL).broken, 0);
    /* more may not go, nor may the row that says so */
    char text[200];
    (void)sql(p, "CREATE TABLE kept AS SELECT * FROM audit_entry");
    (void)snprintf(text, sizeof text, "DELETE FROM audit_entry WHERE seq = %d", (int)c.first);
    assert_true(broken_by(p, text) != 0);
}

static void no_failed_allocation_harms_the_chain(void **state)
{
    struct place *p = *state;
    add(p, 0, 2);
    for (int64_t n = 1; n < 40; n++) {
        struct adding w = {2, 1, ERR_OK};
        struct err e = {0};
        mem_fail_after(n, false);
        (void)store_write(p->store, add_on, &w, &e);
        mem_fail_after(-1, false);
    }
    assert_int_equal(check(p, NULL).broken, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)
    const struct CMUnitTest tests[] = {
        T(a_chain_begins_and_goes_on),
        T(what_is_undone_leaves_no_row_and_no_gap),
        T(two_stores_write_one_chain),
        T(any_changed_value_of_any_row_is_found),
        T(rows_deleted_inserted_exchanged_or_cut_off_are_found),
        T(rows_added_later_do_not_hide_what_was_cut_off),
        T(a_row_put_at_the_end_stays_found),
        T(a_head_written_down_elsewhere_tells_another_chain),
        T(rows_are_found_by_what_they_say),
        T(what_is_old_is_cut_off_and_the_rest_can_still_be_checked),
        T(no_failed_allocation_harms_the_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
