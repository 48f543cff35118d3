/* simulate_progress.h - how far the making of a data set has come, told to who asked for it. */
#ifndef MSIO_SIMULATE_PROGRESS_H
#define MSIO_SIMULATE_PROGRESS_H

#include "core/error.h"

typedef struct msio_sim_progress {
    int (*call)(void *user, int64_t done, int64_t total); /* NULL: nobody asked */
    void *user;
    const char *path; /* of the result */
    int64_t done, total;
} msio_sim_progress;

/* So many more bytes are done. user: the progress. MSIO_E_CANCELLED where it is to end. */
static inline msio_status msio_sim_advance(void *user, int64_t bytes) {
    msio_sim_progress *p = user;
    p->done += bytes;
    if (p->call && p->call(p->user, p->done, p->total))
        return msio_error_set(MSIO_E_CANCELLED, p->path, "stopped on request after %lld of %lld bytes",
                              (long long)p->done, (long long)p->total);
    return MSIO_OK;
}

#endif
