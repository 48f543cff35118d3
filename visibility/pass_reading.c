/* pass_reading.c - passes that write nothing: blocks are read by the threads that work on them. */
#include "core/checked.h"
#include "core/pool.h"
#include "core/threads.h"
#include "visibility/pass_blocks.h"

#include <pthread.h>
#include <string.h>

/* What the threads share. */
typedef struct reading {
    msio_passing *pass;
    msio_pass_inputs inputs;
    int64_t blocks, ahead; /* in all; so many are asked for together */
    _Atomic int64_t next, rows_done;
    /* A lane's blocks come in order: how many are done. */
    int64_t done[MSIO_PASS_LANES];
    pthread_mutex_t mutex;
    pthread_cond_t changed;
} reading;

/* ---------------------------------------------------------------- turns */

/* The lane's block may begin when those before it are done. It never waits for itself: the block of the least number
 * that is under way waits for none. */
static void await_turn(reading *r, int64_t number) {
    const int lane = (int)(number % MSIO_PASS_LANES);
    pthread_mutex_lock(&r->mutex);
    while (r->done[lane] < number / MSIO_PASS_LANES) pthread_cond_wait(&r->changed, &r->mutex);
    pthread_mutex_unlock(&r->mutex);
}

static void end_turn(reading *r, int64_t number) {
    pthread_mutex_lock(&r->mutex);
    r->done[number % MSIO_PASS_LANES]++;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->mutex);
}

/* ---------------------------------------------------------------- blocks */

/* Blocks [first, first + ahead) are wanted soon. */
static void ask_ahead(reading *r, int64_t first) {
    int64_t from, to, end;
    if (first >= r->blocks) return;
    msio_pass_place(r->pass, first, &from, &to);
    msio_pass_place(r->pass, msio_min(first + r->ahead, r->blocks) - 1, &end, &to);
    msio_pass_inputs_ask(&r->inputs, from, to - from);
}

static void go_through_block(reading *r, int64_t number, void *const *memory) {
    msio_array in[MSIO_PASS_COLUMNS];
    int64_t from, to;
    if (number % r->ahead == 0) {
        if (number == 0) ask_ahead(r, 0);
        ask_ahead(r, number + r->ahead);
    }
    msio_pass_place(r->pass, number, &from, &to);
    const msio_status status = from < to ? msio_pass_inputs_read(&r->inputs, from, to - from, memory, in) : MSIO_OK;
    if (status) msio_pass_note(r->pass, number);
    await_turn(r, number);
    if (!status && from < to && r->pass->failed < 0) {
        const msio_block block = {from, to - from, (int)(number % MSIO_PASS_LANES), in, NULL};
        msio_pass_block(r->pass, number, &block);
    }
    r->rows_done += to - from;
    end_turn(r, number);
}

/* ---------------------------------------------------------------- threads */

static void give_memory(const reading *r, void **memory) {
    for (int i = 0; i < r->pass->pass->inputs; i++) msio_pool_give(memory[i]);
}

static bool take_memory(const reading *r, void **memory) {
    for (int i = 0; i < r->pass->pass->inputs; i++) {
        const size_t bytes = r->inputs.shape[i].bytes * (size_t)r->pass->block;
        if (bytes && !(memory[i] = msio_pool_take(bytes))) return false;
    }
    return true;
}

/* The caller's own thread tells how far all are. */
static void tell(reading *r, int64_t number) {
    if (msio_pass_tell(r->pass, r->rows_done)) msio_pass_note(r->pass, number);
}

static void work(void *user, int thread) {
    reading *r = user;
    void *memory[MSIO_PASS_COLUMNS] = {NULL};
    int64_t number;
    const bool ready = take_memory(r, memory);
    while (r->pass->failed < 0 && (number = atomic_fetch_add(&r->next, 1)) < r->blocks) {
        if (ready) {
            go_through_block(r, number, memory);
        } else {
            msio_error_set(MSIO_E_MEMORY, r->pass->path, "no memory for blocks of %lld rows",
                           (long long)r->pass->block);
            msio_pass_note(r->pass, number);
            end_turn(r, number);
        }
        if (thread == 0) tell(r, number);
    }
    give_memory(r, memory);
}

static msio_status prepare(reading *r) {
    msio_passing *p = r->pass;
    msio_status status = msio_pass_inputs_find(p, &r->inputs);
    r->blocks = msio_div_up(p->rows, p->chunk) * p->per_chunk;
    r->ahead = msio_max(1, MSIO_PASS_AHEAD / (msio_max(1, p->in_bytes) * p->block));
    return status;
}

msio_status msio_pass_reading(msio_passing *p, int64_t *done) {
    reading r = {.pass = p, .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    msio_status status = prepare(&r);
    if (status || (status = msio_pass_tell(p, 0))) return status;
    const int64_t fit = (int64_t)p->opts->memory / (msio_max(1, p->in_bytes) * p->block),
                  most = msio_min(msio_min(fit, r.blocks), MSIO_PASS_LANES);
    msio_threads_run((int)msio_max(1, msio_min(msio_threads_for(p->opts->threads), most)), work, &r);
    *done = r.rows_done;
    if (p->failed >= 0) return msio_error_restore(&p->error);
    return msio_pass_tell(p, p->rows);
}
