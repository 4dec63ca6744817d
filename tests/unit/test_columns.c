/* daemon/columns, daemon/terminal: tables for people, in a pipe and on a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/columns.h"

static char *printed;

/* Two rows of odd things on a terminal of so many columns (0: in a pipe). */
static const char *print(int out_columns, bool colour)
{
    struct command_context context = {.out_columns = out_columns, .out_colour = colour};
    struct columns *table;
    size_t size;

    free(printed);
    context.out = open_memstream(&printed, &size);
    table = columns_create(&context, "NAME|>COUNT|STATE");
    columns_add(table, TINT_PLAIN, "\xe5\x8c\x97\xe4\xba\xac"); /* two characters, four cells */
    columns_format(table, TINT_PLAIN, "%d", 7);
    columns_add(table, TINT_GOOD, "fine");
    columns_add(table, TINT_PLAIN, "Zo\xc3\xab, who has a very long name");
    columns_format(table, TINT_PLAIN, "%d", 12345678);
    columns_add(table, TINT_BAD, "");
    columns_print(table, true);
    fclose(context.out);
    return printed;
}

static void columns_in_a_pipe_are_whole_and_aligned(void **state)
{
    (void)state;
    assert_string_equal(print(0, false),
                        "NAME                              COUNT  STATE\n"
                        "\xe5\x8c\x97\xe4\xba\xac                                  7  fine\n"
                        "Zo\xc3\xab, who has a very long name  12345678  -\n");
}

static void columns_on_a_terminal_are_cut_to_its_width(void **state)
{
    (void)state;
    assert_string_equal(print(30, false), "NAME              COUNT  STATE\n"
                                          "\xe5\x8c\x97\xe4\xba\xac                  7  fine\n"
                                          "Zo\xc3\xab, who has\xe2\x80\xa6  12345678  -\n");
    /* No column gives its last cells, however narrow the terminal is. */
    assert_string_equal(print(10, false), "NAME         COUNT  STATE\n"
                                          "\xe5\x8c\x97\xe4\xba\xac             7  fine\n"
                                          "Zo\xc3\xab, wh\xe2\x80\xa6  12345678  -\n");
}

static void columns_are_tinted_only_where_wanted(void **state)
{
    (void)state;
    assert_non_null(strstr(print(80, true), "  \033[32mfine\033[0m\n"));
    assert_non_null(strstr(printed, "\033[1mNAME\033[0m  "));
    assert_null(strchr(print(80, false), '\033'));
}

static void columns_escape_what_a_terminal_would_obey(void **state)
{
    struct command_context context = {.out_columns = 0};
    struct columns *table;
    size_t size;

    (void)state;
    free(printed);
    context.out = open_memstream(&printed, &size);
    table = columns_create(&context, "A|B");
    columns_add(table, TINT_PLAIN, "\033[2J\n\x7f");
    columns_add(table, TINT_PLAIN, "\xff\xc2\x9b\xc3\xa9\xe4\xba");
    columns_print(table, false);
    fclose(context.out);
    assert_string_equal(printed, "A                B\n"
                                 "\\x1b[2J\\x0a\\x7f  \\xff\\xc2\\x9b\xc3\xa9\\xe4\\xba\n");
}

static void columns_without_rows_print_heads_if_wanted(void **state)
{
    struct command_context context = {.out_columns = 0};
    size_t size;

    (void)state;
    free(printed);
    context.out = open_memstream(&printed, &size);
    columns_print(columns_create(&context, "A|>B"), false);
    columns_print(columns_create(&context, "C|>D"), true);
    fclose(context.out);
    assert_string_equal(printed, "C  D\n");
}

static void terminal_measures_cells_not_bytes(void **state)
{
    (void)state;
    assert_int_equal(terminal_cells(""), 0);
    assert_int_equal(terminal_cells("abc"), 3);
    assert_int_equal(terminal_cells("Zo\xc3\xab"), 3);
    assert_int_equal(terminal_cells("\xe5\x8c\x97\xe4\xba\xac"), 4);
    assert_int_equal(terminal_cells("e\xcc\x81"), 1); /* an accent of its own */
    assert_int_equal(terminal_cells("\xff\xe4"), 2);
    assert_int_equal(terminal_fit("\xe5\x8c\x97\xe4\xba\xac", 3), 3);
    assert_int_equal(terminal_fit("abc", 0), 0);
    assert_int_equal(terminal_fit("abc", 9), 3);
}

static void terminal_width_is_that_of_columns_first(void **state)
{
    (void)state;
    assert_int_equal(setenv("COLUMNS", "132", 1), 0);
    assert_int_equal(terminal_columns(-1), 132);
    assert_int_equal(setenv("COLUMNS", "3", 1), 0);
    assert_int_equal(terminal_columns(-1), 20);
    assert_int_equal(setenv("COLUMNS", "wide", 1), 0);
    assert_int_equal(terminal_columns(-1), 80);
    assert_int_equal(unsetenv("COLUMNS"), 0);
    assert_int_equal(terminal_columns(-1), 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_in_a_pipe_are_whole_and_aligned),
        cmocka_unit_test(columns_on_a_terminal_are_cut_to_its_width),
        cmocka_unit_test(columns_are_tinted_only_where_wanted),
        cmocka_unit_test(columns_escape_what_a_terminal_would_obey),
        cmocka_unit_test(columns_without_rows_print_heads_if_wanted),
        cmocka_unit_test(terminal_measures_cells_not_bytes),
        cmocka_unit_test(terminal_width_is_that_of_columns_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
