/* fuzz_manager.h - for targets that parse a data manager's file: the input is four bytes with the length of a table.dat
 * (little endian), that table.dat, and the manager's file. */
#ifndef MSIO_TESTS_FUZZ_MANAGER_H
#define MSIO_TESTS_FUZZ_MANAGER_H

#include "fuzz_target.h"
#include "io/layout/layout.h"

typedef void (*fuzz_parser)(const msio_manager *manager, const uint8_t *bytes, int64_t length);

/* Calls the parser with every manager that the table.dat has, at most 4. */
static inline void fuzz_managers(const uint8_t *data, size_t size, fuzz_parser parse) {
    msio_table_dat *dat;
    if (size < 4) return;
    size_t length = (size_t)data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16 | (size_t)data[3] << 24;
    data += 4;
    size -= 4;
    if (length > size) length = size;
    if (msio_table_dat_parse(data, (int64_t)length, "table.dat", &dat)) return;
    for (int i = 0; i < dat->managers && i < 4; i++) {
        msio_manager manager = {.dat = dat, .index = i, .rows = dat->rows, .directory = "."};
        parse(&manager, data + length, (int64_t)(size - length));
    }
    msio_table_dat_free(dat);
}

#endif
