/* consumers/decode: what is an event, an id, text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "consumers/decode.h"

#include "ringback/v1/interactions.pb-c.h"
#include "ringback/v1/settings.pb-c.h"

static struct arena arena;
static struct err_note note;
static struct decoded decoded;
static Ringback__V1__UndecidedReason why;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

static void decode_ids_have_1_to_128_bytes_of_one_set(void **state)
{
    static char text[] = "aZ09._@:/+-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    (void)state;
    assert_true(decode_id_valid(slice_make(text, 1)));
    assert_true(decode_id_valid(slice_make(text, 128)));
    assert_false(decode_id_valid(slice_make(text, 129)));
    assert_false(decode_id_valid(slice_make(text, 0)));
    assert_false(decode_id_valid(slice_make(NULL, 0)));
    for (int byte = 0; byte < 256; byte++) {
        uint8_t id[1] = {(uint8_t)byte};
        bool allowed = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= '0' && byte <= '9') ||
                       (byte != 0 && strchr("._@:/+-", byte) != NULL);

        assert_int_equal(decode_id_valid(slice_make(id, 1)), allowed);
    }
}

/* A SettingsEvent whose zone removal names that zone; it is read or not. */
static enum err decode_zone(const char *zone)
{
    Ringback__V1__SettingsEvent event;
    Ringback__V1__ZoneRemoval removal;
    uint8_t bytes[200];

    ringback__v1__settings_event__init(&event);
    ringback__v1__zone_removal__init(&removal);
    removal.zone = arena_text(&arena, slice_text(zone));
    event.event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_ZONE_REMOVAL;
    event.zone_removal = &removal;
    return decode_event(NULL, INPUT_SETTINGS,
                        slice_make(bytes, ringback__v1__settings_event__pack(&event, bytes)),
                        &arena, &decoded, &why, &note);
}

static void decode_takes_utf8_alone_for_text(void **state)
{
    static const char *const good[] = {
        "",
        "plain",
        "\xc2\x80",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xef\xbf\xbf",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf",
        "a\xe2\x82\xac b",
    };
    static const char *const bad[] = {
        "\x80",         "\xbf",         "\xc0\x80",         "\xc1\xbf",         "\xc2",
        "\xc2z",        "\xe0\x9f\xbf", "\xed\xa0\x80",     "\xe2\x82",         "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80", "\xf5\x80",     "\xf0\x90\x80\x7f", "\xf4\x90\x80\x80", "a\xff",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(decode_zone(good[i]), ERR_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(decode_zone(bad[i]), ERR_BAD_EVENT);
        assert_int_equal(why, RINGBACK__V1__UNDECIDED_REASON__UNDECIDED_REASON_UNDECODABLE);
        assert_string_equal(note.text, "a string of the ringback.v1.SettingsEvent is not UTF-8");
    }
}

static void decode_looks_at_text_in_lists_of_messages(void **state)
{
    Ringback__V1__InteractionEvent event;
    Ringback__V1__InteractionEntered entered;
    Ringback__V1__RoutingData routing;
    char skill_good[] = "a", skill_bad[] = "\xff", *skills[] = {skill_good, skill_bad};

    ringback__v1__interaction_event__init(&event);
    ringback__v1__interaction_entered__init(&entered);
    ringback__v1__routing_data__init(&routing);
    (void)state;
    event.event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ENTERED;
    event.entered = &entered;
    entered.routing = &routing;
    routing.skills = skills;
    routing.n_skills = 1;
    assert_true(decode_utf8_valid(&event.base));
    routing.n_skills = 2;
    assert_false(decode_utf8_valid(&event.base));
    entered.routing = NULL;
    assert_true(decode_utf8_valid(&event.base));
}

static void decode_header_tells_null_from_absent(void **state)
{
    const struct header headers[] = {{"a", slice_text("1")}, {"b", {NULL, 0}}};
    const struct record record = {.headers = headers, .header_count = 2};

    (void)state;
    assert_true(slice_equal(decode_header(&record, "a"), slice_text("1")));
    assert_null(decode_header(&record, "b").data);
    assert_null(decode_header(&record, "c").data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(decode_ids_have_1_to_128_bytes_of_one_set, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(decode_takes_utf8_alone_for_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(decode_looks_at_text_in_lists_of_messages, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(decode_header_tells_null_from_absent, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
