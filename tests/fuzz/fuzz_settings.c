/* Settings files, any bytes: read, or refused with a place and a reason. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/settings_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings settings;
    struct err_note note = {.err = ERR_OK};
    char *text = malloc(size + 1);

    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    settings_init(&settings);
    if (settings_read_text(&settings, "fuzz.yaml", text, size, &note) != ERR_OK &&
        note.text[0] == '\0')
        abort();
    settings_deinit(&settings);
    free(text);
    return 0;
}
