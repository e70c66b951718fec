/* E-mail addresses: what the pattern takes is cut to the address (escapes before it, a sentence behind it), and what
 * only looks like one is refused: passwords in URLs (they are url_credentials), git@host:path, icon@2x.png,
 * a@b.method(). */
#include "privacy/check_pii.h"

#include <string.h>

/* Country codes in use, two letters each. */
static const char COUNTRIES[] = "acadaeafagaialamaoaqarasatauawaxazbabbbdbebfbgbhbibjblbmbnbobqbrbsbtbvbwbybzcacccdcfcg"
                                "chcickclcmcncocrcucvcwcxcyczde"
                                "djdkdmdodzeceeegereseteufifjfkfmfofrgagbgdgegfggghgiglgmgngpgqgrgsgtgugwgyhkhmhnhrhthu"
                                "idieiliminioiqirisitjejmjojpke"
                                "kgkhkikmknkpkrkwkykzlalblclilklrlsltlulvlymamcmdmemfmgmhmkmlmmmnmompmqmrmsmtmumvmwmxmy"
                                "mznancnenfngninlnonpnrnunzompa"
                                "pepfpgphpkplpmpnprpsptpwpyqarerorsrurwsasbscsdsesgshsisjskslsmsnsosrssstsusvsxsysztctd"
                                "tftgthtjtktltmtntotrtttvtwtzua"
                                "ugukusuyuzvavcvevgvivnvuwfwsyeytzazmzw";

/* Others that addresses are often at, and those reserved for examples and for networks at home. */
static const char *const COMMON[] = {
    "academy",  "aero",        "agency",    "app",        "arpa",       "art",           "asia",    "bank",
    "biz",      "blog",        "business",  "cat",        "center",     "chat",          "city",    "cloud",
    "club",     "coop",        "corp",      "com",        "company",    "consulting",    "design",  "dev",
    "digital",  "edu",         "education", "email",      "energy",     "engineering",   "example", "expert",
    "finance",  "foundation",  "global",    "gmbh",       "gov",        "group",         "guru",    "health",
    "home",     "info",        "institute", "int",        "internal",   "international", "invalid", "jobs",
    "lan",      "law",         "legal",     "life",       "link",       "live",          "local",   "localdomain",
    "ltd",      "marketing",   "media",     "mil",        "mobi",       "museum",        "name",    "net",
    "network",  "news",        "ngo",       "ninja",      "onion",      "online",        "org",     "page",
    "partners", "photography", "post",      "press",      "pro",        "school",        "science", "services",
    "shop",     "site",        "social",    "software",   "solutions",  "space",         "store",   "studio",
    "support",  "systems",     "team",      "tech",       "technology", "tel",           "test",    "today",
    "tools",    "top",         "travel",    "university", "wiki",       "work",          "works",   "world",
    "xxx",      "xyz",         "zone",
};

/* Ends of file names, and units of systemd. */
static const char *const FILES[] = {
    "png",  "jpg",   "jpeg", "gif", "svg",    "webp",    "bmp",    "ico",    "tif",   "tiff",  "pdf",   "js",   "jsx",
    "ts",   "tsx",   "mjs",  "cjs", "css",    "scss",    "less",   "html",   "htm",   "json",  "jsonl", "xml",  "yaml",
    "yml",  "toml",  "txt",  "csv", "tsv",    "log",     "lock",   "conf",   "cfg",   "ini",   "env",   "cpp",  "hpp",
    "java", "class", "jar",  "kt",  "scala",  "rb",      "php",    "go",     "exe",   "dll",   "bin",   "iso",  "img",
    "tar",  "gz",    "tgz",  "bz",  "zip",    "rar",     "mp3",    "mp4",    "wav",   "avi",   "doc",   "docx", "xls",
    "xlsx", "ppt",   "pptx", "sql", "sqlite", "db",      "bak",    "tmp",    "patch", "diff",  "ipynb", "wasm", "map",
    "vue",  "proto", "lib",  "obj", "bat",    "service", "socket", "target", "timer", "slice", "mount", "path", "swift",
};

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool listed(struct str word, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_ieq(word, str_of(list[i])))
            return true;
    return false;
}

static bool is_country(struct str label)
{
    for (const char *c = COUNTRIES; label.n == 2 && *c != '\0'; c += 2)
        if (str_ieq(label, (struct str){c, 2}))
            return true;
    return false;
}

static bool known_end(struct str label)
{
    return is_country(label) || listed(label, COMMON, sizeof COMMON / sizeof COMMON[0]) ||
           (label.n > 4 && str_ieq(str_take(label, 4), STR("xn--")));
}

/* The last label, and what is before its dot. */
static struct str last_label(struct str domain, struct str *rest)
{
    size_t i = domain.n;
    while (i > 0 && domain.p[i - 1] != '.')
        i--;
    *rest = str_take(domain, i > 0 ? i - 1 : 0);
    return str_skip(domain, i);
}

/* Punctuation of three bytes begins here: dashes, quotes, 。and the like, wide forms. */
static bool is_sign(const char *p, size_t n)
{
    unsigned char a = (unsigned char)p[0], b = n > 2 ? (unsigned char)p[1] : 0;
    return n > 2 && (a == 0xE2 || (a == 0xE3 && b == 0x80) || (a == 0xEF && b >= 0xBC && b <= 0xBD));
}

/* Cuts what was written on without a space: "x.com.Then", "x.com。" or "x.com请". */
static struct str cut_domain(struct str domain)
{
    for (size_t i = 1; i < domain.n; i++)
        if (is_sign(domain.p + i, domain.n - i))
            domain.n = i;
    while (domain.n > 1 && domain.p[domain.n - 1] == '.')
        domain.n--;
    struct str rest, before, label = last_label(domain, &rest);
    size_t ascii = 0;
    while (ascii < label.n && (unsigned char)label.p[ascii] < 0x80)
        ascii++;
    if (ascii > 0 && ascii < label.n && known_end(str_take(label, ascii))) {
        domain.n -= label.n - ascii;
        label = str_take(label, ascii);
    }
    if (known_end(label) && !(label.p[0] >= 'A' && label.p[0] <= 'Z' && label.n > 1 && label.p[1] >= 'a'))
        return domain;
    struct str second = last_label(rest, &before);
    bool small = second.n > 0 && second.p[0] >= 'a' && second.p[0] <= 'z';
    return before.n > 0 && small && known_end(second) ? rest : domain;
}

/* Where the name begins within what was taken before the @. */
static size_t begin_of_name(struct str text, size_t start, size_t sign)
{
    if (text.p[start] == '"')
        return start;
    if (start > 0 && text.p[start - 1] == '\\' && memchr("nrt", text.p[start], 3) && start + 1 < sign)
        start++;
    if (start > 0 && text.p[start - 1] == '%' && start + 2 < sign && is_hex(text.p[start]) && is_hex(text.p[start + 1]))
        start += 2; /* the rest of an escape */
    for (size_t i = start; i + 2 < sign; i++) {
        bool escape = text.p[i] == '%' && is_hex(text.p[i + 1]) && is_hex(text.p[i + 2]);
        bool plus = escape && text.p[i + 1] == '2' && (text.p[i + 2] | 0x20) == 'b';
        if (escape && !plus)
            start = i + 3;
        if (text.p[i] == '.' && text.p[i + 1] == '.')
            start = i + 2;
    }
    /* signs and, before an ASCII name, letters of scripts that write without spaces */
    for (size_t i = start; i + 3 < sign; i++)
        if (is_sign(text.p + i, sign - i) ||
            ((unsigned char)text.p[i] >= 0xE2 && (is_alnum(text.p[i + 3]) || text.p[i + 3] == '_')))
            start = i + 3;
    while (start < sign && !is_alnum(text.p[start]) && text.p[start] != '_' && (unsigned char)text.p[start] < 0x80)
        start++;
    return start;
}

/* The name stands in a URL's place for user and password: https://user:name@host */
static bool in_url(struct str text, size_t start)
{
    for (size_t i = start; i > 0; i--) {
        char c = text.p[i - 1];
        if (c == '/')
            return i > 2 && text.p[i - 2] == '/' && text.p[i - 3] == ':';
        if (c == ' ' || c == '\n' || c == '\t' || c == '"' || c == '?' || c == '\'')
            return false;
    }
    return false;
}

double check_email(const struct detector_match *m, size_t *start, size_t *end)
{
    struct str text = m->text;
    size_t sign = *end, after_sign = *end;
    for (size_t i = *start; i < *end && sign == *end; i++) {
        struct str s = {text.p + i, *end - i};
        size_t n = s.p[0] == '@'                                             ? 1
                   : (str_starts(s, "%40") || str_starts(s, "\xEF\xBC\xA0")) ? 3
                   : str_starts(s, "&#64;")                                  ? 5
                                                                             : 0;
        if (n > 0) {
            sign = i;
            after_sign = i + n;
        }
    }
    size_t begin = begin_of_name(text, *start, sign);
    if (begin >= sign || text.p[sign - 1] == '.' || in_url(text, begin))
        return 0;
    struct str domain = cut_domain((struct str){text.p + after_sign, *end - after_sign}), rest;
    size_t stop = after_sign + domain.n;
    char after = stop < text.n ? text.p[stop] : ' ', next = stop + 1 < text.n ? text.p[stop + 1] : ' ';
    struct str name = {text.p + begin, sign - begin};
    if (after == '(' || after == '@' || (after == ':' && (str_is(name, "git") || str_is(name, "hg")) && next != ' '))
        return 0;
    *start = begin;
    *end = stop;
    if (domain.p[0] == '[')
        return 0.9;
    struct str label = last_label(domain, &rest);
    if (listed(label, FILES, sizeof FILES / sizeof FILES[0]))
        return 0;
    return known_end(label) ? 0.99 : 0.7;
}
