/* stats.c - the public numbers of a path and of the process, and verdicts on targets. */
#include "prof/stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "prof/control.h"
#include "prof/paths.h"

const char *msio_verdict_name(msio_verdict verdict) {
    switch (verdict) {
    case MSIO_PASS: return "PASS";
    case MSIO_FAIL: return "FAIL";
    case MSIO_NOT_MEASURED: return "NOT MEASURED";
    }
    return "UNKNOWN";
}

void msio_stats_duration(double seconds, char *text, size_t size) {
    if (isnan(seconds))
        snprintf(text, size, "-");
    else if (seconds < 1e-6)
        snprintf(text, size, "%.0f ns", seconds * 1e9);
    else if (seconds < 1e-3)
        snprintf(text, size, "%.3g us", seconds * 1e6);
    else if (seconds < 1)
        snprintf(text, size, "%.3g ms", seconds * 1e3);
    else
        snprintf(text, size, "%.4g s", seconds);
}

/* ---------------------------------------------------------------- one path */

static double quantile_seconds(const msio_totals *totals, const msio_totals_path *path, double share) {
    uint64_t ticks = msio_histogram_quantile(path->histogram, share);
    /* A bucket's highest value may lie above the largest that was seen. */
    if (ticks > path->max) ticks = path->max;
    return (double)ticks * totals->tick_seconds;
}

static double mean_seconds(const msio_totals *totals, const msio_totals_path *path) {
    return path->ncalls == 0 ? NAN : (double)path->inclusive * totals->tick_seconds / (double)path->ncalls;
}

static double measured_seconds(const msio_totals *totals, const msio_totals_path *path, msio_prof_measure measure) {
    if (path->ncalls == 0) return NAN;
    return measure == MSIO_PROF_MEAN ? mean_seconds(totals, path) : quantile_seconds(totals, path, 0.5);
}

static msio_verdict verdict_of(const msio_totals *totals, int path, msio_prof_measure measure, char *reason) {
    double target = totals->targets[path];
    uint64_t ncalls = totals->paths[path].ncalls;
    double measured = measured_seconds(totals, &totals->paths[path], measure);
    char measured_text[32], target_text[32];
    if (target <= 0) {
        snprintf(reason, MSIO_PROF_REASON_SIZE, "no target");
        return MSIO_NOT_MEASURED;
    }
    if (ncalls == 0) {
        snprintf(reason, MSIO_PROF_REASON_SIZE, "nothing of it ran while the profiler was on");
        return MSIO_NOT_MEASURED;
    }
    msio_stats_duration(measured, measured_text, sizeof measured_text);
    msio_stats_duration(target, target_text, sizeof target_text);
    const char *measure_text = measure == MSIO_PROF_MEAN ? "mean" : "p50";
    snprintf(reason, MSIO_PROF_REASON_SIZE, "%s %s of %llu call%s, target %s", measure_text, measured_text,
             (unsigned long long)ncalls, ncalls == 1 ? "" : "s", target_text);
    return measured <= target ? MSIO_PASS : MSIO_FAIL;
}

static double ratio(double a, double b) { return a > 0 && b > 0 ? a / b : NAN; }

void msio_stats_path(const msio_totals *totals, int index, msio_prof_stats *stats) {
    const msio_totals_path *path = &totals->paths[index];
    const msio_path_text *text = &msio_path_texts[index];
    double tick = totals->tick_seconds;
    int any = path->ncalls > 0;
    msio_prof_caller callers[PROF_PATHS + 1];
    stats->name = text->name;
    stats->unit = text->unit;
    stats->what = text->what;
    stats->ncalls = (int64_t)path->ncalls;
    stats->tottime = (double)path->self * tick;
    stats->cumtime = (double)path->inclusive * tick;
    stats->percall = mean_seconds(totals, path);
    stats->min = any ? (double)path->min * tick : NAN;
    stats->p50 = any ? quantile_seconds(totals, path, 0.5) : NAN;
    stats->p90 = any ? quantile_seconds(totals, path, 0.9) : NAN;
    stats->p99 = any ? quantile_seconds(totals, path, 0.99) : NAN;
    stats->max = any ? (double)path->max * tick : NAN;
    stats->bytes = path->bytes;
    stats->bytes_read = path->bytes_read;
    stats->rows = path->rows;
    stats->pieces = path->pieces;
    stats->gb_per_s = ratio((double)path->bytes * 1e-9, stats->cumtime);
    stats->amplification = ratio((double)path->bytes_read, (double)path->bytes);
    stats->target_seconds = totals->targets[index];
    stats->measured_seconds = measured_seconds(totals, path, MSIO_PROF_P50);
    stats->verdict = verdict_of(totals, index, MSIO_PROF_P50, stats->reason);
    stats->callers = msio_stats_callers(totals, index, callers);
}

msio_status msio_prof_path_stats(const char *name, msio_prof_stats *stats) {
    msio_totals *totals = NULL;
    if (stats == NULL || stats->struct_size != sizeof *stats)
        return msio_error_set(MSIO_E_ARGUMENT, NULL,
                              "stats is NULL or its struct_size is not %zu; start it with "
                              "MSIO_PROF_STATS_INIT",
                              sizeof *stats);
    int path = msio_path_find(name);
    if (path < 0) return MSIO_E_ARGUMENT;
    msio_status status = msio_control_snapshot(&totals);
    if (status != MSIO_OK) return status;
    msio_stats_path(totals, path, stats);
    free(totals);
    return MSIO_OK;
}

msio_status msio_prof_verdict(const char *name, msio_prof_measure measure, msio_verdict *verdict, double *measured,
                              char *reason) {
    msio_totals *totals = NULL;
    char own_reason[MSIO_PROF_REASON_SIZE];
    if (verdict == NULL || (measure != MSIO_PROF_P50 && measure != MSIO_PROF_MEAN))
        return msio_error_set(MSIO_E_ARGUMENT, NULL,
                              "verdict is NULL or measure %d is neither MSIO_PROF_P50 nor "
                              "MSIO_PROF_MEAN",
                              (int)measure);
    int path = msio_path_find(name);
    if (path < 0) return MSIO_E_ARGUMENT;
    msio_status status = msio_control_snapshot(&totals);
    if (status != MSIO_OK) return status;
    *verdict = verdict_of(totals, path, measure, reason == NULL ? own_reason : reason);
    if (measured != NULL) *measured = measured_seconds(totals, &totals->paths[path], measure);
    free(totals);
    return MSIO_OK;
}

/* ---------------------------------------------------------------- callers */

static int caller_compare(const void *a, const void *b) {
    const msio_prof_caller *x = a, *y = b;
    if (x->cumtime != y->cumtime) return x->cumtime < y->cumtime ? 1 : -1;
    return x->ncalls != y->ncalls ? (x->ncalls < y->ncalls ? 1 : -1) : strcmp(x->name, y->name);
}

int msio_stats_callers(const msio_totals *totals, int path, msio_prof_caller callers[PROF_PATHS + 1]) {
    int count = 0;
    for (int i = 0; i <= PROF_PATHS; i++) {
        if (totals->paths[path].callers[i].ncalls == 0) continue;
        callers[count].name = i < PROF_PATHS ? msio_path_texts[i].name : "";
        callers[count].ncalls = (int64_t)totals->paths[path].callers[i].ncalls;
        callers[count].cumtime = (double)totals->paths[path].callers[i].inclusive * totals->tick_seconds;
        count++;
    }
    qsort(callers, (size_t)count, sizeof *callers, caller_compare);
    return count;
}

msio_status msio_prof_callers(const char *name, msio_prof_caller *callers, int capacity, int *count) {
    msio_totals *totals = NULL;
    msio_prof_caller all[PROF_PATHS + 1];
    if (count == NULL || capacity < 0 || (callers == NULL && capacity > 0))
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "count is NULL, or callers has no room (capacity %d)", capacity);
    int path = msio_path_find(name);
    if (path < 0) return MSIO_E_ARGUMENT;
    msio_status status = msio_control_snapshot(&totals);
    if (status != MSIO_OK) return status;
    *count = msio_stats_callers(totals, path, all);
    int filled = *count < capacity ? *count : capacity;
    if (filled > 0) memcpy(callers, all, (size_t)filled * sizeof *callers);
    free(totals);
    return MSIO_OK;
}

/* ---------------------------------------------------------------- the process */

void msio_stats_process(const msio_totals *totals, msio_prof_process *process) {
    double tick = totals->tick_seconds;
    uint64_t threads = totals->threads;
    snprintf(process->clock, sizeof process->clock, "%s", totals->clock);
    process->seconds = totals->on_seconds;
    process->peak_rss_bytes = totals->peak_rss;
    process->read_bytes = totals->io.read;
    process->disk_bytes = totals->io.disk;
    process->threads = (int)threads;
    process->thread_min = threads > 0 ? (double)totals->thread_min * tick : NAN;
    process->thread_mean = threads > 0 ? (double)totals->thread_sum * tick / (double)threads : NAN;
    process->thread_max = threads > 0 ? (double)totals->thread_max * tick : NAN;
    process->spans = (int64_t)totals->spans;
    process->span_seconds = totals->span_seconds;
    process->own_seconds = (double)totals->spans * totals->span_seconds;
    process->dropped = (int64_t)totals->dropped;
}

msio_status msio_prof_process_stats(msio_prof_process *process) {
    msio_totals *totals = NULL;
    if (process == NULL || process->struct_size != sizeof *process)
        return msio_error_set(MSIO_E_ARGUMENT, NULL,
                              "process is NULL or its struct_size is not %zu; start it with "
                              "MSIO_PROF_PROCESS_INIT",
                              sizeof *process);
    msio_status status = msio_control_snapshot(&totals);
    if (status != MSIO_OK) return status;
    msio_stats_process(totals, process);
    free(totals);
    return MSIO_OK;
}
