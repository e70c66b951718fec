/* Addresses of computers. An IPv4 address is four numbers, as some versions and sections are: the words around decide,
 * and the size of the numbers where there are none. What is the same on every machine (loopback, unspecified, masks,
 * broadcast) says nothing of anybody and is left. The addresses reserved for documentation are taken: people who
 * make up examples use them like real ones. A port and a prefix length are not part of the address, a zone is. */
#include "privacy/check_pii.h"
#include "privacy/nearby.h"

#include <arpa/inet.h>
#include <string.h>

enum { SHORT = 9 }; /* bytes: an address below this is as short as versions are */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static bool is_letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}
static bool one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}
static char at(struct str text, size_t i)
{
    return (char)(i < text.n ? text.p[i] : ' ');
}

/* Reads four numbers up to 255 without zeros before; false when they are none. */
static bool read_quad(struct str s, unsigned char quad[4])
{
    size_t i = 0;
    for (int k = 0; k < 4; k++) {
        size_t from = i;
        unsigned v = 0;
        for (; i < s.n && is_digit(s.p[i]); i++)
            v = v * 10 + (unsigned)(s.p[i] - '0');
        if (i == from || i - from > 3 || v > 255 || (s.p[from] == '0' && i - from > 1))
            return false;
        quad[k] = (unsigned char)v;
        i += k < 3;
    }
    return true;
}

static bool of_every_machine(const unsigned char q[4])
{
    bool mask = q[0] == 255 && (q[1] == 255 || q[1] == 0) && q[3] != 255 && (q[2] == 255 || q[2] == 0 || q[3] == 0);
    bool broadcast = q[0] == 255 && q[1] == 255 && q[2] == 255;
    return (q[0] == 127 && q[1] == 0) || q[0] == 0 || mask || broadcast;
}

/* Private ranges and resolvers whose short numbers are known to all: 10.0.0.1, 8.8.8.8 */
static bool well_known(const unsigned char q[4])
{
    return q[0] == 10 || (q[0] == 192 && q[1] == 168) || (q[0] == 172 && q[1] >= 16 && q[1] < 32) ||
           (q[0] == q[1] && q[1] == q[2] && q[2] == q[3] && (q[0] == 8 || q[0] == 1 || q[0] == 9)) ||
           (q[0] == 8 && q[1] == 8 && q[2] == 4 && q[3] == 4);
}

/* The nearest word before that says what the numbers are. */
static unsigned named(struct str text, size_t start)
{
    struct str token;
    for (size_t from = start; start - from < 48 && nearby_before(text, &from, 48 - (start - from), &token);) {
        unsigned kinds = nearby_word(token) & (NEARBY_IP | NEARBY_VERSION | NEARBY_PHONE);
        if (kinds != 0)
            return kinds;
    }
    return 0;
}

/* A product's version in a user agent, Chrome/120.0.0.0, or a file's: lib-1.2.3.4.so, pkg==1.2.3.4 */
static bool of_a_product(struct str text, size_t start, size_t end)
{
    char before = at(text, start - 1);
    if (start == 0)
        return false;
    if (before == '/' && start > 1 && is_letter(text.p[start - 2])) {
        struct str token;
        size_t from = start;
        return nearby_before(text, &from, NEARBY_AFTER, &token) && token.p[0] >= 'A' && token.p[0] <= 'Z';
    }
    if (one_of(before, "-~^") && start > 1 && (is_letter(text.p[start - 2]) || before != '-')) {
        struct str token;
        size_t from = start;
        return !nearby_before(text, &from, NEARBY_AFTER, &token) || (nearby_word(token) & NEARBY_IP) == 0;
    }
    if (before == '=' && start > 1 && one_of(text.p[start - 2], "=<>~!"))
        return true;
    return one_of(before, "~^+$") || (end - start < SHORT && at(text, end) == '-' && is_letter(at(text, end + 1)));
}

/* " -2.03" or ",5.1.2" at i: decimals go on, as in drawings; four numbers are another address. */
static bool decimals_behind(struct str text, size_t i)
{
    size_t dots = 0;
    i += one_of(at(text, i), " ,");
    i += at(text, i) == '-';
    for (; is_digit(at(text, i)) || (at(text, i) == '.' && is_digit(at(text, i + 1))); i++)
        dots += text.p[i] == '.';
    return dots > 0 && dots != 3;
}

double check_ipv4(const struct detector_match *m, size_t *start, size_t *end)
{
    struct str text = m->text;
    unsigned char quad[4];
    if (!read_quad((struct str){text.p + *start, *end - *start}, quad) || of_every_machine(quad) ||
        of_a_product(text, *start, *end))
        return 0;
    char before = at(text, *start - 1), after = at(text, *end);
    if (one_of(after, "*%"))
        return 0;
    unsigned kinds = named(text, *start);
    if ((kinds & NEARBY_IP) != 0 || (*start > 1 && one_of(before, "/@[") && text.p[*start - 2] != ' '))
        return 0.97;
    if ((kinds & NEARBY_VERSION) != 0)
        return 0;
    bool port = after == ':' && is_digit(at(text, *end + 1));
    if (well_known(quad) || port || after == '/')
        return 0.95;
    bool dialled = (kinds & NEARBY_PHONE) != 0 && *end - *start == 11;
    return *end - *start < SHORT || dialled || decimals_behind(text, *end) ? 0 : 0.85;
}

/* Is the address one of those that are given out, or of a link or site? */
static bool given_out(const unsigned char a[16])
{
    return (a[0] & 0xE0) == 0x20 || (a[0] & 0xFE) == 0xFC || (a[0] == 0xFE && (a[1] & 0x80) != 0) || a[0] == 0xFF ||
           (a[0] == 0 && a[1] == 0x64) || (memcmp(a, "\0\0\0\0\0\0\0\0\0\0\xFF\xFF", 12) == 0);
}

/* Groups of two signs only, as fingerprints and hardware addresses are written. */
static bool all_pairs(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((i % 3 == 2) != (s.p[i] == ':'))
            return false;
    return true;
}

/* An address is at the begin of the candidate, of at most this length: the longest part that is one. */
static size_t longest_address(struct str s, unsigned char out[16])
{
    for (size_t n = s.n; n > 1; n--) {
        char copy[INET6_ADDRSTRLEN];
        if (n >= sizeof copy || (n < s.n && s.p[n] != ':' && s.p[n] != '.'))
            continue;
        memcpy(copy, s.p, n);
        copy[n] = '\0';
        if (inet_pton(AF_INET6, copy, out) == 1)
            return n;
    }
    return 0;
}

double check_ipv6(const struct detector_match *m, size_t *start, size_t *end)
{
    struct str text = m->text, s = {text.p + *start, *end - *start};
    const char *zone = memchr(s.p, '%', s.n);
    struct str bare = {s.p, zone ? (size_t)(zone - s.p) : s.n};
    unsigned char address[16];
    size_t n = longest_address(bare, address), groups = 0;
    if (n == 0)
        return 0;
    bool full = zone && n == bare.n;
    size_t stop = full ? *end : *start + n;
    while (full && one_of(text.p[stop - 1], ".-_")) /* the end of a sentence */
        stop--;
    char after = at(text, stop), next = at(text, stop + 1);
    if (is_letter(after) || is_digit(after) || after == '_' ||
        (after == ':' && (is_letter(next) || is_digit(next) || next == ':')))
        return 0;
    for (size_t i = 0; i < n; i++)
        groups += s.p[i] != ':' && (i == 0 || s.p[i - 1] == ':');
    bool digits = false;
    for (size_t i = 0; i < n; i++)
        digits = digits || is_digit(s.p[i]);
    static const unsigned char none[15] = {0};
    if (memcmp(address, none, 15) == 0 && address[15] <= 1) /* :: and ::1 */
        return 0;
    bool called = (nearby_kinds(text, *start, stop, NEARBY_BEFORE, NEARBY_AFTER) & NEARBY_IP) != 0;
    bool short_form = memchr(s.p, ':', n) != NULL && groups < 8 && groups < 4 && !given_out(address);
    bool named_ip = (nearby_name(text, *start, NEARBY_BEFORE) & NEARBY_IP) != 0;
    if ((!called && (!digits || short_form)) || (!named_ip && all_pairs((struct str){s.p, n})))
        return 0;
    if (groups < 2 && !given_out(address))
        return 0;
    *end = stop;
    return given_out(address) || called ? 0.98 : 0.85;
}
