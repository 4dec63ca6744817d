/* 11.4: the reasons are one table; every code that the rule book names stands in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "state/reasons.h"

/* In capitals between backticks, but no reasons. */
static const char *const others[] = {"PRIORITY_ONLY", "RESUMED"};

/* In the contract without being named by a rule: outcomes of offers and attempts, and an old
 * version of a setting. */
static const char *const own[] = {"TIMED_OUT", "DECLINED", "AGENT_NOT_ELIGIBLE", "MOVED", "BUSY",
                                  "NO_ANSWER", "FAILED",   "OLD_VERSION"};

enum { NAMES_MAX = 256, NAME_BYTES = 64 };

struct names {
    char names[NAMES_MAX][NAME_BYTES];
    size_t count;
};

static bool among(const char *const *list, size_t count, const char *name)
{
    for (size_t at = 0; at < count; at++)
        if (strcmp(list[at], name) == 0)
            return true;
    return false;
}

/* Codes between backticks of the rule book; the tests run at the tree's root. */
static void read_codes(struct names *names)
{
    static char page[200000];
    FILE *file = fopen("docs/rules.md", "r");
    size_t size;

    assert_non_null(file);
    size = fread(page, 1, sizeof(page) - 1, file);
    assert_int_equal(fclose(file), 0);
    assert_true(size < sizeof(page) - 1);
    page[size] = '\0';
    names->count = 0;
    for (char *at = strchr(page, '`'); at != NULL; at = strchr(at, '`')) {
        size_t length = strspn(++at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");

        if (length < 3 || length >= NAME_BYTES || at[length] != '`')
            continue;
        at[length] = '\0';
        if (!among(others, sizeof(others) / sizeof(others[0]), at)) {
            assert_true(names->count < NAMES_MAX);
            memcpy(names->names[names->count++], at, length + 1);
        }
        at += length + 1;
    }
}

static void rule_11_4_every_code_of_the_rule_book_is_a_reason(void **state)
{
    static struct names names;

    (void)state;
    read_codes(&names);
    assert_true(names.count >= 70); /* else the page was not read as it is written */
    for (size_t at = 0; at < names.count; at++) {
        char name[NAME_BYTES + 8] = "REASON_";

        strcat(name, names.names[at]);
        if (protobuf_c_enum_descriptor_get_value_by_name(&ringback__v1__reason__descriptor, name) ==
            NULL)
            fail_msg("docs/rules.md names %s, which is no Reason", names.names[at]);
    }
}

static void rule_11_4_every_reason_is_named_in_the_rule_book(void **state)
{
    static struct names names;
    const ProtobufCEnumDescriptor *reasons = &ringback__v1__reason__descriptor;

    (void)state;
    read_codes(&names);
    for (unsigned at = 0; at < reasons->n_values; at++) {
        const char *name = reasons->values[at].name + strlen("REASON_");
        bool found =
            strcmp(name, "UNSPECIFIED") == 0 || among(own, sizeof(own) / sizeof(own[0]), name);

        for (size_t code = 0; code < names.count && !found; code++)
            found = strcmp(names.names[code], name) == 0;
        if (!found)
            fail_msg("no rule names %s", name);
    }
}

static void rule_11_4_every_reason_has_its_name_and_a_sentence(void **state)
{
    const ProtobufCEnumDescriptor *reasons = &ringback__v1__reason__descriptor;

    (void)state;
    assert_string_equal(reason_name(RINGBACK__V1__REASON__REASON_UNSPECIFIED), "");
    for (unsigned at = 0; at < reasons->n_values; at++) {
        Ringback__V1__Reason reason = (Ringback__V1__Reason)reasons->values[at].value;
        const char *text = reason_text(reason);

        if (reason == RINGBACK__V1__REASON__REASON_UNSPECIFIED)
            continue;
        assert_string_equal(reason_name(reason), reasons->values[at].name + strlen("REASON_"));
        if (strlen(text) < 10 || text[strlen(text) - 1] != '.')
            fail_msg("%s: \"%s\" is no sentence", reason_name(reason), text);
        for (unsigned other = 0; other < at; other++)
            assert_string_not_equal(
                text, reason_text((Ringback__V1__Reason)reasons->values[other].value));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_11_4_every_code_of_the_rule_book_is_a_reason),
        cmocka_unit_test(rule_11_4_every_reason_is_named_in_the_rule_book),
        cmocka_unit_test(rule_11_4_every_reason_has_its_name_and_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
