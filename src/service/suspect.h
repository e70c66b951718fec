/* Recalled text that addresses the model (privacy/injection.h): whether that is looked for, what was found, how it is
 * told to callers. By the setting privacy.injection: flag, drop (left out of chats where it is sure) or off. */
#ifndef CAIRN_SERVICE_SUSPECT_H
#define CAIRN_SERVICE_SUSPECT_H

#include "base/json_write.h"
#include "privacy/injection.h"
#include "service/service.h"

enum suspect_policy { SUSPECT_FLAG, SUSPECT_DROP, SUSPECT_OFF };

enum suspect_policy suspect_policy(const struct service *s);
/* Whether the text is to be marked; always false when off, and when out of memory (the text stays what it is: data). */
bool suspect_text(enum suspect_policy policy, struct str text, struct injection *out);
/* Where the text is to be marked: "injection": {"score": 0.8, "reasons": ["override"]}, strongest first. */
void suspect_tell(const struct service *s, struct json_out *w, struct str text);

#endif
