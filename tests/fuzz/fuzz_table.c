/* fuzz_table.c - a whole table: the input is a pack (table_pack.h), unpacked into memory's file system; its table is
 * opened, described and read. What the layouts read beyond their headers is reached here: buckets, indirect arrays,
 * the sync record, references to other tables. */
#include "fuzz_target.h"
#include "read_everything.h"
#include "unpacked_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[80];
    everything e;
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    if (!unpack_table(data, size, path, sizeof path)) return 0;
    opts.native = MSIO_NATIVE_YES;
    opts.lock_seconds = 0;
    read_everything(path, &opts, size & 1 ? MSIO_WAY_MAPPED : MSIO_WAY_AUTO, &e);
    pack_remove(folder);
    return 0;
}
