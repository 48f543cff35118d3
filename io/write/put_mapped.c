/* put_mapped.c - blocks stored through a mapping of their file, which lives as long as the call. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "io/write/put_run.h"

#include "core/checked.h"
#include "core/kernels.h"
#include "msio/write.h"
#include "prof/span.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Fewer bytes of one file are stored by calls at once: a probe that goes the slower way would cost too much of them. */
#define PROBED_LEAST ((int64_t)128 << 20)
#define PAGE ((uintptr_t)4096)

/* ---------------------------------------------------------------- which files */

/* Every block of the file's lies in it, and has its room on the disk: a store into a hole needs room that may not be
 * there. */
static bool has_room(const msio_put_file *f, int64_t first, int64_t end) {
#if defined(SEEK_HOLE)
    struct stat st;
    return fstat(f->fd, &st) == 0 && end <= st.st_size && lseek(f->fd, (off_t)first, SEEK_HOLE) >= (off_t)end;
#else
    (void)f, (void)first, (void)end;
    return false;
#endif
}

static bool is_fresh(const msio_batch_run *run, const msio_file *file) {
    for (int i = 0; i < run->batch->sources; i++)
        if (run->batch->source[i].file == file && run->batch->source[i].fresh) return true;
    return false;
}

/* Maps the file if this batch's blocks can be stored so; whether it is. */
static bool map_file(const msio_batch_run *run, msio_put_file *f, int64_t least) {
    const msio_blocks *l = run->blocks;
    int64_t first = INT64_MAX, end = 0, bytes = 0;
    for (int64_t i = 0; i < l->n; i++) {
        const msio_block *b = &l->block[i];
        if (msio_batch_source(run, b)->file != f->as) continue;
        first = msio_min(first, b->offset);
        end = msio_max(end, b->offset + b->length);
        bytes += b->length;
    }
    if (bytes < msio_max(least, 1) || f->made || is_fresh(run, f->as) || !f->as->mappable) return false;
    if (!msio_mapping_overwrites(f->fd) || !has_room(f, first, end)) return false;
    if (f->map.region && f->mapped >= end) return true;
    msio_mapping_close(&f->map);
    f->mapped = end;
    if (msio_mapping_store(f->fd, f->as->path, end, &f->map)) return false;
    return f->was_mapped = true;
}

msio_put_file *msio_put_map_files(msio_batch_run *run) {
    msio_put *store = run->store;
    const int how = store->opts.store;
    msio_put_file *f = NULL;
    for (int i = 0; how == MSIO_STORE_MAPPED && i < store->files; i++)
        store->file[i].way = map_file(run, &store->file[i], 0) ? MSIO_PUT_MAPPED : MSIO_PUT_BY_CALLS;
    if (how == MSIO_STORE_CALLS || how == MSIO_STORE_MAPPED || run->ranges != 1) return NULL;
    for (int i = 0; i < store->files; i++)
        if (store->file[i].as == msio_batch_source(run, &run->blocks->block[0])->file) f = &store->file[i];
    if (!f || f->way == MSIO_PUT_BY_CALLS) return NULL;
    const bool probed = f->way == MSIO_PUT_UNDECIDED;
    const bool mapped = map_file(run, f, how == MSIO_STORE_PROBE || !probed ? 0 : PROBED_LEAST);
    if (!mapped) f->way = probed ? MSIO_PUT_UNDECIDED : MSIO_PUT_BY_CALLS;
    return probed && mapped ? f : NULL;
}

msio_status msio_put_unmap(msio_put_file *file) {
    if (!file->was_mapped) return MSIO_OK;
    file->was_mapped = false;
    msio_mapping_close(&file->map);
    /* stores change it when a page is first stored to, at the latest when it is written out */
    if (futimens(file->fd, NULL) == 0) return MSIO_OK;
    return msio_error_system(MSIO_E_IO, file->as->path, "cannot tell by the file's time that it was changed");
}

/* ---------------------------------------------------------------- one block */

/* The pages are asked for at once, which takes less time than a fault for each; false: some cannot be had. */
static bool have_pages(uint8_t *at, int64_t length) {
#if defined(MADV_POPULATE_WRITE)
    const uintptr_t from = (uintptr_t)at & ~(PAGE - 1), end = (uintptr_t)at + (uintptr_t)length;
    return madvise((void *)from, end - from, MADV_POPULATE_WRITE) == 0 || errno == EINVAL; /* before Linux 5.14 */
#else
    (void)at, (void)length;
    return true;
#endif
}

/* Old bytes into the slot: of a block that is mostly other cells', those alone that are overwritten. */
static msio_status keep_old(msio_batch_run *run, int thread, const msio_block *block, msio_journal *journal,
                            const uint8_t *there) {
    const msio_file *file = msio_batch_source(run, block)->file;
    uint8_t *slot = msio_journal_slot(journal, thread);
    msio_journal_runs runs = {block->offset, block->length, block->length, 1};
    msio_status status = MSIO_OK;
    if (msio_put_runs(run, block, &runs))
        msio_put_copy_runs(slot, there, &runs);
    else
        status = msio_put_get(run->store, file, slot, block->length, block->offset);
    if (!status && !msio_mapping_failed(&msio_put_opened(run->store, file)->map))
        msio_journal_keep_runs(journal, thread, file, &runs);
    return status;
}

/* One value everywhere is gathered once, into the scratch. */
static msio_status put_new(msio_batch_run *run, int thread, const msio_block *block, uint8_t *there) {
    const bool repeats = run->batch->target[run->batch->pieces[block->first].target].repeats;
    msio_put_thread *mine = &run->store->thread[thread];
    const uint8_t *image = msio_put_as_it_lies(run, mine, block);
    msio_status status = MSIO_OK;
    if (!image && repeats && block->covered) status = msio_put_image(run, mine, block, NULL, &image);
    if (image)
        msio_stream_copy(there, image, (size_t)block->length);
    else if (!status)
        msio_put_gather(run, mine, block, there);
    msio_stream_end();
    return status;
}

/* Whether no element lies in two cache lines, which two stores would fill, with a kill between them; and whether a
 * block within a page, which calls store at once, has a slot. */
static bool is_safe(const msio_batch_run *run, const msio_block *block) {
    const msio_target *t = &run->batch->target[run->batch->pieces[block->first].target];
    if (t->codec == MSIO_CODEC_CONVERT) return false;
    if (t->codec != MSIO_CODEC_BITS && block->offset % t->elem != 0) return false;
    return !run->keeps || msio_put_needs_slot(run, block);
}

msio_status msio_put_block_mapped(msio_batch_run *run, int thread, const msio_block *block, msio_journal *journal,
                                  bool *stored) {
    const msio_put_file *f = msio_put_opened(run->store, msio_batch_source(run, block)->file);
    uint8_t *there = f->map.data + block->offset;
    prof_span span;
    *stored = is_safe(run, block) && have_pages(there, block->length);
    if (!*stored) return MSIO_OK; /* a call tells what is wrong with the file */
    msio_status status = journal ? keep_old(run, thread, block, journal, there) : MSIO_OK;
    if (status) return status;
    prof_begin(&span, PROF_PATH_STORE);
    if (!msio_mapping_failed(&f->map)) status = put_new(run, thread, block, there);
    if (!status && msio_mapping_failed(&f->map)) {
        errno = EIO;
        status = msio_error_system(MSIO_E_IO, f->as->path,
                                   "cannot write %lld bytes at offset %lld through a mapping: the file was cut, or the "
                                   "disk failed",
                                   (long long)block->length, (long long)block->offset);
    }
    atomic_fetch_add_explicit(&run->store->written, block->in_bytes, memory_order_relaxed);
    prof_end(&span, status ? NULL : &(prof_work){.bytes = block->in_bytes, .pieces = 1});
    if (journal && !status) msio_journal_drop(journal, thread);
    return status;
}
