#include "view/assets.h"

#include <string.h>

/* Made by view/embed: ASSET(name, bytes) for each file. */
struct embedded {
    const char *name;
    const unsigned char *data;
    size_t size;
};

#include "view_assets.inc"

const char *assets_type(const char *name)
{
    static const char *const types[][2] = {
        {".html", "text/html; charset=utf-8"},        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},    {".svg", "image/svg+xml"},
        {".yaml", "application/yaml; charset=utf-8"}, {NULL, NULL},
    };
    size_t size = strlen(name);

    if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-") != size || name[0] == '.')
        return NULL;
    for (int i = 0; types[i][0] != NULL; i++) {
        size_t end = strlen(types[i][0]);

        if (size > end && strcmp(name + size - end, types[i][0]) == 0)
            return types[i][1];
    }
    return NULL;
}

const struct asset *assets_find(const char *name)
{
    static _Thread_local struct asset found;

    for (size_t i = 0; i < sizeof(embedded) / sizeof(embedded[0]); i++) {
        if (strcmp(embedded[i].name, name) != 0)
            continue;
        found = (struct asset){name, assets_type(name), embedded[i].data, embedded[i].size};
        return &found;
    }
    return NULL;
}
