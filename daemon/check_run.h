/* A story told to the engine in event time, and what came of it compared with what must come. It
 * does no I/O: the inputs are kept as records, so that `--live` can send the same ones to Kafka. */
#ifndef RINGBACK_DAEMON_CHECK_RUN_H
#define RINGBACK_DAEMON_CHECK_RUN_H

#include "daemon/check_file.h"

/* One record that came out: message is a RoutingEvent, AnalyticsEvent or Result. */
struct check_output {
    int64_t at_ms;
    enum topic topic;
    struct slice value; /* the message as it was written */
    const ProtobufCMessage *message;
    const char *type; /* the field of its oneof: "offer" */
    size_t order;     /* for those who sort outputs */
    bool expected;    /* an expectation is met by it */
};

/* One record that went in. */
struct check_input {
    enum topic topic;
    int64_t at_ms;
    struct slice value;
};

/* What is wrong. */
struct check_fault {
    int64_t at_ms;
    int line;         /* of the file; 0: of none */
    const char *text; /* "expected, did not come: callback dora: offered, agent anna" */
};

struct check_known; /* names and requests; check_run.c's */

struct check_result {
    struct arena arena;
    struct check_output *outputs;
    size_t output_count;
    struct check_input *inputs;
    size_t input_count;
    struct check_fault *faults; /* by time */
    size_t fault_count;
    size_t *decided; /* of each event: how many outputs came before it */
    struct check_known *known;
};

/* Tells the story; no faults: all came as it must. result is initialised here and must be
 * deinitialised. */
void check_run(const struct check_story *story, struct check_result *result);
void check_result_deinit(struct check_result *result);

/* The same comparison with outputs that came another way from the inputs of that run, by time: they
 * and the faults replace the result's. On each topic they must be what the run gave, byte for byte.
 * Those later than the story are left out; messages are borrowed. */
void check_compare(const struct check_story *story, struct check_result *result,
                   const struct check_output *outputs, size_t count);

/* One more thing that is wrong; text lives as long as the result. line 0: of none. */
void check_fault(struct check_result *result, int64_t at_ms, int line, const char *text);

/* Sets what follows from the record's value, with topic and at_ms given: value, message and type,
 * in arena. false: it cannot be read. */
bool check_output_read(struct check_output *output, const struct framing *framing,
                       struct slice value, struct arena *arena);

/* "it is a dead letter, error=...", in arena. */
const char *check_dead_letter(const struct record *record, struct arena *arena);

/* --- for those who print --- */

/* The word for an output, NULL: there is none (answers). */
const struct check_word *check_word_of(const struct check_output *output);
/* Whom it is about: the name of the callback, caller or queue. */
const char *check_about(const struct check_result *result, enum check_subject subject,
                        const struct check_output *output);
/* "callback dora: offered, agent anna, until 09:01:30"; answers: "answer: done"; in arena. */
const char *check_output_text(const struct check_story *story, const struct check_result *result,
                              const struct check_output *output, struct arena *arena);
const char *check_reason_name(int reason);

/* A field of an output that a word means; false: the message around it is not there. */
struct check_field {
    const ProtobufCFieldDescriptor *type;
    const ProtobufCMessage *message;
    const void *at;
};
bool check_field(const struct check_output *output, const struct check_param *param,
                 struct check_field *found);
int64_t check_field_number(const struct check_field *field);
const char *check_field_text(const struct check_field *field);
char **check_field_list(const struct check_field *field, size_t *count);

/* Everything in its order: what happened, what came, what is wrong. */
void check_print_story(const struct check_story *story, const struct check_result *result,
                       FILE *out);

#endif
