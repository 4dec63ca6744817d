/* Local time by a zone's table of clock changes (2.3, 12.3). Pure: it knows what the table says and
 * nothing of the machine's own zone. The table comes as a setting (docs/adr/0009); its first offset
 * holds from the beginning, its last one for ever; without offsets it is UTC.
 *
 * "Local milliseconds" count the local clock since 1970-01-01T00:00 of that clock, as LocalTime's
 * local_ms does: at local midnight they are a multiple of 86,400,000. All instants and local times
 * must be within 200,000 years of 1970; callers check limits of their own first.
 */
#ifndef RINGBACK_STATE_ZONES_H
#define RINGBACK_STATE_ZONES_H

#include <stdint.h>

#include "ringback/v1/settings.pb-c.h"

/* What the clocks show at that instant, local milliseconds. */
int64_t zone_local(const Ringback__V1__ZoneTable *table, int64_t utc_ms);

/* The instant of a local time, UTC milliseconds. One that a clock change skips moves forward by the
 * gap; one that occurs twice is the first (2.3). So zone_local() of the answer is local_ms again,
 * or local_ms and the gap. */
int64_t zone_utc(const Ringback__V1__ZoneTable *table, int64_t local_ms);

/* A local time as people say it. */
struct zone_time {
    int64_t day;      /* days since 1970-01-01; day * 86,400,000 is its midnight, local */
    uint32_t date;    /* YYYYMMDD, as Window.holidays; years 1 to 9999 */
    uint32_t weekday; /* 1 Monday to 7 Sunday, as OpenHours.weekday */
    uint32_t minute;  /* after local midnight, 0 to 1439, as OpenHours.from_minute */
    uint32_t ms;      /* after that minute, 0 to 59,999 */
};

struct zone_time zone_time(int64_t local_ms);

/* The instant at which the clocks of that local day reach the minute (0 to 1440: 1440 is the next
 * midnight), by the rules of zone_utc. */
int64_t zone_minute(const Ringback__V1__ZoneTable *table, int64_t day, uint32_t minute);

#endif
