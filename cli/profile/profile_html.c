/* profile_html.c - report.html: one page that needs nothing else; no name in it can become markup. */
#include "cli/profile/profile.h"

#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/common/json.h"
#include "cli/page/page.h"

#include <stdlib.h>
#include <string.h>

#define STRIPS 24
#define STRIP_BYTES 100000 /* read of a column, for a strip of its own */
#define MOMENTS_SHOWN 2000
#define SAMPLED_SHOWN 200 /* functions, lines */
#define THINNEST 20000    /* parts of a flame graph */

#define TIMES_SHOWN 200
#define FUNCTIONS_SHOWN 500

static void cell(FILE *out, const char *text) {
    fputs("<td>", out);
    page_text(out, text);
    fputs("</td>", out);
}

/* A number that sorts by its value. */
static void number(FILE *out, double value, const char *text) {
    fprintf(out, "<td class=\"n\" data-v=\"%.17g\">", value);
    page_text(out, text);
    fputs("</td>", out);
}

static void titles(FILE *out, const char *const names[]) {
    fputs("<div class=\"wide\"><table><thead><tr>", out);
    for (; *names; names++) {
        fprintf(out, "<th%s>", **names == '>' ? " class=\"n\"" : "");
        page_text(out, *names + (**names == '>'));
        fputs("</th>", out);
    }
    fputs("</tr></thead><tbody>\n", out);
}

/* A function of C++ has no line. */
static void put_line(FILE *out, int line) {
    if (line > 0) fprintf(out, ":%d", line);
}

static void place(FILE *out, const char *file, int line, const char *function) {
    if (!file) {
        fputs("<td><small>unknown</small></td>", out);
        return;
    }
    const char *slash = strrchr(file, '/');
    fputs("<td title=\"", out);
    page_text(out, file);
    fputs("\"><code>", out);
    page_text(out, slash ? slash + 1 : file);
    put_line(out, line);
    fputs("</code> ", out);
    page_text(out, function ? function : "");
    fputs("</td>", out);
}

static void put_findings(FILE *out, const cli_profile_run *run, const prof_found *found) {
    bool little = cli_profile_little(run, found);
    fputs("<h2>Findings</h2>\n", out);
    if (!found->findings) fputs("<p>None.</p>\n", out);
    for (int i = 0; i < found->findings; i++) {
        const prof_finding *f = &found->finding[i];
        fputs("<div class=\"finding\"><b>", out);
        page_text(out, f->kind);
        fputs("</b> ", out);
        page_text(out, f->table ? f->table : "the run");
        fputs(": ", out);
        page_text(out, f->what);
        if (f->file) {
            fputs(" <code>", out);
            page_text(out, f->file);
            put_line(out, f->line);
            fputs("</code>", out);
        }
        if (!little) {
            fputs("<br>instead: ", out);
            page_text(out, f->instead);
        }
        fputs("</div>\n", out);
    }
}

static void bar(FILE *out, int64_t value, int64_t most) {
    fprintf(out, "<td class=\"bar\" data-v=\"%lld\"><i style=\"width:%.1f%%\"></i></td>", (long long)value,
            most > 0 ? 100 * (double)value / (double)most : 0);
}

static void put_columns(FILE *out, const prof_found *found) {
    static const char *const names[] = {
        "table", "column",      ">accesses", ">cells",         ">reads",           ">bytes read", "bytes",
        ">over", ">tile, most", ">writes",   ">bytes written", ">in system calls", NULL};
    int64_t most = 0;
    for (int i = 0; i < found->tables; i++)
        for (const prof_column *c = found->table[i].column; c; c = c->next)
            if (c->bytes_read > most) most = c->bytes_read;
    fputs("<h2>Columns</h2>\n", out);
    titles(out, names);
    for (int i = 0; i < found->tables; i++)
        for (const prof_column *c = found->table[i].column; c; c = c->next) {
            double over = c->distinct_read ? (double)c->bytes_read / (double)c->distinct_read : 0;
            char factor[32];
            snprintf(factor, sizeof factor, over > 0 ? "%.2fx" : "-", over);
            fputs("<tr>", out);
            cell(out, found->table[i].name);
            cell(out, c->name);
            number(out, (double)(c->calls_read + c->calls_written), cli_count(c->calls_read + c->calls_written).text);
            number(out, (double)(c->cells_read + c->cells_written), cli_count(c->cells_read + c->cells_written).text);
            number(out, (double)c->reads, cli_count(c->reads).text);
            number(out, (double)c->bytes_read, cli_size(c->bytes_read).text);
            bar(out, c->bytes_read, most);
            number(out, over, factor);
            number(out, (double)c->unit_most, cli_count(c->unit_most).text);
            number(out, (double)c->writes, cli_count(c->writes).text);
            number(out, (double)c->bytes_written, cli_size(c->bytes_written).text);
            number(out, c->seconds, cli_duration(c->seconds).text);
            fputs("</tr>\n", out);
        }
    fputs("</tbody></table></div>\n", out);
}

static void put_accesses(FILE *out, const prof_found *found) {
    static const char *const names[] = {"line",   "table", "column",      "",  ">accesses", ">cells", ">rows",
                                        ">bytes", "loop",  ">msio takes", NULL};
    fputs("<h2>Lines</h2>\n", out);
    titles(out, names);
    for (int i = 0; i < found->accesses; i++) {
        const prof_access *a = &found->access[i];
        fputs("<tr>", out);
        place(out, a->file, a->line, a->function);
        cell(out, a->table >= 0 ? found->table[a->table].name : a->table_path);
        cell(out, a->column_name);
        cell(out, a->write ? "write" : "read");
        number(out, (double)a->calls, cli_count(a->calls).text);
        number(out, (double)a->cells, cli_count(a->cells).text);
        number(out, (double)a->rows, cli_count(a->rows).text);
        number(out, (double)a->bytes, cli_size(a->bytes).text);
        cell(out, a->loop ? "one by one" : "");
        number(out, a->would_take, a->would_take >= 0 ? cli_duration(a->would_take).text : "");
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

static void put_told(FILE *out, const prof_found *found) {
    static const char *const names[] = {"function", "table",  "column", "line", ">calls",
                                        ">time",    ">bytes", ">rows",  NULL};
    if (!found->tolds) return;
    fputs("<h2>msio's calls</h2>\n<p>Each is counted, by the line that made it.</p>\n", out);
    titles(out, names);
    for (int i = 0; i < found->tolds && i < FUNCTIONS_SHOWN; i++) {
        const prof_told *t = &found->told[i];
        fputs("<tr>", out);
        cell(out, t->function);
        cell(out, prof_short_name(t->path));
        cell(out, t->column);
        place(out, t->file, t->line, t->caller);
        number(out, (double)t->calls, cli_count(t->calls).text);
        number(out, t->seconds, cli_duration(t->seconds).text);
        number(out, (double)t->bytes, t->bytes ? cli_size(t->bytes).text : "");
        number(out, (double)t->rows, t->rows ? cli_count(t->rows).text : "");
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

static void put_held(FILE *out, const prof_found *found) {
    static const char *const names[] = {"table", "what", ">at the end", ">at most", NULL};
    if (!found->helds) return;
    fprintf(out, "<h2>What msio holds</h2>\n<p>%s at the end, %s at most.</p>\n", cli_size(found->held_all.bytes).text,
            cli_size(found->held_all.most).text);
    titles(out, names);
    for (int i = 0; i < found->helds && i < FUNCTIONS_SHOWN; i++) {
        const prof_held *h = &found->held[i];
        fputs("<tr>", out);
        cell(out, prof_short_name(h->path));
        cell(out, h->kind);
        number(out, (double)h->bytes, cli_size(h->bytes).text);
        number(out, (double)h->most, cli_size(h->most).text);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

static void put_tasks(FILE *out, const prof_found *found) {
    static const char *const names[] = {"task", "of", "line", ">begins", ">takes", ">CPU", NULL};
    char name[200];
    if (!found->task_calls) return;
    fputs("<h2>Tasks of CASA</h2>\n", out);
    titles(out, names);
    for (int i = 0; i < found->task_calls; i++) {
        const prof_task_call *t = &found->task_call[i];
        prof_task_name(t->task, name, sizeof name);
        fputs("<tr>", out);
        cell(out, name);
        cell(out, t->on ? t->on : "");
        place(out, t->file, t->line, NULL);
        number(out, t->start, cli_duration(t->start).text);
        number(out, t->seconds, cli_duration(t->seconds).text);
        number(out, t->cpu, cli_duration(t->cpu).text);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

static void put_times(FILE *out, const prof_found *found) {
    static const char *const names[] = {"line",     "share",    ">wall",         ">CPU",
                                        ">samples", ">grew by", ">large blocks", NULL};
    double most = 0;
    if (!found->timed && !found->tasks) return;
    for (int i = 0; i < found->timed; i++)
        if (found->time[i].wall > most) most = found->time[i].wall;
    fputs(
        "<h2>Lines by time</h2>\n<p>All threads of Python, sampled; what the process grew by meanwhile; blocks of memory of "
        "1 MiB or more are counted at the line that asks for them.</p>\n",
        out);
    titles(out, names);
    for (int i = 0; i < found->timed && i < TIMES_SHOWN; i++) {
        const prof_time *t = &found->time[i];
        fputs("<tr>", out);
        place(out, t->file, t->line, t->function);
        bar(out, (int64_t)(1e6 * t->wall), (int64_t)(1e6 * most));
        number(out, t->wall, cli_duration(t->wall).text);
        number(out, t->cpu, cli_duration(t->cpu).text);
        number(out, (double)t->samples, cli_count(t->samples).text);
        number(out, (double)t->growth, cli_size(t->growth > 0 ? t->growth : 0).text);
        number(out, (double)t->block_bytes, t->blocks ? cli_size(t->block_bytes).text : "");
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
    put_tasks(out, found);
}

static void put_chosen(FILE *out, const prof_found *found) {
    static const char *const names[] = {"line", ">hits", ">time", "share", ">per hit", NULL};
    double most = 0;
    if (!found->chosen_lines) return;
    for (int i = 0; i < found->chosen_lines; i++)
        if (found->chosen[i].seconds > most) most = found->chosen[i].seconds;
    fputs("<h2>Lines of chosen functions</h2>\n<p>Timed by line_profiler.</p>\n", out);
    titles(out, names);
    for (int i = 0; i < found->chosen_lines; i++) {
        const prof_chosen *c = &found->chosen[i];
        fputs("<tr>", out);
        place(out, c->file, c->line, c->function);
        number(out, (double)c->hits, cli_count(c->hits).text);
        number(out, c->seconds, cli_duration(c->seconds).text);
        bar(out, (int64_t)(1e9 * c->seconds), (int64_t)(1e9 * most));
        double each = c->hits ? c->seconds / (double)c->hits : 0;
        number(out, each, cli_duration(each).text);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

static void put_calls(FILE *out, const prof_found *found) {
    static const char *const names[] = {"function", ">ncalls",  ">primitive", ">tottime",
                                        "share",    ">percall", ">cumtime",   NULL};
    if (!found->functions) return;
    fputs("<h2>Functions</h2>\n<p>Of Python, every call counted; times with what counting took.</p>\n", out);
    titles(out, names);
    for (int i = 0; i < found->functions && i < FUNCTIONS_SHOWN; i++) {
        const prof_function *f = &found->function[i];
        double each = f->calls ? f->own / (double)f->calls : 0;
        fputs("<tr>", out);
        place(out, f->line ? f->file : "", f->line, f->name);
        number(out, (double)f->calls, cli_count(f->calls).text);
        number(out, (double)f->primitive, cli_count(f->primitive).text);
        number(out, f->own, cli_duration(f->own).text);
        bar(out, (int64_t)(1e6 * f->own), (int64_t)(1e6 * found->function[0].own));
        number(out, each, cli_duration(each).text);
        number(out, f->cumulative, cli_duration(f->cumulative).text);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

/* ---------------------------------------------------------------- pictures: drawn by the page's script */

static void put_charts(FILE *out, const cli_profile_run *run) {
    if (run->moments < 2) return;
    fputs(
        "<h2>Over time</h2>\n<div class=\"chart\" id=\"memory\"></div>\n<div class=\"chart\" id=\"processor\"></div>\n"
        "<div class=\"chart\" id=\"traffic\"></div>\n",
        out);
    fprintf(out, "<p><small>Peak of the largest process, by the kernel: %s.</small></p>\n", cli_size(run->peak).text);
}

static void put_flame(FILE *out, const cli_profile_run *run, const prof_found *found) {
    if (!found->stacks && !run->samples.stacks.calls) return;
    fputs("<h2>Flame graph</h2>\n<p>Stacks, sampled. Click or Enter goes into a frame, Escape back; "
          "arrows go from frame to frame. <select id=\"flame-of\" aria-label=\"time of the flame graph\">",
          out);
    if (run->samples.stacks.calls)
        fputs("<option value=\"native\">processor time, Python and native code</option>", out);
    if (found->stacks)
        fputs("<option value=\"wall\">time, Python</option><option value=\"cpu\">processor time, Python</option>", out);
    fputs("</select></p>\n"
          "<canvas class=\"flame\" id=\"flame\" tabindex=\"0\" role=\"img\" aria-label=\"flame graph\"></canvas>\n"
          "<p class=\"told\" id=\"flame-told\" aria-live=\"polite\"></p>\n",
          out);
}

/* The columns that most was read of; their strips stand in the page's data in the same order. */
static int strips(const prof_found *found, const prof_table *tables[], const prof_column *columns[]) {
    int n = 0;
    for (int i = 0; i < found->tables; i++)
        for (const prof_column *c = found->table[i].column; c; c = c->next) {
            if (!c->stored || c->bytes_read < STRIP_BYTES) continue;
            int at = n < STRIPS ? n++ : STRIPS - 1;
            if (at == STRIPS - 1 && columns[at] && columns[at]->bytes_read >= c->bytes_read) continue;
            for (; at > 0 && columns[at - 1]->bytes_read < c->bytes_read; at--) {
                tables[at] = tables[at - 1];
                columns[at] = columns[at - 1];
            }
            tables[at] = &found->table[i];
            columns[at] = c;
        }
    return n;
}

static void put_strips(FILE *out, const prof_found *found) {
    const prof_table *tables[STRIPS] = {0};
    const prof_column *columns[STRIPS] = {0};
    int n = strips(found, tables, columns);
    if (!n) return;
    fputs(
        "<h2>Where columns were read</h2>\n<p>Each strip is the column's file from begin to end; the stronger, the more often; "
        "in the second colour what was read more than once.</p>\n",
        out);
    for (int i = 0; i < n; i++) {
        fputs("<div class=\"strip\"><span>", out);
        page_text(out, tables[i]->name);
        fputs(" ", out);
        page_text(out, columns[i]->name);
        fprintf(out, "</span><canvas id=\"strip-%d\" role=\"img\"></canvas><span>%s</span></div>\n", i,
                cli_size(columns[i]->bytes_read).text);
    }
}

/* Their times stand in the page's data in the same order. */
static void put_heats(FILE *out, const prof_heat *list, int n) {
    fputs("<h2>When files were read</h2>\n<p>", out);
    if (!n) {
        fputs("No file of a table, and none of HDF5, that had 1 MiB or more when it was opened was read.</p>\n", out);
        return;
    }
    fprintf(out,
            "From left to right the run, %s a step; from top to bottom the file; the "
            "stronger, the more often in that step.</p>\n",
            cli_duration(list[0].step_seconds).text);
    for (int i = 0; i < n; i++) {
        const char *slash = strrchr(list[i].file, '/');
        fputs("<div class=\"strip\"><span>", out);
        page_text(out, list[i].table->name);
        fputs(" ", out);
        page_text(out, list[i].column ? list[i].column : slash ? slash + 1 : list[i].file);
        fprintf(out, "</span><canvas class=\"heat\" id=\"heat-%d\" role=\"img\"></canvas><span>%s</span></div>\n", i,
                cli_size(list[i].bytes).text);
    }
}

/* ---------------------------------------------------------------- the page's data */

static void put_heat_times(cli_json *json, const prof_heat *list, int n) {
    cli_json_open_list(json, "heats");
    for (int i = 0; i < n; i++) {
        cli_json_list(json);
        cli_profile_put_heat_times(json, &list[i]);
        cli_json_end(json);
    }
    cli_json_end(json);
}

static void put_moments(cli_json *json, const cli_profile_run *run) {
    static const char *const names[] = {"time", "resident", "busy", "read", "written"};
    int step = run->moments / MOMENTS_SHOWN + 1;
    for (int k = 0; k < 5; k++) {
        cli_json_open_array(json, names[k]);
        for (int i = 0; i < run->moments; i += step) {
            const cli_profile_moment *m = &run->moment[i];
            const double values[] = {m->seconds, (double)m->resident, m->cpu, (double)m->read, (double)m->written};
            cli_json_double(json, values[k]);
        }
        cli_json_end(json);
    }
}

/* Frames by their sites, and stacks as lists of them, the innermost first. */
static void put_stacks(cli_json *json, const prof_found *found) {
    int *number = cli_alloc_many(PROFILE_SITES, sizeof *number);
    int frames = 0;
    memset(number, -1, PROFILE_SITES * sizeof *number);
    cli_json_open_list(json, "frames");
    for (int i = 0; i < found->stacks; i++)
        for (uint32_t k = 0; k < found->stack[i]->depth; k++) {
            uint32_t site = found->stack[i]->site[k];
            if (site >= PROFILE_SITES || number[site] >= 0) continue;
            const profile_site *s = &found->segment->site[site];
            const char *file = prof_string(found->segment, s->file), *slash = strrchr(file, '/');
            char name[400];
            snprintf(name, sizeof name, "%.200s %.150s:%d", prof_string(found->segment, s->function),
                     slash ? slash + 1 : file, s->line);
            number[site] = frames++;
            cli_json_string(json, name);
        }
    cli_json_end(json);
    cli_json_open_list(json, "stacks");
    for (int i = 0; i < found->stacks; i++) {
        cli_json_array(json);
        for (uint32_t k = 0; k < found->stack[i]->depth; k++)
            if (found->stack[i]->site[k] < PROFILE_SITES) cli_json_int(json, number[found->stack[i]->site[k]]);
        cli_json_end(json);
    }
    cli_json_end(json);
    free(number);
}

static void put_weights(cli_json *json, const prof_found *found) {
    cli_json_open_array(json, "wall");
    for (int i = 0; i < found->stacks; i++) cli_json_double(json, 1e-9 * (double)found->stack[i]->wall_ns);
    cli_json_end(json);
    cli_json_open_array(json, "cpu");
    for (int i = 0; i < found->stacks; i++) cli_json_double(json, 1e-9 * (double)found->stack[i]->cpu_ns);
    cli_json_end(json);
}

/* Samples of each call with all that it calls. */
static int64_t *samples_below(const cli_sampled_stacks *s) {
    int64_t *below = cli_alloc_many((size_t)s->calls + 1, sizeof *below);
    for (int i = 0; i < s->calls; i++) below[i] = s->call[i].own;
    for (int i = s->calls - 1; i >= 0; i--)
        if (s->call[i].caller >= 0) below[s->call[i].caller] += below[i];
    return below;
}

/* Sampled calls as rows: the caller's row, the function's number, samples of its own. What is too thin to be drawn is
 * told of its caller. */
static void put_sampled_calls(cli_json *json, const cli_profile_samples *s) {
    const cli_sampled_stacks *t = &s->stacks;
    int64_t *below = samples_below(t), least = s->samples / THINNEST;
    int *row = cli_alloc_many((size_t)t->calls + 1, sizeof *row), rows = 0;
    int64_t *own = cli_alloc_many((size_t)t->calls + 1, sizeof *own);
    for (int i = 0; i < t->calls; i++) {
        int caller = t->call[i].caller;
        own[i] = below[i] > least ? t->call[i].own : 0;
        row[i] = below[i] > least ? rows++ : -1;
        if (row[i] < 0 && caller >= 0 && row[caller] >= 0) own[caller] += below[i];
    }
    cli_json_open_list(json, "functions");
    for (int i = 0; i < t->functions; i++) {
        const char *library = t->function[i].library, *slash = strrchr(library, '/');
        char name[400];
        snprintf(name, sizeof name, "%.200s %.150s", t->function[i].name, slash ? slash + 1 : library);
        cli_json_string(json, name);
    }
    cli_json_end(json);
    cli_json_open_list(json, "calls");
    for (int i = 0; i < t->calls; i++) {
        if (row[i] < 0) continue;
        cli_json_array(json);
        cli_json_int(json, t->call[i].caller >= 0 ? row[t->call[i].caller] : -1);
        cli_json_int(json, t->call[i].function);
        cli_json_int(json, own[i]);
        cli_json_end(json);
    }
    cli_json_end(json);
    cli_json_put_double(json, "sample_seconds", s->hz ? 1.0 / s->hz : 0);
    free(below);
    free(row);
    free(own);
}

static void put_data(FILE *out, const cli_profile_run *run, const prof_found *found, const prof_heat *heats,
                     int n_heats) {
    const prof_table *tables[STRIPS] = {0};
    const prof_column *columns[STRIPS] = {0};
    int n = strips(found, tables, columns);
    cli_json json = CLI_JSON_INIT(out);
    json.in_page = 1;
    fputs("<script type=\"application/json\" id=\"data\">\n", out);
    cli_json_object(&json);
    put_moments(&json, run);
    put_stacks(&json, found);
    put_weights(&json, found);
    put_sampled_calls(&json, &run->samples);
    cli_json_open_list(&json, "strips");
    for (int i = 0; i < n; i++) {
        double times[PROF_STRIP];
        for (int k = 0; k < PROF_STRIP; k++)
            times[k] = columns[i]->strip_bytes > 0 ? columns[i]->strip[k] / columns[i]->strip_bytes : 0;
        cli_json_array(&json);
        for (int k = 0; k < PROF_STRIP; k++) cli_json_double(&json, times[k]);
        cli_json_end(&json);
    }
    cli_json_end(&json);
    put_heat_times(&json, heats, n_heats);
    cli_json_end(&json);
    cli_json_finish(&json);
    fputs("</script>\n", out);
}

static void put_samples(FILE *out, const cli_profile_samples *s) {
    static const char *const names[] = {"library or program", ">samples", "share", NULL};
    if (!s->samples) return;
    fputs("<h2>Processor time</h2>\n", out);
    fprintf(out, "<p>%lld samples of user code; the table layer innermost or on the stack in %.1f%%.</p>\n",
            (long long)s->samples, 100 * (double)s->layer / (double)s->samples);
    titles(out, names);
    for (int i = 0; i < s->libraries && i < 40; i++) {
        fputs("<tr>", out);
        cell(out, s->library[i].name);
        number(out, (double)s->library[i].samples, cli_count(s->library[i].samples).text);
        bar(out, s->library[i].samples, s->samples);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

static void put_sampled_functions(FILE *out, const cli_profile_samples *s) {
    static const char *const names[] = {"function", "library", ">own", ">with calls", "share", NULL};
    if (!s->stacks.functions) return;
    fputs("<h2>Functions by processor time</h2>\n<p>Native code and Python, sampled.</p>\n", out);
    titles(out, names);
    for (int i = 0; i < s->stacks.functions && i < SAMPLED_SHOWN; i++) {
        const cli_sampled_function *f = &s->stacks.function[s->stacks.most[i]];
        fputs("<tr>", out);
        cell(out, f->name);
        cell(out, f->library);
        number(out, (double)f->own, cli_duration((double)f->own / s->hz).text);
        number(out, (double)f->all, cli_duration((double)f->all / s->hz).text);
        bar(out, f->own, s->samples);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

static void put_sampled_lines(FILE *out, const cli_profile_samples *s) {
    static const char *const names[] = {"file", ">line", "function", ">own", ">with calls", "share", NULL};
    if (!s->stacks.lines) return;
    fputs("<h2>Lines of native code by processor time</h2>\n<p>Of what was built with -g.</p>\n", out);
    titles(out, names);
    for (int i = 0; i < s->stacks.lines && i < SAMPLED_SHOWN; i++) {
        const cli_sampled_line *l = &s->stacks.line[i];
        fputs("<tr>", out);
        cell(out, l->file);
        number(out, l->line, cli_count(l->line).text);
        cell(out, s->stacks.function[l->function].name);
        number(out, (double)l->own, cli_duration((double)l->own / s->hz).text);
        number(out, (double)l->all, cli_duration((double)l->all / s->hz).text);
        bar(out, l->own, s->samples);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

void cli_profile_html(FILE *out, const cli_profile_run *run, const prof_found *found) {
    char text[512];
    prof_heat *heats = cli_alloc_many(PROFILE_HEATS, sizeof *heats);
    int n_heats = prof_heats(run, found, heats);
    page_begin(out, "msio profile");
    fputs("<h1>msio profile: <code>", out);
    for (char **word = run->program; word && *word; word++) {
        if (word != run->program) fputc(' ', out);
        page_text(out, *word);
    }
    fputs("</code></h1>\n<p class=\"verdict\">", out);
    page_text(out, cli_profile_verdict(run, found, text, sizeof text));
    fprintf(out, "</p>\n<p>%s wall, %s CPU, peak %s, exit %d</p>\n", cli_duration(run->seconds).text,
            cli_duration(run->user + run->system).text, cli_size(run->peak).text, run->code);
    put_findings(out, run, found);
    put_charts(out, run);
    put_flame(out, run, found);
    put_strips(out, found);
    put_heats(out, heats, n_heats);
    fputs("<h2>Tables</h2>\n<p><input id=\"filter\" type=\"search\" placeholder=\"show rows with ...\" "
          "aria-label=\"show rows with this text\"> A click on a head, or Enter, sorts.</p>\n",
          out);
    put_samples(out, &run->samples);
    put_sampled_functions(out, &run->samples);
    put_sampled_lines(out, &run->samples);
    put_columns(out, found);
    put_accesses(out, found);
    put_told(out, found);
    put_held(out, found);
    put_times(out, found);
    put_calls(out, found);
    put_chosen(out, found);
    fprintf(
        out,
        "<p><small>own cost: about %s; %lld events without room. report.txt says what cannot be seen.</small></p>\n",
        cli_duration(found->own_seconds).text, (long long)found->lost);
    put_data(out, run, found, heats, n_heats);
    free(heats);
    page_end(out, page_report_js);
}
