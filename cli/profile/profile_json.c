/* profile_json.c - report.json: all that was found. */
#include "cli/profile/profile.h"

#include "cli/common/failure.h"
#include "cli/common/json.h"

#include <stdlib.h>
#include <string.h>

static const char *const sureness[] = {"unknown", "exact", "sampled"};

static const char *sure_word(int sure) { return sureness[sure >= 0 && sure < 3 ? sure : 0]; }

#define OF_TABLE(name) CLI_JSON_MEMBER(prof_table, #name, name)

static void put_tables(cli_json *json, const prof_found *found) {
    static const cli_json_member counts[] = {OF_TABLE(opens),      OF_TABLE(reads),         OF_TABLE(writes),
                                             OF_TABLE(bytes_read), OF_TABLE(bytes_written), OF_TABLE(lock_reads),
                                             OF_TABLE(lock_calls), OF_TABLE(syncs),         OF_TABLE(maps),
                                             OF_TABLE(seconds),    OF_TABLE(lock_seconds),  OF_TABLE(sync_seconds)};
    cli_json_open_list(json, "tables");
    for (int i = 0; i < found->tables; i++) {
        const prof_table *t = &found->table[i];
        cli_json_flat_object(json);
        cli_json_put_string(json, "table", t->path);
        cli_json_put_string(json, "kind", t->hdf5 ? "hdf5" : "table");
        if (t->rows >= 0) cli_json_put_int(json, "rows", t->rows);
        CLI_JSON_PUT_MEMBERS(json, t, counts);
        if (t->unknown[0]) cli_json_put_string(json, "layout_unknown", t->unknown);
        cli_json_end(json);
    }
    cli_json_end(json);
}

#define OF_ACCESS(name) CLI_JSON_MEMBER(prof_access, #name, name)

static const cli_json_member access_place[] = {OF_ACCESS(file), OF_ACCESS(line), OF_ACCESS(function)};

static void put_by(cli_json *json, const prof_found *found, const prof_column *column) {
    static const cli_json_member counts[] = {OF_ACCESS(calls),     OF_ACCESS(cells),    OF_ACCESS(whole),
                                             OF_ACCESS(parts),     OF_ACCESS(rows),     OF_ACCESS(bytes),
                                             OF_ACCESS(following), OF_ACCESS(repeated), OF_ACCESS(backward)};
    cli_json_open_list(json, "by");
    for (int i = column->access; i >= 0; i = found->access[i].next) {
        const prof_access *a = &found->access[i];
        cli_json_flat_object(json);
        cli_json_put_string(json, "operation", a->write ? "write" : "read");
        CLI_JSON_PUT_MEMBERS(json, a, access_place);
        cli_json_put_string(json, "site", sure_word(a->sure));
        CLI_JSON_PUT_MEMBERS(json, a, counts);
        cli_json_end(json);
    }
    cli_json_end(json);
}

#define OF_COLUMN(key, name) CLI_JSON_MEMBER(prof_column, key, name)

static void put_columns(cli_json *json, const prof_found *found) {
    static const cli_json_member begin[] = {OF_COLUMN("column", name), OF_COLUMN("reads", reads),
                                            OF_COLUMN("writes", writes)},
                                 counts[] = {OF_COLUMN("rows", rows),
                                             OF_COLUMN("bytes_read", bytes_read),
                                             OF_COLUMN("bytes_written", bytes_written),
                                             OF_COLUMN("bytes_wanted", bytes_wanted),
                                             OF_COLUMN("distinct_bytes", distinct_read),
                                             OF_COLUMN("distinct_bytes_written", distinct_written),
                                             OF_COLUMN("tiles", units),
                                             OF_COLUMN("tile_most", unit_most),
                                             OF_COLUMN("tiles_twice", units_twice),
                                             OF_COLUMN("tile_bytes", unit_bytes),
                                             OF_COLUMN("overwritten_bytes", overwritten),
                                             OF_COLUMN("seconds", seconds)};
    cli_json_open_list(json, "columns");
    for (int i = 0; i < found->tables; i++)
        for (const prof_column *c = found->table[i].column; c; c = c->next) {
            cli_json_object(json);
            cli_json_put_string(json, "table", found->table[i].path);
            CLI_JSON_PUT_MEMBERS(json, c, begin);
            cli_json_put_int(json, "calls", c->calls_read + c->calls_written);
            cli_json_put_int(json, "cells", c->cells_read + c->cells_written);
            CLI_JSON_PUT_MEMBERS(json, c, counts);
            put_by(json, found, c);
            cli_json_end(json);
        }
    cli_json_end(json);
}

#define OF_LINE(key, name) CLI_JSON_MEMBER(prof_line, key, name)

static void put_lines(cli_json *json, const prof_found *found) {
    static const cli_json_member place[] = {OF_LINE("file", file), OF_LINE("line", line),
                                            OF_LINE("function", function)},
                                 counts[] = {OF_LINE("hits", calls), OF_LINE("rows", rows), OF_LINE("bytes", bytes),
                                             OF_LINE("msio_calls", told), OF_LINE("msio_seconds", told_seconds)};
    cli_json_open_list(json, "lines");
    for (int i = 0; i < found->lines; i++) {
        const prof_line *l = &found->line[i];
        cli_json_flat_object(json);
        CLI_JSON_PUT_MEMBERS(json, l, place);
        cli_json_put_string(json, "site", sure_word(l->sure));
        CLI_JSON_PUT_MEMBERS(json, l, counts);
        cli_json_end(json);
    }
    cli_json_end(json);
}

#define OF_TOLD(key, name) CLI_JSON_MEMBER(prof_told, key, name)
#define OF_HELD(key, name) CLI_JSON_MEMBER(prof_held, key, name)

static void put_told(cli_json *json, const prof_found *found) {
    static const cli_json_member what[] = {OF_TOLD("function", function), OF_TOLD("table", path),
                                           OF_TOLD("column", column)},
                                 place[] = {OF_TOLD("file", file), OF_TOLD("line", line), OF_TOLD("caller", caller)},
                                 counts[] = {OF_TOLD("ncalls", calls),    OF_TOLD("unfinished", unfinished),
                                             OF_TOLD("seconds", seconds), OF_TOLD("longest_seconds", longest),
                                             OF_TOLD("bytes", bytes),     OF_TOLD("rows", rows)};
    cli_json_open_list(json, "msio_calls");
    for (int i = 0; i < found->tolds; i++) {
        cli_json_flat_object(json);
        CLI_JSON_PUT_MEMBERS(json, &found->told[i], what);
        CLI_JSON_PUT_MEMBERS(json, &found->told[i], place);
        cli_json_put_string(json, "site", sure_word(found->told[i].sure));
        CLI_JSON_PUT_MEMBERS(json, &found->told[i], counts);
        cli_json_end(json);
    }
    cli_json_end(json);
}

static void put_held(cli_json *json, const prof_found *found) {
    static const cli_json_member what[] = {OF_HELD("table", path), OF_HELD("what", kind)},
                                 counts[] = {OF_HELD("bytes", bytes), OF_HELD("most_bytes", most)};
    cli_json_open_object(json, "msio_holds");
    CLI_JSON_PUT_MEMBERS(json, &found->held_all, counts);
    cli_json_open_list(json, "by");
    for (int i = 0; i < found->helds; i++) {
        cli_json_flat_object(json);
        CLI_JSON_PUT_MEMBERS(json, &found->held[i], what);
        CLI_JSON_PUT_MEMBERS(json, &found->held[i], counts);
        cli_json_end(json);
    }
    cli_json_end(json);
    cli_json_end(json);
}

#define OF_TIME(key, name) CLI_JSON_MEMBER(prof_time, key, name)

static void put_times(cli_json *json, const char *name, const prof_time *list, int n, bool tasks) {
    static const cli_json_member place[] = {OF_TIME("file", file), OF_TIME("line", line),
                                            OF_TIME("function", function)},
                                 counts[] = {OF_TIME("wall_seconds", wall), OF_TIME("cpu_seconds", cpu),
                                             OF_TIME("growth_bytes", growth), OF_TIME("samples", samples)},
                                 blocks[] = {OF_TIME("blocks", blocks), OF_TIME("block_bytes", block_bytes)};
    cli_json_open_list(json, name);
    for (int i = 0; i < n; i++) {
        cli_json_flat_object(json);
        char task[200];
        prof_task_name(list[i].file, task, sizeof task);
        if (tasks)
            cli_json_put_string(json, "task", task);
        else
            CLI_JSON_PUT_MEMBERS(json, &list[i], place);
        CLI_JSON_PUT_MEMBERS(json, &list[i], counts);
        if (!tasks) CLI_JSON_PUT_MEMBERS(json, &list[i], blocks);
        cli_json_end(json);
    }
    cli_json_end(json);
}

#define OF_CHOSEN(name) CLI_JSON_MEMBER(prof_chosen, #name, name)

/* Lines of the functions of --lines. */
static void put_chosen(cli_json *json, const prof_found *found) {
    static const cli_json_member members[] = {OF_CHOSEN(file), OF_CHOSEN(function), OF_CHOSEN(line), OF_CHOSEN(hits),
                                              OF_CHOSEN(seconds)};
    cli_json_open_list(json, "chosen_lines");
    for (int i = 0; i < found->chosen_lines; i++) {
        cli_json_flat_object(json);
        CLI_JSON_PUT_MEMBERS(json, &found->chosen[i], members);
        cli_json_end(json);
    }
    cli_json_end(json);
}

#define OF_TASK(key, name) CLI_JSON_MEMBER(prof_task_call, key, name)

static void put_task_calls(cli_json *json, const prof_found *found) {
    static const cli_json_member members[] = {
        OF_TASK("on", on),           OF_TASK("start_seconds", start), OF_TASK("wall_seconds", seconds),
        OF_TASK("cpu_seconds", cpu), OF_TASK("file", file),           OF_TASK("line", line)};
    cli_json_open_list(json, "task_calls");
    for (int i = 0; i < found->task_calls; i++) {
        char task[200];
        prof_task_name(found->task_call[i].task, task, sizeof task);
        cli_json_flat_object(json);
        cli_json_put_string(json, "task", task);
        CLI_JSON_PUT_MEMBERS(json, &found->task_call[i], members);
        cli_json_end(json);
    }
    cli_json_end(json);
}

static void put_python(cli_json *json, const prof_found *found) {
    cli_json_open_object(json, "python");
    cli_json_put_int(json, "looks", found->looks);
    cli_json_put_double(json, "look_seconds", found->look_seconds);
    put_times(json, "lines", found->time, found->timed, false);
    put_times(json, "tasks", found->task, found->tasks, true);
    put_task_calls(json, found);
    put_chosen(json, found);
    cli_json_end(json);
}

/* What the line of an access took by the samples, whatever else it does; -1 where none fell on it. */
static double line_seconds(const prof_found *found, const prof_access *a) {
    for (int i = 0; a->file && i < found->timed; i++) {
        const prof_time *t = &found->time[i];
        if (t->line == a->line && t->samples && strcmp(t->file, a->file) == 0) return t->wall;
    }
    return -1;
}

static void put_loops(cli_json *json, const prof_found *found) {
    cli_json_open_list(json, "loops");
    for (int i = 0; i < found->accesses; i++) {
        const prof_access *a = &found->access[i];
        if (!a->loop) continue;
        cli_json_flat_object(json);
        cli_json_put_string(json, "method", a->write ? "putcell" : "getcell");
        cli_json_put_string(json, "column", a->column_name);
        cli_json_put_string(json, "table", a->table >= 0 ? found->table[a->table].path : a->table_path);
        cli_json_put_int(json, "count", a->cells);
        cli_json_put_int(json, "first_row", a->first_row);
        cli_json_put_int(json, "last_row", a->last_row);
        CLI_JSON_PUT_MEMBERS(json, a, access_place);
        double seconds = line_seconds(found, a);
        cli_json_put_double_or_null(json, "seconds", seconds >= 0, seconds);
        cli_json_put_double_or_null(json, "would_take_seconds", a->would_take >= 0, a->would_take);
        if (a->not_measured[0]) cli_json_put_string(json, "not_measured", a->not_measured);
        cli_json_end(json);
    }
    cli_json_end(json);
}

#define OF_FUNCTION(key, name) CLI_JSON_MEMBER(prof_function, key, name)
#define OF_EDGE(key, name) CLI_JSON_MEMBER(prof_edge, key, name)

static void put_callers(cli_json *json, const prof_found *found, const prof_function *f) {
    static const cli_json_member counts[] = {OF_EDGE("ncalls", calls), OF_EDGE("primitive_calls", primitive),
                                             OF_EDGE("tottime", own), OF_EDGE("cumtime", cumulative)},
                                 place[] = {OF_FUNCTION("file", file), OF_FUNCTION("line", line),
                                            OF_FUNCTION("function", name)};
    cli_json_open_list(json, "callers");
    for (int i = 0; i < f->edges; i++) {
        const prof_edge *e = &found->edge[f->edge + i];
        if (e->caller < 0) continue;
        cli_json_flat_object(json);
        CLI_JSON_PUT_MEMBERS(json, &found->function[e->caller], place);
        CLI_JSON_PUT_MEMBERS(json, e, counts);
        cli_json_end(json);
    }
    cli_json_end(json);
}

/* Functions of a run with --calls; no list without: none is made up. */
static void put_calls(cli_json *json, const prof_found *found) {
    static const cli_json_member members[] = {OF_FUNCTION("file", file),
                                              OF_FUNCTION("line", line),
                                              OF_FUNCTION("function", name),
                                              OF_FUNCTION("ncalls", calls),
                                              OF_FUNCTION("primitive_calls", primitive),
                                              OF_FUNCTION("tottime", own),
                                              OF_FUNCTION("cumtime", cumulative)};
    if (!found->functions) return;
    cli_json_open_list(json, "calls");
    for (int i = 0; i < found->functions; i++) {
        const prof_function *f = &found->function[i];
        cli_json_object(json);
        CLI_JSON_PUT_MEMBERS(json, f, members);
        cli_json_put_double(json, "percall", f->calls ? f->own / (double)f->calls : 0);
        put_callers(json, found, f);
        cli_json_end(json);
    }
    cli_json_end(json);
}

#define OF_HEAT(key, name) CLI_JSON_MEMBER(prof_heat, key, name)

void cli_profile_put_heat_times(cli_json *json, const prof_heat *heat) {
    for (int p = 0; p < heat->places; p++) {
        cli_json_array(json);
        for (int t = 0; t < PROF_HEAT_TIMES; t++) cli_json_double(json, heat->times[p][t]);
        cli_json_end(json);
    }
}

/* When which part of large files was read. */
static void put_heats(cli_json *json, const cli_profile_run *run, const prof_found *found) {
    static const cli_json_member members[] = {OF_HEAT("file", file), OF_HEAT("column", column),
                                              OF_HEAT("part_bytes", place_bytes), OF_HEAT("bytes_read", bytes),
                                              OF_HEAT("step_seconds", step_seconds)};
    prof_heat *list = cli_alloc_many(PROFILE_HEATS, sizeof *list);
    int n = prof_heats(run, found, list);
    cli_json_open_list(json, "heat");
    for (int i = 0; i < n; i++) {
        cli_json_object(json);
        CLI_JSON_PUT_MEMBERS(json, &list[i], members);
        cli_json_open_list(json, "times");
        cli_profile_put_heat_times(json, &list[i]);
        cli_json_end(json);
        cli_json_end(json);
    }
    cli_json_end(json);
    free(list);
}

#define OF_FILE(name) CLI_JSON_MEMBER(prof_file, #name, name)

static void put_files(cli_json *json, const prof_found *found) {
    static const cli_json_member members[] = {
        OF_FILE(path),          OF_FILE(opens),
        OF_FILE(reads),         OF_FILE(writes),
        OF_FILE(bytes_read),    OF_FILE(bytes_written),
        OF_FILE(seeks),         OF_FILE(locks),
        OF_FILE(syncs),         OF_FILE(in_order),
        OF_FILE(failed),        OF_FILE(read_seconds),
        OF_FILE(write_seconds), CLI_JSON_MEMBER(prof_file, "longest_seconds", longest)};
    cli_json_open_list(json, "files");
    for (int i = 0; i < found->files; i++) {
        cli_json_flat_object(json);
        CLI_JSON_PUT_MEMBERS(json, &found->file[i], members);
        cli_json_end(json);
    }
    cli_json_end(json);
}

static void put_memory(cli_json *json, const cli_profile_run *run) {
    cli_json_open_object(json, "memory");
    cli_json_put_int(json, "peak_bytes", run->peak);
    cli_json_open_list(json, "curve");
    int step = run->moments / 1000 + 1;
    for (int i = 0; i < run->moments; i += step) {
        cli_json_array(json);
        cli_json_double(json, run->moment[i].seconds);
        cli_json_int(json, run->moment[i].resident);
        cli_json_double(json, run->moment[i].cpu);
        cli_json_end(json);
    }
    cli_json_end(json);
    cli_json_end(json);
}

#define SAMPLED_MOST 2000 /* functions, lines */
#define OF_SAMPLES(key, name) CLI_JSON_MEMBER(cli_profile_samples, key, name)

#define OF_STACKS(key, name) CLI_JSON_MEMBER(cli_sampled_stacks, key, name)
#define OF_SAMPLED_FUNCTION(key, name) CLI_JSON_MEMBER(cli_sampled_function, key, name)
#define OF_SAMPLED_LINE(key, name) CLI_JSON_MEMBER(cli_sampled_line, key, name)

/* Functions and lines with the most samples of their own; the whole tree is in cpu.folded. */
static void put_sampled_stacks(cli_json *json, const cli_profile_samples *s) {
    static const cli_json_member counts[] = {OF_STACKS("whole", whole), OF_STACKS("cut", cut),
                                             OF_STACKS("blind", blind), OF_STACKS("lost", lost)};
    static const cli_json_member function[] = {OF_SAMPLED_FUNCTION("function", name),
                                               OF_SAMPLED_FUNCTION("library", library), OF_SAMPLED_FUNCTION("own", own),
                                               OF_SAMPLED_FUNCTION("all", all)};
    static const cli_json_member line[] = {OF_SAMPLED_LINE("file", file), OF_SAMPLED_LINE("line", line),
                                           OF_SAMPLED_LINE("own", own), OF_SAMPLED_LINE("all", all)};
    cli_json_open_flat_object(json, "stacks");
    CLI_JSON_PUT_MEMBERS(json, &s->stacks, counts);
    if (s->why_no_stacks[0]) cli_json_put_string(json, "why_not", s->why_no_stacks);
    cli_json_end(json);
    cli_json_open_list(json, "functions");
    for (int i = 0; i < s->stacks.functions && i < SAMPLED_MOST; i++) {
        const cli_sampled_function *f = &s->stacks.function[s->stacks.most[i]];
        cli_json_flat_object(json);
        CLI_JSON_PUT_MEMBERS(json, f, function);
        cli_json_put_bool(json, "python", f->python);
        cli_json_end(json);
    }
    cli_json_end(json);
    cli_json_open_list(json, "lines");
    for (int i = 0; i < s->stacks.lines && i < SAMPLED_MOST; i++) {
        cli_json_flat_object(json);
        CLI_JSON_PUT_MEMBERS(json, &s->stacks.line[i], line);
        cli_json_put_string(json, "function", s->stacks.function[s->stacks.line[i].function].name);
        cli_json_end(json);
    }
    cli_json_end(json);
}

static void put_samples(cli_json *json, const cli_profile_run *run) {
    const cli_profile_samples *s = &run->samples;
    static const cli_json_member counts[] = {OF_SAMPLES("hz", hz), OF_SAMPLES("count", samples),
                                             OF_SAMPLES("table_layer", layer), OF_SAMPLES("unknown", unknown),
                                             OF_SAMPLES("lost", lost)};
    cli_json_open_object(json, "samples");
    CLI_JSON_PUT_MEMBERS(json, s, counts);
    if (cli_profile_accounted(run) >= 0) cli_json_put_double(json, "accounted", cli_profile_accounted(run));
    if (s->why_not[0]) cli_json_put_string(json, "why_not", s->why_not);
    cli_json_put_double(json, "own_seconds", s->seconds);
    put_sampled_stacks(json, s);
    cli_json_open_list(json, "libraries");
    for (int i = 0; i < s->libraries; i++) {
        cli_json_flat_object(json);
        cli_json_put_string(json, "library", s->library[i].name);
        cli_json_put_int(json, "samples", s->library[i].samples);
        cli_json_end(json);
    }
    cli_json_end(json);
    cli_json_end(json);
}

#define OF_FINDING(name) CLI_JSON_MEMBER(prof_finding, #name, name)

static void put_findings(cli_json *json, const prof_found *found) {
    static const cli_json_member members[] = {
        OF_FINDING(kind),    OF_FINDING(table),
        OF_FINDING(column),  OF_FINDING(what),
        OF_FINDING(instead), OF_FINDING(file),
        OF_FINDING(line),    CLI_JSON_MEMBER(prof_finding, "about_seconds", cost)};
    cli_json_open_list(json, "findings");
    for (int i = 0; i < found->findings; i++) {
        cli_json_flat_object(json);
        CLI_JSON_PUT_MEMBERS(json, &found->finding[i], members);
        cli_json_end(json);
    }
    cli_json_end(json);
}

static void put_processes(cli_json *json, const prof_found *found) {
    static const char *const seen[] = {"files alone", "casacore's trace functions", "files alone: unknown casacore",
                                       "casacore's text trace"};
    cli_json_open_list(json, "processes");
    for (int i = 0; i < found->processes; i++) {
        const prof_process *p = &found->process[i];
        cli_json_flat_object(json);
        cli_json_put_int(json, "pid", p->pid);
        cli_json_put_int(json, "parent", p->parent);
        cli_json_put_string(json, "command", p->command);
        cli_json_put_string(json, "seen_by", seen[p->seen & 3]);
        cli_json_put_bool(json, "ended_by_itself", p->ended);
        cli_json_end(json);
    }
    cli_json_end(json);
}

void cli_profile_json(FILE *out, const cli_profile_run *run, const prof_found *found) {
    char text[512];
    cli_json json = CLI_JSON_INIT(out);
    cli_json_object(&json);
    cli_json_open_array(&json, "program");
    for (char **word = run->program; word && *word; word++) cli_json_string(&json, *word);
    cli_json_end(&json);
    cli_json_put_string(&json, "verdict", cli_profile_verdict(run, found, text, sizeof text));
    cli_json_put_double(&json, "seconds", run->seconds);
    cli_json_put_double(&json, "cpu_seconds", run->user + run->system);
    cli_json_put_int(&json, "exit_code", run->code);
    cli_json_put_int(&json, "signal", run->signal);
    cli_json_put_double(&json, "table_seconds", found->table_seconds);
    cli_json_put_double(&json, "other_file_seconds", found->other_seconds);
    cli_json_put_double(&json, "load", run->load);
    cli_json_put_bool(&json, "static_program", run->static_program);
    cli_profile_targets_json(&json, &run->targets);
    put_processes(&json, found);
    put_tables(&json, found);
    put_columns(&json, found);
    put_lines(&json, found);
    put_told(&json, found);
    put_held(&json, found);
    put_loops(&json, found);
    put_findings(&json, found);
    put_samples(&json, run);
    put_python(&json, found);
    put_calls(&json, found);
    put_memory(&json, run);
    put_heats(&json, run, found);
    put_files(&json, found);
    cli_json_open_flat_object(&json, "own_cost");
    cli_json_put_int(&json, "accesses", found->events_accesses);
    cli_json_put_int(&json, "system_calls", found->events_calls);
    cli_json_put_double(&json, "seconds", found->own_seconds);
    cli_json_put_int(&json, "lost", found->lost);
    if (found->traced) {
        cli_json_put_int(&json, "events", found->events);
        cli_json_put_int(&json, "events_dropped", found->events_dropped);
    }
    cli_json_put_int(&json, "garbled_lines", (int64_t)found->segment->garbled_lines);
    cli_json_end(&json);
    cli_json_end(&json);
    cli_json_finish(&json);
}
