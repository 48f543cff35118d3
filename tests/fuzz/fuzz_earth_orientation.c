/* fuzz_earth_orientation.c - tables of the Earth's orientation: what is accepted answers with numbers of an Earth. */
#include "fuzz_target.h"
#include "io/convert/earth_orientation.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    msio_earth *earth = NULL;
    int answers = 0;
    if (msio_earth_parse((const char *)data, (int64_t)size, "fuzz", &earth)) return 0;
    for (double mjd = 36990; mjd < 130010; mjd += 17.37) {
        double dut1, x, y;
        if (msio_earth_at(earth, mjd + 2400000.5, &dut1, &x, &y)) continue;
        if (!(fabs(dut1) <= 11) || !(fabs(x) <= 1e-4) || !(fabs(y) <= 1e-4)) abort();
        answers++;
    }
    double none;
    if (answers > 6000 || msio_earth_at(earth, NAN, &none, &none, &none) == 0) abort();
    msio_earth_free(earth);
    return 0;
}
