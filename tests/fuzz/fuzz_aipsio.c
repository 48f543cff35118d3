/* fuzz_aipsio.c - AipsIO: objects, blocks, shapes, values and keyword records, in both byte orders. */
#include "fuzz_target.h"
#include "io/aipsio/aipsio.h"
#include "io/aipsio/record.h"

static void run(const uint8_t *data, size_t size, bool big, int what) {
    static const msio_type types[] = {MSIO_BOOL, MSIO_SHORT, MSIO_DOUBLE, MSIO_DCOMPLEX, MSIO_STRING, MSIO_INT64};
    msio_arena arena = {0};
    msio_aips a;
    int64_t n, shape[MSIO_MAX_NDIM + 1];
    int ndim;
    msio_aips_start(&a, data, (int64_t)size, big, "fuzz", &arena);
    if (what == 0) {
        msio_record_parse(&a);
    } else if (what == 1) {
        msio_aips_enter(&a, NULL, 3);
        msio_aips_shape(&a, &ndim, shape);
        msio_aips_block(&a, true, &n);
        msio_aips_leave(&a);
    } else {
        msio_aips_peek(&a);
        msio_aips_enter(&a, "sync", 2);
        msio_aips_block(&a, false, &n);
        msio_aips_skip_shape(&a);
        n = msio_aips_count(&a, 1);
        msio_aips_values(&a, types[size % 6], n);
        msio_aips_leave(&a);
    }
    msio_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    for (int what = 0; what < 3; what++) {
        run(data, size, true, what);
        run(data, size, false, what);
    }
    return 0;
}
