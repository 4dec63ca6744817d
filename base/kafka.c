#include "base/kafka.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"

enum { fault_again_ms = 60 * 1000 };

/* What the commit protocol rests on (docs/guarantees.md): set by us, refused from outside. */
static const struct {
    const char *name;
    const char *why;
} fixed[] = {
    {"acks", "transactions need all of them"},
    {"auto.offset.reset", "a position that is gone must be an error, not a silent jump"},
    {"client.rack", "a follower's end is not the leader's, and deadlines wait for the end"},
    {"enable.auto.commit", "positions are kept on the state topic"},
    {"enable.auto.offset.store", "positions are kept on the state topic"},
    {"enable.idempotence", "transactions need it"},
    {"enable.partition.eof", "ends are told by it"},
    {"group.id", "use the option `group`"},
    {"group.instance.id", "use the option `instance`"},
    {"isolation.level", "records of transactions that failed must not be seen"},
    {"partition.assignment.strategy", "only `range` gives partition i of all inputs to one worker"},
    {"transactional.id", "it is the group and the partition: who owns it owns the partition"},
};

const char *kafka_fixed(const char *name)
{
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        if (strcmp(fixed[i].name, name) == 0)
            return fixed[i].why;
    }
    return NULL;
}

const char *kafka_setting(const struct kafka_settings *settings, const char *name)
{
    for (size_t i = settings->count; i-- > 0;) {
        if (strcmp(settings->items[i].name, name) == 0)
            return settings->items[i].value;
    }
    return NULL;
}

/* librdkafka 2.0.2's words and those of 2.16, the first that fits. */
static const struct {
    const char *words;
    const char *also; /* or NULL */
    enum kafka_fault fault;
} fault_words[] = {
    {"certificate verify failed", NULL, KAFKA_FAULT_UNTRUSTED},
    {"alert", "certificate", KAFKA_FAULT_CERTIFICATE},
    {"alert", "unknown ca", KAFKA_FAULT_CERTIFICATE},
    {"SASL authentication error", NULL, KAFKA_FAULT_LOGIN},
    {"mechanism handshake failed", NULL, KAFKA_FAULT_MECHANISM},
    {"SSL handshake failed", NULL, KAFKA_FAULT_NOT_TLS},
    {"PLAINTEXT broker listener", NULL, KAFKA_FAULT_NOT_TLS},
    {"security.protocol", NULL, KAFKA_FAULT_PROTOCOL},
};

enum kafka_fault kafka_fault_of(const char *text)
{
    for (size_t i = 0; i < sizeof(fault_words) / sizeof(fault_words[0]); i++) {
        if (strstr(text, fault_words[i].words) != NULL &&
            (fault_words[i].also == NULL || strstr(text, fault_words[i].also) != NULL))
            return fault_words[i].fault;
    }
    return KAFKA_FAULT_AWAY;
}

/* librdkafka's threads write, whoever explains reads. */
static pthread_mutex_t fault_lock = PTHREAD_MUTEX_INITIALIZER;
static enum kafka_fault last_fault;
static char last_fault_text[400];
static int64_t fault_logged_ms[KAFKA_FAULT_PROTOCOL + 1];
static atomic_bool faults_are_logged;

enum kafka_fault kafka_fault_last(char *text, size_t size)
{
    enum kafka_fault fault;

    pthread_mutex_lock(&fault_lock);
    fault = last_fault;
    snprintf(text, size, "%s", last_fault_text);
    pthread_mutex_unlock(&fault_lock);
    return fault;
}

void kafka_fault_forget(void)
{
    pthread_mutex_lock(&fault_lock);
    last_fault = KAFKA_FAULT_NONE;
    last_fault_text[0] = '\0';
    pthread_mutex_unlock(&fault_lock);
}

void kafka_fault_log(void)
{
    atomic_store(&faults_are_logged, true);
}

/* text: "[thrd:BROKER]: BROKER: what is wrong (after 3ms in state CONNECT)". */
static void note_fault(const char *text)
{
    const char *behind = text[0] == '[' ? strstr(text, "]: ") : NULL;
    enum kafka_fault fault = kafka_fault_of(text);
    int64_t now_ms = clock_monotonic_ms();
    bool logged;

    if (behind != NULL)
        text = behind + 3;
    pthread_mutex_lock(&fault_lock);
    /* What names a cause is worth more than that the connection ended, which follows it. */
    if (fault != KAFKA_FAULT_AWAY || last_fault <= KAFKA_FAULT_AWAY) {
        last_fault = fault;
        snprintf(last_fault_text, sizeof(last_fault_text), "%s", text);
    }
    logged = fault != KAFKA_FAULT_AWAY && atomic_load(&faults_are_logged) &&
             (fault_logged_ms[fault] == 0 || now_ms - fault_logged_ms[fault] >= fault_again_ms);
    if (logged)
        fault_logged_ms[fault] = now_ms;
    pthread_mutex_unlock(&fault_lock);
    if (logged)
        log_error("Kafka and this client no longer trust each other: it is tried again until that "
                  "is mended (docs/security.md)",
                  LOG_TEXT("why", text));
}

static void on_log(const rd_kafka_t *kafka, int level, const char *facility, const char *text)
{
    enum log_level our_level = log_level_of_syslog(level);

    /* A broker that is away is said once by us; librdkafka says it with every attempt. A property
     * of the other kind of client is fine: kafka.* goes to both. */
    if (strcmp(facility, "FAIL") == 0 || strcmp(facility, "ERROR") == 0 ||
        strcmp(facility, "CONFWARN") == 0)
        our_level = LOG_LEVEL_DEBUG;
    if (strcmp(facility, "FAIL") == 0)
        note_fault(text);
    if (log_enabled(our_level))
        log_write(our_level, "librdkafka",
                  (const struct log_field[]){LOG_TEXT("client", rd_kafka_name(kafka)),
                                             LOG_TEXT("facility", facility),
                                             LOG_TEXT("text", text),
                                             {.kind = LOG_KIND_END}});
}

static void on_error(rd_kafka_t *kafka, int err, const char *reason, void *opaque)
{
    (void)opaque;
    log_debug("librdkafka's error", LOG_TEXT("client", rd_kafka_name(kafka)),
              LOG_TEXT("code", rd_kafka_err2name((rd_kafka_resp_err_t)err)),
              LOG_TEXT("reason", reason));
}

enum err kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value,
                        struct err_note *note)
{
    char why[300];

    if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) == RD_KAFKA_CONF_OK)
        return ERR_OK;
    return FAIL(note, ERR_BAD_OPTION, "kafka.%s: %s", name, why);
}

/* Settings that name a file which must be there; the authorities may be a folder, or "probe". */
static bool names_file(const struct kafka_setting *setting)
{
    static const char *const names[] = {"ssl.ca.location", "ssl.certificate.location",
                                        "ssl.crl.location", "ssl.key.location",
                                        "ssl.keystore.location"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(setting->name, names[i]) == 0)
            return setting->value[0] != '\0' && strcmp(setting->value, "probe") != 0;
    }
    return false;
}

static enum err add_secret(rd_kafka_conf_t *conf, const struct kafka_setting *setting,
                           struct err_note *note)
{
    char secret[secret_bytes];
    enum err err = secret_read(setting->value, secret, note);
    rd_kafka_conf_res_t result;

    if (err != ERR_OK)
        return err;
    result = rd_kafka_conf_set(conf, setting->name, secret, NULL, 0);
    secret_wipe(secret);
    if (result == RD_KAFKA_CONF_OK)
        return ERR_OK;
    return FAIL(note, ERR_BAD_OPTION, "librdkafka does not take what is in %s", setting->value);
}

/* Properties of the other kind of client only make librdkafka grumble: they are fine. */
static enum err add_setting(rd_kafka_conf_t *conf, const struct kafka_setting *setting,
                            struct err_note *note)
{
    const char *why = kafka_fixed(setting->name);
    char text[300];

    if (why != NULL)
        return FAIL(note, ERR_BAD_OPTION, "cannot be set: %s", why);
    if (setting->file)
        return add_secret(conf, setting, note);
    if (names_file(setting) && access(setting->value, R_OK) != 0)
        return FAIL(note, ERR_BAD_OPTION,
                    "%s cannot be read: %s; it must be there, in PEM, and readable to the user "
                    "that ringback runs as",
                    setting->value, strerror(errno));
    if (rd_kafka_conf_set(conf, setting->name, setting->value, text, sizeof(text)) ==
        RD_KAFKA_CONF_OK)
        return ERR_OK;
    return FAIL(note, ERR_BAD_OPTION, "%s", text);
}

static enum err add_settings(rd_kafka_conf_t *conf, const struct kafka_settings *settings,
                             struct err_note *note)
{
    for (size_t i = 0; i < settings->count; i++) {
        const struct kafka_setting *setting = &settings->items[i];
        enum err err = add_setting(conf, setting, note);

        if (err == ERR_OK || note == NULL)
            TRY(err);
        else if (setting->place != NULL)
            return err_prefix(note, "%s: ", setting->place);
        else
            return err_prefix(note, "kafka.%s: ", setting->name);
    }
    return ERR_OK;
}

enum err kafka_conf_create(const struct kafka_settings *settings, const char *const *ours,
                           rd_kafka_conf_t **out, struct err_note *note)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    enum err err = ERR_OK;

    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    for (; err == ERR_OK && *ours != NULL; ours += 2)
        err = kafka_conf_set(conf, ours[0], ours[1], note);
    if (err == ERR_OK)
        err = add_settings(conf, settings, note);
    if (err != ERR_OK) {
        rd_kafka_conf_destroy(conf);
        return err;
    }
    *out = conf;
    return ERR_OK;
}

enum err kafka_create(rd_kafka_type_t type, rd_kafka_conf_t *conf, const char *what,
                      rd_kafka_t **kafka, struct err_note *note)
{
    char why[400];

    *kafka = rd_kafka_new(type, conf, why, sizeof(why));
    if (*kafka != NULL)
        return ERR_OK;
    rd_kafka_conf_destroy(conf);
    return FAIL(note, ERR_BAD_OPTION, "cannot make %s with the options kafka.*: %s", what, why);
}

enum err kafka_fail(struct err_note *note, enum err err, const char *what, rd_kafka_error_t *error)
{
    if (error == NULL)
        return ERR_OK;
    FAIL(note, err, "%s: %s (%s)", what, rd_kafka_error_string(error), rd_kafka_error_name(error));
    rd_kafka_error_destroy(error);
    return err;
}

static rd_kafka_headers_t *headers_of(const struct record *record)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(record->header_count);

    for (size_t i = 0; i < record->header_count; i++)
        (void)rd_kafka_header_add(headers, record->headers[i].name, -1,
                                  record->headers[i].value.data,
                                  (ssize_t)record->headers[i].value.size);
    return headers;
}

rd_kafka_resp_err_t kafka_produce(rd_kafka_t *kafka, rd_kafka_topic_t *topic,
                                  const struct record *record, bool copied, void *opaque)
{
    rd_kafka_headers_t *headers = record->header_count == 0 ? NULL : headers_of(record);
    rd_kafka_vu_t fields[8];
    rd_kafka_error_t *error;
    rd_kafka_resp_err_t code;

    fields[0].vtype = RD_KAFKA_VTYPE_RKT;
    fields[0].u.rkt = topic;
    fields[1].vtype = RD_KAFKA_VTYPE_PARTITION;
    fields[1].u.i32 = record->partition;
    fields[2].vtype = RD_KAFKA_VTYPE_VALUE;
    fields[2].u.mem.ptr = (void *)(uintptr_t)record->value.data;
    fields[2].u.mem.size = record->value.size;
    fields[3].vtype = RD_KAFKA_VTYPE_KEY;
    fields[3].u.mem.ptr = (void *)(uintptr_t)record->key.data;
    fields[3].u.mem.size = record->key.size;
    fields[4].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
    fields[4].u.i64 = record->timestamp_ms;
    fields[5].vtype = RD_KAFKA_VTYPE_OPAQUE;
    fields[5].u.ptr = opaque;
    fields[6].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
    fields[6].u.i = copied ? RD_KAFKA_MSG_F_COPY : 0;
    fields[7].vtype = RD_KAFKA_VTYPE_HEADERS;
    fields[7].u.headers = headers;
    error = rd_kafka_produceva(kafka, fields, headers == NULL ? 7 : 8);
    if (error == NULL)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    if (headers != NULL)
        rd_kafka_headers_destroy(headers);
    code = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    return code;
}
