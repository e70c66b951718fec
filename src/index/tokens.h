/* Tokens: the forms under which a text is found. What is indexed and what is asked go through the same walk, so the two
 * can never differ. Not a language model: Unicode's own properties, English endings, and how code, files and dates are
 * written.
 *
 * A word gives its stem, and where that differs its exact form too, so that the exact word ranks first. What is written
 * together (snake_case, src/main.c, 2023-05-08, an address) gives its words and the whole. Scripts that are written
 * without spaces give pairs of characters.
 *
 * Name spaces, told by the first byte of a form:
 *   =word    the exact form of a word whose stem is another
 *   #word    a tag, or a number of an issue
 *   @@word   a handle; a single @ is the index's own, for the words of agents' names
 *   others   stems, parts, wholes
 *
 * Threads: no state; any thread at any time. Memory: none but the stack (about 6 KB). */
#ifndef CAIRN_INDEX_TOKENS_H
#define CAIRN_INDEX_TOKENS_H

#include "base/err.h"
#include "base/str.h"

/* Bytes of a form; forms of one text, after which the rest of the text is not looked at: about 300 KB of prose. */
enum { TOKEN_BYTES = 64, TOKENS_PER_TEXT = 100000 };

enum token_kind {
    TOKEN_WORD,  /* a word as it is mostly found: its stem; or two characters of a script without spaces */
    TOKEN_STOP,  /* a word that says nothing ("the"); not for the index */
    TOKEN_EXACT, /* =word */
    TOKEN_PART,  /* within a word: Server of HTTPServer, one character of Chinese */
    TOKEN_WHOLE, /* several words written together, an address, a tag */
    TOKEN_KINDS
};
struct token {
    struct str form; /* 1 … TOKEN_BYTES bytes; borrowed until the function returns */
    size_t from, to; /* where it stands in the text; `from` never goes back */
    enum token_kind kind;
};

/* Every form that belongs into an index (no stop words). fn: non-zero ends the walk. Any bytes may come: what is not
 * valid UTF-8 parts words as a space does. Nothing can fail but fn, which keeps its own reason: ERR_OK always. */
typedef int token_fn(void *arg, struct str form, size_t from, size_t to);
enum err_code tokens_each(struct str text, token_fn *fn, void *arg, struct err *e);

/* The same with each form's kind, stop words included. TOKENS_WORDS: only TOKEN_WORD and TOKEN_STOP, at less cost: the
 * text's words one after another. */
enum tokens_wanted { TOKENS_ALL, TOKENS_WORDS };
typedef int token_kind_fn(void *arg, const struct token *t);
void tokens_walk(struct str text, enum tokens_wanted wanted, token_kind_fn *fn, void *arg);

/* Whether the word, in any case of ASCII letters, is one that says nothing. */
bool token_is_stop(struct str word);

#endif
