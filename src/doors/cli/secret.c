/* See secret.h. */
#include "doors/cli/secret.h"

#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <termios.h>
#include <unistd.h>

enum { TYPED_MAX = 1000 };

void secret_guard_process(void)
{
#ifndef __SANITIZE_ADDRESS__ /* whose leak check looks into the process */
    (void)prctl(PR_SET_DUMPABLE, 0);
#endif
}

static void say(int terminal, const char *text)
{
    ssize_t done = write(terminal, text, strlen(text)); /* a terminal that cannot be written will not be read either */
    (void)done;
}

/* One line. STR_NONE when there is none. */
static struct str read_line(struct cli *c, int terminal)
{
    char *p = arena_alloc(c->arena, TYPED_MAX + 1);
    size_t n = 0;
    while (p && n < TYPED_MAX && read(terminal, p + n, 1) == 1 && p[n] != '\n')
        n++;
    return p && n ? (struct str){p, n} : STR_NONE;
}

static struct str ask_hidden(struct cli *c, int terminal, const char *question)
{
    struct termios before, hidden;
    if (tcgetattr(terminal, &before) != 0)
        return STR_NONE;
    hidden = before;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    (void)tcsetattr(terminal, TCSAFLUSH, &hidden);
    say(terminal, question);
    struct str typed = read_line(c, terminal);
    say(terminal, "\n");
    (void)tcsetattr(terminal, TCSAFLUSH, &before);
    return typed;
}

/* The terminal itself, whatever stdin and stdout are. */
enum err_code secret_ask(struct cli *c, const char *instead, struct str *out, struct err *e)
{
    int terminal = isatty(STDIN_FILENO) ? open("/dev/tty", O_RDWR | O_CLOEXEC) : -1;
    if (terminal < 0)
        return err_set(e, ERR_INVALID, "encryption.key_file", "a secret is needed: %s", instead);
    *out = ask_hidden(c, terminal, "New passphrase (at least 8 characters): ");
    struct str again = out->n ? ask_hidden(c, terminal, "The same again: ") : STR_NONE;
    close(terminal);
    if (!out->n)
        return err_set(e, ERR_INVALID, "encryption.passphrase", "no passphrase was given");
    if (!str_eq(*out, again))
        return err_set(e, ERR_INVALID, "encryption.passphrase", "the two passphrases are not the same");
    return ERR_OK;
}

enum err_code secret_pairs(struct cli *c, const struct seal_secret *s, struct op_pair *out, size_t *n, struct err *e)
{
    char hex[2 * SEAL_KEY + 1];
    if (s->passphrase.n) {
        out[(*n)++] = (struct op_pair){STR("passphrase"), s->passphrase, ARG_IN_BODY};
    } else if (seal_secret_given(s)) {
        enum err_code code = seal_secret_hex(s, hex, e);
        struct str key = code ? STR_NONE : arena_str(c->arena, str_of(hex));
        explicit_bzero(hex, sizeof hex);
        if (code)
            return code;
        out[(*n)++] = (struct op_pair){STR("key"), key, ARG_IN_BODY};
    }
    return arena_failed(c->arena) ? err_nomem(e) : ERR_OK;
}
