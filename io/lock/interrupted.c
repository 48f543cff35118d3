/* interrupted.c - writes that were cut short: found, and put back before the next one. */
#include "io/lock/interrupted.h"

#include "core/error.h"
#include "core/writing.h"
#include "io/lock/sync_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool may_be_there(const char *directory) {
    char path[4096];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", directory, MSIO_JOURNAL_NAME);
    return lstat(path, &st) == 0;
}

static msio_status put_back(const char *directory, msio_lock *lock, msio_interrupted *found) {
    uint8_t record[MSIO_SYNC_RECORD_MOST];
    int64_t length = 0;
    msio_left_block *blocks = NULL;
    int n = 0;
    msio_status status = msio_lock_sync_bytes(lock, record, sizeof record, &length);
    if (!status) status = msio_journal_look(directory, record, length, &found->left, &found->facts, &blocks, &n);
    free(blocks);
    if (!status) status = msio_journal_restore(directory, record, length, &found->restored);
    /* Also where nothing was put back: readers must look again. */
    if (status || (!found->restored && n == 0) || length == 0) return status;
    status = msio_sync_record_count_all(record, length, lock ? directory : NULL);
    return status ? status : msio_lock_put_sync(lock, record, length);
}

msio_status msio_interrupted_repair(const char *directory, msio_lock *lock, msio_interrupted *found) {
    msio_writing writing; /* beyond `ulimit -f` it fails, and no signal comes */
    *found = (msio_interrupted){.left = MSIO_LEFT_NOTHING};
    if (!may_be_there(directory)) return MSIO_OK;
    msio_writing_begin(&writing);
    msio_status status = put_back(directory, lock, found);
    msio_writing_end(&writing);
    return status;
}

/* ---------------------------------------------------------------- for readers */

msio_left *msio_left_find(const char *directory, const uint8_t *record, int64_t record_bytes) {
    msio_error_copy before;
    if (!may_be_there(directory)) return NULL;
    msio_left *left = calloc(1, sizeof *left + strlen(directory) + 1);
    if (!left) return NULL;
    strcpy(left->path, directory);
    msio_error_save(&before);
    msio_status status =
        msio_journal_look(directory, record, record_bytes, &left->what, &left->facts, &left->block, &left->blocks);
    (void)msio_error_restore(&before);
    if (status == MSIO_OK && left->what != MSIO_LEFT_NOTHING) return left;
    msio_left_free(left);
    return NULL;
}

void msio_left_free(msio_left *left) {
    if (!left) return;
    free(left->block);
    free(left);
}

msio_status msio_left_check(const msio_file *file, int64_t offset, int64_t length) {
    const msio_left *l = file->left;
    for (int i = 0; i < l->blocks; i++) {
        const msio_left_block *b = &l->block[i];
        if (b->device != file->stamp.device || b->inode != file->stamp.inode) continue;
        if (offset >= b->offset + b->length || b->offset >= offset + length) continue;
        return msio_error_set(MSIO_E_INTERRUPTED, l->path,
                              "a write of rows %lld to %lld of %s was interrupted, and values that were asked for may "
                              "be half new; run msio repair %s",
                              (long long)l->facts.first_row, (long long)l->facts.last_row, l->facts.columns, l->path);
    }
    return MSIO_OK;
}
