/* daemon/security, base/kafka and base/secret: what belongs together, what files must hold, what
 * librdkafka's words come from. tests/all.d/52-secure has the servers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/secret.h"
#include "daemon/bus_kafka.h"
#include "daemon/security.h"

static struct options options;
static struct err_note note;
static char path[] = "/tmp/ringback-secret-XXXXXX";

static enum err load(const char *text)
{
    options_init(&options);
    note.text[0] = '\0';
    if (options_text(&options, "f.yaml", slice_text(text), &note) != ERR_OK)
        return note.err;
    return options_check(&options, &note);
}

static void assert_says(enum err err, const char *message)
{
    assert_int_equal(err, ERR_BAD_OPTION);
    if (strncmp(note.text, message, strlen(message)) != 0)
        fail_msg("says: %s\nnot:  %s", note.text, message);
}

#define SASL "kafka: {security.protocol: sasl_ssl, sasl.mechanism: PLAIN, "

static void security_of_kafka_belongs_together(void **state)
{
    static const char *const rows[][2] = {
        {"kafka: {security.protocol: sasl_ssl}",
         "f.yaml:1: kafka.security.protocol: sasl_ssl needs kafka.sasl.mechanism: PLAIN, "},
        {SASL "sasl.password: x}",
         "f.yaml:1: kafka.security.protocol: sasl_ssl by PLAIN needs kafka.sasl.username"},
        {SASL "sasl.username: me}", "f.yaml:1: kafka.sasl.username: its password is missing"},
        {SASL "sasl.username: me, sasl.password: x, sasl.password_file: y}",
         "f.yaml:1: kafka.sasl.password_file: kafka.sasl.password is given too"},
        {"kafka: {sasl.username: me}", "f.yaml:1: kafka.sasl.username: nobody asks for it"},
        {"kafka: {sasl.password_file: y}", "f.yaml:1: kafka.sasl.password_file: nobody asks"},
        {"kafka: {security.protocol: sasl_plaintext, sasl.mechanism: PLAIN, sasl.username: me,\n"
         "  sasl.password: x, ssl.ca.location: y}",
         "f.yaml:2: kafka.ssl.ca.location: without TLS nothing is encrypted"},
        {"kafka: {ssl.key.location: y}", "f.yaml:1: kafka.ssl.key.location: without TLS"},
    };
    static const char *const fine[] = {
        "kafka: {security.protocol: ssl, ssl.ca.location: y}",
        SASL "sasl.username: me, sasl.password: x}",
        SASL "sasl.username: me, sasl.password_file: x, ssl.ca.location: y}",
        "kafka: {security.protocol: SASL_SSL, sasl.mechanisms: GSSAPI}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_says(load(rows[i][0]), rows[i][1]);
        options_deinit(&options);
    }
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
        assert_int_equal(load(fine[i]), ERR_OK);
        options_deinit(&options);
    }
}

static void security_of_redis_belongs_together(void **state)
{
    static const char *const rows[][2] = {
        {"redis.url: redis://me@h", "f.yaml:1: redis.url: it names a user and no password"},
        {"redis.url: redis://me:hush@h\nredis.password_file: x",
         "f.yaml:2: redis.password_file: redis.url holds a password too"},
        {"redis.tls_ca: x", "f.yaml:1: redis.tls_ca: without TLS nothing is encrypted"},
        {"redis.url: rediss://h\nredis.tls_key: x", "f.yaml:2: redis.tls_key: redis.tls_certif"},
        {"redis.sentinels: h", "f.yaml:1: redis.sentinels: which master?"},
        {"redis.sentinels: 'h:1, :2'\nredis.sentinel_master: m",
         "f.yaml:1: redis.sentinels: \" :2\" is no address of a Sentinel"},
        {"redis.sentinel_master: m", "f.yaml:1: redis.sentinel_master: nobody is asked"},
        {"redis.sentinels: h\nredis.sentinel_master: m\nredis.url: unix:///x",
         "f.yaml:1: redis.sentinels: they are for redis://"},
        {"redis.sentinel_user: me", "f.yaml:1: redis.sentinel_user: its password is missing"},
    };
    static const char *const fine[] = {
        "redis.url: rediss://:hu@s/h@h:1/2",
        "redis.url: redis://[::1]:7/0",
        "redis: {url: 'redis://me@h', password_file: x}",
        "redis: {sentinels: 'a, b:7,[::1]:8', sentinel_master: m, sentinel_password_file: x}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_says(load(rows[i][0]), rows[i][1]);
        assert_null(strstr(note.text, "hush"));
        options_deinit(&options);
    }
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
        if (load(fine[i]) != ERR_OK)
            fail_msg("%s\nsays: %s", fine[i], note.text);
        options_deinit(&options);
    }
}

static void security_files_must_be_there(void **state)
{
    (void)state;
    assert_int_equal(load("redis: {url: 'redis://me@h', password_file: /nowhere/x}"), ERR_OK);
    assert_says(security_check_redis(&options, &note),
                "f.yaml:1: redis.password_file: /nowhere/x cannot be read: No such file");
    options_deinit(&options);
    assert_int_equal(load("redis: {url: 'rediss://h', tls_ca: /nowhere/x}"), ERR_OK);
    assert_says(security_check_redis(&options, &note),
                "f.yaml:1: redis.tls_ca: /nowhere/x cannot be read: No such file");
    options_deinit(&options);
}

static void assert_conf_refused(const char *text, const char *message)
{
    const char *const ours[] = {NULL};
    struct kafka_setting items[option_kafka_count_max];
    struct kafka_settings settings;
    rd_kafka_conf_t *conf;

    assert_int_equal(load(text), ERR_OK);
    settings = bus_kafka_settings(&options, items);
    assert_says(kafka_conf_create(&settings, ours, &conf, &note), message);
    options_deinit(&options);
}

static void security_of_every_kafka_handle_is_read_when_it_is_made(void **state)
{
    const char *const ours[] = {NULL};
    struct kafka_setting items[option_kafka_count_max];
    struct kafka_settings settings;
    rd_kafka_conf_t *conf;
    char text[200], value[100];
    size_t size = sizeof(value);

    (void)state;
    assert_conf_refused(SASL "sasl.username: me, sasl.password_file: /nowhere/x}",
                        "f.yaml:1: kafka.sasl.password_file: /nowhere/x cannot be read");
    assert_conf_refused("kafka: {security.protocol: ssl, ssl.certificate.location: /nowhere/x}",
                        "f.yaml:1: kafka.ssl.certificate.location: /nowhere/x cannot be read");
    snprintf(text, sizeof(text), SASL "sasl.username: me, sasl.password_file: %s}", path);
    assert_int_equal(load(text), ERR_OK);
    settings = bus_kafka_settings(&options, items);
    assert_int_equal(kafka_conf_create(&settings, ours, &conf, &note), ERR_OK);
    assert_int_equal(rd_kafka_conf_get(conf, "sasl.password", value, &size), RD_KAFKA_CONF_OK);
    assert_string_equal(value, "hush 1");
    rd_kafka_conf_destroy(conf);
    options_deinit(&options);
}

static void security_faults_are_told_by_their_words(void **state)
{
    static const struct {
        const char *text;
        enum kafka_fault fault;
    } rows[] = {
        /* librdkafka 2.0.2 */
        {"SASL authentication error: Authentication failed: Invalid username or password",
         KAFKA_FAULT_LOGIN},
        {"SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: broker "
         "certificate could not be verified",
         KAFKA_FAULT_UNTRUSTED},
        {"SSL handshake failed: error:0A000126:SSL routines::unexpected eof while reading",
         KAFKA_FAULT_NOT_TLS},
        {"SASL PLAIN mechanism handshake failed: Broker: Request not valid in current SASL state",
         KAFKA_FAULT_MECHANISM},
        {"Disconnected while requesting ApiVersion: might be caused by incorrect "
         "security.protocol configuration (connecting to a SSL listener?)",
         KAFKA_FAULT_PROTOCOL},
        {"Receive failed: error:0A000412:SSL routines::sslv3 alert bad certificate: SSL alert",
         KAFKA_FAULT_CERTIFICATE},
        {"Connect to ipv4#127.0.0.1:1 failed: Connection refused", KAFKA_FAULT_AWAY},
        /* 2.16 */
        {"SSL handshake failed: Disconnected: SSL connection closed by peer: connecting to a "
         "PLAINTEXT broker listener?",
         KAFKA_FAULT_NOT_TLS},
        {"Disconnected: connection closed by peer: receive 0 after POLLIN", KAFKA_FAULT_AWAY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (kafka_fault_of(rows[i].text) != rows[i].fault)
            fail_msg("%s: %d, not %d", rows[i].text, (int)kafka_fault_of(rows[i].text),
                     (int)rows[i].fault);
    }
}

static void write_secret(const char *text, size_t size)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void secret_file_holds_one_password(void **state)
{
    static const char *const good[] = {"hush 1", "hush 1\n", "hush 1\r\n"};
    static const struct {
        const char *text;
        size_t size;
        const char *says;
    } bad[] = {{"", 0, " is empty"},
               {"\n", 1, " is empty"},
               {"a\nb", 3, " has several lines"},
               {"hush\0x", 6, " is no text"}};
    char secret[secret_bytes], *much = calloc(1, 2 * secret_bytes);

    (void)state;
    assert_non_null(much);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        write_secret(bad[i].text, bad[i].size);
        assert_int_equal(secret_read(path, secret, &note), ERR_BAD_OPTION);
        assert_non_null(strstr(note.text, bad[i].says));
        assert_null(strstr(note.text, "hush"));
    }
    memset(much, 'x', 2 * secret_bytes);
    write_secret(much, secret_bytes);
    assert_int_equal(secret_read(path, secret, &note), ERR_BAD_OPTION);
    write_secret(much, secret_bytes - 1);
    assert_int_equal(secret_read(path, secret, &note), ERR_OK);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        write_secret(good[i], strlen(good[i]));
        assert_int_equal(secret_read(path, secret, &note), ERR_OK);
        assert_string_equal(secret, "hush 1");
    }
    assert_int_equal(secret_read("/", secret, &note), ERR_BAD_OPTION);
    free(much);
}

static void security_secret_flag_is_refused(void **state)
{
    static const char *const rows[][2] = {{"kafka.sasl.password", "hush"},
                                          {"kafka.ssl.key.password", "hush"},
                                          {"redis.url", "redis://:hush@h"}};
    const struct option_origin flag = {OPTION_SOURCE_FLAG, NULL, 0};

    (void)state;
    options_init(&options);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(options_set(&options, rows[i][0], rows[i][1], flag, &note),
                         ERR_BAD_OPTION);
        assert_non_null(strstr(note.text, "is shown to everybody"));
        assert_null(strstr(note.text, "hush"));
    }
    assert_int_equal(options_set(&options, "redis.url", "redis://me@h", flag, &note), ERR_OK);
    options_deinit(&options);
}

static int make_file(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    if (fd < 0 || write(fd, "hush 1\n", 7) != 7)
        return -1;
    return close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(security_of_kafka_belongs_together),
        cmocka_unit_test(security_of_redis_belongs_together),
        cmocka_unit_test(security_files_must_be_there),
        cmocka_unit_test(security_of_every_kafka_handle_is_read_when_it_is_made),
        cmocka_unit_test(security_faults_are_told_by_their_words),
        cmocka_unit_test(secret_file_holds_one_password),
        cmocka_unit_test(security_secret_flag_is_refused),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
