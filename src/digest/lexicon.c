/* Words and what is known about them: lists that a reader can check, made into a table for each digest (some twenty
 * microseconds). Lower case, plain apostrophes. A word may stand in several lists. Not a grammar: a class is a hint
 * that salience.c weighs, never a rule that decides alone. */
#include "digest/intern.h"

#include <string.h>

struct list {
    unsigned classes;
    const char *words;
};

/* clang-format off */
static const struct list LISTS[] = {
    {W_STOP,
     "a an the and or but if then else than that this these those it its it's that's there here of in on at by for from to with "
     "without into onto over under about after before between through during again as so such both each few more most other some any "
     "no nor not only own same too very just also even still yet ever never always once is are was were be been being am do does did "
     "doing done have has had having can could may might must shall should would won't can't couldn't don't doesn't didn't isn't aren't "
     "wasn't weren't haven't hasn't hadn't wouldn't shouldn't he she they them their theirs his her hers him who whom whose which what "
     "when where why how all lot lots really quite pretty much many out up down off away back around because while until though although "
     "get gets getting got go goes going gone come comes coming let's lets let he's she's they're they've they'll there's what's who's how's "
     "where's one ones something anything everything nothing someone anyone everyone somebody else whether since every another kinda sorta "
     "e.g i.e etc vs via per s t d m ll re ve u ya y'all bit little way ways"},
    {W_STOP | W_FIRST, "i i'm i've i'd i'll im ive my me mine myself we we're we've we'd we'll our ours us ourselves"},
    {W_STOP | W_SECOND, "you you're you've you'd you'll your yours yourself yourselves"},
    {W_CHAT | W_VAGUE,
     "hi hey hello bye goodbye thanks thank thx wow woah whoa cool awesome great nice amazing fantastic wonderful lovely sweet glad happy "
     "good sorry congrats congratulations haha lol yeah yep yup yes nope no okay ok sure totally definitely absolutely exactly agree agreed "
     "indeed welcome please cheers oh ah aw aww hmm well right true certainly course worries incredible impressive sounds sound looks look "
     "appreciate kind words luck proud excited exciting cute beautiful gorgeous stunning super fun cheer inspiring "
     "btw gosh omg damn yay woohoo hooray kudos props buddy pal dude man bro girl"},
    {W_LEAD,
     "well yeah yep yup yes no nope oh ah wow woah whoa hey hi so anyway okay ok sure actually also and but btw haha lol aww aw hmm "
     "thanks totally definitely absolutely right plus then now honestly anyways man dude bro alright great awesome cool nice"},
    {W_BARE, "gonna been planning hoping trying working looking thinking having going wanna just got had went took started can't couldn't finally "
             "decided still made tried finished found saw met bought fixed added updated removed implemented created moved changed ran"},
    {W_PAST,
     "went got had took made saw met bought found gave came told said felt left lost won began became broke brought built caught chose "
     "drew drove ate fell flew forgot grew heard held kept knew led learnt let lay paid put ran read rode rose sent set shot slept spent "
     "spoke stood swam taught thought threw understood woke wore wrote ended used saw hurt hit cut quit been done was were did"},
    {W_FUTURE,
     "will gonna i'll we'll plan plans planning planned tomorrow upcoming soon hoping hope want wanna wants intend intending aim looking "
     "thinking considering dream dreaming goal goals next would i'd eager todo"},
    {W_TIME | W_VAGUE,
     "yesterday today tomorrow tonight week weeks weekend weekends month months year years day days morning afternoon evening night last "
     "next ago recently lately later earlier monday tuesday wednesday thursday friday saturday sunday january february march april june july "
     "august september october november december spring summer autumn winter first since time hour hours minute minutes birthday anniversary"},
    {W_CHANGE,
     "started start starting began moved moving quit joined joining got bought lost won met married engaged adopted adopting graduated "
     "opened opening launched finished completed changed switched became become broke passed hired fired promoted diagnosed retired "
     "signed applied accepted registered created built made gave received published performed competed volunteered organized organised "
     "hosted attended visited travelled traveled discovered realized realised learned learnt pregnant divorced born died injured "
     "recovered stopped sold renovated renamed replaced migrated added removed refactored merged released upgraded accident job internship "
     "offer accepted interview degree certification award scholarship sponsorship deal"},
    {W_DECISION,
     "decided decide decision choose chose chosen choosing agreed agree instead rather settle settled picked conclude concluded "
     "recommend preferred prefer switch use adopt approach must should policy"},
    {W_ERROR,
     "error errors failed fails fail failing failure bug bugs crash crashed crashes exception broken timeout leak leaks leaked wrong "
     "segfault panic traceback undefined missing deadlock regression conflict denied refused corrupt corrupted overflow race cause caused"},
    {W_FIX,
     "fixed fix fixes solved solve resolved resolve works worked passes passed passing green succeeded success repaired corrected "
     "deployed committed shipped merged verified"},
    {W_PRESENT,
     "love want need think hope know like feel plan see make take use work play try believe remember enjoy look find keep run live miss wish "
     "prefer understand guess paint read write teach get go come give help start spend bring dream eat cook watch listen hear talk say tell "
     "call ask bet care consider collect create dance draw drive expect follow grow hate hang happen head imagine learn let mean meet move "
     "offer own practice appreciate agree promise put recommend rely ride sing sit stay struggle study suggest support swim thank trust visit "
     "volunteer wait walk wonder worry admire adore balance build buy capture carry cherish compete encourage explore express focus "
     "get hike host intend join jog keep lead lean lift manage organize train travel treasure value wake wear win share show send sell attend"},
    {W_ADVERB,
     "really just also still never always totally definitely finally recently actually already even usually often sometimes only "
     "truly absolutely once currently both mostly simply probably especially now then kinda sure"},
    {W_VAGUE,
     "make makes making made take takes taking took thing things stuff people person feel feels feeling felt think thinking thought know "
     "knowing want wanted need needed like liked love loved loving see seeing saw look looking looked try trying tried use used using "
     "help helping helped keep work works working worked start started find found give gave giving put say said tell told talk talking "
     "talked hear heard mean means meant new old best better favorite favourite special important big huge small long short high low full "
     "real sense life world moment moments bring brings brought remind reminds reminded share sharing shared check chat thinking "
     "enjoy enjoying enjoyed hope hoping plan plans planning seem seems able place places part end hard easy amazing wait "
     "live living different able keep having guess maybe perhaps sort type kind idea ideas pic pics picture photo image show "
     "showing show's believe done set come came gotta wanna gonna getting awesome definitely able two three four five ten six "
     "difference chance experience reminder blast tons ton bunch pretty crazy tough challenge happened happen care friend friends "
     "step support positive journey passion joy happiness vibe vibes peace fresh learn learned learning play playing great sharing motivated motivate "
     "spend spent family dedication interesting wanted question answer line code following below above run running ran change changes changed create created add added"},
    {W_STOP, "whats thats dont cant wont isnt im ive id"},
};
/* clang-format on */

static uint32_t hash_of(struct str s)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 16777619u;
    return h;
}

static bool names_grow(struct arena *a, struct names *t)
{
    uint32_t cap = t->cap ? t->cap * 2 : 128;
    struct str *keys = arena_array(a, struct str, cap);
    uint32_t *slots = arena_array(a, uint32_t, (size_t)cap * 2);
    if (!keys || !slots)
        return false;
    if (t->n)
        memcpy(keys, t->keys, t->n * sizeof *keys);
    t->keys = keys;
    t->slots = slots;
    t->cap = cap;
    t->mask = cap * 2 - 1;
    for (uint32_t i = 0; i < t->n; i++) {
        uint32_t at = hash_of(keys[i]) & t->mask;
        while (slots[at])
            at = (at + 1) & t->mask;
        slots[at] = i + 1;
    }
    return true;
}

uint32_t names_number(struct arena *a, struct names *t, struct str key, bool make)
{
    if (make && t->n == t->cap && !names_grow(a, t))
        return NO_NAME;
    if (!t->cap)
        return NO_NAME;
    uint32_t at = hash_of(key) & t->mask;
    for (; t->slots[at]; at = (at + 1) & t->mask)
        if (str_eq(t->keys[t->slots[at] - 1], key))
            return t->slots[at] - 1;
    struct str copy = make ? arena_str(a, key) : STR_NONE;
    if (!copy.p)
        return NO_NAME;
    t->keys[t->n] = copy;
    t->slots[at] = ++t->n;
    return t->n - 1;
}

enum { LEXICON_ROOM = 2048 };

bool lexicon_open(struct arena *a, struct lexicon *l)
{
    l->classes = arena_array(a, unsigned, LEXICON_ROOM);
    if (!l->classes)
        return false;
    for (size_t i = 0; i < sizeof LISTS / sizeof *LISTS; i++) {
        struct str rest = str_of(LISTS[i].words);
        while (rest.n) {
            struct str word = str_cut(&rest, ' ');
            uint32_t number = names_number(a, &l->words, word, true);
            if (number >= LEXICON_ROOM)
                return false;
            l->classes[number] |= LISTS[i].classes;
        }
    }
    return true;
}

unsigned lexicon_classes(const struct lexicon *l, struct str word)
{
    struct names t = l->words; /* looking up changes nothing */
    uint32_t number = names_number(NULL, &t, word, false);
    return number == NO_NAME ? 0 : l->classes[number];
}
