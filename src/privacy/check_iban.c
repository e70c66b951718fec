/* IBANs: the country's length and the checksum (mod 97). The pattern takes more than the number where words follow it;
 * the length says where it ends. A country that is not in the list needs the word near; a length that is not the
 * country's is taken in one word of capitals, for people (and makers of test data) get it wrong. */
#include "privacy/check_pii.h"
#include "privacy/digits.h"
#include "privacy/nearby.h"

#include <string.h>

enum { IBAN_LEAST = 15, IBAN_MOST = 34 };

/* Country and length, after the registry (ISO 13616), and those who use the form without being in it. */
static const char LENGTHS[] =
    "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27GB22"
    "GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR"
    "27"
    "MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29"
    "VA22VG24XK20YE30AO25BF28BJ28CF27CG27CI28CM27CV25DZ26GA27GQ27GW25IR26KM27MA28MG27ML28MZ25NE28SN28TD27TG28"
    "GF27GP27MQ27RE27YT27PF27NC27WF27TF27PM27BL27MF27GG22JE22IM22AX18";

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static size_t length_of(const char *country)
{
    for (const char *l = LENGTHS; *l != '\0'; l += 4)
        if (memcmp(l, country, 2) == 0)
            return (size_t)(l[2] - '0') * 10 + (size_t)(l[3] - '0');
    return 0;
}

/* The number modulo 97 with its first four signs at the end, letters as 10 to 35. */
static bool checksum(const char *iban, size_t n)
{
    unsigned rest = 0;
    for (size_t i = 0; i < n; i++) {
        char c = iban[(i + 4) % n];
        rest = c <= '9' ? rest * 10 + (unsigned)(c - '0') : rest * 100 + (unsigned)(c - 'A' + 10);
        rest %= 97;
    }
    return rest == 1;
}

double check_iban(const struct detector_match *m, size_t *start, size_t *end)
{
    char iban[IBAN_MOST];
    size_t n = 0, most = *end;
    bool named = (nearby_kinds(m->text, *start, *end, NEARBY_BEFORE, NEARBY_AFTER) & NEARBY_BANK) != 0;
    if (digits_glued(m->text, *start)) /* the end of a UUID */
        most = *start;
    for (size_t i = *start; i < most && n < sizeof iban; i++) {
        char c = m->text.p[i];
        if (!is_alnum(c))
            continue;
        iban[n++] = (char)(c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c);
        bool whole = i + 1 >= m->text.n || !is_alnum(m->text.p[i + 1]);
        size_t length = n >= 2 ? length_of(iban) : 0;
        if (!whole || n < IBAN_LEAST || !checksum(iban, n))
            continue;
        bool one_word = i + 1 - *start == n && memcmp(iban, m->text.p + *start, n) == 0; /* in capitals */
        if (n != length && !(named && (one_word || length == 0)) && !(one_word && length != 0))
            continue;
        *end = i + 1;
        return n == length ? 0.99 : (named ? 0.8 : 0.6);
    }
    *end = *start + 2; /* another may begin within what was taken */
    return 0;
}
