/* fuzz_write.c - a whole table that is written: the input is a pack, as fuzz_table's. Whatever its headers say, a write
 * stays within the files as they are: none grows, none is cut, none appears. */
#include "fuzz_target.h"
#include "msio/write.h"
#include "read_everything.h"
#include "unpacked_table.h"

#include <ftw.h>

static uint64_t seen; /* of names and sizes */

/* The order of a folder's entries does not matter. */
static int look_at(const char *path, const struct stat *info, int kind, struct FTW *where) {
    everything e = {.hash = 1469598103934665603u};
    const char *name = path + where->base;
    if (kind != FTW_F || strcmp(name, "table.lock") == 0) return 0; /* which counts the write */
    everything_text(&e, path);
    everything_mix(&e, &info->st_size, sizeof info->st_size);
    seen += e.hash;
    return 0;
}

static uint64_t look(void) {
    seen = 0;
    (void)nftw(folder, look_at, 16, FTW_PHYS);
    return seen;
}

/* Strings of up to twelve bytes into the first rows. */
static void write_strings(const msio_column *column, const msio_write_opts *opts) {
    static char text[] = "abcdefghijkl";
    enum { CELLS = 4 };
    int64_t offsets[CELLS + 1] = {0, 1, 2, 3, 4}, shapes[CELLS * MSIO_MAX_NDIM] = {0}, ends[] = {0, 0, 1, 9, 12};
    int8_t ndims[CELLS] = {0};
    uint8_t defined[CELLS] = {1, 1, 1, (uint8_t)opts->atomic};
    msio_ragged in = {MSIO_STRING, CELLS, offsets, shapes, ndims, defined, NULL, sizeof text - 1, ends, text};
    msio_select select = MSIO_SELECT_ALL;
    select.rows = CELLS;
    (void)msio_write_ragged(column, &select, &in, opts);
}

static void write_column(const msio_column *column, int round) {
    static const uint8_t ones[16] = {0xff, 1, 0xff, 1, 0xff, 1, 0xff, 1, 0xff, 1, 0xff, 1, 0xff, 1, 0xff, 1};
    msio_write_opts opts = MSIO_WRITE_OPTS_INIT;
    msio_select select = MSIO_SELECT_ALL;
    const msio_column_info *info = msio_column_describe(column);
    if (!info || (msio_type_size(info->type) == 0 && info->type != MSIO_STRING)) return;
    opts.threads = 1;
    opts.atomic = round == 1;
    opts.unguarded = round == 2;
    if (info->type == MSIO_STRING) {
        write_strings(column, &opts);
        return;
    }
    if (round == 3) select.row_step = 3;
    if (round == 4) select.rows = 5;
    if (round == 5 && info->ndim > 0) select.corrs = 1;
    (void)msio_write_value(column, &select, ones, msio_type_size(info->type), &opts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[80];
    everything e;
    msio_table *table;
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    if (!unpack_table(data, size, path, sizeof path)) return 0;
    opts.native = MSIO_NATIVE_YES;
    opts.lock_seconds = 0;
    opts.writable = 1;
    if (msio_table_open(path, &opts, &table) == MSIO_OK) {
        const uint64_t before = look();
        const char *name;
        for (int i = 0; i < 16 && (name = msio_table_column_name(table, i)); i++) {
            const msio_column *column;
            if (msio_table_rows(table) <= EVERYTHING_ROWS && !msio_table_column(table, name, &column))
                write_column(column, (int)(size + (size_t)i) % 6);
        }
        if (look() != before) abort();
        msio_table_close(table);
        read_everything(path, &opts, MSIO_WAY_AUTO, &e);
    }
    pack_remove(folder);
    return 0;
}
