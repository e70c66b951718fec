/* The error idiom: filling a struct err, and what each code means to HTTP, the API and the shell.
 * The statuses and names are those of the public contract; one table, so they cannot drift apart. */
#include "base/err.h"

#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct meaning {
    const char *name;
    int http, exit;
};

enum { EXIT_OTHER = 1, EXIT_INPUT = 2, EXIT_ABSENT = 3 };

static const struct meaning meanings[ERR_CODE_COUNT] = {
    [ERR_OK] = {"OK", 200, 0},
    [ERR_INVALID] = {"VALIDATION_FAILED", 400, EXIT_INPUT},
    [ERR_NOT_FOUND] = {"NOT_FOUND", 404, EXIT_ABSENT},
    [ERR_CONFLICT] = {"CONFLICT", 409, EXIT_OTHER},
    [ERR_GONE] = {"SESSION_EXPIRED", 401, EXIT_OTHER},
    [ERR_DENIED] = {"INVALID_SESSION_TOKEN", 401, EXIT_OTHER},
    [ERR_FORBIDDEN] = {"FORBIDDEN", 403, EXIT_OTHER},
    [ERR_LIMIT] = {"RATE_LIMIT_EXCEEDED", 429, EXIT_OTHER},
    [ERR_TOO_LARGE] = {"PAYLOAD_TOO_LARGE", 413, EXIT_INPUT},
    [ERR_TIMEOUT] = {"MEMORY_SERVICE_ERROR", 503, EXIT_OTHER},
    [ERR_BUSY] = {"MEMORY_SERVICE_ERROR", 503, EXIT_OTHER},
    [ERR_NOMEM] = {"MEMORY_SERVICE_ERROR", 503, EXIT_OTHER},
    [ERR_IO] = {"MEMORY_SERVICE_ERROR", 503, EXIT_OTHER},
    [ERR_DISK_FULL] = {"MEMORY_SERVICE_ERROR", 503, EXIT_OTHER},
    [ERR_READ_ONLY] = {"MEMORY_SERVICE_ERROR", 503, EXIT_OTHER},
    [ERR_CORRUPT] = {"MEMORY_SERVICE_ERROR", 503, EXIT_OTHER},
    [ERR_UNAVAILABLE] = {"MEMORY_SERVICE_ERROR", 503, EXIT_OTHER},
    [ERR_INTERNAL] = {"INTERNAL_ERROR", 500, EXIT_OTHER},
};

static const struct meaning *meaning_of(enum err_code code)
{
    return (unsigned)code < ERR_CODE_COUNT ? &meanings[code] : &meanings[ERR_INTERNAL];
}

/* What does not fit is cut off, though never in the middle of a character. */
__attribute__((format(printf, 3, 0))) static void put_args(char *out, size_t size, const char *fmt, va_list args)
{
    /* One byte more than is kept, so that the cut can see the character it would fall into. */
    char text[sizeof((struct err *)0)->message + 1];
    int n = vsnprintf(text, size + 1, fmt, args);
    size_t kept = n < 0 ? 0 : (size_t)n < size ? (size_t)n : text_cut((struct str){text, size}, size - 1).n;
    memcpy(out, text, kept);
    out[kept] = '\0';
}

__attribute__((format(printf, 3, 4))) static void put(char *out, size_t size, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    put_args(out, size, fmt, args);
    va_end(args);
}

__attribute__((format(printf, 5, 0))) static enum err_code fill(struct err *e, enum err_code code, const char *name,
                                                                const char *field, const char *fmt, va_list args)
{
    if (!e || e->code != ERR_OK)
        return code;
    e->code = code;
    put(e->name, sizeof e->name, "%s", name ? name : "");
    put(e->field, sizeof e->field, "%s", field ? field : "");
    put_args(e->message, sizeof e->message, fmt, args);
    return code;
}

enum err_code err_set(struct err *e, enum err_code code, const char *field, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fill(e, code, NULL, field, fmt, args);
    va_end(args);
    return code;
}

enum err_code err_named(struct err *e, enum err_code code, const char *name, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fill(e, code, name, NULL, fmt, args);
    va_end(args);
    return code;
}

enum err_code err_nomem(struct err *e)
{
    return err_set(e, ERR_NOMEM, NULL, "out of memory");
}

enum err_code err_code_of_errno(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ERR_DISK_FULL;
    case EROFS:
    case EACCES:
    case EPERM:
        return ERR_READ_ONLY;
    case ENOMEM:
        return ERR_NOMEM;
    default:
        return ERR_IO;
    }
}

enum err_code err_errno(struct err *e, const char *what, const char *path)
{
    int number = errno;
    char text[80];
    const char *said = strerror_r(number, text, sizeof text);
    /* The tail of a long path says more than its head, and strerror must not be cut off. */
    enum { PATH_SHOWN = 140 };
    size_t n = path ? strlen(path) : 0;
    const char *dots = n > PATH_SHOWN ? "…" : "";
    const char *shown = n > PATH_SHOWN ? path + (n - PATH_SHOWN) : path;
    if (n == 0)
        return err_set(e, err_code_of_errno(number), NULL, "cannot %s: %s", what, said);
    return err_set(e, err_code_of_errno(number), NULL, "cannot %s %s%s: %s", what, dots, shown, said);
}

void err_clear(struct err *e)
{
    if (e)
        *e = (struct err){0};
}

int err_http_status(enum err_code code)
{
    return meaning_of(code)->http;
}

const char *err_code_name(enum err_code code)
{
    return meaning_of(code)->name;
}

const char *err_api_name(const struct err *e)
{
    return e->name[0] ? e->name : err_code_name(e->code);
}

int err_exit_status(enum err_code code)
{
    return meaning_of(code)->exit;
}
