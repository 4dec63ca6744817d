#include "daemon/settings_zone.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { day_s = 86400, offsets_max = 1000 };

static const char *zone_folder(void)
{
    const char *folder = getenv("TZDIR");

    return folder == NULL || folder[0] == '\0' ? "/usr/share/zoneinfo" : folder;
}

/* The C library takes any name that it does not know for UTC, so the file is looked at first. */
static bool is_zone(const char *zone)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    char path[PATH_MAX];
    char magic[4] = "";
    size_t plain = 0;
    FILE *file;

    for (; zone[plain] != '\0'; plain++) {
        if (strchr(letters, zone[plain]) == NULL && strchr("_+-/", zone[plain]) == NULL)
            return false;
    }
    if (plain == 0 || plain > 100 || zone[0] == '/')
        return false;
    snprintf(path, sizeof(path), "%s/%s", zone_folder(), zone);
    file = fopen(path, "rb");
    if (file == NULL)
        return false;
    if (fread(magic, sizeof(magic), 1, file) != 1)
        magic[0] = '\0';
    (void)fclose(file);
    return memcmp(magic, "TZif", sizeof(magic)) == 0;
}

bool settings_zone_data(void)
{
    return is_zone("UTC");
}

static int32_t offset_at(time_t when)
{
    struct tm local = {0};

    return localtime_r(&when, &local) == NULL ? 0 : (int32_t)local.tm_gmtoff;
}

/* The first second in (before, after] at which the offset is not that of before any more. */
static time_t change_between(time_t before, time_t after)
{
    int32_t old = offset_at(before);

    while (after - before > 1) {
        time_t middle = before + (after - before) / 2;

        if (offset_at(middle) == old)
            before = middle;
        else
            after = middle;
    }
    return after;
}

static time_t year_start(int year)
{
    struct tm first = {.tm_year = year - 1900, .tm_mday = 1};

    return timegm(&first);
}

static void add_offset(Ringback__V1__ZoneTable *table, time_t from, int32_t offset_s,
                       struct arena *arena)
{
    Ringback__V1__ZoneOffset *offset = arena_alloc(arena, sizeof(*offset));

    ringback__v1__zone_offset__init(offset);
    offset->from_ms = (int64_t)from * 1000;
    offset->offset_s = offset_s;
    table->offsets[table->n_offsets++] = offset;
}

static void fill(Ringback__V1__ZoneTable *table, struct arena *arena)
{
    time_t at = year_start(settings_zone_year_first);
    time_t end = year_start(settings_zone_year_last + 1);
    int32_t offset_s = offset_at(at);

    table->offsets = arena_alloc(arena, offsets_max * sizeof(table->offsets[0]));
    add_offset(table, at, offset_s, arena);
    for (; at < end && table->n_offsets < offsets_max; at += day_s) {
        int32_t next_s = offset_at(at + day_s);

        if (next_s == offset_s)
            continue;
        add_offset(table, change_between(at, at + day_s), next_s, arena);
        offset_s = next_s;
    }
}

bool settings_zone_table(const char *zone, Ringback__V1__ZoneTable *table, struct arena *arena)
{
    const char *set = getenv("TZ");
    char *before = set == NULL ? NULL : arena_text(arena, slice_text(set));

    if (!is_zone(zone))
        return false;
    table->zone = arena_text(arena, slice_text(zone));
    setenv("TZ", arena_format(arena, ":%s/%s", zone_folder(), zone), 1);
    tzset();
    fill(table, arena);
    if (before == NULL)
        unsetenv("TZ");
    else
        setenv("TZ", before, 1);
    tzset();
    return true;
}
