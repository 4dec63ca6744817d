#include "base/random.h"

#include <assert.h>
#include <sys/random.h>

void random_bytes(void *data, size_t size)
{
    assert(size <= 256); /* then getrandom() is never interrupted */
    ssize_t got = getrandom(data, size, 0);

    assert(got == (ssize_t)size);
}
