/* The store: a copy of one partition's entities that a restart begins from and the view reads.
 *
 * Kafka tells the truth; whatever is here can be thrown away. Entities lie under a random *fill*
 * id; one pointer names the fill that counts and the batch that it stands at. APPLY compares the
 * pointer and swaps it in one step, so a restart from an old copy, a lost second or a writer of
 * yesterday is seen and mended, never sealed over.
 *
 * Calls are started, run while store_run() is called, and end in the order of their start; none
 * blocks. One thread's. It refuses to retry a call (the caller knows what may be repeated) and to
 * decide what is newer (the pointer's holder does, daemon/follow.h).
 */
#ifndef RINGBACK_STATE_STORE_STORE_H
#define RINGBACK_STATE_STORE_STORE_H

#include "base/err.h"
#include "base/slice.h"

enum { store_id_bytes = 16, store_id_text_size = 33 };

/* Which batch the entities of a fill stand at. Ids are random. */
struct store_pointer {
    bool present; /* false: there is no pointer, the rest is zero */
    uint8_t fill[store_id_bytes];
    uint8_t incarnation[store_id_bytes];
    uint8_t writer[store_id_bytes];
    uint64_t number;
    int64_t state_offset; /* everything on `state` below it is in the fill */
    int64_t clock_ms;     /* the batch's clock, UTC */
};

/* key is kind|domain|id; value.data NULL: removed. */
struct store_entity {
    struct slice key;
    struct slice value;
};

enum store_call_kind {
    STORE_CALL_POINTER, /* read the pointer */
    STORE_CALL_APPLY,   /* where the pointer holds `from`: write entities into to.fill, then `to` */
    STORE_CALL_FILL,  /* write entities into `fill`, unless the pointer names it; MOVED: as APPLY */
    STORE_CALL_SCAN,  /* the next some entities of `fill`; one may come twice */
    STORE_CALL_COUNT, /* how many entities the pointed fill has */
    STORE_CALL_DROP,  /* remove all fills but the pointed one and `fill` */
    STORE_CALL_CLEAR, /* remove everything of the partition; for those who tidy up behind a test */
    STORE_CALL_POLICY, /* how the server throws keys away when it is full */
};

/* The caller's memory, lent from store_start() until the call comes out of store_done(). */
struct store_call {
    enum store_call_kind kind;
    uint8_t fill[store_id_bytes];
    struct store_pointer from;
    struct store_pointer to;
    /* FILL, APPLY: how far a fill is that is written in several calls, so that a copy of the server
     * from in between is seen (the pointer is the same in it). A call that marks leaves the random
     * `mark` at the fill; one that is marked writes only where it finds `after`. */
    bool marked;
    uint8_t after[store_id_bytes];
    bool marks;
    uint8_t mark[store_id_bytes];
    const struct store_entity *entities; /* APPLY, FILL: in order; read by store_start() alone */
    size_t entity_count;
    void (*on_entity)(void *context, struct slice key, struct slice value); /* SCAN: borrowed */
    void *context;
    int scan_kind; /* SCAN: zeroed for the first, then left alone: start again while `more` */
    uint64_t scan_at;

    enum err err; /* OK; STORE_DOWN: may or may not be written; STORE_MOVED: nothing was written */
    struct store_pointer pointer; /* what it held: POINTER, COUNT; APPLY, FILL when MOVED */
    uint64_t count;               /* COUNT */
    bool more;                    /* SCAN */
    char policy[32];              /* POLICY: "noeviction"; "" if the server does not say */
    struct store_call *next;      /* the store's */
};

struct store;

struct store_ops {
    void (*destroy)(struct store *store);
    void (*start)(struct store *store, struct store_call *call);
    void (*run)(struct store *store, int64_t monotonic_ms);
    struct store_call *(*done)(struct store *store);
    int (*fd)(const struct store *store, short *events);
    int64_t (*wake_ms)(const struct store *store);
    const char *(*fault)(const struct store *store);
    bool (*refused)(const struct store *store); /* NULL: it never does that */
    void (*reset)(struct store *store);
};

/* The head of every store. */
struct store {
    const struct store_ops *ops;
};

static inline void store_destroy(struct store *store)
{
    if (store != NULL)
        store->ops->destroy(store);
}

/* While the server is not reached a call ends at once with STORE_DOWN. */
static inline void store_start(struct store *store, struct store_call *call)
{
    store->ops->start(store, call);
}

/* Connect, write, read, as far as it goes without waiting. */
static inline void store_run(struct store *store, int64_t monotonic_ms)
{
    store->ops->run(store, monotonic_ms);
}

/* The next call that ended, or NULL. */
static inline struct store_call *store_done(struct store *store)
{
    return store->ops->done(store);
}

/* What to poll for (POLLIN, POLLOUT); -1: nothing. */
static inline int store_fd(const struct store *store, short *events)
{
    return store->ops->fd(store, events);
}

/* When store_run() has something to do even if the descriptor is silent (reconnect, time-out), in
 * monotonic ms; INT64_MAX: never. */
static inline int64_t store_wake_ms(const struct store *store)
{
    return store->ops->wake_ms(store);
}

/* NULL when the server is reached, else what is wrong, in words. */
static inline const char *store_fault(const struct store *store)
{
    return store->ops->fault(store);
}

/* The server is there and does not let us in: trying again is of no use until somebody changes a
 * password, a certificate or an option. */
static inline bool store_refused(const struct store *store)
{
    return store->ops->refused != NULL && store->ops->refused(store);
}

/* Drop the connection and forget every call: they are the caller's again. Connects anew at once. */
static inline void store_reset(struct store *store)
{
    store->ops->reset(store);
}

/* Run one call to its end, waiting for the server up to timeout_ms and up to *cancel, but not for
 * one that refuses us. Nothing else may be under way. Errors: the call's; ERR_STORE_DOWN when the
 * time is over (the call is the caller's again: the connection was dropped); ERR_CANCELLED. */
MUST_CHECK enum err store_wait(struct store *store, struct store_call *call, int64_t timeout_ms,
                               bool (*cancelled)(void *context), void *context,
                               struct err_note *note);

bool store_pointer_equal(const struct store_pointer *a, const struct store_pointer *b);

/* 32 hexadecimal digits. Return text. */
const char *store_id_text(const uint8_t id[store_id_bytes], char text[store_id_text_size]);

/* false if text is not 32 hexadecimal digits. */
bool store_id_parse(const char *text, size_t size, uint8_t id[store_id_bytes]);

/* Texts may be NULL or "" where something need not be given. Keys are those of the options. */
struct store_redis_options {
    const char *url; /* redis[s]://[[user]:password@]host[:port][/database], unix://PATH */
    const char *password_file; /* in place of the password in url */
    const char *tls_ca;        /* rediss://: PEM files */
    const char *tls_certificate;
    const char *tls_key;
    const char *tls_name;        /* of the server's certificate; none: its host */
    const char *sentinels;       /* host:port,...: they are asked who the master is */
    const char *sentinel_master; /* its name */
    const char *sentinel_user;
    const char *sentinel_password_file;
    const char *cluster_id; /* of Kafka */
    const char *group;
    int32_t partition;
    int64_t timeout_ms;     /* no answer that long: the connection is dropped */
    int64_t backoff_ms_max; /* longest pause between two attempts to connect */
};

/* Is it all good? files: open them too. Error: ERR_BAD_OPTION; *key is the option that is wrong,
 * and the note does not name it. No note holds a password. */
MUST_CHECK enum err store_redis_check(const struct store_redis_options *options, bool files,
                                      const char **key, struct err_note *note);

/* Everything is copied. Connects later, by store_run(); passwords and certificates are read from
 * their files then, at each connect. Error: ERR_BAD_OPTION (as store_redis_check() without files,
 * the note begins with the key). */
MUST_CHECK enum err store_redis_create(const struct store_redis_options *options,
                                       struct store **store, struct err_note *note);

/* In memory, for tests: fails call number fail_at (from 1; 0: none) with STORE_DOWN, after having
 * done it if fail_after is set. Contents outlive it in *world, which the test zeroes and frees. */
struct store_world;
struct store_world *store_world_create(void);
void store_world_destroy(struct store_world *world);
/* As it is now; restoring an older copy is what a server does that was brought back from a dump. */
struct store_world *store_world_copy(const struct store_world *world);
/* The value under the pointed fill, or a slice without data. Borrowed until the next change. */
struct slice store_world_get(const struct store_world *world, struct slice key);
size_t store_world_count(const struct store_world *world);
size_t store_world_fills(const struct store_world *world);
bool store_world_pointer(const struct store_world *world, struct store_pointer *pointer);
/* Remove behind everybody's back. */
void store_world_lose(struct store_world *world, struct slice key);
void store_world_clear(struct store_world *world);

struct store *store_memory_create(struct store_world *world);
void store_memory_fail(struct store *store, int fail_at, bool fail_after);
int store_memory_calls(const struct store *store);

#endif
