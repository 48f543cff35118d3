/* sync_record.c - the record in table.lock: its counters raised in place, or a whole one made. */
#include "io/lock/sync_record.h"

#include "core/error.h"
#include "io/aipsio/aipsio.h"
#include "io/aipsio/aipsio_write.h"

#include <stdlib.h>
#include <string.h>

/* More would not fit a page. */
#define MOST_MANAGERS 900
/* Rows beyond this take the record's second version. */
#define FIRST_ROWS INT64_C(0x7fffffff)

static uint32_t load_u32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void store_u32(uint8_t *p, uint32_t v) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* Where the counters of a record lie. */
typedef struct places {
    int64_t changes; /* modifyCounter */
    int64_t managers, first;
} places;

static msio_status find_counters(const uint8_t *record, int64_t length, const char *path, places *at) {
    msio_arena arena = {0};
    msio_aips a;
    msio_aips_start(&a, record + 4, length - 4, true, path, &arena);
    if (msio_aips_enter(&a, "sync", 2) == 2)
        msio_aips_u64(&a);
    else
        msio_aips_u32(&a);
    int32_t columns = msio_aips_i32(&a);
    at->changes = 4 + a.at;
    msio_aips_u32(&a);
    at->managers = at->first = 0;
    if (columns >= 0) {
        msio_aips_u32(&a); /* changes of the table's description */
        msio_aips_enter(&a, "Block", 1);
        at->managers = msio_aips_count(&a, 4);
        at->first = 4 + a.at;
        msio_aips_raw(&a, 4 * at->managers);
        msio_aips_leave(&a);
    }
    msio_aips_leave(&a);
    msio_arena_free(&arena);
    return a.status;
}

/* A record without a change yet. */
static msio_status make(uint8_t *record, int64_t *length, const msio_sync_facts *facts, const char *path) {
    msio_aips_out out = {0};
    static const uint32_t none[MOST_MANAGERS];
    bool wide = facts->rows > FIRST_ROWS;
    msio_aips_put_enter(&out, "sync", wide ? 2 : 1);
    if (wide)
        msio_aips_put_u64(&out, (uint64_t)facts->rows);
    else
        msio_aips_put_u32(&out, (uint32_t)facts->rows);
    msio_aips_put_u32(&out, (uint32_t)facts->columns);
    msio_aips_put_u32(&out, 0); /* changes */
    msio_aips_put_u32(&out, 0); /* changes of the description */
    msio_aips_put_block(&out, facts->managers, none);
    msio_aips_put_leave(&out);
    if (!out.failed) {
        store_u32(record, (uint32_t)out.length);
        memcpy(record + 4, out.bytes, (size_t)out.length);
        *length = 4 + out.length;
    }
    free(out.bytes);
    return out.failed ? msio_error_set(MSIO_E_MEMORY, path, "no memory for a write") : MSIO_OK;
}

/* ---------------------------------------------------------------- counting */

static void raise(uint8_t *counter) { store_u32(counter, load_u32(counter) + 1); }

msio_status msio_sync_record_count(uint8_t record[MSIO_SYNC_RECORD_MOST], int64_t *length, const int *manager,
                                   int managers, const msio_sync_facts *facts, const char *path) {
    places at;
    if (*length > MSIO_SYNC_RECORD_MOST || (*length == 0 && facts->managers > MOST_MANAGERS))
        return msio_error_set(MSIO_E_UNSUPPORTED, path,
                              "the table's record of changes is larger than a page (%d data managers): it cannot be "
                              "changed at once; write through casacore",
                              facts->managers);
    msio_status status = *length ? MSIO_OK : make(record, length, facts, path);
    if (!status) status = find_counters(record, *length, path, &at);
    for (int i = 0; i < managers && !status; i++)
        if (manager[i] < 0 || manager[i] >= at.managers)
            status = msio_error_set(MSIO_E_FORMAT, path,
                                    "the record of changes counts %lld data managers, the table has number %d: open "
                                    "the table for writing with casacore once, which puts it right",
                                    (long long)at.managers, manager[i]);
    if (status) return status;
    raise(record + at.changes);
    for (int i = 0; i < managers; i++) raise(record + at.first + 4 * manager[i]);
    return MSIO_OK;
}

msio_status msio_sync_record_count_all(uint8_t *record, int64_t length, const char *path) {
    places at;
    msio_status status = find_counters(record, length, path, &at);
    if (status) return status;
    raise(record + at.changes);
    for (int64_t i = 0; i < at.managers; i++) raise(record + at.first + 4 * i);
    return MSIO_OK;
}
