/* Remembers a sentence, recalls what helps with a question, and writes out the session as Markdown:
 *
 *     cc remember.c $(pkg-config --cflags --libs cairn) -o remember
 *     ./remember /tmp/notes "The bakery closes at six on Fridays" "when does the bakery close?"
 *
 * The folder is an ordinary Cairn data folder: `cairn --data /tmp/notes recall bakery` finds the same. */
#include <cairn.h>

#include <stdio.h>
#include <string.h>

/* A sink: cairn_call_stream hands it the export piece by piece. Anything but 0 would end the call. */
static int to_stdout(void *arg, const char *bytes, size_t n)
{
    (void)arg;
    return fwrite(bytes, 1, n, stdout) != n;
}

/* Answers are JSON; a real program reads them with the library it has. Here the id's prefix is enough. */
static int find_session(const char *answer, char *id, size_t room)
{
    const char *at = strstr(answer, "\"sess_");
    size_t n = at ? strcspn(at + 1, "\"") : 0;
    if (n == 0 || n >= room)
        return 0;
    memcpy(id, at + 1, n);
    id[n] = 0;
    return 1;
}

static int run(cairn *c, const char *text, const char *question)
{
    char *answer = NULL, session[64], args[128];
    int code = cairn_remember(c, text, "example", &answer); /* durable from here on */
    int found = code == CAIRN_OK && find_session(answer, session, sizeof session);
    cairn_free(answer); /* also when the call failed: then it holds the error */
    if (!found)
        return code ? code : CAIRN_INTERNAL;

    code = cairn_recall(c, question, 3, &answer);
    if (code == CAIRN_OK)
        printf("%s\n\n", answer);
    cairn_free(answer);
    if (code != CAIRN_OK)
        return code;

    snprintf(args, sizeof args, "{\"session_id\":\"%s\",\"format\":\"markdown\"}", session);
    return cairn_call_stream(c, "session.export_now", args, to_stdout, NULL);
}

int main(int argc, char **argv)
{
    cairn *c;
    if (argc != 4) {
        fprintf(stderr, "usage: remember FOLDER TEXT QUESTION\n");
        return 2;
    }
    int code = cairn_open(argv[1], &c);
    if (code == CAIRN_OK)
        code = run(c, argv[2], argv[3]);
    if (code != CAIRN_OK)
        fprintf(stderr, "remember: %s (error %d)\n", cairn_last_error(), code);
    cairn_close(c); /* NULL when it was not opened, which is fine */
    return code != CAIRN_OK;
}
