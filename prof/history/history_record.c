/* history_record.c - a document of one of the commands as rows; a run is recorded whole or not at all. */
#include "prof/history/history_file.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The recording of one document. */
typedef struct recording {
    history *h;
    history_error *error;
    const history_facts *facts;
    const json_t *document;
    history_run run;
    char program[HISTORY_TEXT], series[HISTORY_TEXT], folder[HISTORY_TEXT];
    char *versions;
} recording;

/* ---------------------------------------------------------------- members of an object */

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* NaN where there is no number: "nan" and the like are strings. */
static double number_of(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static int64_t integer_of(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    if (json_is_integer(value)) return json_integer_value(value);
    double real = json_is_real(value) ? json_real_value(value) : -1;
    return real >= 0 && real < 9e18 ? (int64_t)real : -1;
}

/* The same where a missing one is none. */
static int64_t amount_of(const json_t *object, const char *key) {
    int64_t value = integer_of(object, key);
    return value > 0 ? value : 0;
}

static msio_status put(recording *r, history_table table, const void *row) {
    return history_put(r->h, table, row, r->error);
}

static msio_status put_count(recording *r, const char *name, int64_t value, int exact) {
    if (value < 0) return MSIO_OK;
    history_count row = {r->run.id, name, value, exact};
    return put(r, HISTORY_COUNTS, &row);
}

/* Numbers of an array as times. */
static msio_status put_times(recording *r, const char *name, const json_t *list) {
    msio_status status = MSIO_OK;
    for (size_t i = 0; !status && i < json_array_size(list); i++) {
        const json_t *value = json_array_get(list, i);
        history_time row = {r->run.id, name, (int64_t)i, json_number_value(value)};
        if (json_is_number(value)) status = put(r, HISTORY_TIMES, &row);
    }
    return status;
}

/* Words with spaces between them; a list or one text. */
static void join(char *text, size_t size, const json_t *words) {
    size_t at = 0;
    text[0] = '\0';
    if (json_is_string(words)) snprintf(text, size, "%s", json_string_value(words));
    for (size_t i = 0; i < json_array_size(words) && at + 1 < size; i++) {
        const char *word = json_string_value(json_array_get(words, i));
        if (!word) continue;
        int used = snprintf(text + at, size - at, "%s%s", at ? " " : "", word);
        at += used > 0 ? (size_t)used : 0;
    }
}

/* ---------------------------------------------------------------- verify */

static void head_of_verify(recording *r) {
    const json_t *paths = json_object_get(r->document, "paths");
    r->run.verdict = text_of(r->document, "judgement");
    for (size_t i = 0; i < json_array_size(paths); i++) {
        const json_t *path = json_array_get(paths, i), *load = json_object_get(path, "load");
        double average = number_of(load, "average"), others = number_of(load, "others");
        if (!r->program[0]) join(r->program, sizeof r->program, json_object_get(path, "path"));
        if (average >= 0 && !(r->run.load >= average)) r->run.load = average;
        if (others >= 0 && !(r->run.others >= others)) r->run.others = others;
    }
}

static msio_status put_path(recording *r, const json_t *path) {
    char name[512];
    history_target row = {.run = r->run.id,
                          .name = text_of(path, "name"),
                          .subject = text_of(path, "path"),
                          .target = number_of(path, "target_seconds"),
                          .measured = number_of(path, "measured_seconds"),
                          .uncached = number_of(path, "uncached_seconds"),
                          .roofline = number_of(path, "roofline_seconds"),
                          .bytes = integer_of(path, "bytes"),
                          .verdict = text_of(path, "verdict"),
                          .reason = text_of(path, "reason"),
                          .tries = integer_of(path, "tries"),
                          .met = integer_of(path, "met")};
    msio_status status = put(r, HISTORY_TARGETS, &row);
    if (!status && row.measured > 0 && row.roofline > 0) {
        snprintf(name, sizeof name, "%s / roofline", row.name);
        history_ratio ratio = {r->run.id, name, row.measured / row.roofline, NAN, NAN, 1, ""};
        status = put(r, HISTORY_RATIOS, &ratio);
    }
    if (!status && row.measured >= 0) {
        history_time time = {r->run.id, row.name, 0, row.measured};
        const json_t *all = json_object_get(path, "seconds"); /* each try, where it is told */
        status = json_array_size(all) ? put_times(r, row.name, all) : put(r, HISTORY_TIMES, &time);
    }
    snprintf(name, sizeof name, "%s bytes", row.name);
    return status || row.measured < 0 ? status : put_count(r, name, row.bytes, 1);
}

static msio_status body_of_verify(recording *r) {
    const json_t *paths = json_object_get(r->document, "paths");
    msio_status status = MSIO_OK;
    for (size_t i = 0; !status && i < json_array_size(paths); i++) status = put_path(r, json_array_get(paths, i));
    return status;
}

/* ---------------------------------------------------------------- profile */

static void head_of_profile(recording *r) {
    join(r->program, sizeof r->program, json_object_get(r->document, "program"));
    r->run.seconds = number_of(r->document, "seconds");
    r->run.cpu_seconds = number_of(r->document, "cpu_seconds");
    r->run.exit_code = integer_of(r->document, "exit_code");
    r->run.verdict = text_of(r->document, "verdict");
    r->run.peak_bytes = integer_of(json_object_get(r->document, "memory"), "peak_bytes");
    if (number_of(r->document, "load") >= 0) r->run.load = number_of(r->document, "load");
}

/* Sums over lists of the document: what is gated. */
static msio_status put_sums(recording *r) {
    static const struct {
        const char *name, *list, *key;
    } sums[] = {
        {"tables opened", "tables", "opens"},
        {"table read calls", "tables", "reads"},
        {"table write calls", "tables", "writes"},
        {"table bytes read", "tables", "bytes_read"},
        {"table bytes written", "tables", "bytes_written"},
        {"table lock calls", "tables", "lock_calls"},
        {"table syncs", "tables", "syncs"},
        {"column accesses", "columns", "calls"},
        {"column cells", "columns", "cells"},
        {"column bytes wanted", "columns", "bytes_wanted"},
        {"file read calls", "files", "reads"},
        {"file write calls", "files", "writes"},
        {"file bytes read", "files", "bytes_read"},
        {"file bytes written", "files", "bytes_written"},
    };
    msio_status status = MSIO_OK;
    for (size_t s = 0; !status && s < sizeof sums / sizeof *sums; s++) {
        const json_t *list = json_object_get(r->document, sums[s].list);
        int64_t sum = 0;
        for (size_t i = 0; i < json_array_size(list); i++)
            if (__builtin_add_overflow(sum, amount_of(json_array_get(list, i), sums[s].key), &sum)) sum = INT64_MAX;
        if (list) status = put_count(r, sums[s].name, sum, 1);
    }
    return status;
}

/* The list's objects by a number of theirs, largest first, so many at most. */
typedef struct ranked {
    const json_t *object;
    double key;
    size_t place;
} ranked;

static int by_key(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? 1 : -1;
    return x->place < y->place ? -1 : x->place > y->place;
}

static double bytes_moved(const json_t *o) {
    return (double)amount_of(o, "bytes_read") + (double)amount_of(o, "bytes_written");
}
static double cells_of(const json_t *o) { return (double)amount_of(o, "count"); }
static double cost_of(const json_t *o) {
    double cost = number_of(o, "about_seconds");
    return cost > 0 ? cost : 0;
}

static msio_status put_ranked(recording *r, const char *name, double (*key)(const json_t *), size_t most,
                              msio_status (*put_one)(recording *, const json_t *, int64_t rank)) {
    const json_t *list = json_object_get(r->document, name);
    size_t n = json_array_size(list);
    ranked *all = calloc(n ? n : 1, sizeof *all);
    msio_status status = all ? MSIO_OK : history_fail(r->error, MSIO_E_MEMORY, "no memory");
    if (!status) {
        for (size_t i = 0; i < n; i++) all[i] = (ranked){json_array_get(list, i), key(json_array_get(list, i)), i};
        qsort(all, n, sizeof *all, by_key);
        for (size_t i = 0; !status && i < n && i < most; i++) status = put_one(r, all[i].object, (int64_t)i);
    }
    free(all);
    return status;
}

static msio_status put_column(recording *r, const json_t *o, int64_t rank) {
    history_column row = {.run = r->run.id,
                          .rank = rank,
                          .table_path = text_of(o, "table"),
                          .name = text_of(o, "column"),
                          .calls = integer_of(o, "calls"),
                          .cells = integer_of(o, "cells"),
                          .reads = integer_of(o, "reads"),
                          .writes = integer_of(o, "writes"),
                          .bytes_read = integer_of(o, "bytes_read"),
                          .bytes_written = integer_of(o, "bytes_written"),
                          .bytes_wanted = integer_of(o, "bytes_wanted"),
                          .distinct_bytes = integer_of(o, "distinct_bytes"),
                          .tile_most = integer_of(o, "tile_most"),
                          .seconds = number_of(o, "seconds")};
    return put(r, HISTORY_COLUMNS_OF, &row);
}

static msio_status put_loop(recording *r, const json_t *o, int64_t rank) {
    history_loop row = {r->run.id,
                        rank,
                        text_of(o, "method"),
                        text_of(o, "table"),
                        text_of(o, "column"),
                        integer_of(o, "count"),
                        text_of(o, "file"),
                        integer_of(o, "line"),
                        text_of(o, "function"),
                        number_of(o, "would_take_seconds")};
    return put(r, HISTORY_LOOPS_OF, &row);
}

static msio_status put_finding(recording *r, const json_t *o, int64_t rank) {
    history_finding row = {r->run.id,
                           rank,
                           text_of(o, "kind"),
                           text_of(o, "what"),
                           text_of(o, "instead"),
                           text_of(o, "table"),
                           text_of(o, "column"),
                           text_of(o, "file"),
                           integer_of(o, "line"),
                           number_of(o, "about_seconds")};
    return put(r, HISTORY_FINDINGS_OF, &row);
}

static msio_status put_moments(recording *r) {
    const json_t *curve = json_object_get(json_object_get(r->document, "memory"), "curve");
    size_t n = json_array_size(curve), step = n / HISTORY_MOMENTS + (n % HISTORY_MOMENTS != 0);
    msio_status status = MSIO_OK;
    for (size_t i = 0; !status && i < n; i += step) {
        const json_t *m = json_array_get(curve, i);
        double resident = json_number_value(json_array_get(m, 1));
        history_moment row = {r->run.id, json_number_value(json_array_get(m, 0)),
                              resident >= 0 && resident < 9e18 ? (int64_t)resident : -1,
                              json_number_value(json_array_get(m, 2))};
        if (json_array_size(m) >= 3) status = put(r, HISTORY_MOMENTS_OF, &row);
    }
    return status;
}

/* A line of profile.folded: frames, a space, samples. */
typedef struct folded_line {
    const char *line;
    size_t length;
    int64_t samples;
} folded_line;

static int by_samples(const void *a, const void *b) {
    const folded_line *x = a, *y = b;
    if (x->samples != y->samples) return x->samples < y->samples ? 1 : -1;
    return x->line < y->line ? -1 : x->line > y->line;
}

static size_t split_folded(const char *text, folded_line *lines) {
    size_t n = 0;
    while (*text) {
        size_t length = strcspn(text, "\n"), space = length;
        while (space > 0 && text[space - 1] != ' ') space--;
        if (space > 1 && space - 1 < HISTORY_TEXT) {
            if (lines) lines[n] = (folded_line){text, space - 1, strtoll(text + space, NULL, 10)};
            n++;
        }
        text += length + (text[length] == '\n');
    }
    return n;
}

static msio_status put_stacks(recording *r) {
    const char *text = r->facts->folded ? r->facts->folded : "";
    size_t n = split_folded(text, NULL);
    char frames[HISTORY_TEXT + 1];
    folded_line *lines = calloc(n ? n : 1, sizeof *lines);
    msio_status status = lines ? MSIO_OK : history_fail(r->error, MSIO_E_MEMORY, "no memory");
    if (!status) {
        split_folded(text, lines);
        qsort(lines, n, sizeof *lines, by_samples);
        for (size_t i = 0; !status && i < n && i < HISTORY_STACKS; i++) {
            snprintf(frames, sizeof frames, "%.*s", (int)lines[i].length, lines[i].line);
            history_stack row = {r->run.id, frames, lines[i].samples};
            if (row.samples > 0) status = put(r, HISTORY_STACKS_OF, &row);
        }
    }
    free(lines);
    return status;
}

/* Targets of --judge. */
static msio_status put_judged(recording *r) {
    const json_t *list = json_object_get(r->document, "targets");
    msio_status status = MSIO_OK;
    for (size_t i = 0; !status && i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i);
        history_target row = {.run = r->run.id,
                              .name = text_of(o, "name"),
                              .subject = r->run.program,
                              .target = number_of(o, "target_seconds"),
                              .measured = number_of(o, "measured_seconds"),
                              .uncached = NAN,
                              .roofline = NAN,
                              .bytes = -1,
                              .verdict = text_of(o, "verdict"),
                              .reason = text_of(o, "reason"),
                              .tries = -1,
                              .met = -1};
        status = put(r, HISTORY_TARGETS, &row);
    }
    return status;
}

static msio_status body_of_profile(recording *r) {
    history_time wall = {r->run.id, "wall", 0, r->run.seconds}, cpu = {r->run.id, "cpu", 0, r->run.cpu_seconds};
    msio_status status = r->run.seconds >= 0 ? put(r, HISTORY_TIMES, &wall) : MSIO_OK;
    if (!status && r->run.cpu_seconds >= 0) status = put(r, HISTORY_TIMES, &cpu);
    if (!status) status = put_sums(r);
    if (!status) status = put_judged(r);
    if (!status) status = put_ranked(r, "columns", bytes_moved, HISTORY_COLUMNS, put_column);
    if (!status) status = put_ranked(r, "loops", cells_of, HISTORY_LOOPS, put_loop);
    if (!status) status = put_ranked(r, "findings", cost_of, HISTORY_FINDINGS, put_finding);
    if (!status) status = put_moments(r);
    return status ? status : put_stacks(r);
}

/* ---------------------------------------------------------------- bench */

static void head_of_bench(recording *r) {
    const json_t *machine = json_object_get(r->document, "machine"), *versions = json_object_get(machine, "versions");
    snprintf(r->program, sizeof r->program, "bench");
    if (json_is_object(versions)) r->versions = json_dumps(versions, JSON_COMPACT | JSON_SORT_KEYS);
    if (json_is_string(json_object_get(machine, "system"))) r->run.system = text_of(machine, "system");
    if (number_of(machine, "load") >= 0) r->run.load = number_of(machine, "load");
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of an array's numbers; NaN of none, or where there are too many for a bench. */
static double median_of(const json_t *list) {
    double value[256];
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(list) && n < sizeof value / sizeof *value; i++)
        if (json_is_number(json_array_get(list, i))) value[n++] = json_number_value(json_array_get(list, i));
    if (!n) return NAN;
    qsort(value, n, sizeof *value, by_value);
    return n % 2 ? value[n / 2] : (value[n / 2 - 1] + value[n / 2]) / 2;
}

/* The same work by another reader, of the same run. */
static double median_of_reader(const json_t *results, const char *work, const char *reader) {
    for (size_t i = 0; i < json_array_size(results); i++) {
        const json_t *o = json_array_get(results, i);
        if (strcmp(text_of(o, "work"), work) == 0 && strcmp(text_of(o, "reader"), reader) == 0)
            return median_of(json_object_get(o, "seconds"));
    }
    return NAN;
}

static msio_status put_result(recording *r, const json_t *o, const json_t *results) {
    static const char *const exact[] = {"bytes_read", "allocations", "system_calls"};
    static const char *const against[] = {"roofline", "casacore", "h5py"};
    char name[512], longer[600];
    snprintf(name, sizeof name, "%.100s %.100s/%.200s x%" PRId64, text_of(o, "work"), text_of(o, "reader"),
             text_of(o, "variant"), amount_of(o, "threads"));
    msio_status status = put_times(r, name, json_object_get(o, "seconds"));
    double own = median_of(json_object_get(o, "seconds"));
    for (size_t i = 0; !status && i < 3 && strcmp(text_of(o, "reader"), "msio") == 0; i++) {
        double theirs = median_of_reader(results, text_of(o, "work"), against[i]);
        if (!(own > 0) || !(theirs > 0)) continue;
        snprintf(longer, sizeof longer, "%s / %s", name, against[i]);
        history_ratio row = {
            r->run.id, longer, own / theirs, NAN, NAN, (int64_t)json_array_size(json_object_get(o, "seconds")), ""};
        status = put(r, HISTORY_RATIOS, &row);
    }
    for (size_t i = 0; !status && i < sizeof exact / sizeof *exact; i++) {
        snprintf(longer, sizeof longer, "%s %s", name, exact[i]);
        status = put_count(r, longer, integer_of(o, exact[i]), 1);
    }
    return status;
}

static msio_status body_of_bench(recording *r) {
    const json_t *results = json_object_get(r->document, "results");
    msio_status status = MSIO_OK;
    for (size_t i = 0; !status && i < json_array_size(results); i++)
        status = put_result(r, json_array_get(results, i), results);
    return status;
}

/* ---------------------------------------------------------------- compare, counts */

static void head_of_compare(recording *r) {
    snprintf(r->program, sizeof r->program, "%.2000s | %.2000s", text_of(r->document, "a"), text_of(r->document, "b"));
    r->run.verdict = text_of(r->document, "verdict");
    r->run.seconds = number_of(r->document, "seconds");
    if (number_of(r->document, "load") >= 0) r->run.load = number_of(r->document, "load");
}

/* Of a the counts are shown, of b those are judged that are the same in every run, and instructions. */
static msio_status put_compared(recording *r, const json_t *o) {
    int exact = !json_is_false(json_object_get(o, "exact")), kept = exact ? HISTORY_EXACT
                                                                    : strcmp(text_of(o, "name"), "instructions") == 0
                                                                        ? HISTORY_WITHIN
                                                                        : HISTORY_SHOWN;
    char name[300];
    snprintf(name, sizeof name, "a %.250s", text_of(o, "name"));
    msio_status status = put_count(r, name, integer_of(o, "a"), HISTORY_SHOWN);
    snprintf(name, sizeof name, "b %.250s", text_of(o, "name"));
    return status ? status : put_count(r, name, integer_of(o, "b"), kept);
}

static msio_status body_of_compare(recording *r) {
    const json_t *pairs = json_object_get(r->document, "pairs"), *counts = json_object_get(r->document, "counts");
    history_ratio ratio = {r->run.id,
                           "b/a",
                           number_of(r->document, "ratio"),
                           number_of(r->document, "low"),
                           number_of(r->document, "high"),
                           (int64_t)json_array_size(pairs),
                           r->run.verdict};
    msio_status status = put(r, HISTORY_RATIOS, &ratio);
    for (size_t i = 0; !status && i < json_array_size(pairs); i++) {
        const json_t *pair = json_array_get(pairs, i);
        history_time a = {r->run.id, "a", (int64_t)i, json_number_value(json_array_get(pair, 0))},
                     b = {r->run.id, "b", (int64_t)i, json_number_value(json_array_get(pair, 1))};
        if (json_array_size(pair) < 2) continue;
        status = put(r, HISTORY_TIMES, &a);
        if (!status) status = put(r, HISTORY_TIMES, &b);
    }
    for (size_t i = 0; !status && i < json_array_size(counts); i++) status = put_compared(r, json_array_get(counts, i));
    return status;
}

static void head_of_counts(recording *r) { join(r->program, sizeof r->program, json_object_get(r->document, "name")); }

/* {"name": ..., "counts": {NAME: n}, "about": {NAME: n}, "times": {NAME: [..]}}: what a script counted itself; about:
 * instructions and the like, which may rise by 1%. */
static msio_status body_of_counts(recording *r) {
    static const char *const kinds[] = {"counts", "about"};
    msio_status status = MSIO_OK;
    const char *key;
    json_t *value;
    for (int i = 0; !status && i < 2; i++) {
        json_t *counts = json_object_get(r->document, kinds[i]);
        json_object_foreach(counts, key, value) {
            if (!status) status = put_count(r, key, integer_of(counts, key), i == 0);
        }
    }
    json_object_foreach(json_object_get(r->document, "times"), key, value) {
        if (!status) status = put_times(r, key, value);
    }
    return status;
}

/* ---------------------------------------------------------------- all of them */

typedef struct kind {
    const char *name;
    const char *keys[3]; /* that a document of it has */
    void (*head)(recording *r);
    msio_status (*body)(recording *r);
} kind;

static const kind kinds[] = {
    {"verify", {"paths", "judgement"}, head_of_verify, body_of_verify},
    {"profile", {"program", "columns", "tables"}, head_of_profile, body_of_profile},
    {"bench", {"machine", "results"}, head_of_bench, body_of_bench},
    {"compare", {"ratio", "verdict", "counts"}, head_of_compare, body_of_compare},
    {"counts", {"counts"}, head_of_counts, body_of_counts},
};

static const kind *kind_of(const json_t *document) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        int has = 1;
        for (int k = 0; k < 3 && kinds[i].keys[k]; k++) has &= json_object_get(document, kinds[i].keys[k]) != NULL;
        if (has) return &kinds[i];
    }
    return NULL;
}

/* FNV-1a of the document: the same one at the same time is the same run. */
static uint64_t hash(uint64_t h, const char *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)bytes[i]) * 0x100000001b3u;
    return h;
}

static const char *or_none(const char *text) { return text ? text : ""; }

static void make_head(recording *r, const kind *of) {
    const history_facts *f = r->facts;
    r->run = (history_run){.kind = of->name,
                           .time = f->time,
                           .machine = or_none(f->machine),
                           .host = or_none(f->host),
                           .system = or_none(f->system),
                           .processors = f->processors,
                           .commit = or_none(f->commit),
                           .version = or_none(f->version),
                           .load = NAN,
                           .others = NAN,
                           .folder = or_none(f->folder),
                           .seconds = NAN,
                           .cpu_seconds = NAN,
                           .exit_code = -1,
                           .peak_bytes = -1,
                           .verdict = "",
                           .note = or_none(f->note)};
    of->head(r);
    if (isnan(r->run.load)) r->run.load = f->load;
    r->run.program = r->program;
    r->run.versions = or_none(r->versions);
    if (f->series && f->series[0])
        snprintf(r->series, sizeof r->series, "%s", f->series);
    else if (strcmp(r->program, of->name) == 0 || !r->program[0])
        snprintf(r->series, sizeof r->series, "%s", of->name);
    else
        snprintf(r->series, sizeof r->series, "%s %.4000s", of->name, r->program);
    r->run.series = r->series;
}

/* 1 where a run of that digest is there, which *id then names. */
static int is_there(recording *r, const char *digest, int64_t *id, msio_status *status) {
    sqlite3_stmt *query = NULL;
    int found = 0;
    if (sqlite3_prepare_v2(r->h->db, "SELECT id FROM runs WHERE digest = ?1", -1, &query, NULL) != SQLITE_OK) {
        *status = history_fail_sqlite(r->h, "looking", r->error);
        return 0;
    }
    sqlite3_bind_text(query, 1, digest, -1, SQLITE_STATIC);
    int code = sqlite3_step(query);
    if (code == SQLITE_ROW) {
        found = 1;
        *id = sqlite3_column_int64(query, 0);
    } else if (code != SQLITE_DONE) {
        *status = history_fail_sqlite(r->h, "looking", r->error);
    }
    sqlite3_finalize(query);
    return found;
}

/* A statement with one text or two integers for its parameters. */
static msio_status change(recording *r, const char *sql, const char *text, int64_t first, int64_t second) {
    sqlite3_stmt *to = NULL;
    msio_status status = MSIO_OK;
    if (sqlite3_prepare_v2(r->h->db, sql, -1, &to, NULL) != SQLITE_OK)
        return history_fail_sqlite(r->h, "recording", r->error);
    sqlite3_bind_text(to, 1, text, -1, SQLITE_STATIC);
    sqlite3_bind_int64(to, 2, first);
    if (sqlite3_bind_parameter_count(to) > 2) sqlite3_bind_int64(to, 3, second);
    if (sqlite3_step(to) != SQLITE_DONE) status = history_fail_sqlite(r->h, "recording", r->error);
    sqlite3_finalize(to);
    return status;
}

/* Moments and stacks of the older runs of the series go: a history stays small. */
static msio_status forget_details(recording *r) {
    static const char *const sql[] = {
        "DELETE FROM moments WHERE run IN (SELECT id FROM runs WHERE series = ?1 ORDER BY time DESC, id DESC LIMIT -1 "
        "OFFSET ?2)",
        "DELETE FROM stacks WHERE run IN (SELECT id FROM runs WHERE series = ?1 ORDER BY time DESC, id DESC LIMIT -1 "
        "OFFSET ?2)"};
    msio_status status = MSIO_OK;
    for (int i = 0; !status && i < 2; i++)
        status = change(r, sql[i], r->series, r->facts->keep > 0 ? r->facts->keep : 1, 0);
    return status;
}

static msio_status record(recording *r, const kind *of, const char *digest, int64_t *run, int *there) {
    msio_status status = history_run_sql(r->h, "BEGIN IMMEDIATE", "locking", r->error);
    if (status) return status;
    *there = is_there(r, digest, run, &status);
    if (!status && !*there) {
        status = put(r, HISTORY_RUNS, &r->run);
        r->run.id = sqlite3_last_insert_rowid(r->h->db);
        if (!status) status = change(r, "UPDATE runs SET digest = ?1 WHERE id = ?2", digest, r->run.id, 0);
        if (!status) status = of->body(r);
        if (!status) status = forget_details(r);
    }
    if (!status) status = history_run_sql(r->h, "COMMIT", "recording", r->error);
    if (status)
        sqlite3_exec(r->h->db, "ROLLBACK", NULL, NULL, NULL);
    else if (!*there)
        *run = r->run.id;
    return status;
}

msio_status history_record(history *h, const char *document, size_t bytes, const history_facts *facts, int64_t *run,
                           int *there, history_error *error) {
    json_error_t where;
    char digest[64];
    if (bytes > HISTORY_DOCUMENT_BYTES)
        return history_fail(error, MSIO_E_FORMAT, "is longer than a report can be (%zu MiB)",
                            HISTORY_DOCUMENT_BYTES >> 20);
    json_t *parsed = json_loadb(document, bytes, JSON_REJECT_DUPLICATES, &where);
    if (!parsed) return history_fail(error, MSIO_E_FORMAT, "is no JSON: %s, line %d", where.text, where.line);
    msio_status status;
    const kind *of = json_is_object(parsed) ? kind_of(parsed) : NULL;
    recording *r = calloc(1, sizeof *r);
    if (!r) {
        status = history_fail(error, MSIO_E_MEMORY, "no memory");
    } else if (!of) {
        status = history_fail(
            error, MSIO_E_FORMAT,
            "is no report of verify, profile, bench or compare with --json, and holds no \"counts\"%s%.200s",
            text_of(json_object_get(parsed, "error"), "message")[0] ? ": it tells of an error: " : "",
            text_of(json_object_get(parsed, "error"), "message"));
    } else {
        *r = (recording){.h = h, .error = error, .facts = facts, .document = parsed};
        make_head(r, of);
        uint64_t mark = hash(hash(0xcbf29ce484222325u, document, bytes), r->series, strlen(r->series));
        snprintf(digest, sizeof digest, "%016" PRIx64 "-%zu-%.3f", mark, bytes, facts->time);
        status = record(r, of, digest, run, there);
        free(r->versions);
    }
    free(r);
    json_decref(parsed);
    return status;
}
