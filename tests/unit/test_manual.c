/* daemon/manual, daemon/completion: what stands in the tables is text to roff, Markdown and shells.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/manual.h"

/* Everything that one of them takes for its own. */
static enum err odd_main(struct command_context *context, int argc, char **argv,
                         struct err_note *note)
{
    static const struct arg_exit exits[] = {{3, "it's [odd]"}, {0, NULL}};
    static const struct arg_example examples[] = {{"odd 'a b' --file \\n", "Back\\slash."},
                                                  {NULL, NULL}};
    const char *file = NULL;
    int mode = 1;
    bool quick = true;
    const struct arg_flag flags[] = {
        ARGS_FILE("file", "FILE", &file, "it's \\ [odd]: `code`"),
        ARGS_CHOICE("mode", "a|b", &mode, "a | b"),
        ARGS_SWITCH("quick", &quick, ".Sh starts with a dot"),
        ARGS_WORDS("list", "X,...", "one|two", &file, "several"),
        ARGS_END,
    };
    const struct args_spec spec = {.positional = "Op In",
                                   .text = ".Sh is no macro. Nor is this\n"
                                           "'tis\n"
                                           "\n"
                                           "  literal   \\(bu  text\n"
                                           "  .Pp\n"
                                           "prose once more\n",
                                   .flags = flags,
                                   .exits = exits,
                                   .examples = examples,
                                   .positional_max = 2,
                                   .options = false};
    struct args args;

    return args_parse(&spec, context, argc, argv, &args, note);
}

static const struct command table[] = {
    {"odd", COMMAND_FILES, "It's an odd one: [x]", odd_main},
    {NULL, COMMAND_LIVE, NULL, NULL},
};

static char *text;

static void open_text(struct command_context *context)
{
    static size_t size;

    free(text);
    *context = (struct command_context){.table = table, .out = open_memstream(&text, &size)};
}

static void assert_has(const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("lacks:\n%s\nin:\n%s", part, text);
}

static void manual_pages_escape_what_roff_would_obey(void **state)
{
    struct command_context context;

    (void)state;
    open_text(&context);
    assert_int_equal(manual_print_page(&context, "ringback-odd.1", NULL), ERR_OK);
    fclose(context.out);
    assert_has("\n.Pp\n\\&.Sh is no macro.\nNor is this\n\\&'tis\n");
    assert_has("\n.Bd -literal\n  literal   \\e(bu  text\n  .Pp\n.Ed\n.Pp\nprose once more\n");
    assert_has(".Ar \\&Op \\&In\n");
    assert_has("\n\\&.Sh starts with a dot\n(default on; \\-\\-no\\-quick turns it off)\n");
    assert_has("it's \\e [odd]: \\fB\\%code\\fP\n");
    assert_has(".It Li \"ringback odd \\(aqa b\\(aq \\-\\-file \\en\"\nBack\\eslash.\n");
    assert_has(".It Fl \\-mode Ar a|b\na | b\n(default b)\n");
}

static void manual_pages_are_known_by_several_names(void **state)
{
    static const char *const names[] = {"odd", "ringback-odd", "ringback-odd.1", "odd.1"};
    struct command_context context;
    struct err_note note;

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        open_text(&context);
        assert_int_equal(manual_print_page(&context, names[i], &note), ERR_OK);
        fclose(context.out);
        assert_has(".Dt RINGBACK-ODD 1\n");
    }
    open_text(&context);
    assert_int_equal(manual_print_page(&context, "ringback.yaml.5", &note), ERR_OK);
    fclose(context.out);
    assert_has(".Dt RINGBACK.YAML 5\n");
    open_text(&context);
    assert_int_equal(manual_print_page(&context, "ood", &note), ERR_USAGE);
    fclose(context.out);
    assert_string_equal(note.text, "there is no page \"ood\" (did you mean \"odd\"?)");
    assert_string_equal(text, "");
}

static void markdown_keeps_tables_whole(void **state)
{
    struct command_context context;

    (void)state;
    open_text(&context);
    manual_print_markdown(&context);
    fclose(context.out);
    assert_has("\n### odd\n\n```\nringback odd Op In [OPTIONS]\n```\n\nIt's an odd one: [x].\n");
    assert_has("| `--mode a\\|b` | a \\| b (default b) |\n");
    assert_has("\n```\n  literal   \\(bu  text\n  .Pp\n```\n");
    assert_has("\nExit codes: 3 it's [odd].\n");
}

static void completion_quotes_for_its_shell(void **state)
{
    struct command_context context;

    (void)state;
    open_text(&context);
    completion_print_zsh(&context);
    fclose(context.out);
    assert_has("    '--file=[it'\\''s \\\\ \\[odd\\]\\: `code`]:FILE:_files'\n");
    assert_has("    'odd:It'\\''s an odd one\\: \\[x\\]'\n");
    assert_has("    '--no-quick[not\\: .Sh starts with a dot]'\n");
    assert_has("    '--list=[several]:X,...:_sequence compadd - one two'\n");
    open_text(&context);
    completion_print_bash(&context);
    fclose(context.out);
    assert_has(
        "    'odd') echo ' --file= --mode= --no-quick --quick --list= --color= --help' ;;\n");
    assert_has("    'odd --file') echo 'files' ;;\n");
    assert_has("    'odd --mode') echo 'words a b' ;;\n");
    assert_has("    'odd --list') echo 'list one two' ;;\n");
}

static void blocks_are_prose_or_literal(void **state)
{
    const char *at = "\n\none\ntwo\n\n\n  three\n\nfour\n";
    struct slice block;

    (void)state;
    assert_int_equal(manual_next_block(&at, &block), MANUAL_PROSE);
    assert_int_equal(block.size, strlen("one\ntwo\n"));
    assert_int_equal(manual_next_block(&at, &block), MANUAL_LITERAL);
    assert_int_equal(block.size, strlen("  three\n"));
    assert_int_equal(manual_next_block(&at, &block), MANUAL_PROSE);
    assert_int_equal(manual_next_block(&at, &block), MANUAL_END);
    at = NULL;
    assert_int_equal(manual_next_block(&at, &block), MANUAL_END);
}

/* A command that does anything before args_parse() would do it when it is only asked. */
static void every_command_hands_over_its_table(void **state)
{
    struct command_context context = {.table = commands};
    size_t count = 0;
    json_t *json;

    (void)state;
    free(text);
    context.out = open_memstream(&text, &count);
    manual_print_json(&context);
    fclose(context.out);
    json = json_loads(text, 0, NULL);
    assert_non_null(json);
    count = 0;
    while (commands[count].name != NULL)
        count++;
    assert_int_equal(json_array_size(json_object_get(json, "commands")), count);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(manual_pages_escape_what_roff_would_obey),
        cmocka_unit_test(manual_pages_are_known_by_several_names),
        cmocka_unit_test(markdown_keeps_tables_whole),
        cmocka_unit_test(completion_quotes_for_its_shell),
        cmocka_unit_test(blocks_are_prose_or_literal),
        cmocka_unit_test(every_command_hands_over_its_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
