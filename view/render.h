/* Callbacks as JSON and CSV. */
#ifndef RINGBACK_VIEW_RENDER_H
#define RINGBACK_VIEW_RENDER_H

#include "view/auth.h"
#include "view/follower.h"
#include "view/out.h"

/* The object of the API; allowed is by the viewer's permissions, at now_ms. */
void render_callback(struct out *out, const struct view_model *model, uint32_t handle,
                     const struct viewer *viewer, int64_t now_ms);
/* What the viewer may do with it now; bits 1 << machine_edit. */
unsigned render_allowed(const struct view_model *model, uint32_t handle,
                        const struct viewer *viewer, int64_t now_ms);

/* The names of its columns, and its row, each ended by a line feed. part: "recent" or "older". */
void render_csv_header(struct out *out);
void render_csv(struct out *out, const struct view_model *model, uint32_t handle,
                const struct viewer *viewer, const char *part);

/* "data": how old that is. */
void render_data(struct out *out, const struct follower_status *status);

/* "with_agent", "in_queue"; back: 0: there is none. */
const char *render_state_name(int state);
const char *render_kind_name(int kind);
int render_state_find(const char *name);
int render_kind_find(const char *name);
/* "2026-11-30T09:00"; in text. */
const char *render_local_time(int64_t local_ms, char text[24]);

#endif
