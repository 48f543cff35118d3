/* ism_walk.c - IncrementalStMan: from wanted rows to stored values, each of which holds until the next. */
#include "core/checked.h"
#include "core/error.h"
#include "io/files/stored.h"
#include "io/layout/incremental/ism.h"

#include <inttypes.h>

/* A bucket begins with the place of its index; these bits say that rows in it have 64 bits instead. */
#define WIDE_ROWS 0xf0000000u
#define BUCKET_HEADER 4

msio_status msio_ism_walk_start(msio_ism_walk *walk, const msio_ism *ism, const msio_column_dat *column,
                                const msio_rows *rows, msio_window *window) {
    *walk = (msio_ism_walk){.ism = ism, .column = column, .rows = rows, .window = window};
    return msio_bucket_walk_start(&walk->bucket, &ism->index, rows, window->path);
}

static msio_status bad_bucket(const msio_ism_walk *walk, const char *what) {
    return msio_error_set(MSIO_E_FORMAT, walk->window->path,
                          "column %s: the bucket at offset %" PRId64 " (rows %" PRId64 " to %" PRId64
                          ") %s: it is damaged",
                          walk->column->name, walk->bucket.address, walk->bucket.start, walk->bucket.last, what);
}

/* Finds the column's entries in the bucket's index, which has those of every column before. */
static msio_status find_entries(msio_ism_walk *walk, const uint8_t *bucket, int64_t size) {
    bool big = walk->ism->big;
    uint32_t word = msio_stored_u32(bucket, big);
    int64_t at = word & ~WIDE_ROWS, n = 0;
    walk->row_bytes = word & WIDE_ROWS ? 8 : 4;
    if (at < BUCKET_HEADER || at > size) return bad_bucket(walk, "has its index outside");
    walk->data = bucket + BUCKET_HEADER;
    walk->data_bytes = at - BUCKET_HEADER;
    for (int i = 0; i <= walk->column->number; i++) {
        at += n * (walk->row_bytes + 4);
        if (size - at < 4) return bad_bucket(walk, "has an index that does not fit");
        n = msio_stored_u32(bucket + at, big);
        at += 4;
        if (n > (size - at) / (walk->row_bytes + 4)) return bad_bucket(walk, "has an index that does not fit");
    }
    walk->entries = n;
    walk->entry = 0;
    walk->entry_row = bucket + at;
    walk->entry_value = bucket + at + n * walk->row_bytes;
    return MSIO_OK;
}

/* The row, counted from the bucket's first, from which entry i holds. */
static int64_t row_of(const msio_ism_walk *walk, int64_t i) {
    const uint8_t *p = walk->entry_row + i * walk->row_bytes;
    return walk->row_bytes == 8 ? msio_stored_i64(p, walk->ism->big) : (int64_t)msio_stored_u32(p, walk->ism->big);
}

static msio_status enter_bucket(msio_ism_walk *walk) {
    int64_t size = walk->ism->bucket_size;
    if (size < BUCKET_HEADER) return bad_bucket(walk, "is too small for anything");
    const uint8_t *bucket = msio_window_get(walk->window, walk->bucket.address, size);
    if (!bucket) return walk->window->status;
    msio_status status = find_entries(walk, bucket, size);
    if (status) return status;
    return walk->entries > 0 && row_of(walk, 0) == 0 ? MSIO_OK : bad_bucket(walk, "has no value for its first row");
}

/* Moves to the last entry that begins at row or before. The one now was such an entry for an earlier row. *next: where
 * the entry behind it begins. */
static void find_entry(msio_ism_walk *walk, int64_t row, int64_t *next) {
    int64_t low = walk->entry, high = low + 1, step = 1;
    *next = INT64_MAX;
    while (high < walk->entries && (*next = row_of(walk, high)) <= row) { /* gallop: mostly it is near */
        low = high;
        high = low + step;
        step *= 2;
    }
    if (high >= walk->entries) {
        high = walk->entries;
        *next = INT64_MAX;
    }
    while (low + 1 < high) {
        int64_t middle = low + (high - low) / 2, at = row_of(walk, middle);
        if (at <= row) {
            low = middle;
        } else {
            high = middle;
            *next = at;
        }
    }
    walk->entry = low;
}

msio_status msio_ism_walk_next(msio_ism_walk *walk) {
    msio_bucket_walk *b = &walk->bucket;
    msio_status status;
    walk->from += walk->count;
    walk->count = 0;
    if (walk->from >= b->from + b->count) {
        if (!msio_bucket_walk_next(b)) return MSIO_END;
        if ((status = enter_bucket(walk))) return status;
    }
    int64_t row = msio_rows_row(walk->rows, walk->from), next, position;
    find_entry(walk, row - b->start, &next);
    int64_t last = next > b->last - b->start ? b->last : b->start + next - 1;
    walk->count = msio_min(msio_rows_after(walk->rows, walk->from, last), b->from + b->count) - walk->from;
    position = msio_stored_u32(walk->entry_value + 4 * walk->entry, walk->ism->big);
    if (walk->count < 1 || position > walk->data_bytes) return bad_bucket(walk, "has a value outside its data");
    walk->value = walk->data + position;
    walk->length = walk->data_bytes - position;
    walk->address = b->address + BUCKET_HEADER + position;
    int64_t first = row_of(walk, walk->entry);
    walk->first = first < 0 ? -1 : b->start + first; /* a damaged one */
    walk->last = last;
    return MSIO_OK;
}

/* Whether the walk's rows are all that have its value; equal ones may repeat. */
static bool is_whole(const msio_ism_walk *walk) {
    const msio_rows *rows = walk->rows;
    int64_t different = 1;
    if (walk->first < 0) return false;
    if (!rows->row) return walk->count == walk->last - walk->first + 1;
    for (int64_t i = walk->from + 1; i < walk->from + walk->count; i++) different += rows->row[i] != rows->row[i - 1];
    return different == walk->last - walk->first + 1;
}

msio_status msio_ism_shares(const msio_manager *manager, const msio_column_dat *column, const msio_rows *rows,
                            msio_share_sink sink, void *user) {
    const msio_ism *ism = manager->state;
    msio_window window;
    msio_ism_walk walk;
    msio_window_open(&window, ism->file);
    msio_status status = msio_ism_walk_start(&walk, ism, column, rows, &window);
    while (!status && !(status = msio_ism_walk_next(&walk)))
        status = sink(user, walk.from, walk.count, is_whole(&walk));
    return msio_window_close(&window, status == MSIO_END ? MSIO_OK : status);
}

msio_status msio_ism_each_offset(const msio_ism *ism, const msio_column_dat *column, const msio_rows *rows,
                                 msio_array_visit visit, void *job) {
    msio_window window;
    msio_ism_walk walk;
    msio_window_open(&window, ism->file);
    msio_status status = msio_ism_walk_start(&walk, ism, column, rows, &window);
    while (!status && !(status = msio_ism_walk_next(&walk))) {
        if (walk.length < 8)
            status = bad_bucket(&walk, "has a value outside its data");
        else
            status = visit(job, walk.from, walk.count, msio_stored_i64(walk.value, ism->big));
    }
    return msio_window_close(&window, status == MSIO_END ? MSIO_OK : status);
}
