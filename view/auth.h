/* Who asks the view, and what he may (rule 9.3): JSON Web Tokens, RS256 or ES256 by the keys of a
 * JWKS file, HS256 by a secret file for development. A key is used with its own algorithm alone,
 * whatever a token's header says. */
#ifndef RINGBACK_VIEW_AUTH_H
#define RINGBACK_VIEW_AUTH_H

#include "base/err.h"
#include "view/query.h"

#define VIEW_PERMISSION_MAP(X)                                                                     \
    X(CONVERSATIONS, "analytics:conversationDetail:view")                                          \
    X(QUEUES, "routing:queue:view")                                                                \
    X(PAGE, "ui:supervisorScheduledCallbacks:view")                                                \
    X(CAMPAIGNS, "outbound:campaign:view")                                                         \
    X(CANCEL, "conversation:communication:disconnect")                                             \
    X(EDIT, "conversation:callback:edit")

#define VIEW_PERMISSION_ENUM_(name, text) VIEW_PERMISSION_##name,
enum view_permission { VIEW_PERMISSION_MAP(VIEW_PERMISSION_ENUM_) VIEW_PERMISSION_COUNT };
#undef VIEW_PERMISSION_ENUM_

const char *view_permission_name(enum view_permission permission);

struct viewer {
    const char *user; /* the token's sub */
    const char *name; /* "" if the token has none */
    struct view_sight sight;
    unsigned permissions; /* bits 1 << view_permission */
    int64_t expires_ms;   /* 0: never */
    bool development;
    struct arena arena; /* of all its texts */
};

static inline bool viewer_may(const struct viewer *viewer, enum view_permission permission)
{
    return (viewer->permissions >> permission & 1) != 0;
}

/* May see at all: the first three. */
bool viewer_sees(const struct viewer *viewer);

struct auth_options {
    const char *jwks;         /* path; "": none */
    const char *hs256_secret; /* path; "": none */
    const char *issuer;       /* "": not asked */
    const char *audience;
    bool development; /* everybody may everything */
};

struct auth; /* opaque */

/* Texts are borrowed for its life. Errors: ERR_BAD_OPTION (no key at all; a file that is no
 * JWKS), ERR_IO. */
MUST_CHECK enum err auth_create(const struct auth_options *options, struct auth **auth,
                                struct err_note *note);
void auth_destroy(struct auth *auth); /* NULL is fine */

enum auth_answer { AUTH_OK, AUTH_NO_TOKEN, AUTH_BAD_TOKEN };

enum { auth_why_bytes = 200, auth_token_bytes_max = 8192 };

/* header: of Authorization, NULL: there is none. With AUTH_OK the viewer is filled, and is to be
 * deinitialised; else why says in words what is wrong, without anything of the token. A JWKS file
 * that changed is read again. Any thread. */
enum auth_answer auth_check(struct auth *auth, const char *header, int64_t now_ms,
                            struct viewer *viewer, char why[auth_why_bytes]);
/* One who may everything; user is borrowed. */
void viewer_init_all(struct viewer *viewer, const char *user);
void viewer_deinit(struct viewer *viewer);

#endif
