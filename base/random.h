/* Bytes that nobody else has. Not for the core: it has no randomness. */
#ifndef RINGBACK_BASE_RANDOM_H
#define RINGBACK_BASE_RANDOM_H

#include <stddef.h>

/* From the kernel; ends the process by abort if it gives none. size up to 256. */
void random_bytes(void *data, size_t size);

#endif
