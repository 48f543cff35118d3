/* engine.h - the engine: the only code that moves bulk data. */
#ifndef MSIO_IO_ENGINE_H
#define MSIO_IO_ENGINE_H

#include "io/engine/deliver.h"

#include <stdatomic.h>

/* What a thread of the engine keeps from one unit of work to the next. */
typedef struct msio_engine_thread {
    uint8_t *scratch; /* taken on first need; grows only for chunks that must be decoded whole */
    int64_t scratch_bytes;
    msio_deliver deliver;
} msio_engine_thread;

/* One read call's engine; lives on the caller's stack between _start and _finish. */
typedef struct msio_engine {
    int threads;
    msio_way force;
    int (*progress)(void *user, int64_t done, int64_t total);
    void *user;
    int64_t total;    /* bytes that the whole call delivers */
    bool counts_only; /* plans: schedule, but read nothing */
    bool once;        /* mapped pages are let go behind the read */
    msio_schedule schedule;
    int64_t works; /* reads and mapped stretches, all batches */
    atomic_llong done, bytes_read, system_reads;
    msio_engine_thread *thread; /* [threads] */
    int64_t pieces;
} msio_engine;

/* opts may be NULL. */
msio_status msio_engine_start(msio_engine *engine, const msio_read_opts *opts, int64_t total, bool counts_only);
void msio_engine_finish(msio_engine *engine);

/* The sink's flush: user is the msio_engine. Reads every piece of the batch into its target.
 * Errors: MSIO_E_IO, MSIO_E_FORMAT (a file ended early), MSIO_E_CANCELLED, MSIO_E_MEMORY. */
msio_status msio_engine_run(void *user, msio_piece_batch *batch);

/* The way that delivered most bytes. */
msio_way msio_engine_way(const msio_engine *engine);

#endif
