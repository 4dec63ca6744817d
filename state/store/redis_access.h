/* Where Redis is and how it lets us in, read from the options once: address or Sentinels, user,
 * database, whether by TLS. Opens no connection. */
#ifndef RINGBACK_STATE_STORE_REDIS_ACCESS_H
#define RINGBACK_STATE_STORE_REDIS_ACCESS_H

#include "base/secret.h"
#include "state/store/store.h"

enum { redis_sentinels_max = 16, redis_path_size = 1001 };

struct redis_address {
    char host[256]; /* or a socket's path */
    int port;       /* 0: host is a path */
};

struct redis_access {
    struct redis_address address;
    char user[128];
    char password[secret_bytes];
    char password_file[redis_path_size]; /* "": the password above, which may be "" */
    char database[16];
    bool tls;
    char tls_ca[redis_path_size];
    char tls_certificate[redis_path_size];
    char tls_key[redis_path_size];
    char tls_name[256];
    struct redis_address sentinels[redis_sentinels_max];
    int sentinel_count;
    char sentinel_master[256];
    char sentinel_user[128];
    char sentinel_password_file[redis_path_size];
};

/* Error: ERR_BAD_OPTION; *key is what is wrong, and the note does not name it. */
MUST_CHECK enum err redis_access_read(const struct store_redis_options *options,
                                      struct redis_access *access, const char **key,
                                      struct err_note *note);

#endif
