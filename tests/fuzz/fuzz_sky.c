/* fuzz_sky.c - models of the sky as text: whatever is accepted holds numbers that prediction can use. */
#include "fuzz_target.h"
#include "msio/visibility.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    msio_sky *sky = NULL;
    if (msio_sky_parse((const char *)data, size, "fuzz", &sky)) return 0;
    for (int64_t k = 0; k < msio_sky_count(sky); k++) {
        const msio_sky_component *c = msio_sky_at(sky, k);
        double stokes[4];
        msio_sky_stokes(c, 1.4e9, stokes);
        if (!isfinite(c->ra) || !(fabs(c->dec) <= 1.571) || !(c->major >= 0) || !(c->minor >= 0)) abort();
        for (int p = 1; p < 4; p++)
            if (!isfinite(stokes[p])) abort();
    }
    msio_sky_free(sky);
    return 0;
}
