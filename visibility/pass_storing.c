/* pass_storing.c - passes that write one column whose rows do not depend on each other: blocks are read, computed and
 * stored by one thread each, while they are in its processor's cache. */
#include "core/checked.h"
#include "core/pool.h"
#include "core/threads.h"
#include "io/read/dense.h"
#include "io/write/write_parts.h"
#include "visibility/pass_blocks.h"

/* A thread's memory for inputs. */
typedef struct worker {
    void *memory[MSIO_PASS_COLUMNS];
    int64_t rows; /* that it has room for */
} worker;

typedef struct storing {
    msio_passing *pass;
    msio_pass_inputs inputs;
    msio_array out;         /* of one row */
    int64_t ahead;          /* rows that are asked for together */
    _Atomic int64_t wanted; /* how far they were asked for */
    worker worker[MSIO_PASS_LANES];
} storing;

static void give_memory(const storing *s, worker *w) {
    for (int i = 0; i < s->pass->pass->inputs; i++) {
        msio_pool_give(w->memory[i]);
        w->memory[i] = NULL;
    }
    w->rows = 0;
}

static msio_status take_memory(const storing *s, worker *w, int64_t rows) {
    if (rows <= w->rows) return MSIO_OK;
    give_memory(s, w);
    for (int i = 0; i < s->pass->pass->inputs; i++) {
        const size_t bytes = s->inputs.shape[i].bytes * (size_t)rows;
        if (bytes && !(w->memory[i] = msio_pool_take(bytes)))
            return msio_error_set(MSIO_E_MEMORY, s->pass->path, "no memory for blocks of %lld rows", (long long)rows);
    }
    w->rows = rows;
    return MSIO_OK;
}

/* Whoever comes near the end of what was asked for asks for more. */
static void ask_ahead(storing *s, int64_t row) {
    int64_t wanted = s->wanted;
    if (row + s->ahead / 2 < wanted || wanted >= s->pass->rows) return;
    if (!atomic_compare_exchange_strong(&s->wanted, &wanted, wanted + s->ahead)) return;
    msio_pass_inputs_ask(&s->inputs, wanted, msio_min(s->ahead, s->pass->rows - wanted));
}

static msio_status make(void *user, int thread, int64_t place, int64_t rows, void *memory) {
    storing *s = user;
    worker *w = &s->worker[thread];
    msio_array in[MSIO_PASS_COLUMNS], out = s->out;
    ask_ahead(s, place);
    msio_status status = take_memory(s, w, rows);
    if (!status) status = msio_pass_inputs_read(&s->inputs, place, rows, w->memory, in);
    out.shape[0] = rows;
    out.data = memory;
    out.bytes *= (size_t)rows;
    const msio_block block = {place, rows, thread, in, &out};
    for (int k = 0; k < s->pass->pass->kernels && !status; k++) {
        const msio_kernel *kernel = &s->pass->pass->kernel[k];
        status = kernel->run(kernel->user, &block, NULL);
    }
    return status;
}

static int tell(void *user, int64_t done, int64_t total) {
    const storing *s = user;
    (void)total;
    return msio_pass_tell(s->pass, done / msio_max(1, s->pass->out_bytes)) != MSIO_OK;
}

msio_status msio_pass_storing(msio_passing *p, int64_t *done, bool *refused) {
    const msio_column *column;
    storing s = {.pass = p};
    msio_write_opts opts = MSIO_WRITE_OPTS_INIT;
    int64_t rows;
    opts.threads = (int)msio_min(msio_threads_for(p->opts->threads), MSIO_PASS_LANES);
    opts.progress = tell;
    opts.user = &s;
    s.ahead = msio_max(1, MSIO_PASS_AHEAD / msio_max(1, p->in_bytes));
    msio_status status = msio_pass_inputs_find(p, &s.inputs);
    if (!status) status = msio_table_column(p->table, p->pass->output[0], &column);
    if (!status) status = msio_dense_measure(p->table, 1, &column, &s.inputs.select, NULL, &s.out, &rows);
    if (!status) status = msio_pass_tell(p, 0);
    if (!status) status = msio_write_made(column, &s.inputs.select, make, &s, &opts, refused);
    for (int i = 0; i < MSIO_PASS_LANES; i++) give_memory(&s, &s.worker[i]);
    if (status) return status;
    *done = p->rows;
    return msio_pass_tell(p, p->rows);
}
