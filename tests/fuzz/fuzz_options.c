/* Option files, any bytes: read, or refused with a place and a reason. */
#include <stdint.h>
#include <stdlib.h>

#include "daemon/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct options *options = malloc(sizeof(*options));
    struct err_note note = {.err = ERR_OK};
    enum err err;

    if (options == NULL)
        return 0;
    options_init(options);
    err = options_text(options, "fuzz.yaml", slice_make(data, size), &note);
    if (err == ERR_OK)
        err = options_check(options, &note);
    if (err != ERR_OK && note.text[0] == '\0')
        abort();
    options_deinit(options);
    free(options);
    return 0;
}
