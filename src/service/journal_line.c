/* Sealing and opening lines of a journal. See journal_line.h. */
#include "service/journal_line.h"

#include "base/file.h"
#include "seal/seal.h"

#include <sodium.h>

enum { FILE_BYTES = 512 << 20, VARIANT = sodium_base64_VARIANT_ORIGINAL_NO_PADDING, MARK = '=' };
static const struct str ABOUT = {"journal line", sizeof "journal line" - 1};

static void put_sealed(struct buf *out, struct keyring *k, struct str json)
{
    struct buf sealed;
    buf_init(&sealed, 0);
    enum err_code rc = keyring_seal(k, SEAL_STORE, json, ABOUT, &sealed, NULL);
    size_t room = sodium_base64_ENCODED_LEN(sealed.n, VARIANT);
    char *p = rc ? NULL : buf_room(out, room + 1);
    if (p) {
        *p = MARK;
        (void)sodium_bin2base64(p + 1, room, (const unsigned char *)sealed.p, sealed.n, VARIANT);
        buf_added(out, room); /* the mark; its final NUL is not */
    } else {
        out->failed = true;
    }
    buf_release(&sealed);
}

void journal_line_put(struct buf *out, struct keyring *k, struct str json)
{
    buf_char(out, '\n');
    if (keyring_seals(k))
        put_sealed(out, k, json);
    else
        buf_str(out, json);
    buf_char(out, '\n');
}

struct str journal_line_take(struct arena *a, struct keyring *k, struct str line)
{
    struct str opened;
    size_t n = 0;
    line = str_trim(line);
    if (!line.n || line.p[0] != MARK)
        return line.n && !seal_state_demands(keyring_state(k)) ? line : STR_NONE;
    line = str_skip(line, 1);
    unsigned char *bytes = k ? arena_alloc(a, line.n + 1) : NULL;
    if (!bytes || sodium_base642bin(bytes, line.n, line.p, line.n, NULL, &n, NULL, VARIANT) ||
        keyring_open_bytes(k, SEAL_STORE, (struct str){(const char *)bytes, n}, ABOUT, a, &opened, NULL))
        return STR_NONE;
    return opened;
}

static enum err_code convert(struct keyring *k, struct str text, struct buf *out, struct err *e)
{
    enum err_code rc = ERR_OK;
    while (text.p && !rc) {
        struct arena *a = arena_new();
        if (!a)
            return err_nomem(e);
        arena_limit(a, FILE_BYTES);
        struct str json = journal_line_take(a, k, str_cut(&text, '\n'));
        if (json.p)
            journal_line_put(out, k, json);
        rc = out->failed || arena_failed(a) ? err_nomem(e) : ERR_OK;
        arena_free(a);
    }
    return rc;
}

enum err_code journal_file_convert(struct keyring *k, const char *path, struct err *e)
{
    struct buf text, out;
    buf_init(&text, FILE_BYTES);
    buf_init(&out, FILE_BYTES);
    enum err_code rc = file_read_all(path, FILE_BYTES, &text, e);
    if (!rc)
        rc = convert(k, buf_view(&text), &out, e);
    if (!rc)
        rc = file_write_atomic(path, buf_view(&out), e);
    buf_release(&text);
    buf_release(&out);
    return rc;
}
