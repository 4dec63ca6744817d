/* Errors: one list gives every error its enum, name, text and duty.
 *
 * The caller owns a struct err_note; FAIL writes into it what was tried, on what, why it failed
 * and what to do, with the file and line that saw it. Nothing here allocates.
 */
#ifndef RINGBACK_BASE_ERR_H
#define RINGBACK_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>

#define MUST_CHECK __attribute__((warn_unused_result))

/* The loop acts on the duty alone: NONE go on; PARK dead-letter the record, go on; RETRY pause,
 * back off, try again; TAKE_OVER drop the producer and take the partition over anew; EXIT stop
 * cleanly and let the supervisor restart. */
#define ERR_DUTY_MAP(X) X(NONE) X(PARK) X(RETRY) X(TAKE_OVER) X(EXIT)

#define ERR_MAP(X)                                                                                 \
    X(OK, NONE, "success")                                                                         \
    X(END, NONE, "nothing more to read")                                                           \
    X(BAD_EVENT, PARK, "event cannot be decoded or breaks a limit")                                \
    X(BAD_FILE, EXIT, "file is damaged, cut short or of another format")                           \
    X(BAD_OPTION, EXIT, "an option is unknown or its value is wrong")                              \
    X(BAD_SETTINGS, EXIT, "the settings file is wrong")                                            \
    X(BAD_STATE, EXIT, "saved state cannot be read")                                               \
    X(IO, EXIT, "a file or socket cannot be read or written")                                      \
    X(NO_MEMORY, EXIT, "out of memory")                                                            \
    X(USAGE, EXIT, "the command line is wrong")                                                    \
    X(TOO_MANY, EXIT, "more is asked for than is given at once")                                   \
    X(REFUSED, EXIT, "what was asked for was refused, all of it or some")                          \
    X(DIFFERENT, EXIT, "the two inputs differ")                                                    \
    X(STORE_DOWN, RETRY, "the store cannot be reached")                                            \
    X(STORE_MOVED, RETRY, "the store holds another batch than expected")                           \
    X(STORE_AHEAD, EXIT, "the store is ahead of the log: committed batches are missing")           \
    X(BUS_DOWN, RETRY, "the broker cannot be reached")                                             \
    X(BUS_REFUSED, EXIT, "topics or settings of the broker cannot be used")                        \
    X(TXN_UNKNOWN, TAKE_OVER, "the outcome of a transaction is unknown")                           \
    X(UNCOMMITTABLE, TAKE_OVER, "the broker refuses an output of one record")                      \
    X(FENCED, TAKE_OVER, "another process took the partition over")                                \
    X(PRODUCER_FATAL, TAKE_OVER, "producer can no longer keep its guarantees")                     \
    X(INPUT_LOST, EXIT, "an input's next record is gone, or the log is another one")               \
    X(STATE_TORN, EXIT, "count or digest of the state topic do not match")                         \
    X(CANCELLED, NONE, "stopped on request")

#define ERR_ENUM_(name, duty, text) ERR_##name,
enum err { ERR_MAP(ERR_ENUM_) ERR_COUNT };
#undef ERR_ENUM_

#define ERR_DUTY_ENUM_(name) ERR_DUTY_##name,
enum err_duty { ERR_DUTY_MAP(ERR_DUTY_ENUM_) };
#undef ERR_DUTY_ENUM_

/* text is always terminated; longer messages are cut. file is a string literal. */
struct err_note {
    enum err err;
    int line;
    const char *file;
    char text[1000];
};

/* Names are literals: "STORE_DOWN". */
const char *err_name(enum err err);
const char *err_text(enum err err);
enum err_duty err_duty(enum err err);

/* Fill note (NULL is allowed) and return err. */
enum err err_fail(struct err_note *note, enum err err, const char *file, int line,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Put words before what the note already says: "topics.yaml: " + text. Returns note's err. */
enum err err_prefix(struct err_note *note, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define FAIL(note, err, ...) err_fail((note), (err), __FILE__, __LINE__, __VA_ARGS__)

/* Pass an error on unchanged. */
#define TRY(expression)                                                                            \
    do {                                                                                           \
        enum err try_err_ = (expression);                                                          \
        if (try_err_ != ERR_OK)                                                                    \
            return try_err_;                                                                       \
    } while (0)

#endif
