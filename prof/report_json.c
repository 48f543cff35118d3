/* report_json.c - the report as one JSON object. */
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "prof/advice.h"
#include "prof/paths.h"
#include "prof/report.h"
#include "prof/stats.h"

#define FORMAT_VERSION 1

int msio_report_utf8_length(const char *string) {
    const unsigned char *text = (const unsigned char *)string;
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
        int length = msio_report_utf8_length((const char *)text);
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

/* ---------------------------------------------------------------- members of objects */

/* How a member of a struct is printed. */
typedef enum member_kind {
    TEXT,    /* const char * */
    LINE,    /* char[] */
    SECONDS, /* double: any number */
    COUNT,   /* int64_t */
    INTEGER, /* int */
    BYTES    /* int64_t; below 0: the system does not tell, the string "unknown" */
} member_kind;

typedef struct member {
    const char *key;
    member_kind kind;
    size_t offset;
} member;

static void value_write(FILE *out, member_kind kind, const void *value) {
    const int64_t *bytes = value;
    if (kind == TEXT)
        msio_report_json_string(out, *(const char *const *)value);
    else if (kind == LINE)
        msio_report_json_string(out, value);
    else if (kind == SECONDS)
        msio_report_json_number(out, *(const double *)value);
    else if (kind == INTEGER)
        fprintf(out, "%d", *(const int *)value);
    else if (kind == BYTES && *bytes < 0)
        msio_report_json_string(out, "unknown");
    else
        fprintf(out, "%lld", (long long)*bytes);
}

/* Key and value; a comma first, unless this member is an object's first one. */
static void member_write(FILE *out, bool first, const char *key, member_kind kind, const void *value) {
    if (!first) fputs(", ", out);
    msio_report_json_string(out, key);
    fputs(": ", out);
    value_write(out, kind, value);
}

/* The members of an object, without its brackets, from the struct that holds them. */
static void members_write(FILE *out, const void *from, size_t n, const member members[]) {
    for (size_t i = 0; i < n; i++)
        member_write(out, i == 0, members[i].key, members[i].kind, (const char *)from + members[i].offset);
}

#define MEMBERS(out, from, members) members_write(out, from, sizeof(members) / sizeof *(members), members)

/* ---------------------------------------------------------------- paths */

static void callers_write(FILE *out, const msio_totals *totals, int path) {
    static const member members[] = {{"name", TEXT, offsetof(msio_prof_caller, name)},
                                     {"ncalls", COUNT, offsetof(msio_prof_caller, ncalls)},
                                     {"cumtime", SECONDS, offsetof(msio_prof_caller, cumtime)}};
    msio_prof_caller callers[PROF_PATHS + 1];
    int count = msio_stats_callers(totals, path, callers);
    fputs(", \"callers\": [", out);
    for (int i = 0; i < count; i++) {
        fputs(i == 0 ? "{" : ", {", out);
        MEMBERS(out, &callers[i], members);
        fputc('}', out);
    }
    fputc(']', out);
}

static void target_write(FILE *out, const msio_prof_stats *stats) {
    const char *verdict = msio_verdict_name(stats->verdict);
    if (stats->target_seconds > 0)
        member_write(out, false, "target_seconds", SECONDS, &stats->target_seconds);
    else
        fputs(", \"target_seconds\": null", out);
    member_write(out, false, "measured_seconds", SECONDS, &stats->measured_seconds);
    member_write(out, false, "verdict", TEXT, &verdict);
    member_write(out, false, "reason", LINE, stats->reason);
}

#define OF_STATS(kind, name)                                                                                           \
    { #name, kind, offsetof(msio_prof_stats, name) }

static void path_write(FILE *out, const msio_totals *totals, int path) {
    static const member members[] = {
        OF_STATS(TEXT, name),       OF_STATS(TEXT, unit),        OF_STATS(TEXT, what),
        OF_STATS(COUNT, ncalls),    OF_STATS(SECONDS, tottime),  OF_STATS(SECONDS, cumtime),
        OF_STATS(SECONDS, percall), OF_STATS(SECONDS, min),      OF_STATS(SECONDS, p50),
        OF_STATS(SECONDS, p90),     OF_STATS(SECONDS, p99),      OF_STATS(SECONDS, max),
        OF_STATS(COUNT, bytes),     OF_STATS(COUNT, bytes_read), OF_STATS(COUNT, rows),
        OF_STATS(COUNT, pieces),    OF_STATS(SECONDS, gb_per_s), OF_STATS(SECONDS, amplification)};
    msio_prof_stats stats = MSIO_PROF_STATS_INIT;
    msio_stats_path(totals, path, &stats);
    fputc('{', out);
    MEMBERS(out, &stats, members);
    target_write(out, &stats);
    callers_write(out, totals, path);
    fputc('}', out);
}

/* ---------------------------------------------------------------- the process */

#define OF_PROCESS(kind, key, name)                                                                                    \
    { key, kind, offsetof(msio_prof_process, name) }

static void process_write(FILE *out, const msio_prof_process *process) {
    static const member whole[] = {OF_PROCESS(LINE, "clock", clock), OF_PROCESS(SECONDS, "seconds", seconds),
                                   OF_PROCESS(BYTES, "peak_rss_bytes", peak_rss_bytes),
                                   OF_PROCESS(BYTES, "read_bytes", read_bytes),
                                   OF_PROCESS(BYTES, "disk_bytes", disk_bytes)};
    static const member threads[] = {
        OF_PROCESS(INTEGER, "count", threads), OF_PROCESS(SECONDS, "min_seconds", thread_min),
        OF_PROCESS(SECONDS, "mean_seconds", thread_mean), OF_PROCESS(SECONDS, "max_seconds", thread_max)};
    static const member profiler[] = {
        OF_PROCESS(COUNT, "spans", spans), OF_PROCESS(SECONDS, "span_seconds", span_seconds),
        OF_PROCESS(SECONDS, "own_seconds", own_seconds), OF_PROCESS(COUNT, "dropped", dropped)};
    MEMBERS(out, process, whole);
    fputs(",\n \"threads\": {", out);
    MEMBERS(out, process, threads);
    fputs("},\n \"profiler\": {", out);
    MEMBERS(out, process, profiler);
    fputc('}', out);
}

static void advice_write(FILE *out, const char *line, int64_t index, long times) {
    const int64_t count = times;
    fputs(index ? ", {" : "{", out);
    member_write(out, true, "text", TEXT, &line);
    member_write(out, false, "times", COUNT, &count);
    fputc('}', out);
}

void msio_report_write_json(FILE *out, const msio_totals *totals) {
    msio_prof_process process = MSIO_PROF_PROCESS_INIT;
    msio_stats_process(totals, &process);
    fprintf(out, "{\"format\": \"msio-profile\", \"format_version\": %d, \"msio_version\": \"%s\",\n ", FORMAT_VERSION,
            MSIO_VERSION_STRING);
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
