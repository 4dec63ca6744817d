/* base/framing: what stands before a message in a value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/framing.h"
#include "consumers/decode.h"
#include "daemon/options.h"

#include "ringback/v1/flows.pb-c.h"

static struct arena arena;
static struct err_note note;
static struct framing framing;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena);
    framing = (struct framing){.confluent = 1U << TOPIC_FLOWS | 1U << TOPIC_ROUTING,
                               .schema_ids = {[TOPIC_ROUTING] = 0x01020304}};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

static void framing_topics_are_names_groups_or_none(void **state)
{
    static const struct {
        const char *text;
        uint32_t topics;
    } rows[] = {
        {"none", 0},
        {"", 0},
        {"all", 0xff},
        {"inputs", 0x1f},
        {"outputs", 0xe0},
        {"flows, routing", 1U << TOPIC_FLOWS | 1U << TOPIC_ROUTING},
        {"outputs,commands", 0xf0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(framing_set_topics(&framing, rows[i].text, &note), ERR_OK);
        assert_int_equal(framing.confluent, rows[i].topics);
    }
    assert_int_equal(framing_set_topics(&framing, "flow", &note), ERR_BAD_OPTION);
    assert_non_null(strstr(note.text, "\"flow\" is no topic that can be framed"));
    assert_int_equal(framing_set_topics(&framing, "state", &note), ERR_BAD_OPTION);
    assert_int_equal(framing_set_topics(&framing, "none, flows", &note), ERR_BAD_OPTION);
}

static void framing_ids_are_needed_for_what_is_written(void **state)
{
    static const char *const bad[] = {
        "",           "routing",     "routing=", "routing=0",           "routing=2147483648",
        "routing=7x", "routing=-1",  "state=7",  "routing=7 routing=8", "results=7 routing=7",
        "=7",         "routing = 7",
    };

    (void)state;
    assert_int_equal(framing_set_ids(&framing, "routing=7, flows=2147483647", &note), ERR_OK);
    assert_int_equal(framing.schema_ids[TOPIC_ROUTING], 7);
    assert_int_equal(framing.schema_ids[TOPIC_FLOWS], 2147483647);
    assert_int_equal(framing_set_ids(&framing, "routing=7", &note), ERR_OK);
    assert_int_equal(framing_check_write(&framing, TOPIC_ROUTING, &note), ERR_OK);
    assert_int_equal(framing_check_write(&framing, TOPIC_RESULTS, &note), ERR_OK);
    assert_int_equal(framing_check_write(&framing, TOPIC_FLOWS, &note), ERR_BAD_OPTION);
    assert_non_null(strstr(note.text, "flows=ID"));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(framing_set_ids(&framing, bad[i], &note), ERR_BAD_OPTION);
}

static enum err open_bytes(enum topic topic, const char *bytes, size_t size, struct slice *value)
{
    *value = slice_make(bytes, size);
    return framing_open(&framing, topic, value, &note);
}

static void framing_opens_what_is_framed_and_nothing_else(void **state)
{
#define ROW(bytes, message)                                                                        \
    {                                                                                              \
        bytes, sizeof(bytes) - 1, message                                                          \
    }
    static const struct {
        const char *bytes;
        size_t size;
        const char *message; /* NULL: it is refused */
    } rows[] = {
        ROW("\0\0\0\0\7\0abc", "abc"),
        ROW("\0\0\0\0\7\0", ""),
        ROW("\0\377\377\377\377\2\2abc", "abc"),           /* [1] */
        ROW("\0\0\0\0\7\4\0\202\1abc", "abc"),             /* [0, 65] */
        ROW("abc", NULL),                                  /* too short */
        ROW("\0\0\0\0\7", NULL),                           /* no indexes */
        ROW("\1\0\0\0\7\0abc", NULL),                      /* another magic byte */
        ROW("abcdefgh", NULL),                             /* plain */
        ROW("\0\0\0\0\7\1abc", NULL),                      /* a count of -1 */
        ROW("\0\0\0\0\7\2\1abc", NULL),                    /* an index of -1 */
        ROW("\0\0\0\0\7\6\0\0", NULL),                     /* an index lacks */
        ROW("\0\0\0\0\7\200", NULL),                       /* a varint that does not end */
        ROW("\0\0\0\0\7\200\200\200\200\200\0abc", NULL),  /* too long a one */
        ROW("\0\0\0\0\7\376\377\377\377\17\0\0abc", NULL), /* more indexes than bytes */
    };
#undef ROW
    struct slice value;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum err err = open_bytes(TOPIC_FLOWS, rows[i].bytes, rows[i].size, &value);

        assert_int_equal(err, rows[i].message == NULL ? ERR_BAD_EVENT : ERR_OK);
        if (rows[i].message != NULL)
            assert_true(slice_equal(value, slice_text(rows[i].message)));
    }
    assert_int_equal(open_bytes(TOPIC_PRESENCE, "abcdefgh", 8, &value), ERR_OK);
    assert_int_equal(value.size, 8);
    assert_int_equal(open_bytes((enum topic)(TOPIC_DLQ_FIRST + TOPIC_FLOWS), "abcdefgh", 8, &value),
                     ERR_BAD_EVENT);
    assert_null(framing_message(&framing, TOPIC_FLOWS, slice_text("abcdefgh")).data);
    assert_null(framing_message(&framing, TOPIC_PRESENCE, slice_make(NULL, 0)).data);
    assert_int_equal(framing_message(NULL, TOPIC_FLOWS, slice_text("abc")).size, 3);
}

static void framing_closes_with_the_id_in_network_order(void **state)
{
    struct slice value = framing_close(&framing, TOPIC_ROUTING, slice_text("abc"), &arena);
    struct slice plain = slice_text("abc");

    (void)state;
    assert_true(slice_equal(value, slice_make("\0\1\2\3\4\0abc", 9)));
    assert_int_equal(framing_size(&framing, TOPIC_ROUTING), 6);
    assert_int_equal(framing_size(&framing, TOPIC_RESULTS), 0);
    assert_ptr_equal(framing_close(&framing, TOPIC_RESULTS, plain, &arena).data, plain.data);
    assert_false(framing_on(&framing, TOPIC_STATE));
    assert_false(framing_on(NULL, TOPIC_ROUTING));
}

static void framing_makes_an_input_without_it_a_dead_letter(void **state)
{
    static const uint8_t framed[] = {0, 0, 0, 0, 9, 0, 0x0a, 1, 'i', 0x12, 0};
    static const uint8_t plain[] = {0x0a, 1, 'i', 0x12, 0};
    Ringback__V1__UndecidedReason why;
    struct decoded decoded;

    (void)state;
    assert_int_equal(decode_event(&framing, INPUT_FLOWS, slice_make(framed, sizeof(framed)), &arena,
                                  &decoded, &why, &note),
                     ERR_OK);
    assert_string_equal(((const Ringback__V1__FlowEvent *)decoded.event)->id, "i");
    assert_int_equal(decode_event(&framing, INPUT_FLOWS, slice_make(plain, sizeof(plain)), &arena,
                                  &decoded, &why, &note),
                     ERR_BAD_EVENT);
    assert_int_equal(why, RINGBACK__V1__UNDECIDED_REASON__UNDECIDED_REASON_UNDECODABLE);
    assert_non_null(strstr(note.text, "Confluent wire format"));
    assert_int_equal(decode_event(NULL, INPUT_FLOWS, slice_make(framed, sizeof(framed)), &arena,
                                  &decoded, &why, &note),
                     ERR_BAD_EVENT);
}

/* What a journal says counts for its replay. */
static void framing_is_among_the_options_that_decide(void **state)
{
    static struct options options, other;
    const char *text;

    (void)state;
    options_init(&options);
    options_init(&other);
    assert_int_equal(
        options_set(&options, "framing.confluent", "outputs", (struct option_origin){0}, &note),
        ERR_OK);
    assert_int_equal(options_check(&options, &note), ERR_BAD_OPTION);
    assert_non_null(strstr(note.text, "framing.schema_ids: "));
    assert_int_equal(options_set(&options, "framing.schema_ids", "routing=1,analytics=2,results=3",
                                 (struct option_origin){0}, &note),
                     ERR_OK);
    assert_int_equal(options_check(&options, &note), ERR_OK);
    text = options_decides_text(&options, &arena);
    assert_int_equal(options_decides_read(&other, slice_text(text), &note), ERR_OK);
    assert_memory_equal(&other.framing, &options.framing, sizeof(framing));
    assert_int_equal(other.framing.schema_ids[TOPIC_RESULTS], 3);
    assert_int_equal(options_decides_read(&other, slice_text("framing.confluent=x\n"), &note),
                     ERR_BAD_STATE);
    options_deinit(&options);
    options_deinit(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(framing_topics_are_names_groups_or_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(framing_ids_are_needed_for_what_is_written, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(framing_opens_what_is_framed_and_nothing_else, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(framing_closes_with_the_id_in_network_order, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(framing_makes_an_input_without_it_a_dead_letter, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(framing_is_among_the_options_that_decide, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("framing", tests, NULL, NULL);
}
