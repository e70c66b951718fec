/* Masking for one data folder: what the settings (privacy.*) make of the detectors, as the store's gate and for what is
 * written or shown elsewhere than in the store. Opened by service_open, before the store.
 *
 * Two rules. What is kept (masking_kept): a session's level decides; with privacy.auto_redact off contact data and
 * addresses of machines stay, secrets, cards and social security numbers never do. What is shown (masking_shown): the
 * reader's level decides, whatever was kept.
 *
 * Threads: all functions but open and close may be called by any thread. The detectors are compiled with the first text
 * (masking_ready does it at once), since many commands never see one. */
#ifndef CAIRN_SERVICE_MASKING_H
#define CAIRN_SERVICE_MASKING_H

#include "privacy/privacy.h"
#include "store/gate.h"

struct masking;

enum err_code masking_open(const struct config *c, struct masking **out, struct err *e);
void masking_close(struct masking *m); /* NULL is fine */
/* Reads the key of stable masks from the store whose texts these are. Before the first text. */
enum err_code masking_attach(struct masking *m, struct store *s, struct err *e);
/* Compiles the detectors. ERR_INVALID: one of the configuration's is wrong. */
enum err_code masking_ready(struct masking *m, struct err *e);
/* The detectors; NULL and *e when they cannot be had. */
const struct privacy *masking_privacy(struct masking *m, struct err *e);

/* For store_options.gate; lives as long as the masking. */
const struct store_gate *masking_kept(struct masking *m);
const struct store_gate *masking_shown(struct masking *m);
/* The level whose masks a session of that level is kept with ("", "TEAM", … as in store/gate.h). */
enum privacy_level masking_level(const struct masking *m, struct str level);
/* privacy.default_level: of sessions that are made without one. */
struct str masking_default_level(const struct config *c);

#endif
