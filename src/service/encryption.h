/* Encryption at rest: where its secret comes from, and turning a data folder into a sealed one and back, in use.
 *
 * Converting goes in steps: the state is written down first, from then on both forms can be read and all that is
 * written has the new one; then the database, the columns, the index's files and the journal are brought into it; last
 * the state that says so. Killed anywhere, the data is readable, and the same command goes on. */
#ifndef CAIRN_SERVICE_ENCRYPTION_H
#define CAIRN_SERVICE_ENCRYPTION_H

#include "seal/seal.h"
#include "service/service.h"

/* What the settings give. ERR_INVALID: a secret is in a file where it must not be. `config` NULL: none. */
enum err_code encryption_secret(const struct config *config, struct seal_secret *out, struct err *e);

/* Not while another conversion runs; no other process may have the data open. Blocks until all is done. */
enum err_code encryption_seal(struct service *s, const struct seal_secret *secret, struct err *e);
enum err_code encryption_open(struct service *s, struct err *e);
/* Another secret; `deep`: new data keys too, and everything sealed with them. secret NULL: the old one stays. */
enum err_code encryption_rekey(struct service *s, const struct seal_secret *secret, bool deep, struct err *e);

/* {enabled, state} for health. */
void encryption_tell(const struct service *s, struct json_out *w);

#endif
