/* Folders for temporary files, in TMPDIR or /tmp. */
#ifndef RINGBACK_DAEMON_SCRATCH_H
#define RINGBACK_DAEMON_SCRATCH_H

#include <stddef.h>

#include "base/err.h"

enum { scratch_bytes = 200 };

/* A new, empty folder "PARENT/ringback-WHAT-XXXXXX"; a TMPDIR longer than parent_max bytes is not
 * used. Who makes it removes it (rmdir). Errors: ERR_IO; path is then "". */
MUST_CHECK enum err scratch_folder(const char *what, size_t parent_max, char path[scratch_bytes],
                                   struct err_note *note);

#endif
