/* Stories, any bytes: refused with a place and a reason, or told. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/check_run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { size_max = 20000 };

/* Years of deadlines would be told one by one. */
static bool is_short(const struct check_story *story)
{
    const int64_t days_max = 3;

    return story->event_count <= 50 &&
           story->until_ms - story->start_ms <= days_max * 24 * 3600 * 1000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct check_story story;
    struct check_result result;
    struct err_note note = {.err = ERR_OK};
    char *text;

    if (size > size_max)
        return 0;
    text = malloc(size + 1);
    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (check_story_text(&story, "fuzz.yaml", text, size, &note) != ERR_OK) {
        if (note.text[0] == '\0')
            abort();
    } else if (is_short(&story)) {
        check_run(&story, &result);
        check_result_deinit(&result);
    }
    check_story_deinit(&story);
    free(text);
    return 0;
}
