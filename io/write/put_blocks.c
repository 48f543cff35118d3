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
#include <unistd.h>
/* Work below this is done by the calling thread, as in reading. */
#define ALONE_BYTES ((int64_t)8 << 20)
/* The progress function is called when so much more was stored. */
#define PROGRESS_BYTES ((int64_t)8 << 20)
#define PAGE ((int64_t)4096)

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
        close(store->file[i].fd);
        msio_file_close(store->file[i].made);
    }
    free(store->file);
    store->file = NULL;
    store->files = 0;
    for (int i = 0; store->thread && i < store->threads; i++) msio_pool_give(store->thread[i].scratch);
    free(store->thread);
    store->thread = NULL;
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

/* Gathers one box into the block's image, whose first byte is the file's at `block`. */
static void gather(const msio_target *t, msio_box *box, int64_t offset, int64_t block, int64_t bit, int64_t out,
                   uint8_t *image) {
    const uint8_t *from = t->out + out;
    if (t->repeats) {
        for (int k = 0; k < box->ndim; k++) box->dst[k] = 0;
        from = t->out;
    }
    msio_box_store(box, t->codec, t->elem, t->unit, from, bit, image + (offset - block));
}

static void gather_block(const msio_batch_run *run, const msio_block *block, uint8_t *image) {
    const msio_piece_batch *b = run->batch;
    prof_span span;
    prof_begin(&span, PROF_PATH_PACK);
    if (block->part >= 0) {
        const msio_block_part *part = &run->blocks->part[block->part];
        msio_box box = part->box;
        gather(&b->target[b->pieces[block->first].target], &box, block->offset, block->offset, part->bit, part->out,
               image);
    } else {
        for (int64_t i = block->first; i < block->first + block->pieces; i++) {
            const msio_piece *p = &b->pieces[i];
            msio_box box;
            int64_t offset, bit, out;
            msio_piece_box(b, p, 0, p->rows, &box, &offset, &bit, &out);
            gather(&b->target[p->target], &box, offset, block->offset, bit, out, image);
        }
    }
    prof_end(&span, &(prof_work){.bytes = block->in_bytes, .pieces = block->pieces});
}

/* Where a block's bytes lie in the caller's memory as the file has them; NULL: they must be gathered. */
static const uint8_t *as_it_lies(const msio_batch_run *run, const msio_block *block) {
    const msio_piece_batch *b = run->batch;
    const msio_piece *p = &b->pieces[block->first];
    const msio_target *t = &b->target[p->target];
    if (block->pieces != 1 || !block->covered || t->codec != MSIO_CODEC_COPY || t->repeats) return NULL;
    msio_box box;
    int64_t offset, bit, out;
    if (block->part >= 0) {
        box = run->blocks->part[block->part].box;
        out = run->blocks->part[block->part].out;
        msio_box_simplify(&box);
    } else {
        msio_piece_box(b, p, 0, p->rows, &box, &offset, &bit, &out);
    }
    return msio_box_is_run(&box, t->elem, t->elem) ? t->out + out : NULL;
}

/* The bytes that are to be stored, in the caller's memory or in the thread's scratch. old: what is there now; NULL when
 * that is not known. */
static msio_status image_of(const msio_batch_run *run, msio_put_thread *mine, const msio_block *block,
                            const uint8_t *old, const uint8_t **image) {
    const msio_piece_batch *b = run->batch;
    *image = as_it_lies(run, block);
    if (*image) return MSIO_OK;
    msio_status status = msio_put_scratch(mine, block->length);
    if (status) return status;
    int target = b->pieces[block->first].target;
    bool filled = block->covered && block->part >= 0 && b->target[target].repeats;
    if (!filled || mine->filled != target) {
        mine->filled = -1;
        if (!block->covered && old) memcpy(mine->scratch, old, (size_t)block->length);
        if (!block->covered && !old)
            status = msio_put_get(run->store, msio_batch_source(run, block)->file, mine->scratch, block->length,
                                  block->offset);
        if (status) return status;
        gather_block(run, block, mine->scratch);
        if (filled && block->length == run->blocks->longest) mine->filled = target;
    }
    *image = mine->scratch;
    return MSIO_OK;
}

/* A block within a page is never torn by a kill, and needs no slot. */
static bool needs_slot(const msio_batch_run *run, const msio_block *block) {
    return run->keeps && !msio_batch_source(run, block)->fresh &&
           block->offset / PAGE != (block->offset + block->length - 1) / PAGE;
}

static msio_status store_block(msio_batch_run *run, int thread, const msio_block *block) {
    msio_put *store = run->store;
    const msio_file *file = msio_batch_source(run, block)->file;
    const uint8_t *image = NULL, *old = NULL;
    msio_journal *journal = needs_slot(run, block) ? journal_of(store, file) : NULL;
    msio_status status = MSIO_OK;
    if (journal) {
        uint8_t *bytes = msio_journal_slot(journal, thread);
        if ((status = msio_put_get(store, file, bytes, block->length, block->offset))) return status;
        old = bytes;
    }
    if ((status = image_of(run, &store->thread[thread], block, old, &image))) return status;
    if (journal) msio_journal_keep(journal, thread, file, block->offset, block->length);
    status = put(store, file, image, block->length, block->offset);
    if (journal && !status) msio_journal_drop(journal, thread);
    return status;
}

/* ---------------------------------------------------------------- the journal */

static msio_status prepare_journals(msio_batch_run *run) {
    msio_put *store = run->store;
    const msio_blocks *l = run->blocks;
    msio_status status = MSIO_OK;
    if (store->opts.journal == MSIO_JOURNAL_WHOLE) return store->prepared ? MSIO_OK : msio_put_prepare_whole(run);
    run->keeps = store->opts.journal != 0;
    for (int64_t i = 0; i < l->n && !status; i++) {
        if (!needs_slot(run, &l->block[i])) continue;
        msio_put_place *p = &store->place[msio_put_opened(store, msio_batch_source(run, &l->block[i])->file)->place];
        status = msio_put_journal(p, MSIO_JOURNAL_BLOCKS, store->threads, l->longest);
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
        if (store_block(run, thread, &l->block[i])) {
            fail(run);
            return;
        }
        int64_t bytes = l->block[i].in_bytes;
        report_progress(run, thread, bytes + atomic_fetch_add_explicit(&run->store->done, bytes, memory_order_relaxed));
    } while (++i < l->n && l->block[i].chained);
}

static void store_chains(msio_batch_run *run, int thread) {
    for (msio_put_range *r = enter_range(run); r && !atomic_load(&run->failed); r = enter_range(run)) {
        for (int64_t i = take_chain(run, r); i >= 0 && !atomic_load(&run->failed); i = take_chain(run, r))
            store_chain(run, thread, i);
        atomic_fetch_sub(&r->threads, 1);
    }
}

/* Each thread has a mask of its own. */
static void work_through(void *user, int thread) {
    msio_writing limits;
    msio_writing_begin(&limits);
    store_chains(user, thread);
    msio_writing_end(&limits);
}

/* Where every block is stored as it lies in memory, and nothing is read before, threads would only wait for each other:
 * a local file takes one write at a time. Then there are no more of them than files. */
static int useful_threads(const msio_batch_run *run) {
    const msio_piece_batch *b = run->batch;
    const msio_blocks *l = run->blocks;
    int most = (int)msio_min(run->store->threads, l->n);
    for (int i = 0; i < b->sources; i++)
        if (!b->source[i].file->mappable) return most;
    for (int64_t i = 0; i < l->n; i++)
        if (needs_slot(run, &l->block[i]) || !as_it_lies(run, &l->block[i])) return most;
    return (int)msio_min(most, b->sources);
}

msio_status msio_put_run(void *user, msio_piece_batch *batch) {
    msio_put *store = user;
    msio_blocks blocks = {0};
    msio_batch_run run = {.store = store,
                          .batch = batch,
                          .blocks = &blocks,
                          .choosing = ATOMIC_FLAG_INIT,
                          .error_taken = ATOMIC_FLAG_INIT};
    msio_status status = msio_blocks_make(&blocks, batch, MSIO_BLOCK_BYTES, MSIO_BLOCK_MOST);
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
        if (!status) divide(&run);
        if (!status) msio_threads_run(useful_threads(&run), work_through, &run);
        if (!status && atomic_load(&run.failed)) status = msio_error_restore(&run.error);
    }
    msio_blocks_free(&blocks);
    return status;
}

msio_status msio_put_prepare(void *user, msio_piece_batch *batch) {
    msio_put *store = user;
    msio_blocks blocks = {0};
    msio_batch_run run = {.store = store, .batch = batch, .blocks = &blocks};
    msio_status status = msio_blocks_make(&blocks, batch, MSIO_BLOCK_BYTES, MSIO_BLOCK_MOST);
    for (int i = 0; i < batch->sources && !status; i++) status = open_file(store, batch->source[i].file);
    if (!status) status = msio_put_prepare_whole(&run);
    store->prepared = true;
    msio_blocks_free(&blocks);
    return status;
}
