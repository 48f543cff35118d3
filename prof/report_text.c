/* report_text.c - the report as text, in the manner of pstats. */
#include <stdio.h>
#include <stdlib.h>

#include "prof/advice.h"
#include "prof/paths.h"
#include "prof/report.h"
#include "prof/stats.h"

#define TEXT_SIZE 32

/* "1.37 GB", "unknown" below 0. */
static const char *bytes_text(int64_t bytes, char text[TEXT_SIZE]) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 999.5 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1000;
        unit++;
    }
    if (bytes < 0)
        snprintf(text, TEXT_SIZE, "unknown");
    else
        snprintf(text, TEXT_SIZE, "%.3g %s", value, units[unit]);
    return text;
}

/* "-" where nothing is known. */
static const char *count_text(int64_t count, char text[TEXT_SIZE]) {
    if (count == 0)
        snprintf(text, TEXT_SIZE, "-");
    else
        snprintf(text, TEXT_SIZE, "%lld", (long long)count);
    return text;
}

static const char *ratio_text(double ratio, char text[TEXT_SIZE]) {
    if (ratio > 0)
        snprintf(text, TEXT_SIZE, "%.3g", ratio);
    else
        snprintf(text, TEXT_SIZE, "-");
    return text;
}

static const char *time_text(double seconds, char text[TEXT_SIZE]) {
    msio_stats_duration(seconds, text, TEXT_SIZE);
    return text;
}

/* ---------------------------------------------------------------- parts */

static void head_write(FILE *out, const msio_totals *totals) {
    msio_prof_process process = MSIO_PROF_PROCESS_INIT;
    char a[TEXT_SIZE], b[TEXT_SIZE], c[TEXT_SIZE];
    msio_stats_process(totals, &process);
    fprintf(out, "msio profile: %.3f s, clock %s\n", process.seconds, process.clock);
    fprintf(out, "memory: peak %s; read calls: %s, from storage: %s\n", bytes_text(process.peak_rss_bytes, a),
            bytes_text(process.read_bytes, b), bytes_text(process.disk_bytes, c));
    fprintf(out, "profiler: %lld spans at %s, own cost %s, %lld dropped\n", (long long)process.spans,
            time_text(process.span_seconds, a), time_text(process.own_seconds, b), (long long)process.dropped);
    fprintf(out, "threads: %d", process.threads);
    if (process.threads > 0)
        fprintf(out, ", each in spans min %s, mean %s, max %s", time_text(process.thread_min, a),
                time_text(process.thread_mean, b), time_text(process.thread_max, c));
    fputc('\n', out);
}

static void times_write(FILE *out, const msio_prof_stats *stats) {
    char text[6][TEXT_SIZE];
    double self_percall = stats->tottime / (double)stats->ncalls;
    fprintf(out, "%10lld %10.6f %8s %10.6f %8s %8s %8s %8s %8s  %s\n", (long long)stats->ncalls, stats->tottime,
            time_text(self_percall, text[0]), stats->cumtime, time_text(stats->percall, text[1]),
            time_text(stats->p50, text[2]), time_text(stats->p90, text[3]), time_text(stats->p99, text[4]),
            time_text(stats->max, text[5]), stats->name);
}

static void work_write(FILE *out, const msio_prof_stats *stats) {
    char text[6][TEXT_SIZE];
    if (stats->rows == 0 && stats->pieces == 0 && stats->bytes == 0 && stats->bytes_read == 0) return;
    fprintf(out, "%12s %10s %10s %10s %8s %8s  %s\n", count_text(stats->rows, text[0]),
            count_text(stats->pieces, text[1]), stats->bytes > 0 ? bytes_text(stats->bytes, text[2]) : "-",
            stats->bytes_read > 0 ? bytes_text(stats->bytes_read, text[3]) : "-", ratio_text(stats->gb_per_s, text[4]),
            ratio_text(stats->amplification, text[5]), stats->name);
}

typedef void line_writer(FILE *out, const msio_prof_stats *stats);

static void lines_write(FILE *out, const msio_totals *totals, const int *order, int used, line_writer *writer) {
    for (int i = 0; i < used; i++) {
        msio_prof_stats stats = MSIO_PROF_STATS_INIT;
        msio_stats_path(totals, order[i], &stats);
        writer(out, &stats);
    }
}

static void paths_write(FILE *out, const msio_totals *totals, const int *order, int used) {
    fprintf(out, "\nordered by cumulative time\n");
    fprintf(out, "%10s %10s %8s %10s %8s %8s %8s %8s %8s  %s\n", "ncalls", "tottime", "percall", "cumtime", "percall",
            "p50", "p90", "p99", "max", "path");
    lines_write(out, totals, order, used, times_write);
    fprintf(out, "\n%12s %10s %10s %10s %8s %8s  %s\n", "rows", "pieces", "bytes", "read", "GB/s", "read/B", "path");
    lines_write(out, totals, order, used, work_write);
}

static void callers_write(FILE *out, const msio_totals *totals, const int *order, int used) {
    fprintf(out, "\n%-16s %-16s %10s %10s\n", "path", "called from", "ncalls", "cumtime");
    for (int i = 0; i < used; i++) {
        msio_prof_caller callers[PROF_PATHS + 1];
        int count = msio_stats_callers(totals, order[i], callers);
        for (int j = 0; j < count; j++)
            fprintf(out, "%-16s %-16s %10lld %10.6f\n", j == 0 ? msio_path_texts[order[i]].name : "",
                    *callers[j].name ? callers[j].name : "(top)", (long long)callers[j].ncalls, callers[j].cumtime);
    }
}

static void targets_write(FILE *out, const msio_totals *totals) {
    fprintf(out, "\n%-16s %-12s  %s\n", "target", "verdict", "reason");
    for (int i = 0; i < PROF_PATHS; i++) {
        msio_prof_stats stats = MSIO_PROF_STATS_INIT;
        msio_stats_path(totals, i, &stats);
        if (stats.target_seconds > 0)
            fprintf(out, "%-16s %-12s  %s\n", stats.name, msio_verdict_name(stats.verdict), stats.reason);
    }
}

/* Fills order with the used paths, most cumulative time first; how many. */
static int paths_order(const msio_totals *totals, int order[PROF_PATHS]) {
    int used = 0;
    for (int i = 0; i < PROF_PATHS; i++) {
        if (totals->paths[i].ncalls == 0) continue;
        int place = used++;
        for (; place > 0 && totals->paths[order[place - 1]].inclusive < totals->paths[i].inclusive; place--)
            order[place] = order[place - 1];
        order[place] = i;
    }
    return used;
}

static void advice_write(FILE *out, const char *line, int64_t index, long times) {
    (void)index;
    fprintf(out, "\nadvice: %s", line);
    if (times > 1) fprintf(out, " (%ld times)", times);
    fputc('\n', out);
}

void msio_report_write_text(FILE *out, const msio_totals *totals) {
    int order[PROF_PATHS];
    int used = paths_order(totals, order);
    head_write(out, totals);
    if (used > 0) {
        paths_write(out, totals, order, used);
        callers_write(out, totals, order, used);
    } else {
        fprintf(out, "\nnothing was timed\n");
    }
    targets_write(out, totals);
    msio_advice_each(out, advice_write);
}
