/* Texts, ids and numbers of the machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "state/limits.h"
#include "state/text.h"

static const char uuid_a[] = "0123abcd-4567-4567-89ab-0123456789ab";
static const char uuid_b[] = "0123abcd-4567-4567-89ab-0123456789ac";

static struct slice text(const char *value)
{
    return slice_text(value);
}

static void assert_slice(struct slice slice, const char *wanted)
{
    assert_int_equal(slice.size, strlen(wanted));
    assert_memory_equal(slice.data, wanted, slice.size);
}

/* --- texts --- */

static void text_of_every_size_class_comes_back(void **state)
{
    static const size_t sizes[] = {1,  11,  12,  13,  28,  29,   60,   61,   92,
                                   93, 156, 157, 316, 317, 1020, 1021, 4095, 4096};
    static uint8_t bytes[TEXT_BYTES_MAX];
    uint32_t handles[sizeof(sizes) / sizeof(sizes[0])];
    struct texts texts;

    (void)state;
    texts_init(&texts);
    for (size_t at = 0; at < sizeof(sizes) / sizeof(sizes[0]); at++) {
        memset(bytes, (int)(at + 1), sizes[at]);
        handles[at] = text_put(&texts, slice_make(bytes, sizes[at]));
        assert_int_not_equal(handles[at], 0);
    }
    for (size_t at = 0; at < sizeof(sizes) / sizeof(sizes[0]); at++) {
        struct slice got = text_at(&texts, handles[at]);

        memset(bytes, (int)(at + 1), sizes[at]);
        assert_int_equal(got.size, sizes[at]);
        assert_memory_equal(got.data, bytes, sizes[at]);
        assert_int_equal((uintptr_t)got.data % 4, 0);
    }
    texts_deinit(&texts);
}

static void text_empty_is_handle_0(void **state)
{
    struct texts texts;

    (void)state;
    texts_init(&texts);
    assert_int_equal(text_put(&texts, text("")), 0);
    assert_int_equal(text_put(&texts, slice_make(NULL, 0)), 0);
    assert_int_equal(text_at(&texts, 0).size, 0);
    assert_non_null(text_at(&texts, 0).data);
    text_drop(&texts, 0);
    texts_deinit(&texts);
}

static void text_dropped_room_is_used_again(void **state)
{
    struct texts texts;
    uint32_t first, second;
    size_t bytes;

    (void)state;
    texts_init(&texts);
    first = text_put(&texts, text("one"));
    bytes = texts_bytes(&texts);
    assert_true(bytes > 0);
    for (int round = 0; round < 100000; round++) {
        text_drop(&texts, first);
        first = text_put(&texts, text(round % 2 ? "odd" : "even"));
    }
    assert_int_equal(texts_bytes(&texts), bytes);
    assert_slice(text_at(&texts, first), "odd");
    second = text_put(&texts, text("two"));
    assert_int_not_equal(first, second);
    assert_slice(text_at(&texts, first), "odd");
    texts_deinit(&texts);
}

static void text_set_keeps_the_handle_of_an_equal_text_alone(void **state)
{
    struct texts texts;
    uint32_t first, second;

    (void)state;
    texts_init(&texts);
    first = text_set(&texts, 0, text("a"));
    assert_slice(text_at(&texts, first), "a");
    assert_int_equal(text_set(&texts, first, text("a")), first);
    second = text_set(&texts, first, text("a text that needs more room than the first"));
    assert_slice(text_at(&texts, second), "a text that needs more room than the first");
    assert_int_equal(text_set(&texts, second, text("")), 0);
    texts_deinit(&texts);
}

/* --- ids --- */

static void ident_is_1_to_128_bytes_of_the_contract(void **state)
{
    char long_id[130];

    (void)state;
    memset(long_id, 'x', sizeof(long_id));
    assert_true(ident_valid(slice_make(long_id, 1)));
    assert_true(ident_valid(slice_make(long_id, 128)));
    assert_false(ident_valid(slice_make(long_id, 129)));
    assert_false(ident_valid(text("")));
    assert_false(ident_valid(slice_make(NULL, 0)));
    for (int byte = 0; byte < 256; byte++) {
        char c = (char)byte;
        bool wanted = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      (c != '\0' && strchr("._@:/+-", c) != NULL);

        assert_int_equal(ident_valid(slice_make(&c, 1)), wanted);
    }
    assert_false(ident_valid(text("a b")));
}

static void ident_uuid_is_canonical_lower_case_with_the_rfc_variant(void **state)
{
    static const struct {
        const char *text;
        bool uuid;
    } rows[] = {
        {"0123abcd-4567-4567-89ab-0123456789ab", true},
        {"00000000-0000-0000-8000-000000000000", true},
        {"ffffffff-ffff-ffff-bfff-ffffffffffff", true},
        {"ffffffff-ffff-ffff-7fff-ffffffffffff", false}, /* another variant */
        {"ffffffff-ffff-ffff-cfff-ffffffffffff", false},
        {"00000000-0000-0000-0000-000000000000", false},
        {"0123ABCD-4567-4567-89ab-0123456789ab", false}, /* upper case: kept as it came */
        {"0123abcd-4567-4567-89ab-0123456789a", false},
        {"0123abcd-4567-4567-89ab-0123456789abc", false},
        {"0123abcd+4567-4567-89ab-0123456789ab", false},
        {"0123abcd-4567-4567-89abc0123456789ab", false},
        {"0123abcg-4567-4567-89ab-0123456789ab", false},
        {"0123abcd-4567-4567-89ab-01234567 9ab", false},
        {"0123abcd45674567-89ab-0123456789ab--", false},
        {"", false},
    };
    uint8_t bytes[16];

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++)
        if (ident_uuid(text(rows[at].text), bytes) != rows[at].uuid)
            fail_msg("%s", rows[at].text);
    assert_true(ident_uuid(text(uuid_a), bytes));
    assert_memory_equal(bytes, "\x01\x23\xab\xcd\x45\x67\x45\x67\x89\xab\x01\x23\x45\x67\x89\xab",
                        16);
}

static void ident_comes_back_as_the_text_it_was(void **state)
{
    static const char *const rows[] = {uuid_a, "x", "0123ABCD-4567-4567-89ab-0123456789ab",
                                       "00000000-0000-0000-0000-000000000000",
                                       "mail:a@b.example/1+2_3.4-5"};
    struct texts texts;
    struct arena arena;
    char buffer[IDENT_TEXT_BYTES];

    (void)state;
    texts_init(&texts);
    arena_init(&arena);
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        struct ident ident = ident_put(&texts, text(rows[at])), copy;

        assert_int_equal(ident_is_uuid(&ident), at == 0);
        assert_false(ident_is_none(&ident));
        assert_slice(ident_text(&texts, &ident, buffer), rows[at]);
        assert_string_equal(ident_string(&texts, &ident, &arena), rows[at]);
        assert_true(ident_equal(&texts, &ident, text(rows[at])));
        assert_false(ident_equal(&texts, &ident, text(uuid_b)));
        copy = ident_copy(&texts, &ident);
        assert_true(ident_same(&texts, &ident, &copy));
        ident_drop(&texts, &ident);
        assert_true(ident_is_none(&ident));
        assert_slice(ident_text(&texts, &copy, buffer), rows[at]);
        ident_drop(&texts, &copy);
    }
    arena_deinit(&arena);
    texts_deinit(&texts);
}

static void ident_none_is_an_empty_text(void **state)
{
    struct texts texts;
    struct arena arena;
    struct ident none = {{0}}, copy;

    (void)state;
    texts_init(&texts);
    arena_init(&arena);
    copy = ident_copy(&texts, &none);
    assert_true(ident_is_none(&copy));
    assert_string_equal(ident_string(&texts, &none, &arena), "");
    ident_drop(&texts, &none);
    assert_true(ident_is_none(&none));
    arena_deinit(&arena);
    texts_deinit(&texts);
}

/* Rising in the order of their texts' bytes; hashes and equality agree with it. */
static void ident_orders_as_the_bytes_of_its_text(void **state)
{
    static const char *const rising[] = {"+",
                                         "0",
                                         "0123ABCD-4567-4567-89ab-0123456789ab",
                                         uuid_a,
                                         uuid_b,
                                         "0123abcd-4567-4567-89ab-0123456789b",
                                         "A",
                                         "a",
                                         "a-1",
                                         "a1",
                                         "fedcba98-4567-4567-89ab-0123456789ab",
                                         "zz"};
    enum { count = sizeof(rising) / sizeof(rising[0]) };
    struct ident idents[count];
    struct texts texts;

    (void)state;
    texts_init(&texts);
    for (size_t at = 0; at < count; at++)
        idents[at] = ident_put(&texts, text(rising[at]));
    for (size_t a = 0; a < count; a++)
        for (size_t b = 0; b < count; b++) {
            int order = ident_compare(&texts, &idents[a], &idents[b]);

            if ((order < 0) != (a < b) || (order > 0) != (a > b))
                fail_msg("%s against %s: %d", rising[a], rising[b], order);
            assert_int_equal(ident_same(&texts, &idents[a], &idents[b]), a == b);
            assert_int_equal(ident_hash(text(rising[a]), 7) == ident_hash_of(&texts, &idents[b], 7),
                             a == b);
        }
    assert_int_not_equal(ident_hash(text(uuid_a), 7), ident_hash(text(uuid_a), 8));
    assert_int_not_equal(ident_hash(text("a"), 7), ident_hash(text("a"), 8));
    texts_deinit(&texts);
}

/* --- numbers (1.2) --- */

struct number_row {
    const char *given, *code, *wanted; /* wanted NULL: NUMBER_BAD; "": NUMBER_NONE */
};

static void check_numbers(const struct number_row *rows, size_t count)
{
    struct arena arena;

    arena_init(&arena);
    for (size_t at = 0; at < count; at++) {
        uint64_t number = 1;
        enum number_result result =
            number_parse(text(rows[at].given), text(rows[at].code), &number);
        enum number_result wanted = rows[at].wanted == NULL      ? NUMBER_BAD
                                    : rows[at].wanted[0] == '\0' ? NUMBER_NONE
                                                                 : NUMBER_OK;

        if (result != wanted)
            fail_msg("\"%s\" with \"%s\" is %d, wanted %d", rows[at].given, rows[at].code, result,
                     wanted);
        assert_string_equal(number_string(number, &arena),
                            wanted == NUMBER_OK ? rows[at].wanted : "");
    }
    arena_deinit(&arena);
}

static void number_loses_what_rule_1_2_takes_off(void **state)
{
    static const struct number_row rows[] = {
        {"+97235551234", "", "+97235551234"},
        {"tel:+972-3-555-1234", "", "+97235551234"},
        {"sip:+97235551234@trunk.example:5060", "", "+97235551234"},
        {"sip:035551234@10.0.0.1", "", "035551234"},
        {"+97235551234@x", "", "+97235551234"},
        {" (03) 555.12/34 ", "", "035551234"},
        {"(+1) 212 555 0100", "", "+12125550100"},
        {"100", "", "100"},
    };

    (void)state;
    check_numbers(rows, sizeof(rows) / sizeof(rows[0]));
}

static void number_without_digits_is_missing(void **state)
{
    static const struct number_row rows[] = {
        {"", "", ""},
        {"anonymous", "", ""},
        {"sip:anonymous@anonymous.invalid", "", ""},
        {"+", "", ""},
        {" -.()/ ", "", ""},
        {"tel:", "972", ""},
        {"@35551234", "", ""},
        {"sip:@5551234", "", ""},
        {"unavailable", "972", ""},
    };

    (void)state;
    check_numbers(rows, sizeof(rows) / sizeof(rows[0]));
}

static void number_is_an_optional_plus_and_3_to_15_digits(void **state)
{
    static const struct number_row rows[] = {
        {"12", "", NULL},
        {"123", "", "123"},
        {"+12", "", NULL},
        {"+123", "", "+123"},
        {"123456789012345", "", "123456789012345"},
        {"+123456789012345", "", "+123456789012345"},
        {"1234567890123456", "", NULL},
        {"+1234567890123456", "", NULL},
        {"1+23", "", NULL},
        {"++123", "", NULL},
        {"123#", "", NULL},
        {"*123", "", NULL},
        {"123x4", "", NULL},
        {"1-800-FLOWERS", "", NULL},
        {"1\t23", "", NULL},
        {"12345678901234567890123456789012345678901234567890", "", NULL},
    };

    (void)state;
    check_numbers(rows, sizeof(rows) / sizeof(rows[0]));
}

static void number_with_a_country_code_00_and_trunk_0_become_plus(void **state)
{
    static const struct number_row rows[] = {
        {"035551234", "972", "+97235551234"},
        {"03-555-1234", "972", "+97235551234"},
        {"0097235551234", "972", "+97235551234"},
        {"0012125550100", "972", "+12125550100"},
        {"+97235551234", "972", "+97235551234"},
        {"97235551234", "972", "97235551234"},
        {"035551234", "", "035551234"},
        {"0097235551234", "", "0097235551234"},
        {"sip:035551234@x", "972", "+97235551234"},
        {"00123456789012345", "972", "+123456789012345"}, /* 15 digits after the 00 */
        {"001234567890123456", "972", NULL},
        {"0123456789012", "972", "+972123456789012"}, /* 15 digits with the country code */
        {"01234567890123", "972", NULL},
        {"0012", "972", NULL},
        {"00123", "972", "+123"},
        {"00", "972", NULL},
        {"0", "972", NULL}, /* a country code alone is nobody's number */
        {"01", "972", NULL},
        {"012", "972", "+97212"},
    };

    (void)state;
    check_numbers(rows, sizeof(rows) / sizeof(rows[0]));
}

static void number_forms_of_one_line_are_equal(void **state)
{
    static const char *const forms[] = {"035551234", "0097235551234", "+972 3 5551234",
                                        "tel:+97235551234", "sip:(03)5551234@pbx.example"};
    uint64_t first = 0;

    (void)state;
    assert_int_equal(number_parse(text(forms[0]), text("972"), &first), NUMBER_OK);
    for (size_t at = 1; at < sizeof(forms) / sizeof(forms[0]); at++) {
        uint64_t number = 0;

        assert_int_equal(number_parse(text(forms[at]), text("972"), &number), NUMBER_OK);
        assert_int_equal(number, first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_of_every_size_class_comes_back),
        cmocka_unit_test(text_empty_is_handle_0),
        cmocka_unit_test(text_dropped_room_is_used_again),
        cmocka_unit_test(text_set_keeps_the_handle_of_an_equal_text_alone),
        cmocka_unit_test(ident_is_1_to_128_bytes_of_the_contract),
        cmocka_unit_test(ident_uuid_is_canonical_lower_case_with_the_rfc_variant),
        cmocka_unit_test(ident_comes_back_as_the_text_it_was),
        cmocka_unit_test(ident_none_is_an_empty_text),
        cmocka_unit_test(ident_orders_as_the_bytes_of_its_text),
        cmocka_unit_test(number_loses_what_rule_1_2_takes_off),
        cmocka_unit_test(number_without_digits_is_missing),
        cmocka_unit_test(number_is_an_optional_plus_and_3_to_15_digits),
        cmocka_unit_test(number_with_a_country_code_00_and_trunk_0_become_plus),
        cmocka_unit_test(number_forms_of_one_line_are_equal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
