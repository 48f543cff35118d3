/* fuzz_table_dat.c - table.dat. */
#include "fuzz_target.h"
#include "io/aipsio/table_dat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    msio_table_dat *dat;
    if (msio_table_dat_parse(data, (int64_t)size, "table.dat", &dat) == MSIO_OK) msio_table_dat_free(dat);
    return 0;
}
