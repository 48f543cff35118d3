/* profile_exports.c - what other programs open: memory.csv, profile.folded, accesses.folded, profile.speedscope.json,
 * profile.prof; and counts.tsv, which `msio profile compare` reads.
 *
 * None of them has a time that was not measured: times are those of sampled stacks, accesses are counted.
 */
#include "cli/profile/profile.h"

#include "cli/common/failure.h"
#include "cli/common/json.h"

#include <stdlib.h>
#include <string.h>

void cli_profile_memory(FILE *out, const cli_profile_run *run) {
    fputs("seconds,resident_bytes,cpu_seconds,processes,threads,table_bytes_read,table_bytes_written\n", out);
    for (int i = 0; i < run->moments; i++) {
        const cli_profile_moment *m = &run->moment[i];
        fprintf(out, "%.3f,%lld,%.2f,%d,%d,%lld,%lld\n", m->seconds, (long long)m->resident, m->cpu, m->processes,
                m->threads, (long long)m->read, (long long)m->written);
    }
}

/* ---------------------------------------------------------------- counts */

/* A name in a line of fields: what would end a field or a line becomes '?'. */
static void put_name(FILE *out, const char *name, const char *ends) {
    for (const unsigned char *at = (const unsigned char *)name; *at; at++)
        fputc(*at < 0x20 || *at == 0x7f || strchr(ends, *at) ? '?' : *at, out);
}

static void put_count(FILE *out, const char *what, const char *table, const char *column, int64_t count) {
    if (count == 0) return;
    fprintf(out, "%s\t", what);
    put_name(out, table, "");
    fputc('\t', out);
    put_name(out, column, "");
    fprintf(out, "\t%lld\n", (long long)count);
}

/* Calls of msio's functions, each under its own name. */
static void put_told_counts(FILE *out, const prof_found *found) {
    prof_told *list;
    const int n = prof_told_functions(found, &list);
    for (int i = 0, same; i < n; i += same) {
        int64_t calls = 0;
        same = prof_told_same(list, n, i);
        for (int k = i; k < i + same; k++) calls += list[k].calls;
        put_count(out, list[i].function, prof_short_name(list[i].path), list[i].column, calls);
    }
    free(list);
}

void cli_profile_counts(FILE *out, const cli_profile_run *run, const prof_found *found) {
    fprintf(out, "# msio profile counts 1\nseconds\t\t\t%.6f\ncpu_seconds\t\t\t%.6f\n", run->seconds,
            run->user + run->system);
    put_count(out, "peak_bytes", "", "", run->peak);
    for (int i = 0; i < found->tables; i++) {
        const prof_table *t = &found->table[i];
        put_count(out, "opens", t->name, "", t->opens);
        put_count(out, "lock_calls", t->name, "", t->lock_calls);
        put_count(out, "lock_reads", t->name, "", t->lock_reads);
        put_count(out, "syncs", t->name, "", t->syncs);
        for (const prof_column *c = t->column; c; c = c->next) {
            put_count(out, "accesses", t->name, c->name, c->calls_read + c->calls_written);
            put_count(out, "reads", t->name, c->name, c->reads);
            put_count(out, "writes", t->name, c->name, c->writes);
            put_count(out, "bytes_read", t->name, c->name, c->bytes_read);
            put_count(out, "bytes_written", t->name, c->name, c->bytes_written);
            put_count(out, "tiles_twice", t->name, c->name, c->units_twice);
        }
    }
    put_told_counts(out, found);
}

/* ---------------------------------------------------------------- stacks: a line of the source, what it asked for */

static void put_place(FILE *out, const char *file, int line, const char *function) {
    put_name(out, file, ";");
    fprintf(out, ":%d ", line);
    put_name(out, function, ";");
}

/* Weights are microseconds. */
void cli_profile_folded(FILE *out, const prof_found *found) {
    const profile_segment *s = found->segment;
    for (int i = 0; i < found->stacks; i++) {
        const profile_stack *stack = found->stack[i];
        for (uint32_t frame = stack->depth; frame-- > 0;) {
            const profile_site *site = prof_frame(found, stack, frame);
            put_place(out, prof_string(s, site->file), site->line, prof_string(s, site->function));
            if (frame) fputc(';', out);
        }
        fprintf(out, " %lld\n", (long long)(stack->wall_ns / 1000));
    }
}

/* Native code and Python together; weights are microseconds of processor time. */
void cli_profile_folded_processor(FILE *out, const cli_profile_run *run) {
    const cli_sampled_stacks *s = &run->samples.stacks;
    int *path = cli_alloc_many((size_t)s->calls + 1, sizeof *path);
    for (int i = 0; i < s->calls; i++) {
        int depth = 0;
        if (s->call[i].own == 0) continue;
        for (int at = i; at >= 0; at = s->call[at].caller) path[depth++] = s->call[at].function;
        while (depth-- > 0) {
            const cli_sampled_function *f = &s->function[path[depth]];
            put_name(out, f->name, ";");
            if (*f->library) fputs(" [", out), put_name(out, f->library, ";"), fputc(']', out);
            if (depth) fputc(';', out);
        }
        fprintf(out, " %lld\n", (long long)(s->call[i].own * 1000000 / run->samples.hz));
    }
    free(path);
}

void cli_profile_folded_accesses(FILE *out, const prof_found *found) {
    for (int i = 0; i < found->accesses; i++) {
        const prof_access *a = &found->access[i];
        if (a->file)
            put_place(out, a->file, a->line, a->function);
        else
            fputs("(line unknown)", out);
        fprintf(out, ";%s ", a->write ? "write" : "read");
        put_name(out, a->table >= 0 ? found->table[a->table].name : a->table_path, ";");
        fputc('.', out);
        put_name(out, a->column_name, ";");
        fprintf(out, " %lld\n", (long long)a->calls);
    }
}

static void put_frame(cli_json *json, const char *name, const char *file, int line) {
    cli_json_flat_object(json);
    cli_json_put_string(json, "name", name);
    if (file) {
        cli_json_put_string(json, "file", file);
        cli_json_put_int(json, "line", line);
    }
    cli_json_end(json);
}

/* Two frames an access: 2 i is the line, 2 i + 1 the column. */
static void put_frames(cli_json *json, const prof_found *found) {
    for (int i = 0; i < found->accesses; i++) {
        const prof_access *a = &found->access[i];
        char name[600];
        snprintf(name, sizeof name, "%.200s", a->function ? a->function : "(line unknown)");
        put_frame(json, name, a->file, a->line);
        snprintf(name, sizeof name, "%s %.250s.%.250s", a->write ? "write" : "read",
                 a->table >= 0 ? found->table[a->table].name : a->table_path, a->column_name);
        put_frame(json, name, NULL, 0);
    }
}

/* Frames of sampled stacks follow those of accesses, in the order of the segment's sites. */
static void put_site_frames(cli_json *json, const prof_found *found) {
    const profile_segment *s = found->segment;
    for (uint32_t i = 0; found->stacks && i < PROFILE_SITES; i++) {
        const profile_site *site = &s->site[i];
        bool ready = site->state == PROFILE_READY;
        char name[256];
        snprintf(name, sizeof name, "%.200s", ready ? prof_string(s, site->function) : "-");
        put_frame(json, name, ready ? prof_string(s, site->file) : NULL, ready ? site->line : 0);
    }
}

/* Those of sampled processor time follow. */
static void put_function_frames(cli_json *json, const cli_sampled_stacks *s) {
    for (int i = 0; i < s->functions; i++) {
        char name[256];
        snprintf(name, sizeof name, "%.250s", s->function[i].name);
        put_frame(json, name, *s->function[i].library ? s->function[i].library : NULL, 0);
    }
}

/* Until its "samples" list is open. */
static void begin_profile(cli_json *json, const char *name, const char *unit, int64_t total) {
    cli_json_object(json);
    cli_json_put_string(json, "type", "sampled");
    cli_json_put_string(json, "name", name);
    cli_json_put_string(json, "unit", unit);
    cli_json_put_int(json, "startValue", 0);
    cli_json_put_int(json, "endValue", total);
    cli_json_open_list(json, "samples");
}

static void put_access_profile(cli_json *json, const prof_found *found) {
    int64_t total = 0;
    for (int i = 0; i < found->accesses; i++) total += found->access[i].calls;
    begin_profile(json, "accesses of columns", "none", total);
    for (int i = 0; i < found->accesses; i++) {
        cli_json_array(json);
        cli_json_int(json, 2 * i);
        cli_json_int(json, 2 * i + 1);
        cli_json_end(json);
    }
    cli_json_end(json);
    cli_json_open_array(json, "weights");
    for (int i = 0; i < found->accesses; i++) cli_json_int(json, found->access[i].calls);
    cli_json_end(json);
    cli_json_end(json);
}

static int64_t stack_ns(const profile_stack *stack, bool cpu) {
    return (int64_t)(cpu ? stack->cpu_ns : stack->wall_ns);
}

static void put_time_profile(cli_json *json, const prof_found *found, bool cpu) {
    int64_t total = 0;
    for (int i = 0; i < found->stacks; i++) total += stack_ns(found->stack[i], cpu);
    begin_profile(json, cpu ? "processor time, Python" : "time, Python", "nanoseconds", total);
    for (int i = 0; i < found->stacks; i++) {
        cli_json_array(json);
        for (uint32_t frame = found->stack[i]->depth; frame-- > 0;) {
            uint32_t site = found->stack[i]->site[frame];
            cli_json_int(json, 2 * found->accesses + (int64_t)(site < PROFILE_SITES ? site : 0));
        }
        cli_json_end(json);
    }
    cli_json_end(json);
    cli_json_open_array(json, "weights");
    for (int i = 0; i < found->stacks; i++) cli_json_int(json, stack_ns(found->stack[i], cpu));
    cli_json_end(json);
    cli_json_end(json);
}

static void put_processor_profile(cli_json *json, const cli_profile_samples *s, int64_t first_frame) {
    const cli_sampled_stacks *t = &s->stacks;
    int64_t step = 1000000000 / s->hz;
    int *path = cli_alloc_many((size_t)t->calls + 1, sizeof *path);
    begin_profile(json, "processor time, Python and native code", "nanoseconds", s->samples * step);
    for (int i = 0; i < t->calls; i++) {
        int depth = 0;
        if (t->call[i].own == 0) continue;
        for (int at = i; at >= 0; at = t->call[at].caller) path[depth++] = t->call[at].function;
        cli_json_array(json);
        while (depth-- > 0) cli_json_int(json, first_frame + path[depth]);
        cli_json_end(json);
    }
    cli_json_end(json);
    cli_json_open_array(json, "weights");
    for (int i = 0; i < t->calls; i++)
        if (t->call[i].own) cli_json_int(json, t->call[i].own * step);
    cli_json_end(json);
    cli_json_end(json);
    free(path);
}

void cli_profile_speedscope(FILE *out, const cli_profile_run *run, const prof_found *found) {
    cli_json json = CLI_JSON_INIT(out);
    cli_json_object(&json);
    cli_json_put_string(&json, "$schema", "https://www.speedscope.app/file-format-schema.json");
    cli_json_put_string(&json, "exporter", "msio profile");
    cli_json_put_string(&json, "name", run->program ? run->program[0] : "msio profile");
    cli_json_open_object(&json, "shared");
    cli_json_open_list(&json, "frames");
    put_frames(&json, found);
    put_site_frames(&json, found);
    put_function_frames(&json, &run->samples.stacks);
    cli_json_end(&json);
    cli_json_end(&json);
    cli_json_open_list(&json, "profiles");
    if (found->stacks) {
        put_time_profile(&json, found, false);
        put_time_profile(&json, found, true);
    }
    if (run->samples.stacks.calls)
        put_processor_profile(&json, &run->samples,
                              2 * (int64_t)found->accesses + (found->stacks ? (int64_t)PROFILE_SITES : 0));
    put_access_profile(&json, found);
    cli_json_end(&json);
    cli_json_end(&json);
    cli_json_finish(&json);
}

/* ---------------------------------------------------------------- pstats: a marshalled dictionary */

static void put_bytes(FILE *out, uint64_t value, int n) {
    for (int i = 0; i < n; i++) fputc((int)(value >> 8 * i & 255), out);
}

static void put_text(FILE *out, const char *text) {
    size_t length = strlen(text);
    fputc('u', out);
    put_bytes(out, length, 4);
    for (size_t i = 0; i < length; i++) /* it must be UTF-8: what may not be becomes '?' */
        fputc((unsigned char)text[i] < 0x80 && (unsigned char)text[i] >= 0x20 ? text[i] : '?', out);
}

static void put_integer(FILE *out, int64_t value) {
    if (value >= 0 && value < INT32_MAX) {
        fputc('i', out);
        put_bytes(out, (uint64_t)value, 4);
        return;
    }
    uint64_t left = value < 0 ? 0 : (uint64_t)value;
    int digits = 0;
    for (uint64_t rest = left; rest; rest >>= 15) digits++;
    fputc('l', out);
    put_bytes(out, (uint64_t)digits, 4);
    for (int i = 0; i < digits; i++) put_bytes(out, left >> 15 * i & 0x7fff, 2);
}

static void put_float(FILE *out, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    fputc('g', out);
    put_bytes(out, bits, 8);
}

static void put_function(FILE *out, const char *file, int line, const char *name) {
    fputs(")\003", out);
    put_text(out, file);
    put_integer(out, line > 0 ? line : 0);
    put_text(out, name);
}

static void put_counts(FILE *out, int64_t first, int64_t second, double own, double cumulative) {
    put_integer(out, first);
    put_integer(out, second);
    put_float(out, own);
    put_float(out, cumulative);
}

/* An entry for each column and direction, called by lines. Its time is that of its file's system calls. */
static void put_column_entry(FILE *out, const prof_found *found, const prof_table *t, const prof_column *c,
                             bool write) {
    int64_t calls = write ? c->calls_written : c->calls_read, all = c->calls_read + c->calls_written;
    char name[300];
    if (!calls) return;
    double each = c->seconds / (double)all;
    snprintf(name, sizeof name, "%s %.280s", write ? "write" : "read", c->name);
    put_function(out, t->path, 0, name);
    fputs(")\005", out);
    put_counts(out, calls, calls, each * (double)calls, each * (double)calls);
    fputc('{', out);
    for (int i = c->access; i >= 0; i = found->access[i].next) {
        const prof_access *a = &found->access[i];
        if (a->write != write || !a->file) continue;
        put_function(out, a->file, a->line, a->function);
        fputs(")\004", out);
        put_counts(out, a->calls, a->calls, each * (double)a->calls, each * (double)a->calls);
    }
    fputc('0', out);
}

/* Functions as cProfile has them. */
static void put_function_entry(FILE *out, const prof_found *found, const prof_function *f) {
    put_function(out, f->file, f->line, f->name);
    fputs(")\005", out);
    put_counts(out, f->primitive, f->calls, f->own, f->cumulative);
    fputc('{', out);
    for (int i = 0; i < f->edges; i++) {
        const prof_edge *e = &found->edge[f->edge + i];
        if (e->caller < 0) continue;
        const prof_function *by = &found->function[e->caller];
        put_function(out, by->file, by->line, by->name);
        fputs(")\004", out);
        put_counts(out, e->calls, e->primitive, e->own, e->cumulative);
    }
    fputc('0', out);
}

/* An entry for each of msio's functions, path and column, called by lines; first: of n of one entry. Nothing that it
 * calls is told of, so that its own time is all of it. */
static void put_told_entry(FILE *out, const prof_told *first, int n) {
    char name[600];
    int64_t calls = 0;
    double seconds = 0;
    for (int i = 0; i < n; i++) calls += first[i].calls, seconds += first[i].seconds;
    snprintf(name, sizeof name, "%.250s%s%.300s", first->function, *first->column ? " " : "", first->column);
    put_function(out, first->path, 0, name);
    fputs(")\005", out);
    put_counts(out, calls, calls, seconds, seconds);
    fputc('{', out);
    for (int i = 0, same; i < n; i += same) {
        const prof_told *by = &first[i];
        calls = 0, seconds = 0;
        for (same = 0; i + same < n && prof_told_same_place(by, &first[i + same]); same++)
            calls += by[same].calls, seconds += by[same].seconds;
        if (!by->file) continue;
        put_function(out, by->file, by->line, by->caller);
        fputs(")\004", out);
        put_counts(out, calls, calls, seconds, seconds);
    }
    fputc('0', out);
}

static void put_told_entries(FILE *out, const prof_found *found) {
    prof_told *list;
    const int n = prof_told_functions(found, &list);
    for (int i = 0, same; i < n; i += same) {
        same = prof_told_same(list, n, i);
        put_told_entry(out, &list[i], same);
    }
    free(list);
}

void cli_profile_pstats(FILE *out, const prof_found *found) {
    fputc('{', out);
    if (found->functions) {
        for (int i = 0; i < found->functions; i++) put_function_entry(out, found, &found->function[i]);
        fputc('0', out);
        return;
    }
    for (int i = 0; i < found->tables; i++)
        for (const prof_column *c = found->table[i].column; c; c = c->next) {
            put_column_entry(out, found, &found->table[i], c, false);
            put_column_entry(out, found, &found->table[i], c, true);
        }
    put_told_entries(out, found);
    fputc('0', out);
}
