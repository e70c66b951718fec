/* Secrets known by their build: private keys between their lines, JWTs, credentials in URLs and connection strings,
 * keys of clouds that stand behind a fixed word. */
#include "privacy/detectors_secrets.h"
#include "privacy/secret_checks.h"

#define KIND "[A-Z0-9 ]{0,30}"
#define LABEL "PRIVATE KEY(?: BLOCK)?"
/* Whatever is between the lines, up to the next five dashes (so that a row of first lines is gone through once); or,
 * where the last line is missing, lines of base64. */
#define BEFORE_END "[^-]{1,12000}+(?:-{1,4}[^-]{1,900}+){0,12}+"
#define LINES "[A-Za-z0-9+/=\\s\\\\]{40,16000}"

#define KEY(name_, type_, found_, pattern_, check_, confidence_, mask_, keep_, most_)                                  \
    {                                                                                                                  \
        .name = (name_), .type = (type_), .class = PRIVACY_SECRET, .pattern = (pattern_), .prefilter = (found_),       \
        .check = (check_), .confidence = (confidence_), .mask = (mask_), .keep = (keep_), .most = (most_)              \
    }
/* The same, where the form is known to end so many bytes behind the begin at most; 0: it is the begin. */
#define KEY_BY(name_, type_, within_, found_, pattern_, check_, confidence_, mask_, keep_, most_)                      \
    {                                                                                                                  \
        .name = (name_), .type = (type_), .class = PRIVACY_SECRET, .pattern = (pattern_), .prefilter = (found_),       \
        .leads = !(within_), .within = (within_), .check = (check_), .confidence = (confidence_), .mask = (mask_),     \
        .keep = (keep_), .most = (most_)                                                                               \
    }

#define B64 "[A-Za-z0-9+/]"
#define NO_SPACE "[^\\s\"'`<>]"

/* clang-format off */
const struct detector detectors_keys[] = {
    KEY_BY("pem", "private_key", 64, "PRIVATE KEY",
        "-----BEGIN " KIND LABEL "-----(?:" BEFORE_END "-----END " KIND LABEL "-----|" LINES ")",
        secret_check_pem, 0.99, MASK_FENCED, 0, 23000),
    KEY_BY("ssh2", "private_key", 40, "SSH2 ENCRYPTED PRIVATE KEY",
        "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----[^-]{8,8000}---- END SSH2 ENCRYPTED PRIVATE KEY ----",
        secret_check_pem, 0.99, MASK_ALL, 0, 8200),
    KEY_BY("putty", "private_key", 0, "PuTTY-User-Key-File",
        "PuTTY-User-Key-File-[23]: [^\\0]{20,8000}?Private-MAC: [0-9a-f]{40,64}",
        NULL, 0.99, MASK_ALL, 0, 8200),
    KEY_BY("openssh_bare", "private_key", 0, "b3BlbnNzaC1rZXktdjE",
        "b3BlbnNzaC1rZXktdjE[A-Za-z0-9+/=\\s\\\\]{40,16000}",
        secret_check_pem, 0.95, MASK_ALL, 0, 16100),
    KEY_BY("wireguard", "private_key", 0, "(?i)PrivateKey|PresharedKey",
        "(?i:PrivateKey|PresharedKey)[ \\t]{0,4}[=:][ \\t]{0,4}[\"']?(" B64 "{43}=)",
        secret_check_token, 0.95, MASK_ALL, 0, 80),
    KEY_BY("jwk", "private_key", 8, "\"d\\\\?\"",
        "\\\\?\"d\\\\?\"[ \\t]{0,4}:[ \\t]{0,4}\\\\?\"([A-Za-z0-9_-]{40,700})\\\\?\"",
        secret_check_token, 0.9, MASK_ALL, 0, 740),
    KEY_BY("ethereum", "private_key", 0, "(?i)(?:private|secret|wallet).?key",
        "(?i:private[ _-]?key|secret[ _-]?key|wallet[ _-]?key)[\"'`]?[ \\t]{0,4}(?:is|=|:|=>)?[ \\t]{0,4}[\"'`]?((?:0x)?[0-9a-fA-F]{64})" SECRET_RIGHT,
        secret_check_token, 0.95, MASK_ALL, 0, 110),
    KEY_BY("seed_phrase", "private_key", 0, "(?i)seed|mnemonic|recovery",
        "(?i:seed|mnemonic|recovery)(?i:[ _-](?:phrase|words|key))?(?: is)?[\"'`]?[ \\t]{0,4}[=:]?[ \\t]{0,4}[\"'`]?((?:[a-z]{3,8} ){11}[a-z]{3,8}(?:(?: [a-z]{3,8}){3}){0,4})(?![a-z ])",
        NULL, 0.85, MASK_ALL, 0, 260),

    KEY_BY("bitlocker", "private_key", 0, "[0-9]{6}-[0-9]{6}-[0-9]{6}-[0-9]{6}-",
        "(?<![0-9A-Za-z-])(?:[0-9]{6}-){7}[0-9]{6}(?![0-9A-Za-z-])",
        NULL, 0.95, MASK_ALL, 0, 60),

    KEY_BY("jwt", "jwt", 0, "eyJ[A-Za-z0-9_-]{8}",
        "(?:(?<![A-Za-z0-9_.-])|(?<=\\\\[nrt])|(?<=%[0-9A-Fa-f]{2}))eyJ[A-Za-z0-9_-]{8,2000}\\.[A-Za-z0-9_-]{2,12000}\\.(?:[A-Za-z0-9_-]{0,2000}\\.[A-Za-z0-9_-]{4,6000}\\.)?[A-Za-z0-9_-]{0,2000}",
        secret_check_jwt, 0.99, MASK_PREFIX, 3, 24100),

    KEY_BY("url_credentials", "url_credentials", 40, "://",
        "[A-Za-z][A-Za-z0-9+.-]{1,30}:/?//[^\\s\"'`<>/?#@:]{0,120}:(" "[^\\s\"'`<>/\\\\]{1,200})@(?=[A-Za-z0-9\\[_$%{<*-])",
        secret_check_url, 0.96, MASK_ALL, 0, 370),
    KEY_BY("url_token", "url_credentials", 10, "://",
        "https?://([A-Za-z0-9_-]{20,200})(?::x-oauth-basic)?@(?=[A-Za-z0-9])",
        secret_check_token, 0.9, MASK_ALL, 0, 240),
    KEY_BY("connection_url", "url_credentials", 40, "(?i)(?:jdbc:|://)",
        "(?i)(?:jdbc:[a-z0-9:]{2,40}|(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\\+srv)?|redis|rediss|amqps?|sqlserver|clickhouse|snowflake|libsql|nats|cassandra)(?:\\+[a-z0-9]{2,20})?:)//[^\\s\"'`<>]{1,200}?[?;&](?:password|pwd|authToken|passwd)=([^\\s\"'`<>&;]{1,128})",
        secret_check_url, 0.96, MASK_ALL, 0, 480),
    KEY_BY("connection_oracle", "url_credentials", 0, "(?i)jdbc:oracle|sqlplus|expdp|impdp|sqlldr",
        "(?i)(?:jdbc:oracle:(?:thin|oci8?):|(?:sqlplus|expdp|impdp|sqlldr)[ ](?:-[a-z]{1,8}[ ]){0,3})[\"']?[a-z0-9_$#.]{1,40}/[\"']?([^\\s\"'`<>/@]{1,80})[\"']?@",
        secret_check_url, 0.95, MASK_ALL, 0, 180),
    KEY("connection_oracle_bare", "url_credentials", "@//",
        "(?i)(?<![a-z0-9_/:.-])[a-z0-9_$#]{1,40}/[\"']?([^\\s\"'`<>/@:]{1,80})[\"']?@//[a-z0-9.-]{1,80}(?::[0-9]{1,5})?/",
        secret_check_url, 0.95, MASK_ALL, 0, 240),
    KEY("connection_go", "url_credentials", "@(?:tcp|unix)\\(",
        "(?<![A-Za-z0-9_.-])[A-Za-z0-9_.-]{1,40}:([^\\s\"'`<>/@]{1,80})@(?:tcp|unix)\\(",
        secret_check_url, 0.95, MASK_ALL, 0, 140),
    KEY("connection_ado", "url_credentials", "(?i)(?:password|pwd) ?=",
        "(?i)(?<![a-z])(?:server|data source|host|hostname|addr|address|endpoint|user id|userid|uid|user|username|database|initial catalog|dsn|driver)[ ]?=[^;\\n\"']{1,120};(?:[^;=\\n\"']{1,40}=[^;\\n\"']{0,120};){0,8}[ ]?(?:password|pwd)[ ]?=[ ]?(?|'([^'\\n]{1,120})'|\"([^\"\\n]{1,120})\"|([^;\\s\"'`<>]{1,128}))",
        secret_check_url, 0.95, MASK_ALL, 0, 1900),
    KEY("connection_ado_first", "url_credentials", "(?i)(?:password|pwd) ?=",
        "(?i)(?<![a-z_])(?:password|pwd)[ ]?=[ ]?([^;\\s\"'`<>]{1,128})(?=;[ ]?(?:server|data source|host|user id|uid|user|database|initial catalog|encrypt|port|trustservercertificate|integrated security|pooling|ssl ?mode)[ ]?=)",
        secret_check_url, 0.95, MASK_ALL, 0, 150),
    KEY("connection_dsn", "url_credentials", "(?i)password ?=",
        "(?i)(?<![a-z_])(?:host|hostaddr|user|dbname|port)=[^\\s=\"';,]{1,80}(?: (?:host|hostaddr|user|dbname|port|sslmode|connect_timeout)=[^\\s=\"';]{1,80}){1,6} password=(?|'([^'\\n]{1,120})'|([^\\s\"';,]{1,128}))",
        secret_check_url, 0.95, MASK_ALL, 0, 860),

    KEY_BY("azure_account_key", "azure_key", 0, "(?i)AccountKey|SharedAccessKey|SharedSecret",
        "(?i:AccountKey|SharedAccessKey|SharedSecret(?:Value)?)[\"']?[ ]{0,2}[=:][ ]{0,2}[\"']?(" B64 "{32,88}={0,2})(?![A-Za-z0-9+/=])",
        secret_check_token, 0.97, MASK_ALL, 0, 130),
    KEY_BY("azure_sas", "azure_key", 10, "sig=",
        "[?&](?:amp;)?sig=([A-Za-z0-9%+/_-]{40,100}={0,2})",
        secret_check_token, 0.95, MASK_ALL, 0, 120),
    KEY_BY("aws_secret", "aws_key", 16, "(?i)aws|(?:secret|account).?access",
        "(?i:aws[ _-]?(?:secret|sk)[a-z_ -]{0,24}|(?:secret|account)[ _-]?access[ _-]?key[a-z_]{0,12})(?:[\"'`=: \\t>\\]),(|*]|is|\\\\){1,10}(" B64 "{40})(?![A-Za-z0-9+/=])",
        secret_check_aws_named, 0.97, MASK_ALL, 0, 100),
    KEY_BY("aws_secret_pair", "aws_key", 0, "A[KS]IA[A-Z0-9]{8}",
        "A[KS]IA[A-Z0-9]{16}(?:[ ]/[ ]|[^A-Za-z0-9+/=])[^A-Za-z0-9+/=]{0,40}(?:[A-Za-z_ .-]{1,40}[^A-Za-z0-9+/]{1,12}){0,3}(" B64 "{40})(?![A-Za-z0-9+/=])",
        secret_check_aws_secret, 0.96, MASK_ALL, 0, 270),
    {.name = "aws_secret_near", .type = "aws_key", .class = PRIVACY_SECRET,
     .pattern = "(?<![A-Za-z0-9+/=_.-])" B64 "{40}(?![A-Za-z0-9+/=_-])", .prefilter = B64 "{40}", .leads = true,
     .check = secret_check_aws_secret, .context = "aws|amazon|iam|s3|boto3|boto", .confidence = 0.92, .alone = 0,
     .mask = MASK_ALL, .most = 40, .needs = NEEDS_RUN},
};
/* clang-format on */

const size_t detectors_keys_count = sizeof detectors_keys / sizeof detectors_keys[0];
