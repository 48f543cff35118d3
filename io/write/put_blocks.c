/* put_blocks.c - the engine the other way: gathers pieces from memory into blocks, and puts these into their files. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "io/write/put_blocks.h"

#include "core/checked.h"
#include "core/error.h"
#include "core/lock.h"
#include "core/pool.h"
#include "core/threads.h"
#include "core/writing.h"
#include "io/write/put_run.h"
#include "prof/span.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Work below this is done by the calling thread, as in reading. */
#define ALONE_BYTES ((int64_t)8 << 20)
/* The progress function is called when so much more was stored. */
#define PROGRESS_BYTES ((int64_t)8 << 20)
/* What a probe stores in each try, and how many tries there are; of a short write no more than a part in each. */
#define PROBE_BYTES ((int64_t)8 << 20)
#define PROBE_TRIES 4
#define PROBE_PARTS 16
/* How many times as fast as calls a mapping has to be: ties go to calls. */
#define PROBE_MARGIN 1.15

msio_status msio_put_start(msio_put *store, const msio_put_opts *opts) {
    store->opts = *opts;
    store->forks = msio_forks();
    store->threads = opts->total < ALONE_BYTES ? 1 : msio_threads_for(opts->threads);
    store->thread = calloc((size_t)store->threads, sizeof *store->thread);
    if (!store->thread) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a write");
    for (int i = 0; i < store->threads; i++) store->thread[i].filled = -1;
    return MSIO_OK;
}

msio_status msio_put_add_place(msio_put *store, const msio_put_place *place) {
    msio_put_place *grown = realloc(store->place, ((size_t)store->places + 1) * sizeof *grown);
    if (!grown) return msio_error_set(MSIO_E_MEMORY, place->directory, "no memory for a write");
    store->place = grown;
    store->place[store->places++] = *place;
    return MSIO_OK;
}

msio_status msio_put_finish(msio_put *store, msio_status status) {
    for (int i = 0; i < store->places; i++) {
        if (status)
            msio_journal_undo(store->place[i].journal);
        else
            msio_journal_end(store->place[i].journal);
    }
    free(store->place);
    store->place = NULL;
    store->places = 0;
    for (int i = 0; i < store->files; i++) {
        (void)msio_put_unmap(&store->file[i]); /* of a write that failed: msio_put_settle has done the others */
        close(store->file[i].fd);
        msio_file_close(store->file[i].made);
    }
    free(store->file);
    store->file = NULL;
    store->files = 0;
    for (int i = 0; store->thread && i < store->threads; i++) {
        msio_pool_give(store->thread[i].scratch);
        msio_pool_give(store->thread[i].made);
    }
    free(store->thread);
    store->thread = NULL;
    return status;
}

msio_status msio_put_settle(msio_put *store) {
    msio_status status = MSIO_OK;
    for (int i = 0; i < store->files && !status; i++) status = msio_put_unmap(&store->file[i]);
    return status;
}

msio_status msio_put_sync(msio_put *store) {
    for (int i = 0; i < store->files; i++)
        if (fdatasync(store->file[i].fd))
            return msio_error_system(MSIO_E_IO, store->file[i].as->path, "cannot bring the file to the disk");
    return MSIO_OK;
}

/* ---------------------------------------------------------------- files */

/* The folder that a file lies in. */
static int place_of(const msio_put *store, const char *path) {
    for (int i = 0; i < store->places; i++) {
        size_t n = strlen(store->place[i].directory);
        if (strncmp(path, store->place[i].directory, n) == 0 && path[n] == '/' && !strchr(path + n + 1, '/')) return i;
    }
    return -1;
}

/* Opens the files of a batch for writing; a file that is another one than was planned for is not touched. */
static msio_status open_file(msio_put *store, const msio_file *file) {
    msio_stamp now;
    for (int i = 0; i < store->files; i++)
        if (store->file[i].as == file) return MSIO_OK;
    int place = place_of(store, file->path);
    if (place < 0) return msio_error_set(MSIO_E_ARGUMENT, file->path, "the file lies in none of the tables' folders");
    msio_put_file *grown = realloc(store->file, ((size_t)store->files + 1) * sizeof *grown);
    if (!grown) return msio_error_set(MSIO_E_MEMORY, file->path, "no memory for a write");
    store->file = grown;
    int fd = open(file->path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return msio_error_system(MSIO_E_IO, file->path, "cannot open the file for writing");
    msio_status status = msio_stamp_fd(fd, file->path, &now);
    if (!status && (now.device != file->stamp.device || now.inode != file->stamp.inode))
        status = msio_error_set(MSIO_E_CHANGED, file->path, "the file was replaced while it was to be written");
    if (status) {
        close(fd);
        return status;
    }
    store->file[store->files++] = (msio_put_file){.as = file, .fd = fd, .place = place};
    return MSIO_OK;
}

static msio_journal *journal_of(const msio_put *store, const msio_file *file) {
    return store->place[msio_put_opened(store, file)->place].journal;
}

static msio_status put(msio_put *store, const msio_file *file, const uint8_t *bytes, int64_t length, int64_t offset) {
    int fd = msio_put_opened(store, file)->fd;
    prof_span span;
    prof_begin(&span, PROF_PATH_STORE);
    for (int64_t done = 0; done < length;) {
        ssize_t n = pwrite(fd, bytes + done, (size_t)(length - done), (off_t)(offset + done));
        atomic_fetch_add_explicit(&store->writes, 1, memory_order_relaxed);
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) errno = ENOSPC;
        if (n <= 0) {
            prof_end(&span, NULL);
            return msio_error_system(MSIO_E_IO, file->path, "cannot write %lld bytes at offset %lld",
                                     (long long)(length - done), (long long)(offset + done));
        }
        done += n;
    }
    atomic_fetch_add_explicit(&store->written, length, memory_order_relaxed);
    prof_end(&span, &(prof_work){.bytes = length, .pieces = 1});
    return MSIO_OK;
}

/* ---------------------------------------------------------------- one block */

static msio_status store_block(msio_batch_run *run, int thread, const msio_block *block) {
    msio_put *store = run->store;
    const msio_file *file = msio_batch_source(run, block)->file;
    msio_put_thread *mine = &store->thread[thread];
    const uint8_t *image = NULL, *old = NULL;
    msio_journal *journal = msio_put_needs_slot(run, block) && !block->of_unit ? journal_of(store, file) : NULL;
    msio_status status = MSIO_OK;
    if (msio_put_opened(store, file)->way == MSIO_PUT_MAPPED) {
        bool stored = false;
        status = msio_put_block_mapped(run, thread, block, journal, &stored);
        if (status || stored) return status;
    }
    msio_journal_runs kept = {block->offset, block->length, block->length, 1};
    if (journal) {
        uint8_t *slot = msio_journal_slot(journal, thread);
        const bool runs = msio_put_runs(run, block, &kept);
        if (runs)
            status = msio_put_keep_runs(run, mine, block, &kept, slot);
        else
            status = msio_put_get(store, file, slot, block->length, block->offset);
        if (status) return status;
        old = runs ? mine->scratch : slot;
    }
    if ((status = msio_put_image(run, mine, block, old, &image))) return status;
    if (journal) msio_journal_keep_runs(journal, thread, file, &kept);
    status = put(store, file, image, block->length, block->offset);
    if (journal && !status) msio_journal_drop(journal, thread);
    return status;
}

/* ---------------------------------------------------------------- a large unit */

/* Old bytes of all that is stored of a unit that is longer than a block, from block i on. */
static msio_status keep_unit(msio_batch_run *run, int thread, int64_t i) {
    const msio_blocks *l = run->blocks;
    const msio_file *file = msio_batch_source(run, &l->block[i])->file;
    msio_journal *journal = journal_of(run->store, file);
    int64_t from = l->block[i].offset, end = from + l->block[i].length;
    for (int64_t k = i + 1; k < l->n && l->block[k].chained && !l->block[k].begins_unit; k++) {
        from = msio_min(from, l->block[k].offset);
        end = msio_max(end, l->block[k].offset + l->block[k].length);
    }
    uint8_t *slot = msio_journal_slot(journal, thread);
    msio_status status = MSIO_OK;
    for (int64_t at = from, n; at < end && !status; at += n) {
        n = msio_min(MSIO_BLOCK_BYTES, end - at);
        status = msio_put_get(run->store, file, slot + (at - from), n, at);
    }
    if (!status) msio_journal_keep(journal, thread, file, from, end - from);
    return status;
}

/* One block of a chain: with the first one of a large unit all of it is kept, until the last one is stored. */
static msio_status store_of_chain(msio_batch_run *run, int thread, int64_t i) {
    const msio_blocks *l = run->blocks;
    const msio_block *b = &l->block[i];
    const bool keeps = b->of_unit && msio_put_needs_slot(run, b);
    const bool is_last = i + 1 == l->n || !l->block[i + 1].chained || l->block[i + 1].begins_unit;
    msio_status status = keeps && b->begins_unit ? keep_unit(run, thread, i) : MSIO_OK;
    if (!status) status = store_block(run, thread, b);
    if (!status && keeps && is_last) msio_journal_drop(journal_of(run->store, msio_batch_source(run, b)->file), thread);
    return status;
}

/* ---------------------------------------------------------------- the journal */

/* Slots of large units take this much together at most, so that there may be fewer of them than threads. */
#define SLOTS_BYTES ((int64_t)256 << 20)

static msio_status prepare_journals(msio_batch_run *run) {
    msio_put *store = run->store;
    const msio_blocks *l = run->blocks;
    msio_status status = MSIO_OK;
    if (store->opts.journal == MSIO_JOURNAL_WHOLE) return store->prepared ? MSIO_OK : msio_put_prepare_whole(run);
    run->keeps = store->opts.journal != 0;
    for (int64_t i = 0; i < l->n && !status; i++) {
        if (!msio_put_needs_slot(run, &l->block[i])) continue;
        msio_put_place *p = &store->place[msio_put_opened(store, msio_batch_source(run, &l->block[i])->file)->place];
        const int slots = (int)msio_max(1, msio_min(store->threads, SLOTS_BYTES / l->longest_kept));
        status = msio_put_journal(p, MSIO_JOURNAL_BLOCKS, slots, l->longest_kept);
    }
    return status;
}

/* ---------------------------------------------------------------- threads */

static void fail(msio_batch_run *run) {
    if (!atomic_flag_test_and_set(&run->error_taken)) msio_error_save(&run->error);
    atomic_store(&run->failed, 1);
}

static void report_progress(msio_batch_run *run, int thread, int64_t done) {
    msio_put *s = run->store;
    if (thread != 0 || !s->opts.progress || done - run->reported < PROGRESS_BYTES) return;
    run->reported = done;
    if (s->opts.progress(s->opts.user, done, s->opts.total)) {
        msio_error_set(MSIO_E_CANCELLED, NULL, "the write was cancelled after %lld of %lld bytes", (long long)done,
                       (long long)s->opts.total);
        fail(run);
    } else if (s->forks != msio_forks()) { /* the caller's function made a child, and this is the child */
        msio_error_set(MSIO_E_CANCELLED, NULL, "a child of fork does not go on with its parent's write");
        fail(run);
    }
}

/* A file takes one write at a time: threads go to different files as long as there are such. */
static void divide(msio_batch_run *run) {
    const msio_blocks *l = run->blocks;
    const msio_file *file = NULL;
    for (int64_t i = 0; i < l->n; i++) {
        const msio_file *of = msio_batch_source(run, &l->block[i])->file;
        if (of != file && run->ranges < MSIO_PUT_RANGES) atomic_init(&run->range[run->ranges++].next, i);
        file = of;
        run->range[run->ranges - 1].end = i + 1;
    }
}

/* The range with the fewest threads, and of these the most blocks, which has one thread more then; NULL: none has any
 * left. */
static msio_put_range *enter_range(msio_batch_run *run) {
    msio_put_range *best = NULL;
    int64_t most = 0;
    int fewest = 0;
    while (atomic_flag_test_and_set_explicit(&run->choosing, memory_order_acquire)) sched_yield();
    for (int i = 0; i < run->ranges; i++) {
        msio_put_range *r = &run->range[i];
        int64_t left = r->end - atomic_load_explicit(&r->next, memory_order_relaxed);
        int threads = atomic_load_explicit(&r->threads, memory_order_relaxed);
        if (left <= 0 || (best && (threads > fewest || (threads == fewest && left <= most)))) continue;
        best = r;
        most = left;
        fewest = threads;
    }
    if (best) atomic_fetch_add(&best->threads, 1);
    atomic_flag_clear_explicit(&run->choosing, memory_order_release);
    return best;
}

/* Takes the next block that shares no bytes with one before it; -1: there is none. */
static int64_t take_chain(const msio_batch_run *run, msio_put_range *range) {
    for (;;) {
        int64_t i = atomic_fetch_add_explicit(&range->next, 1, memory_order_relaxed);
        if (i >= range->end) return -1;
        if (!run->blocks->block[i].chained) return i;
    }
}

/* From a block on, up to the next that is not chained to it. */
static void store_chain(msio_batch_run *run, int thread, int64_t i) {
    const msio_blocks *l = run->blocks;
    do {
        if (atomic_load_explicit(&run->failed, memory_order_relaxed)) return;
        if (store_of_chain(run, thread, i)) {
            fail(run);
            return;
        }
        int64_t bytes = l->block[i].in_bytes;
        run->store->thread[thread].stored += bytes;
        report_progress(run, thread, bytes + atomic_fetch_add_explicit(&run->store->done, bytes, memory_order_relaxed));
    } while (++i < l->n && l->block[i].chained);
}

static void store_chains(msio_batch_run *run, int thread) {
    for (msio_put_range *r = enter_range(run); r && !atomic_load(&run->failed); r = enter_range(run)) {
        run->store->thread[thread].range = r;
        for (int64_t i = take_chain(run, r); i >= 0 && !atomic_load(&run->failed); i = take_chain(run, r))
            store_chain(run, thread, i);
        atomic_fetch_sub(&r->threads, 1);
    }
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Each thread has a mask of its own. */
static void work_through(void *user, int thread) {
    msio_batch_run *run = user;
    msio_put_thread *mine = &run->store->thread[thread];
    const int64_t before = mine->stored;
    const double began = now();
    msio_writing limits;
    msio_writing_begin(&limits);
    store_chains(run, thread);
    msio_writing_end(&limits);
    const double took = now() - began;
    mine->rate = took > 0 ? (double)(mine->stored - before) / took : 0;
}

/* Where every block is stored by a call as it lies in memory, and nothing is read before, threads would only wait for
 * each other: a local file takes one write at a time. Then there are no more of them than files. */
static int useful_threads(const msio_batch_run *run) {
    const msio_piece_batch *b = run->batch;
    const msio_blocks *l = run->blocks;
    int most = (int)msio_min(run->store->threads, l->n);
    for (int i = 0; i < run->store->places && run->keeps; i++)
        if (run->store->place[i].journal) most = (int)msio_min(most, run->store->place[i].slots);
    if (run->store->opts.maker) return most; /* that is work, too */
    for (int i = 0; i < b->sources; i++) {
        const msio_file *file = b->source[i].file;
        if (!file->mappable || msio_put_opened(run->store, file)->way == MSIO_PUT_MAPPED) return most;
    }
    for (int64_t i = 0; i < l->n; i++)
        if (msio_put_needs_slot(run, &l->block[i]) || !msio_put_as_it_lies(run, NULL, &l->block[i])) return most;
    return (int)msio_min(most, b->sources);
}

/* Stores the blocks up to `end` (of a batch of one file) in a way. Returns the bytes of a second, of all threads while
 * they were at it: that they begin and end at different times does not count. */
static double try_way(msio_batch_run *run, msio_put_file *file, msio_put_way way, int64_t end) {
    msio_put_range *range = &run->range[0];
    double rate = 0;
    atomic_store(&range->next, range->end);
    range->end = end;
    file->way = way;
    for (int i = 0; i < run->store->threads; i++) run->store->thread[i].rate = 0;
    msio_threads_run(useful_threads(run), work_through, run);
    for (int i = 0; i < run->store->threads; i++) rate += run->store->thread[i].rate;
    return rate;
}

/* Behind the blocks that have PROBE_BYTES of the file, from `first` on; no more than its share of them. */
static int64_t probe_end(const msio_batch_run *run, int64_t first) {
    const msio_blocks *l = run->blocks;
    const int64_t most = msio_min(l->n, first + msio_max(l->n / PROBE_PARTS, 1));
    int64_t end = first;
    for (int64_t bytes = 0; end < most && bytes < PROBE_BYTES; end++) bytes += l->block[end].length;
    return end;
}

/* The first blocks are stored in both ways, twice in turn, and the better try of each counts; the rest is stored by
 * calls, unless the mapping was clearly sooner. */
static void probe(msio_batch_run *run, msio_put_file *file) {
    double most[2] = {0, 0};
    const int64_t all = run->range[0].end;
    run->range[0].end = 0;
    for (int i = 0; i < PROBE_TRIES && !atomic_load(&run->failed); i++) {
        const int mapped = i % 2;
        const int64_t end = probe_end(run, run->range[0].end);
        const double rate = try_way(run, file, mapped ? MSIO_PUT_MAPPED : MSIO_PUT_BY_CALLS, end);
        if (rate > most[mapped]) most[mapped] = rate;
    }
    file->way = most[1] > PROBE_MARGIN * most[0] ? MSIO_PUT_MAPPED : MSIO_PUT_BY_CALLS;
    atomic_store(&run->range[0].next, run->range[0].end);
    run->range[0].end = all;
}

static msio_status store_all(msio_batch_run *run) {
    msio_status status = MSIO_OK;
    divide(run);
    msio_put_file *probed = msio_put_map_files(run);
    if (probed) probe(run, probed);
    if (probed && probed->way != MSIO_PUT_MAPPED) status = msio_put_unmap(probed);
    msio_threads_run(useful_threads(run), work_through, run);
    return atomic_load(&run->failed) ? msio_error_restore(&run->error) : status;
}

msio_status msio_put_run(void *user, msio_piece_batch *batch) {
    msio_put *store = user;
    msio_blocks blocks = {0};
    msio_piece_batch cut = *batch; /* whose pieces may be other ones then */
    msio_batch_run run = {.store = store,
                          .batch = &cut,
                          .blocks = &blocks,
                          .choosing = ATOMIC_FLAG_INIT,
                          .error_taken = ATOMIC_FLAG_INIT};
    msio_status status = msio_blocks_make(&blocks, &cut, MSIO_BLOCK_BYTES, MSIO_BLOCK_MOST,
                                          store->opts.journal == MSIO_JOURNAL_BLOCKS ? MSIO_UNIT_MOST : 0);
    store->pieces += batch->n;
    store->blocks += blocks.n;
    for (int64_t i = 0; i < blocks.n; i++) {
        store->block_bytes += blocks.block[i].length;
        if (!blocks.block[i].covered) store->kept_bytes += blocks.block[i].length;
    }
    if (!status && !store->counts_only) {
        if (blocks.n) blocks.block[0].chained = false;
        for (int i = 0; i < batch->sources && !status; i++) status = open_file(store, batch->source[i].file);
        if (!status) status = prepare_journals(&run);
        run.reported = atomic_load(&store->done);
        if (!status) status = store_all(&run);
    }
    msio_blocks_free(&blocks);
    return status;
}

msio_status msio_put_prepare(void *user, msio_piece_batch *batch) {
    msio_put *store = user;
    msio_blocks blocks = {0};
    msio_piece_batch cut = *batch;
    msio_batch_run run = {.store = store, .batch = &cut, .blocks = &blocks};
    msio_status status = msio_blocks_make(&blocks, &cut, MSIO_BLOCK_BYTES, MSIO_BLOCK_MOST, 0);
    for (int i = 0; i < batch->sources && !status; i++) status = open_file(store, batch->source[i].file);
    if (!status) status = msio_put_prepare_whole(&run);
    store->prepared = true;
    msio_blocks_free(&blocks);
    return status;
}
