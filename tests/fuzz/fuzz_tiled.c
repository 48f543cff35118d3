/* fuzz_tiled.c - headers of the four tiled data managers. */
#include "fuzz_manager.h"
#include "io/layout/tiled/tiled_header.h"

static void parse(const msio_manager *manager, const uint8_t *bytes, int64_t length) {
    static const msio_tiled_kind kinds[] = {MSIO_TILED_COLUMN, MSIO_TILED_SHAPE, MSIO_TILED_CELL, MSIO_TILED_DATA};
    for (int i = 0; i < 4; i++) {
        msio_tiled *tiled;
        if (msio_tiled_parse(manager, kinds[i], bytes, length, &tiled) == MSIO_OK) msio_tiled_free(tiled);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_managers(data, size, parse);
    return 0;
}
