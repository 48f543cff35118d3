/* engine.c - the engine: fetches, decodes and scatters the pieces of a batch with all threads. */
#include "io/engine/engine.h"

#include "core/checked.h"
#include "core/error.h"
#include "core/kernels.h"
#include "core/pool.h"
#include "core/threads.h"

#include <stdlib.h>
/* Work below this is done by the calling thread: it takes less than waiting for another one may, on a busy machine. */
#define ALONE_BYTES ((int64_t)8 << 20)
/* How far ahead the system is asked to fetch once a read had to wait for the disk. */
#define AHEAD_BYTES ((int64_t)32 << 20)
/* How far ahead cache lines are asked for, in units of work, and of how large ones. */
#define WORK_AHEAD 4
#define FORESEEN_BYTES 2048
#define CACHE_LINE 64
/* The progress function is called when so much more was delivered. */
#define PROGRESS_BYTES ((int64_t)8 << 20)

/* What the threads of one batch share. */
typedef struct batch_run {
    msio_engine *engine;
    const msio_piece_batch *batch;
    atomic_llong next;  /* work to be taken */
    atomic_llong asked; /* work that was prefetched */
    atomic_int failed;
    atomic_flag error_taken;
    atomic_bool cold;
    bool streams;     /* the result is larger than the caches */
    int64_t reported; /* of thread 0 */
    msio_error_copy error;
} batch_run;

/* One thread's part. */
typedef struct worker {
    batch_run *run;
    int number;
    msio_engine_thread *mine;
    int64_t reads, bytes_read;
} worker;

msio_status msio_engine_start(msio_engine *engine, const msio_read_opts *opts, int64_t total, bool counts_only) {
    *engine = (msio_engine){.total = total, .counts_only = counts_only};
    engine->threads = total < ALONE_BYTES ? 1 : msio_threads_for(opts ? opts->threads : 0);
    if (opts) {
        engine->force = opts->way;
        engine->progress = opts->progress;
        engine->user = opts->user;
        engine->once = opts->once;
    }
    engine->thread = calloc((size_t)engine->threads, sizeof *engine->thread);
    return engine->thread ? MSIO_OK : msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a read");
}

void msio_engine_finish(msio_engine *engine) {
    for (int i = 0; engine->thread && i < engine->threads; i++) {
        msio_pool_give(engine->thread[i].scratch);
        msio_deliver_free(&engine->thread[i].deliver);
    }
    free(engine->thread);
    engine->thread = NULL;
    msio_schedule_free(&engine->schedule);
}

msio_way msio_engine_way(const msio_engine *engine) {
    int best = MSIO_WAY_DIRECT;
    for (int w = MSIO_WAY_DIRECT; w <= MSIO_WAY_CASACORE; w++)
        if (engine->schedule.way_bytes[w] > engine->schedule.way_bytes[best]) best = w;
    return (msio_way)best;
}

/* ---------------------------------------------------------------- fetching */

/* A read had to wait: asks the system for what comes next, so that many requests are under way at once. */
static void prefetch_ahead(batch_run *run, int64_t index) {
    const msio_schedule *s = &run->engine->schedule;
    long long from = atomic_load_explicit(&run->asked, memory_order_relaxed);
    if (from <= index) from = index + 1;
    int64_t bytes = 0, to = index + 1;
    while (to < s->n && bytes < AHEAD_BYTES) bytes += s->work[to++].length;
    long long seen = atomic_load_explicit(&run->asked, memory_order_relaxed);
    while (seen < to && !atomic_compare_exchange_weak(&run->asked, &seen, to)) {}
    if (seen > from) from = seen < to ? seen : to;
    for (int64_t i = from; i < to; i++) {
        const msio_source *source = &run->batch->source[run->batch->pieces[s->work[i].first].source];
        if (source->file) msio_file_prefetch(source->file, s->work[i].offset, s->work[i].length);
    }
}

static msio_status fetch(worker *w, const msio_file *file, void *to, int64_t length, int64_t offset, int64_t index) {
    bool supported = true;
    prof_span span;
    prof_begin(&span, PROF_PATH_FETCH);
    int64_t have = msio_file_read_cached(file, to, length, offset, &supported);
    if (have < length && supported) prefetch_ahead(w->run, index);
    w->reads++;
    msio_status status = MSIO_OK;
    if (have < length) status = msio_file_read(file, (uint8_t *)to + have, length - have, offset + have, &w->reads);
    w->bytes_read += length;
    prof_end(&span, &(prof_work){.bytes = length, .bytes_read = length, .pieces = 1});
    return status;
}

/* ---------------------------------------------------------------- the three ways */

static msio_status need_scratch(worker *w, int64_t bytes, uint8_t **scratch) {
    msio_engine_thread *mine = w->mine;
    if (bytes < MSIO_SCRATCH_BYTES) bytes = MSIO_SCRATCH_BYTES;
    if (mine->scratch_bytes < bytes) {
        msio_pool_give(mine->scratch);
        mine->scratch = msio_pool_take((size_t)bytes);
        mine->scratch_bytes = mine->scratch ? bytes : 0;
    }
    *scratch = mine->scratch;
    return *scratch ? MSIO_OK : msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a read's scratch");
}

static msio_status read_direct(worker *w, const msio_work *work, int64_t index) {
    const msio_piece *p = &w->run->batch->pieces[work->first];
    const msio_target *t = &w->run->batch->target[p->target];
    return fetch(w, w->run->batch->source[p->source].file, t->out + p->out + work->run, work->length, work->offset,
                 index);
}

/* A box of any size through the scratch: what does not fit is halved along its outermost axis. */
static msio_status read_box(worker *w, const msio_source *source, const msio_target *t, const msio_box *box,
                            int64_t offset, int64_t bit, int64_t out, int64_t index) {
    uint8_t *scratch;
    int64_t extent = msio_box_extent(box, t, bit);
    msio_status status = need_scratch(w, MSIO_SCRATCH_BYTES, &scratch);
    if (status) return status;
    int outer = box->ndim - 1;
    while (outer > 0 && box->count[outer] == 1) outer--;
    if (extent <= MSIO_SCRATCH_BYTES || box->ndim == 0 || box->count[outer] == 1) {
        if ((status = fetch(w, source->file, scratch, extent, offset, index))) return status;
        msio_deliver_box(&w->mine->deliver, t, box, scratch, bit, out, PROF_PATH_SCATTER);
        return MSIO_OK;
    }
    msio_box part = *box;
    int64_t half = box->count[outer] / 2, step = half * box->src[outer];
    part.count[outer] = half;
    if ((status = read_box(w, source, t, &part, offset, bit, out, index))) return status;
    part.count[outer] = box->count[outer] - half;
    if (t->codec == MSIO_CODEC_BITS) {
        step += bit;
        bit = step % 8;
        step /= 8;
    }
    return read_box(w, source, t, &part, offset + step, bit, out + half * box->dst[outer], index);
}

/* A single piece that is larger than the scratch, and can be cut. */
static msio_status read_large(worker *w, const msio_work *work, int64_t index) {
    const msio_piece_batch *b = w->run->batch;
    const msio_piece *p = &b->pieces[work->first];
    msio_box box;
    int64_t offset, bit, out;
    msio_piece_box(b, p, work->row, work->rows, &box, &offset, &bit, &out);
    return read_box(w, &b->source[p->source], &b->target[p->target], &box, offset, bit, out, index);
}

static msio_status read_scratch(worker *w, const msio_work *work, int64_t index) {
    const msio_piece_batch *b = w->run->batch;
    const msio_piece *p = &b->pieces[work->first];
    uint8_t *scratch;
    if (work->length > MSIO_SCRATCH_BYTES && !p->encoded) return read_large(w, work, index);
    msio_status status = need_scratch(w, work->length, &scratch);
    if (!status) status = fetch(w, b->source[p->source].file, scratch, work->length, work->offset, index);
    return status ? status : msio_deliver_work(&w->mine->deliver, b, work, scratch, PROF_PATH_SCATTER);
}

/* Asks for the cache lines of a small piece that comes soon: where pieces lie far apart each would be waited for. */
static void foresee(const batch_run *run, int64_t index) {
    const msio_schedule *s = &run->engine->schedule;
    if (index + WORK_AHEAD >= s->n || s->work[index + WORK_AHEAD].length > FORESEEN_BYTES) return;
    const msio_work *work = &s->work[index + WORK_AHEAD];
    const msio_file *file = run->batch->source[run->batch->pieces[work->first].source].file;
    const uint8_t *map = file ? msio_file_mapped(file) : NULL;
    for (int64_t at = 0; map && at < work->length; at += CACHE_LINE) __builtin_prefetch(map + work->offset + at);
}

/* A run of a contiguous piece, copied. */
static void copy_run(worker *w, const msio_work *work, const uint8_t *bytes) {
    const msio_piece *p = &w->run->batch->pieces[work->first];
    const msio_target *t = &w->run->batch->target[p->target];
    msio_box run = {1, {work->length / t->elem}, {t->elem}, {t->elem}};
    msio_deliver_box(&w->mine->deliver, t, &run, bytes, 0, p->out + work->run, PROF_PATH_GATHER);
}

static msio_status read_mapped(worker *w, const msio_work *work, int64_t index) {
    const msio_source *source = &w->run->batch->source[w->run->batch->pieces[work->first].source];
    const uint8_t *map = source->memory ? source->memory : msio_file_mapped(source->file);
    if (!map) return work->rows == 0 ? read_direct(w, work, index) : read_scratch(w, work, index);
    if (atomic_load_explicit(&w->run->cold, memory_order_relaxed)) prefetch_ahead(w->run, index);
    w->bytes_read += work->length;
    foresee(w->run, index);
    if (work->rows > 0)
        return msio_deliver_work(&w->mine->deliver, w->run->batch, work, map + work->offset, PROF_PATH_GATHER);
    copy_run(w, work, map + work->offset);
    return MSIO_OK;
}

/* Maps the files that will be copied from. Mapped pages that are not in memory are fetched one by one, so it must be
 * known beforehand whether there are any: a sample tells. */
static void map_files(batch_run *run) {
    const msio_schedule *s = &run->engine->schedule;
    const msio_file *last = NULL;
    int64_t step = s->n / 8 + 1;
    for (int64_t i = 0; i < s->n; i++) {
        const msio_work *w = &s->work[i];
        msio_file *file = run->batch->source[run->batch->pieces[w->first].source].file;
        if (w->way != MSIO_WAY_MAPPED || !file) continue;
        if (file != last) msio_file_map(file);
        last = file;
        if (i % step != 0 || !msio_file_mapped(file)) continue;
        if (msio_file_map_resident(file, w->offset, w->length, 2) < 1.0) atomic_store(&run->cold, true);
    }
}

/* Lets go of the mapped pages between the first and the last byte that the batch was copied from, of each file. */
static void release_maps(const batch_run *run) {
    const msio_schedule *s = &run->engine->schedule;
    const msio_file *file = NULL;
    int64_t from = 0, to = 0;
    for (int64_t i = 0; i < s->n; i++) {
        const msio_work *w = &s->work[i];
        const msio_file *next = run->batch->source[run->batch->pieces[w->first].source].file;
        if (w->way != MSIO_WAY_MAPPED || !next) continue;
        if (next != file) {
            if (file) msio_file_map_release(file, from, to - from);
            file = next;
            from = to = w->offset;
        }
        from = msio_min(from, w->offset);
        to = msio_max(to, w->offset + w->length);
    }
    if (file) msio_file_map_release(file, from, to - from);
}

static msio_status check_maps(const batch_run *run) {
    for (int i = 0; i < run->batch->sources; i++) {
        const msio_file *f = run->batch->source[i].file;
        if (f && msio_file_map_failed(f))
            return msio_error_set(MSIO_E_IO, f->path,
                                  "pages of the file could not be read: it was cut while it was read, "
                                  "or the disk failed");
    }
    return MSIO_OK;
}

/* ---------------------------------------------------------------- threads */

static void fail(batch_run *run) {
    if (!atomic_flag_test_and_set(&run->error_taken)) msio_error_save(&run->error);
    atomic_store(&run->failed, 1);
}

static void report_progress(worker *w, int64_t done) {
    batch_run *run = w->run;
    msio_engine *e = run->engine;
    if (w->number != 0 || !e->progress || done - run->reported < PROGRESS_BYTES) return;
    run->reported = done;
    if (e->progress(e->user, done, e->total)) {
        msio_error_set(MSIO_E_CANCELLED, NULL, "the read was cancelled after %lld of %lld bytes", (long long)done,
                       (long long)e->total);
        fail(run);
    }
}

static void work_through(void *user, int number) {
    batch_run *run = user;
    worker w = {.run = run, .number = number, .mine = &run->engine->thread[number]};
    w.mine->deliver.thread = number;
    w.mine->deliver.streams = run->streams;
    const msio_schedule *s = &run->engine->schedule;
    while (!atomic_load_explicit(&run->failed, memory_order_relaxed)) {
        long long i = atomic_fetch_add_explicit(&run->next, 1, memory_order_relaxed);
        if (i >= s->n) break;
        const msio_work *work = &s->work[i];
        msio_status status = work->way == MSIO_WAY_DIRECT   ? read_direct(&w, work, i)
                             : work->way == MSIO_WAY_MAPPED ? read_mapped(&w, work, i)
                                                            : read_scratch(&w, work, i);
        if (status) fail(run);
        report_progress(&w, work->out_bytes +
                                atomic_fetch_add_explicit(&run->engine->done, work->out_bytes, memory_order_relaxed));
    }
    atomic_fetch_add(&run->engine->system_reads, w.reads);
    atomic_fetch_add(&run->engine->bytes_read, w.bytes_read);
}

msio_status msio_engine_run(void *user, msio_piece_batch *batch) {
    msio_engine *e = user;
    prof_span span;
    prof_begin(&span, PROF_PATH_PLAN);
    msio_status status = msio_schedule_make(&e->schedule, batch, e->force, e->threads, e->once);
    prof_end(&span, &(prof_work){.pieces = batch->n});
    e->works += e->schedule.n;
    e->pieces += batch->n;
    if (status || e->counts_only) return status;
    batch_run run = {.engine = e, .batch = batch, .error_taken = ATOMIC_FLAG_INIT};
    run.reported = atomic_load(&e->done);
    run.streams = e->total >= msio_stream_least();
    map_files(&run);
    msio_threads_run((int)msio_min(e->threads, e->schedule.n), work_through, &run);
    if (e->once) release_maps(&run);
    if (atomic_load(&run.failed)) return msio_error_restore(&run.error);
    return check_maps(&run);
}
