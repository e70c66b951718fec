/* What identifies and reaches people: addresses and numbers. Names and postal addresses of people are not among them:
 * no pattern finds them without masking half of what is said.
 *
 * The patterns are generous and short, the checks strict: each number has a checksum, a plan or a shape, and where that
 * does not decide, the words around it do (nearby.h). The shapes here find candidates at the begin of a token only;
 * `\n` as two signs (a text quoted within a text) counts as a border, and so does what %2B or %20 stands for in a URL.
 */
#include "privacy/check_pii.h"

/* A border before a number or a name: no letter, digit or sign of a word; or an escape that stands for a space. */
#define BORDER "(?:(?<![A-Za-z0-9_])(?<![\\xc3-\\xdf][\\x80-\\xbf])|(?<=\\\\[nrt])|(?<=%20|%2B|%2b|%3D|%3d|%3A|%3a))"
#define NBSP "\\xc2\\xa0|\\xe2\\x80\\xaf"
#define DASH "\\xe2\\x80[\\x90-\\x95]|\\xe2\\x88\\x92"
/* One space, hyphen or the like. */
#define GAP "(?:[ -]|" NBSP "|" DASH ")"

/* An address is found from the begin of its name only, and the name is taken as a whole or not at all: so a long text
 * without spaces is looked at once. Names in scripts of three bytes a letter are not known. */
#define NOT_IN_A_NAME "(?<![A-Za-z0-9._%+'-])(?<![\\xc3-\\xdf][\\x80-\\xbf])"
#define BEHIND_AN_ESCAPE "(?<![A-Za-z0-9._+'-])(?<![\\xc3-\\xdf][\\x80-\\xbf])"
#define DOMAIN                                                                                                         \
    "(?:\\[[0-9.]{7,15}\\]|(?:[A-Za-z0-9\\x80-\\xff](?:[A-Za-z0-9\\x80-\\xff-]{0,62}[A-Za-z0-9\\x80-\\xff])?\\.){1,8}" \
    "(?:(?i:xn--[a-z0-9-]{2,58})|[A-Za-z\\x80-\\xff]{2,48}))"

const struct detector detectors_pii[] = {
    {
        .name = "email",
        .type = "email",
        .class = PRIVACY_CONTACT,
        .pattern = NOT_IN_A_NAME
        "(?:\"[^\"\\\\\\r\\n@]{1,64}+\"|[A-Za-z0-9._%+'\\xc3-\\xdf-][A-Za-z0-9._%+'\\x80-\\xdf-]{0,254}+)"
        "(?:@|\\xef\\xbc\\xa0)" DOMAIN,
        .prefilter = "@|\\xef\\xbc\\xa0",
        .within = 260,
        .check = check_email,
        .confidence = 0.99,
        .alone = 0.99,
        .mask = MASK_EMAIL,
        .most = 1024,
    },
    {
        .name = "email_escaped", /* john%40example.com, john&#64;example.com */
        .type = "email",
        .class = PRIVACY_CONTACT,
        .pattern =
            BEHIND_AN_ESCAPE "[A-Za-z0-9._+'\\xc3-\\xdf-][A-Za-z0-9._+'\\x80-\\xdf-]{0,254}+(?:%40|&#64;)" DOMAIN,
        .prefilter = "%40|&#64;",
        .within = 262,
        .check = check_email,
        .confidence = 0.99,
        .alone = 0.99,
        .mask = MASK_EMAIL,
        .most = 1024,
    },
    {
        .name = "email_spelled",
        .type = "email",
        .class = PRIVACY_CONTACT,
        .pattern = "(?<![A-Za-z0-9._+-])[A-Za-z0-9](?:[A-Za-z0-9._%+-]{0,63}) ?[\\[({<](?i:at|@)[\\])}>] ?"
                   "(?:[A-Za-z0-9][A-Za-z0-9-]{0,62} ?(?:\\.|[\\[({<](?i:dot|\\.)[\\])}>]) "
                   "?){1,5}[A-Za-z]{2,24}(?![A-Za-z0-9])",
        .prefilter = "[\\[({<]([aA][tT]|@)[\\])}>]",
        .within = 72,
        .confidence = 0.9,
        .alone = 0.9,
        .mask = MASK_ALL,
        .most = 512,
    },
    {
        .name = "ssn",
        .type = "ssn",
        .class = PRIVACY_SENSITIVE,
        .pattern =
            BORDER "[0-9]{3}(?:[ .-]|" NBSP "|" DASH ")?[0-9]{2}(?:[ .-]|" NBSP "|" DASH ")?[0-9]{4}(?![A-Za-z0-9_])",
        .number = NUMBER_NINE,
        .within = 15,
        .check = check_ssn,
        .confidence = 0.97,
        .alone = 0.97,
        .mask = MASK_LAST,
        .most = 15,
        .needs = NEEDS_NUMBER,
    },
    {
        .name = "credit_card",
        .type = "credit_card",
        .class = PRIVACY_SENSITIVE,
        .pattern = BORDER "[0-9](?:(?:[ .-]|" NBSP "|" DASH ")?[0-9]){11,47}+",
        .number = NUMBER_TWELVE,
        .within = 45,
        .check = check_card,
        .confidence = 0.99,
        .alone = 0.99,
        .mask = MASK_LAST,
        .keep = 4,
        .most = 192,
        .needs = NEEDS_NUMBER,
    },
    {
        .name = "ipv4",
        .type = "ip",
        .class = PRIVACY_ADDRESS,
        .pattern = "(?:(?<![A-Za-z0-9_.])|(?<=\\\\[nrt])|(?<=%20|%3D|%3d|%3A|%3a|%2F|%2f))(?:[0-9]{1,3}\\.){3}[0-9]{1,"
                   "3}(?![A-Za-z0-9_]|\\.[0-9])",
        .number = NUMBER_DOTTED,
        .within = 13,
        .check = check_ipv4,
        .confidence = 0.95,
        .alone = 0.95,
        .mask = MASK_LAST,
        .most = 15,
        .needs = NEEDS_NUMBER,
    },
    {
        .name = "ipv6",
        .type = "ip",
        .class = PRIVACY_ADDRESS,
        .pattern = "(?:(?<![A-Za-z0-9_.:])|(?<=[G-Zg-z]:)|(?<=\\\\[nrt]))[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}(?:"
                   "\\.[0-9]{1,3}){0,3}(?:%[A-Za-z0-9_.-]{1,15})?",
        .number = NUMBER_COLONS,
        .within = 10,
        .check = check_ipv6,
        .confidence = 0.97,
        .alone = 0.97,
        .mask = MASK_LAST,
        .most = 80,
        .needs = NEEDS_NUMBER,
    },
    {
        .name = "iban",
        .type = "iban",
        .class = PRIVACY_CONTACT,
        .pattern = "(?=[A-Za-z]{2}[0-9]{2})" BORDER "[A-Za-z]{2}[0-9]{2}(?:" GAP "?[A-Za-z0-9]){11,32}+",
        .number = NUMBER_LETTERED,
        .within = 4,
        .check = check_iban,
        .confidence = 0.99,
        .alone = 0.99,
        .mask = MASK_EDGES,
        .keep = 2,
        .most = 144,
        .needs = NEEDS_NUMBER,
    },
    {
        .name = "phone",
        .type = "phone",
        .class = PRIVACY_CONTACT,
        .pattern = BORDER "(?:\\+\\(?|\\(\\+?)?[0-9](?:(?:[ ()./-]|" NBSP "|" DASH "){0,3}[0-9]){4,31}+"
                          "(?:[ ,]{0,2}(?i:x|extension|ext|durchwahl|dw|poste|#)[ .:#]{0,2}[0-9]{1,6})?",
        .number = NUMBER_FIVE,
        .within = 43,
        .check = check_phone,
        .confidence = 0.9,
        .alone = 0.9,
        .mask = MASK_PHONE,
        .most = 360,
        .needs = NEEDS_NUMBER,
    },
};
const size_t detectors_pii_count = sizeof detectors_pii / sizeof detectors_pii[0];
