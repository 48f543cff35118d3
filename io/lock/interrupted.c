/* interrupted.c - writes that were cut short: found, and put back before the next one. */
#include "io/lock/interrupted.h"

#include "core/error.h"
#include "io/lock/sync_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static bool may_be_there(const char *directory) {
    char path[4096];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", directory, MSIO_JOURNAL_NAME);
    return lstat(path, &st) == 0;
}

msio_status msio_interrupted_repair(const char *directory, msio_lock *lock, msio_interrupted *found) {
    uint8_t record[MSIO_SYNC_RECORD_MOST];
    int64_t length = 0;
    msio_left_block *blocks = NULL;
    int n = 0;
    *found = (msio_interrupted){.left = MSIO_LEFT_NOTHING};
    if (!may_be_there(directory)) return MSIO_OK;
    msio_status status = msio_lock_sync_bytes(lock, record, sizeof record, &length);
    if (!status) status = msio_journal_look(directory, record, length, &found->left, &found->facts, &blocks, &n);
    free(blocks);
    if (!status) status = msio_journal_restore(directory, record, length, &found->restored);
    if (status || !found->restored || length == 0) return status;
    status = msio_sync_record_count_all(record, length, lock ? directory : NULL);
    return status ? status : msio_lock_put_sync(lock, record, length);
}
