#include "base/point.h"

#if defined(RINGBACK_TEST_POINTS)
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const names[POINT_COUNT] = {
#define NAME_(name, text) #name,
    POINT_MAP(NAME_)
#undef NAME_
};

static const char *const texts[POINT_COUNT] = {
#define TEXT_(name, text) text,
    POINT_MAP(TEXT_)
#undef TEXT_
};

static atomic_int reached;

void point_reach(enum point point)
{
    const char *wanted = getenv("RINGBACK_POINT");
    size_t size = strlen(names[point]);
    int count = 1;

    if (wanted == NULL || strncmp(wanted, names[point], size) != 0 ||
        (wanted[size] != '\0' && wanted[size] != ':'))
        return;
    if (wanted[size] == ':')
        count = atoi(wanted + size + 1);
    if (atomic_fetch_add(&reached, 1) + 1 == count)
        (void)kill(getpid(), strstr(wanted, ":stop") == NULL ? SIGKILL : SIGSTOP);
}

const char *point_name(enum point point)
{
    return names[point];
}

const char *point_text(enum point point)
{
    return texts[point];
}
#else
/* ISO C wants a declaration in every file. */
enum point_none { POINT_NONE };
#endif
