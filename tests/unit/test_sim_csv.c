/* daemon/sim_csv: call records as they come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/sim_csv.h"

#define HEAD                                                                                       \
    "date,line,call,customer,priority,service,ivr_enter,ivr_leave,queue_enter,queue_leave,"        \
    "outcome,"                                                                                     \
    "service_start,service_end,agent\n"
#define SERVED                                                                                     \
    "1999-08-01,AA1,7,c1,0,PS,10:00:00,10:00:10,10:00:10,10:01:00,AGENT,10:01:00,10:02:30,a1\n"

enum { day_ms = 86400000 };

/* 1999-08-01 00:00 UTC */
static const int64_t midnight_ms = INT64_C(933465600000);

static struct arena arena;
static struct sim_calls calls;
static struct err_note note;
static struct sim_mapping mapping;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena);
    sim_mapping_default(&mapping);
    note.text[0] = '\0';
    return sim_zone_set("UTC", &note) == ERR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

static enum err parse(const char *text)
{
    char *copy = strdup(text);
    enum err err = sim_csv_parse("x.csv", copy, strlen(copy), &mapping, &arena, &calls, &note);

    free(copy);
    return err;
}

static int64_t at(int hour, int minute, int second)
{
    return midnight_ms + ((int64_t)hour * 3600 + minute * 60 + second) * 1000;
}

static void sim_csv_served_row_is_read(void **state)
{
    (void)state;
    assert_int_equal(parse(HEAD SERVED), ERR_OK);
    assert_int_equal(calls.count, 1);
    assert_int_equal(calls.rows[0].use, SIM_USE_SERVED);
    assert_int_equal(calls.rows[0].enter_ms, at(10, 0, 10));
    assert_int_equal(calls.rows[0].wait_ms, 50000);
    assert_int_equal(calls.rows[0].talk_ms, 90000);
    assert_int_equal(calls.rows[0].talk_start_ms, at(10, 1, 0));
    assert_false(calls.rows[0].high);
    assert_string_equal(calls.rows[0].customer, "c1");
    assert_string_equal(calls.services.items[0], "PS");
    assert_string_equal(calls.agents.items[0], "a1");
}

static void sim_csv_hung_up_row_is_read(void **state)
{
    (void)state;
    assert_int_equal(
        parse(HEAD "1999-08-01,A,1,,2,NW,09:59:50,10:00:00,10:00:00,10:03:20,HANG,,,\n"), ERR_OK);
    assert_int_equal(calls.rows[0].use, SIM_USE_HUNG_UP);
    assert_int_equal(calls.rows[0].wait_ms, 200000);
    assert_int_equal(calls.rows[0].agent, -1);
    assert_true(calls.rows[0].high);
}

/* One row of each oddity; what is counted, what becomes of it. */
static void sim_csv_odd_rows_are_counted(void **state)
{
    static const struct {
        const char *row;
        enum sim_odd odd;
        enum sim_use use;
    } odd[] = {
        {"1999-08-01,A,1,,0,PS,10:00:00,10:00:05,10:00:05,10:01:00,PHANTOM,10:00:50,10:02:00,\n",
         SIM_ODD_PHANTOM, SIM_USE_OUT},
        {"1999-08-01,A,1,,0,PS,10:00:00,10:00:05,,,HANG,,,\n", SIM_ODD_HUNG_UP_BEFORE, SIM_USE_OUT},
        {"1999-08-01,A,1,,0,PS,10:00:00,10:00:05,10:00:05,10:01:00,AGENT,,,\n", SIM_ODD_INCOMPLETE,
         SIM_USE_OUT},
        {"1999-08-01,A,1,,0,PS,10:00:00,10:00:05,10:00:05,,HANG,,,\n", SIM_ODD_INCOMPLETE,
         SIM_USE_OUT},
        {"1999-08-01,A,1,,0,TT,10:00:00,10:00:05,,,AGENT,10:00:05,10:00:50,\n", SIM_ODD_INCOMPLETE,
         SIM_USE_OUT},
        {"1999-08-01,A,1,,0,PS,10:00:00,10:00:05,10:00:05,10:00:09,AGENT,10:00:09,10:00:08,a\n",
         SIM_ODD_BACKWARDS, SIM_USE_OUT},
        {"1999-08-01,A,1,,0,PS,10:00:00,10:00:05,,,AGENT,10:00:05,10:01:00,a\n", SIM_ODD_NOT_QUEUED,
         SIM_USE_SERVED},
        {"1999-08-01,A,1,,0,PS,10:00:00,10:00:05,10:00:05,10:01:00,AGENT,10:00:59,10:02:00,a\n",
         SIM_ODD_EARLY_START, SIM_USE_SERVED},
        {"1999-08-01,A,1,,0,PS,10:00:00,10:00:05,10:00:05,10:01:00,HANG,10:01:02,10:02:00,\n",
         SIM_ODD_TALK_OF_HUNG_UP, SIM_USE_HUNG_UP},
        {"1999-08-01,A,1,,0,PS,10:00:00,10:00:05,10:00:05,10:01:00,AGENT,10:01:00,10:02:00,\n",
         SIM_ODD_NO_AGENT, SIM_USE_SERVED},
        {"1999-08-01,A,1,,0,PS,23:59:00,23:59:05,23:59:05,00:01:00,AGENT,00:01:00,00:02:00,a\n",
         SIM_ODD_PAST_MIDNIGHT, SIM_USE_SERVED},
        {"1999-08-01,A,1,,0,TT,10:00:00,10:00:05,,,AGENT,10:00:05,10:00:50,a\n", SIM_ODD_RETURNED,
         SIM_USE_ERRAND},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
        char text[500];

        snprintf(text, sizeof(text), "%s%s", HEAD, odd[i].row);
        assert_int_equal(parse(text), ERR_OK);
        for (int kind = 0; kind < SIM_ODD_COUNT; kind++) {
            if ((int)odd[i].odd == kind && calls.odd[kind] != 1)
                fail_msg("row %zu is not counted as \"%s\"", i, sim_odd_text(odd[i].odd));
            if ((int)odd[i].odd != kind && calls.odd[kind] != 0)
                fail_msg("row %zu is counted as \"%s\" too", i, sim_odd_text((enum sim_odd)kind));
        }
        assert_int_equal(calls.rows[0].use, odd[i].use);
        assert_int_equal(sim_odd_is_out(odd[i].odd), odd[i].use == SIM_USE_OUT);
    }
}

static void sim_csv_start_before_queue_end_shortens_the_wait(void **state)
{
    (void)state;
    assert_int_equal(
        parse(HEAD "1999-08-01,A,1,,0,PS,10:00:00,10:00:05,10:00:05,10:01:05,AGENT,10:01:04,"
                   "10:02:00,a\n"),
        ERR_OK);
    assert_int_equal(calls.rows[0].wait_ms, 59000);
    assert_int_equal(calls.rows[0].talk_ms, 56000);
}

static void sim_csv_row_past_midnight_goes_on(void **state)
{
    (void)state;
    assert_int_equal(
        parse(HEAD "1999-08-01,A,1,,0,PS,23:59:00,23:59:05,23:59:05,00:01:00,AGENT,00:01:00,"
                   "00:02:00,a\n"),
        ERR_OK);
    assert_int_equal(calls.rows[0].enter_ms, at(23, 59, 5));
    assert_int_equal(calls.rows[0].wait_ms, 115000);
    assert_int_equal(calls.rows[0].talk_start_ms, midnight_ms + day_ms + 60000);
    assert_int_equal(calls.rows[0].talk_ms, 60000);
}

static void sim_csv_quotes_crlf_mark_and_semicolons_are_read(void **state)
{
    (void)state;
    assert_int_equal(parse("\xef\xbb\xbf"
                           "agent;date;service;queue_enter;queue_leave;outcome;service_start;"
                           "service_end\r\n\"O\"\"Hara; Ann\";1999-08-01;PS;10:00:00;10:00:30;"
                           "AGENT;10:00:30;10:00:40\r\n\r\n"),
                     ERR_OK);
    assert_int_equal(calls.count, 1);
    assert_string_equal(calls.agents.items[0], "O\"Hara; Ann");
    assert_int_equal(calls.rows[0].talk_ms, 10000);
    assert_string_equal(calls.rows[0].customer, "");
}

static void sim_csv_columns_and_words_are_mapped(void **state)
{
    (void)state;
    assert_int_equal(sim_mapping_read(&mapping,
                                      "queue_enter=Arrival,queue_leave=Left,agent=Who,"
                                      "AGENT=answered,HANG=lost",
                                      &arena, &note),
                     ERR_OK);
    assert_int_equal(parse("date,service,Arrival,Left,outcome,service_start,service_end,Who\n"
                           "1999-08-01,s,10:00:00,10:00:01,answered,10:00:01,10:00:02,z\n"
                           "1999-08-01,s,10:00:00,10:00:04,lost,,,\n"),
                     ERR_OK);
    assert_int_equal(calls.rows[0].use, SIM_USE_SERVED);
    assert_int_equal(calls.rows[1].use, SIM_USE_HUNG_UP);
    assert_int_equal(calls.rows[1].wait_ms, 4000);
    assert_int_equal(sim_mapping_read(&mapping, "queu_enter=x", &arena, &note), ERR_USAGE);
    assert_non_null(strstr(note.text, "\"queu_enter\" is neither a column"));
    assert_non_null(strstr(note.text, "\"queue_enter\""));
    assert_int_equal(sim_mapping_read(&mapping, "agent", &arena, &note), ERR_USAGE);
}

static void sim_csv_names_are_in_the_order_of_their_bytes(void **state)
{
    (void)state;
    assert_int_equal(parse(HEAD
                           "1999-08-01,A,1,,0,Z,,,10:00:00,10:00:01,AGENT,10:00:01,10:00:02,b\n"
                           "1999-08-01,A,1,,0,Y,,,10:00:00,10:00:01,AGENT,10:00:01,10:00:02,a\n"),
                     ERR_OK);
    assert_string_equal(calls.services.items[0], "Y");
    assert_string_equal(calls.agents.items[0], "a");
    assert_int_equal(calls.rows[0].service, 1);
    assert_int_equal(calls.rows[0].agent, 1);
    assert_int_equal(calls.rows[1].agent, 0);
}

static void sim_csv_bad_files_are_refused_with_line_and_column(void **state)
{
    static const struct {
        const char *text, *said;
    } bad[] = {
        {"", "x.csv: the file is empty"},
        {HEAD, "x.csv: no calls behind the line of names"},
        {"date,servise\n", "line 1: no column \"service\""},
        {"date,servise\n", "did you mean \"servise\"?"},
        {"date,servise\n", "--map service=NAME"},
        {HEAD SERVED "1999-08-01,A,1,,0,PS,10:00:00,10:00:05,25:00:00,10:01:00,HANG,,,\n",
         "x.csv: line 3, column queue_enter: \"25:00:00\" is not a time; expected HH:MM:SS"},
        {HEAD "1999-08-01,A,1,,0,PS,10:00:00,10:00:05,soon,10:01:00,HANG,,,\n",
         "line 2, column queue_enter: \"soon\" is not a time"},
        {HEAD "1999-08-01,A,1,,0,PS,10:00:00,10:00:05,10:00:05x,10:01:00,HANG,,,\n",
         "\"10:00:05x\" is not a time"},
        {HEAD "1999-02-29,A,1,,0,PS,,,10:00:05,10:01:00,HANG,,,\n",
         "line 2, column date: \"1999-02-29\" is not a day of the calendar"},
        {HEAD "1.8.1999,A,1,,0,PS,,,10:00:05,10:01:00,HANG,,,\n",
         "\"1.8.1999\" is not a date; expected YYYY-MM-DD"},
        {HEAD "1999-08-01,A,1,,0,PS,,,10:00:05,10:01:00,GONE,,,\n",
         "line 2, column outcome: \"GONE\" is not an outcome; expected AGENT, HANG or PHANTOM"},
        {HEAD "1999-08-01,A,1,,0,,,,10:00:05,10:01:00,HANG,,,\n",
         "line 2, column service: \"\" is not the name of a service"},
        {HEAD "1999-08-01,A,1,\xe9t\xe9,0,PS,,,10:00:05,10:01:00,HANG,,,\n",
         "x.csv: line 2: byte 140 is not UTF-8 text"},
        {HEAD "1999-08-01,A,1\n", "line 2: the row ends after 3 columns; 14 are expected"},
        {HEAD "\"1999-08-01,A,1\n", "line 2: a quote (\") is opened and never closed"},
        {HEAD "\"1999\"-08-01,A,1\n", "line 2, column 1: text behind the closing quote"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_int_equal(parse(bad[i].text), ERR_BAD_FILE);
        if (strstr(note.text, bad[i].said) == NULL)
            fail_msg("file %zu: \"%s\" does not say \"%s\"", i, note.text, bad[i].said);
    }
}

static void sim_csv_binary_file_is_refused(void **state)
{
    char text[] = "\x7f"
                  "ELF\0\0";

    (void)state;
    assert_int_equal(sim_csv_parse("x.csv", text, 6, &mapping, &arena, &calls, &note),
                     ERR_BAD_FILE);
    assert_non_null(strstr(note.text, "x.csv: byte 4 is zero: a binary file; expected CSV"));
}

static void sim_csv_absent_file_is_named(void **state)
{
    (void)state;
    assert_int_equal(sim_csv_read("/nowhere/x.csv", &mapping, &arena, &calls, &note), ERR_IO);
    assert_non_null(strstr(note.text, "/nowhere/x.csv cannot be opened: No such file"));
}

static void sim_csv_zone_moves_the_times(void **state)
{
    (void)state;
    assert_int_equal(sim_zone_set("Asia/Jerusalem", &note), ERR_OK);
    assert_int_equal(parse(HEAD SERVED), ERR_OK);
    /* UTC+3 in the summer of 1999 */
    assert_int_equal(calls.rows[0].enter_ms, at(7, 0, 10));
    assert_int_equal(sim_zone_set("Asia/Atlantis", &note), ERR_USAGE);
    assert_non_null(strstr(note.text, "no time zone \"Asia/Atlantis\""));
    assert_int_equal(sim_zone_set("../../etc/hostname", &note), ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sim_csv_served_row_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sim_csv_hung_up_row_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sim_csv_odd_rows_are_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sim_csv_start_before_queue_end_shortens_the_wait, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(sim_csv_row_past_midnight_goes_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sim_csv_quotes_crlf_mark_and_semicolons_are_read, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(sim_csv_columns_and_words_are_mapped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sim_csv_names_are_in_the_order_of_their_bytes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(sim_csv_bad_files_are_refused_with_line_and_column, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(sim_csv_binary_file_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sim_csv_absent_file_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sim_csv_zone_moves_the_times, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("sim_csv", tests, NULL, NULL);
}
