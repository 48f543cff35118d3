/* load_rows.c - rows of every file brought to the first one's order. */
#include "core/checked.h"
#include "core/threads.h"
#include "io/load/loader.h"
#include "prof/call.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- keys */

/* A baseline-time that can be compared whatever the order of its antennas. */
typedef struct row_key {
    int64_t time; /* whole tolerances since the first time of the reference */
    int32_t low, high;
    int64_t row;
    bool swapped;
} row_key;

static int by_key(const void *a, const void *b) {
    const row_key *x = a, *y = b;
    if (x->time != y->time) return x->time < y->time ? -1 : 1;
    if (x->low != y->low) return x->low < y->low ? -1 : 1;
    if (x->high != y->high) return x->high < y->high ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static int by_time(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Times of the reference, ascending, one for all that are closer than the tolerance. */
typedef struct time_list {
    int64_t n;
    double *time;
    double tolerance; /* in the files' own unit */
} time_list;

static bool list_times(const msio_uvh5_rows *rows, double tolerance, time_list *list) {
    list->tolerance = tolerance;
    list->n = 0;
    list->time = malloc((size_t)(rows->rows + 1) * sizeof *list->time);
    if (!list->time) return false;
    for (int64_t i = 0; i < rows->rows; i++) /* most rows have the time of the one before */
        if (i == 0 || rows->time[i] != rows->time[i - 1]) list->time[list->n++] = rows->time[i];
    qsort(list->time, (size_t)list->n, sizeof *list->time, by_time);
    int64_t kept = 0;
    for (int64_t i = 0; i < list->n; i++)
        if (kept == 0 || list->time[i] - list->time[kept - 1] > tolerance) list->time[kept++] = list->time[i];
    list->n = kept;
    return true;
}

/* Which of the list's times this one is; -1: none. */
static int64_t find_time(const time_list *list, double time) {
    int64_t low = 0, high = list->n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (list->time[middle] < time - list->tolerance)
            low = middle + 1;
        else
            high = middle;
    }
    return low < list->n && fabs(list->time[low] - time) <= list->tolerance ? low : -1;
}

static row_key *make_keys(const msio_uvh5_rows *rows, const time_list *times) {
    row_key *keys = malloc((size_t)(rows->rows + 1) * sizeof *keys);
    int64_t index = -1;
    for (int64_t i = 0; keys && i < rows->rows; i++) {
        if (i == 0 || rows->time[i] != rows->time[i - 1]) index = find_time(times, rows->time[i]);
        int32_t a = rows->ant_1[i], b = rows->ant_2[i];
        keys[i] = (row_key){.time = index, .low = a < b ? a : b, .high = a < b ? b : a, .row = i, .swapped = a > b};
    }
    if (keys) qsort(keys, (size_t)rows->rows, sizeof *keys, by_key);
    return keys;
}

static bool same_key(const row_key *a, const row_key *b) {
    return a->time == b->time && a->low == b->low && a->high == b->high;
}

/* ---------------------------------------------------------------- one file */

/* What came of one file. */
typedef struct matched {
    msio_status status;
    msio_error_copy error;
    bool reordered; /* its rows are not in the reference's order */
    int differences;
    struct {
        const char *field;
        int harmless;
        char text[320];
    } difference[4]; /* one of the order, and one of each array that is compared */
} matched;

static void say(matched *m, const char *field, int harmless, const char *format, ...) MSIO_PRINTF(4, 5);

static void say(matched *m, const char *field, int harmless, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(m->difference[m->differences].text, sizeof m->difference[0].text, format, arguments);
    va_end(arguments);
    m->difference[m->differences].field = field;
    m->difference[m->differences++].harmless = harmless;
}

bool msio_load_in_order(const msio_uvh5_rows *reference, int64_t first, const msio_uvh5_rows *rows, double tolerance) {
    size_t n = (size_t)rows->rows;
    const double *time = reference->time + first;
    if (memcmp(reference->ant_1 + first, rows->ant_1, n * sizeof *rows->ant_1) != 0) return false;
    if (memcmp(reference->ant_2 + first, rows->ant_2, n * sizeof *rows->ant_2) != 0) return false;
    if (memcmp(time, rows->time, n * sizeof *rows->time) == 0) return true;
    for (size_t i = 0; i < n; i++)
        if (!(fabs(time[i] - rows->time[i]) <= tolerance)) return false;
    return true;
}

static void name_row(matched *m, const msio_uvh5_rows *rows, const row_key *key, const char *what) {
    int64_t r = key->row;
    say(m, "ant_1_array, ant_2_array, time_array", 0, "row %" PRId64 " (antennas %d and %d, time %.9f) %s", r,
        rows->ant_1[r], rows->ant_2[r], rows->time[r], what);
}

/* Pairs both files' keys, sorted; fills row_of and conjugated. */
static void pair(matched *m, msio_load_file *file, const msio_uvh5_rows *a, const row_key *x, const msio_uvh5_rows *b,
                 const row_key *y) {
    int64_t n = a->rows, swapped = 0;
    for (int64_t i = 0; i < n; i++) {
        if (i && same_key(&x[i - 1], &x[i])) {
            name_row(m, a, &x[i], "is in the first file twice, so that its rows cannot be told apart");
            return;
        }
        if (i && same_key(&y[i - 1], &y[i])) {
            name_row(m, b, &y[i], "is in the file twice");
            return;
        }
        if (!same_key(&x[i], &y[i])) {
            if (by_key(&x[i], &y[i]) < 0)
                name_row(m, a, &x[i], "of the first file is not in this one");
            else
                name_row(m, b, &y[i], "is not in the first file");
            return;
        }
        file->row_of[x[i].row] = y[i].row;
        file->conjugated[x[i].row] = x[i].swapped != y[i].swapped;
        swapped += x[i].swapped != y[i].swapped;
    }
    say(m, "ant_1_array, ant_2_array, time_array", 1,
        "rows are in another order than in the first file, %" PRId64 " of them of conjugated pairs", swapped);
    if (swapped == 0) {
        free(file->conjugated);
        file->conjugated = NULL;
    }
}

static void compare_integrations(matched *m, const msio_load_pairs *p) {
    int64_t i = msio_load_find_integration(p), row = i >= 0 && p->row_of ? p->row_of[i] : i;
    if (i >= 0)
        say(m, "integration_time", 0, "row %" PRId64 " was integrated for %.6g s, in the first file for %.6g s", row,
            p->rows->integration_time[row], p->reference->integration_time[i]);
}

static void compare_uvw(const msio_loader *l, const msio_load_file *file, matched *m, const msio_load_pairs *p) {
    msio_load_far far;
    msio_load_find_uvw(p, l->opts.uvw_tolerance, l->file[0].single_uvw || file->single_uvw, &far);
    if (far.rows == 0) return;
    int64_t row = p->row_of ? p->row_of[far.row] : far.row;
    say(m, "uvw_array", 0,
        "of row %" PRId64
        " (antennas %d and %d) u, v or w differs by %.6g m from the first file's, the most of %" PRId64
        " rows that differ by more than the tolerance of %.6g m; a larger uvw_tolerance takes them",
        row, p->rows->ant_1[row], p->rows->ant_2[row], far.distance, far.rows, l->opts.uvw_tolerance);
}

static void compare_phase_centers(const msio_loader *l, const msio_load_file *file, matched *m,
                                  const msio_load_pairs *p) {
    int64_t i = msio_load_find_phase_center(p, l->file[0].header, file->header);
    int64_t row = i >= 0 && p->row_of ? p->row_of[i] : i;
    if (i >= 0)
        say(m, "phase_center_id_array", 0,
            "row %" PRId64 " looks at phase centre %d, the first file there at its own %d, which is another", row,
            p->rows->phase_center_id[row], p->reference->phase_center_id[i]);
}

unsigned msio_load_compared_rows(const msio_loader *l, const msio_load_file *file) {
    const msio_uvh5_header *a = l->file[0].header, *b = file->header;
    unsigned which = MSIO_UVH5_TIME | MSIO_UVH5_ANTENNAS | MSIO_UVH5_INTEGRATION;
    if (isfinite(l->opts.uvw_tolerance)) which |= MSIO_UVH5_UVW;
    if (a && b && a->phase_centers && b->phase_centers && (a->phase_centers > 1 || b->phase_centers > 1))
        which |= MSIO_UVH5_PHASE_CENTER;
    return which;
}

static void reorder(const msio_loader *l, msio_load_file *file, const time_list *times, const row_key *reference,
                    const msio_uvh5_rows *rows, matched *m) {
    row_key *keys = make_keys(rows, times);
    file->row_of = malloc((size_t)(rows->rows + 1) * sizeof *file->row_of);
    file->conjugated = calloc((size_t)rows->rows + 1, 1);
    if (!keys || !file->row_of || !file->conjugated)
        m->status = msio_error_set(MSIO_E_MEMORY, file->path, "no memory to compare %lld rows", (long long)rows->rows);
    else
        pair(m, file, &l->reference, reference, rows, keys);
    free(keys);
}

static void compare_pairs(const msio_loader *l, const msio_load_file *file, unsigned which, const msio_uvh5_rows *rows,
                          matched *m) {
    const msio_load_pairs pairs = {&l->reference, 0, rows, file->row_of, file->conjugated};
    compare_integrations(m, &pairs);
    if (which & MSIO_UVH5_UVW) compare_uvw(l, file, m, &pairs);
    if (which & MSIO_UVH5_PHASE_CENTER) compare_phase_centers(l, file, m, &pairs);
}

/* Without the reference's keys a file in another order is only noticed. */
static void match_file(const msio_loader *l, msio_load_file *file, const time_list *times, const row_key *reference,
                       matched *m) {
    PROF_WITHIN;
    msio_uvh5_rows rows = {0};
    const unsigned which = msio_load_compared_rows(l, file);
    m->status = file->kind->rows(file, which, NULL, &rows);
    if (!m->status && file->rows == l->reference.rows) { /* else that difference is noted already */
        m->reordered = !msio_load_in_order(&l->reference, 0, &rows, times->tolerance);
        if (m->reordered && reference) reorder(l, file, times, reference, &rows, m);
        bool paired = !m->reordered || (reference && m->differences && m->difference[0].harmless);
        if (!m->status && paired) compare_pairs(l, file, which, &rows, m);
        if (m->reordered && paired && l->opts.refuse_reordering) m->difference[0].harmless = 0;
    }
    if (m->status) msio_error_save(&m->error);
    msio_uvh5_rows_free(&rows);
}

/* ---------------------------------------------------------------- all files */

/* All files (reference NULL), or those that are known to be in another order. */
static void match_files(msio_loader *l, const time_list *times, const row_key *reference, matched *m) {
    int threads = msio_threads_for(l->opts.read.threads);
    if (threads > 1) msio_threads_used();
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) if (threads > 1)
    for (int i = 1; i < l->files; i++)
        if (!reference || (m[i].reordered && !m[i].status)) match_file(l, &l->file[i], times, reference, &m[i]);
}

static msio_status tell(msio_loader *l, const matched *m) {
    for (int i = 1; i < l->files; i++) {
        if (m[i].status) return msio_error_restore(&m[i].error);
        for (int k = 0; k < m[i].differences; k++) {
            msio_status status = msio_load_differ(&l->differences, l->file[i].path, m[i].difference[k].field,
                                                  m[i].difference[k].harmless, "%s", m[i].difference[k].text);
            if (status) return status;
        }
    }
    return MSIO_OK;
}

msio_status msio_load_match_rows(msio_loader *l) {
    unsigned which = MSIO_UVH5_UVW;
    for (int i = 0; i < l->files; i++) which |= msio_load_compared_rows(l, &l->file[i]);
    msio_status status = l->file[0].kind->rows(&l->file[0], which, NULL, &l->reference);
    if (status) return status;
    time_list times = {0};
    matched *m = calloc((size_t)l->files, sizeof *m);
    row_key *keys = NULL;
    bool ready = m && list_times(&l->reference, MSIO_LOAD_TIME_TOLERANCE / l->file[0].time_unit, &times), any = false;
    if (ready) match_files(l, &times, NULL, m);
    for (int i = 1; ready && i < l->files; i++) any = any || m[i].reordered;
    if (any) ready = (keys = make_keys(&l->reference, &times)) != NULL;
    if (any && ready) match_files(l, &times, keys, m);
    status = ready ? tell(l, m) : msio_error_set(MSIO_E_MEMORY, NULL, "no memory to compare rows");
    free(keys);
    free(times.time);
    free(m);
    return status;
}
