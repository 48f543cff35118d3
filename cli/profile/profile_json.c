/* profile_json.c - report.json: all that was found. */
#include "cli/profile/profile.h"

#include "cli/common/json.h"

#include <string.h>

static void put_double(cli_json *json, const char *key, double value) {
    cli_json_key(json, key);
    cli_json_double(json, value);
}

static void put_list(cli_json *json, const char *key) {
    cli_json_key(json, key);
    cli_json_list(json);
}

static void put_tables(cli_json *json, const prof_found *found) {
    put_list(json, "tables");
    for (int i = 0; i < found->tables; i++) {
        const prof_table *t = &found->table[i];
        cli_json_flat_object(json);
        cli_json_put_string(json, "table", t->path);
        cli_json_put_string(json, "kind", t->hdf5 ? "hdf5" : "table");
        if (t->rows >= 0) cli_json_put_int(json, "rows", t->rows);
        cli_json_put_int(json, "opens", t->opens);
        cli_json_put_int(json, "reads", t->reads);
        cli_json_put_int(json, "writes", t->writes);
        cli_json_put_int(json, "bytes_read", t->bytes_read);
        cli_json_put_int(json, "bytes_written", t->bytes_written);
        cli_json_put_int(json, "lock_reads", t->lock_reads);
        cli_json_put_int(json, "lock_calls", t->lock_calls);
        cli_json_put_int(json, "syncs", t->syncs);
        cli_json_put_int(json, "maps", t->maps);
        put_double(json, "seconds", t->seconds);
        put_double(json, "lock_seconds", t->lock_seconds);
        put_double(json, "sync_seconds", t->sync_seconds);
        if (t->unknown[0]) cli_json_put_string(json, "layout_unknown", t->unknown);
        cli_json_end(json);
    }
    cli_json_end(json);
}

static const char *const sureness[] = {"unknown", "exact", "sampled"};

static void put_by(cli_json *json, const prof_found *found, const prof_column *column) {
    put_list(json, "by");
    for (int i = 0; i < found->accesses; i++) {
        const prof_access *a = &found->access[i];
        if (a->column != column) continue;
        cli_json_flat_object(json);
        cli_json_put_string(json, "operation", a->write ? "write" : "read");
        cli_json_put_string(json, "file", a->file);
        cli_json_put_int(json, "line", a->line);
        cli_json_put_string(json, "function", a->function);
        cli_json_put_string(json, "site", sureness[a->sure >= 0 && a->sure < 3 ? a->sure : 0]);
        cli_json_put_int(json, "calls", a->calls);
        cli_json_put_int(json, "cells", a->cells);
        cli_json_put_int(json, "whole", a->whole);
        cli_json_put_int(json, "parts", a->parts);
        cli_json_put_int(json, "rows", a->rows);
        cli_json_put_int(json, "bytes", a->bytes);
        cli_json_put_int(json, "following", a->following);
        cli_json_put_int(json, "repeated", a->repeated);
        cli_json_put_int(json, "backward", a->backward);
        cli_json_end(json);
    }
    cli_json_end(json);
}

static void put_columns(cli_json *json, const prof_found *found) {
    put_list(json, "columns");
    for (int i = 0; i < found->tables; i++)
        for (const prof_column *c = found->table[i].column; c; c = c->next) {
            cli_json_object(json);
            cli_json_put_string(json, "table", found->table[i].path);
            cli_json_put_string(json, "column", c->name);
            cli_json_put_int(json, "reads", c->reads);
            cli_json_put_int(json, "writes", c->writes);
            cli_json_put_int(json, "calls", c->calls_read + c->calls_written);
            cli_json_put_int(json, "cells", c->cells_read + c->cells_written);
            cli_json_put_int(json, "rows", c->rows);
            cli_json_put_int(json, "bytes_read", c->bytes_read);
            cli_json_put_int(json, "bytes_written", c->bytes_written);
            cli_json_put_int(json, "bytes_wanted", c->bytes_wanted);
            cli_json_put_int(json, "distinct_bytes", c->distinct_read);
            cli_json_put_int(json, "distinct_bytes_written", c->distinct_written);
            cli_json_put_int(json, "tiles", c->units);
            cli_json_put_int(json, "tile_most", c->unit_most);
            cli_json_put_int(json, "tiles_twice", c->units_twice);
            cli_json_put_int(json, "tile_bytes", c->unit_bytes);
            cli_json_put_int(json, "overwritten_bytes", c->overwritten);
            put_double(json, "seconds", c->seconds);
            put_by(json, found, c);
            cli_json_end(json);
        }
    cli_json_end(json);
}

static void put_lines(cli_json *json, const prof_found *found) {
    put_list(json, "lines");
    for (int i = 0; i < found->lines; i++) {
        const prof_line *l = &found->line[i];
        cli_json_flat_object(json);
        cli_json_put_string(json, "file", l->file);
        cli_json_put_int(json, "line", l->line);
        cli_json_put_string(json, "function", l->function);
        cli_json_put_string(json, "site", sureness[l->sure >= 0 && l->sure < 3 ? l->sure : 0]);
        cli_json_put_int(json, "hits", l->calls);
        cli_json_put_int(json, "rows", l->rows);
        cli_json_put_int(json, "bytes", l->bytes);
        cli_json_end(json);
    }
    cli_json_end(json);
}

static void put_loops(cli_json *json, const prof_found *found) {
    put_list(json, "loops");
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
        cli_json_put_string(json, "file", a->file);
        cli_json_put_int(json, "line", a->line);
        cli_json_put_string(json, "function", a->function);
        cli_json_key(json, "would_take_seconds");
        if (a->would_take >= 0)
            cli_json_double(json, a->would_take);
        else
            cli_json_null(json);
        if (a->not_measured[0]) cli_json_put_string(json, "not_measured", a->not_measured);
        cli_json_end(json);
    }
    cli_json_end(json);
}

static void put_files(cli_json *json, const prof_found *found) {
    put_list(json, "files");
    for (int i = 0; i < found->files; i++) {
        const prof_file *f = &found->file[i];
        cli_json_flat_object(json);
        cli_json_put_string(json, "path", f->path);
        cli_json_put_int(json, "opens", f->opens);
        cli_json_put_int(json, "reads", f->reads);
        cli_json_put_int(json, "writes", f->writes);
        cli_json_put_int(json, "bytes_read", f->bytes_read);
        cli_json_put_int(json, "bytes_written", f->bytes_written);
        cli_json_put_int(json, "seeks", f->seeks);
        cli_json_put_int(json, "locks", f->locks);
        cli_json_put_int(json, "syncs", f->syncs);
        cli_json_put_int(json, "in_order", f->in_order);
        cli_json_put_int(json, "failed", f->failed);
        put_double(json, "read_seconds", f->read_seconds);
        put_double(json, "write_seconds", f->write_seconds);
        put_double(json, "longest_seconds", f->longest);
        cli_json_end(json);
    }
    cli_json_end(json);
}

static void put_memory(cli_json *json, const cli_profile_run *run) {
    cli_json_key(json, "memory");
    cli_json_object(json);
    cli_json_put_int(json, "peak_bytes", run->peak);
    put_list(json, "curve");
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

static void put_samples(cli_json *json, const cli_profile_samples *s) {
    cli_json_key(json, "samples");
    cli_json_object(json);
    cli_json_put_int(json, "hz", s->hz);
    cli_json_put_int(json, "count", s->samples);
    cli_json_put_int(json, "table_layer", s->layer);
    cli_json_put_int(json, "unknown", s->unknown);
    cli_json_put_int(json, "lost", s->lost);
    if (s->why_not[0]) cli_json_put_string(json, "why_not", s->why_not);
    put_list(json, "libraries");
    for (int i = 0; i < s->libraries; i++) {
        cli_json_flat_object(json);
        cli_json_put_string(json, "library", s->library[i].name);
        cli_json_put_int(json, "samples", s->library[i].samples);
        cli_json_end(json);
    }
    cli_json_end(json);
    cli_json_end(json);
}

static void put_findings(cli_json *json, const prof_found *found) {
    put_list(json, "findings");
    for (int i = 0; i < found->findings; i++) {
        const prof_finding *f = &found->finding[i];
        cli_json_flat_object(json);
        cli_json_put_string(json, "kind", f->kind);
        cli_json_put_string(json, "table", f->table);
        cli_json_put_string(json, "column", f->column);
        cli_json_put_string(json, "what", f->what);
        cli_json_put_string(json, "instead", f->instead);
        cli_json_put_string(json, "file", f->file);
        cli_json_put_int(json, "line", f->line);
        put_double(json, "about_seconds", f->cost);
        cli_json_end(json);
    }
    cli_json_end(json);
}

static void put_processes(cli_json *json, const prof_found *found) {
    static const char *const seen[] = {"files alone", "casacore's trace functions", "files alone: unknown strings"};
    put_list(json, "processes");
    for (int i = 0; i < found->processes; i++) {
        const prof_process *p = &found->process[i];
        cli_json_flat_object(json);
        cli_json_put_int(json, "pid", p->pid);
        cli_json_put_int(json, "parent", p->parent);
        cli_json_put_string(json, "command", p->command);
        cli_json_put_string(json, "seen_by", seen[p->seen >= 0 && p->seen < 3 ? p->seen : 0]);
        cli_json_put_bool(json, "ended_by_itself", p->ended);
        cli_json_end(json);
    }
    cli_json_end(json);
}

void cli_profile_json(FILE *out, const cli_profile_run *run, const prof_found *found) {
    char text[512];
    cli_json json = CLI_JSON_INIT(out);
    cli_json_object(&json);
    cli_json_key(&json, "program");
    cli_json_array(&json);
    for (char **word = run->program; word && *word; word++) cli_json_string(&json, *word);
    cli_json_end(&json);
    cli_json_put_string(&json, "verdict", cli_profile_verdict(run, found, text, sizeof text));
    put_double(&json, "seconds", run->seconds);
    put_double(&json, "cpu_seconds", run->user + run->system);
    cli_json_put_int(&json, "exit_code", run->code);
    cli_json_put_int(&json, "signal", run->signal);
    put_double(&json, "table_seconds", found->table_seconds);
    put_double(&json, "other_file_seconds", found->other_seconds);
    put_double(&json, "load", run->load);
    cli_json_put_bool(&json, "static_program", run->static_program);
    put_processes(&json, found);
    put_tables(&json, found);
    put_columns(&json, found);
    put_lines(&json, found);
    put_loops(&json, found);
    put_findings(&json, found);
    put_samples(&json, &run->samples);
    put_memory(&json, run);
    put_files(&json, found);
    cli_json_key(&json, "own_cost");
    cli_json_flat_object(&json);
    cli_json_put_int(&json, "accesses", found->events_accesses);
    cli_json_put_int(&json, "system_calls", found->events_calls);
    put_double(&json, "seconds", found->own_seconds);
    cli_json_put_int(&json, "lost", found->lost);
    cli_json_end(&json);
    cli_json_end(&json);
    cli_json_finish(&json);
}
