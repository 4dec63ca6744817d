/* A password that lies in a file of its own, as containers are given them: not in the settings,
 * not on the command line. Read when it is used, wiped afterwards, never part of a message. */
#ifndef RINGBACK_BASE_SECRET_H
#define RINGBACK_BASE_SECRET_H

#include <stddef.h>

#include "base/err.h"

enum { secret_bytes = 1024 }; /* the longest, with its zero */

/* The file's content without the line end that an editor leaves. Error: ERR_BAD_OPTION (cannot be
 * read, empty, too long, no text); the note names the file and not what is in it. */
MUST_CHECK enum err secret_read(const char *path, char secret[secret_bytes], struct err_note *note);

void secret_wipe(char secret[secret_bytes]);

#endif
