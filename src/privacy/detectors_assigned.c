/* Values that are secret because of the name before them: assignments in code, JSON, YAML, env files, URLs, headers,
 * command lines, and what people write ("my password is …"). The pattern finds name and value, the check judges the
 * value: strictly where the words around could mean something harmless, leniently where they could not. */
#include "privacy/detectors_secrets.h"
#include "privacy/secret_checks.h"

/* Names of passwords. The short ones stand alone or behind a _ or a hump; "pass" is also a word of tests. */
#define PASSWORD                                                                                                       \
    "(?:p(?:ass(?:word|wd|[ -]?phrase|code|wort|key|ord)|wd|s(?:wd|w|k)|arola)|contrase(?:\xc3\xb1|n)a|"               \
    "m(?:ot[ _]de[ _]passe|dp)|kennw(?:ort|\xc3\xb6rter)|zugangswort|s(?:enha|alasana|ifre)|(?<![A-Za-z])clave|"       \
    "wachtwoord|l\xc3\xb6senord|h(?:as\xc5\x82o|eslo)|adgangskode|jelsz\xc3\xb3|"                                      \
    "\xc5\x9f"                                                                                                         \
    "ifre|(?:\xd0\xbf|\xd0\x9f)\xd0\xb0\xd1\x80\xd0\xbe\xd0\xbb\xd1\x8c|\xe5\xaf\x86\xe7(?:\xa0\x81|\xa2\xbc)|"        \
    "\xe3\x83\x91\xe3\x82\xb9\xe3\x83\xaf\xe3\x83\xbc\xe3\x83\x89|\xeb\xb9\x84\xeb\xb0\x80\xeb\xb2\x88\xed\x98\xb8)"
/* Words that are others as well: only with a sign behind them. */
#define SHORT "(?:(?<![A-Za-z])|(?-i:(?<=[a-z])(?=P)))(?:pass|pw)"
#define PASSWORD_FOUND                                                                                                 \
    "(?i)pass|pw|psw|psk|contrase|mot.de.passe|mdp|"                                                                   \
    "kennw|zugangswort|senha|clave|wachtwoord|senord|has\xc5\x82o|adgangskode|salasana|parola|heslo|"                  \
    "jelsz|ifre|\xd0\xb0\xd1\x80\xd0\xbe\xd0\xbb\xd1\x8c|\xe5\xaf\x86\xe7[\xa0\xa2]|"                                  \
    "\xe3\x83\x91\xe3\x82\xb9\xe3\x83\xaf|\xeb\xb9\x84\xeb\xb0\x80"

/* Names of keys and tokens. */
#define OF                                                                                                             \
    "(?:a(?:pi|ccess|uth|pp(?:lication)?|ccount|dmin)|b(?:ot|earer)|c(?:lient|onsumer|ookie|rypt|ipher)|"              \
    "de(?:ploy|vice)|encryption|functions?|h(?:mac|ost)|in(?:tegration|gest)|licen[cs]e|master|org|"                   \
    "p(?:rivate|roject|ush|ersonal)|r(?:oot|ead|efresh)|"                                                              \
    "s(?:ecret|igning|torage|ervice|ubscription|ession|hared|erver)|team|w(?:ebhook|rite))"
#define KEY                                                                                                            \
    "(?:" OF "[_ "                                                                                                     \
    ".-]?(?:key|token|secret|pat)|secret|token|apikey|credentials?|sonar\\.login|(?:2fa|[th]?otp|mfa)[ "               \
    "_-]seed|(?-i:(?<=[A-Z0-9])_(?:KEY|PAT|AUTH)|(?<=[a-z0-9])(?:[_-]k|K)ey(?![A-Za-z])|(?<=[\"'])[Kk]ey(?=[\"']))|_"  \
    "auth|"                                                                                                            \
    "(?:llave|clave) (?:de )?api|cl\xc3\xa9 (?:d'|de l')?api|api[- ]schl\xc3\xbcssel)"
#define KEY_FOUND                                                                                                      \
    "(?i)key|secret|token|credential|sonar|seed|_pat|" OF "[_ "                                                        \
    ".-]?pat|_auth|cl\xc3\xa9|schl\xc3\xbcssel|llave|clave"

/* What may stand between a name and the sign: which one it is, a closing quote or bracket. */
#define WHICH                                                                                                          \
    "(?:[_ "                                                                                                           \
    "-]?(?:value|prod|production|staging|stage|dev|development|test|live|main|primary|secondary|backup|old|new|[0-9]{" \
    "1,2}|v[0-9]|base))?(?:[ ]?[\\[(][A-Za-z0-9_ -]{1,30}[\\])](?=[ ]?:))?"
#define CLOSED "[\"'`*_)\\]\\\\]{0,4}"
/* The sign: of assignment, of a map; a comma between two quoted texts; a type between name and sign; an entry of its
 * own
 * ("name": x, "value": y; in YAML on the next line; in XML). */
#define SIGN                                                                                                           \
    "(?:[?!]?[ \\t]?:[ \\t]?[A-Za-z&'][A-Za-z&'<>\\[\\]|? ]{0,30}=[ \\t]{0,4}(?=[\"'`])|"                              \
    "[ ]?:[ ]?[|>][+-]?[ ]{0,4}\\r?\\n[ \\t]{1,16}|[ ]?(?:[.+]|\\?\\?|:{2,3})=[ ]?(?=[\"'])|"                          \
    "[ \\t]{0,20}(?:=>|:=|\\?=|\\|\\|=|===?|=|[?!]?:(?!:)|\xef\xbc\x9a|->)[ \\t]{0,40}|"                               \
    "[ ](?:string|str|String)[ ]=[ ](?=[\"'`])|"                                                                       \
    "(?<=[\"'`])[ \\t]{0,4},?(?:[ \\t\\r\\n]{0,40})[\"']?value[\"']?[ \\t]{0,4}[=:][ \\t]{0,4}|"                       \
    "(?<=[\"'])[ \\t]{0,4},[ \\t]{0,4}(?=[\"'])|"                                                                      \
    "[ \\t]{0,4}\\r?\\n[ \\t]{1,30}value:[ \\t]{1,4}|"                                                                 \
    "(?<=[\"'])[ ]{0,4}\\{[ \\t\\r\\n]{0,8}(?:[a-z]{1,20} {1,8}= [^\\n]{0,60}\\n[ \\t]{0,8}){0,3}default {1,8}= "      \
    "(?=[\"'])|"                                                                                                       \
    "[ ]?\\t[ \\t]{0,8}|[ ]?(?:\\|\\||\\?\\?)[ ](?=[\"'])|[ ]?\xe2\x86\x92[ ]?|[ ](?:-|\xe2\x80[\x93\x94])[ ]|"        \
    "[ \\t]{0,4}\\|[ \\t]{1,30})"
#define OPENED "[*_]{0,2}[ \\t]{0,2}(?:\\[[ ]?(?=[\"']))?(?:[bBrRuUfFL@]{1,2}(?=[\"'`]))?"

#define QUOTED(most)                                                                                                   \
    "\\\\\"([^\"\\\\\\r\\n]{1," most "})\\\\\"|\"((?:[^\"\\\\\\r\\n]|\\\\.){1," most                                   \
    "})\"|'((?:[^'\\\\\\r\\n]|\\\\.){1," most "})'|`([^`\\r\\n]{1," most "})`"

/* The same, with a value of at least DETECTOR_RUN bytes that a token may have. */
#define ASSIGNED_RUN(name_, type_, within_, found_, pattern_, check_, most_)                                           \
    {                                                                                                                  \
        .name = (name_), .type = (type_), .class = PRIVACY_SECRET, .pattern = (pattern_), .prefilter = (found_),       \
        .leads = !(within_), .within = (within_), .check = (check_), .confidence = 0.85, .mask = MASK_ALL,             \
        .most = (most_), .needs = NEEDS_RUN                                                                            \
    }

#define ASSIGNED(name_, type_, found_, pattern_, check_, most_)                                                        \
    {                                                                                                                  \
        .name = (name_), .type = (type_), .class = PRIVACY_SECRET, .pattern = (pattern_), .prefilter = (found_),       \
        .check = (check_), .confidence = 0.85, .mask = MASK_ALL, .most = (most_)                                       \
    }
/* The same, where the form is known to end so many bytes behind the begin at most; 0: it is the begin. */
#define ASSIGNED_BY(name_, type_, within_, found_, pattern_, check_, most_)                                            \
    {                                                                                                                  \
        .name = (name_), .type = (type_), .class = PRIVACY_SECRET, .pattern = (pattern_), .prefilter = (found_),       \
        .leads = !(within_), .within = (within_), .check = (check_), .confidence = 0.85, .mask = MASK_ALL,             \
        .most = (most_)                                                                                                \
    }

/* bytes.fromhex("…"), Buffer.from('…', 'hex') */
#define DECODED "(?:(?:bytes|bytearray|buffer|base64|binascii|hex)\\.[a-z0-9_]{3,20}\\([ ]?(?=[\"']))?"

/* "for the staging box": up to five words. */
#define SAID_OF                                                                                                        \
    "(?:[ ](?:we|i|you|they|for|to|of|on|at|in|from|de|de "                                                            \
    "la|del|du|des|da|do|della|vom|von|zum|pour|f\xc3\xbcr|di|\xd0\xbe\xd1\x82|\xd0\xb4\xd0\xbb\xd1\x8f)[ "            \
    "][A-Za-z0-9@.'_\x80-\xff-]{1,40}(?:[ ][A-Za-z0-9@.'_\x80-\xff-]{1,30}){0,4}?)"

#define TOKEN_BYTES "[A-Za-z0-9_./+=~:!@#$%^*|-]"
#define ANY_BYTES "[A-Za-z0-9_./+=~:!@#$%^*|&(),;?<>{}\\[\\]-]"

/* The cell in the row after `rows` others, below a head in which a column is called so; Markdown, and CSV. A find ends
 * the search of its detector, so that each row has one of its own. */
#define NAMED_PASSWORD "(?:passw(?:or)?d|pwd|passphrase|passwort|pw)"
#define NAMED_KEY "(?:key|token|secret)"
#define MARKDOWN(name_, type_, named_, rows_, check_)                                                                  \
    ASSIGNED(                                                                                                          \
        name_ "_markdown_" rows_, type_, "\\|[ \\t]{0,4}\\r?\\n[ \\t]{0,4}\\|[ \\t]{0,4}:?--",                         \
        "(?i)^[ \\t]{0,4}\\|[^\\n]{0,200}" named_                                                                      \
        "[ *`]{0,4}(?:\\|[^\\n]{0,200})?\\|[ \\t]{0,4}\\r?\\n[ \\t]{0,4}\\|[ \\t]{0,4}:?--[ \\t:|-]{0,200}\\r?\\n"     \
        "(?:[ \\t]{0,4}\\|[^\\n]{1,300}\\n){" rows_ "}([ \\t]{0,4}\\|[^\\n]{1,300})",                                  \
        check_, 2100)
/* A cell of a head has two words at most: so that of plain prose that streams in, little is held back. */
#define CELL "[a-z0-9_.\"-]{1,20}(?: [a-z0-9_.\"-]{1,20})?"
#define CSV(name_, type_, named_, rows_, check_)                                                                       \
    ASSIGNED(name_ "_csv_" rows_, type_, "(?i)" named_ "\"?(?:[,;\\t]|\\r?\\n)",                                       \
             "(?i)^(?=" CELL "[,;\\t])(?:" CELL "[,;\\t] ?){0,8}(?:[a-z0-9_.\"-]{0,20} ?){0,2}" named_                 \
             "\"?(?:[,;\\t] ?" CELL "){0,8}\\r?\\n(?:[^\\n]{1,300}\\n){" rows_ "}([^\\n]{1,300})",                     \
             check_, 2000)

/* clang-format off */
const struct detector detectors_assigned[] = {
    MARKDOWN("password", "password", NAMED_PASSWORD, "0", secret_check_password_column),
    MARKDOWN("password", "password", NAMED_PASSWORD, "1", secret_check_password_column),
    MARKDOWN("password", "password", NAMED_PASSWORD, "2", secret_check_password_column),
    MARKDOWN("key", "api_key", NAMED_KEY, "0", secret_check_key_column),
    MARKDOWN("key", "api_key", NAMED_KEY, "1", secret_check_key_column),
    MARKDOWN("key", "api_key", NAMED_KEY, "2", secret_check_key_column),
    CSV("password", "password", NAMED_PASSWORD, "0", secret_check_password_column),
    CSV("password", "password", NAMED_PASSWORD, "1", secret_check_password_column),
    CSV("password", "password", NAMED_PASSWORD, "2", secret_check_password_column),
    CSV("key", "api_key", NAMED_KEY, "0", secret_check_key_column),
    ASSIGNED_BY("password_assigned", "password", 24, PASSWORD_FOUND,
        "(?i)(?:" PASSWORD WHICH "|" SHORT "(?:[_-]?[0-9]{1,2})?)" CLOSED SIGN OPENED "(?|" QUOTED("160") "|([^\\s\"'`<>]{3,160}))",
        secret_check_password, 830),
    ASSIGNED_BY("password_said", "password", 24, PASSWORD_FOUND,
        "(?i)(?:" PASSWORD "|(?<![A-Za-z])(?:pw|pass(?=[ ](?:is|was)[ ])))(?:s|(?:'|\xe2\x80\x99)s)?(?:" SAID_OF "(?:[ ]\\([^()\\n]{1,40}\\))?(?=:)|[ ](?:is|was|has been)[ ](?:generated|created|set|printed|shown|listed|given)(?:[ ][^\\s:]{1,40}){0,5}(?=:)|" SAID_OF "?[ ](?:is|was|are|will be|should be|to|as|es|ist|lautet|est|\xc3\xa8|\xc3\xa9|with|of|stays|remains|equals|becomes|would be|used to be|(?:changed|set|reset|updated) to)"
        "(?:[ ](?:now|still|just|currently|set to|changed to|simply|actually|always))?|" SAID_OF "|\xe6\x98\xaf|\xe4\xb8\xba|\xe3\x81\xaf|\xec\x9d\x80|\xeb\x8a\x94)?"
        "[ ]?:?[ ]?(?<=[ :\x80-\xff])(?:\\(|\\*\\*)?(?|" QUOTED("100") "|(?:\xe2\x80\x9c|\xe2\x80\x98|\xc2\xab ?|\xe2\x80\x9e)([^\\s\"'`<>\x80-\xff]{3,80})|([^\\s\"'`<>]{3,100}))",
        secret_check_password_said, 500),
    ASSIGNED_BY("password_pair", "password", 0, "(?i)cred|log.?in|user|admin|account|sign(?:ed)? in|(?:use|try|with|as|via) [a-z_]{0,20}(?:admin|user|login)",
        "(?i)(?<![A-Za-z0-9+/])(?:(?:use|try|with|as|via)[ ](?=[a-z_]{0,20}(?:admin|user|login)[a-z_]{0,20}[ ]?[/:])|(?:cred(?:ential)?s?|log[ -]?in(?:[ ]cred(?:ential)?s?)?|user(?:name)?[ ]?/[ ]?pass(?:word)?|sign(?:ed)?[ ]in|admin|account)(?![A-Za-z0-9_]))(?:[ ](?:is|are|with|as|using|for [a-z]{2,20}(?: [a-z]{2,20})?))?[ ]?[:=]?[ ]?[\"'`(]?[A-Za-z0-9_.@+-]{2,60}[ ]?[/:][ ]?[\"'`]?([^\\s\"'`<>/=?]{5,80})",
        secret_check_pair, 300),
    ASSIGNED("password_before", "password", "(?i)(?:,[ ](?:that|this|which)(?:'s|[ ]is)|[ ](?:is|was|as))[ ](?:the|my|your|his|her|our|their|its|a)(?:[ ][a-z-]{2,14}){0,2}[ ](?:pass|pw)",
        "(?i)(?<![^\\s\"'`(])(?=[^\\s\"'`<>()=,0-9]{0,40}[0-9!@#$%^&*])([^\\s\"'`<>()=,]{5,60}+)[\"'`]?(?:,[ ](?:that|this|which)(?:'s|[ ]is)|[ ](?:is|was|as))[ ](?:the|my|your|his|her|our|their|its|a)(?:[ ](?!manager)[a-z-]{2,14}){0,2}[ ](?:password|passcode|passphrase|passwort|pw)(?=[.,;:!)]|[ ]?$|[ ](?:for|to|on|of|now|and|when|if)[ ])",
        secret_check_password_before, 150),
    ASSIGNED_BY("passphrase", "password", 14, "(?i)phrase",
        "(?i)(?<![a-z])pass[ _-]?phrase(?:[ ]is|[ ]?[:=])[ ]{0,2}(?-i:([a-z]{3,12}(?:[ -][a-z]{3,12}){2,9}))(?=[.!]?[ ]{0,4}$)",
        secret_check_phrase, 200),
    ASSIGNED("password_up", "password", "[ ,;/|][pP][ ]?:[ ]",
        "(?i)(?<![a-z0-9_])(?:u|user|id|login|usr)[ ]?:[ ][^\\s\"'`,;/|]{2,60}[ ,;/|]{1,3}p[ ]?:[ ]([^\\s\"'`<>]{5,80})",
        secret_check_pair, 170),
    ASSIGNED_BY("password_flag", "password", 80, "(?i)pass|pwd|-pw",
        "(?i)(?<![A-Za-z0-9])(?:--?(?:[a-z0-9]{1,20}-){0,3}(?:password|passwd|passphrase|(?:dest|src)?(?:store|key)?pass|pwd|pw))(?:[ ]{1,4}|=|:)(?|" QUOTED("120") "|([^\\s\"'`<>|;]{3,120}))",
        secret_check_password_given, 380),
    ASSIGNED("password_command", "password", "(?i) -[uapwnk]| --(?:user|auth)| /(?:p[: ]|user:)|net user",
        "(?i)(?<![a-z])(?:(?:curl|https?|wget|helm|az)\\b[^\\n|;]{0,300}?[ ](?:-u|-a|--user|--auth)[ =]{0,2}[\"']?[^\\s:\"']{1,64}:|(?:mysql|mysqldump|mysqladmin|mysqlimport|mariadb|mariadb-dump|7za?|mongodump)\\b[^\\n|;]{0,200}?[ ](?-i:-p)[\"']?(?![ \"'])|(?:mongo|mongosh|docker|podman|skopeo|helm|az|sshpass|mongodump|mongorestore|oc|nerdctl)\\b[^\\n|;]{0,200}?[ ](?-i:-p)[ ]?[\"']?|redis-cli\\b[^\\n|;]{0,200}?[ ]-a[ ][\"']?|(?:ldap(?:search|add|modify|whoami|delete)|ldappasswd)\\b[^\\n|;]{0,200}?[ ]-w[ ]?[\"']?|(?:smbclient|rpcclient|net)\\b[^\\n|;]{0,200}?[ ]-U[ ]?[\"']?[^\\s%\"']{1,64}%|mosquitto_[a-z]{2,4}\\b[^\\n|;]{0,200}?[ ](?-i:-P)[ ][\"']?|ipmitool\\b[^\\n|;]{0,200}?[ ](?-i:-P)[ ][\"']?|ssh-keygen\\b[^\\n|;]{0,200}?[ ](?-i:-N)[ ][\"']?|openssl enc\\b[^\\n|;]{0,200}?[ ]-k[ ][\"']?|(?:cqlsh|clickhouse-client|influx)\\b[^\\n|;]{0,200}?[ ](?-i:-p)[ ][\"']?|signtool\\b[^\\n|;]{0,200}?[ ]/p[ ][\"']?|net use\\b[^\\n|;]{0,200}?[ ]/user:[^\\s]{1,64}[ ]|net user[ ][^\\s/*]{1,40}[ ](?=[^/\\s])|(?:unzip|zip|sqlcmd|bcp|osql)\\b[^\\n|;]{0,100}?[ ]-P[ ]?[\"']?|openssl\\b[^\\n|;]{0,300}?[ ]-pass(?:in|out)?[ ][\"']?pass:|xfreerdp\\b[^\\n|;]{0,200}?[ ]/p:[\"']?)([^\\s\"'`<>|;]{3,120})",
        secret_check_password_given, 620),
    ASSIGNED("password_after", "password", "(?i)nickserv |userpwd|neo4j_auth|securestring|\\.(?:send_?keys|fill|type|setvalue)\\(|lftp |htpasswd |secret-string|keyvault secret|put-parameter|gh secret set|cmdkey|openssl passwd|stats auth |requirepass|masterauth|(?:bind|root)pw|enable (?:secret|password)|set password for",
        "(?i)(?<![a-z])(?:nickserv[ ]identify[ ]|lftp[ ]-u[ ][\"']?[^\\s,]{1,40},|htpasswd[ ]-[a-z]{0,4}b[a-z]{0,4}[ ](?:[^\\s]{1,80}[ ])?[^\\s]{1,40}[ ][\"']?|secret-string[ =]{1,2}[\"']?|(?:keyvault secret|put-parameter)\\b[^\\n]{0,160}?--value[ =][\"']?|gh secret set[ ][a-z0-9_]{1,60}[^\\n]{0,40}?[ ](?:--body|-b)[ =]{0,2}[\"']?|cmdkey\\b[^\\n]{0,120}?/pass:|openssl passwd[ ]-[a-z0-9]{1,6}[ ][\"']?|stats auth[ ][A-Za-z0-9_.@-]{1,40}:|(?:requirepass|masterauth|bindpw|rootpw)[ \\t=]{1,8}[\"']?|enable (?:secret|password)[ ](?:[0-9][ ])?(?=[^\\s0-9]{0,40}[0-9])|set password for[^\\n=]{1,80}=[ ]?(?:password[ ]?\\()?[\"']|curlopt_userpwd[ ]?,[ ]?[\"'][^\\s:\"']{1,64}:|neo4j_auth[\"']?[ ]?[=:][ ]?[\"']?neo4j/|convertto-securestring[ ](?:-string[ ])?[\"']|passw[^\\n\"']{0,20}[\"'\\]]{0,3}\\)?(?:\\.(?:send_?keys|fill|type|setvalue)\\([\"']))([^\\s\"'`<>|;]{3,120})",
        secret_check_password_given, 460),
    ASSIGNED_BY("password_piped", "password", 0, "(?i)echo|printf",
        "(?i)(?:echo|printf)[ ](?:-[en]{1,2}[ ])?[\"']?(?:[a-z0-9_.-]{1,40}:(?=[^\\n]{1,120}chpasswd))?([^\\s\"'|]{3,100}?)(?:\\\\n)?[\"']?[ ]?\\|[ ]?(?:sudo[ ](?:-k[ ])?-S|chpasswd|sudo chpasswd|passwd --stdin|docker login|gpg --)",
        secret_check_password_given, 240),
    ASSIGNED("password_call", "password", "(?i)(?:basic_?auth|credentials?|login|log_?in|sign_?in|authenticate|authentication|(?:plain_?)?auth|getconnection|new pdo|mysqli(?:_connect)?|connect)[\"']?[ ]?(?:[=:][ ]?)?[(\\[]",
        "(?i)(?:basic_?auth|credentials?|login|log_?in|sign_?in|authenticate|authentication|(?<![a-z_])(?:plain_?)?auth|getconnection|new pdo|mysqli(?:_connect)?|(?<=[.>])connect)[\"']?[ ]?(?:[=:][ ]?)?[(\\[][ ]?(?:[A-Za-z_.]{1,40}[ ]?,[ ]?|[\"'](?:jdbc:)?[^\\s\"']{0,120}[\"'][ ]?,[ ]?)?[\"'][^\\s\"',]{1,80}[\"'][ ]?,[ ]?(?:some\\()?(?|\"([^\"\\n]{4,100})\"|'([^'\\n]{4,100})')(?=[ ]?[,)\\]])",
        secret_check_call, 520),
    ASSIGNED_BY("pin", "password", 0, "(?i)pin[ -]?(?:[:=]|code|num|no|is|was|ist|lautet|est|es|to|we|i|you|they|for|of|on|at|in|from|de|d|vom|von|zum|pour|f\xc3\xbc|\xd0)",
        "(?i)(?<![a-z0-9_])pin(?:[ -]?(?:code(?=[^0-9\\n]{1,60}[0-9]{4}(?![0-9]))|number|no\\.?))?" SAID_OF "?(?:[ ](?:is|was|ist|lautet|est|es|to)(?:[ ](?:now|still|set to|changed to))?|[ ]?[:=])[ ]{0,2}[\"']?([0-9]{4,6})(?![0-9A-Za-z:/-]|\\.[0-9])",
        NULL, 320),
    ASSIGNED_BY("code", "password", 0, "(?i)(?:unlock|door|gate|alarm|safe|garage|lock|vault|backup|recovery) code",
        "(?i)(?<![a-z])(?:unlock|door|gate|alarm|safe|garage|lock|vault|backup|recovery)[ ]codes?" SAID_OF "?(?:[ ]is|[ ]was|:)[ ]{0,2}[\"']?([0-9]{4,8}|[0-9a-z]{4,6}-[0-9a-z]{4,6})(?![0-9A-Za-z:/-]|\\.[0-9])",
        secret_check_code, 320),
    ASSIGNED_BY("password_netrc", "password", 0, "(?i)login|user",
        "(?i)(?:login|user(?:name)?)(?:[ \\t]|\\r?\\n){1,8}[^\\s\"']{1,80}(?:[ \\t]|\\r?\\n){1,8}pass(?:word|wd)?[ \\t]{1,8}([^\\s\"'`<>]{3,128})",
        secret_check_netrc, 320),
    ASSIGNED("password_pgpass", "password", ":(?:\\*|[0-9]{4,5}):[A-Za-z0-9_*-]{1,40}:[A-Za-z0-9_.*-]{1,40}:",
        "^[A-Za-z0-9_.*-]{1,80}:(?:\\*|[0-9]{4,5}):[A-Za-z0-9_*-]{1,40}:[A-Za-z0-9_.*-]{1,40}:([^\\s:]{3,100})[ \\t]{0,4}$",
        secret_check_password_given, 300),
    ASSIGNED("password_sql", "password", "(?i)identified|(?:encrypted|with|set|login) password|password(?:_?to| ?\\()|alter user|insert into",
        "(?i)(?:identified(?: with [a-z0-9_']{3,40})? by(?: password)?|(?:encrypted |with |set |login )password|password_?to_?|insert into[^()\\n]{1,80}\\([^)\\n]{0,160}[ ,(`\"](?:password|passwd|pwd)[`\"]?[ ]?\\)[ ]values[ ]?\\((?:[^()\\n]{0,200},)?|alter user [a-z0-9_\"]{1,40} password|password ?\\()[ ]?(?:=[ ]?)?(?:'([^'\\n]{3,120})'|\"([^\"\\n]{3,120})\")",
        secret_check_password_given, 640),
    ASSIGNED("password_element", "password", "(?i)(?:passw|pwd|passphrase|pass[ >])",
        "(?i)<(?:[a-z0-9_.-]{1,30}:)?[a-z0-9_.-]{0,30}(?:(?:password|passwd|pwd|passphrase|pass)(?:[ ][^<>\\n]{0,100})?|[ ](?:name|key|id)=[\"'][^\"'<>\\n]{0,80}(?:password|passwd|pwd)[\"'][^<>\\n]{0,60})>\\s{0,20}([^<>\\s]{3,120})\\s{0,20}</",
        secret_check_password_given, 420),
    ASSIGNED_BY("basic_auth", "password", 36, "(?i)basic",
        "(?i)(?:authorization|auth|_auth)[\"'`]{0,2}(?:[ ]?[:=,][ ]?|[ ]{1,2})\\\\?[\"'`]?basic[ ]{1,3}([A-Za-z0-9+/_-]{8,400}={0,2})",
        secret_check_basic, 460),

    ASSIGNED_BY("key_assigned", "api_key", 32, KEY_FOUND,
        "(?i)" KEY "s?" WHICH CLOSED SIGN OPENED "(?:\\[[ ]?)?" DECODED "(?|\\\\\"(?:Bearer[ ]|Token[ ])?(" TOKEN_BYTES "{6,512})\\\\\"|\"(?:Bearer[ ]|Token[ ])?((?:" ANY_BYTES "|'){6,512})\"|'(?:Bearer[ ]|Token[ ])?((?:" ANY_BYTES "|\"){6,512})'|`(" TOKEN_BYTES "{6,512})`|(?:Bearer[ ]|Token[ ])?([A-Za-z0-9_./+=~:!@$%^*-]{6,512}))",
        secret_check_key, 900),
    ASSIGNED_BY("key_said", "api_key", 32, KEY_FOUND,
        "(?i)(?:(?<![A-Za-z])" KEY "|(?<![A-Za-z_-])key)(?:" SAID_OF "?[ ](?:is|was|are|will be|should be|to|as|you need is|i got is|it gave me is|es|ist|lautet|est)(?:[ ](?:now|still|just|currently|set to|this))?|" SAID_OF ")?"
        ":?(?:[ ]|[ ]?\\n[ ]{0,8})(?:\\(|\\*\\*|=[ ])?[\"'`]?([A-Za-z0-9_./+=~-]{12,512})",
        secret_check_key_said, 760),
    ASSIGNED_BY("key_flag", "api_key", 84, "(?i)key|token|secret|license",
        "(?i)(?<![A-Za-z0-9])--?(?:[a-z0-9]{1,20}-){0,3}(?:api-?key|key|token|secret|access-key|secret-key|client-secret|license)(?:[ ]{1,4}|=)[\"']?([A-Za-z0-9_./+=~:-]{8,512})",
        secret_check_key_given, 620),
    ASSIGNED("key_call", "api_key", "(?i)jwt\\.|hmac|fernet|cipher|cryptojs|algoliasearch|\"key\"",
        "(?i)(?:jwt\\.(?:sign|encode|verify|decode)\\([^\\n;]{1,200}?,|(?:createHmac|createCipher(?:iv)?)\\([ ]?[\"'][a-z0-9-]{3,20}[\"'],|hmac\\.new\\(|fernet\\(|cryptojs\\.[a-z0-9.]{3,20}\\([^,\"'\\n]{1,60},|algoliasearch\\([ ]?[\"'][a-z0-9]{10}[\"'],|\"username\"[ ]?:[ ]?\"[^\"\\n]{1,60}\",[ ]?\"key\"[ ]?:)[ ]?b?[\"']([^\\s\"']{8,200})[\"'](?=[ ]?[,).}])",
        secret_check_key_given, 460),
    ASSIGNED_RUN("key_command", "api_key", 0, "(?i)wandb|vercel|netlify|snyk|ngrok|railway|vault (?:config|login|auth|add-|-t)|sentry-cli|supabase|pulumi|codecov|doppler",
        "(?i)(?<![a-z])(?:wandb|vercel|netlify|snyk|ngrok|railway|vault|sentry-cli|supabase|pulumi|codecov|doppler)[ ](?:config[ ])?(?:login|auth|authtoken|add-authtoken|-t)[ ](?:--relogin[ ]|--verify[ ])?[\"']?([A-Za-z0-9_.-]{20,200})",
        secret_check_key_given, 260),
    ASSIGNED_RUN("cookie", "api_key", 0, "(?i)cookie",
        "(?i)cookie[\"']?[ ]?[:=,][ ]{0,2}[\"']?(?:[^;\\n\"'=]{1,60}=[^;\\n\"']{0,200};[ ]?){0,6}?[a-z0-9_.-]{0,30}(?:sess(?:ion)?|sid|auth|token|jwt)[a-z0-9_.-]{0,12}=([A-Za-z0-9_.~%+/=:-]{16,512})",
        secret_check_key_given, 2300),
    ASSIGNED_RUN("key_row", "api_key", 56, "(?i)(?:key|token|secret|passw(?:or)?d),",
        "(?i)^[a-z0-9_.-]{0,40}(?:key|token|secret|passw(?:or)?d),([A-Za-z0-9_.+/=-]{16,512})(?=,|$)",
        secret_check_key_alone, 580),
    ASSIGNED_RUN("key_before", "api_key", 300, "(?i)[ ](?:is|was|as)[ ](?:the|my|your|his|her|our|their|an?)(?:[ ][a-z0-9.-]{2,20}){0,3}[ ](?:api[ _-]?key|key|token|secret)",
        "(?i)(?<![^\\s\"'`(])(?=[A-Za-z_.+/=-]{0,40}[0-9])([A-Za-z0-9_.+/=-]{16,160}+)[\"'`]?[ ](?:is|was|as)[ ](?:the|my|your|his|her|our|their|an?)(?:[ ][a-z0-9.-]{2,20}){0,3}[ ](?:api[ _-]?key|key|token|secret)(?![a-z])",
        secret_check_key_alone, 300),
    ASSIGNED_BY("key_environment", "api_key", 0, "(?:ENV|ARG|export|setx?|SET|#define) {1,4}(?:-gx )?[A-Z0-9_]{3}",
        "(?:ENV|ARG|export|setx?|SET|#define(?=[^\"\\n]{1,90}\"))[ ]{1,4}(?:-gx[ ])?[A-Z0-9_]{0,60}(?:KEY|TOKEN|SECRET|PAT)[ ]{1,4}[\"']?([A-Za-z0-9_./+=~:-]{8,512})",
        secret_check_key_given, 640),
    ASSIGNED("password_environment", "password", "PASSW|PASS |PWD ",
        "(?:ENV|ARG|export|setx?|SET|#define(?=[^\"\\n]{1,90}\"))[ ]{1,4}(?:-gx[ ])?[A-Z0-9_]{0,60}(?:PASSWORD|PASSWD|PASS|PWD)[ ]{1,4}[\"']?([^\\s\"'`<>=]{3,128})",
        secret_check_password_given, 260),
    ASSIGNED_BY("bearer", "api_key", 13, "(?i)bearer|authorization|apikey|ssws|geniekey",
        "(?i)(?:authorization[\"'`]{0,2}[ ]?[:=,][ ]?\\\\?[\"'`]?(?:(?:bearer|api-token|token|apikey|api-key|key|bot|splunk|ssws|geniekey|klaviyo-api-key|discogs token=)(?=[ ])|(?=[A-Za-z._~+/=-]{0,40}[0-9]))|(?<![A-Za-z])(?:bearer|geniekey)(?=[ ]))[ ]{0,3}[\"'`]?([A-Za-z0-9._~+/=-]{8,2000})",
        secret_check_key_given, 2080),
    ASSIGNED_BY("key_parameter", "api_key", 0, "[?&](?:amp;)?(?:[A-Za-z_]{0,20}[kK]ey|code|auth|appid|[A-Za-z_]{0,20}[tT]oken|sig|signature)=",
        "[?&](?:amp;)?(?:[A-Za-z_]{0,20}[kK]ey|code|auth|appid|[A-Za-z_]{0,20}[tT]oken|sig|signature)=([A-Za-z0-9_.~%+/-]{16,512}={0,2})",
        secret_check_key_given, 580),
    ASSIGNED("key_element", "api_key", "(?i)(?:key|token|secret)",
        "(?i)<(?:[a-z0-9_.-]{1,30}:)?[a-z0-9_.-]{0,30}(?:api-?_?key|token|secret|access-?_?key|[a-z0-9][_-]?key)(?:[ ][^<>\\n]{0,100})?>\\s{0,20}([^<>\\s]{8,512})\\s{0,20}</",
        secret_check_key_given, 760),
};
/* clang-format on */

const size_t detectors_assigned_count = sizeof detectors_assigned / sizeof detectors_assigned[0];
