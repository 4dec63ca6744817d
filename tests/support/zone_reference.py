#!/usr/bin/env python3
"""What Python's zoneinfo says about clock changes: the independent reference of test_settings_zone.c.

    zone_reference.py ZONE FIRST_YEAR LAST_YEAR

One line for each time that is looked at, around every clock change of those years and at noon of days
between: `LOCAL UTC SHOWN`, in seconds. LOCAL is a local time, UTC its instant (a skipped one moves
forward by the gap, of two it is the first: that is what fold=0 means), SHOWN what the clocks show then.
Last, `changes N`. Ends with 1 when there is no such zone."""

import datetime
import sys
import zoneinfo

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1)
STEP_S = 6 * 3600


def main():
    name, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    try:
        zone = zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return 1

    def offset(at):
        return int(datetime.datetime.fromtimestamp(at, zone).utcoffset().total_seconds())

    def say(local):
        naive = EPOCH + datetime.timedelta(seconds=local)
        at = int(naive.replace(tzinfo=zone, fold=0).timestamp())
        print(local, at, at + offset(at))

    at = int(datetime.datetime(first, 1, 1, tzinfo=UTC).timestamp())
    end = int(datetime.datetime(last + 1, 1, 1, tzinfo=UTC).timestamp())
    changes = 0
    while at < end:
        old, new = offset(at), offset(at + STEP_S)
        if old != new:
            low, high = at, at + STEP_S
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(middle) == old else (low, middle)
            changes += 1
            begin, over = sorted((high + old, high + new))
            for local in (begin - 1, begin, (begin + over) // 2, over - 1, over, over + 1):
                say(local)
        elif at % (7 * 86400) < STEP_S:
            say(at)
        at += STEP_S
    print("changes", changes)
    return 0


sys.exit(main())
