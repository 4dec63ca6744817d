/* daemon/settings_zone and state/zones together: the tables that `queues apply` makes from the
 * system's zone data, read by the core, say what Python's zoneinfo says (another reader of the same
 * data, with its own arithmetic), over every clock change of 2024 to 2037 in the zones below. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/settings_zone.h"
#include "state/limits.h"
#include "state/zones.h"

/* What the reference says about one zone; the numbers of times and changes. */
static void follow_reference(const char *zone, int first_year, int *times, int *changes)
{
    Ringback__V1__ZoneTable table = RINGBACK__V1__ZONE_TABLE__INIT;
    struct arena arena;
    char command[200], line[200];
    FILE *reference;

    *times = *changes = 0;
    arena_init(&arena);
    if (!settings_zone_table(zone, &table, &arena))
        fail_msg("no zone %s here", zone);
    snprintf(command, sizeof(command), "python3 tests/support/zone_reference.py %s %d 2037", zone,
             first_year);
    reference = popen(command, "r"); /* NOLINT(cert-env33-c): the words are this file's */
    assert_non_null(reference);
    while (fgets(line, sizeof(line), reference) != NULL) {
        int64_t local, utc, shown;

        if (sscanf(line, "changes %d", changes) == 1)
            continue;
        assert_int_equal(sscanf(line, "%" SCNd64 " %" SCNd64 " %" SCNd64, &local, &utc, &shown), 3);
        if (zone_utc(&table, local * SECOND_MS) != utc * SECOND_MS ||
            zone_local(&table, utc * SECOND_MS) != shown * SECOND_MS)
            fail_msg("%s: local %" PRId64 " s is %" PRId64 " ms, shown as %" PRId64
                     " ms; the reference says %" PRId64 " s and %" PRId64 " s",
                     zone, local, zone_utc(&table, local * SECOND_MS),
                     zone_local(&table, utc * SECOND_MS), utc, shown);
        (*times)++;
    }
    assert_int_equal(pclose(reference), 0);
    arena_deinit(&arena);
}

/* changes_min: what the zone data of 2022 to 2026 agree on; rules may change, and then tables do.
 */
static void settings_zone_rule_2_3_ten_zones_2024_to_2037(void **state)
{
    static const struct {
        const char *zone;
        int first_year, changes_min;
    } rows[] = {
        {"Australia/Lord_Howe", 2024, 28}, /* by 30 minutes */
        {"Africa/Casablanca", 2024, 28},   /* back for Ramadan */
        {"Pacific/Apia", 2009, 20},        /* a day skipped in 2011; none since 2021 */
        {"America/New_York", 2024, 28},    {"Europe/London", 2024, 28},
        {"Europe/Berlin", 2024, 28},       {"America/Santiago", 2024, 28},
        {"Asia/Tehran", 2015, 10}, /* by the Persian calendar; none since 2022 */
        {"Australia/Sydney", 2024, 28},    {"Pacific/Chatham", 2024, 28}, /* at 2:45 */
        {"Africa/Cairo", 2024, 20},                                       /* since 2023 again */
        {"Asia/Jerusalem", 2024, 28},
    };

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        int times, changes;

        follow_reference(rows[at].zone, rows[at].first_year, &times, &changes);
        if (changes < rows[at].changes_min || times < 6 * changes + 100)
            fail_msg("%s: %d changes and %d times looked at, at least %d expected", rows[at].zone,
                     changes, times, rows[at].changes_min);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_zone_rule_2_3_ten_zones_2024_to_2037),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
