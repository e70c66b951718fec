/* Tokens that their makers gave a form of their own, so that the text around them does not matter. A line is: name,
 * type, how many of its bytes may be seen, the head that is found first (short: Hyperscan looks for it in every text),
 * what follows it, and the longest match. The lengths are those in use, with room upwards where a maker says that
 * tokens may grow, and somewhat downwards: a token cut short still tells much. Keys that may be seen by all (Stripe's
 * pk_, Mapbox's pk., Supabase's sb_publishable_, account and client ids) are no secrets. Vendors whose keys are bare
 * hex or base64 are found by the words beside them: detectors_assigned.c. */
#include "privacy/detectors_secrets.h"
#include "privacy/secret_checks.h"

#define AN "[A-Za-z0-9]"
#define W "[A-Za-z0-9_-]"
#define HEX "[0-9a-f]"
#define UUID HEX "{8}-" HEX "{4}-" HEX "{4}-" HEX "{4}-" HEX "{12}"

#define TOKEN(name_, type_, keep_, head_, rest_, most_)                                                                \
    {                                                                                                                  \
        .name = (name_), .type = (type_), .class = PRIVACY_SECRET, .pattern = SECRET_LEFT head_ rest_ SECRET_RIGHT,    \
        .prefilter = head_, .leads = true, .check = secret_check_token, .confidence = 0.98, .alone = 0.98,             \
        .mask = MASK_PREFIX, .keep = (keep_), .most = (most_), .needs = NEEDS_RUN                                      \
    }

/* What is found first stands further behind, or is shorter than the head. */
#define TOKEN_BY(name_, type_, keep_, found_, pattern_, most_)                                                         \
    {                                                                                                                  \
        .name = (name_), .type = (type_), .class = PRIVACY_SECRET, .pattern = SECRET_LEFT pattern_ SECRET_RIGHT,       \
        .prefilter = (found_), .check = secret_check_token, .confidence = 0.98, .alone = 0.98, .mask = MASK_PREFIX,    \
        .keep = (keep_), .most = (most_), .needs = NEEDS_RUN                                                           \
    }

/* A form that could be something else: believed only where one of the words is near. */
#define TOKEN_NEAR(name_, type_, keep_, head_, rest_, most_, words_)                                                   \
    {                                                                                                                  \
        .name = (name_), .type = (type_), .class = PRIVACY_SECRET, .pattern = SECRET_LEFT head_ rest_ SECRET_RIGHT,    \
        .prefilter = head_, .leads = true, .check = secret_check_token, .context = (words_), .confidence = 0.9,        \
        .alone = 0, .mask = MASK_PREFIX, .keep = (keep_), .most = (most_), .needs = NEEDS_RUN                          \
    }

/* clang-format off */
const struct detector detectors_vendors[] = {
    /* Code hosts and their builders */
    TOKEN("github_classic", "github_token", 4, "gh[pousr]_" AN "{16}", AN "{14,239}", 260),
    TOKEN("github_fine_grained", "github_token", 11, "github_pat_" AN "{10}", "[A-Za-z0-9_]{20,240}", 270),
    TOKEN("gitlab", "gitlab_token", 4, "gl(?:pat|dt|rt|rtr|ptt|cbt|ft|fft|imt|agent|oas|soat|wt)-" W "{16}", W "{0,280}(?:\\.[0-9a-z]{2,20}){0,2}", 350),
    TOKEN("gitlab_runner", "gitlab_token", 9, "GR1348941" W "{16}", W "{4,20}", 50),
    TOKEN("bitbucket", "bitbucket_token", 4, "ATBB" AN "{20}", AN "{8,40}", 70),
    TOKEN("atlassian", "atlassian_token", 6, "AT[AC]TT3" W "{20}", "[A-Za-z0-9_=-]{20,300}", 330),
    TOKEN("circleci", "circleci_token", 7, "CCIP(?:AT|RJ)_" AN "{16,24}_", HEX "{40}", 80),
    TOKEN("buildkite", "buildkite_token", 5, "bk[auc][ae]_" "[a-z0-9]{20}", "[a-z0-9]{16,30}", 60),
    TOKEN("docker", "docker_token", 9, "dckr_(?:pat|oat)_" W "{10}", W "{10,40}", 70),
    TOKEN("npm", "npm_token", 4, "npm_" AN "{16}", AN "{14,48}", 70),
    TOKEN("pypi", "pypi_token", 5, "pypi-" W "{20}", W "{16,400}", 430),
    TOKEN("rubygems", "rubygems_token", 9, "rubygems_" HEX "{20}", HEX "{20,40}", 70),
    TOKEN("crates", "crates_token", 3, "cio" AN "{32}", "", 40),
    TOKEN("nuget", "nuget_token", 3, "oy2[a-z0-9]{43}", "", 50),
    TOKEN("clojars", "clojars_token", 8, "CLOJARS_[a-z0-9]{20}", "[a-z0-9]{20,50}", 80),
    TOKEN("jfrog", "jfrog_token", 4, "(?:AKCp" AN "{30}|cmVmd" AN "{30})", AN "{20,60}", 100),
    TOKEN("sonar", "sonar_token", 4, "sq[upa]_" HEX "{20}", HEX "{20}", 50),
    TOKEN("sourcegraph", "sourcegraph_token", 4, "sgp_(?:[0-9a-f]{16}_|local_)?" HEX "{20}", HEX "{20}", 70),
    TOKEN("pulumi", "pulumi_token", 4, "pul-" HEX "{20}", HEX "{20}", 50),
    TOKEN_BY("terraform", "terraform_token", 0, "\\.atlasv1\\.", AN "{14}\\.atlasv1\\." "[A-Za-z0-9_=-]{50,80}", 120),
    TOKEN("vault", "vault_token", 4, "hv[sbr]\\." W "{16}", W "{6,280}", 310),
    TOKEN_NEAR("vault_old", "vault_token", 2, "s\\." AN "{24}", "", 30, "vault"),
    TOKEN("doppler", "doppler_token", 5, "dp\\.(?:pt|st|ct|sa|scim|audit)\\.", "(?:[a-z0-9_-]{2,35}\\.)?" AN "{36,48}", 110),
    TOKEN("onepassword", "onepassword_token", 7, "ops_eyJ" W "{20}", "[A-Za-z0-9_=+/-]{40,2000}", 2040),
    TOKEN("infracost", "infracost_token", 4, "ico-" AN "{32}", "", 40),
    TOKEN("snyk", "snyk_token", 9, "snyk_(?:uat|sat|pat)\\.", "[A-Za-z0-9._-]{20,200}" AN, 220),
    TOKEN("harness", "harness_token", 4, "[ps]at\\." W "{22}\\.", HEX "{24}\\." AN "{20}", 80),
    TOKEN("postman", "postman_key", 5, "PMAK-" HEX "{24}", "-" HEX "{34}", 70),
    TOKEN("readme", "readme_key", 5, "rdme_[a-z0-9]{20}", "[a-z0-9]{40,60}", 90),
    TOKEN("prefect", "prefect_key", 4, "pn[ub]_" AN "{30}", AN "{6,10}", 50),
    TOKEN("openshift", "openshift_token", 7, "sha256~" W "{20}", W "{20,30}", 60),
    TOKEN_NEAR("octopus", "octopus_key", 4, "API-[A-Z0-9]{16}", "[A-Z0-9]{9,12}", 40, "octopus|octo|x-octopus-apikey"),
    TOKEN("launchdarkly", "launchdarkly_key", 4, "(?:sdk|api)-" HEX "{8}-", HEX "{4}-4" HEX "{3}-" HEX "{4}-" HEX "{12}", 50),
    TOKEN("wakatime", "wakatime_key", 5, "waka_" HEX "{8}-", HEX "{4}-" HEX "{4}-" HEX "{4}-" HEX "{12}", 50),
    TOKEN("apify", "apify_token", 10, "apify_api_" AN "{16}", AN "{14,30}", 70),
    TOKEN("dbt", "dbt_token", 5, "dbt[csu]_" W "{16}", W "{10,60}", 90),
    TOKEN("defined", "defined_token", 6, "dnkey-" W "{16}", W "{10}-" W "{52}", 90),
    TOKEN("settlemint", "settlemint_token", 7, "sm_[aps]at_" AN "{14}", AN "{2,20}", 60),
    TOKEN("intra42", "intra42_key", 7, "s-s4t2(?:ud|af)-" HEX "{20}", HEX "{40,50}", 90),
    TOKEN("dependency_track", "dependency_track_key", 4, "odt_" AN "{24}", AN "{4,30}", 70),
    TOKEN("rootly", "rootly_key", 7, "rootly_" HEX "{24}", HEX "{20,50}", 90),
    TOKEN("trigger", "trigger_key", 8, "tr_(?:dev|prod|stg|preview)_" AN "{16}", AN "{4,24}", 60),
    TOKEN("inngest", "inngest_key", 13, "signkey-(?:prod|test|branch)-" HEX "{20}", HEX "{12,60}", 110),
    TOKEN("deno", "deno_token", 4, "dd[pow]_" AN "{20}", AN "{10,24}", 60),
    TOKEN("bitwarden", "bitwarden_token", 2, "0\\." UUID "\\.", AN "{24,40}:[A-Za-z0-9+/]{20,30}={0,2}", 130),
    TOKEN("onepassword_secret", "onepassword_token", 3, "A3-[A-Z0-9]{6}-", "(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}", 50),

    /* Models */
    TOKEN("openai_project", "openai_key", 7, "sk-(?:proj|svcacct|admin|service|None)-" W "{16}", W "{0,200}", 240),
    TOKEN("openai", "openai_key", 3, "sk-" AN "{18}", AN "{0,110}", 140),
    TOKEN("openrouter", "openrouter_key", 6, "sk-or-(?:v1-)?" AN "{16}", AN "{4,80}", 110),
    TOKEN("anthropic", "anthropic_key", 7, "sk-ant-" W "{16}", W "{0,200}", 230),
    TOKEN("langfuse", "langfuse_key", 6, "sk-lf-" HEX "{8}", "-" HEX "{4}-" HEX "{4}-" HEX "{4}-" HEX "{12}", 50),
    TOKEN("langsmith", "langsmith_key", 2, "ls(?:v2_(?:pt|sk)_|__)" HEX "{20}", HEX "{8,12}(?:_" HEX "{10})?", 60),
    TOKEN("huggingface", "huggingface_token", 2, "(?:hf|api_org)_" AN "{16}", AN "{10,40}", 70),
    TOKEN("replicate", "replicate_token", 3, "r8_" AN "{16}", AN "{16,28}", 50),
    TOKEN("groq", "groq_key", 4, "gsk_" AN "{16}", AN "{16,48}", 70),
    TOKEN("xai", "xai_key", 4, "xai-" AN "{20}", AN "{20,80}", 110),
    TOKEN("perplexity", "perplexity_key", 5, "pplx-" AN "{16}", AN "{16,50}", 80),
    TOKEN("together", "together_key", 7, "tgp_v1_" W "{16}", W "{16,40}", 70),
    TOKEN("fireworks", "fireworks_key", 3, "fw_" AN "{20}", AN "{2,6}", 40),
    TOKEN("anyscale", "anyscale_key", 8, "esecret_[a-z0-9]{16}", "[a-z0-9]{4,30}", 60),
    TOKEN("cerebras", "cerebras_key", 4, "csk-[a-z0-9]{24}", "[a-z0-9]{20,30}", 60),
    TOKEN("nvidia", "nvidia_key", 6, "nvapi-" W "{20}", W "{30,60}", 90),
    TOKEN("pinecone", "pinecone_key", 5, "pcsk_" AN "{5,6}_", AN "{40,70}", 90),
    TOKEN("tavily", "tavily_key", 5, "tvly-(?:dev-|prod-)?" AN "{16}", AN "{8,24}", 60),
    TOKEN("elevenlabs", "elevenlabs_key", 3, "sk_" HEX "{24}", HEX "{8,24}", 60),
    TOKEN("jina", "jina_key", 5, "jina_" HEX "{24}", W "{20,40}", 80),
    TOKEN("firecrawl", "firecrawl_key", 3, "fc-" HEX "{32}", "", 40),
    TOKEN("e2b", "e2b_key", 4, "e2b_" HEX "{20}", HEX "{20}", 50),
    TOKEN("voyage", "voyage_key", 3, "pa-" W "{43}", "", 50),
    TOKEN("zapier_actions", "zapier_key", 6, "sk-ak-" AN "{16}", AN "{8,40}", 70),
    TOKEN("runpod", "runpod_key", 4, "rpa_" AN "{24}", AN "{12,30}", 60),
    TOKEN("coze", "coze_token", 4, "pat_" AN "{16}", AN "{32,76}", 110),
    TOKEN("nvidia_ngc", "nvidia_key", 4, "bmdjYXBp[A-Za-z0-9+/]{16}", "[A-Za-z0-9+/]{44,144}={0,2}", 180),

    /* Clouds and hosts */
    {.name = "aws_access_key_id", .type = "aws_key", .class = PRIVACY_SECRET,
     .pattern = SECRET_LEFT "A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}" SECRET_RIGHT, .prefilter = "A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{8}",
     .leads = true, .check = secret_check_aws_id, .confidence = 0.98, .alone = 0.98, .mask = MASK_PREFIX, .keep = 4,
     .most = 24, .needs = NEEDS_RUN},
    TOKEN("aws_session", "aws_key", 4, "(?:IQoJb3JpZ2lu|FwoGZXIvYXdz)[A-Za-z0-9+/%]{20}", "[A-Za-z0-9+/%=]{60,2000}", 2040),
    TOKEN("aws_bedrock", "aws_key", 4, "ABSK[A-Za-z0-9+/]{40}", "[A-Za-z0-9+/]{40,240}={0,2}", 300),
    TOKEN("google_api", "google_key", 4, "AIza" W "{20}", W "{10,19}", 50),
    TOKEN("google_oauth_access", "google_key", 5, "ya29\\." W "{16}", W "{4,500}", 530),
    TOKEN("google_oauth_secret", "google_key", 7, "GOCSPX-" W "{16}", W "{6,20}", 50),
    TOKEN("google_oauth_refresh", "google_key", 4, "1//0" W "{20}", W "{10,150}", 180),
    TOKEN("digitalocean", "digitalocean_token", 7, "do[opr]_v1_" HEX "{20}", HEX "{20,60}", 100),
    TOKEN("heroku", "heroku_key", 5, "HRKU-", "(?:" UUID "|AA" W "{40,70})", 90),
    TOKEN_BY("azure_client_secret", "azure_key", 0, "[78]Q~", "[A-Za-z0-9_~.]{3}[78]Q~" "[A-Za-z0-9_~.-]{30,34}", 50),
    TOKEN_BY("azure_devops", "azure_key", 0, "AZDO", AN "{76}AZDO" AN "{4}", 90),
    TOKEN_BY("azure_ai", "azure_key", 0, "JQQJ99", AN "{52}JQQJ99" AN "{26}", 90),
    TOKEN("alibaba", "alibaba_key", 4, "LTAI" AN "{12}", AN "{0,12}", 32),
    TOKEN("tencent", "tencent_key", 4, "AKID" AN "{28}", AN "{4,8}", 48),
    TOKEN("yandex", "yandex_key", 4, "AQVN" W "{30}", W "{5,8}", 50),
    TOKEN("cloudflare_ca", "cloudflare_key", 5, "v1\\.0-" HEX "{24}-", HEX "{100,160}", 200),
    TOKEN("vercel", "vercel_token", 4, "vc[pkiar]_" AN "{20}", AN "{4,60}", 90),
    TOKEN("netlify", "netlify_token", 4, "nf[pcoub]_" AN "{20}", AN "{12,24}", 60),
    TOKEN("supabase", "supabase_key", 4, "sb(?:p_|_secret_)" W "{16}", W "{4,40}", 80),
    TOKEN("planetscale", "planetscale_token", 9, "pscale_(?:tkn|pw|oauth|otkn)_" W "{16}", "[A-Za-z0-9=._-]{8,60}", 100),
    TOKEN("neon", "neon_key", 5, "napi_[a-z0-9]{24}", "[a-z0-9]{20,60}", 90),
    TOKEN("databricks", "databricks_token", 4, "dapi" HEX "{20}", HEX "{12}(?:-[0-9]{1,2})?", 50),
    TOKEN("fly", "fly_token", 3, "(?:fo1_" W "{30}|fm[12][ar]?_[A-Za-z0-9+/]{30})", "[A-Za-z0-9+/=_-]{8,600}", 640),
    TOKEN("render", "render_key", 4, "rnd_" AN "{24}", AN "{4,16}", 60),
    TOKEN("tailscale", "tailscale_key", 6, "tskey-(?:[a-z]{2,10}-)?" AN "{8}", AN "{1,16}(?:-" AN "{16,48})?", 100),
    TOKEN("scalingo", "scalingo_token", 6, "tk-us-" W "{20}", W "{20,40}", 80),
    TOKEN("clickhouse", "clickhouse_key", 4, "4b1d" AN "{38}", "", 44),
    TOKEN("aiven", "aiven_token", 8, "aivenv1[A-Za-z0-9+/]{16}", "[A-Za-z0-9+/]{64,424}={0,2}", 460),
    TOKEN("cockroach", "cockroach_key", 6, "CCDB1_" AN "{16}", AN "{6}_" AN "{40}", 70),
    TOKEN("atlas", "mongodb_key", 10, "mdb_sa_sk_" W "{20}", W "{16,40}", 80),
    TOKEN("materialize", "materialize_key", 4, "mzp_" HEX "{16}", HEX "{36,56}", 80),
    TOKEN("elastic_cloud", "elastic_key", 5, "essu_[A-Za-z0-9+/]{16}", "[A-Za-z0-9+/]{32,124}={0,2}", 160),
    TOKEN_NEAR("backblaze", "backblaze_key", 4, "K00[0-9][A-Za-z0-9+/]{16}", "[A-Za-z0-9+/]{11}", 34, "b2|backblaze|application key|applicationkey"),
    TOKEN("yandex_session", "yandex_key", 4, "t1\\.[A-Z0-9a-z_-]{20}", "[A-Za-z0-9_-]{0,60}={0,2}\\.[A-Za-z0-9_-]{80,90}={0,2}", 200),
    TOKEN("yandex_oauth", "yandex_key", 3, "y[0-3]_" W "{16}", W "{38,54}", 80),

    /* Watching */
    TOKEN("newrelic", "newrelic_key", 5, "NR(?:AK|II|AA|BR)-", AN "{24,36}", 50),
    TOKEN("newrelic_browser", "newrelic_key", 5, "NRJS-", HEX "{19}", 30),
    TOKEN_BY("newrelic_license", "newrelic_key", 0, "NRAL", HEX "{36}NRAL", 44),
    TOKEN("grafana_cloud", "grafana_token", 4, "glc_[A-Za-z0-9+/]{20}", "[A-Za-z0-9+/=]{10,400}", 430),
    TOKEN("grafana_service", "grafana_token", 5, "glsa_" AN "{20}", AN "{8,16}(?:_[0-9A-Fa-f]{8})?", 60),
    TOKEN("grafana_old", "grafana_token", 8, "eyJrIjoi[A-Za-z0-9+/]{30}", "[A-Za-z0-9+/=]{10,400}", 450),
    TOKEN("sentry", "sentry_token", 7, "sntry[su]_[A-Za-z0-9+/]{20}", "[A-Za-z0-9+/=_-]{20,400}", 430),
    TOKEN("dynatrace", "dynatrace_token", 4, "dt0[a-z][0-9]{2}\\.[A-Z0-9]{8}", "[A-Z0-9]{0,24}\\.[A-Z0-9]{40,70}", 120),
    TOKEN("datadog", "datadog_key", 6, "dd(?:app|api|pat)_", AN "{30,60}", 70),
    TOKEN("posthog", "posthog_key", 4, "ph[xs]_" AN "{16}", AN "{20,46}", 70),
    TOKEN("honeycomb", "honeycomb_key", 6, "hc[abx]?(?:ik|mk)_[a-z0-9]{16}", "[a-z0-9]{30,70}", 100),
    TOKEN("axiom", "axiom_token", 5, "xa[aip]t-", UUID, 50),

    /* Money and shops */
    TOKEN("stripe", "stripe_key", 8, "[sr]k_(?:live|test|prod)_" AN "{8}", AN "{2,240}", 260),
    TOKEN("stripe_webhook", "stripe_key", 6, "whsec_" AN "{16}", "[A-Za-z0-9+/]{4,80}={0,2}", 110),
    TOKEN("square", "square_token", 4, "(?:EAAA" W "{30}|sq0(?:atp|csp)-" W "{16})", W "{6,40}", 80),
    TOKEN("shopify", "shopify_token", 5, "shp(?:at|ca|pa|ss|ua|ka|tka)_" "[0-9A-Fa-f]{16}", "[0-9A-Fa-f]{14,24}", 60),
    TOKEN("plaid", "plaid_token", 14, "access-(?:sandbox|development|production)-", UUID, 70),
    TOKEN("flutterwave", "flutterwave_key", 7, "FLWSECK(?:_TEST)?-", AN "{12,40}-X", 70),
    TOKEN("easypost", "easypost_key", 4, "EZ[AT]K" AN "{24}", AN "{30}", 60),
    TOKEN("duffel", "duffel_token", 12, "duffel_(?:live|test)_", "[A-Za-z0-9_=-]{36,48}", 70),
    TOKEN("shippo", "shippo_token", 12, "shippo_(?:live|test)_", HEX "{40}", 60),
    TOKEN("paypal_braintree", "braintree_token", 20, "access_token\\$(?:production|sandbox)\\$", "[0-9a-z]{16}\\$" HEX "{32}", 90),
    TOKEN("paddle", "paddle_key", 12, "pdl_(?:live|sdbx|ntfset)_", "[A-Za-z0-9_]{24,90}", 110),
    TOKEN("polar", "polar_token", 6, "polar_(?:oat|pat|whs)_" AN "{20}", AN "{10,40}", 80),
    TOKEN("ramp", "ramp_key", 9, "ramp_sec_" AN "{16}", AN "{24,46}", 80),
    TOKEN("alchemy", "alchemy_key", 6, "alcht_" AN "{20}", AN "{8,24}", 60),
    TOKEN("pagarme", "pagarme_key", 8, "ak_(?:live|test)_" AN "{20}", AN "{8,30}", 70),
    TOKEN("stytch", "stytch_key", 12, "secret-(?:live|test)-" W "{16}", "[A-Za-z0-9_=-]{18,34}", 70),
    TOKEN_BY("live_key", "api_key", 5, "(?:live|test)_" AN "{28}", "(?<!_)(?:live|test)_(?=[A-Za-z]{0,12}[0-9][A-Za-z]{0,12}[0-9])" AN "{28}[A-Za-z0-9_-]{0,40}", 80),
    TOKEN_NEAR("adyen", "adyen_key", 3, "AQE[A-Za-z0-9+/=]{20}", "[A-Za-z0-9+/=.:;<>?@^_{}()~-]{40}[^\\s\"'`,]{0,240}", 310, "adyen|x-api-key"),

    /* Messages and mail */
    TOKEN("slack", "slack_token", 3, "xox[abceoprsd](?:\\.xox[bp])?-[A-Za-z0-9]", "[A-Za-z0-9-]{8,250}" AN, 280),
    TOKEN("slack_app", "slack_token", 5, "x(?:app|wfp)-[A-Za-z0-9]", "[A-Za-z0-9-]{16,250}" AN, 280),
    TOKEN("slack_webhook", "slack_token", 24, "https://hooks\\.slack\\.com/[a-z]{5,12}/", "[A-Za-z0-9/]{16,120}", 180),
    TOKEN("teams_webhook", "teams_webhook", 24, "https://[a-z0-9-]{1,60}\\.webhook\\.office\\.com/webhookb2/", "[A-Za-z0-9@/-]{40,240}", 380),
    TOKEN("discord_webhook", "discord_token", 24, "https://(?:ptb\\.|canary\\.)?discord(?:app)?\\.com/api/(?:v[0-9]{1,2}/)?webhooks/", "[0-9]{16,20}/" W "{40,90}", 190),
    TOKEN_BY("discord_bot", "discord_token", 0, "\\.[A-Za-z0-9_-]{6}\\.[A-Za-z0-9_-]{27}", "[MNO]" W "{22,27}\\." W "{6}\\." W "{27,40}", 90),
    TOKEN("telegram", "telegram_token", 0, "[0-9]{8,10}:AA" W "{16}", W "{14,20}", 60),
    TOKEN_NEAR("telegram_bot", "telegram_token", 0, "[0-9]{8,10}:" W "{33}", W "{0,4}", 60, "telegram|bot token|bot_token|bottoken|/bot|botfather"),
    TOKEN("sendgrid", "sendgrid_key", 3, "SG\\." W "{16}", W "{0,16}\\." W "{16,64}", 110),
    TOKEN("twilio", "twilio_key", 2, "SK" HEX "{32}", "", 36),
    TOKEN_BY("twilio_pair", "twilio_key", 0, "AC" HEX "{32}", "AC" HEX "{32}[^A-Za-z0-9\\n]{1,10}(?:[A-Za-z_ ]{1,30}[^A-Za-z0-9\\n]{1,8})?(" HEX "{32})", 120),
    TOKEN("mailgun", "mailgun_key", 0, "(?:key-" HEX "{32}|" HEX "{32}-" HEX "{8}-" HEX "{8})", "", 60),
    TOKEN_BY("mailchimp", "mailchimp_key", 0, "[0-9a-f]{8}-us[0-9]", HEX "{32}-us[0-9]" "[0-9]?", 40),
    TOKEN("brevo", "brevo_key", 7, "x(?:keysib|smtpsib)-" HEX "{24}", HEX "{30,44}-" AN "{12,24}", 110),
    TOKEN("resend", "resend_key", 3, "re_" AN "{6,10}_", AN "{20,30}", 50),
    TOKEN("twitch", "twitch_token", 6, "oauth:[a-z0-9]{16}", "[a-z0-9]{14}", 40),
    TOKEN("adafruit", "adafruit_key", 4, "aio_[a-zA-Z]{4}[0-9]{2}", AN "{22}", 40),
    TOKEN("onesignal", "onesignal_key", 10, "os_v2_(?:app|org)_[a-z0-9]{24}", "[a-z0-9]{40,110}", 150),
    TOKEN("telnyx", "telnyx_key", 3, "KEY0[0-9A-F]{24}", "[0-9A-F]{4,12}_" AN "{20,24}", 70),
    TOKEN("voiceflow", "voiceflow_key", 6, "VF\\.(?:(?:DM|WS)\\.)?" AN "{16}", AN "{8}\\." AN "{16}", 60),
    TOKEN_NEAR("beamer", "beamer_key", 2, "b_[A-Za-z0-9=_-]{20}", "[A-Za-z0-9=_-]{24}", 50, "beamer"),
    TOKEN_NEAR("intercom", "intercom_token", 4, "dG9rO[A-Za-z0-9+/_-]{16}", "[A-Za-z0-9+/_-]{34,74}={0,2}", 110, "intercom|token|access_token|bearer"),

    /* Work and files */
    TOKEN("linear", "linear_key", 6, "lin_(?:api|oauth|wh)_" AN "{16}", AN "{12,50}", 80),
    TOKEN("trello", "trello_token", 4, "ATTA" HEX "{16}", HEX "{40,64}", 90),
    TOKEN("clickup", "clickup_token", 3, "pk_[0-9]{6,10}_", "[A-Z0-9]{32}", 50),
    TOKEN("frameio", "frameio_token", 6, "fio-u-" W "{16}", W "{36,56}", 90),
    TOKEN("calcom", "calcom_key", 4, "cal_(?:live_)?" HEX "{16}", HEX "{16,48}", 80),
    TOKEN("ubidots", "ubidots_token", 5, "BBFF-" AN "{16}", AN "{14}", 40),
    TOKEN("notion", "notion_token", 0, "(?:ntn_" AN "{20}|secret_" AN "{22})", AN "{18,40}", 80),
    TOKEN("figma", "figma_token", 5, "fig[dour]_" W "{16}", W "{4,60}", 90),
    TOKEN("airtable", "airtable_key", 3, "pat" AN "{14}\\." HEX "{20}", HEX "{44}", 90),
    TOKEN("asana", "asana_token", 0, "[0-2]/[0-9]{10,20}(?:/[0-9]{10,20})?:", HEX "{32}", 80),
    TOKEN("hubspot", "hubspot_token", 8, "pat-(?:na|eu|ap)[0-9]-", UUID, 50),
    TOKEN("typeform", "typeform_token", 4, "tfp_" W "{16}", "[A-Za-z0-9._=-]{18,60}" AN, 90),
    TOKEN("contentful", "contentful_token", 6, "CFPAT-" W "{20}", W "{16,30}", 60),
    TOKEN("dropbox", "dropbox_token", 3, "sl\\.(?:u\\.)?" W "{40}", W "{60,1300}", 1350),
    TOKEN("riot", "riot_key", 6, "RGAPI-", UUID, 50),
    TOKEN_BY("twitter_bearer", "twitter_token", 0, "AAAAAAAAAAAAAAAAAAAA[A-Za-z0-9]{16}", "A{20,24}[A-Za-z0-9]{16,60}%[23][BDFbdf][A-Za-z0-9%]{20,90}", 190),
    TOKEN("facebook", "facebook_token", 3, "EAA[A-Za-z0-9]{30}", AN "{10,300}", 340),
    TOKEN("facebook_app", "facebook_token", 0, "[0-9]{15,16}\\|" W "{20}", W "{6,14}", 60),
    TOKEN("mapbox", "mapbox_token", 6, "sk\\.eyJ" W "{20}", W "{10,200}\\." W "{18,30}", 270),
    TOKEN("salesforce", "salesforce_token", 3, "00D" AN "{12}(?:" AN "{3})?!", "[A-Za-z0-9._]{60,140}", 170),
    TOKEN_BY("maxmind", "maxmind_key", 0, "_mmk", AN "{6}_" AN "{29}_mmk", 48),
    TOKEN("duo_age", "private_key", 16, "AGE-SECRET-KEY-1[A-Z0-9]{20}", "[A-Z0-9]{30,40}", 90),
};
/* clang-format on */

const size_t detectors_vendors_count = sizeof detectors_vendors / sizeof detectors_vendors[0];
