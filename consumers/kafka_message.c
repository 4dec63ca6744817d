#include "consumers/kafka_message.h"

#include "base/memory.h"

static void read_headers(const rd_kafka_message_t *message, struct record *record)
{
    rd_kafka_headers_t *found = NULL;
    struct header *headers;
    size_t count;

    if (rd_kafka_message_headers(message, &found) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    count = rd_kafka_header_cnt(found);
    if (count == 0)
        return;
    headers = memory_alloc(count * sizeof(*headers), "headers");
    for (size_t i = 0; i < count; i++) {
        const void *value = NULL;
        size_t size = 0;

        (void)rd_kafka_header_get_all(found, i, &headers[i].name, &value, &size);
        headers[i].value = slice_make(value, size);
    }
    record->headers = headers;
    record->header_count = count;
}

void kafka_message_record(const rd_kafka_message_t *message, enum topic topic,
                          struct record *record)
{
    rd_kafka_timestamp_type_t type;

    *record = (struct record){
        .topic = topic,
        .partition = message->partition,
        .offset = message->offset,
        .timestamp_ms = rd_kafka_message_timestamp(message, &type),
        .key = slice_make(message->key, message->key_len),
        .value = slice_make(message->payload, message->len),
    };
    read_headers(message, record);
}
