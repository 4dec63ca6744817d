#include "daemon/scratch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum err scratch_folder(const char *what, size_t parent_max, char path[scratch_bytes],
                        struct err_note *note)
{
    const char *parent = getenv("TMPDIR");

    if (parent == NULL || parent[0] == '\0' || strlen(parent) > parent_max)
        parent = "/tmp";
    snprintf(path, scratch_bytes, "%s/ringback-%s-XXXXXX", parent, what);
    if (mkdtemp(path) != NULL)
        return ERR_OK;
    path[0] = '\0';
    return FAIL(note, ERR_IO, "no folder for temporary files in %s: %s", parent, strerror(errno));
}
