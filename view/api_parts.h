/* What the files of the API share. */
#ifndef RINGBACK_VIEW_API_PARTS_H
#define RINGBACK_VIEW_API_PARTS_H

#include "view/api.h"

/* One request on its way through an operation. */
struct api_call {
    struct api *api;
    const struct api_request *request;
    struct api_answer *answer;
    struct viewer viewer;
    int64_t now_ms;
    const char *domain; /* of the path: not terminated */
    size_t domain_size;
    uint8_t callback[16];
    const char *rest; /* what is behind the operation's path */
};

/* "data":{...} */
void api_data(struct api_call *call);
/* 400 if there are any; they are freed. */
bool api_faulty(struct api_call *call, struct params_faults *faults);
void api_faults(struct api_answer *answer, struct params_faults *faults);
/* False: the answer says why. */
bool api_read_list(struct api_call *call, unsigned more, struct params_list *list);
/* The callback of the path if the viewer may see it; else 0. */
uint32_t api_find(const struct api_call *call, const struct view_model *model);
void api_unknown(struct api_call *call);

void api_timeline(struct api_call *call);
void api_export(struct api_call *call);

#endif
