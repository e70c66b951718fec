/* Structured logs on stderr: one line an event, `time level event key=value …` on a terminal, JSON
 * otherwise. Never contents of records, never keys. Thread-safe (one write(2) a line). */
#ifndef CAIRN_BASE_LOG_H
#define CAIRN_BASE_LOG_H

#include "base/err.h"
#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };

void log_setup(enum log_level level, bool json, int fd);
bool log_level_parse(struct str name, enum log_level *out); /* debug info warn error off */

enum log_type { LOG_T_STR, LOG_T_INT, LOG_T_NUM };
struct log_field {
    const char *key;
    enum log_type type;
    struct str s;
    int64_t i;
    double d;
};
#define L_STR(k, v) ((struct log_field){.key = (k), .type = LOG_T_STR, .s = (v)})
#define L_CSTR(k, v) ((struct log_field){.key = (k), .type = LOG_T_STR, .s = str_of(v)})
#define L_INT(k, v) ((struct log_field){.key = (k), .type = LOG_T_INT, .i = (int64_t)(v)})
#define L_NUM(k, v) ((struct log_field){.key = (k), .type = LOG_T_NUM, .d = (v)})
#define log_event(level, event, ...)                                                                                   \
    log_write((level), (event), (const struct log_field[]){__VA_ARGS__},                                               \
              sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))
void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n);
void log_error(const char *event, const struct err *e); /* at error level */

#endif
