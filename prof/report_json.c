/* report_json.c - the report as one JSON object. */
#include <math.h>
#include <stdlib.h>

#include "prof/advice.h"
#include "prof/paths.h"
#include "prof/report.h"
#include "prof/stats.h"

#define FORMAT_VERSION 1

/* Bytes of the UTF-8 sequence at text; 0 when it is none (RFC 3629, section 4). */
static int utf8_length(const unsigned char *text) {
    unsigned char low = 0x80, high = 0xbf;
    int more;
    if (text[0] < 0x80) return 1;
    if (text[0] >= 0xc2 && text[0] <= 0xdf)
        more = 1;
    else if (text[0] >= 0xe0 && text[0] <= 0xef)
        more = 2;
    else if (text[0] >= 0xf0 && text[0] <= 0xf4)
        more = 3;
    else
        return 0;
    if (text[0] == 0xe0) low = 0xa0;
    if (text[0] == 0xed) high = 0x9f;
    if (text[0] == 0xf0) low = 0x90;
    if (text[0] == 0xf4) high = 0x8f;
    if (text[1] < low || text[1] > high) return 0;
    for (int i = 2; i <= more; i++)
        if ((text[i] & 0xc0) != 0x80) return 0;
    return more + 1;
}

void msio_report_json_string(FILE *out, const char *string) {
    const unsigned char *text = (const unsigned char *)string;
    fputc('"', out);
    while (*text != 0) {
        int length = utf8_length(text);
        if (length == 0) {
            fputs("\\ufffd", out);
            length = 1;
        } else if (*text == '"' || *text == '\\') {
            fprintf(out, "\\%c", *text);
        } else if (*text < 0x20 || *text == 0x7f) {
            fprintf(out, "\\u%04x", *text);
        } else {
            fwrite(text, 1, (size_t)length, out);
        }
        text += length;
    }
    fputc('"', out);
}

void msio_report_json_number(FILE *out, double value) {
    if (isnan(value))
        fputs("\"nan\"", out);
    else if (isinf(value))
        fputs(value > 0 ? "\"inf\"" : "\"-inf\"", out);
    else
        fprintf(out, "%.9g", value);
}

static void key(FILE *out, const char *name) {
    msio_report_json_string(out, name);
    fputs(": ", out);
}

static void string_value(FILE *out, const char *name, const char *value) {
    key(out, name);
    msio_report_json_string(out, value);
}

static void number_value(FILE *out, const char *name, double value) {
    key(out, name);
    msio_report_json_number(out, value);
}

static void count_value(FILE *out, const char *name, int64_t value) {
    key(out, name);
    fprintf(out, "%lld", (long long)value);
}

/* The system may not tell: then the string "unknown". */
static void bytes_value(FILE *out, const char *name, int64_t value) {
    if (value < 0)
        string_value(out, name, "unknown");
    else
        count_value(out, name, value);
}

#define NEXT(out) fputs(", ", out)

static void callers_write(FILE *out, const msio_totals *totals, int path) {
    msio_prof_caller callers[PROF_PATHS + 1];
    int count = msio_stats_callers(totals, path, callers);
    key(out, "callers");
    fputc('[', out);
    for (int i = 0; i < count; i++) {
        fputs(i == 0 ? "{" : ", {", out);
        string_value(out, "name", callers[i].name);
        NEXT(out);
        count_value(out, "ncalls", callers[i].ncalls);
        NEXT(out);
        number_value(out, "cumtime", callers[i].cumtime);
        fputc('}', out);
    }
    fputc(']', out);
}

static void times_write(FILE *out, const msio_prof_stats *stats) {
    const struct {
        const char *name;
        double value;
    } times[] = {{"tottime", stats->tottime}, {"cumtime", stats->cumtime}, {"percall", stats->percall},
                 {"min", stats->min},         {"p50", stats->p50},         {"p90", stats->p90},
                 {"p99", stats->p99},         {"max", stats->max}};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        number_value(out, times[i].name, times[i].value);
        NEXT(out);
    }
}

static void target_write(FILE *out, const msio_prof_stats *stats) {
    key(out, "target_seconds");
    if (stats->target_seconds > 0)
        msio_report_json_number(out, stats->target_seconds);
    else
        fputs("null", out);
    NEXT(out);
    number_value(out, "measured_seconds", stats->measured_seconds);
    NEXT(out);
    string_value(out, "verdict", msio_verdict_name(stats->verdict));
    NEXT(out);
    string_value(out, "reason", stats->reason);
    NEXT(out);
}

static void path_write(FILE *out, const msio_totals *totals, int path) {
    msio_prof_stats stats = MSIO_PROF_STATS_INIT;
    msio_stats_path(totals, path, &stats);
    fputc('{', out);
    string_value(out, "name", stats.name);
    NEXT(out);
    string_value(out, "unit", stats.unit);
    NEXT(out);
    string_value(out, "what", stats.what);
    NEXT(out);
    count_value(out, "ncalls", stats.ncalls);
    NEXT(out);
    times_write(out, &stats);
    count_value(out, "bytes", stats.bytes);
    NEXT(out);
    count_value(out, "bytes_read", stats.bytes_read);
    NEXT(out);
    count_value(out, "rows", stats.rows);
    NEXT(out);
    count_value(out, "pieces", stats.pieces);
    NEXT(out);
    number_value(out, "gb_per_s", stats.gb_per_s);
    NEXT(out);
    number_value(out, "amplification", stats.amplification);
    NEXT(out);
    target_write(out, &stats);
    callers_write(out, totals, path);
    fputc('}', out);
}

static void process_write(FILE *out, const msio_prof_process *process) {
    string_value(out, "clock", process->clock);
    NEXT(out);
    number_value(out, "seconds", process->seconds);
    NEXT(out);
    bytes_value(out, "peak_rss_bytes", process->peak_rss_bytes);
    NEXT(out);
    bytes_value(out, "read_bytes", process->read_bytes);
    NEXT(out);
    bytes_value(out, "disk_bytes", process->disk_bytes);
    fputs(",\n \"threads\": {", out);
    count_value(out, "count", process->threads);
    NEXT(out);
    number_value(out, "min_seconds", process->thread_min);
    NEXT(out);
    number_value(out, "mean_seconds", process->thread_mean);
    NEXT(out);
    number_value(out, "max_seconds", process->thread_max);
    fputs("},\n \"profiler\": {", out);
    count_value(out, "spans", process->spans);
    NEXT(out);
    number_value(out, "span_seconds", process->span_seconds);
    NEXT(out);
    number_value(out, "own_seconds", process->own_seconds);
    NEXT(out);
    count_value(out, "dropped", process->dropped);
    fputc('}', out);
}

static void advice_write(FILE *out, const char *line, int64_t index, long times) {
    if (index) NEXT(out);
    fputc('{', out);
    string_value(out, "text", line);
    NEXT(out);
    count_value(out, "times", times);
    fputc('}', out);
}

void msio_report_write_json(FILE *out, const msio_totals *totals) {
    msio_prof_process process = MSIO_PROF_PROCESS_INIT;
    msio_stats_process(totals, &process);
    fputc('{', out);
    string_value(out, "format", "msio-profile");
    NEXT(out);
    count_value(out, "format_version", FORMAT_VERSION);
    NEXT(out);
    string_value(out, "msio_version", MSIO_VERSION_STRING);
    fputs(",\n ", out);
    process_write(out, &process);
    fputs(",\n \"paths\": [\n  ", out);
    for (int i = 0; i < PROF_PATHS; i++) {
        if (i > 0) fputs(",\n  ", out);
        path_write(out, totals, i);
    }
    fputs("\n ],\n \"advice\": [", out);
    msio_advice_each(out, advice_write);
    fputs("]}\n", out);
}
