/* profile_html.c - report.html: one page that needs nothing else; no name in it can become markup. */
#include "cli/profile/profile.h"

#include "cli/common/human.h"
#include "cli/common/utf8.h"

#include <string.h>

#define CURVE_WIDTH 900
#define CURVE_HEIGHT 160
#define CURVE_POINTS 900
#define TIMES_SHOWN 200
#define FUNCTIONS_SHOWN 500

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; img-src data:\">\n"
    "<link rel=\"icon\" href=\"data:,\">\n<title>msio profile</title>\n<style>\n"
    "body{font:14px/1.45 system-ui,sans-serif;margin:2em auto;max-width:1200px;padding:0 1em;color:#222}\n"
    "h1{font-size:1.3em}h2{font-size:1.1em;margin-top:2em}.verdict{font-size:1.1em;background:#eef4fb;padding:.7em 1em;"
    "border-left:4px solid #2b6cb0}\n"
    "table{border-collapse:collapse;width:100%;font-size:13px}th,td{padding:3px 8px;text-align:left;"
    "border-bottom:1px solid #e3e3e3;vertical-align:top}th{cursor:pointer;background:#f6f6f6;position:sticky;top:0}\n"
    ".wide{overflow-x:auto}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}td.bar{width:120px}\n"
    "td.bar i{display:block;height:10px;background:#2b6cb0}code{font-family:ui-monospace,monospace}\n"
    ".finding{margin:.6em 0;padding:.5em .8em;background:#fafafa;border-left:3px solid #c05621}"
    ".finding b{color:#9c4221}small{color:#666}svg{background:#fafafa}\n"
    "</style></head><body>\n";

static const char script[] =
    "<script>\ndocument.querySelectorAll('th').forEach(function(h){h.addEventListener('click',function(){\n"
    "var t=h.closest('table'),b=t.tBodies[0],i=h.cellIndex,down=h.dataset.down!=='1';h.dataset.down=down?'1':'0';\n"
    "Array.from(b.rows).sort(function(x,y){var p=x.cells[i],q=y.cells[i],u=p.dataset.v,v=q.dataset.v,c;\n"
    "c=u!==undefined?Number(u)-Number(v):p.textContent.localeCompare(q.textContent);return down?-c:c;})"
    ".forEach(function(r){b.appendChild(r);});});});\n</script>\n</body></html>\n";

/* Text as text: markup, controls and what is no UTF-8 do nothing. */
static void put(FILE *out, const char *text) {
    size_t length = strlen(text);
    while (length) {
        uint32_t point;
        size_t n = cli_utf8_next(text, length, &point);
        if (point == '<')
            fputs("&lt;", out);
        else if (point == '>')
            fputs("&gt;", out);
        else if (point == '&')
            fputs("&amp;", out);
        else if (point == '"')
            fputs("&quot;", out);
        else if (point == '\'')
            fputs("&#39;", out);
        else if (point < 0x20 || (point >= 0x7f && point < 0xa0) || (point >= 0x202a && point <= 0x202e) ||
                 (point >= 0x2066 && point <= 0x2069) || point == CLI_UTF8_BAD)
            fputs("\xef\xbf\xbd", out);
        else
            fwrite(text, 1, n, out);
        text += n;
        length -= n;
    }
}

static void cell(FILE *out, const char *text) {
    fputs("<td>", out);
    put(out, text);
    fputs("</td>", out);
}

/* A number that sorts by its value. */
static void number(FILE *out, double value, const char *text) {
    fprintf(out, "<td class=\"n\" data-v=\"%.17g\">", value);
    put(out, text);
    fputs("</td>", out);
}

static void titles(FILE *out, const char *const names[]) {
    fputs("<div class=\"wide\"><table><thead><tr>", out);
    for (; *names; names++) {
        fprintf(out, "<th%s>", **names == '>' ? " class=\"n\"" : "");
        put(out, *names + (**names == '>'));
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
    put(out, file);
    fputs("\"><code>", out);
    put(out, slash ? slash + 1 : file);
    put_line(out, line);
    fputs("</code> ", out);
    put(out, function ? function : "");
    fputs("</td>", out);
}

static void put_findings(FILE *out, const cli_profile_run *run, const prof_found *found) {
    bool little = cli_profile_little(run, found);
    fputs("<h2>Findings</h2>\n", out);
    if (!found->findings) fputs("<p>None.</p>\n", out);
    for (int i = 0; i < found->findings; i++) {
        const prof_finding *f = &found->finding[i];
        fputs("<div class=\"finding\"><b>", out);
        put(out, f->kind);
        fputs("</b> ", out);
        put(out, f->table ? f->table : "the run");
        fputs(": ", out);
        put(out, f->what);
        if (f->file) {
            fputs(" <code>", out);
            put(out, f->file);
            put_line(out, f->line);
            fputs("</code>", out);
        }
        if (!little) {
            fputs("<br>instead: ", out);
            put(out, f->instead);
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

/* The curve of resident memory, drawn here: no library, no script. */
static void put_memory(FILE *out, const cli_profile_run *run) {
    if (run->moments < 2) return;
    int64_t most = 1;
    int step = run->moments / CURVE_POINTS + 1;
    double last = run->moment[run->moments - 1].seconds;
    for (int i = 0; i < run->moments; i++)
        if (run->moment[i].resident > most) most = run->moment[i].resident;
    fprintf(out,
            "<h2>Resident memory</h2>\n<svg viewBox=\"0 0 %d %d\" width=\"100%%\" role=\"img\" "
            "aria-label=\"resident memory over time\"><polyline fill=\"none\" stroke=\"#2b6cb0\" "
            "stroke-width=\"2\" points=\"",
            CURVE_WIDTH, CURVE_HEIGHT + 20);
    for (int i = 0; i < run->moments; i += step)
        fprintf(out, "%.1f,%.1f ", CURVE_WIDTH * run->moment[i].seconds / (last > 0 ? last : 1),
                10 + CURVE_HEIGHT * (1 - (double)run->moment[i].resident / (double)most));
    fprintf(out, "\"/></svg>\n<p><small>0 to %s; highest point %s (all processes), peak of the largest process %s",
            cli_duration(last).text, cli_size(most).text, cli_size(run->peak).text);
    fputs("</small></p>\n", out);
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

void cli_profile_html(FILE *out, const cli_profile_run *run, const prof_found *found) {
    char text[512];
    fputs(head, out);
    fputs("<h1>msio profile: <code>", out);
    for (char **word = run->program; word && *word; word++) {
        if (word != run->program) fputc(' ', out);
        put(out, *word);
    }
    fputs("</code></h1>\n<p class=\"verdict\">", out);
    put(out, cli_profile_verdict(run, found, text, sizeof text));
    fprintf(out, "</p>\n<p>%s wall, %s CPU, peak %s, exit %d</p>\n", cli_duration(run->seconds).text,
            cli_duration(run->user + run->system).text, cli_size(run->peak).text, run->code);
    put_samples(out, &run->samples);
    put_findings(out, run, found);
    put_columns(out, found);
    put_accesses(out, found);
    put_times(out, found);
    put_calls(out, found);
    put_memory(out, run);
    fprintf(
        out,
        "<p><small>own cost: about %s; %lld events without room. report.txt says what cannot be seen.</small></p>\n",
        cli_duration(found->own_seconds).text, (long long)found->lost);
    fputs(script, out);
}
