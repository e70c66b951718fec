/* Detectors of what belongs to people and machines: addresses, numbers. Secrets are in detectors_secrets.c. */
#include "privacy/detector.h"

const struct detector detectors_pii[] = {
    {"email", "email", PRIVACY_CONTACT,
     "(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\\.){1,8}[A-Za-z]{2,24}", "@", NULL, NULL, 0.95,
     0.95, MASK_EMAIL, 0, 640},
    {"ssn", "ssn", PRIVACY_SENSITIVE, "(?<![\\w-])\\d{3}-\\d{2}-\\d{4}(?![\\w-])", "\\d{3}-\\d{2}-\\d{4}", NULL,
     "ssn|social security", 0.95, 0.6, MASK_LAST, 0, 11},
};
const size_t detectors_pii_count = sizeof detectors_pii / sizeof detectors_pii[0];
