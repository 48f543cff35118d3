/* advice.c - lines of advice for the profiler's report. */
#include "prof/advice.h"

#include "core/lock.h"
#include "prof/span.h"

#include <stdatomic.h>
#include <string.h>

typedef struct advice {
    char line[MSIO_ADVICE_BYTES];
    long times;
} advice;

/* Under MSIO_LOCK_ADVICE. */
static advice given[MSIO_ADVICE_MOST];
static int lines;

bool msio_advice_wanted(void) { return atomic_load_explicit(&msio_prof_enabled, memory_order_relaxed) != 0; }

void msio_advice_give(const char *line) {
    int i = 0;
    if (!msio_advice_wanted()) return;
    msio_lock_brief(MSIO_LOCK_ADVICE);
    while (i < lines && strncmp(given[i].line, line, MSIO_ADVICE_BYTES - 1) != 0) i++;
    if (i == lines && lines < MSIO_ADVICE_MOST) {
        snprintf(given[i].line, sizeof given[i].line, "%s", line);
        given[i].times = 0;
        lines++;
    }
    if (i < lines) given[i].times++;
    msio_unlock_brief(MSIO_LOCK_ADVICE);
}

void msio_advice_reset(void) {
    msio_lock_brief(MSIO_LOCK_ADVICE);
    lines = 0;
    msio_unlock_brief(MSIO_LOCK_ADVICE);
}

void msio_advice_each(FILE *out, void (*write)(FILE *out, const char *line, int64_t index, long times)) {
    advice told[MSIO_ADVICE_MOST]; /* a copy: whoever reads `out` may take its time */
    msio_lock_brief(MSIO_LOCK_ADVICE);
    int n = lines;
    memcpy(told, given, sizeof told);
    msio_unlock_brief(MSIO_LOCK_ADVICE);
    for (int i = 0; i < n; i++) write(out, told[i].line, i, told[i].times);
}
