/* A sealed store: reads as a plain one does, and no text of it is in any file; only its key opens it, nothing is
 * written without; a page that was changed is told, one that a power cut tore only ends the log; backups and VACUUM
 * stay sealed; it can be sealed and opened while it is in use, by one process at a time. */
#include "place.h"

#include "store/internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>

static const struct seal_secret KEY = {.key = {"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 64}};
static const struct seal_secret OTHER = {
    .key = {"ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 64}};
static const char TEXT[] = "the quick brown fox ";

static const char *in(struct place *p, const char *name)
{
    return arena_fmt(p->arena, "%s/%s", p->dir, name).p;
}

static void open_with(struct place *p, const struct seal_secret *secret)
{
    store_close(p->store);
    p->store = NULL;
    OK(store_open(&(struct store_options){.dir = p->dir, .busy_ms = 5000, .secret = secret}, &p->store, &e));
}

static int sealed_setup(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    strcpy(p->dir, "/tmp/cairn-test-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    p->arena = arena_new();
    open_with(p, &KEY);
    *state = p;
    return 0;
}

static struct str read_file(struct place *p, const char *name)
{
    struct buf b;
    buf_init(&b, 0);
    OK(file_read_all(in(p, name), 1 << 28, &b, &e));
    return buf_take(&b, p->arena);
}

/* Files of the data folder in which the text can be read. */
static int readable(struct place *p, const char *text)
{
    int n = 0;
    DIR *d = opendir(p->dir);
    for (struct dirent *f; (f = readdir(d));) {
        struct stat st;
        if (stat(in(p, f->d_name), &st) == 0 && S_ISREG(st.st_mode) &&
            str_find(read_file(p, f->d_name), str_of(text)) >= 0)
            n++;
    }
    closedir(d);
    return n;
}

static struct str add_turns(struct place *p, int n)
{
    struct str conversation = add_conversation(p, add_session(p)->id)->id;
    for (int i = 0; i < n; i++)
        OK(append_turn(p->store, conversation, arena_fmt(p->arena, "%s%d", TEXT, i), NULL, &e));
    return conversation;
}

static int64_t count_turns(struct store *s)
{
    struct store_tx *tx;
    int64_t n = -1;
    OK(store_read_begin(s, &tx, &e));
    OK(record_count(tx, KIND_TURN, STR_NONE, &n, &e));
    store_read_end(tx);
    return n;
}

static void problem(void *arg, const char *text)
{
    print_message("problem: %s\n", text);
    ++*(int *)arg;
}

static void all_well(struct place *p, int64_t turns)
{
    int problems = 0;
    OK(store_check(p->store, problem, &problems, &e));
    assert_int_equal(problems, 0);
    assert_int_equal(count_turns(p->store), turns);
}

static void no_text_is_readable(void **state)
{
    struct place *p = *state;
    add_turns(p, 300);
    all_well(p, 300);
    assert_int_equal(readable(p, TEXT), 0);
    assert_int_equal(readable(p, "CREATE TABLE"), 0);
    open_with(p, &KEY);
    all_well(p, 300);
    assert_int_equal(readable(p, TEXT), 0);
    add_turns(p, 50);
    struct store_vacuumed v;
    OK(store_vacuum(p->store, &v, &e));
    all_well(p, 350);
    assert_int_equal(readable(p, TEXT), 0);
}

/* More than its cache holds goes through VACUUM's temporary database. */
static void much_can_be_vacuumed(void **state)
{
    struct place *p = *state;
    struct str conversation = add_conversation(p, add_session(p)->id)->id;
    char *big = arena_alloc(p->arena, 400001);
    for (int i = 0; i < 400000; i++)
        big[i] = (char)('a' + i * 31 % 26);
    for (int i = 0; i < 60; i++)
        OK(append_turn(p->store, conversation, (struct str){big, 400000}, NULL, &e));
    struct store_vacuumed v;
    OK(store_vacuum(p->store, &v, &e));
    all_well(p, 60);
    open_with(p, &KEY);
    all_well(p, 60);
}

static void refuses(struct place *p, enum err_code code, const struct seal_secret *secret)
{
    struct store *s = NULL;
    for (int read_only = 0; read_only < 2; read_only++)
        WANT(code,
             store_open(&(struct store_options){.dir = p->dir, .secret = secret, .read_only = read_only}, &s, &e));
    assert_null(s);
}

static void only_its_key_opens_it(void **state)
{
    struct place *p = *state;
    add_turns(p, 3);
    store_close(p->store);
    p->store = NULL;
    struct str before = read_file(p, "store.db");
    refuses(p, ERR_DENIED, NULL);
    refuses(p, ERR_DENIED, &OTHER);
    assert_true(str_eq(before, read_file(p, "store.db")));
    assert_false(file_exists(in(p, "store.db-wal")));
    assert_int_equal(rename(in(p, "keys"), in(p, "elsewhere")), 0);
    refuses(p, ERR_DENIED, NULL); /* says that the keys are missing, not that it is damaged */
    refuses(p, ERR_CONFLICT, &KEY);
    assert_int_equal(rename(in(p, "elsewhere"), in(p, "keys")), 0);
    open_with(p, &KEY);
    all_well(p, 3);
}

static void a_plain_store_takes_no_key(void **state)
{
    struct place *p = *state;
    add_turns(p, 3);
    store_close(p->store);
    p->store = NULL;
    struct str before = read_file(p, "store.db");
    refuses(p, ERR_CONFLICT, &KEY);
    assert_false(file_exists(in(p, "keys")));
    assert_true(str_eq(before, read_file(p, "store.db")));
}

/* ---- damage ---- */

static void flip(struct place *p, const char *name, int64_t at)
{
    char c;
    int fd = open(in(p, name), O_RDWR);
    assert_int_equal(pread(fd, &c, 1, at), 1);
    c ^= 0x10;
    assert_int_equal(pwrite(fd, &c, 1, at), 1);
    close(fd);
}

/* Any byte of any page: the store does not open, or the check names the page; never other data. */
static void every_changed_page_is_told(void **state)
{
    struct place *p = *state;
    add_turns(p, 100);
    store_close(p->store);
    p->store = NULL;
    int64_t pages = file_size(in(p, "store.db")) / 4096;
    for (int64_t i = 0; i<pages; i += pages> 60 ? 3 : 1) {
        int64_t at = i * 4096 + (i * 677) % 4096;
        flip(p, "store.db", at);
        struct store *s = NULL;
        struct err e = {0};
        int problems = 0;
        enum err_code rc =
            store_open(&(struct store_options){.dir = p->dir, .secret = &KEY, .read_only = true}, &s, &e);
        if (!rc)
            rc = store_check(s, problem, &problems, &e);
        if (rc != ERR_CORRUPT && (rc || !problems))
            print_message("byte %lld: %d %s\n", (long long)at, (int)rc, e.message);
        assert_true(rc == ERR_CORRUPT || (!rc && problems > 0));
        if (rc)
            assert_non_null(strstr(e.message, arena_fmt(p->arena, "page %lld ", (long long)i + 1).p));
        store_close(s);
        flip(p, "store.db", at);
    }
    open_with(p, &KEY);
    all_well(p, 100);
}

static void copy(struct place *p, const char *from, const char *to, size_t n)
{
    OK(file_write_atomic(in(p, to), str_take(read_file(p, from), n), &e));
}

/* The log cut anywhere, as by a power cut, or with a changed byte: what was committed before that is there, and nothing
 * else. */
static void a_torn_log_ends_where_it_is_torn(void **state)
{
    struct place *p = *state;
    add_turns(p, 20);
    open_with(p, &KEY);
    struct str conversation = add_turns(p, 1);
    for (int i = 1; i < 12; i++)
        OK(append_turn(p->store, conversation, STR("more"), NULL, &e));
    int64_t size = file_size(in(p, "store.db-wal"));
    assert_true(size > 4120 * 20);
    copy(p, "store.db", "db", SIZE_MAX);
    copy(p, "store.db-wal", "wal", SIZE_MAX);
    store_close(p->store);
    p->store = NULL;
    int64_t last = -1;
    for (int64_t n = 0; n < size; n += 4120 * 2 + 333) {
        for (int how = 0; how < 2; how++) {
            copy(p, "db", "store.db", SIZE_MAX);
            copy(p, "wal", "store.db-wal", how ? SIZE_MAX : (size_t)n);
            if (how)
                flip(p, "store.db-wal", n);
            open_with(p, &KEY);
            int64_t turns = count_turns(p->store);
            all_well(p, turns);
            assert_true(turns >= 20 && turns <= 32 && (n < 32 || turns >= last));
            last = turns;
            store_close(p->store);
            p->store = NULL;
        }
    }
    copy(p, "db", "store.db", SIZE_MAX);
    copy(p, "wal", "store.db-wal", SIZE_MAX);
    open_with(p, &KEY);
    all_well(p, 32);
}

struct many_turns {
    struct place *p;
    struct str conversation;
    int n;
};

static enum err_code many_job(struct store_tx *tx, void *arg, struct err *e)
{
    const struct many_turns *m = arg;
    enum err_code code = tx->d->exec(tx->c, "PRAGMA cache_size=10", "keep little", e);
    for (int i = 0; i < m->n && !code; i++) {
        struct turn_added added;
        struct turn_new t = {.conversation_id = m->conversation,
                             .agent = STR("codey"),
                             .role = STR("user"),
                             .content = arena_fmt(m->p->arena, "%s%d", TEXT, i),
                             .token_count = -1};
        code = turn_append(tx, &t, &added, e);
    }
    return code;
}

/* Pages go into the log before the transaction ends, some are written there again, and heads of frames are written
 * twice: it is read from the log, found again after a kill, and taken over into the database. */
static void a_transaction_may_be_larger_than_the_cache(void **state)
{
    struct place *p = *state;
    struct many_turns m = {p, add_turns(p, 1), 400};
    OK(store_write(p->store, many_job, &m, &e));
    all_well(p, 401);
    copy(p, "store.db", "db", SIZE_MAX);
    copy(p, "store.db-wal", "wal", SIZE_MAX);
    open_with(p, &KEY);
    all_well(p, 401);
    store_close(p->store);
    p->store = NULL;
    copy(p, "db", "store.db", SIZE_MAX);
    copy(p, "wal", "store.db-wal", SIZE_MAX);
    open_with(p, &KEY);
    all_well(p, 401);
    assert_int_equal(readable(p, TEXT), 0);
}

/* ---- backups ---- */

static void backups_are_sealed(void **state)
{
    struct place *p = *state;
    add_turns(p, 30);
    OK(store_backup(p->store, in(p, "b"), NULL, NULL, &e));
    assert_int_equal(readable(p, TEXT), 0);
    add_turns(p, 5);
    store_close(p->store);
    p->store = NULL;
    WANT(ERR_DENIED, store_restore(p->dir, NULL, in(p, "b"), &e));
    WANT(ERR_DENIED, store_restore(p->dir, &OTHER, in(p, "b"), &e));
    OK(store_restore(p->dir, &KEY, in(p, "b"), &e));
    open_with(p, &KEY);
    all_well(p, 30);
    assert_int_equal(readable(p, TEXT), 0);
}

static void backups_of_the_other_form_are_refused(void **state)
{
    struct place *p = *state;
    char plain[80];
    struct store *s = NULL;
    (void)snprintf(plain, sizeof plain, "%s/plain", p->dir);
    OK(store_open(&(struct store_options){.dir = plain}, &s, &e));
    OK(store_backup(s, in(p, "plain-backup"), NULL, NULL, &e));
    store_close(s);
    OK(store_backup(p->store, in(p, "b"), NULL, NULL, &e));
    store_close(p->store);
    p->store = NULL;
    WANT(ERR_CONFLICT, store_restore(p->dir, &KEY, in(p, "plain-backup"), &e));
    WANT(ERR_DENIED, store_restore(plain, NULL, in(p, "b"), &e));
    OK(file_write_atomic(in(p, "bad"), STR("neither the one nor the other"), &e));
    WANT(ERR_DENIED, store_restore(p->dir, &KEY, in(p, "bad"), &e));
}

/* ---- converting ---- */

static void convert(struct place *p, enum seal_state to)
{
    OK(store_sole(p->store, &e));
    if (to == SEAL_PLAIN) {
        OK(store_seal_state(p->store, SEAL_OPENING, &e));
    } else {
        OK(store_seal(p->store, &KEY, &e));
    }
    OK(store_reform(p->store, &e));
    OK(store_convert_columns(p->store, NULL, NULL, &e));
    OK(store_seal_state(p->store, to, &e));
    store_shared(p->store);
}

struct busy {
    struct place *p;
    struct str conversation;
    atomic_bool stop;
    atomic_int wrote, looked;
};

static void *keep_writing(void *arg)
{
    struct busy *b = arg;
    while (!b->stop) {
        OK(append_turn(b->p->store, b->conversation, str_of(TEXT), NULL, &e));
        b->wrote++;
    }
    return NULL;
}

static void *keep_reading(void *arg)
{
    struct busy *b = arg;
    while (!b->stop) {
        int wrote = b->wrote;
        assert_true(count_turns(b->p->store) >= wrote);
        b->looked++;
    }
    return NULL;
}

static void it_is_converted_in_use(void **state)
{
    struct place *p = *state;
    struct busy b = {.p = p, .conversation = add_turns(p, 0)};
    pthread_t writer, reader;
    (void)pthread_create(&writer, NULL, keep_writing, &b);
    (void)pthread_create(&reader, NULL, keep_reading, &b);
    for (int i = 0; i < 3; i++) {
        convert(p, SEAL_PLAIN);
        assert_null(store_keyring(p->store));
        convert(p, SEAL_SEALED);
        assert_int_equal(keyring_state(store_keyring(p->store)), SEAL_SEALED);
    }
    b.stop = true;
    (void)pthread_join(writer, NULL);
    (void)pthread_join(reader, NULL);
    assert_true(b.wrote > 0 && b.looked > 0);
    all_well(p, b.wrote);
    assert_int_equal(readable(p, TEXT), 0);
    open_with(p, &KEY);
    all_well(p, b.wrote);
    assert_int_equal(readable(p, TEXT), 0);
}

static void what_is_opened_is_plain_again(void **state)
{
    struct place *p = *state;
    add_turns(p, 30);
    OK(store_backup(p->store, in(p, "b"), NULL, NULL, &e));
    convert(p, SEAL_PLAIN);
    add_turns(p, 5);
    open_with(p, NULL);
    all_well(p, 35);
    assert_false(file_exists(in(p, "keys")));
    assert_int_equal(readable(p, TEXT), 1);
    /* what another key sealed before is lost with that key, and said to be so */
    store_close(p->store);
    p->store = NULL;
    WANT(ERR_DENIED, store_restore(p->dir, NULL, in(p, "b"), &e));
    open_with(p, NULL);
    convert(p, SEAL_SEALED);
    all_well(p, 35);
    open_with(p, &KEY);
    all_well(p, 35);
}

/* Pages that are all full to their ends, before room was ever made. */
static void a_store_made_plain_is_sealed(void **state)
{
    struct place *p = *state;
    add_turns(p, 200);
    struct str conversation = add_turns(p, 1);
    char *big = arena_alloc(p->arena, 50001);
    memset(big, 'x', 50000);
    OK(append_turn(p->store, conversation, (struct str){big, 50000}, NULL, &e));
    convert(p, SEAL_SEALED);
    all_well(p, 202);
    assert_int_equal(readable(p, TEXT), 0);
    open_with(p, &KEY);
    all_well(p, 202);
    assert_int_equal(readable(p, TEXT), 0);
    assert_int_equal(readable(p, "xxxxxxxxxxxxxxx"), 0);
}

static void a_secret_that_is_none_changes_nothing(void **state)
{
    static const struct seal_secret none = {.key = {"no key", 6}};
    struct place *p = *state;
    add_turns(p, 3);
    convert(p, SEAL_PLAIN);
    WANT(ERR_INVALID, store_seal(p->store, &none, &e));
    assert_null(store_keyring(p->store));
    convert(p, SEAL_SEALED);
    all_well(p, 3);
    open_with(p, &KEY); /* closing gives each keyring back once */
    all_well(p, 3);
}

static void half_way_both_forms_are_read(void **state)
{
    struct place *p = *state;
    add_turns(p, 100);
    OK(store_seal(p->store, &KEY, &e));
    add_turns(p, 50); /* some pages have no room for a seal yet */
    all_well(p, 150);
    open_with(p, &KEY);
    all_well(p, 150);
    assert_int_equal(keyring_state(store_keyring(p->store)), SEAL_SEALING);
    add_turns(p, 50);
    refuses(p, ERR_DENIED, NULL);
    convert(p, SEAL_SEALED);
    all_well(p, 200);
    OK(keyring_set_state(store_keyring(p->store), SEAL_OPENING, &e));
    add_turns(p, 50);
    open_with(p, &KEY);
    add_turns(p, 50);
    all_well(p, 300);
    convert(p, SEAL_SEALED); /* turned round */
    all_well(p, 300);
    assert_int_equal(readable(p, TEXT), 0);
}

static void new_keys_take_over(void **state)
{
    struct place *p = *state;
    add_turns(p, 100);
    uint32_t before = keyring_epoch(store_keyring(p->store));
    OK(keyring_renew(store_keyring(p->store), &e));
    add_turns(p, 50);
    open_with(p, &KEY);
    all_well(p, 150);
    OK(store_reform(p->store, &e));
    OK(keyring_set_state(store_keyring(p->store), SEAL_SEALED, &e));
    assert_null(keyring_page_key(store_keyring(p->store), before));
    all_well(p, 150);
    open_with(p, &KEY);
    all_well(p, 150);
}

struct held {
    sem_t begun, go;
};

static enum err_code hold_the_writer(struct store_tx *tx, void *arg, struct err *e)
{
    struct held *h = arg;
    (void)tx, (void)e;
    (void)sem_post(&h->begun);
    (void)sem_wait(&h->go);
    return ERR_OK;
}

static void *write_held(void *arg)
{
    struct place *p = ((void **)arg)[0];
    OK(store_write(p->store, hold_the_writer, ((void **)arg)[1], &e));
    return NULL;
}

static void *renew(void *arg)
{
    OK(store_seal_renew(arg, &e));
    return NULL;
}

/* A frame of the log whose head was written with the old key and its page with the new one ends the log at the next
 * start: all commits behind it would be lost. */
static void keys_change_between_writes_only(void **state)
{
    struct place *p = *state;
    struct held h;
    pthread_t writer, changer;
    uint32_t before = keyring_epoch(store_keyring(p->store));
    (void)sem_init(&h.begun, 0, 0);
    (void)sem_init(&h.go, 0, 0);
    (void)pthread_create(&writer, NULL, write_held, (void *[]){p, &h});
    (void)sem_wait(&h.begun);
    (void)pthread_create(&changer, NULL, renew, p->store);
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    uint32_t meanwhile = keyring_epoch(store_keyring(p->store));
    (void)sem_post(&h.go);
    (void)pthread_join(writer, NULL);
    (void)pthread_join(changer, NULL);
    assert_int_equal(meanwhile, before);
    assert_int_equal(keyring_epoch(store_keyring(p->store)), before + 1);
}

static int other_opens(struct place *p, int number)
{
    struct err e = {0};
    if (number == 1) {
        store_close(p->store);
        p->store = NULL;
        return 0;
    }
    return store_open(&(struct store_options){.dir = p->dir, .busy_ms = 5000, .secret = &KEY}, &p->store, &e) != ERR_OK;
}

static void nobody_else_has_it_open_meanwhile(void **state)
{
    struct place *p = *state;
    store_close(p->store);
    p->store = NULL;
    int to[2], from[2];
    assert_int_equal(pipe(to) | pipe(from), 0);
    struct other o = {.to = to[1], .from = from[0], .pid = fork()};
    if (o.pid == 0) {
        char c;
        int failed = 0;
        close(to[1]);
        for (int i = 0; read(to[0], &c, 1) == 1; i++) {
            failed |= other_opens(p, i);
            failed |= write(from[1], &c, 1) != 1;
        }
        _exit(failed);
    }
    close(to[0]), close(from[1]);
    open_with(p, &KEY);
    other_step(&o);
    /* the other process goes while we wait */
    pthread_t t;
    (void)pthread_create(&t, NULL, (void *(*)(void *))(void (*)(void))other_step, &o);
    OK(store_sole(p->store, &e));
    (void)pthread_join(t, NULL);
    struct store *s = NULL;
    WANT(ERR_BUSY, store_open(&(struct store_options){.dir = p->dir, .secret = &KEY, .busy_ms = 50}, &s, &e));
    store_shared(p->store);
    other_step(&o);
    other_end(&o);
}

static void *wants_it_alone(void *arg)
{
    struct err e = {0};
    return (void *)(intptr_t)store_sole(arg, &e);
}

/* Who gave up his share to be the only one would let the other through while he still has the data open. */
static void of_two_that_want_it_alone_none_gets_it(void **state)
{
    struct place *p = *state;
    struct store_options o = {.dir = p->dir, .busy_ms = 300, .secret = &KEY};
    struct store *s[2];
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        OK(store_open(&o, &s[i], &e));
    store_close(p->store);
    p->store = NULL;
    for (int i = 0; i < 2; i++)
        (void)pthread_create(&t[i], NULL, wants_it_alone, s[i]);
    for (int i = 0; i < 2; i++) {
        void *rc;
        (void)pthread_join(t[i], &rc);
        assert_int_equal((intptr_t)rc, ERR_BUSY);
    }
    store_close(s[1]);
    OK(store_sole(s[0], &e));
    store_shared(s[0]);
    store_close(s[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, sealed_setup, place_teardown)
#define PLAIN(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)
        T(no_text_is_readable),
        T(much_can_be_vacuumed),
        T(only_its_key_opens_it),
        PLAIN(a_plain_store_takes_no_key),
        T(every_changed_page_is_told),
        T(a_torn_log_ends_where_it_is_torn),
        T(a_transaction_may_be_larger_than_the_cache),
        T(backups_are_sealed),
        T(backups_of_the_other_form_are_refused),
        T(it_is_converted_in_use),
        T(what_is_opened_is_plain_again),
        PLAIN(a_store_made_plain_is_sealed),
        T(a_secret_that_is_none_changes_nothing),
        PLAIN(half_way_both_forms_are_read),
        T(new_keys_take_over),
        T(keys_change_between_writes_only),
        T(nobody_else_has_it_open_meanwhile),
        T(of_two_that_want_it_alone_none_gets_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
