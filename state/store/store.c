#include "state/store/store.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>

#include "base/clock.h"

/* How long a wait goes on before it looks at *cancelled* again. */
enum { wait_slice_ms = 100 };

enum err store_wait(struct store *store, struct store_call *call, int64_t timeout_ms,
                    bool (*cancelled)(void *context), void *context, struct err_note *note)
{
    int64_t end_ms = clock_monotonic_ms() + timeout_ms;
    const char *fault;

    for (;;) { /* connect first: a call that is started before fails at once */
        store_run(store, clock_monotonic_ms());
        if (store_fault(store) == NULL || store_refused(store) || clock_monotonic_ms() >= end_ms)
            break;
        if (cancelled != NULL && cancelled(context))
            return ERR_CANCELLED;

        struct pollfd poller = {.events = 0};

        poller.fd = store_fd(store, &poller.events);
        (void)poll(&poller, 1, 10);
    }
    fault = store_fault(store);
    if (fault != NULL)
        return FAIL(note, ERR_STORE_DOWN, "%s", fault);
    store_start(store, call);
    for (;;) {
        struct store_call *ended;

        store_run(store, clock_monotonic_ms());
        ended = store_done(store);
        if (ended != NULL) {
            assert(ended == call);
            break;
        }

        struct pollfd poller = {.events = 0};

        poller.fd = store_fd(store, &poller.events);
        (void)poll(&poller, 1, wait_slice_ms); /* ends by the store's own time-out at the latest */
    }
    if (call->err == ERR_STORE_DOWN) {
        fault = store_fault(store);
        return FAIL(note, ERR_STORE_DOWN, "%s", fault == NULL ? "a call failed" : fault);
    }
    return call->err;
}

bool store_pointer_equal(const struct store_pointer *a, const struct store_pointer *b)
{
    if (a->present != b->present)
        return false;
    if (!a->present)
        return true;
    return a->number == b->number && memcmp(a->fill, b->fill, store_id_bytes) == 0 &&
           memcmp(a->incarnation, b->incarnation, store_id_bytes) == 0 &&
           memcmp(a->writer, b->writer, store_id_bytes) == 0;
}

const char *store_id_text(const uint8_t id[store_id_bytes], char text[store_id_text_size])
{
    for (int i = 0; i < store_id_bytes; i++)
        snprintf(text + 2 * i, 3, "%02x", id[i]);
    return text;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool store_id_parse(const char *text, size_t size, uint8_t id[store_id_bytes])
{
    if (size != 2 * store_id_bytes)
        return false;
    for (int i = 0; i < store_id_bytes; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        id[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
