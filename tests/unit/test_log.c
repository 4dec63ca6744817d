/* base/log. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>

#include "base/log.h"

#define FIELDS(...) ((const struct log_field[]){__VA_ARGS__, LOG_END_})

static char line[log_line_bytes_max + 1];

static const char *format(bool json, const char *message, const struct log_field *fields)
{
    line[log_format_line(line, json, 951825600500, LOG_LEVEL_WARN, message, fields)] = '\0';
    return line;
}

static void log_json_has_time_level_message_and_typed_fields(void **state)
{
    (void)state;
    assert_string_equal(
        format(true, "batch committed",
               FIELDS(LOG_INT("partition", -3), LOG_UINT("digest", UINT64_MAX),
                      LOG_DOUBLE("share", 0.5), LOG_DOUBLE("odd", 1.0 / 0.0), LOG_BOOL("ok", true),
                      LOG_TEXT("topic", "a\"b\\c\nd"), LOG_TEXT("none", NULL),
                      LOG_SLICE("key", slice_make("\x01z", 2)))),
        "{\"ts\":\"2000-02-29T12:00:00.500Z\",\"level\":\"warn\",\"msg\":\"batch committed\","
        "\"partition\":-3,\"digest\":18446744073709551615,\"share\":0.5,\"odd\":null,\"ok\":true,"
        "\"topic\":\"a\\\"b\\\\c\\nd\",\"none\":null,\"key\":\"\\u0001z\"}\n");
}

static void log_text_is_readable_and_still_one_line(void **state)
{
    (void)state;
    assert_string_equal(
        format(false, "fenced", FIELDS(LOG_INT("partition", 3), LOG_TEXT("by", "x\n\033[31m"))),
        "2000-02-29T12:00:00.500Z warn  fenced partition=3"
        " by=\"x\\n\\u001b[31m\"\n");
}

static void log_numbers_are_masked_but_for_three_digits(void **state)
{
    static const struct {
        const char *number;
        const char *masked;
    } rows[] = {
        {"+972501234567", "+*********567"},
        {"0301234", "****234"},
        {"112", "**2"},
        {"7", "*"},
        {"", ""},
        {"sip:anna@1.example", "******************"},
        {"030 12 34 56", "********4*56"},
    };
    char expected[100];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(expected, sizeof(expected), "number=\"%s\"\n", rows[i].masked);
        assert_non_null(
            strstr(format(false, "dial", FIELDS(LOG_NUMBER("number", slice_text(rows[i].number)))),
                   expected));
    }
}

static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, JSON_ALLOW_NUL, &error);

    if (json == NULL)
        fail_msg("not JSON: %s: %s", error.text, text);
    return json;
}

static void log_any_bytes_make_valid_json(void **state)
{
    uint8_t bytes[6];
    uint32_t seed = 7;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        for (size_t j = 0; j < sizeof(bytes); j++) {
            seed = seed * 1664525 + 1013904223;
            bytes[j] = (uint8_t)((seed >> 24) | (seed >> 8 & 0x80));
        }
        json_decref(parse(format(true, "x", FIELDS(LOG_SLICE("v", slice_make(bytes, 6))))));
    }
    json_decref(parse(format(true, "x",
                             FIELDS(LOG_TEXT("v", "\xf4\x90\x80\x80\xed\xa0\x80\xc2\x85"
                                                  "\xc0\xaf\xe2\x82")))));
    assert_non_null(strstr(format(true, "x", FIELDS(LOG_TEXT("v", "\xc3\xa4\xf0\x9f\x93\x9e"))),
                           "\"v\":\"\xc3\xa4\xf0\x9f\x93\x9e\"}"));
}

static void log_long_lines_are_cut_and_stay_valid(void **state)
{
    static char text[20000];

    (void)state;
    memset(text, '\x02', sizeof(text) - 1);
    for (size_t size = 0; size < sizeof(text); size += size < 700 ? 1 : 997) {
        json_t *json =
            parse(format(true, "x",
                         FIELDS(LOG_SLICE("a", slice_make(text, size)), LOG_INT("b", INT64_MIN),
                                LOG_SLICE("c", slice_make(text, size)), LOG_UINT("d", INT64_MAX))));
        size_t kept = json_string_length(json_object_get(json, "a")) +
                      json_string_length(json_object_get(json, "c"));

        assert_true(strlen(line) <= log_line_bytes_max);
        if (kept < 2 * size || json_object_get(json, "d") == NULL)
            assert_true(json_is_true(json_object_get(json, "cut")));
        else
            assert_null(json_object_get(json, "cut"));
        json_decref(json);
    }
}

static void log_levels_below_the_least_are_dropped(void **state)
{
    char buffer[2000] = "";
    int ends[2];
    ssize_t size;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    log_init(ends[1], LOG_LEVEL_WARN, LOG_FORMAT_AUTO);
    log_info("not this");
    log_warn("this", LOG_INT("n", 1));
    assert_true(log_enabled(LOG_LEVEL_ERROR));
    assert_false(log_enabled(LOG_LEVEL_INFO));
    log_init(ends[1], LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
    log_debug("and this");
    log_init(STDERR_FILENO, LOG_LEVEL_INFO, LOG_FORMAT_AUTO);
    size = read(ends[0], buffer, sizeof(buffer) - 1);
    assert_true(size > 0);
    assert_null(strstr(buffer, "not this"));
    assert_non_null(strstr(buffer, "\"level\":\"warn\",\"msg\":\"this\",\"n\":1}\n"));
    assert_non_null(strstr(buffer, " debug and this\n"));
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(log_level_of_syslog(3), LOG_LEVEL_ERROR);
    assert_int_equal(log_level_of_syslog(4), LOG_LEVEL_WARN);
    assert_int_equal(log_level_of_syslog(6), LOG_LEVEL_INFO);
    assert_int_equal(log_level_of_syslog(7), LOG_LEVEL_DEBUG);
}

enum { thread_count = 4, thread_lines = 500 };

static void *write_lines(void *name)
{
    static char filler[900];

    (void)name;
    for (int i = 0; i < thread_lines; i++)
        log_info("a line", LOG_INT("n", i), LOG_SLICE("filler", slice_make(filler, 200)));
    return NULL;
}

static void log_threads_do_not_mix_their_lines(void **state)
{
    char path[] = "/tmp/ringback-log-XXXXXX";
    int fd = mkstemp(path);
    pthread_t threads[thread_count];
    char *text = NULL;
    size_t size = 0;
    int lines = 0;
    FILE *file;

    (void)state;
    close(fd);
    fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    log_init(fd, LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    for (int i = 0; i < thread_count; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, NULL), 0);
    for (int i = 0; i < thread_count; i++)
        pthread_join(threads[i], NULL);
    log_init(STDERR_FILENO, LOG_LEVEL_INFO, LOG_FORMAT_AUTO);
    close(fd);
    file = fopen(path, "r");
    for (; getline(&text, &size, file) > 0; lines++)
        json_decref(parse(text));
    fclose(file);
    unlink(path);
    free(text);
    assert_int_equal(lines, thread_count * thread_lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_json_has_time_level_message_and_typed_fields),
        cmocka_unit_test(log_text_is_readable_and_still_one_line),
        cmocka_unit_test(log_numbers_are_masked_but_for_three_digits),
        cmocka_unit_test(log_any_bytes_make_valid_json),
        cmocka_unit_test(log_long_lines_are_cut_and_stay_valid),
        cmocka_unit_test(log_levels_below_the_least_are_dropped),
        cmocka_unit_test(log_threads_do_not_mix_their_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
