/* Zone tables from the system's zone data (tzdata), by the C library. It sets the process's time
 * zone for the length of the call: one thread only. */
#ifndef RINGBACK_DAEMON_SETTINGS_ZONE_H
#define RINGBACK_DAEMON_SETTINGS_ZONE_H

#include "base/arena.h"

#include "ringback/v1/settings.pb-c.h"

enum { settings_zone_year_first = 1990, settings_zone_year_last = 2049 };

/* false: no such zone here. table->zone and offsets are in arena; version is left alone. The first
 * offset is that of the first day of settings_zone_year_first. */
bool settings_zone_table(const char *zone, Ringback__V1__ZoneTable *table, struct arena *arena);

/* Is there zone data at all? (Package tzdata.) */
bool settings_zone_data(void);

#endif
