/* Sorts of bytes, ASCII only, whatever the locale. */
#ifndef CAIRN_PRIVACY_SECRET_CHARS_H
#define CAIRN_PRIVACY_SECRET_CHARS_H

#include <stdbool.h>

static inline bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static inline bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool is_letter(char c)
{
    return is_lower(c) || is_upper(c);
}

static inline char lower(char c)
{
    return is_upper(c) ? (char)(c + 32) : c;
}

#endif
