/* Where the server listens: loopback only, and the Unix socket's file. */
#include "doors/http/http_int.h"
#include "http_client.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>

static enum err_code try_tcp(const char *address, struct err *e)
{
    struct listener l;
    int port = 0;
    memset(e, 0, sizeof(*e));
    enum err_code code = listen_tcp(address, false, &l, &port, e);
    if (code == ERR_OK)
        assert_in_range(port, 1, 65535);
    listen_close(&l);
    return code;
}

static void takes_loopback_addresses(void **state)
{
    (void)state;
    struct err e;
    static const char *const FINE[] = {"127.0.0.1:0", "127.3.2.1:0", "localhost:0", "0"};
    for (size_t i = 0; i < sizeof(FINE) / sizeof(FINE[0]); i++)
        if (try_tcp(FINE[i], &e) != ERR_OK)
            fail_msg("%s: %s", FINE[i], e.message);
}

static void refuses_all_others(void **state)
{
    (void)state;
    struct err e;
    static const char *const BAD[] = {"0.0.0.0:0",
                                      "10.0.0.1:0",
                                      "[::]:0",
                                      "example.org:0",
                                      "127.0.0.1:99999",
                                      "127.0.0.1:x",
                                      "127.0.0.1:",
                                      "",
                                      ":",
                                      ":5111",
                                      "128.0.0.1:0",
                                      "127.0.0.1:-1",
                                      "[::1:0",
                                      "1.127.0.0:0",
                                      "127.1:0",
                                      "255.255.255.255:0"};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        assert_int_equal(try_tcp(BAD[i], &e), ERR_INVALID);
        assert_string_equal(e.field, "listen");
        assert_true(strlen(e.message) > 20);
    }
    assert_int_equal(try_tcp("0.0.0.0:0", &e), ERR_INVALID);
    assert_non_null(strstr(e.message, "not a loopback address"));
}

static void takes_any_address_where_callers_show_tokens(void **state)
{
    (void)state;
    static const char *const FINE[] = {"0.0.0.0:0", "127.0.0.1:0"}, *const BAD[] = {"example.org:0", "0.0.0.0:x", ""};
    for (size_t i = 0; i < sizeof(FINE) / sizeof(FINE[0]); i++) {
        struct listener l;
        struct err e = {0};
        int port = 0;
        if (listen_tcp(FINE[i], true, &l, &port, &e) != ERR_OK)
            fail_msg("%s: %s", FINE[i], e.message);
        assert_in_range(port, 1, 65535);
        listen_close(&l);
    }
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct listener l;
        struct err e = {0};
        int port = 0;
        assert_int_equal(listen_tcp(BAD[i], true, &l, &port, &e), ERR_INVALID);
    }
    assert_true(listen_is_loopback("[::1]:5111"));
    assert_false(listen_is_loopback("[::]:5111"));
    assert_false(listen_is_loopback("no address"));
}

static void says_when_a_port_is_taken(void **state)
{
    (void)state;
    struct listener a;
    struct err e = {0};
    char address[40];
    int port = 0;
    assert_int_equal(listen_tcp("127.0.0.1:0", false, &a, &port, NULL), ERR_OK);
    snprintf(address, sizeof(address), "127.0.0.1:%d", port);
    assert_int_equal(try_tcp(address, &e), ERR_UNAVAILABLE);
    assert_non_null(strstr(e.message, "in use"));
    listen_close(&a);
}

/* ---- the Unix socket ---- */

struct place {
    char dir[64], path[100];
};

static int make_place(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    snprintf(p->dir, sizeof(p->dir), "/tmp/cairn-test-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->path, sizeof(p->path), "%s/cairn.sock", p->dir);
    *state = p;
    return 0;
}

static int drop_place(void **state)
{
    struct place *p = *state;
    unlink(p->path);
    rmdir(p->dir);
    free(p);
    return 0;
}

static void makes_a_private_socket(void **state)
{
    struct place *p = *state;
    struct listener l;
    struct stat st;
    assert_int_equal(listen_unix(p->path, &l, NULL), ERR_OK);
    assert_int_equal(stat(p->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    listen_close(&l);
    assert_int_not_equal(stat(p->path, &st), 0);
}

static void replaces_a_dead_ones(void **state)
{
    struct place *p = *state;
    struct listener l;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof(at.sun_path), "%s", p->path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    close(fd); /* as a killed process leaves it */
    assert_int_equal(listen_unix(p->path, &l, NULL), ERR_OK);
    listen_close(&l);
}

static void leaves_a_live_ones(void **state)
{
    struct place *p = *state;
    struct listener first, second;
    struct err e = {0};
    struct stat st;
    assert_int_equal(listen_unix(p->path, &first, NULL), ERR_OK);
    assert_int_equal(listen_unix(p->path, &second, &e), ERR_CONFLICT);
    listen_close(&second);
    assert_int_equal(stat(p->path, &st), 0);
    listen_close(&first);
}

static void leaves_other_files(void **state)
{
    struct place *p = *state;
    struct listener l;
    struct stat st;
    int fd = open(p->path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(listen_unix(p->path, &l, NULL), ERR_CONFLICT);
    listen_close(&l);
    assert_int_equal(stat(p->path, &st), 0);
}

static void refuses_long_paths(void **state)
{
    (void)state;
    struct listener l;
    struct err e = {0};
    char path[300];
    memset(path, 'x', sizeof(path));
    path[sizeof(path) - 1] = 0;
    assert_int_equal(listen_unix(path, &l, &e), ERR_INVALID);
    assert_int_equal(listen_unix("", &l, NULL), ERR_INVALID);
}

/* A server whose Unix socket cannot be had serves TCP alone; another host name is fine over the Unix socket. */
static void serves_over_it(void **state)
{
    struct place *p = *state;
    struct http_server *s = start_with((struct http_options){.unix_socket = p->path});
    struct http_server *other = start_with((struct http_options){.unix_socket = p->path});
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct client c = {0};
    struct answer a;
    snprintf(at.sun_path, sizeof(at.sun_path), "%s", p->path);
    a = ask(http_port(other), GET("/health"));
    assert_int_equal(a.status, 200);
    answer_free(&a);
    http_stop(other, 100);
    c.fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(c.fd, (struct sockaddr *)&at, sizeof(at)), 0);
    client_say(&c, "GET /health HTTP/1.1\r\nHost: whatever\r\n\r\n");
    client_answer(&c, &a, false);
    assert_int_equal(a.status, 200);
    answer_free(&a);
    client_close(&c);
    http_stop(s, 100);
}

static void knows_loopback_names(void **state)
{
    (void)state;
    static const char *const FINE[] = {"localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:65535", "[::1]", "[::1]:80"};
    static const char *const BAD[] = {"",           "localhost.", "example.org", "127.0.0.1.nip.io", "127.0.0.1:x",
                                      "[::1",       "[::1]x",     "[::2]",       "127.0.0",          "localhost:123456",
                                      "localhost:", "1270.0.0.1", "127.0.0.1.1", "user@localhost"};
    for (size_t i = 0; i < sizeof(FINE) / sizeof(FINE[0]); i++)
        if (!head_loopback_name(str_of(FINE[i])))
            fail_msg("%s is one", FINE[i]);
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
        if (head_loopback_name(str_of(BAD[i])))
            fail_msg("%s is none", BAD[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_loopback_addresses),
        cmocka_unit_test(refuses_all_others),
        cmocka_unit_test(takes_any_address_where_callers_show_tokens),
        cmocka_unit_test(says_when_a_port_is_taken),
        cmocka_unit_test_setup_teardown(makes_a_private_socket, make_place, drop_place),
        cmocka_unit_test_setup_teardown(replaces_a_dead_ones, make_place, drop_place),
        cmocka_unit_test_setup_teardown(leaves_a_live_ones, make_place, drop_place),
        cmocka_unit_test_setup_teardown(leaves_other_files, make_place, drop_place),
        cmocka_unit_test(refuses_long_paths),
        cmocka_unit_test_setup_teardown(serves_over_it, make_place, drop_place),
        cmocka_unit_test(knows_loopback_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
