/* counting.c - a change told to everybody who has the table open. */
#include "io/write/counting.h"

msio_status msio_count_change(msio_access *access, int n, const int *manager, uint8_t record[MSIO_SYNC_RECORD_MOST],
                              int64_t *record_bytes) {
    const msio_table_dat *dat = access->snapshot->dat;
    msio_sync_facts facts = {access->rows, dat->columns, dat->managers};
    msio_status status = msio_lock_sync_bytes(access->lock, record, MSIO_SYNC_RECORD_MOST, record_bytes);
    if (!status) status = msio_sync_record_count(record, record_bytes, manager, n, &facts, access->table->path);
    return status ? status : msio_lock_put_sync(access->lock, record, *record_bytes);
}

msio_status msio_count_seen(msio_access *access, bool headers) {
    msio_table *t = access->table;
    msio_signature now;
    msio_table_lock(t);
    bool held = msio_table_is_held(t) && t->hold_writes;
    if (held) t->hold_number++;
    msio_table_unlock(t);
    if (!held) return MSIO_OK;
    if (headers) return msio_access_see_again(t, access->lock);
    if (msio_signature_read(t->path, access->lock, &now)) return MSIO_OK;
    msio_table_lock(t);
    t->seen = now;
    msio_table_unlock(t);
    return MSIO_OK;
}
