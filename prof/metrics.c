/* metrics.c - counts of all processes as an OpenMetrics text file (OpenMetrics 1.0, sections 3 and 5). */
#include "prof/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "core/error.h"
#include "core/lock.h"
#include "core/writing.h"
#include "prof/clock.h"
#include "prof/control.h"
#include "prof/paths.h"
#include "prof/report.h"
#include "prof/span.h"

#define BOUNDS 16              /* 1 us times 4, and again, to 1074 s; then +Inf */
#define LOCK_TRIES 200         /* at exit, 10 ms between them */
#define RETRY_NS 1000000000u   /* after another process had the lock */
#define STATE_MAGIC "msioMET1" /* the version is in it, and in the layout */
#define EVERY_SECONDS 15       /* as often as Prometheus asks, by default */
#define NO_DUE UINT64_MAX

typedef struct metrics_path {
    uint64_t inclusive_ns, self_ns, bytes, bytes_read, rows, pieces;
    uint64_t calls[BOUNDS + 1]; /* by bucket; not cumulative */
} metrics_path;

/* What the state file holds, as it stands in memory: it never leaves its machine. */
typedef struct metrics_state {
    char magic[8];
    uint64_t layout; /* of the names of paths and the size of all this */
    uint64_t processes, lost;
    metrics_path path[PROF_PATHS];
    uint64_t sum; /* of all before */
} metrics_state;

/* Guarded by `busy`, which is a lock that nobody waits for but at begin and end; fork opens it in the child. */
static atomic_bool busy;
static char *file, *state_file, *making_file;
static msio_metrics options;
static metrics_state told; /* counts of this process that stand in the file already, of told_generation */
static uint64_t told_generation;
static int state_fd = -1;

/* ---------------------------------------------------------------- what was asked for */

const char *msio_metrics_parse(const char *text, msio_metrics *how) {
    how->every = EVERY_SECONDS;
    how->service[0] = 0;
    if (strncmp(text, "metrics", 7) != 0) return NULL;
    text += 7;
    while (*text == '+') {
        if (strncmp(text, "+every=", 7) == 0) {
            char *end;
            how->every = strtod(text + 7, &end);
            if (end == text + 7 || !(how->every >= 1 && how->every <= 86400)) return NULL;
            text = end;
        } else if (strncmp(text, "+service=", 9) == 0) {
            size_t length = strcspn(text + 9, "+:");
            if (length == 0 || length >= sizeof how->service) return NULL;
            memcpy(how->service, text + 9, length);
            how->service[length] = 0;
            text += 9 + length;
        } else {
            return NULL;
        }
    }
    return *text == ':' && text[1] ? text + 1 : NULL;
}

/* ---------------------------------------------------------------- counts */

static double bound_seconds(int i) { return ldexp(1e-6, 2 * i); }

static int bucket_of(double seconds) {
    int i = 0;
    while (i < BOUNDS && seconds > bound_seconds(i)) i++;
    return i;
}

static uint64_t ns_of(uint64_t ticks, double tick_seconds) {
    return (uint64_t)llround((double)ticks * tick_seconds * 1e9);
}

static void counts_of(const msio_totals *totals, metrics_state *counts) {
    memset(counts, 0, sizeof *counts);
    counts->lost = totals->dropped;
    for (int i = 0; i < PROF_PATHS; i++) {
        const msio_totals_path *from = &totals->paths[i];
        metrics_path *to = &counts->path[i];
        to->inclusive_ns = ns_of(from->inclusive, totals->tick_seconds);
        to->self_ns = ns_of(from->self, totals->tick_seconds);
        to->bytes = (uint64_t)from->bytes;
        to->bytes_read = (uint64_t)from->bytes_read;
        to->rows = (uint64_t)from->rows;
        to->pieces = (uint64_t)from->pieces;
        for (unsigned k = 0; k < MSIO_HISTOGRAM_BUCKETS; k++)
            if (from->histogram[k])
                to->calls[bucket_of((double)msio_histogram_highest(k) * totals->tick_seconds)] += from->histogram[k];
    }
}

/* The state is numbers from `processes` on. */
static uint64_t *numbers_of(metrics_state *state) { return &state->processes; }
#define NUMBERS ((sizeof(metrics_state) - offsetof(metrics_state, processes)) / sizeof(uint64_t) - 1)

/* What was counted since `before` is added. A count that fell (its clock was calibrated anew) adds nothing. */
static void state_add(metrics_state *state, metrics_state *now, metrics_state *before) {
    for (size_t i = 0; i < NUMBERS; i++) {
        uint64_t more = numbers_of(now)[i], less = numbers_of(before)[i];
        if (more > less) numbers_of(state)[i] += more - less;
    }
}

/* ---------------------------------------------------------------- the state file */

static uint64_t mix(uint64_t sum, const void *bytes, size_t size) { /* FNV-1a */
    const unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++) sum = (sum ^ at[i]) * 1099511628211u;
    return sum;
}

static uint64_t layout_now(void) {
    uint64_t size = sizeof(metrics_state), sum = mix(14695981039346656037u, &size, sizeof size);
    for (int i = 0; i < PROF_PATHS; i++) sum = mix(sum, msio_path_texts[i].name, strlen(msio_path_texts[i].name) + 1);
    return sum;
}

static uint64_t sum_of(const metrics_state *state) {
    return mix(14695981039346656037u, state, offsetof(metrics_state, sum));
}

/* The state as it stands; from zero where there is none that can be believed. */
static void state_read(int fd, metrics_state *state) {
    ssize_t got = pread(fd, state, sizeof *state, 0);
    if (got == (ssize_t)sizeof *state && memcmp(state->magic, STATE_MAGIC, sizeof state->magic) == 0 &&
        state->layout == layout_now() && state->sum == sum_of(state))
        return;
    memset(state, 0, sizeof *state);
    memcpy(state->magic, STATE_MAGIC, sizeof state->magic);
    state->layout = layout_now();
}

/* The state file, locked; -1 where another process has it (after the tries) or it cannot be opened: errno tells. */
static int state_open(int tries) {
    const struct timespec pause = {0, 10000000};
    int fd = open(state_file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    for (int i = 0; fd >= 0; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
        if ((errno == EWOULDBLOCK || errno == EINTR) && i < tries) {
            nanosleep(&pause, NULL);
            continue;
        }
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

/* ---------------------------------------------------------------- the text */

/* A label's value: the three characters that are escaped (OpenMetrics 1.0, "escaped-string"). */
static void put_escaped(FILE *out, const char *text) {
    for (const char *at = text; *at;) {
        int length = msio_report_utf8_length(at);
        if (*at == '\n')
            fputs("\\n", out);
        else if (*at == '"' || *at == '\\')
            fprintf(out, "\\%c", *at);
        else if (length > 0)
            fwrite(at, 1, (size_t)length, out);
        else
            fputs("\xef\xbf\xbd", out);
        at += length > 0 ? length : 1;
    }
}

/* {service="...",path="read"; the caller closes it. */
static void put_labels(FILE *out, const char *path) {
    fputc('{', out);
    if (options.service[0]) {
        fputs("service=\"", out);
        put_escaped(out, options.service);
        fputs(path ? "\"," : "\"", out);
    }
    if (!path) return;
    fputs("path=\"", out);
    put_escaped(out, path);
    fputc('"', out);
}

static void put_head(FILE *out, const char *name, const char *type, const char *unit, const char *help) {
    fprintf(out, "# TYPE %s %s\n", name, type);
    if (unit) fprintf(out, "# UNIT %s %s\n", name, unit);
    fprintf(out, "# HELP %s %s\n", name, help);
}

static uint64_t calls_of(const metrics_path *path) {
    uint64_t calls = 0;
    for (int i = 0; i <= BOUNDS; i++) calls += path->calls[i];
    return calls;
}

static void put_histograms(FILE *out, const metrics_state *state) {
    put_head(out, "msio_span_seconds", "histogram", "seconds",
             "Time of single calls of a path of msio, with the paths inside it.");
    for (int i = 0; i < PROF_PATHS; i++) {
        const metrics_path *path = &state->path[i];
        uint64_t calls = 0, all = calls_of(path);
        if (all == 0) continue;
        for (int k = 0; k <= BOUNDS; k++) {
            calls += path->calls[k];
            fputs("msio_span_seconds_bucket", out);
            put_labels(out, msio_path_texts[i].name);
            if (k < BOUNDS)
                fprintf(out, ",le=\"%.9g\"} %" PRIu64 "\n", bound_seconds(k), calls);
            else
                fprintf(out, ",le=\"+Inf\"} %" PRIu64 "\n", calls);
        }
        fputs("msio_span_seconds_count", out);
        put_labels(out, msio_path_texts[i].name);
        fprintf(out, "} %" PRIu64 "\nmsio_span_seconds_sum", all);
        put_labels(out, msio_path_texts[i].name);
        fprintf(out, "} %.9f\n", 1e-9 * (double)path->inclusive_ns);
    }
}

static void put_counter(FILE *out, const metrics_state *state, size_t offset, double scale, const char *name,
                        const char *unit, const char *help) {
    put_head(out, name, "counter", unit, help);
    for (int i = 0; i < PROF_PATHS; i++) {
        const uint64_t *count = (const uint64_t *)(const void *)((const char *)&state->path[i] + offset);
        if (calls_of(&state->path[i]) == 0) continue;
        fprintf(out, "%s_total", name);
        put_labels(out, msio_path_texts[i].name);
        if (scale == 1)
            fprintf(out, "} %" PRIu64 "\n", *count);
        else
            fprintf(out, "} %.9f\n", scale * (double)*count);
    }
}

static void put_whole(FILE *out, const char *name, const char *help, uint64_t count) {
    put_head(out, name, "counter", NULL, help);
    fprintf(out, "%s_total", name);
    if (options.service[0]) {
        put_labels(out, NULL);
        fputc('}', out);
    }
    fprintf(out, " %" PRIu64 "\n", count);
}

static void write_text(FILE *out, const msio_totals *totals, const void *user) {
    const metrics_state *state = user;
    (void)totals;
    put_histograms(out, state);
    put_counter(out, state, offsetof(metrics_path, self_ns), 1e-9, "msio_self_seconds", "seconds",
                "Time in a path itself, added up over threads.");
    put_counter(out, state, offsetof(metrics_path, bytes), 1, "msio_delivered_bytes", "bytes",
                "Bytes of values delivered.");
    put_counter(out, state, offsetof(metrics_path, bytes_read), 1, "msio_fetched_bytes", "bytes",
                "Bytes fetched from files.");
    put_counter(out, state, offsetof(metrics_path, rows), 1, "msio_rows", NULL, "Rows handled.");
    put_counter(out, state, offsetof(metrics_path, pieces), 1, "msio_pieces", NULL, "Pieces handled.");
    put_whole(out, "msio_processes", "Processes that ended.", state->processes);
    put_whole(out, "msio_lost_spans", "Calls that could not be counted.", state->lost);
    fputs("# EOF\n", out);
}

/* Under the state's lock, so nobody else writes the temporary file. */
static msio_status text_replace(const metrics_state *state) {
    char *text = NULL;
    size_t size = 0;
    int out = -1;
    msio_status status = msio_report_make(write_text, NULL, state, &text, &size);
    if (status != MSIO_OK) return status;
    out = open(making_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (out < 0)
        status = msio_error_system(MSIO_E_IO, file, "the metrics could not be written");
    else
        status = msio_write_all(out, file, text, (int64_t)size);
    if (out >= 0 && close(out) != 0 && status == MSIO_OK)
        status = msio_error_system(MSIO_E_IO, file, "the metrics could not be written");
    if (status == MSIO_OK && rename(making_file, file) != 0)
        status = msio_error_system(MSIO_E_IO, file, "the metrics could not be given their name");
    free(text);
    return status;
}

/* ---------------------------------------------------------------- writing */

/* Adds what was counted to the state and writes both. *waits: another process has the state. `busy` is held. */
static msio_status write_now(const msio_totals *totals, bool last, bool *waits) {
    static metrics_state now, state; /* of some kilobytes; a caller's stack may be small */
    counts_of(totals, &now);
    if (last) now.processes = 1;
    if (told_generation != totals->generation) memset(&told, 0, sizeof told);
    state_fd = state_open(last ? LOCK_TRIES : 0);
    *waits = state_fd < 0 && errno == EWOULDBLOCK;
    if (state_fd < 0)
        return msio_error_system(MSIO_E_IO, state_file, "the metrics' sums could not be opened and locked");
    state_read(state_fd, &state);
    state_add(&state, &now, &told);
    state.sum = sum_of(&state);
    msio_status status = text_replace(&state);
    if (status == MSIO_OK) status = msio_write_at(state_fd, state_file, &state, (int64_t)sizeof state, 0);
    if (status == MSIO_OK) {
        told = now;
        told_generation = totals->generation;
    }
    flock(state_fd, LOCK_UN); /* a child of fork may have the descriptor too */
    close(state_fd);
    state_fd = -1;
    return status;
}

static void due_in(double ns) {
    atomic_store_explicit(&msio_span_due, msio_clock_coarse_ns() + (uint64_t)ns, memory_order_relaxed);
}

static void write_due(void) {
    msio_error_copy error;
    msio_totals *totals = NULL;
    bool waits = false;
    int errno_before = errno;
    if (msio_clock_coarse_ns() < atomic_load_explicit(&msio_span_due, memory_order_relaxed)) return;
    if (atomic_exchange_explicit(&busy, true, memory_order_acquire)) return;
    msio_error_save(&error); /* the call that ends here has its own */
    if (file && msio_control_try_snapshot(&totals) == MSIO_OK && totals) write_now(totals, false, &waits);
    if (file) due_in(waits ? RETRY_NS : 1e9 * options.every);
    free(totals);
    msio_error_restore(&error);
    atomic_store_explicit(&busy, false, memory_order_release);
    errno = errno_before;
}

/* ---------------------------------------------------------------- begin and end */

static void busy_take(void) {
    while (atomic_exchange_explicit(&busy, true, memory_order_acquire)) sched_yield();
}

static void busy_give(void) { atomic_store_explicit(&busy, false, memory_order_release); }

/* What a thread of the parent's was writing is the parent's. */
void msio_metrics_in_child(void) {
    if (state_fd >= 0) close(state_fd);
    state_fd = -1;
    busy_give();
}

/* FOLDER/.NAME.END of FOLDER/NAME. NULL without memory. */
static char *beside(const char *path, const char *end) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t size = strlen(path) + strlen(end) + 3;
    char *made = malloc(size);
    if (made) snprintf(made, size, "%.*s.%s.%s", (int)(name - path), path, name, end);
    return made;
}

/* `file` goes first and comes last: a child of fork that finds it finds the others too. */
static void forget(void) {
    char *old[] = {file, state_file, making_file};
    atomic_store_explicit(&msio_span_due, NO_DUE, memory_order_relaxed);
    file = NULL;
    state_file = making_file = NULL;
    for (int i = 0; i < 3; i++) free(old[i]);
}

int msio_metrics_begin(const char *path, const msio_metrics *how) {
    busy_take();
    forget();
    char *copy = path ? strdup(path) : NULL;
    if (copy) {
        options = *how;
        state_file = beside(path, "state");
        making_file = beside(path, "tmp");
    }
    bool good = !path || (copy && state_file && making_file);
    if (good && path) {
        file = copy;
        atomic_store_explicit(&msio_span_when_due, write_due, memory_order_release);
        due_in(1e9 * how->every);
    } else {
        free(copy);
        forget();
    }
    busy_give();
    return good;
}

msio_status msio_metrics_end(void) {
    msio_totals *totals = NULL;
    bool waits;
    busy_take();
    msio_status status = file ? msio_control_snapshot(&totals) : MSIO_OK;
    if (file && status == MSIO_OK) status = write_now(totals, true, &waits);
    forget();
    busy_give();
    free(totals);
    return status;
}
