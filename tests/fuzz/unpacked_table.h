/* unpacked_table.h - for fuzz targets: the input, a pack, as a table in memory's file system. */
#ifndef MSIO_TESTS_FUZZ_UNPACKED_TABLE_H
#define MSIO_TESTS_FUZZ_UNPACKED_TABLE_H

#include "msio/io.h"
#include "table_pack.h"

static char folder[64];

static inline void remove_folder(void) { pack_remove(folder); }

/* Unpacks into the folder, which is made at the first call, and tells the table's path. False where none can be made.
 */
static inline bool unpack_table(const uint8_t *data, size_t size, char *path, size_t room) {
    if (!folder[0]) {
        if (!pack_make_folder(folder)) return false;
        atexit(remove_folder);
        msio_pool_set_limit((size_t)8 << 20);
    } else {
        mkdir(folder, 0700);
    }
    pack_unpack(data, size, folder);
    snprintf(path, room, "%s/t", folder);
    return true;
}

#endif
