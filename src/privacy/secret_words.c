/* What a value says: words of manuals, of code and of prose that stand where a secret could. Short lists, and rules on
 * the form of expressions. */
#include "privacy/secret_chars.h"
#include "privacy/secret_look.h"

#include <string.h>

static bool begins(struct str v, const char *what)
{
    const size_t n = strlen(what);
    return v.n >= n && str_ieq(str_take(v, n), (struct str){what, n});
}

/* One of them anywhere in it. They are in lower case; most bytes begin none, and one look at a bit tells. */
static bool has_any(struct str v, const char *const *what, size_t n)
{
    uint64_t firsts = 0;
    for (size_t k = 0; k < n; k++)
        firsts |= (uint64_t)1 << (what[k][0] & 63);
    for (size_t i = 0; i < v.n; i++) {
        const char c = lower(v.p[i]);
        for (size_t k = 0; (firsts >> (c & 63) & 1) && k < n; k++)
            if (what[k][0] == c && begins(str_skip(v, i), what[k]))
                return true;
    }
    return false;
}

/* list: words between bars, with a bar at both ends, in lower case. */
bool secret_listed(const char *list, struct str word)
{
    if (!word.n || word.n > 30)
        return false;
    char key[33] = "|";
    for (size_t i = 0; i < word.n; i++)
        key[i + 1] = lower(word.p[i]);
    key[word.n + 1] = '|';
    key[word.n + 2] = 0;
    return strstr(list, key) != NULL;
}

/* Exactly one of these: what manuals and forms have where a secret goes. */
static const char places[] =
    "|password|passwd|passphrase|passcode|pass|pwd|pw|psw|secret|token|key|apikey|api_key|api-key|mypassword|my_"
    "password|"
    "my-password|user_password|userpassword|username|user|none|null|nil|undefined|true|false|yes|no|n/"
    "a|na|tbd|todo|fixme|"
    "changeme|change-me|change_me|changeit|change_it|default|empty|unset|string|str|text|bytes|value|values|number|"
    "integer|int|boolean|bool|object|array|list|any|unknown|hidden|masked|redacted|removed|scrubbed|sanitized|filtered|"
    "censored|secret_key|secretkey|secret-key|access_token|accesstoken|access-token|auth_token|bearer|basic|mytoken|"
    "my_token|my-token|mysecret|my_secret|my-secret|foo|bar|baz|foobar|test|xxx|abc|asdf|optional|required|"
    "passwort|kennwort|contrase\xc3\xb1"
    "a|senha|here|...|same|";

/* Anywhere in it. */
static const char *const placed[] = {"example",
                                     "placeholder",
                                     "your_",
                                     "your-",
                                     "<your",
                                     "yourpass",
                                     "your pass",
                                     "your",
                                     "changeme",
                                     "change_me",
                                     "change-me",
                                     "redacted",
                                     "insert_",
                                     "insert-",
                                     "replace_",
                                     "replace-",
                                     "replaceme",
                                     "xxxx",
                                     "****",
                                     "....",
                                     "dummy",
                                     "put_",
                                     "todo",
                                     "_here",
                                     "-here",
                                     "goes-here",
                                     "enter_",
                                     "enter-",
                                     "\xe2\x80\xa2\xe2\x80\xa2",
                                     "\xe2\x80\xa6",
                                     "..."};

static bool is_variable(struct str v)
{
    char first = v.p[0], last = v.p[v.n - 1];
    if (first == '$') {
        if (v.n > 1 && (v.p[1] == '{' || v.p[1] == '('))
            return true;
        for (size_t i = 1; i < v.n; i++) {
            if (!(is_upper(v.p[i]) || v.p[i] == '_' || is_lower(v.p[i]) || (i > 1 && is_digit(v.p[i]))))
                return false;
        }
        return v.n > 1;
    }
    if (first == '%' &&
        ((last == '%' && v.n > 2) || (v.n >= 2 && v.n <= 4 && is_lower(last)) || (v.n > 1 && v.p[1] == '(')))
        return true;
    if (first == '{')
        return true;
    if (first == '<' || first == '[')
        return last == (first == '<' ? '>' : ']') || first == '<';
    if (first == '#')
        return v.n > 1 && v.p[1] == '{';
    static const char *const inside[] = {"${", "{}", "%s", "{{", "#{", "<%"};
    return has_any(v, inside, sizeof inside / sizeof *inside);
}

/* Six times the same character on end, of one byte or of up to four: of those that masks and forms are made of, or when
 * it is a third of the whole. (Bytes of zero are AAAA in base64.) */
static bool is_row(struct str v)
{
    for (size_t width = 1; width <= 4; width++) {
        size_t same = 0;
        for (size_t i = width; i < v.n; i++) {
            bool beyond = (unsigned char)v.p[i] >= 0x80, goes_on = v.p[i] == v.p[i - width] && (width == 1 || beyond);
            same = goes_on ? same + 1 : 0;
            bool form = beyond || memchr("xX*#.-_~", v.p[i], 8) != NULL;
            if (same >= 5 * width && (form || same * 3 >= v.n) && (v.p[i] != 'A' || same * 2 >= v.n))
                return true;
        }
    }
    return false;
}

bool secret_placeholder(struct str v)
{
    if (!v.n || secret_listed(places, v) || is_variable(v))
        return true;
    if (has_any(v, placed, sizeof placed / sizeof placed[0]) || is_row(v))
        return true;
    struct secret_look l = secret_look(v);
    return l.distinct <= 2 || (v.n >= 16 && l.distinct <= 4) || l.other == v.n;
}

/* Identifiers joined by dots, arrows or colons, as `config.password`, `this->token`, `Settings::KEY`. */
static bool is_member(struct str v)
{
    bool joined = false;
    for (size_t i = 0; i < v.n; i++) {
        char c = v.p[i];
        bool joint = c == '.' || (c == '-' && i + 1 < v.n && v.p[i + 1] == '>') ||
                     (c == ':' && i + 1 < v.n && v.p[i + 1] == ':') || (c == '?' && i + 1 < v.n && v.p[i + 1] == '.');
        if (joint) {
            if (!i || i + 1 >= v.n)
                return false;
            joined = true;
            i += c != '.';
            if (i + 1 >= v.n || !(is_letter(v.p[i + 1]) || v.p[i + 1] == '_'))
                return false;
        } else if (!(is_letter(c) || c == '_' || c == '$' || is_digit(c))) {
            return false;
        } else if (is_digit(c) && i + 1 < v.n && is_letter(v.p[i + 1])) {
            return false;
        }
    }
    return joined;
}

static const char types[] = "|string|str|text|bytes|int|integer|number|bool|boolean|char|object|any|varchar|nvarchar|"
                            "optional|option|buffer|const|final|static|let|var|new|await|async|function|lambda|return|"
                            "self|this|args|kwargs|req|request|config|settings|env|process|os|input|if|else|not|and|or|"
                            "undefined|null|nil|none|true|false|date|void|vec|float|double|uint8|byte|symbol|";

bool secret_code(struct str v)
{
    if (!v.n)
        return false;
    for (size_t i = 0; i < v.n; i++) {
        if ((v.p[i] == '(' || v.p[i] == '[') && i && (is_letter(v.p[i - 1]) || v.p[i - 1] == '_'))
            return true;
    }
    char first = v.p[0];
    if (first == '(' || first == '[' || first == '{' || first == '&' || first == '<' || first == '|' || first == ')')
        return true;
    return secret_listed(types, v) || is_member(v);
}

/* Words that follow "password is", "password:" in prose and in forms. */
static const char prose[] =
    "|a|an|the|to|for|of|on|in|at|by|is|are|was|be|been|and|or|not|no|if|it|its|this|that|these|those|too|very|also|"
    "still|now|just|only|never|always|what|when|where|which|who|why|how|must|should|can|may|might|will|would|shall|"
    "has|have|had|do|does|did|correct|incorrect|wrong|invalid|valid|bad|good|weak|strong|secure|insecure|safe|unsafe|"
    "long|short|short,|longer|shorter|empty|blank|missing|same|different|known|unknown|new|old|right|ok|okay|fine|"
    "plain|plaintext|text|clear|cleartext|public|private|secret|optional|mandatory|mine|yours|set|reset|sent|lost|kept|"
    "gone|stolen|simple|easy|hard|unique|random|temporary|permanent|visible|case|your|my|our|his|her|their|"
    "options|option|properties|property|flag|flags|argument|arguments|parameter|parameters|setting|settings|"
    "attribute|attributes|keyword|keywords|column|columns|value|values|entry|entries|string|strings|dialog|box|reader|"
    "click|please|see|use|enter|type|check|try|again|forgot|forgotten|change|login|logout|log|sign|user|username|"
    "admin's|field|fields|form|input|button|page|link|email|mail|name|account|manager|managers|policy|policies|hash|"
    "hashes|"
    "hint|reset,|file|files|prompt|protection|strength|length|rules|rule|security|auth|authentication|authorization|"
    "recovery|generator|verification|validation|storage|database|server|client|service|system|error|failure|success|"
    "successful|failed|fail|pass|ok,|done|ready|full|unlimited|high|medium|low|critical|major|minor|open|closed|"
    "enabled|disabled|active|inactive|pending|expired|none|all|both|either|something|anything|nothing|everything|"
    "someone|anyone|nobody|everyone|true|false|null|undefined|string|number|boolean|object|array|var|let|const|"
    "function|return|class|def|import|from|with|without|via|per|as|than|then|else|so|but|because|since|until|while|"
    "after|before|during|between|about|over|under|here|there|today|yesterday|tomorrow|later|soon|yes|maybe|"
    "like|likely|probably|perhaps|usually|often|sometimes|rarely|already|yet|required|needed|vulnerable|available|"
    "compulsory|irrelevant|redundant|stale|fresh|dead|alive|fun|cool|stupid|dumb|silly|great|terrible|awful|crap|shit|"
    "crucial|essential|important|necessary|sensitive|confidential|personal|internal|external|default|defaults|"
    "nowhere|everywhere|somewhere|elsewhere|ein|eine|der|die|das|ist|nicht|falsch|richtig|el|la|los|las|un|una|es|"
    "le|les|des|est|pas|incorrecta|incorrecto|correcta|obligatorio|obligatoria|segura|seguro|facil|requis|erforderlich|"
    "ung\xc3\xbcltig|";

bool secret_prose_word(struct str v)
{
    if (secret_listed(prose, v))
        return true;
    static const char *const ends[] = {"ed",   "ing",  "able", "ible", "ly",  "tion", "ment",
                                       "ness", "less", "ful",  "ous",  "ity", "ive"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t n = strlen(ends[i]);
        if (v.n > n + 2 && str_ieq((struct str){v.p + v.n - n, n}, (struct str){ends[i], n}))
            return true;
    }
    return false;
}

bool secret_names_one(struct str v)
{
    static const char *const names[] = {"pass", "pwd", "secret", "token", "key", "cred", "kennwort", "senha"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct str name = str_of(names[i]);
        for (size_t k = 0; k + name.n <= v.n; k++) {
            bool within = k && is_lower(v.p[k]) && is_letter(v.p[k - 1]); /* monkey */
            if (str_ieq((struct str){v.p + k, name.n}, name) && !(within && name.n == 3))
                return true;
        }
    }
    return false;
}

bool secret_lower_words(struct str v)
{
    struct secret_look l = secret_look(v);
    return l.words && !l.upper;
}

bool secret_path(struct str v)
{
    return str_find(v, STR("://")) >= 0 || str_starts(v, "arn:") || str_starts(v, "./") || str_starts(v, "../") ||
           str_starts(v, "~/") || (v.n > 1 && v.p[0] == '/' && secret_count(v, '/') > 1);
}

/* name=value: an argument. */
bool secret_argument(struct str v)
{
    size_t i = 0;
    while (i < v.n && (((v.p[i] | 32) >= 'a' && (v.p[i] | 32) <= 'z') || v.p[i] == '_'))
        i++;
    return i > 1 && i + 1 < v.n && v.p[i] == '=' && v.p[i + 1] != '=';
}

/* userPassword, challenge_password: the name of one. */
bool secret_is_name(struct str v)
{
    struct secret_look l = secret_look(v);
    return l.words && !l.digits && !secret_count(v, ' ') && secret_names_one(v) &&
           (l.other || (l.upper && l.lower && l.turns >= 2));
}

bool secret_email(struct str v)
{
    ptrdiff_t at = str_find(v, STR("@"));
    return at > 0 && secret_count(v, '@') == 1 && str_find(str_skip(v, (size_t)at), STR(".")) > 1 &&
           secret_look(str_skip(v, (size_t)at)).digits == 0;
}

/* Hashes say by their name what they are. */
bool secret_named_hash(struct str v)
{
    return str_starts(v, "sha1") || str_starts(v, "sha256") || str_starts(v, "sha384") || str_starts(v, "sha512") ||
           str_starts(v, "md5") || str_starts(v, "$2") || str_starts(v, "$argon") || str_starts(v, "pbkdf2");
}

static bool has_word(struct str v, struct str word)
{
    struct str rest = v;
    while (rest.n) {
        if (str_eq(str_cut(&rest, ' '), word))
            return true;
    }
    return false;
}

/* Quoted words with spaces: a passphrase has four or more of them, all in lower case, and says nothing. */
bool secret_passphrase(struct str v)
{
    size_t words = 1, letters = 0, in_word = 0;
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] == ' ') {
            if (in_word < 3)
                return false;
            words++;
            in_word = 0;
        } else if (v.p[i] >= 'a' && v.p[i] <= 'z') {
            letters++;
            in_word++;
        } else {
            return false;
        }
    }
    static const char *const said[] = {"the",    "your", "must", "should", "enter",
                                       "please", "with", "for",  "and",    "password"};
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        if (has_word(v, str_of(said[i])))
            return false;
    }
    return words >= 4 && words <= 8 && letters >= 14;
}

/* Ed25519PublicKey, #f8f8f2 */
bool secret_type_or_color(struct str v)
{
    struct secret_look l = secret_look(v);
    if (v.p[0] == '#' && (v.n == 7 || v.n == 9))
        return true;
    return l.other == (size_t)secret_count(v, '_') + secret_count(v, '.') && l.digits <= 6 && l.turns * 3 < v.n &&
           v.n < 40 && secret_names_one(v) && l.upper && l.lower;
}
