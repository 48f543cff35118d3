/* call.h - calls by the library's users, and what it holds of their tables: told where the process runs under
 * `msio profile`, else nothing.
 *
 * Only the outermost call of a thread is told of: what msio asks of itself is part of it.
 */
#ifndef MSIO_PROF_CALL_H
#define MSIO_PROF_CALL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct prof_call {
    bool entered; /* false: nobody listens */
    void *counted;
    uint64_t start; /* nanoseconds */
    int64_t bytes, rows;
} prof_call;

/* 1: somebody listens. Set once, as the library is loaded. */
extern atomic_int msio_calls_told;

static inline bool prof_calls_told(void) {
    return __builtin_expect(atomic_load_explicit(&msio_calls_told, memory_order_relaxed), 0);
}

/* column: of n columns the first. */
void msio_call_enter(prof_call *call, const char *function, const char *path, const char *column, int n,
                     const void *from);
void msio_call_leave(prof_call *call);
void msio_call_add(int64_t bytes, int64_t rows);
/* Whatever this thread calls from now on is part of something else, until the same is said with -1. */
void msio_call_within(int more);

static inline void prof_call_end(prof_call *call) {
    if (__builtin_expect(call->entered, 0)) msio_call_leave(call);
}
static inline void prof_within_end(bool *entered) {
    if (__builtin_expect(*entered, 0)) msio_call_within(-1);
}

/* Tells of a public function, from here to its end: the table's or file's path and the column's name, where there are
 * such, and how many columns. They are evaluated only where somebody listens. */
#define PROF_CALL_OF(path, column, n)                                                                                  \
    __attribute__((cleanup(prof_call_end))) prof_call prof_this_call;                                                  \
    prof_this_call.entered = false;                                                                                    \
    if (prof_calls_told())                                                                                             \
    msio_call_enter(&prof_this_call, __func__, (path), (column), (n), __builtin_return_address(0))
#define PROF_CALL(path) PROF_CALL_OF(path, NULL, 0)

/* What follows in this block, in a thread of the library's own, is part of a call that is told of elsewhere. */
#define PROF_WITHIN                                                                                                    \
    __attribute__((cleanup(prof_within_end))) bool prof_is_within = prof_calls_told();                                 \
    if (prof_is_within) msio_call_within(1)

/* What the outermost call delivered or stored, when it is known. */
static inline void prof_call_did(int64_t bytes, int64_t rows) {
    if (prof_calls_told()) msio_call_add(bytes, rows);
}

/* What something holds, as it was told last. Zero bytes hold nothing. */
typedef struct prof_holding {
    int64_t bytes;
    unsigned forks; /* msio_forks() then: a child of fork tells of what it takes itself */
} prof_holding;

void msio_holding_change(prof_holding *holding, const char *path, const char *kind, int64_t bytes);

/* It holds so many bytes of the path now, of a kind: a word or two, static. Changes of one holding come one after the
 * other. */
static inline void prof_hold(prof_holding *holding, const char *path, const char *kind, int64_t bytes) {
    if (prof_calls_told()) msio_holding_change(holding, path, kind, bytes);
}

/* As the library is loaded with MSIO_PROF=profile:FOLDER: looks whether somebody listens. */
void msio_calls_begin(void);

#endif
