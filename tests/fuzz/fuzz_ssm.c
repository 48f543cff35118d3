/* fuzz_ssm.c - header and index of StandardStMan. */
#include "fuzz_manager.h"
#include "io/layout/standard/ssm.h"

static void parse(const msio_manager *manager, const uint8_t *bytes, int64_t length) {
    msio_ssm *ssm;
    if (msio_ssm_parse(manager, bytes, length, &ssm) == MSIO_OK) msio_ssm_free(ssm);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_managers(data, size, parse);
    return 0;
}
