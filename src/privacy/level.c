/* Levels of privacy: their names, and which classes of finds each masks (contract §5). */
#include "privacy/privacy_int.h"

static const char *const names[PRIVACY_LEVELS] = {"PUBLIC", "TEAM", "PRIVATE", "EPHEMERAL"};

bool privacy_level_parse(struct str name, enum privacy_level *out)
{
    for (int i = 0; i < PRIVACY_LEVELS; i++) {
        if (str_ieq(name, str_of(names[i]))) {
            *out = (enum privacy_level)i;
            return true;
        }
    }
    return false;
}

const char *privacy_level_name(enum privacy_level level)
{
    return names[level];
}

bool level_masks(enum privacy_level level, enum privacy_class class)
{
    switch (class) {
    case PRIVACY_SECRET:
    case PRIVACY_SENSITIVE:
        break;
    case PRIVACY_CONTACT:
        return level <= PRIVACY_TEAM;
    case PRIVACY_ADDRESS:
        return level == PRIVACY_PUBLIC;
    }
    return true;
}
