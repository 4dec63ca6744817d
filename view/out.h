/* Text that grows: answers of the view, as JSON and CSV. Never fails: out of memory ends the
 * process (base/memory.h). */
#ifndef RINGBACK_VIEW_OUT_H
#define RINGBACK_VIEW_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed = empty. data is not terminated until out_end(). */
struct out {
    char *data;
    size_t size;
    size_t room;
};

void out_deinit(struct out *out);
void out_bytes(struct out *out, const void *bytes, size_t size);
void out_text(struct out *out, const char *text);
void out_char(struct out *out, char letter);
void out_int(struct out *out, int64_t value);
void out_format(struct out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A JSON string of these bytes, quoted; what is no UTF-8 becomes U+FFFD. */
void out_json(struct out *out, const char *text, size_t size);
bool out_is_utf8(const char *text, size_t size);
/* The same of a text; "" and NULL are null. */
void out_json_or_null(struct out *out, const char *text);
/* A time as RFC 3339 in quotes; 0 is null. */
void out_json_time(struct out *out, int64_t utc_ms);
/* Milliseconds as seconds: 1.5; below 0: null. */
void out_json_seconds(struct out *out, int64_t ms);

/* One field of CSV, quoted where needed. A text that a spreadsheet would take for a formula gets
 * an apostrophe before it, as those of other people come in here. */
void out_csv(struct out *out, const char *text);

/* Terminated; the data are the caller's to free. */
char *out_end(struct out *out);

#endif
