#include "daemon/hanging.h"

bool hanging_alarms(struct hanging *hanging, int64_t stable, int64_t high, int64_t now_ms,
                    int64_t limit_ms)
{
    if (!hanging->known || stable != hanging->stable || stable >= high)
        *hanging = (struct hanging){true, stable, now_ms, now_ms - hanging_again_ms, false};
    hanging->hangs = now_ms - hanging->since_ms >= limit_ms;
    if (!hanging->hangs || now_ms - hanging->told_ms < hanging_again_ms)
        return false;
    hanging->told_ms = now_ms;
    return true;
}
