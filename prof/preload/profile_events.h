/* profile_events.h - the log of a run's events, where it was asked for (--trace): one file, FOLDER/events, that every
 * process of the run maps beside the counters.
 *
 * It is a ring of fixed size: an event takes the next number, and the place of the one PROFILE_EVENTS before it. What
 * stands in an event is whole when its number does; times are nanoseconds since the segment's begin.
 */
#ifndef MSIO_PROFILE_EVENTS_H
#define MSIO_PROFILE_EVENTS_H

#include <stdatomic.h>
#include <stdint.h>

#define PROFILE_EVENTS_MAGIC "msioevnt"
#define PROFILE_EVENTS_VERSION 1u
#define PROFILE_EVENTS_FILE "events"
#define PROFILE_EVENTS (1u << 20)

/* What an event is of. */
enum {
    PROFILE_EVENT_READ = 1,  /* file: its entry in the segment; amount: bytes */
    PROFILE_EVENT_WRITE = 2, /* the same */
    PROFILE_EVENT_ACCESS = 3 /* its entry in the segment; amount: rows, 0: not known; no duration */
};

typedef struct profile_event {
    _Atomic uint64_t number; /* from 1 on */
    uint64_t start, amount;
    uint32_t duration; /* nanoseconds; UINT32_MAX: that or more */
    uint32_t kind, of, thread;
} profile_event;

typedef struct profile_events {
    char magic[8];
    uint32_t version, bytes;
    _Atomic uint64_t taken; /* numbers */
    uint64_t pad[5];
    profile_event event[PROFILE_EVENTS];
} profile_events;

_Static_assert(sizeof(profile_events) <= (40u << 20) + 64, "the log of a run takes at most 40 MiB");

#endif
