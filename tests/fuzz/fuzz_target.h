/* fuzz_target.h - the function of a fuzz target: libFuzzer's, or the replayer's. */
#ifndef MSIO_TESTS_FUZZ_TARGET_H
#define MSIO_TESTS_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

/* Takes any bytes, of a file or of the fuzzer's making. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
