/* Streamed answers: backpressure, ends good and bad, clients that leave. The producer is a thread that writes what it
 * is told to, as the proxy does. */
#include "http_client.h"

#include <pthread.h>

struct producer {
    size_t total, piece;
    int64_t length;
    bool chunked, ok, slowly, never_ends;
    struct http_request *r;
    pthread_t thread;
    pthread_mutex_t mu;
    pthread_cond_t moved;
    bool writable, gone; /* under mu */
    atomic_int short_writes, gone_calls, done;
    size_t written;
};

static void on_writable(void *arg)
{
    struct producer *p = arg;
    pthread_mutex_lock(&p->mu);
    p->writable = true;
    pthread_cond_signal(&p->moved);
    pthread_mutex_unlock(&p->mu);
}

static void on_gone(void *arg)
{
    struct producer *p = arg;
    pthread_mutex_lock(&p->mu);
    p->gone = true;
    atomic_fetch_add(&p->gone_calls, 1);
    pthread_cond_signal(&p->moved);
    pthread_mutex_unlock(&p->mu);
}

/* Byte i of every stream. */
static char byte_at(size_t i)
{
    return (char)('a' + (i * 7 + i / 1000) % 26);
}

static bool is_gone(struct producer *p)
{
    pthread_mutex_lock(&p->mu);
    bool gone = p->gone;
    pthread_mutex_unlock(&p->mu);
    return gone;
}

static void write_piece(struct producer *p, struct http_stream *s, const char *bytes, size_t n)
{
    while (n > 0) {
        pthread_mutex_lock(&p->mu);
        p->writable = false;
        pthread_mutex_unlock(&p->mu);
        size_t k = http_stream_write(s, (struct str){bytes, n});
        bytes += k;
        n -= k;
        p->written += k;
        if (n == 0)
            break;
        atomic_fetch_add(&p->short_writes, 1);
        pthread_mutex_lock(&p->mu);
        while (!p->writable && !p->gone)
            pthread_cond_wait(&p->moved, &p->mu);
        pthread_mutex_unlock(&p->mu);
    }
}

static void *produce(void *arg)
{
    struct producer *p = arg;
    const struct http_header h = {STR("Content-Type"), STR("text/event-stream")};
    const struct http_stream_events ev = {on_writable, on_gone, p};
    struct http_stream *s = http_stream_begin(p->r, 200, &h, 1, p->chunked ? -1 : p->length, &ev);
    char *bytes = malloc(p->piece);
    assert_true(s && bytes);
    for (size_t at = 0; at < p->total || p->never_ends; at += p->piece) {
        size_t n = p->never_ends || p->total - at > p->piece ? p->piece : p->total - at;
        for (size_t i = 0; i < n; i++)
            bytes[i] = byte_at(at + i);
        write_piece(p, s, bytes, n);
        if (p->slowly)
            nap(2);
        if (p->never_ends && is_gone(p))
            break;
    }
    free(bytes);
    http_stream_end(s, p->ok);
    atomic_store(&p->done, 1);
    return NULL;
}

static void stream_it(struct http_request *r, void *arg)
{
    struct producer *p = *(struct producer **)arg;
    p->r = r;
    assert_int_equal(pthread_create(&p->thread, NULL, produce, p), 0);
}

static struct producer *producer; /* of the test that runs */
static const struct http_route ROUTES[] = {{"GET", "/stream", stream_it, &producer, PERM_NONE}};

static int set_up(void **state)
{
    producer = calloc(1, sizeof(*producer));
    *producer = (struct producer){.chunked = true, .ok = true, .piece = 1000};
    pthread_mutex_init(&producer->mu, NULL);
    pthread_cond_init(&producer->moved, NULL);
    *state = start_with((struct http_options){.routes = ROUTES, .n_routes = 1});
    return 0;
}

static int tear_down(void **state)
{
    http_stop(*state, 2000);
    if (producer->r)
        pthread_join(producer->thread, NULL);
    free(producer);
    return 0;
}

static void expect_bytes(const struct answer *a, size_t total)
{
    assert_int_equal(a->n, total);
    for (size_t i = 0; i < total; i++)
        if (a->body[i] != byte_at(i))
            fail_msg("byte %zu differs", i);
}

static void expect_whole(void **state, size_t total)
{
    struct answer a = ask(http_port(*state), GET("/stream"));
    assert_int_equal(a.status, 200);
    assert_true(a.whole);
    assert_string_equal(answer_header(&a, "Content-Type"), "text/event-stream");
    expect_bytes(&a, total);
    answer_free(&a);
    assert_int_equal(atomic_load(&producer->gone_calls), 0);
}

static void streams_an_empty_body(void **state)
{
    expect_whole(state, 0);
}

static void streams_in_pieces(void **state)
{
    producer->total = 20000;
    producer->piece = 777;
    producer->slowly = true;
    expect_whole(state, 20000);
}

static void streams_with_a_length(void **state)
{
    producer->chunked = false;
    producer->length = 100000;
    producer->total = 100000;
    expect_whole(state, 100000);
}

/* Ten megabytes through a client that takes its time: the producer is held back, and no byte is lost. */
static void holds_the_producer_back(void **state)
{
    enum { TOTAL = 10 * 1024 * 1024 };
    struct client c;
    struct answer a;
    char line[64];
    producer->total = TOTAL;
    producer->piece = 100000;
    client_open(&c, http_port(*state));
    client_say(&c, GET("/stream"));
    client_head(&c, &a);
    assert_int_equal(a.status, 200);
    assert_true(wait_for(&producer->short_writes, 1));
    nap(100);
    assert_int_equal(atomic_load(&producer->done), 0);
    for (int i = 0; client_line(&c, line, sizeof(line)); i++) {
        size_t n = strtoul(line, NULL, 16);
        if (n == 0)
            break;
        assert_true(client_take(&c, &a, n));
        assert_true(client_line(&c, line, sizeof(line)));
        if (i % 40 == 0)
            nap(1);
    }
    expect_bytes(&a, TOTAL);
    answer_free(&a);
    client_close(&c);
}

/* What came is sent, and then the client can tell that it is not all. */
static void breaks_off(void **state)
{
    producer->total = 5000;
    producer->ok = false;
    struct answer a = ask(http_port(*state), GET("/stream"));
    assert_int_equal(a.status, 200);
    assert_false(a.whole);
    expect_bytes(&a, 5000);
    answer_free(&a);
}

static void breaks_off_before_its_length(void **state)
{
    producer->total = 5000;
    producer->chunked = false;
    producer->length = 9000;
    struct answer a = ask(http_port(*state), GET("/stream"));
    assert_false(a.whole);
    assert_int_equal(a.n, 5000);
    answer_free(&a);
}

static void tells_when_the_client_leaves(void **state)
{
    struct client c;
    struct answer a;
    producer->never_ends = true;
    producer->slowly = true;
    client_open(&c, http_port(*state));
    client_say(&c, GET("/stream"));
    client_head(&c, &a);
    client_close(&c);
    assert_true(wait_for(&producer->gone_calls, 1));
    assert_true(wait_for(&producer->done, 1));
    assert_int_equal(atomic_load(&producer->gone_calls), 1);
    answer_free(&a);
}

/* The producer waits for room that will never come: it has to be told. */
static void tells_when_a_full_client_leaves(void **state)
{
    struct client c;
    struct answer a;
    producer->never_ends = true;
    producer->piece = 300000;
    client_open(&c, http_port(*state));
    client_say(&c, GET("/stream"));
    client_head(&c, &a);
    assert_true(wait_for(&producer->short_writes, 1));
    nap(100);
    client_close(&c);
    assert_true(wait_for(&producer->done, 1));
    assert_int_equal(atomic_load(&producer->gone_calls), 1);
    answer_free(&a);
}

static void answers_head_of_a_stream(void **state)
{
    struct client c;
    struct answer a;
    producer->total = 1000000;
    client_open(&c, http_port(*state));
    client_say(&c, "HEAD /stream HTTP/1.1\r\n" HOST "\r\n");
    client_answer(&c, &a, true);
    assert_int_equal(a.status, 200);
    assert_true(wait_for(&producer->done, 1)); /* though nobody reads */
    answer_free(&a);
    client_close(&c);
}

/* The stop waits for a stream, and cuts it when it goes on for too long. */
static void stop_cuts_what_does_not_end(void **state)
{
    struct client c;
    struct answer a;
    producer->never_ends = true;
    producer->slowly = true;
    client_open(&c, http_port(*state));
    client_say(&c, GET("/stream"));
    client_head(&c, &a);
    http_stop(*state, 100);
    assert_int_equal(atomic_load(&producer->gone_calls), 1);
    assert_int_equal(atomic_load(&producer->done), 1);
    client_body(&c, &a);
    assert_false(a.whole);
    answer_free(&a);
    client_close(&c);
    *state = start_with((struct http_options){0});
}

static void stop_lets_a_stream_end(void **state)
{
    struct client c;
    struct answer a;
    producer->total = 60000;
    producer->slowly = true;
    client_open(&c, http_port(*state));
    client_say(&c, GET("/stream"));
    client_head(&c, &a);
    http_stop(*state, 5000);
    client_body(&c, &a);
    assert_true(a.whole);
    expect_bytes(&a, 60000);
    answer_free(&a);
    client_close(&c);
    *state = start_with((struct http_options){0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(streams_an_empty_body, set_up, tear_down),
        cmocka_unit_test_setup_teardown(streams_in_pieces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(streams_with_a_length, set_up, tear_down),
        cmocka_unit_test_setup_teardown(holds_the_producer_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(breaks_off, set_up, tear_down),
        cmocka_unit_test_setup_teardown(breaks_off_before_its_length, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_when_the_client_leaves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_when_a_full_client_leaves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_head_of_a_stream, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stop_cuts_what_does_not_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stop_lets_a_stream_end, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
