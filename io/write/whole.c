/* whole.c - all or nothing: old bytes are kept first, or files made anew; what was stored is then decided on at once.
 */
#include "io/write/put_run.h"

#include "core/checked.h"
#include "io/write/exchange.h"

#include <string.h>
#include <unistd.h>

/* All or nothing keeps so much at most. */
#define WHOLE_MOST ((int64_t)64 << 20)
#define WHOLE_BLOCKS 4096

/* All or nothing: whether a block's old bytes are kept in the journal of this folder (-1: of any). */
static bool is_kept(const msio_batch_run *run, const msio_block *block, int place) {
    const msio_source *s = msio_batch_source(run, block);
    const msio_put_file *f = msio_put_opened(run->store, s->file);
    return !s->fresh && !f->exchanged && (place < 0 || f->place == place);
}

static msio_status check_whole(const msio_batch_run *run) {
    const msio_blocks *l = run->blocks;
    bool again = false;
    int64_t bytes = 0, blocks = 0;
    for (int64_t i = 0; i < l->n; i++) {
        if (!is_kept(run, &l->block[i], -1)) continue;
        bytes += l->block[i].length;
        blocks++;
    }
    for (int i = 0; i < run->store->places; i++) again = again || run->store->place[i].journal;
    if (blocks == 0 || (!again && bytes <= WHOLE_MOST && blocks <= WHOLE_BLOCKS)) return MSIO_OK;
    return msio_error_set(
        MSIO_E_UNSUPPORTED, run->store->place[0].directory,
        "all or nothing is kept for up to %lld MiB in %d stretches of files that are not written anew "
        "(since another program has the table open, or a link leads to one), this write has %s%lld MiB "
        "in %lld; write less at once, or without atomic",
        (long long)(WHOLE_MOST >> 20), WHOLE_BLOCKS, again ? "more than " : "", (long long)(bytes >> 20),
        (long long)blocks);
}

/* All or nothing, of one folder: every block's old bytes first. */
static msio_status keep_all_of(msio_batch_run *run, int place) {
    msio_put *store = run->store;
    const msio_blocks *l = run->blocks;
    msio_put_place *p = &store->place[place];
    msio_put_thread *mine = &store->thread[0];
    int slots = 0, slot = 0;
    int64_t longest = 0;
    for (int64_t i = 0; i < l->n; i++) {
        if (!is_kept(run, &l->block[i], place)) continue;
        slots++;
        longest = msio_max(longest, l->block[i].length);
    }
    if (slots == 0) return MSIO_OK;
    msio_status status = msio_put_journal(p, MSIO_JOURNAL_WHOLE, slots, longest);
    for (int64_t i = 0; i < l->n && !status; i++) {
        const msio_block *b = &l->block[i];
        const msio_file *file = msio_batch_source(run, b)->file;
        if (!is_kept(run, b, place)) continue;
        status = msio_put_scratch(mine, b->length);
        if (!status) status = msio_put_get(store, file, mine->scratch, b->length, b->offset);
        if (!status) status = msio_journal_fill(p->journal, slot, mine->scratch, b->length);
        if (!status) msio_journal_keep(p->journal, slot++, file, b->offset, b->length);
    }
    if (!status) msio_journal_seal(p->journal);
    return status;
}

/* What one batch stores in a file. */
typedef struct share {
    int64_t bytes, blocks;
    int64_t covered; /* bytes of blocks that pieces cover whole */
} share;

static share share_of(const msio_batch_run *run, const msio_put_file *f) {
    share s = {0};
    for (int64_t i = 0; i < run->blocks->n; i++) {
        const msio_block *b = &run->blocks->block[i];
        if (msio_batch_source(run, b)->file != f->as) continue;
        s.blocks++;
        s.bytes += b->length;
        s.covered += b->covered ? b->length : 0;
    }
    return s;
}

/* Whether the file is made anew: where that saves reading most of it, or the journal could not keep what is
 * overwritten. */
static bool is_to_be_exchanged(const msio_put *store, const msio_put_file *f, const share *s) {
    bool large = store->opts.total > WHOLE_MOST || s->bytes > WHOLE_MOST || s->blocks > WHOLE_BLOCKS;
    bool most = s->covered >= f->as->stamp.size - f->as->stamp.size / 4;
    return store->place[f->place].alone && (large || most) && msio_exchange_may(f->as);
}

/* Old bytes that stay: those that no block covers. What later batches store is not known yet: then all of them. */
static msio_status copy_rest(const msio_batch_run *run, const msio_put_file *f) {
    const msio_blocks *l = run->blocks;
    int64_t taken = 0, at = 0;
    msio_status status = MSIO_OK;
    for (int64_t i = 0; i < l->n; i++) taken += l->block[i].in_bytes;
    if (taken < run->store->opts.total) return msio_exchange_copy(f->as, f->fd, 0, f->as->stamp.size);
    for (int64_t i = 0; i < l->n && !status; i++) {
        const msio_block *b = &l->block[i];
        if (msio_batch_source(run, b)->file != f->as) continue;
        if (b->offset > at) status = msio_exchange_copy(f->as, f->fd, at, b->offset - at);
        if (!b->covered && !status) status = msio_exchange_copy(f->as, f->fd, b->offset, b->length);
        at = msio_max(at, b->offset + b->length);
    }
    return status ? status : msio_exchange_copy(f->as, f->fd, at, f->as->stamp.size - at);
}

/* The journal names the new file before it is there. */
static msio_status make_anew(const msio_batch_run *run, msio_put_file *f) {
    msio_put_place *p = &run->store->place[f->place];
    int fd;
    msio_status status = p->journal ? MSIO_OK : msio_put_journal(p, MSIO_JOURNAL_WHOLE, 0, 0);
    if (!status && !msio_journal_intend(p->journal, f->as->path))
        status = msio_error_set(MSIO_E_UNSUPPORTED, p->directory, "more than %d files anew, all or nothing",
                                MSIO_JOURNAL_RENAMES);
    if (!status) status = msio_exchange_make(f->as, &f->made, &fd);
    if (status) return status;
    close(f->fd);
    f->fd = fd;
    return copy_rest(run, f);
}

static bool is_fresh(const msio_batch_run *run, const msio_put_file *f) {
    for (int i = 0; i < run->batch->sources; i++)
        if (run->batch->source[i].file == f->as && run->batch->source[i].fresh) return true;
    return false;
}

/* The first batch that stores in a file decides. */
static void choose_exchanges(msio_batch_run *run) {
    msio_put *store = run->store;
    for (int i = 0; i < store->files; i++) {
        msio_put_file *f = &store->file[i];
        share s = share_of(run, f);
        if (s.blocks == 0 || f->looked_at) continue;
        f->looked_at = true;
        f->exchanged = !is_fresh(run, f) && is_to_be_exchanged(store, f, &s);
    }
}

/* What is overwritten in place is kept, then the new files are made. */
msio_status msio_put_prepare_whole(msio_batch_run *run) {
    msio_put *store = run->store;
    choose_exchanges(run);
    msio_status status = check_whole(run);
    for (int i = 0; i < store->places && !status; i++) status = keep_all_of(run, i);
    for (int i = 0; i < store->files && !status; i++) {
        msio_put_file *f = &store->file[i];
        if (f->exchanged && !f->made) status = make_anew(run, f);
    }
    return status;
}

static bool is_exchanged_in(const msio_put *store, const msio_put_file *f, const char *directory) {
    return f->exchanged && (!directory || strcmp(store->place[f->place].directory, directory) == 0);
}

int msio_put_exchanged(const msio_put *store, const char *directory) {
    int n = 0;
    for (int i = 0; i < store->files; i++) n += is_exchanged_in(store, &store->file[i], directory);
    return n;
}

msio_status msio_put_exchange(msio_put *store, const char *directory) {
    msio_status status = MSIO_OK;
    for (int i = 0; i < store->files && !status; i++)
        if (is_exchanged_in(store, &store->file[i], directory)) status = msio_exchange_rename(store->file[i].as);
    return status;
}

msio_status msio_put_commit(msio_put *store, const char *directory, int headers, const char *const *header,
                            bool *decided) {
    const char *names[MSIO_JOURNAL_RENAMES];
    int n = 0;
    *decided = false;
    if (headers + msio_put_exchanged(store, directory) > MSIO_JOURNAL_RENAMES)
        return msio_error_set(MSIO_E_UNSUPPORTED, directory,
                              "cells of %d columns that were never written, all or nothing is kept for %d", headers,
                              MSIO_JOURNAL_RENAMES);
    for (int i = 0; i < store->files; i++)
        if (is_exchanged_in(store, &store->file[i], directory)) names[n++] = store->file[i].as->path;
    for (int i = 0; i < headers; i++) names[n++] = header[i];
    for (int i = 0; i < store->places; i++) {
        msio_put_place *p = &store->place[i];
        if (strcmp(p->directory, directory) != 0 || (!p->journal && n < 2))
            continue; /* one rename is its own decision */
        msio_status status = p->journal ? MSIO_OK : msio_put_journal(p, MSIO_JOURNAL_WHOLE, 0, 0);
        if (status) return status;
        msio_journal_commit(p->journal, n, names);
        *decided = true;
    }
    return MSIO_OK;
}
