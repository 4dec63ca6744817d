#include "producers/encode.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { output_headers_max = 8, dead_letter_headers = 7 };

static const char type_prefix[] = "ringback.";
static const char source[] = "/ringback";
static const char protobuf_type[] = "application/protobuf";
/* What is framed is protobuf only to one who takes the frame off. */
static const char framed_type[] = "application/octet-stream";

static char *two_digits(char *at, unsigned value)
{
    at[0] = (char)('0' + value / 10 % 10);
    at[1] = (char)('0' + value % 10);
    return at + 2;
}

/* Civil date of days since 1970-01-01; years are counted from March 1 of year 0 so that the leap
 * day is the last of its year. */
static void date_of(int64_t days, unsigned *year, unsigned *month, unsigned *day)
{
    int64_t shifted = days + 719468;
    int64_t era = shifted / 146097;
    unsigned of_era = (unsigned)(shifted - era * 146097);
    unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned from_march = (5 * of_year + 2) / 153;

    *day = of_year - (153 * from_march + 2) / 5 + 1;
    *month = from_march < 10 ? from_march + 3 : from_march - 9;
    *year = year_of_era + (unsigned)era * 400 + (*month <= 2);
}

size_t encode_time(int64_t time_ms, char text[encode_time_bytes])
{
    const int64_t day_ms = 86400000, last_ms = 253402300799999;
    int64_t at_ms = time_ms < 0 ? 0 : time_ms > last_ms ? last_ms : time_ms;
    unsigned of_day = (unsigned)(at_ms % day_ms), year, month, day;
    char *at = text;

    date_of(at_ms / day_ms, &year, &month, &day);
    at = two_digits(at, year / 100);
    at = two_digits(at, year % 100);
    *at++ = '-';
    at = two_digits(at, month);
    *at++ = '-';
    at = two_digits(at, day);
    *at++ = 'T';
    at = two_digits(at, of_day / 3600000);
    *at++ = ':';
    at = two_digits(at, of_day / 60000 % 60);
    *at++ = ':';
    at = two_digits(at, of_day / 1000 % 60);
    *at++ = '.';
    *at++ = (char)('0' + of_day / 100 % 10);
    at = two_digits(at, of_day % 100);
    *at++ = 'Z';
    *at = '\0';
    return (size_t)(at - text);
}

struct slice encode_message(const ProtobufCMessage *message, struct arena *arena)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *data = arena_alloc(arena, size);
    size_t packed = protobuf_c_message_pack(message, data);

    assert(packed == size);
    return slice_make(data, size);
}

/* Copies behind *at and moves it on. */
static struct slice put(uint8_t **at, const void *data, size_t size)
{
    struct slice copy = {*at, size};

    if (size > 0)
        memcpy(*at, data, size);
    *at += size;
    return copy;
}

/* One piece of memory holds headers, key, value and texts: one allocation an output. */
void encode_output(struct encoder *encoder, const struct framing *framing,
                   const struct encode_output *output, struct arena *arena, struct record *record)
{
    size_t frame_bytes = framing_size(framing, output->topic);
    size_t value_bytes = frame_bytes + protobuf_c_message_get_packed_size(output->message);
    size_t id_bytes = strlen(output->id), type_bytes = strlen(output->type);
    size_t headers_bytes = output_headers_max * sizeof(struct header);
    struct header *headers;
    uint8_t *at;

    if (encoder->time_size == 0 || encoder->time_ms != output->now_ms) {
        encoder->time_ms = output->now_ms;
        encoder->time_size = encode_time(output->now_ms, encoder->time);
    }
    headers = arena_alloc(arena, headers_bytes + output->domain.size + value_bytes + id_bytes +
                                     sizeof(type_prefix) + type_bytes + encoder->time_size +
                                     output->traceparent.size);
    at = (uint8_t *)headers + headers_bytes;
    *record = (struct record){.topic = output->topic, .offset = -1};
    record->timestamp_ms = output->now_ms;
    record->headers = headers;
    record->key = put(&at, output->domain.data, output->domain.size);
    record->value = slice_make(at, value_bytes);
    framing_put(framing, output->topic, at);
    at += frame_bytes;
    at += protobuf_c_message_pack(output->message, at);
    assert(at == record->value.data + value_bytes);
    headers[0] = (struct header){"ce_specversion", slice_text("1.0")};
    headers[1] = (struct header){"ce_id", put(&at, output->id, id_bytes)};
    headers[2].name = "ce_type";
    headers[2].value = put(&at, type_prefix, sizeof(type_prefix) - 1);
    put(&at, output->type, type_bytes);
    headers[2].value.size += type_bytes;
    headers[3] = (struct header){"ce_time", put(&at, encoder->time, encoder->time_size)};
    headers[4] = (struct header){"ce_source", slice_make(source, sizeof(source) - 1)};
    headers[5] = (struct header){"ce_partitionkey", record->key};
    headers[6].name = "content-type";
    headers[6].value = frame_bytes > 0 ? slice_text(framed_type) : slice_text(protobuf_type);
    record->header_count = 7;
    if (output->traceparent.size > 0)
        headers[record->header_count++] = (struct header){
            "traceparent", put(&at, output->traceparent.data, output->traceparent.size)};
}

const char *encode_reason_name(Ringback__V1__UndecidedReason reason)
{
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(
        &ringback__v1__undecided_reason__descriptor, (int)reason);

    assert(value != NULL);
    return value->name + strlen("UNDECIDED_REASON_");
}

static struct header header_format(const char *name, const char *text, struct arena *arena)
{
    return (struct header){name, arena_slice(arena, slice_text(text))};
}

static struct slice copy_or_null(struct slice slice, struct arena *arena)
{
    return slice.data == NULL ? slice : arena_slice(arena, slice);
}

static size_t copy_headers(const struct record *input, struct header *headers, struct arena *arena)
{
    for (size_t i = 0; i < input->header_count; i++) {
        headers[i].name = arena_text(arena, slice_text(input->headers[i].name));
        headers[i].value = copy_or_null(input->headers[i].value, arena);
    }
    return input->header_count;
}

void encode_dead_letter(const struct record *input, const char *topic_name, const char *reason,
                        const char *message, size_t bytes_max, int64_t now_ms, struct arena *arena,
                        struct record *record)
{
    struct slice key = input->key, value = input->value;
    struct header *headers =
        arena_alloc(arena, (input->header_count + dead_letter_headers) * sizeof(*headers));
    size_t count = 0, header_bytes = 0, room;

    for (size_t i = 0; i < input->header_count; i++)
        header_bytes += strlen(input->headers[i].name) + input->headers[i].value.size;
    if (key.size > bytes_max)
        key.size = bytes_max;
    room = bytes_max - key.size;
    if (header_bytes <= room) {
        count = copy_headers(input, headers, arena);
        room -= header_bytes;
    }
    if (value.size > room)
        value.size = room;
    headers[count++] = header_format("__connect.errors.topic", topic_name, arena);
    headers[count++] = header_format("__connect.errors.partition",
                                     arena_format(arena, "%" PRId32, input->partition), arena);
    headers[count++] = header_format("__connect.errors.offset",
                                     arena_format(arena, "%" PRId64, input->offset), arena);
    headers[count++] = header_format("__connect.errors.stage", "VALUE_CONVERTER", arena);
    headers[count++] = header_format("__connect.errors.exception.class.name", reason, arena);
    headers[count++] = header_format("__connect.errors.exception.message", message, arena);
    if (value.size < input->value.size)
        headers[count++] = header_format("__connect.errors.value.bytes",
                                         arena_format(arena, "%zu", input->value.size), arena);
    *record = (struct record){.topic = (enum topic)(TOPIC_DLQ_FIRST + (int)input->topic),
                              .offset = -1,
                              .timestamp_ms = now_ms,
                              .key = copy_or_null(key, arena),
                              .value = copy_or_null(value, arena),
                              .headers = headers,
                              .header_count = count};
}
