#include "daemon/security.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/kafka.h"

/* Before SCRAM's mistake was mended: the client's half of the nonce was sent twice. Brokers from
 * 3.8.1 on mind (librdkafka's pull request 4895). */
enum { scram_mended = 0x020601ff };

static enum err fail_at(const struct options *options, const char *key, struct err_note *note)
{
    char place[400];

    return err_prefix(note, "%s: ", options_place(options, key, place, sizeof(place)));
}

#define FAIL_AT(options, key, note, ...)                                                           \
    (FAIL((note), ERR_BAD_OPTION, __VA_ARGS__),                                                    \
     (note) == NULL ? ERR_BAD_OPTION : fail_at((options), (key), (note)))

/* --- Kafka --- */

static bool given(const struct options *options, const char *key)
{
    const char *value = options_kafka_get(options, key);

    return value != NULL && value[0] != '\0';
}

static const char *protocol(const struct options *options)
{
    const char *value = options_kafka_get(options, "security.protocol");

    return value == NULL ? "plaintext" : value;
}

static bool wants_login(const struct options *options)
{
    return strncasecmp(protocol(options), "sasl_", 5) == 0;
}

static bool wants_tls(const struct options *options)
{
    const char *value = protocol(options);
    size_t size = strlen(value);

    return size >= 3 && strcasecmp(value + size - 3, "ssl") == 0;
}

static const char *mechanism(const struct options *options)
{
    const char *value = options_kafka_get(options, "sasl.mechanism");

    return value == NULL ? options_kafka_get(options, "sasl.mechanisms") : value;
}

/* By name and password; the others (GSSAPI, OAUTHBEARER) have their own settings. */
static bool by_password(const char *name)
{
    return strcmp(name, "PLAIN") == 0 || strncmp(name, "SCRAM-", 6) == 0;
}

static enum err check_login(const struct options *options, struct err_note *note)
{
    const char *name = mechanism(options);
    bool password = given(options, "sasl.password");

    if (password && options->kafka_sasl_password_file[0] != '\0')
        return FAIL_AT(options, "kafka.sasl.password_file", note,
                       "kafka.sasl.password is given too; leave one of them out");
    if (!wants_login(options))
        return ERR_OK;
    if (name == NULL)
        return FAIL_AT(options, "kafka.security.protocol", note,
                       "%s needs kafka.sasl.mechanism: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512",
                       protocol(options));
    if (!by_password(name))
        return ERR_OK;
    if (!given(options, "sasl.username"))
        return FAIL_AT(options, "kafka.security.protocol", note,
                       "%s by %s needs kafka.sasl.username", protocol(options), name);
    if (!password && options->kafka_sasl_password_file[0] == '\0')
        return FAIL_AT(options, "kafka.sasl.username", note,
                       "its password is missing: kafka.sasl.password_file names a file with it");
    return ERR_OK;
}

/* What is given and would not be used: somebody believes to be safe, and is not. */
static enum err check_unused(const struct options *options, struct err_note *note)
{
    static const char *const logins[] = {"sasl.username", "sasl.password", "sasl.mechanism",
                                         "sasl.mechanisms"};
    static const char *const certificates[] = {"ssl.ca.", "ssl.certificate.", "ssl.key.",
                                               "ssl.keystore."};
    char key[300];

    for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]) && !wants_login(options); i++) {
        snprintf(key, sizeof(key), "kafka.%s", logins[i]);
        if (given(options, logins[i]))
            return FAIL_AT(options, key, note,
                           "nobody asks for it with kafka.security.protocol %s; set that to "
                           "sasl_ssl (or sasl_plaintext, which shows a password to the network)",
                           protocol(options));
    }
    if (!wants_login(options) && options->kafka_sasl_password_file[0] != '\0')
        return FAIL_AT(options, "kafka.sasl.password_file", note,
                       "nobody asks for it with kafka.security.protocol %s; set that to sasl_ssl",
                       protocol(options));
    for (int i = 0; i < options->kafka_count && !wants_tls(options); i++) {
        for (size_t j = 0; j < sizeof(certificates) / sizeof(certificates[0]); j++) {
            if (strncmp(options->kafka[i].key, certificates[j], strlen(certificates[j])) != 0)
                continue;
            snprintf(key, sizeof(key), "kafka.%s", options->kafka[i].key);
            return FAIL_AT(options, key, note,
                           "without TLS nothing is encrypted and nobody is checked: "
                           "kafka.security.protocol is %s; set it to ssl or sasl_ssl",
                           protocol(options));
        }
    }
    return ERR_OK;
}

/* Which option the message begins with: the one that was given, or what would have been it. */
static const char *blamed(const struct options *options, enum kafka_fault fault)
{
    const char *first = "kafka.security.protocol";

    switch (fault) {
    case KAFKA_FAULT_NONE:
    case KAFKA_FAULT_AWAY: return "kafka.bootstrap.servers";
    case KAFKA_FAULT_UNTRUSTED: first = "kafka.ssl.ca.location"; break;
    case KAFKA_FAULT_CERTIFICATE: first = "kafka.ssl.certificate.location"; break;
    case KAFKA_FAULT_LOGIN:
        first = options->kafka_sasl_password_file[0] != '\0' ? "kafka.sasl.password_file"
                                                             : "kafka.sasl.password";
        return first;
    case KAFKA_FAULT_MECHANISM: first = "kafka.sasl.mechanism"; break;
    case KAFKA_FAULT_NOT_TLS:
    case KAFKA_FAULT_PROTOCOL: break;
    }
    if (given(options, first + strlen("kafka.")))
        return first;
    return given(options, "security.protocol") ? "kafka.security.protocol"
                                               : "kafka.bootstrap.servers";
}

static const char *what_to_do(const struct options *options, enum kafka_fault fault,
                              const char *text)
{
    const char *name = mechanism(options);
    bool open = !wants_tls(options) && !wants_login(options);

    switch (fault) {
    case KAFKA_FAULT_NONE:
    case KAFKA_FAULT_AWAY:
        return open && strstr(text, "refused") == NULL
                   ? "Is it running, and kafka.bootstrap.servers right? A broker that wants TLS or "
                     "a login may hang up without a word, and kafka.security.protocol is plaintext"
                   : "Is it running, and kafka.bootstrap.servers right?";
    case KAFKA_FAULT_UNTRUSTED:
        return "The option kafka.ssl.ca.location must name the authority that signed its "
               "certificate, and "
               "kafka.bootstrap.servers must name it as the certificate does";
    case KAFKA_FAULT_CERTIFICATE:
        return "It demands a certificate that it trusts: kafka.ssl.certificate.location and "
               "kafka.ssl.key.location";
    case KAFKA_FAULT_LOGIN:
        if (name != NULL && strncmp(name, "SCRAM-", 6) == 0 && rd_kafka_version() < scram_mended)
            return "Check kafka.sasl.username and the password. But librdkafka before 2.6.1 cannot "
                   "log in by SCRAM at brokers from 3.8.1 on, whatever the password: use PLAIN "
                   "over TLS, or a newer librdkafka (Debian 13 has one)";
        return "Check kafka.sasl.username and the password, and that the broker knows them for "
               "this mechanism";
    case KAFKA_FAULT_MECHANISM:
        return "Set kafka.sasl.mechanism to one that its listener offers; if it offers none, that "
               "port wants no login: check kafka.security.protocol and the port";
    case KAFKA_FAULT_NOT_TLS:
        return "That port seems to speak no TLS: check kafka.security.protocol and the port in "
               "kafka.bootstrap.servers";
    case KAFKA_FAULT_PROTOCOL: break;
    }
    return "It seems to want TLS or a login: set kafka.security.protocol to ssl or sasl_ssl, or "
           "take the port of another listener";
}

bool security_refused(void)
{
    char text[400];

    return kafka_fault_last(text, sizeof(text)) > KAFKA_FAULT_AWAY;
}

enum err security_explain(const struct options *options, rd_kafka_resp_err_t code,
                          struct err_note *note)
{
    char text[400], place[400];
    enum kafka_fault fault = kafka_fault_last(text, sizeof(text));
    const char *servers = options_kafka_get(options, "bootstrap.servers");
    const char *broker = strstr(text, ": "); /* "ssl://HOST:PORT/1: WORDS (after 3ms in state X)" */
    char *state = strstr(text, " (after ");

    if (text[0] == '\0')
        snprintf(text, sizeof(text), "%s", rd_kafka_err2str(code));
    else if (state != NULL)
        *state = '\0';
    return FAIL(note, ERR_BUS_DOWN, "%s: cannot reach Kafka at %s: %s. %s",
                options_place(options, blamed(options, fault), place, sizeof(place)), servers,
                broker == NULL ? text : broker + 2, what_to_do(options, fault, text));
}

/* --- Redis --- */

struct store_redis_options security_redis(const struct options *options)
{
    return (struct store_redis_options){
        .url = options->redis_url,
        .password_file = options->redis_password_file,
        .tls_ca = options->redis_tls_ca,
        .tls_certificate = options->redis_tls_certificate,
        .tls_key = options->redis_tls_key,
        .tls_name = options->redis_tls_name,
        .sentinels = options->redis_sentinels,
        .sentinel_master = options->redis_sentinel_master,
        .sentinel_user = options->redis_sentinel_user,
        .sentinel_password_file = options->redis_sentinel_password_file,
        .timeout_ms = options->redis_timeout_ms,
        .backoff_ms_max = 2000,
    };
}

static enum err check_redis(const struct options *options, bool files, struct err_note *note)
{
    struct store_redis_options redis = security_redis(options);
    const char *key = "redis.url";
    enum err err = store_redis_check(&redis, files, &key, note);

    if (err == ERR_OK || note == NULL)
        return err;
    return fail_at(options, key, note);
}

enum err security_check_redis(const struct options *options, struct err_note *note)
{
    return check_redis(options, true, note);
}

enum err security_check(const struct options *options, struct err_note *note)
{
    TRY(check_login(options, note));
    TRY(check_unused(options, note));
    return check_redis(options, false, note);
}
