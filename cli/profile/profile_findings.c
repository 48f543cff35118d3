/* profile_findings.c - what the counts of a run say: the verdict, and findings with their evidence. */
#include "cli/profile/profile.h"

#include "cli/common/failure.h"
#include "cli/common/human.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The thresholds of all findings. */
#define READ_OVER 1.5           /* bytes read, of different bytes */
#define READ_OVER_BYTES 1000000 /* and at least so many of them twice */
#define TILE_READS 3            /* of one tile */
#define TILE_THRASH 1.8         /* bytes read over, where tiles are read so often: more than once a pass */
#define SMALL_READS 1000        /* reads of less than 4 KiB */
#define LOCKS_PER_ACCESS 0.5
#define LOCKS_LEAST 64
#define OPENS_MOST 10
#define REWRITTEN 3.0 /* bytes written, of different bytes */
#define REWRITTEN_BYTES 100000
#define SYNC_SHARE 0.10 /* of the wall time */
#define SYNC_SECONDS 0.05
#define IMAGE_COLUMN "map" /* of casacore's images */
#define EDGES 1.05         /* bytes read over, where no tile is read thrice */
#define OVERWRITTEN_BYTES 1000000
#define CELL_SECONDS 3e-6  /* casacore's call for a cell, at least */
#define CALL_SECONDS 1e-6  /* a small read */
#define BYTE_SECONDS 2e-10 /* a byte read again from the page cache */

#define LITTLE 0.05 /* of the time: the tables are not what to look at */

typedef struct judging {
    const cli_profile_run *run;
    prof_found *found;
    int room;
} judging;

__attribute__((format(printf, 3, 4))) static void say(char *text, size_t size, const char *format, ...) {
    va_list more;
    va_start(more, format);
    vsnprintf(text, size, format, more);
    va_end(more);
}

static prof_finding *add(judging *j, const char *kind, double cost, const char *table, const char *column) {
    prof_found *f = j->found;
    if (f->findings == j->room) {
        j->room = j->room ? 2 * j->room : 16;
        f->finding = cli_resize(f->finding, (size_t)j->room, sizeof *f->finding);
    }
    prof_finding *made = &f->finding[f->findings++];
    *made = (prof_finding){.kind = kind, .cost = cost, .table = table, .column = column};
    return made;
}

static double over_read(const prof_column *c) {
    return c->distinct_read ? (double)c->bytes_read / (double)c->distinct_read : 0;
}

/* ---------------------------------------------------------------- of accesses */

/* Loops are one in the source that have the same line, or the same table where no line is known. Of one, the busiest
 * comes first: accesses come so. */
static int compare_loops(const void *one, const void *other) {
    const prof_access *a = *(const prof_access *const *)one, *b = *(const prof_access *const *)other;
    if (a->table != b->table) return a->table < b->table ? -1 : 1;
    if (a->write != b->write) return a->write ? 1 : -1;
    if (a->line != b->line) return a->line < b->line ? -1 : 1;
    const void *const of_a[] = {a->file, a->function, a->table_path}, *const of_b[] = {b->file, b->function,
                                                                                       b->table_path};
    for (int i = 0; i < 3; i++)
        if (of_a[i] != of_b[i]) return (uintptr_t)of_a[i] < (uintptr_t)of_b[i] ? -1 : 1;
    return 0;
}

static int compare_loops_in_order(const void *one, const void *other) {
    const prof_access *a = *(const prof_access *const *)one, *b = *(const prof_access *const *)other;
    int order = compare_loops(one, other);
    return order ? order : a < b ? -1 : a > b;
}

static void say_instead(prof_finding *f, const prof_access *a, int columns, double would_take) {
    if (a->write)
        say(f->instead, sizeof f->instead, "msio.stream_write, or putcol of many rows at once");
    else if (would_take >= 0)
        say(f->instead, sizeof f->instead, "msio.read(table, %s%.60s%s, rows=(%lld, %lld)): %s here, measured",
            columns > 1 ? "[" : "\"", columns > 1 ? "..." : a->column_name, columns > 1 ? "]" : "\"",
            (long long)a->first_row, (long long)a->last_row + 1, cli_duration(would_take).text);
    else
        say(f->instead, sizeof f->instead, "msio.read of all rows at once (not measured: %.120s)",
            a->not_measured[0] ? a->not_measured : "only the busiest loops are");
}

/* Loops over several columns in one place are one finding. */
static void judge_loop(judging *j, const prof_access *const *loop, int n) {
    prof_found *found = j->found;
    const prof_access *a = loop[0];
    char columns[160] = "";
    int64_t cells = 0;
    double would_take = 0;
    for (int i = 0; i < n; i++) {
        const prof_access *b = loop[i];
        size_t used = strlen(columns);
        cells += b->cells;
        would_take = would_take < 0 || b->would_take < 0 ? -1 : would_take + b->would_take;
        if (used < 100) say(columns + used, sizeof columns - used, "%s%.40s", i ? ", " : "", b->column_name);
    }
    prof_finding *f = add(j, "cell loop", (double)cells * CELL_SECONDS,
                          a->table >= 0 ? found->table[a->table].name : a->table_path, a->column_name);
    f->file = a->file;
    f->line = a->line;
    say(f->what, sizeof f->what, "%s cells, %s one by one: %s, rows %s to %s%s", cli_count(cells).text,
        a->write ? "written" : "read", columns, cli_count(a->first_row).text, cli_count(a->last_row).text,
        a->backward ? ", some of them again" : "");
    if (n > 1) say(f->what + strlen(f->what), sizeof f->what - strlen(f->what), " (%d columns)", n);
    say_instead(f, a, n, would_take);
}

static void judge_loops(judging *j) {
    const prof_found *found = j->found;
    const prof_access **loop = cli_alloc_many((size_t)found->accesses + 1, sizeof(*loop));
    int loops = 0;
    for (int i = 0; i < found->accesses; i++)
        if (found->access[i].loop) loop[loops++] = &found->access[i];
    if (loops) qsort(loop, (size_t)loops, sizeof(*loop), compare_loops_in_order);
    for (int i = 0, n; i < loops; i += n) {
        for (n = 1; i + n < loops && compare_loops(&loop[i], &loop[i + n]) == 0;) n++;
        judge_loop(j, loop + i, n);
    }
    free(loop);
}

/* Several lines that ask for whole columns again and again. */
static void judge_repeats(judging *j, const prof_access *a) {
    if (a->cells || a->write || a->whole < 3) return;
    const char *table = a->table >= 0 ? j->found->table[a->table].name : a->table_path;
    prof_finding *f = add(j, "column again", (double)a->bytes * BYTE_SECONDS, table, a->column_name);
    f->file = a->file;
    f->line = a->line;
    bool flags = strcmp(a->column_name, "FLAG") == 0;
    say(f->what, sizeof f->what, "all of %s was asked for %s times, %s", a->column_name, cli_count(a->whole).text,
        cli_size(a->bytes).text);
    say(f->instead, sizeof f->instead, "%s",
        flags ? "msio.flags counts them, and keeps the answer" : "keep it; msio.meta keeps times, antennas and ids");
}

/* ---------------------------------------------------------------- of columns */

static void judge_column(judging *j, const prof_table *t, const prof_column *c) {
    double over = over_read(c);
    int64_t again = c->bytes_read - c->distinct_read;
    if (c->unit_most >= TILE_READS && over >= TILE_THRASH && again > READ_OVER_BYTES / 10) {
        prof_finding *f = add(j, "tile cache thrash", (double)again * BYTE_SECONDS * 5, t->name, c->name);
        say(f->what, sizeof f->what, "tiles of %s (%s) were read up to %s times: %s, %.1f times over", c->name,
            cli_size(c->unit_bytes).text, cli_count(c->unit_most).text, cli_size(c->bytes_read).text, over);
        say(f->instead, sizeof f->instead, "go through the rows in order, or read by msio, which reads a tile once");
    } else if (over >= READ_OVER && again >= READ_OVER_BYTES) {
        prof_finding *f = add(j, "read over", (double)again * BYTE_SECONDS * 5, t->name, c->name);
        say(f->what, sizeof f->what, "%s was read %.1f times over: %s of %s", c->name, over,
            cli_size(c->bytes_read).text, cli_size(c->distinct_read).text);
        say(f->instead, sizeof f->instead, "read it once and keep it; msio.meta does for what describes the data");
    } else if (over >= EDGES && again >= READ_OVER_BYTES && c->units_twice) {
        prof_finding *f = add(j, "tile edges", (double)again * BYTE_SECONDS * 5, t->name, c->name);
        say(f->what, sizeof f->what, "%s of %s tiles of %s were read twice: chunks of rows end inside them",
            cli_count(c->units_twice).text, cli_count(c->units).text, c->name);
        say(f->instead, sizeof f->instead, "make chunks end where tiles do; msio.stream does");
    }
    if (c->small_reads >= SMALL_READS) {
        prof_finding *f = add(j, "small buckets", (double)c->small_reads * CALL_SECONDS, t->name, c->name);
        say(f->what, sizeof f->what, "%s reads of less than 4 KiB for %s, its buckets have %s",
            cli_count(c->small_reads).text, c->name, c->unit_bytes ? cli_size(c->unit_bytes).text : "no fixed size");
        say(f->instead, sizeof f->instead, "make buckets of 32 KiB when the table is written; msio merges such reads");
    }
    if (c->overwritten >= OVERWRITTEN_BYTES) {
        prof_finding *f = add(j, "read to be overwritten", (double)c->overwritten * BYTE_SECONDS * 5, t->name, c->name);
        say(f->what, sizeof f->what, "%s of %s were read, and then written whole", cli_size(c->overwritten).text,
            c->name);
        say(f->instead, sizeof f->instead, "msio.write and msio.copy do not read what they replace");
    }
    if (c->distinct_written && (double)c->bytes_written > REWRITTEN * (double)c->distinct_written &&
        c->bytes_written - c->distinct_written > REWRITTEN_BYTES) {
        bool image = strcmp(c->name, IMAGE_COLUMN) == 0;
        prof_finding *f = add(j, image ? "image rewritten" : "row-wise writes",
                              (double)c->bytes_written * BYTE_SECONDS * 5, t->name, c->name);
        say(f->what, sizeof f->what, "%s was written %.1f times over: %s in %s writes", c->name,
            (double)c->bytes_written / (double)c->distinct_written, cli_size(c->bytes_written).text,
            cli_count(c->writes).text);
        say(f->instead, sizeof f->instead, "%s",
            image
                ? "fewer calls that each go through the whole image: fields or cycles together, where the task takes them"
                : "write many rows at once: msio.stream_write");
    }
}

/* ---------------------------------------------------------------- of tables and files */

static void judge_table(judging *j, const prof_table *t) {
    int64_t accesses = 0;
    for (const prof_column *c = t->column; c; c = c->next) {
        accesses += c->calls_read + c->calls_written;
        judge_column(j, t, c);
    }
    if (accesses >= LOCKS_LEAST && (double)t->lock_reads >= LOCKS_PER_ACCESS * (double)accesses) {
        prof_finding *f =
            add(j, "lock per access", (double)(t->lock_reads + t->lock_calls) * CALL_SECONDS, t->name, NULL);
        say(f->what, sizeof f->what, "%s reads of table.lock and %s fcntl for %s accesses",
            cli_count(t->lock_reads).text, cli_count(t->lock_calls).text, cli_count(accesses).text);
        say(f->instead, sizeof f->instead, "lockoptions='user' and one lock, or getcol, or msio (one lock a call)");
    }
    if (t->sync_seconds > SYNC_SHARE * j->run->seconds && t->sync_seconds > SYNC_SECONDS && j->run->seconds > 0) {
        prof_finding *f = add(j, "fsync bound", t->sync_seconds, t->name, NULL);
        say(f->what, sizeof f->what, "%s of %s went into %s fsyncs", cli_duration(t->sync_seconds).text,
            cli_duration(j->run->seconds).text, cli_count(t->syncs).text);
        say(f->instead, sizeof f->instead, "flush less often: once at the end");
    }
}

/* How often a table is opened, with those in its folder. */
typedef struct opening {
    const prof_table *table;
    int64_t opens, most; /* of all, of the one that is opened most */
    int tables, others;  /* with those in its folder; beside it, of the same folder, that are opened as often or less */
} opening;

/* Tables are sorted by path: those in its folder follow. */
static opening opening_of(const prof_found *found, int i) {
    const prof_table *t = &found->table[i];
    size_t length = strlen(t->path);
    opening o = {.table = t, .opens = t->opens, .most = t->opens, .tables = 1};
    for (const prof_table *in = t + 1;
         i + o.tables < found->tables && strncmp(in->path, t->path, length) == 0 && in->path[length] == '/';
         in++, o.tables++) {
        o.opens += in->opens;
        if (in->opens > o.most) o.most = in->opens;
    }
    return o;
}

static bool are_neighbours(const prof_table *one, const prof_table *other) {
    const char *a = strrchr(one->path, '/'), *b = strrchr(other->path, '/');
    return a && b && a - one->path == b - other->path && memcmp(one->path, other->path, (size_t)(a - one->path)) == 0;
}

static void say_opens(judging *j, const opening *o) {
    char with[64] = "", others[96] = "";
    if (!o->table) return;
    prof_finding *f = add(j, "opened again and again", (double)o->opens * 1e-4, o->table->name, NULL);
    if (o->tables > 1)
        say(with, sizeof with, ", with its %d subtables %s times", o->tables - 1, cli_count(o->opens).text);
    if (o->others)
        say(others, sizeof others, "; %d tables beside it as often or less, all together %s times", o->others,
            cli_count(o->opens).text);
    say(f->what, sizeof f->what, "opened %s times%s%s", cli_count(o->table->opens).text, with, others);
    say(f->instead, sizeof f->instead, "open it once and keep it open; msio keeps one state for all that ask");
}

/* A table and those in its folder are opened together: one finding. So are tables without any that lie side by side, as
 * a catalogue's: of them the one that is opened most is named. */
static void judge_opens(judging *j) {
    const prof_found *found = j->found;
    opening kept = {0}, o;
    for (int i = 0; i < found->tables; i += o.tables) {
        o = opening_of(found, i);
        if (o.most <= OPENS_MOST) continue;
        if (kept.table && kept.tables == 1 && o.tables == 1 && are_neighbours(kept.table, o.table)) {
            int64_t opens = kept.opens + o.opens;
            int others = kept.others + 1;
            if (o.table->opens > kept.table->opens) kept = o;
            kept.opens = opens;
            kept.others = others;
            continue;
        }
        say_opens(j, &kept);
        kept = o;
    }
    say_opens(j, &kept);
}

static int compare_tasks(const void *one, const void *other) {
    const prof_task_call *a = *(const prof_task_call *const *)one, *b = *(const prof_task_call *const *)other;
    if (a->task != b->task) return (uintptr_t)a->task < (uintptr_t)b->task ? -1 : 1;
    return a->on == b->on ? 0 : (uintptr_t)a->on < (uintptr_t)b->on ? -1 : 1;
}

static int compare_tasks_in_order(const void *one, const void *other) {
    const prof_task_call *a = *(const prof_task_call *const *)one, *b = *(const prof_task_call *const *)other;
    int order = compare_tasks(one, other);
    return order ? order : a < b ? -1 : a > b;
}

static void judge_task(judging *j, const prof_task_call *const *call, int n) {
    double all = 0, longest = 0;
    char name[200];
    for (int i = 0; i < n; i++) {
        all += call[i]->seconds;
        if (call[i]->seconds > longest) longest = call[i]->seconds;
    }
    prof_task_name(call[0]->task, name, sizeof name);
    prof_finding *f = add(j, "task again", all - longest, call[0]->on, NULL);
    f->file = call[0]->file;
    f->line = call[0]->line;
    say(f->what, sizeof f->what, "%.100s was called %s times on it, %s in all", name, cli_count(n).text,
        cli_duration(all).text);
    say(f->instead, sizeof f->instead,
        "one call for several fields, spectral windows or calibration tables, where the task takes lists; what was "
        "asked only to know it (listobs, visstat) from msio.meta, msio.flags and msio.stats");
}

/* Tasks of CASA that were called on the same table again: each call opens it and reads its columns anew. */
static void judge_tasks(judging *j) {
    const prof_found *found = j->found;
    const prof_task_call **call = cli_alloc_many((size_t)found->task_calls + 1, sizeof(*call));
    int calls = 0;
    for (int i = 0; i < found->task_calls; i++)
        if (found->task_call[i].on) call[calls++] = &found->task_call[i];
    if (calls) qsort(call, (size_t)calls, sizeof(*call), compare_tasks_in_order);
    for (int i = 0, n; i < calls; i += n) {
        for (n = 1; i + n < calls && compare_tasks(&call[i], &call[i + n]) == 0;) n++;
        if (n > 1) judge_task(j, call + i, n);
    }
    free(call);
}

/* Files beside tables (images as FITS, temporary parts) that were written over and over. */
static void judge_file(judging *j, const prof_file *file) {
    struct stat now;
    if (file->table >= 0 || file->bytes_written < REWRITTEN_BYTES || stat(file->path, &now) || now.st_size <= 0) return;
    if ((double)file->bytes_written <= REWRITTEN * (double)now.st_size) return;
    const char *slash = strrchr(file->path, '/');
    prof_finding *f =
        add(j, "file rewritten", (double)file->bytes_written * BYTE_SECONDS * 5, slash ? slash + 1 : file->path, NULL);
    say(f->what, sizeof f->what, "%s was written to it, %.1f times its size, in %s writes",
        cli_size(file->bytes_written).text, (double)file->bytes_written / (double)now.st_size,
        cli_count(file->writes).text);
    say(f->instead, sizeof f->instead, "write it once, when it is whole");
}

static void judge_memory(judging *j) {
    const cli_profile_run *r = j->run;
    int n = r->moments;
    while (n > 0 && r->moment[n - 1].resident == 0) n--; /* it has ended */
    if (n < 30) return;
    /* means of thirds that rise by the same again, to the end */
    int third = n / 3;
    double mean[3] = {0, 0, 0};
    for (int i = 0; i < 3 * third; i++) mean[i / third] += (double)r->moment[i].resident / third;
    double first = mean[1] - mean[0], second = mean[2] - mean[1];
    if (first < 50e6 || second < 50e6 || second < 0.5 * first) return;
    prof_finding *f = add(j, "memory only grows", 0.01, NULL, NULL);
    say(f->what, sizeof f->what, "resident memory: %s, %s, %s in the run's thirds", cli_size((int64_t)mean[0]).text,
        cli_size((int64_t)mean[1]).text, cli_size((int64_t)mean[2]).text);
    say(f->instead, sizeof f->instead, "memray names the line of each allocation: memray run PROGRAM");
}

/* Findings of one kind about several columns of a table are told as one: the costliest's words, and the others' names.
 * They come sorted. */
static void bring_together(prof_found *found) {
    int kept = 0;
    for (int i = 0; i < found->findings; i++) {
        prof_finding *f = &found->finding[i];
        int to = !f->column || f->file ? kept : 0;
        while (to < kept && (found->finding[to].table != f->table || strcmp(found->finding[to].kind, f->kind) != 0))
            to++;
        if (to == kept) {
            found->finding[kept++] = *f;
            continue;
        }
        prof_finding *first = &found->finding[to];
        size_t used = strlen(first->what);
        first->cost += f->cost;
        if (used < sizeof first->what - 60)
            say(first->what + used, sizeof first->what - used, "%s%.40s", first->columns++ ? ", " : "; the same of ",
                f->column);
    }
    found->findings = kept;
}

static int costliest(const void *one, const void *other) {
    const prof_finding *a = one, *b = other;
    return a->cost > b->cost ? -1 : a->cost < b->cost;
}

void cli_profile_judge(const cli_profile_run *run, prof_found *found) {
    judging j = {run, found, 0};
    judge_loops(&j);
    for (int i = 0; i < found->accesses; i++)
        if (!found->access[i].loop) judge_repeats(&j, &found->access[i]);
    for (int t = 0; t < found->tables; t++) judge_table(&j, &found->table[t]);
    judge_opens(&j);
    judge_tasks(&j);
    for (int i = 0; i < found->files; i++) judge_file(&j, &found->file[i]);
    judge_memory(&j);
    if (found->findings) qsort(found->finding, (size_t)found->findings, sizeof *found->finding, costliest);
    bring_together(found);
    if (found->findings) qsort(found->finding, (size_t)found->findings, sizeof *found->finding, costliest);
}

#define SAMPLES_LEAST 50 /* fewer tell no share */

cli_profile_shares cli_profile_share(const cli_profile_run *run, const prof_found *found) {
    double cpu = run->user + run->system, time = cpu > run->seconds ? cpu : run->seconds;
    cli_profile_shares shares = {time > 0 ? found->table_seconds / time : 0, -1};
    if (run->samples.samples >= SAMPLES_LEAST && time > 0)
        shares.layer = run->user * (double)run->samples.layer / (double)run->samples.samples / time;
    return shares;
}

double cli_profile_accounted(const cli_profile_run *run) {
    const cli_profile_samples *s = &run->samples;
    if (s->hz <= 0 || run->user <= 0) return -1;
    const double share = (double)(s->samples - s->unknown) / s->hz / run->user;
    return share < 1 ? share : 1;
}

static int64_t cells_of(const prof_found *found) {
    int64_t cells = 0;
    for (int i = 0; i < found->accesses; i++) cells += found->access[i].cells;
    return cells;
}

bool cli_profile_little(const cli_profile_run *run, const prof_found *found) {
    cli_profile_shares shares = cli_profile_share(run, found);
    if (found->tables == 0) return true;
    if (run->seconds <= 0) return false;
    if (shares.layer >= 0) return shares.calls + shares.layer < LITTLE;
    return shares.calls < LITTLE && (double)cells_of(found) * CELL_SECONDS < LITTLE * run->seconds;
}

const char *cli_profile_verdict(const cli_profile_run *run, const prof_found *found, char *text, size_t size) {
    cli_profile_shares shares = cli_profile_share(run, found);
    const char *advice = cli_profile_little(run, found) ? " Look elsewhere first." : "";
    char samples[80];
    say(samples, sizeof samples, "its share needs %d samples: there were %s", SAMPLES_LEAST,
        cli_count(run->samples.samples).text);
    if (!run->samples.hz) say(samples, sizeof samples, "no samples: %.60s", run->samples.why_not);
    if (found->tables == 0)
        say(text, size, "no table and no HDF5 file was opened where it could be seen: nothing to win there");
    else if (run->seconds <= 0)
        say(text, size, "system calls on tables' files: %s; single cells: %s; how long the run took is not known",
            cli_duration(found->table_seconds).text, cli_count(cells_of(found)).text);
    else if (shares.layer >= 0)
        say(text, size,
            "at most %.1f%% of the time can be won at the tables: %.1f%% is processor time in the table layer, %.1f%% "
            "system calls on its files.%s",
            100 * (shares.layer + shares.calls), 100 * shares.layer, 100 * shares.calls, advice);
    else
        say(text, size,
            "system calls on tables' files take %.1f%% of the time; the work of casacore for %s single cells comes on "
            "top (%s).%s",
            100 * shares.calls, cli_count(cells_of(found)).text, samples, advice);
    return text;
}
