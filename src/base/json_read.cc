/* simdjson behind a C tree. simdjson's DOM parser validates and decodes the whole text; then its
 * tape and the text are walked side by side, to learn which bytes each value came from. The walk
 * relies on the text being valid, yet never reads past its end.
 *
 * C++ only because simdjson is; built without exceptions, allocation failures come back as codes.
 * Not here: where a refused text goes wrong (json_fault.c) and looking things up (json.c). */
#include <simdjson.h>

#include <algorithm>
#include <cstring>

extern "C" {
#include "base/json.h"
#include "base/json_fault.h"
#include "base/mem.h"
#include "base/number.h"
}

namespace
{

namespace dom = simdjson::dom;

constexpr size_t PADDING = simdjson::SIMDJSON_PADDING;
/* Parsers for texts up to this size stay with their thread (about 1 MB when used to the full). */
constexpr size_t POOLED_MAX = 256 * 1024;
constexpr size_t POOLED_MIN = 4 * 1024;
/* Integers of fewer digits always fit an int64. */
constexpr size_t BIG_DIGITS = 19;
/* Up to here keys are compared each with each, above they are sorted: no input makes that slow. */
constexpr size_t FEW_KEYS = 12;
/* Positions in the text are 32-bit numbers in simdjson. */
constexpr size_t TEXT_MAX = 0xFFFFFFFF - 2 * PADDING;
/* simdjson counts the members of large containers only up to here. */
constexpr size_t COUNT_MAX = 0xFFFFFF;

/* A parser and the padded copy of the text that it reads from. */
struct workshop {
    dom::parser parser;
    char *copy = nullptr;
    size_t cap = 0;

    ~workshop()
    {
        mem_free(copy);
    }
    bool make_room(size_t n);
};

bool workshop::make_room(size_t n)
{
    if (n <= cap && copy)
        return true;
    size_t size = std::max(n, POOLED_MIN);
    if (size < POOLED_MAX)
        size = std::min(2 * size, POOLED_MAX);
    char *bigger = static_cast<char *>(mem_alloc(size + PADDING));
    if (!bigger)
        return false;
    mem_free(copy);
    copy = bigger;
    /* simdjson's own allocations do not come through mem.h: the injector is asked for them here. */
    bool ready = !mem_fail_now() && parser.allocate(size, JSON_MAX_DEPTH + 1) == simdjson::SUCCESS;
    cap = ready ? size : 0;
    return ready;
}

thread_local workshop pooled;

struct walk {
    struct arena *a;
    struct str text;
    const char *p, *end; /* where in the text, and its end */
    struct err *e;
    bool duplicates_ok;
    bool big_integers;   /* the copy holds 0 where the text has an integer that simdjson refuses */
    bool lone_surrogate; /* met one: the text is refused after all */
};

bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool is_number_char(char c)
{
    return is_digit(c) || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

void skip_space(walk &w)
{
    while (w.p < w.end && (*w.p == ' ' || *w.p == '\n' || *w.p == '\r' || *w.p == '\t'))
        w.p++;
}

/* Over one expected character and the white space before it. */
void skip_mark(walk &w)
{
    skip_space(w);
    if (w.p < w.end)
        w.p++;
}

/* Four hex digits, already known to be valid. */
unsigned hex4(const char *p)
{
    unsigned v = 0;
    for (int i = 0; i < 4; i++)
        v = v << 4 | (is_digit(p[i]) ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
    return v;
}

/* Over one escape. This release of simdjson lets some unpaired surrogates through: they are told here. */
void skip_escape(walk &w)
{
    if (w.end - w.p < 6 || w.p[1] != 'u') {
        w.p += 2;
        return;
    }
    unsigned unit = hex4(w.p + 2);
    w.p += 6;
    if (unit < 0xD800 || unit > 0xDFFF)
        return;
    unsigned low = w.end - w.p >= 6 && w.p[0] == '\\' && w.p[1] == 'u' ? hex4(w.p + 2) : 0;
    if (unit >= 0xDC00 || low < 0xDC00 || low > 0xDFFF)
        w.lone_surrogate = true;
    else
        w.p += 6;
}

const char *find(const char *p, const char *end, char c)
{
    return p < end ? static_cast<const char *>(std::memchr(p, c, end - p)) : nullptr;
}

/* Over a string, quotes included. */
void skip_string(walk &w)
{
    w.p++;
    const char *quote = find(w.p, w.end, '"');
    while (quote) {
        const char *escape = find(w.p, quote, '\\');
        if (!escape)
            break;
        w.p = escape;
        skip_escape(w);
        if (quote < w.p)
            quote = find(w.p, w.end, '"');
    }
    w.p = quote ? quote + 1 : w.end;
}

void skip_word(walk &w)
{
    while (w.p < w.end && (is_number_char(*w.p) || (*w.p >= 'a' && *w.p <= 'z')))
        w.p++;
}

enum err_code internal_error(walk &w)
{
    return err_set(w.e, ERR_INTERNAL, nullptr, "the JSON reader lost its place");
}

struct str since(const walk &w, const char *from)
{
    return {from, static_cast<size_t>(w.p - from)};
}

bool copy_text(walk &w, std::string_view text, struct str *out)
{
    *out = arena_str(w.a, {text.data() ? text.data() : "", text.size()});
    return out->p != nullptr;
}

enum err_code fill(walk &w, dom::element v, struct json *out, int depth);

template <typename container> size_t count_of(container c)
{
    size_t n = c.size();
    if (n < COUNT_MAX)
        return n;
    n = 0;
    for (auto it = c.begin(); it != c.end(); ++it)
        n++;
    return n;
}

enum err_code fill_array(walk &w, dom::array array, struct json *out, int depth)
{
    out->type = JSON_ARRAY;
    out->n = count_of(array);
    struct json *items = arena_array(w.a, struct json, out->n);
    if (!items)
        return err_nomem(w.e);
    out->items = items;
    w.p++;
    for (dom::element v : array) {
        skip_space(w);
        enum err_code rc = fill(w, v, items++, depth + 1);
        if (rc != ERR_OK)
            return rc;
        skip_mark(w); /* the comma, or the closing bracket */
    }
    if (out->n == 0)
        skip_mark(w);
    return ERR_OK;
}

enum err_code duplicate(walk &w, struct str key)
{
    return err_set(w.e, ERR_INVALID, "body", "the key \"%.*s\" appears twice in one object",
                   static_cast<int>(std::min<size_t>(key.n, 80)), key.p);
}

bool key_before(const struct json_member *a, const struct json_member *b)
{
    return str_cmp(a->key, b->key) < 0;
}

enum err_code check_many_keys(walk &w, const struct json_member *keys, size_t n)
{
    auto **sorted = static_cast<const struct json_member **>(mem_alloc(n * sizeof(keys)));
    if (!sorted)
        return err_nomem(w.e);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &keys[i];
    std::sort(sorted, sorted + n, key_before);
    enum err_code rc = ERR_OK;
    for (size_t i = 1; i < n && rc == ERR_OK; i++)
        if (str_eq(sorted[i - 1]->key, sorted[i]->key))
            rc = duplicate(w, sorted[i]->key);
    mem_free(sorted);
    return rc;
}

enum err_code check_keys(walk &w, const struct json_member *keys, size_t n)
{
    if (w.duplicates_ok)
        return ERR_OK;
    if (n > FEW_KEYS)
        return check_many_keys(w, keys, n);
    for (size_t i = 1; i < n; i++)
        for (size_t k = 0; k < i; k++)
            if (str_eq(keys[i].key, keys[k].key))
                return duplicate(w, keys[i].key);
    return ERR_OK;
}

enum err_code fill_object(walk &w, dom::object object, struct json *out, int depth)
{
    out->type = JSON_OBJECT;
    out->n = count_of(object);
    struct json *items = arena_array(w.a, struct json, out->n);
    struct json_member *keys = arena_array(w.a, struct json_member, out->n);
    if (!items || !keys)
        return err_nomem(w.e);
    out->items = items;
    out->keys = keys;
    w.p++;
    for (dom::key_value_pair member : object) {
        skip_space(w);
        const char *from = w.p;
        skip_string(w);
        skip_mark(w); /* the colon */
        skip_space(w);
        if (!copy_text(w, member.key, &keys->key))
            return err_nomem(w.e);
        enum err_code rc = fill(w, member.value, items++, depth + 1);
        if (rc != ERR_OK)
            return rc;
        keys++->raw = since(w, from);
        skip_mark(w); /* the comma, or the closing brace */
    }
    if (out->n == 0)
        skip_mark(w);
    return check_keys(w, out->keys, out->n);
}

enum err_code fill_double(walk &w, double v, struct json *out)
{
    out->type = JSON_DOUBLE;
    out->number = v;
    skip_word(w);
    return ERR_OK;
}

enum err_code fill_integer(walk &w, int64_t v, struct json *out)
{
    const char *from = w.p;
    skip_word(w);
    struct str raw = since(w, from);
    out->type = JSON_INT;
    out->integer = v;
    if (w.big_integers && raw.n >= BIG_DIGITS && !str_int(raw, &out->integer)) {
        out->type = JSON_DOUBLE;
        out->integer = 0;
        if (!number_read(raw.p, raw.n, &out->number))
            return err_set(w.e, ERR_INVALID, "body", "the number %.*s… is out of range",
                           static_cast<int>(std::min<size_t>(raw.n, 40)), raw.p);
        return ERR_OK;
    }
    out->number = static_cast<double>(out->integer);
    return ERR_OK;
}

enum err_code fill_string(walk &w, std::string_view text, struct json *out)
{
    out->type = JSON_STRING;
    skip_string(w);
    return copy_text(w, text, &out->s) ? ERR_OK : err_nomem(w.e);
}

enum err_code fill_kind(walk &w, dom::element v, struct json *out, int depth)
{
    switch (v.type()) {
    case dom::element_type::ARRAY:
        return fill_array(w, v.get_array().value_unsafe(), out, depth);
    case dom::element_type::OBJECT:
        return fill_object(w, v.get_object().value_unsafe(), out, depth);
    case dom::element_type::STRING:
        return fill_string(w, v.get_string().value_unsafe(), out);
    case dom::element_type::INT64:
        return fill_integer(w, v.get_int64().value_unsafe(), out);
    case dom::element_type::UINT64:
        return fill_double(w, static_cast<double>(v.get_uint64().value_unsafe()), out);
    case dom::element_type::DOUBLE:
        return fill_double(w, v.get_double().value_unsafe(), out);
    case dom::element_type::BOOL:
        out->type = JSON_BOOL;
        out->boolean = v.get_bool().value_unsafe();
        break;
    case dom::element_type::NULL_VALUE:
        out->type = JSON_NULL;
        break;
    }
    skip_word(w);
    return ERR_OK;
}

enum err_code fill(walk &w, dom::element v, struct json *out, int depth)
{
    /* simdjson bounds the depth too, but does not count empty containers. */
    if (depth >= JSON_MAX_DEPTH && (v.is_array() || v.is_object()))
        return json_fault(w.text, w.e);
    if (w.p >= w.end)
        return internal_error(w);
    const char *from = w.p;
    enum err_code rc = fill_kind(w, v, out, depth);
    if (w.p > w.end)
        return internal_error(w);
    out->raw = since(w, from);
    return rc;
}

/* simdjson refuses integers past 64 bits, which JSON allows. In the copy each is overwritten with a
 * 0 and spaces; fill_integer then reads it from the text. True when there was one. */
bool patch_big_integers(char *p, const char *end)
{
    bool any = false;
    bool in_string = false;
    while (p < end) {
        if (in_string || !is_number_char(*p)) {
            in_string ^= *p == '"';
            p += in_string && *p == '\\' ? 2 : 1;
            continue;
        }
        char *from = p;
        while (p < end && is_number_char(*p))
            p++;
        char *digits = from + (*from == '-');
        if (p - digits >= static_cast<ptrdiff_t>(BIG_DIGITS) && *digits != '0' && std::all_of(digits, p, is_digit)) {
            std::memset(from, ' ', p - from);
            *from = '0';
            any = true;
        }
    }
    return any;
}

enum err_code parse(workshop &shop, walk &w, const struct json **out)
{
    struct str text = w.text;
    if (!shop.make_room(text.n))
        return err_nomem(w.e);
    std::memcpy(shop.copy, text.p, text.n);
    std::memset(shop.copy + text.n, 0, PADDING);
    dom::element root;
    simdjson::error_code code = shop.parser.parse(shop.copy, text.n, false).get(root);
    if (code == simdjson::NUMBER_ERROR && patch_big_integers(shop.copy, shop.copy + text.n)) {
        w.big_integers = true;
        code = shop.parser.parse(shop.copy, text.n, false).get(root);
    }
    if (code == simdjson::MEMALLOC)
        return err_nomem(w.e);
    if (code != simdjson::SUCCESS)
        return json_fault(text, w.e);
    struct json *tree = arena_array(w.a, struct json, 1);
    if (!tree)
        return err_nomem(w.e);
    skip_space(w);
    enum err_code rc = fill(w, root, tree, 0);
    if (rc == ERR_OK && w.lone_surrogate)
        rc = json_fault(text, w.e);
    if (rc == ERR_OK)
        *out = tree;
    return rc;
}

} // namespace

enum err_code json_parse(struct arena *a, struct str text, unsigned flags, const struct json **out, struct err *e)
{
    *out = nullptr;
    if (text.n == 0)
        return err_set(e, ERR_INVALID, "body", "it is empty; JSON is expected");
    if (text.n > TEXT_MAX)
        return err_set(e, ERR_TOO_LARGE, "body", "JSON of more than 4 GiB cannot be read");
    walk w = {a, text, text.p, text.p + text.n, e, (flags & JSON_DUPLICATES_OK) != 0, false, false};
    if (text.n <= POOLED_MAX)
        return parse(pooled, w, out);
    workshop large;
    return parse(large, w, out);
}
