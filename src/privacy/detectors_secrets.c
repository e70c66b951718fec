/* Detectors of secrets: keys, tokens, passwords. */
#include "privacy/detector.h"

const struct detector detectors_secrets[] = {
    {"aws_access_key", "aws_key", PRIVACY_SECRET, "(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Za-z0-9])",
     "(?:AKIA|ASIA)[A-Z2-7]{16}", NULL, NULL, 0.95, 0.95, MASK_PREFIX, 4, 20},
};
const size_t detectors_secrets_count = sizeof detectors_secrets / sizeof detectors_secrets[0];
