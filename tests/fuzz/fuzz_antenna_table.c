/* fuzz_antenna_table.c - tables of antennas as text: what is accepted stands on Earth. */
#include "fuzz_target.h"
#include "io/convert/antenna_table.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"", "a", "b", "pad 7", "name"};
    msio_antenna_table *table = NULL;
    if (msio_antenna_table_parse((const char *)data, (int64_t)size, "fuzz", &table)) return 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const msio_antenna_place *p = msio_antenna_table_find(table, names[i]);
        if (!p) continue;
        const double distance = hypot(hypot(p->position[0], p->position[1]), p->position[2]);
        if (i == 0 || !(distance > 5.9e6 && distance < 7.1e6) || !(p->diameter >= 0) || p->line < 1) abort();
    }
    msio_antenna_table_free(table);
    return 0;
}
