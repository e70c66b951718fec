/* What phrases say. A phrase is a line of words: alternatives with bars, "*" for any ending, "~3" for up to three words
 * between, "^" for the start of a line. Words are compared as they read, without marks: "précédentes" is "precedentes".
 * A weight says how far the phrase alone goes; phrases of one reason do not add up, those of different reasons do. */
#include "privacy/injection_int.h"

struct phrase {
    enum injection_reason reason;
    double weight;
    const char *words;
};

#define BEFORE "previous|prior|above|earlier|preceding|former|foregoing|past|existing|original|initial|system|safety"
#define RULES "instruction*|prompt*|directive*|guideline*|training|programming|safeguard*"

/* clang-format off */
static const struct phrase phrases[] = {
    {INJECTION_OVERRIDE, 0.8, "ignore|ignoring|disregard|forget|override|bypass|overlook|neglect|discard ~3 " BEFORE "|your|all ~2 " RULES},
    {INJECTION_OVERRIDE, 0.7, "ignore|disregard|forget ~3 " BEFORE "|your ~2 rule*|constraint*|restriction*|polic*|order*|direction*|filter*"},
    {INJECTION_OVERRIDE, 0.75, "ignore|disregard|forget|discard ~2 instruction*|prompt*|directive*|guideline*|rules ~3 above|before|previously|earlier|given|told|received"},
    {INJECTION_OVERRIDE, 0.35, "ignore|disregard|forget ~3 " BEFORE "|your ~2 command*|context|message*|text|conversation|content*"},
    {INJECTION_OVERRIDE, 0.6, "ignore|disregard|forget ~1 all|everything|anything ~3 above|before|said|told|learned|taught|know"},
    {INJECTION_OVERRIDE, 0.7, "dont|not|never|stop|cease ~1 follow|obey|following|obeying|heed ~2 previous|prior|your|system|original|earlier ~2 instruction*|rule*|prompt*|guideline*"},
    {INJECTION_OVERRIDE, 0.55, "your ~1 new|real|actual|true|only ~1 task|instruction*|objective|goal|mission|purpose|directive is|are|will ~1 to|now|always|only|from|simple|be|as"},
    {INJECTION_OVERRIDE, 0.5, "^new|updated|revised|override instruction*|directive*|orders ~1"},
    {INJECTION_OVERRIDE, 0.6, "instruction*|rules|prompt|guidelines ~3 void|cancelled|canceled|obsolete|superseded|revoked|overridden|suspended|lifted"},
    {INJECTION_OVERRIDE, 0.5, "instruction*|prompt|guidelines ~1 no longer apply|applies|valid|bind"},
    {INJECTION_OVERRIDE, 0.5, "earlier|previous|prior|your rules no longer apply|valid|bind"},
    {INJECTION_OVERRIDE, 0.8, "ignorier*|vergiss|missachte* ~3 vorherig*|bisherig*|obig*|vorangegangen*|fruher*|alle|deine ~2 anweisung*|instruktion*|regel*|befehl*|vorgabe*"},
    {INJECTION_OVERRIDE, 0.8, "ignor*|oubli* ~4 instruction*|consigne*|regle* ~2 precedent*|anterieur*|ci"},
    {INJECTION_OVERRIDE, 0.8, "ignor*|olvid*|descart*|esquec* ~4 instruc*|reglas|regras|indicaciones|ordenes|orientacoes ~2 anterior*|previa*|precedent*|acima"},
    {INJECTION_OVERRIDE, 0.8, "ignora*|dimentica* ~4 istruzion*|regole ~2 precedent*|sopra"},
    {INJECTION_OVERRIDE, 0.8, "negeer|vergeet ~3 vorige|eerdere|voorgaande|bovenstaande ~2 instructies|opdrachten|regels"},
    {INJECTION_OVERRIDE, 0.8, "zignoruj|ignoruj|zapomnij ~3 poprzedni*|wczesniejsz* ~2 instrukc*|polece*"},
    {INJECTION_OVERRIDE, 0.8, "abaikan ~2 instruksi|perintah|arahan ~2 sebelumnya"},

    {INJECTION_ROLE, 0.65, "you are|re now|henceforth ~2 dan|jailbroken|unrestricted|unfiltered|uncensored|evil|rogue|unbound"},
    {INJECTION_ROLE, 0.55, "you are|re now|henceforth a|an|my|the|in ~4 assistant|ai|model|bot|agent|hacker|chatbot|persona|terminal|shell|mode|interpreter"},
    {INJECTION_ROLE, 0.6, "you are|re no longer ~3 assistant|ai|bound|restricted|claude|chatgpt|gpt*|model|limited"},
    {INJECTION_ROLE, 0.65, "pretend|act|behave|roleplay|respond|answer ~4 no|without|any ~2 restriction*|filter*|guidelines|limits|limitations|censorship|safety|ethic*"},
    {INJECTION_ROLE, 0.6, "dan|jailbreak|unrestricted|god|sudo|unfiltered mode"},
    {INJECTION_ROLE, 0.4, "developer|admin|debug|maintenance|root mode ~1 enabled|activated|engaged|unlocked|on"},
    {INJECTION_ROLE, 0.65, "do anything now"},
    {INJECTION_ROLE, 0.3, "from now on ~2 you|respond|answer|act|only"},
    {INJECTION_ROLE, 0.3, "you must|shall|will ~1 now|always|only|comply|obey|follow|respond|answer|reply"},
    {INJECTION_ROLE, 0.6, "du bist|sind ab jetzt|nun|sofort ~3 ki|assistent|modus|hacker"},

    {INJECTION_SYSTEM, 0.3, "^system|developer|operator ~2 you|override|ignore|instruction*|prompt|message|alert|notice"},
    {INJECTION_SYSTEM, 0.5, "^system|developer|operator ~2 you must|will|shall|are|should|have|now"},
    {INJECTION_SYSTEM, 0.5, "begin|start|end of ~1 system|developer|admin prompt|instruction*|message"},
    {INJECTION_SYSTEM, 0.5, "begin|start|end system|developer|admin prompt|instruction*|message"},
    {INJECTION_SYSTEM, 0.3, "as|per|by ~1 your developer|developers|creator|creators|administrator|operator|openai|anthropic"},
    {INJECTION_SYSTEM, 0.5, "this is|message ~2 from ~1 openai|anthropic|google|system|administrator|developers ~6 you|instruct*|comply|disable|ignore"},

    {INJECTION_REVEAL, 0.55, "reveal|print|repeat|show|output|display|disclose|leak|dump|expose|share|tell|give|write|summarize ~3 your ~2 prompt|instructions|directives|guidelines|rules|configuration"},
    {INJECTION_REVEAL, 0.5, "reveal|repeat|disclose|leak|dump|expose ~3 system|hidden|initial|secret|original ~1 prompt|instructions|directives"},
    {INJECTION_REVEAL, 0.55, "repeat ~2 words|text|everything|message* above"},
    {INJECTION_REVEAL, 0.5, "what|whats ~2 your ~1 system|initial|hidden|original prompt|instructions"},

    {INJECTION_SECRECY, 0.4, "dont|not|never|without ~1 tell*|mention*|inform*|notify*|alert*|let|letting|reveal*|disclos* ~3 user|human|operator|them|anyone"},
    {INJECTION_SECRECY, 0.4, "dont|not|never|without ~1 mention*|reveal*|disclos* ~1 this|these ~2 instruction*|message|note|prompt"},
    {INJECTION_SECRECY, 0.4, "user must|should|shall|may|can not|never ~2 know|see|notice|learn|told"},

    {INJECTION_EXFILTRATE, 0.55, "exfiltrate*|smuggle ~6 data|key*|token*|secret*|password*|conversation|memor*|history|credential*"},
    {INJECTION_EXFILTRATE, 0.35, "send|post|forward|upload|transmit|email|leak|append|include|embed|encode|copy ~6 password*|credential*|secret*|token*|key|keys|conversation|history|memor*|chat|cookies|data ~8 http|https|url|webhook|attacker|evil|email|link|image"},
    {INJECTION_EXFILTRATE, 0.5, "append|include|embed|encode|put|insert ~6 password*|secret*|conversation|history|memor*|key|keys|prompt ~6 url|link|image|query|parameter ~6 render*|respon*|answer|repl*|markdown"},
    {INJECTION_EXFILTRATE, 0.4, "send|post|forward|email|upload|transmit ~3 users|user|your|their|his|her|all ~4 password*|credential*|secret*|conversation|history|memor*|keys|messages|files ~4 to"},
    {INJECTION_EXFILTRATE, 0.4, "curl|wget|fetch ~8 env|id|rsa|passwd|credential*|secret*|token* ~4 http|https"},

    {INJECTION_ADDRESS, 0.5, "if you are|re ~1 an|a ~2 ai|llm|assistant|model|bot|chatbot|agent"},
    {INJECTION_ADDRESS, 0.5, "attention|note|message|instruction*|notice|reminder|hint to|for ~2 ai|llm|llms|assistant*|chatbot*|agents|copilot|chatgpt|claude|gemini|gpt*"},
    {INJECTION_ADDRESS, 0.5, "ai|llm|llms|assistant|assistants|model|models|agent|agents|copilot|chatgpt|claude ~1 reading|processing|parsing|summarizing ~2 this|these|must|should"},
    {INJECTION_ADDRESS, 0.5, "ai|llm|llms|assistant|assistants|model|models|agent|agents|copilot|chatgpt|claude that|who|which ~1 read*|process*|see*|summar* ~2 this|these"},
    {INJECTION_ADDRESS, 0.5, "dear|hey|hello|attention ai|llm|assistant|chatgpt|claude|gemini|copilot|model ~6 you|ignore|please|must|need|instruction*"},
    {INJECTION_ADDRESS, 0.5, "assistant|ai|llm must|shall|should ~1 now|comply|obey|ignore|reveal|output|respond|reply"},
    {INJECTION_ADDRESS, 0.4, "assistant|ai|model|llm must|should|shall|will|has|needs ~1 now|always|comply|obey|ignore|reveal|send|execute|run|call|include|say|respond|output"},
    {INJECTION_ADDRESS, 0.3, "when|once|if you ~2 read|see|process|recall|retrieve|summarize ~2 this|these"},
    {INJECTION_ADDRESS, 0.3, "this ~2 overrides|supersedes|replaces|takes ~3 all|previous|prior|other|precedence|instruction*"},
    {INJECTION_ADDRESS, 0.3, "execute|run|call|invoke ~3 following ~2 command*|tool*|function*|code ~3 immediately|now|without"},
};
/* clang-format on */

/* One alternative against a word. */
static bool is_word(struct str alternative, struct str word)
{
    if (str_ends(alternative, "*")) {
        alternative.n--;
        return word.n >= alternative.n && str_eq(str_take(word, alternative.n), alternative);
    }
    return str_eq(alternative, word);
}

static bool fits(struct str alternatives, struct str word)
{
    while (alternatives.n) {
        if (is_word(str_cut(&alternatives, '|'), word))
            return true;
    }
    return false;
}

/* The rest of a phrase from the i-th word on, the first of which may be up to `gap` words away. */
static bool goes_on(const struct injection_text *t, size_t i, struct str phrase)
{
    if (!phrase.n)
        return true;
    struct str rest = phrase, step = str_cut(&rest, ' ');
    size_t gap = 0;
    if (step.n == 2 && step.p[0] == '~') {
        gap = (size_t)(step.p[1] - '0');
        if (!rest.n)
            return true;
        step = str_cut(&rest, ' ');
    }
    for (size_t k = i; k <= i + gap && k < t->n; k++) {
        if (fits(step, t->words[k].text) && goes_on(t, k + 1, rest))
            return true;
    }
    return false;
}

static bool begins(const struct injection_text *t, size_t i, struct str phrase)
{
    if (phrase.p[0] == '^') {
        if (!t->words[i].line_start)
            return false;
        phrase = str_skip(phrase, 1);
    }
    struct str rest = phrase, step = str_cut(&rest, ' ');
    return fits(step, t->words[i].text) && goes_on(t, i + 1, rest);
}

/* Phrases of scripts without blanks or with other letters: all of one line's words within some bytes. */
static void other_scripts(const struct injection_text *t, struct injection *out)
{
    static const char *const pairs[][2] = {
        {"\xd0\xb3\xd0\xbd\xd0\xbe\xd1\x80\xd0\xb8\xd1\x80\xd1\x83",
         "\xd0\xb8\xd0\xbd\xd1\x81\xd1\x82\xd1\x80\xd1\x83\xd0\xba\xd1\x86\xd0\xb8"}, /* игнориру… инструкци… */
        {"\xd0\xb7\xd0\xb0\xd0\xb1\xd1\x83\xd0\xb4\xd1\x8c",
         "\xd0\xb8\xd0\xbd\xd1\x81\xd1\x82\xd1\x80\xd1\x83\xd0\xba\xd1\x86\xd0\xb8"}, /* забудь … инструкци… */
        {"\xe5\xbf\xbd\xe7\x95\xa5", "\xe6\x8c\x87\xe4\xbb\xa4"},                     /* 忽略 … 指令 */
        {"\xe5\xbf\xbd\xe7\x95\xa5", "\xe6\x8c\x87\xe7\xa4\xba"},                     /* 忽略 … 指示 */
        {"\xe6\x97\xa0\xe8\xa7\x86", "\xe6\x8c\x87\xe4\xbb\xa4"},                     /* 无视 … 指令 */
        {"\xe5\xbf\xbd\xe7\x95\xa5", "\xe6\x8f\x90\xe7\xa4\xba"},                     /* 忽略 … 提示 */
        {"\xe6\x8c\x87\xe7\xa4\xba", "\xe7\x84\xa1\xe8\xa6\x96"},                     /* 指示 … 無視 */
        {"\xe5\x91\xbd\xe4\xbb\xa4", "\xe7\x84\xa1\xe8\xa6\x96"},                     /* 命令 … 無視 */
        {"\xec\xa7\x80\xec\x8b\x9c", "\xeb\xac\xb4\xec\x8b\x9c"},                     /* 지시 … 무시 */
        {"\xd8\xaa\xd8\xac\xd8\xa7\xd9\x87\xd9\x84",
         "\xd8\xaa\xd8\xb9\xd9\x84\xd9\x8a\xd9\x85\xd8\xa7\xd8\xaa"}, /* تجاهل … تعليمات */
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        ptrdiff_t at = str_find(t->raw, str_of(pairs[i][0]));
        if (at >= 0 && str_find(str_take(str_skip(t->raw, (size_t)at), 120), str_of(pairs[i][1])) >= 0)
            injection_note(out, INJECTION_OVERRIDE, injection_about(t) ? 0.45 : 0.8);
    }
}

enum { PHRASES = sizeof phrases / sizeof phrases[0], OPENINGS = 2048 };

/* Where a phrase may begin: most words begin none, and cost one look. */
struct openings {
    uint32_t letters[PHRASES];  /* first letters of each phrase, a bit each */
    unsigned char at[OPENINGS]; /* 1 for the first three letters of its first words */
};

static size_t opening(struct str word)
{
    size_t h = 0;
    for (size_t i = 0; i < 3 && i < word.n && word.p[i] != '*'; i++)
        h = h * 29 + (unsigned char)word.p[i];
    return h % OPENINGS;
}

static void read_openings(struct openings *o)
{
    *o = (struct openings){0};
    for (size_t k = 0; k < PHRASES; k++) {
        struct str rest = str_of(phrases[k].words + (phrases[k].words[0] == '^'));
        struct str first = str_cut(&rest, ' ');
        while (first.n) {
            struct str word = str_cut(&first, '|');
            o->letters[k] |= 1U << (word.p[0] - 'a');
            o->at[opening(word)] = 1;
        }
    }
}

static void find_phrases_at(const struct injection_text *t, size_t i, const struct openings *o, struct injection *out)
{
    char c = t->words[i].text.p[0];
    if (c < 'a' || c > 'z' || !o->at[opening(t->words[i].text)])
        return;
    for (size_t k = 0; k < PHRASES; k++) {
        if (!(o->letters[k] >> (c - 'a') & 1) || out->by_reason[phrases[k].reason] >= phrases[k].weight ||
            !begins(t, i, str_of(phrases[k].words)))
            continue;
        double told = t->words[i].quoted && injection_about(t) ? 0.4 : 1;
        injection_note(out, phrases[k].reason, phrases[k].weight * told);
    }
}

void injection_phrases(const struct injection_text *t, struct injection *out)
{
    struct openings o;
    read_openings(&o);
    for (size_t i = 0; i < t->n; i++)
        find_phrases_at(t, i, &o, out);
    other_scripts(t, out);
}
