/* fuzz_ism.c - header and index of IncrementalStMan. */
#include "fuzz_manager.h"
#include "io/layout/incremental/ism.h"

static void parse(const msio_manager *manager, const uint8_t *bytes, int64_t length) {
    msio_ism *ism;
    if (msio_ism_parse(manager, bytes, length, &ism) == MSIO_OK) msio_ism_free(ism);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_managers(data, size, parse);
    return 0;
}
