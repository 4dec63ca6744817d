/* Effects, dead letters and protobuf messages to records. All memory is of the arena given. */
#ifndef RINGBACK_PRODUCERS_ENCODE_H
#define RINGBACK_PRODUCERS_ENCODE_H

#include "base/arena.h"
#include "base/framing.h"
#include "base/record.h"

#include "ringback/v1/journal.pb-c.h"

enum { encode_time_bytes = 32 };

/* Remembers the last ce_time: many outputs have the same. Zeroed at first. */
struct encoder {
    int64_t time_ms;
    char time[encode_time_bytes];
    size_t time_size;
};

/* What an output record is made of; all borrowed. */
struct encode_output {
    enum topic topic;
    struct slice domain;
    const char *id;
    const char *type; /* "routing.offer" */
    const ProtobufCMessage *message;
    struct slice traceparent; /* may be empty */
    int64_t now_ms;
};

/* Key, value, timestamp, and the headers ce_specversion, ce_id, ce_type, ce_time, ce_source,
 * ce_partitionkey (the key), content-type and traceparent: CloudEvents' Kafka protocol binding,
 * binary mode. partition and offset are left to the caller. framing: NULL is none. */
void encode_output(struct encoder *encoder, const struct framing *framing,
                   const struct encode_output *output, struct arena *arena, struct record *record);

/* The message's bytes; never NULL. */
struct slice encode_message(const ProtobufCMessage *message, struct arena *arena);

/* A dead letter: the input's key, value and headers untouched, and behind them
 * __connect.errors.topic, .partition, .offset, .stage, .exception.class.name (the reason) and
 * .exception.message. When key, value and the input's headers have more than bytes_max bytes, the
 * value is cut and __connect.errors.value.bytes has its size; does that not do, the input's headers
 * go, and then the key is cut. input is borrowed, nothing of the result points to it. */
void encode_dead_letter(const struct record *input, const char *topic_name, const char *reason,
                        const char *message, size_t bytes_max, int64_t now_ms, struct arena *arena,
                        struct record *record);

/* "UNDECODABLE", a literal. */
const char *encode_reason_name(Ringback__V1__UndecidedReason reason);

/* RFC 3339, "2026-01-31T08:15:00.250Z"; years beyond 9999 are written as 9999-12-31. Returns the
 * size. */
size_t encode_time(int64_t time_ms, char text[encode_time_bytes]);

#endif
