/* Texts for the privacy tests: made from parts by a number, so that the same number gives the same text; none holds a
 * key that was ever somebody's. */
#ifndef CAIRN_TESTS_PRIVACY_TEXTS_H
#define CAIRN_TESTS_PRIVACY_TEXTS_H

#include "base/arena.h"
#include "privacy/privacy_int.h"

static const char *const PARTS[] = {
    "bob.jones@example.com",
    "a@b.co",
    "x@",
    "@example.org",
    "j\xc3\xbcrgen@m\xc3\xbcller.de",
    "+1 555-123-4567",
    "(555) 123-4567",
    "555.123.4567",
    "+44 20 7946 0958",
    "123-45-6789",
    "ssn",
    "SSN: ",
    "social security number ",
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "5500005555555559",
    "378282246310005",
    "4111111111111112",
    "card ",
    "192.168.1.10",
    "10.0.0.256",
    "2001:db8::ff00:42:8329",
    "::1",
    "fe80::",
    "::ffff:10.0.0.7",
    "DE89 3704 0044 0532 0130 00",
    "GB82WEST12345698765432",
    "AKIA",
    "AKIA"
    "QYLPMN5HJ2TWXK3R",
    "gh"
    "p_",
    "R8tYq2LmZx0PvN4sKd7WcJb1HgUe6FaO3iTy",
    "xo"
    "xb-",
    "sk-",
    "eyJhbGciOiJIUzI1NiJ9",
    ".eyJzdWIiOiIxMjM0In0",
    ".c2lnbmF0dXJlc2lnbmF0dXJl",
    "-----BEGIN RSA PRIVATE KEY-----\n",
    "MIIEpAIBAAKCAQEA7bq0XfZ3\n",
    "-----END RSA PRIVATE KEY-----",
    "password=",
    "password: ",
    "\"password\": \"",
    "PASSWORD = '",
    "api_key=",
    "token ",
    "secret",
    "hunter2!",
    "correct-horse-battery",
    "postgres://bob:s3cr3t@db.example.com/x",
    "https://",
    "user:",
    "postgres://",
    "********",
    "h***@example.com",
    "[EMAIL]",
    "***",
    "*",
    "[EMAIL:bcdfghj]",
    "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    "d41d8cd98f00b204e9800998ecf8427e",
    "v1.2.3.4",
    "2024-01-15 10:30",
    "call me at ",
    "Bearer ",
    "Authorization: ",
    "hello",
    "the",
    "and \xe2\x80\x94 so",
    " ",
    " ",
    " ",
    ", ",
    "\n",
    "-",
    ".",
    "\"",
    "'",
    ":",
    "=",
    "1",
    "12",
    "007",
    "A",
    "z",
    "\xff",
    "\xc3",
    "\xf0\x9f\x98\x80",
    "\xe2\x80\x91",
    "/",
    "@",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "a",
    "01234567890123456789012345678901234567890123456789",
};
enum { N_PARTS = sizeof PARTS / sizeof PARTS[0] };

static inline uint64_t next_number(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* A text of `parts` parts; every fourth part is followed by random letters or digits, so that not all is seen before.
 */
static inline struct str made_text(struct arena *a, uint64_t number, size_t parts)
{
    static const char signs[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./@ ";
    uint64_t state = number * 0x9e3779b97f4a7c15u + 1;
    struct buf b;
    buf_init(&b, 0);
    for (size_t i = 0; i < parts; i++) {
        buf_cstr(&b, PARTS[next_number(&state) % N_PARTS]);
        for (size_t k = next_number(&state) % 4 == 0 ? next_number(&state) % 24 : 0; k > 0; k--)
            buf_char(&b, signs[next_number(&state) % (sizeof signs - 1)]);
    }
    return buf_take(&b, a);
}

/* "3-12 email 0.95\n…": what was found, to compare. */
static inline struct str spans_text(struct arena *a, const struct privacy_span *spans, size_t n)
{
    struct buf b;
    buf_init(&b, 0);
    for (size_t i = 0; i < n; i++)
        buf_fmt(&b, "%zu-%zu %s %.2f\n", spans[i].start, spans[i].end, spans[i].type, spans[i].confidence);
    buf_char(&b, ' ');
    return buf_take(&b, a);
}

#endif
