/* handing_write.c - the document: a checklist, and its parts. */
#include "cli/handing/handing.h"

#include "cli/common/human.h"
#include "cli/page/page.h"

#include <math.h>
#include <string.h>
#include <time.h>

#define TOP 10

static const char *utc(double seconds, char *text, size_t size) {
    time_t when = (time_t)seconds;
    struct tm is;
    snprintf(text, size, "at an unknown time");
    if (isfinite(seconds) && fabs(seconds) < 1e11 && gmtime_r(&when, &is))
        strftime(text, size, "%Y-%m-%d %H:%M UTC", &is);
    return text;
}

static const char *size_or_dash(int64_t bytes, cli_words *words) {
    *words = cli_size(bytes < 0 ? 0 : bytes);
    return bytes < 0 ? "-" : words->text;
}

static void cell_duration(handing_text *to, double seconds) {
    handing_cell(to, isfinite(seconds) && seconds >= 0 ? cli_duration(seconds).text : "-");
}

static void cell_count(handing_text *to, int64_t count) { handing_cell(to, count >= 0 ? cli_count(count).text : "-"); }

static void cell_size(handing_text *to, int64_t bytes) {
    cli_words words;
    handing_cell(to, size_or_dash(bytes, &words));
}

static void cell_place(handing_text *to, const char *file, int64_t line) {
    char text[300];
    const char *slash = strrchr(file, '/');
    snprintf(text, sizeof text, line > 0 ? "%.200s:%lld" : "%.200s", slash ? slash + 1 : file, (long long)line);
    handing_cell(to, text);
}

/* ---------------------------------------------------------------- parts */

static void write_checklist(handing_text *to, const handing_run *of, const handing_run *before) {
    bool stacks = of->stacks.n > 0;
    const char *no_stacks = "no stacks are kept of this run: profile it with msio profile --sample 100";
    handing_heading(to, 2, "Checklist");
    handing_check(to, of->run.program[0] != 0, "What was profiled", of->run.program[0] ? of->run.program : "not told");
    handing_check(to, stacks, "Top 10 by cumulative time", stacks ? "below" : no_stacks);
    handing_check(to, stacks, "Top 10 by total time", stacks ? "below" : no_stacks);
    handing_check(to, stacks || of->loops.n, "Hot lines", stacks || of->loops.n ? "below" : no_stacks);
    handing_check(to, of->run.peak_bytes >= 0 || of->moments.n, "Memory",
                  of->run.peak_bytes >= 0 || of->moments.n ? "below" : "not measured");
    handing_check(to, of->findings.n > 0, "Findings", of->findings.n ? "below" : "none");
    handing_check(to, before != NULL, "Before and after",
                  before ? "below" : "there is no other run to hold it against: --before names one");
    if (!to->html) fputc('\n', to->out);
}

static void write_fact(handing_text *to, const char *name, const char *value) {
    if (!*value) return;
    handing_cell(to, name);
    handing_cell(to, value);
    handing_row_end(to);
}

static void write_what(handing_text *to, const handing_run *of, const char *from) {
    static const char *const names[] = {"", "", NULL};
    const history_run *r = &of->run;
    char time[40], code[32], load[32];
    snprintf(code, sizeof code, "%lld", (long long)r->exit_code);
    snprintf(load, sizeof load, "%.2f", r->load);
    handing_heading(to, 2, "What was profiled");
    handing_table(to, names);
    write_fact(to, "program", r->program);
    write_fact(to, "verdict", r->verdict);
    write_fact(to, "when", utc(r->time, time, sizeof time));
    write_fact(to, "wall", isfinite(r->seconds) ? cli_duration(r->seconds).text : "");
    write_fact(to, "processor time", isfinite(r->cpu_seconds) ? cli_duration(r->cpu_seconds).text : "");
    write_fact(to, "exit code", r->exit_code >= 0 ? code : "");
    write_fact(to, "machine", r->machine);
    write_fact(to, "system", r->system);
    write_fact(to, "load", isfinite(r->load) ? load : "");
    write_fact(to, "commit", r->commit);
    write_fact(to, "msio", r->version);
    write_fact(to, "note", r->note);
    write_fact(to, "from", from);
    handing_table_end(to);
}

static void write_places(handing_text *to, const char *title, const handing_places *places) {
    static const char *const names[] = {"", ">total", ">cumulative", NULL};
    handing_heading(to, 2, title);
    handing_table(to, names);
    for (int64_t i = 0; i < places->n && i < TOP; i++) {
        handing_cell(to, places->place[i].name);
        cell_duration(to, places->place[i].own);
        cell_duration(to, places->place[i].all);
        handing_row_end(to);
    }
    handing_table_end(to);
}

static void write_stacks(handing_text *to, const handing_run *of) {
    handing_places functions, lines;
    if (!of->stacks.n) return;
    handing_places_of(&of->stacks, false, &functions);
    handing_places_of(&of->stacks, true, &lines);
    handing_by_all(&functions);
    write_places(to, "Top 10 by cumulative time", &functions);
    handing_by_own(&functions);
    write_places(to, "Top 10 by total time", &functions);
    handing_by_own(&lines);
    write_places(to, "Hot lines", &lines);
    handing_paragraph(
        to, "Stacks of threads, sampled: total is in the function or line itself, cumulative with all that it "
            "calls; threads are added up.");
    handing_places_free(&functions);
    handing_places_free(&lines);
}

static void write_loops(handing_text *to, const handing_run *of) {
    static const char *const names[] = {"line", "function", "call", "column", "table", ">cells", ">msio takes", NULL};
    if (!of->loops.n) return;
    handing_heading(to, 2, "Loops over cells");
    handing_table(to, names);
    for (int64_t i = 0; i < of->loops.n && i < TOP; i++) {
        const history_loop *l = cli_rows_at(&of->loops, i);
        cell_place(to, l->file, l->line);
        handing_cell(to, l->function);
        handing_cell(to, l->method);
        handing_cell(to, l->name);
        handing_cell(to, l->table_path);
        cell_count(to, l->cells);
        cell_duration(to, l->would_take);
        handing_row_end(to);
    }
    handing_table_end(to);
}

static void write_columns(handing_text *to, const handing_run *of) {
    static const char *const names[] = {"table",       "column",         ">calls", ">bytes read",
                                        ">times over", ">bytes written", NULL};
    if (!of->columns.n) return;
    handing_heading(to, 2, "Columns");
    handing_table(to, names);
    for (int64_t i = 0; i < of->columns.n && i < TOP; i++) {
        const history_column *c = cli_rows_at(&of->columns, i);
        handing_cell(to, c->table_path);
        handing_cell(to, c->name);
        cell_count(to, c->calls);
        cell_size(to, c->bytes_read);
        handing_cell(to, c->distinct_bytes > 0 && c->bytes_read >= 0
                             ? cli_number((double)c->bytes_read / (double)c->distinct_bytes, 3).text
                             : "-");
        cell_size(to, c->bytes_written);
        handing_row_end(to);
    }
    handing_table_end(to);
}

static void write_memory(handing_text *to, const handing_run *of) {
    char text[360];
    cli_words peak, most_words;
    int64_t most = -1;
    double when = 0;
    for (int64_t i = 0; i < of->moments.n; i++) {
        const history_moment *m = cli_rows_at(&of->moments, i);
        if (m->resident <= most) continue;
        most = m->resident;
        when = m->seconds;
    }
    if (of->run.peak_bytes < 0 && most < 0) return;
    handing_heading(to, 2, "Memory");
    snprintf(text, sizeof text, "Peak of the largest process, by the kernel: %s.",
             size_or_dash(of->run.peak_bytes, &peak));
    handing_paragraph(to, text);
    if (most < 0) return;
    snprintf(text, sizeof text, "All processes together had %s resident %s after the start, the most of %lld looks.",
             size_or_dash(most, &most_words), cli_duration(when).text, (long long)of->moments.n);
    handing_paragraph(to, text);
}

static void write_findings(handing_text *to, const handing_run *of) {
    static const char *const names[] = {"finding", "what", "instead", "line", ">about", NULL};
    handing_heading(to, 2, "Findings");
    if (!of->findings.n) {
        handing_paragraph(to, "None.");
        return;
    }
    handing_table(to, names);
    for (int64_t i = 0; i < of->findings.n; i++) {
        const history_finding *f = cli_rows_at(&of->findings, i);
        handing_cell(to, f->kind);
        handing_cell(to, f->what);
        handing_cell(to, f->instead);
        cell_place(to, f->file, f->line);
        cell_duration(to, f->about_seconds);
        handing_row_end(to);
    }
    handing_table_end(to);
}

static void write_targets(handing_text *to, const handing_run *of) {
    static const char *const names[] = {"path", "of", ">measured", ">target", "verdict", "reason", NULL};
    if (!of->targets.n) return;
    handing_heading(to, 2, "Targets");
    handing_table(to, names);
    for (int64_t i = 0; i < of->targets.n; i++) {
        const history_target *t = cli_rows_at(&of->targets, i);
        handing_cell(to, t->name);
        handing_cell(to, t->subject);
        cell_duration(to, t->measured);
        cell_duration(to, t->target);
        handing_cell(to, t->verdict);
        handing_cell(to, t->reason);
        handing_row_end(to);
    }
    handing_table_end(to);
}

/* ---------------------------------------------------------------- before and after */

static void cell_factor(handing_text *to, double before, double after) {
    bool known = isfinite(before) && isfinite(after) && before > 0 && after >= 0;
    handing_cell(to, known ? cli_number(after / before, 3).text : "-");
}

static void row_times(handing_text *to, const char *name, double before, double after) {
    handing_cell(to, name);
    cell_duration(to, before);
    cell_duration(to, after);
    cell_factor(to, before, after);
    handing_row_end(to);
}

static const history_count *count_named(const handing_run *of, const char *name) {
    for (int64_t i = 0; i < of->counts.n; i++) {
        const history_count *c = cli_rows_at(&of->counts, i);
        if (strcmp(c->name, name) == 0) return c;
    }
    return NULL;
}

static const history_target *target_like(const handing_run *of, const history_target *like) {
    for (int64_t i = 0; i < of->targets.n; i++) {
        const history_target *t = cli_rows_at(&of->targets, i);
        if (strcmp(t->name, like->name) == 0 && strcmp(t->subject, like->subject) == 0) return t;
    }
    return NULL;
}

static void row_counts(handing_text *to, const char *name, int64_t before, int64_t after) {
    handing_cell(to, name);
    cell_count(to, before);
    cell_count(to, after);
    cell_factor(to, (double)before, (double)after);
    handing_row_end(to);
}

static void write_before(handing_text *to, const handing_run *of, const handing_run *before) {
    static const char *const names[] = {"", ">before", ">after", ">factor", NULL};
    char text[200], one[40], other[40];
    handing_heading(to, 2, "Before and after");
    snprintf(text, sizeof text,
             "Run %lld of %s, and run %lld of %s. Times of single runs differ by chance; counts do not.",
             (long long)before->run.id, utc(before->run.time, one, sizeof one), (long long)of->run.id,
             utc(of->run.time, other, sizeof other));
    handing_paragraph(to, text);
    handing_table(to, names);
    row_times(to, "wall", before->run.seconds, of->run.seconds);
    row_times(to, "processor time", before->run.cpu_seconds, of->run.cpu_seconds);
    row_counts(to, "peak memory, bytes", before->run.peak_bytes, of->run.peak_bytes);
    row_counts(to, "findings", before->findings.n, of->findings.n);
    for (int64_t i = 0; i < of->targets.n; i++) {
        const history_target *t = cli_rows_at(&of->targets, i), *then = target_like(before, t);
        if (then) row_times(to, t->name, then->measured, t->measured);
    }
    for (int64_t i = 0; i < of->counts.n; i++) {
        const history_count *c = cli_rows_at(&of->counts, i), *then = count_named(before, c->name);
        row_counts(to, c->name, then ? then->value : -1, c->value);
    }
    handing_table_end(to);
}

void handing_write(FILE *out, bool html, const handing_run *of, const handing_run *before, const char *from) {
    handing_text to = {out, html, 0};
    if (html) page_begin(out, "msio report");
    handing_heading(&to, 1, "msio report");
    write_checklist(&to, of, before);
    write_what(&to, of, from);
    write_findings(&to, of);
    write_targets(&to, of);
    write_stacks(&to, of);
    write_loops(&to, of);
    write_columns(&to, of);
    write_memory(&to, of);
    if (before) write_before(&to, of, before);
    if (html) page_end_plain(out);
}
