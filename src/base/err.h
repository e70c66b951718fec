/* The one error idiom: functions that can fail return an `enum err_code` (ERR_OK is 0) and, when
 * given one, fill a `struct err` with words for a person. The first failure stays: set it where it
 * happens, pass it up unchanged. A struct err owns nothing. */
#ifndef CAIRN_BASE_ERR_H
#define CAIRN_BASE_ERR_H

enum err_code {
    ERR_OK = 0,
    ERR_INVALID,     /* the caller's input is wrong; `field` names what */
    ERR_NOT_FOUND,   /* no such record */
    ERR_CONFLICT,    /* exists already, or is immutable */
    ERR_GONE,        /* expired or erased */
    ERR_DENIED,      /* no credentials, or wrong ones */
    ERR_FORBIDDEN,   /* known, but not allowed */
    ERR_LIMIT,       /* rate or quota reached; retry_after_ms says when */
    ERR_TOO_LARGE,   /* a bound on size was passed */
    ERR_TIMEOUT,     /* a deadline passed */
    ERR_BUSY,        /* locked by another process for longer than we wait */
    ERR_NOMEM,       /* allocation failed */
    ERR_IO,          /* a file call failed */
    ERR_DISK_FULL,   /* no space left, or a file size limit */
    ERR_READ_ONLY,   /* the data folder cannot be written */
    ERR_CORRUPT,     /* stored data does not check */
    ERR_UNAVAILABLE, /* a service we need is down: upstream, server, store */
    ERR_INTERNAL,    /* a bug: should not happen */
    ERR_CODE_COUNT
};

struct err {
    enum err_code code;
    unsigned retry_after_ms; /* 0: not said */
    char name[40];           /* API code such as "SESSION_NOT_FOUND"; "" takes the code's default */
    char field[48];          /* "" when no single field is to blame */
    char message[256];       /* one sentence, ends without a full stop */
};

/* Sets *e unless it already holds an error, and returns `code`. `field` may be NULL. e may be NULL. */
enum err_code err_set(struct err *e, enum err_code code, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* As err_set, with an API name of its own ("SESSION_NOT_FOUND"). */
enum err_code err_named(struct err *e, enum err_code code, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
enum err_code err_nomem(struct err *e);
/* ENOSPC, EDQUOT, EFBIG → ERR_DISK_FULL; EROFS, EACCES, EPERM → ERR_READ_ONLY; ENOMEM → ERR_NOMEM; else ERR_IO. */
enum err_code err_code_of_errno(int number);
/* From errno: "cannot <what> <path>: <strerror>". path may be NULL. */
enum err_code err_errno(struct err *e, const char *what, const char *path);
void err_clear(struct err *e);

int err_http_status(enum err_code code);       /* 400, 404 … */
const char *err_code_name(enum err_code code); /* "VALIDATION_FAILED" … of contract §3 */
const char *err_api_name(const struct err *e); /* e->name, or the code's default */
int err_exit_status(enum err_code code);       /* CLI exit status: 0 ok, 2 input, 3 not found, 1 else */

#endif
