/* What is known of a file of a source (state.c). Between the files of an import. */
#ifndef CAIRN_SERVICE_HISTORY_STATE_H
#define CAIRN_SERVICE_HISTORY_STATE_H

#include "service/history/int.h"

/* What became of lines, with reasons. */
struct file_counts {
    struct history_counts c;
    struct {
        struct str name;
        int64_t n;
    } why[HISTORY_REASONS];
    size_t n;
    int64_t before; /* of a `tail`: what was new in readings that were broken off, and is known in this one */
};
void counts_read(struct arena *a, struct str text, struct file_counts *out);
struct str counts_text(struct arena *a, const struct file_counts *f);
void reasons_add(struct file_counts *f, struct str name, int64_t n);
void counts_sum(struct history_counts *to, const struct history_counts *more, int sign); /* sign: 1, -1 */
void counts_add(struct file_counts *to, const struct file_counts *more);
void counts_subtract(struct file_counts *from, const struct file_counts *less);

struct file_state {
    char id[ID_MAX];
    int64_t seq; /* of its record; 0: there is none */
    int64_t device, inode, size, modified_ns, read_to, lines;
    struct sha256 hash;      /* of its first hash.bytes bytes */
    struct str anchor;       /* of the last bytes of those */
    struct str counts, tail; /* JSON: up to read_to, and behind */
    struct str reading;      /* the one that kept its place last */
    bool read;               /* it was read to its end */
    int64_t last_time;       /* of the last turn before read_to */
    int64_t before;          /* new in readings of the same content that were broken off */
    bool anew;               /* it is read from its beginning: what was counted before does not count */
};
/* By s->id; seq 0 where there is none. */
enum err_code state_read(struct store_tx *tx, struct arena *a, struct file_state *s, struct err *e);
/* The fields that tell the file as it was read. */
void state_fill(struct arena *a, const struct file_state *s, struct record *r);
/* Takes the bytes of the file from h->bytes up to `to` into the checksum. stop: NULL, or ERR_LIMIT once it is set. */
enum err_code state_hash(int fd, struct sha256 *h, int64_t to, const atomic_bool *stop, struct err *e);
/* A checksum of the last bytes before `to`: whether a file has only grown. */
struct str state_anchor(struct arena *a, int fd, int64_t to);

#endif
