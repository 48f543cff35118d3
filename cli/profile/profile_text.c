/* profile_text.c - the report for the terminal. */
#include "cli/profile/profile.h"

#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/output/grid.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS_SHOWN 25
#define MUCH_BESIDE 1000000 /* bytes of headers and descriptions that are worth a line */
#define LOOPS_SHOWN 12
#define TOLD_SHOWN 15
#define HELD_SHOWN 10
#define FILES_SHOWN 8
#define FINDINGS_SHOWN 20
#define LIBRARIES_SHOWN 6
#define SAMPLED_SHOWN 15 /* functions, lines */
#define NAME_SHOWN 70
#define FUNCTIONS_SHOWN 10
#define TIMES_SHOWN 12
#define TASKS_SHOWN 20
#define HEATS_SHOWN 2
#define HEAT_LINES 8
#define MUCH_MEMORY 10000000 /* bytes that are worth a line, however short it was */

static const char *printable(char buffer[512], const char *text) {
    return cli_printable(buffer, 512, text, strlen(text));
}

/* A row of the first table: a column of a table. */
typedef struct row {
    const prof_table *table;
    const prof_column *column;
    const prof_access *access; /* its busiest; NULL: only files were seen */
} row;

static int64_t weight(const row *r) {
    const prof_column *c = r->column;
    return c->bytes_read + c->bytes_written + 1000 * (c->calls_read + c->calls_written);
}

static int heaviest(const void *one, const void *other) {
    int64_t a = weight(one), b = weight(other);
    return a > b ? -1 : a < b;
}

static const prof_access *busiest(const prof_found *found, const prof_column *column) {
    return column->access >= 0 ? &found->access[column->access] : NULL;
}

static row *list_rows(const prof_found *found, int *n) {
    int count = 0;
    for (int t = 0; t < found->tables; t++) count += found->table[t].columns;
    row *rows = cli_alloc_many((size_t)count + 1, sizeof *rows);
    *n = 0;
    for (int t = 0; t < found->tables; t++)
        for (const prof_column *c = found->table[t].column; c; c = c->next)
            if (c->stored || c->bytes_read + c->bytes_written > MUCH_BESIDE)
                rows[(*n)++] = (row){&found->table[t], c, busiest(found, c)};
    if (*n) qsort(rows, (size_t)*n, sizeof *rows, heaviest);
    return rows;
}

static const char *place_of(char buffer[512], const prof_access *a) {
    if (!a || !a->file) return "-";
    const char *slash = strrchr(a->file, '/');
    char place[400];
    if (a->line > 0)
        snprintf(place, sizeof place, "%.380s:%d", slash ? slash + 1 : a->file, a->line);
    else
        snprintf(place, sizeof place, "%.100s", a->file);
    return printable(buffer, place);
}

static const char *way_of(const prof_access *a) {
    if (!a) return "-";
    if (a->cells == 0) return a->whole ? "whole" : "part";
    return a->loop ? "one by one" : a->cells == a->calls ? "cells" : "mixed";
}

static cli_words percent(double part, double all) {
    cli_words words = {"-"};
    if (all > 0) snprintf(words.text, sizeof words.text, "%.1f%%", 100 * part / all);
    return words;
}

static cli_words factor(int64_t bytes, int64_t distinct) {
    cli_words words = {"-"};
    if (distinct > 0) snprintf(words.text, sizeof words.text, "%.2fx", (double)bytes / (double)distinct);
    return words;
}

static void print_columns(FILE *out, const prof_found *found) {
    static const char *const titles[] = {"table",  "column",      "",     ">accesses", "rows", ">bytes", ">over",
                                         ">calls", ">tile, most", "line", NULL};
    int n;
    row *rows = list_rows(found, &n);
    cli_grid grid;
    if (!n) fputs("  none of their columns was read or written\n", out);
    if (n) cli_grid_begin(&grid, titles);
    for (int i = 0; i < n && i < COLUMNS_SHOWN; i++) {
        char table[512], column[512], line[512];
        const prof_column *c = rows[i].column;
        bool writes =
            c->bytes_written > c->bytes_read || (c->bytes_written == c->bytes_read && c->calls_written > c->calls_read);
        int64_t bytes = writes ? c->bytes_written : c->bytes_read;
        cli_grid_row(&grid,
                     (const char *const[]){
                         printable(table, rows[i].table->name), printable(column, c->name), writes ? "w" : "r",
                         cli_count(writes ? c->calls_written : c->calls_read).text, way_of(rows[i].access),
                         cli_size(bytes).text, factor(bytes, writes ? c->distinct_written : c->distinct_read).text,
                         cli_count(writes ? c->writes : c->reads).text,
                         c->unit_most ? cli_count(c->unit_most).text : "-", place_of(line, rows[i].access)});
    }
    if (n) cli_grid_print(&grid, out);
    if (n > COLUMNS_SHOWN) fprintf(out, "  and %d columns with less: report.json has all\n", n - COLUMNS_SHOWN);
    free(rows);
}

/* The tasks of CASA, and their calls in the order of time. */
static void print_tasks(FILE *out, const prof_found *found) {
    char name[200], shown[512], place[512];
    for (int i = 0; i < found->tasks; i++) {
        prof_task_name(found->task[i].file, name, sizeof name);
        fprintf(out, "  task %s: %s, %s of them CPU\n", printable(shown, name), cli_duration(found->task[i].wall).text,
                cli_duration(found->task[i].cpu).text);
    }
    for (int i = 0; i < found->task_calls && i < TASKS_SHOWN; i++) {
        const prof_task_call *t = &found->task_call[i];
        const prof_access where = {.file = t->file, .line = t->line};
        prof_task_name(t->task, name, sizeof name);
        fprintf(out, "    %8.2f to %.2f s  %s", t->start, t->start + t->seconds, printable(shown, name));
        if (t->on) fprintf(out, " of %s", printable(shown, t->on));
        fprintf(out, "  %s\n", place_of(place, &where));
    }
    if (found->task_calls > TASKS_SHOWN)
        fprintf(out, "    and %d calls more: report.json has all\n", found->task_calls - TASKS_SHOWN);
}

/* The lines that took time, and those by which memory grew. */
static void print_times(FILE *out, const prof_found *found) {
    static const char *const titles[] = {">wall",         ">share", ">CPU",     ">grew by",
                                         ">large blocks", "line",   "function", NULL};
    double all = 0;
    cli_grid grid;
    for (int i = 0; i < found->timed; i++) all += found->time[i].wall;
    if (!found->timed) return;
    cli_grid_begin(&grid, titles);
    for (int i = 0, shown = 0; i < found->timed && shown < TIMES_SHOWN; i++) {
        char line[512], function[512];
        const prof_time *t = &found->time[i];
        const prof_access place = {.file = t->file, .line = t->line};
        if (t->wall < 0.005 * all && t->growth < MUCH_MEMORY && t->block_bytes < MUCH_MEMORY) continue;
        cli_grid_row(&grid,
                     (const char *const[]){cli_duration(t->wall).text, percent(t->wall, all).text,
                                           cli_duration(t->cpu).text, t->growth > 0 ? cli_size(t->growth).text : "-",
                                           t->blocks ? cli_size(t->block_bytes).text : "-", place_of(line, &place),
                                           printable(function, t->function)});
        shown++;
    }
    fputs(
        "\nLines by time: Python's, all threads, sampled, with what the process grew by meanwhile; blocks of memory of\n"
        "1 MiB or more are counted at the line that asks for them (of every allocation: memray run PROGRAM)\n",
        out);
    cli_grid_print(&grid, out);
    print_tasks(out, found);
}

static void print_functions(FILE *out, const prof_function *const *list, int n, const char *order) {
    static const char *const titles[] = {">ncalls", ">tottime", ">percall", ">cumtime", "line", "function", NULL};
    cli_grid grid;
    fprintf(out, "\nFunctions of Python by %s: every call counted; times with what counting took\n", order);
    cli_grid_begin(&grid, titles);
    for (int i = 0; i < n; i++) {
        const prof_function *f = list[i];
        const prof_access place = {.file = f->line ? f->file : NULL, .line = f->line};
        char line[512], name[512];
        cli_grid_row(&grid, (const char *const[]){cli_count(f->calls).text, cli_duration(f->own).text,
                                                  cli_duration(f->calls ? f->own / (double)f->calls : 0).text,
                                                  cli_duration(f->cumulative).text, place_of(line, &place),
                                                  printable(name, f->name)});
    }
    cli_grid_print(&grid, out);
}

static void print_calls(FILE *out, const prof_found *found) {
    const prof_function *list[FUNCTIONS_SHOWN];
    int n = 0;
    if (!found->functions) return;
    for (; n < found->functions && n < FUNCTIONS_SHOWN; n++) list[n] = &found->function[n];
    print_functions(out, list, n, "time in themselves");
    n = prof_longest_functions(found, list, FUNCTIONS_SHOWN);
    print_functions(out, list, n, "time with all that they call");
}

/* The text of a line of a file that is still there; "" else. */
static const char *source_line(const char *path, int line, char *text, size_t size) {
    FILE *in = fopen(path, "re");
    text[0] = '\0';
    for (int i = 0; in && i < line; i++) {
        if (!fgets(text, (int)size, in)) text[0] = '\0', i = line;
        while (i < line - 1 && text[0] && !strchr(text, '\n') && fgets(text, (int)size, in)) {}
    }
    if (in) fclose(in);
    text[strcspn(text, "\n")] = '\0';
    return text;
}

/* As line_profiler shows them. */
static void print_chosen(FILE *out, const prof_found *found) {
    static const char *const titles[] = {">line", ">hits", ">time", ">per hit", ">share", "source", NULL};
    double all;
    for (int i = 0, n; i < found->chosen_lines; i += n) {
        const prof_chosen *first = &found->chosen[i];
        char name[512], file[512];
        cli_grid grid;
        n = prof_chosen_function(found, i, &all);
        fprintf(out, "\nLines of %s (%s:%d): %s in all, timed by line_profiler\n", printable(name, first->function),
                printable(file, first->file), first->first, cli_duration(all).text);
        cli_grid_begin(&grid, titles);
        for (int k = 0; k < n; k++) {
            const prof_chosen *c = &first[k];
            char source[400], shown[512], line[24];
            snprintf(line, sizeof line, "%d", c->line);
            source_line(c->file, c->line, source, sizeof source);
            cli_grid_row(&grid, (const char *const[]){line, cli_count(c->hits).text, cli_duration(c->seconds).text,
                                                      cli_duration(c->hits ? c->seconds / (double)c->hits : 0).text,
                                                      percent(c->seconds, all).text, printable(shown, source)});
        }
        cli_grid_print(&grid, out);
    }
    if (found->segment->no_line_profiler)
        fputs(
            "\nLines of chosen functions: none, for the program's Python has no line_profiler that works (python3 -m pip "
            "install line_profiler)\n",
            out);
}

static void print_loops(FILE *out, const prof_found *found) {
    static const char *const titles[] = {"loop", "column", ">cells", "rows", "line", "function", ">msio takes", NULL};
    cli_grid grid;
    int shown = 0;
    for (int i = 0; i < found->accesses && shown < LOOPS_SHOWN; i++) {
        const prof_access *a = &found->access[i];
        char column[512], line[512], function[512], rows[64];
        if (!a->loop) continue;
        if (shown == 0) cli_grid_begin(&grid, titles);
        snprintf(rows, sizeof rows, "%lld-%lld", (long long)a->first_row, (long long)a->last_row);
        cli_grid_row(&grid, (const char *const[]){a->write ? "putcell" : "getcell", printable(column, a->column_name),
                                                  cli_count(a->cells).text, rows, place_of(line, a),
                                                  a->function ? printable(function, a->function) : "-",
                                                  a->would_take >= 0 ? cli_duration(a->would_take).text : "-"});
        shown++;
    }
    if (shown) {
        fputs("\nLoops over cells\n", out);
        cli_grid_print(&grid, out);
    }
}

/* file.py:12; of a program in C library function. */
static const char *place_of_told(char buffer[512], const prof_told *t) {
    const prof_access place = {.file = t->file, .line = t->line};
    char native[400];
    if (!t->file || t->line > 0) return place_of(buffer, &place);
    snprintf(native, sizeof native, "%.100s %.250s", t->file, t->caller);
    return printable(buffer, native);
}

/* The calls of msio's own functions, as the program made them. */
static void print_told(FILE *out, const prof_found *found) {
    static const char *const titles[] = {"msio_...", "table",  "column", "line", ">calls",
                                         ">time",    ">bytes", ">rows",  NULL};
    static const char prefix[] = "msio_"; /* of all: it would take the room of what tells them apart */
    cli_grid grid;
    if (!found->tolds) return;
    fputs("\nmsio's calls: each is counted, by the line that made it\n", out);
    cli_grid_begin(&grid, titles);
    for (int i = 0; i < found->tolds && i < TOLD_SHOWN; i++) {
        const prof_told *t = &found->told[i];
        const char *name = t->function + (strncmp(t->function, prefix, sizeof prefix - 1) == 0 ? sizeof prefix - 1 : 0);
        char function[512], path[512], column[512], line[512];
        cli_grid_row(&grid, (const char *const[]){
                                printable(function, name), *t->path ? printable(path, prof_short_name(t->path)) : "-",
                                *t->column ? printable(column, t->column) : "-", place_of_told(line, t),
                                cli_count(t->calls).text, cli_duration(t->seconds).text,
                                t->bytes ? cli_size(t->bytes).text : "-", t->rows ? cli_count(t->rows).text : "-"});
    }
    cli_grid_print(&grid, out);
    if (found->tolds > TOLD_SHOWN)
        fprintf(out, "  and %d with less time: report.json has all\n", found->tolds - TOLD_SHOWN);
}

static void print_held(FILE *out, const prof_found *found) {
    static const char *const titles[] = {"msio holds", "what", ">at the end", ">at most", NULL};
    cli_grid grid;
    if (!found->helds) return;
    fputc('\n', out);
    cli_grid_begin(&grid, titles);
    cli_grid_row(&grid, (const char *const[]){"(all)", "", cli_size(found->held_all.bytes).text,
                                              cli_size(found->held_all.most).text});
    for (int i = 0; i < found->helds && i < HELD_SHOWN; i++) {
        const prof_held *h = &found->held[i];
        char path[512], kind[512];
        cli_grid_row(&grid,
                     (const char *const[]){*h->path ? printable(path, prof_short_name(h->path)) : "-",
                                           printable(kind, h->kind), cli_size(h->bytes).text, cli_size(h->most).text});
    }
    cli_grid_print(&grid, out);
    if (found->helds > HELD_SHOWN) fprintf(out, "  and %d with less: report.json has all\n", found->helds - HELD_SHOWN);
}

static void print_findings(FILE *out, const cli_profile_run *run, const prof_found *found) {
    bool little = cli_profile_little(run, found);
    fputs(little ? "\nFindings (the tables take little here: no advice)\n" : "\nFindings\n", out);
    if (!found->findings) fputs("  none\n", out);
    for (int i = 0; i < found->findings && i < FINDINGS_SHOWN; i++) {
        const prof_finding *f = &found->finding[i];
        char what[512], table[512], file[512];
        fprintf(out, "  %2d %-22s %s: %s", i + 1, f->kind, f->table ? printable(table, f->table) : "the run",
                printable(what, f->what));
        if (f->file && f->line > 0) fprintf(out, " (%s:%d)", printable(file, f->file), f->line);
        if (f->file && f->line == 0) fprintf(out, " (in %s)", printable(file, f->file));
        fputc('\n', out);
        if (!little) fprintf(out, "     instead: %s\n", printable(what, f->instead));
    }
    if (found->findings > FINDINGS_SHOWN)
        fprintf(out, "  and %d more: report.json has all\n", found->findings - FINDINGS_SHOWN);
}

static int most_bytes(const void *one, const void *other) {
    const prof_file *a = *(const prof_file *const *)one, *b = *(const prof_file *const *)other;
    int64_t x = a->bytes_read + a->bytes_written, y = b->bytes_read + b->bytes_written;
    return x > y ? -1 : x < y;
}

static void print_files(FILE *out, const prof_found *found) {
    static const char *const titles[] = {"other file", ">opens", ">reads", ">bytes", ">writes", ">bytes", NULL};
    const prof_file **list = cli_alloc_many((size_t)found->files + 1, sizeof *list);
    int n = 0;
    for (int i = 0; i < found->files; i++)
        if (found->file[i].table < 0 && found->file[i].bytes_read + found->file[i].bytes_written > 65536)
            list[n++] = &found->file[i];
    if (n) qsort(list, (size_t)n, sizeof(*list), most_bytes);
    cli_grid grid;
    if (n) cli_grid_begin(&grid, titles);
    for (int i = 0; i < n && i < FILES_SHOWN; i++) {
        char path[512];
        const prof_file *f = list[i];
        cli_grid_row(&grid, (const char *const[]){printable(path, f->path), cli_count(f->opens).text,
                                                  cli_count(f->reads).text, cli_size(f->bytes_read).text,
                                                  cli_count(f->writes).text, cli_size(f->bytes_written).text});
    }
    if (n) {
        fputs("\n", out);
        cli_grid_print(&grid, out);
    }
    free(list);
}

/* Parts of a file from top to bottom, the run from left to right. */
static void print_heat(FILE *out, const prof_heat *heat) {
    static const char shades[] = " .:-=+*#%@";
    char name[512], file[512];
    int lines = heat->places < HEAT_LINES ? heat->places : HEAT_LINES;
    double most = 0, line[HEAT_LINES][PROF_HEAT_TIMES] = {{0}};
    for (int p = 0; p < heat->places; p++)
        for (int t = 0; t < PROF_HEAT_TIMES; t++) {
            double *to = &line[p * lines / heat->places][t];
            *to += heat->times[p][t];
            if (*to > most) most = *to;
        }
    const char *slash = strrchr(heat->file, '/');
    fprintf(out, "  %s %s: %s in parts of %s\n", printable(name, heat->table->name),
            printable(file, heat->column ? heat->column
                            : slash      ? slash + 1
                                         : heat->file),
            cli_size(heat->bytes).text, cli_size(heat->place_bytes * heat->places / (lines ? lines : 1)).text);
    for (int k = 0; k < lines; k++) {
        fputs("    |", out);
        for (int t = 0; t < PROF_HEAT_TIMES; t++)
            fputc(line[k][t] > 0 ? shades[1 + (int)(8 * line[k][t] / most)] : ' ', out);
        fputs("|\n", out);
    }
}

static void print_heats(FILE *out, const cli_profile_run *run, const prof_found *found) {
    prof_heat *list = cli_alloc_many(PROFILE_HEATS, sizeof *list);
    int n = prof_heats(run, found, list);
    if (n)
        fprintf(out, "\nWhen files were read: begin to end downwards, the run from left to right, %s a step\n",
                cli_duration(list[0].step_seconds).text);
    for (int i = 0; i < n && i < HEATS_SHOWN; i++) print_heat(out, &list[i]);
    free(list);
}

/* The last part of a path. */
static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Functions of native code and of Python, by the samples that were taken in them. */
static void print_sampled_functions(FILE *out, const cli_profile_run *run) {
    static const char *const titles[] = {">own", ">share", ">with calls", ">share", "function", "library", NULL};
    const cli_profile_samples *s = &run->samples;
    const double all = (double)s->samples;
    cli_grid grid;
    cli_grid_begin(&grid, titles);
    for (int i = 0; i < s->stacks.functions && i < SAMPLED_SHOWN; i++) {
        const cli_sampled_function *f = &s->stacks.function[s->stacks.most[i]];
        char name[NAME_SHOWN + 1], library[512];
        snprintf(name, sizeof name, "%s", f->name);
        if ((double)f->own < 0.005 * all) break;
        char shown[512];
        cli_grid_row(&grid,
                     (const char *const[]){cli_duration((double)f->own / s->hz).text, percent((double)f->own, all).text,
                                           cli_duration((double)f->all / s->hz).text, percent((double)f->all, all).text,
                                           printable(shown, name), printable(library, last_part(f->library))});
    }
    fputs("\nFunctions by processor time: native code and Python, sampled\n", out);
    cli_grid_print(&grid, out);
}

/* Lines of what was built with -g. */
static void print_sampled_lines(FILE *out, const cli_profile_run *run) {
    static const char *const titles[] = {">own", ">share", ">with calls", "line", "function", NULL};
    const cli_profile_samples *s = &run->samples;
    const double all = (double)s->samples;
    cli_grid grid;
    if (!s->stacks.lines || (double)s->stacks.line[0].own < 0.005 * all) return;
    cli_grid_begin(&grid, titles);
    for (int i = 0, shown = 0; i < s->stacks.lines && shown < SAMPLED_SHOWN; i++) {
        const cli_sampled_line *l = &s->stacks.line[i];
        char place[512], name[NAME_SHOWN + 1], printed[512];
        const prof_access at = {.file = l->file, .line = l->line};
        snprintf(name, sizeof name, "%s", s->stacks.function[l->function].name);
        if ((double)l->own < 0.005 * all) break;
        shown++;
        cli_grid_row(&grid,
                     (const char *const[]){cli_duration((double)l->own / s->hz).text, percent((double)l->own, all).text,
                                           cli_duration((double)l->all / s->hz).text, place_of(place, &at),
                                           printable(printed, name)});
    }
    fputs("\nLines of native code by processor time, of what was built with -g\n", out);
    cli_grid_print(&grid, out);
}

static void print_stacks(FILE *out, const cli_profile_samples *s) {
    const cli_sampled_stacks *t = &s->stacks;
    const double all = (double)(t->whole + t->cut + t->blind);
    if (s->why_no_stacks[0])
        fprintf(out, "         no stacks of native code: %s\n", s->why_no_stacks);
    else if (all > 0)
        fprintf(
            out,
            "         stacks of native code: %s whole, %s deeper than what is copied of them, %s into code that tells "
            "no callers; taking\n         samples took %s beside the program\n",
            percent((double)t->whole, all).text, percent((double)t->cut, all).text, percent((double)t->blind, all).text,
            cli_duration(s->seconds).text);
}

static void print_limits(FILE *out, const cli_profile_run *run, const prof_found *found) {
    const profile_segment *s = found->segment;
    int by[4] = {0}, maps = 0;
    for (int i = 0; i < found->processes; i++) by[found->process[i].seen & 3]++;
    for (int i = 0; i < found->files; i++) maps += found->file[i].table >= 0 && found->file[i].maps > 0;
    fprintf(out, "\nSeen     %d process%s%s; accesses of columns: %s\n", found->processes,
            found->processes == 1 ? "" : "es", found->functions ? "" : " that opened tables",
            by[PROFILE_SEEN_TEXT]
                ? "by casacore's text trace: it is none of the versions whose trace functions are known"
            : by[PROFILE_SEEN_TRACE]    ? "by casacore's own trace functions"
            : by[PROFILE_SEEN_STRANGER] ? "none: this casacore is not known, and wrote no text trace; files alone"
                                        : "none: no casacore, or one that tells nothing; files alone");
    if (found->told_calls)
        fprintf(out, "         and %s calls of msio, which tells of them itself\n", cli_count(found->told_calls).text);
    if (by[PROFILE_SEEN_TEXT] && by[PROFILE_SEEN_TRACE])
        fprintf(out, "         of %d processes, of %d others by its trace functions\n", by[PROFILE_SEEN_TEXT],
                by[PROFILE_SEEN_TRACE]);
    if (s->garbled_lines)
        fprintf(out, "         %u lines of the text trace could not be read: threads write into each other's\n",
                (unsigned)s->garbled_lines);
    fputs("Not seen scalar cells within a block that casacore keeps (a loop over scalars is announced once a block);\n"
          "         the end of an access; sendfile and copy_file_range; io_uring; programs linked statically, with a\n"
          "         casacore of their own inside, or started without this run's environment\n",
          out);
    if (run->static_program) fputs("         THIS program is linked statically: nothing of it could be seen\n", out);
    if (maps) fprintf(out, "         %d files of tables were mapped: what was read of them is not counted\n", maps);
    if (s->streams)
        fprintf(out, "         %u files of tables were opened by fopen: their reads\n", (unsigned)s->streams);
    for (int t = 0, n = 0; t < found->tables && n < 5; t++) {
        char name[512], why[512];
        if (!found->table[t].unknown[0]) continue;
        fprintf(out, "         columns of %s: %s\n", printable(name, found->table[t].name),
                printable(why, found->table[t].unknown));
        n++;
    }
    fprintf(out, "Own cost %s accesses, %s system calls", cli_count(found->events_accesses).text,
            cli_count(found->events_calls).text);
    if (found->told_calls) fprintf(out, ", %s calls of msio's", cli_count(found->told_calls).text);
    fprintf(out, ": about %s", cli_duration(found->own_seconds).text);
    if (run->seconds > 0) fprintf(out, " (%.1f%%)", 100 * found->own_seconds / run->seconds);
    fprintf(out, "; %s events without room in the counters\n", cli_count(found->lost).text);
    if (found->traced)
        fprintf(out, "Trace    %s events in trace.json; %s older ones found no room in the log\n",
                cli_count(found->events).text, cli_count(found->events_dropped).text);
    if (found->looks)
        fprintf(out, "Python   %s looks at its threads' stacks took %s of processor time (measured)\n",
                cli_count(found->looks).text, cli_duration(found->look_seconds).text);
    const double accounted = cli_profile_accounted(run);
    if (run->samples.hz)
        fprintf(out,
                "Samples  %d a second of each processor, by perf events of the kernel; %s lost; %s of the time in user "
                "code accounted for\n",
                run->samples.hz, cli_count(run->samples.lost).text, percent(accounted, accounted >= 0).text);
    if (run->samples.hz) print_stacks(out, &run->samples);
    if (run->load >= 0) fprintf(out, "Machine  load %.2f when it ended; clock CLOCK_MONOTONIC\n", run->load);
}

/* Where the processor time in user code went, by the innermost library. */
static void print_samples(FILE *out, const cli_profile_samples *s) {
    char name[512];
    if (!s->samples) return;
    double all = (double)s->samples;
    fprintf(out,
            "CPU: table layer %.1f%% of %s samples (with all that it calls); innermost:", 100 * (double)s->layer / all,
            cli_count(s->samples).text);
    for (int i = 0; i < s->libraries && i < LIBRARIES_SHOWN; i++)
        fprintf(out, "%s %s %.1f%%", i ? "," : "", printable(name, s->library[i].name),
                100 * (double)s->library[i].samples / all);
    fputc('\n', out);
}

void cli_profile_text(FILE *out, const cli_profile_run *run, const prof_found *found) {
    char text[512], shown[512];
    fputs("msio profile:", out);
    for (char **word = run->program; word && *word; word++) fprintf(out, " %s", printable(shown, *word));
    if (!run->program) fprintf(out, " %s", found->processes ? printable(shown, found->process[0].command) : "");
    fputc('\n', out);
    if (run->program)
        fprintf(out, "%s wall, %s CPU (%s of it in the system), peak %s, exit %d%s\n", cli_duration(run->seconds).text,
                cli_duration(run->user + run->system).text, cli_duration(run->system).text, cli_size(run->peak).text,
                run->code, run->signal ? " (a signal)" : "");
    fprintf(out, "%s\n", cli_profile_verdict(run, found, text, sizeof text));
    cli_profile_targets_text(out, &run->targets);
    print_samples(out, &run->samples);
    fputc('\n', out);
    if (found->tables) print_columns(out, found);
    print_loops(out, found);
    print_told(out, found);
    print_held(out, found);
    print_times(out, found);
    if (run->samples.stacks.functions) print_sampled_functions(out, run);
    print_sampled_lines(out, run);
    print_calls(out, found);
    print_chosen(out, found);
    print_files(out, found);
    print_heats(out, run, found);
    print_findings(out, run, found);
    print_limits(out, run, found);
}
