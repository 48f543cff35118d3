/* fuzz_earth_orientation.c - tables of the Earth's orientation: what is accepted answers with numbers of an Earth. */
#include "fuzz_target.h"
#include "io/convert/earth_orientation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Whether some days alone say of a time what the whole text says of it. */
static void check_some(const msio_earth *all, const char *text, int64_t length, double jd) {
    double one[3], other[3];
    msio_earth *some = NULL;
    if (msio_earth_at(all, jd, &one[0], &one[1], &one[2])) return;
    if (msio_earth_parse(text, length, "fuzz", jd, jd, &some)) abort();
    if (msio_earth_at(some, jd, &other[0], &other[1], &other[2]) || memcmp(one, other, sizeof one) != 0) abort();
    msio_earth_free(some);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    msio_earth *earth = NULL;
    const char *text = (const char *)data;
    int answers = 0;
    if (msio_earth_parse(text, (int64_t)size, "fuzz", 2460000.5, 2460001.5, &earth)) earth = NULL;
    msio_earth_free(earth); /* whatever is wrong elsewhere in the text */
    if (msio_earth_parse(text, (int64_t)size, "fuzz", NAN, NAN, &earth)) return 0;
    for (double mjd = 36990; mjd < 130010; mjd += 17.37) {
        double dut1, x, y;
        if (msio_earth_at(earth, mjd + 2400000.5, &dut1, &x, &y)) continue;
        if (!(fabs(dut1) <= 11) || !(fabs(x) <= 1e-4) || !(fabs(y) <= 1e-4)) abort();
        if (answers++ % 64 == 0) check_some(earth, text, (int64_t)size, mjd + 2400000.5);
    }
    double none;
    if (answers > 6000 || msio_earth_at(earth, NAN, &none, &none, &none) == 0) abort();
    msio_earth_free(earth);
    return 0;
}
