/* advice.c - lines of advice for the profiler's report. */
#include "prof/advice.h"

#include "prof/span.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static struct {
    char line[MSIO_ADVICE_BYTES];
    long times;
} given[MSIO_ADVICE_MOST];
static int lines;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

bool msio_advice_wanted(void) { return atomic_load_explicit(&msio_prof_enabled, memory_order_relaxed) != 0; }

void msio_advice_give(const char *line) {
    int i = 0;
    if (!msio_advice_wanted()) return;
    pthread_mutex_lock(&mutex);
    while (i < lines && strncmp(given[i].line, line, MSIO_ADVICE_BYTES - 1) != 0) i++;
    if (i == lines && lines < MSIO_ADVICE_MOST) {
        snprintf(given[i].line, sizeof given[i].line, "%s", line);
        given[i].times = 0;
        lines++;
    }
    if (i < lines) given[i].times++;
    pthread_mutex_unlock(&mutex);
}

void msio_advice_reset(void) {
    pthread_mutex_lock(&mutex);
    lines = 0;
    pthread_mutex_unlock(&mutex);
}

void msio_advice_each(FILE *out, void (*write)(FILE *out, const char *line, int64_t index, long times)) {
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < lines; i++) write(out, given[i].line, i, given[i].times);
    pthread_mutex_unlock(&mutex);
}
