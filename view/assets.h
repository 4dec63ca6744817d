/* The page's files and the API's description: in the program, or from a folder for work on them. */
#ifndef RINGBACK_VIEW_ASSETS_H
#define RINGBACK_VIEW_ASSETS_H

#include <stddef.h>

struct asset {
    const char *name; /* "index.html" */
    const char *type;
    const unsigned char *data;
    size_t size;
};

/* NULL: there is none. */
const struct asset *assets_find(const char *name);

/* "text/css; charset=utf-8"; NULL: no file of such a name is served. */
const char *assets_type(const char *name);

#endif
