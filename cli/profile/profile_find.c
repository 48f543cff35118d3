/* profile_find.c - the counters of a run, brought together: processes merged, files sorted into tables. */
#include "cli/profile/profile.h"

#include "cli/common/failure.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define LOOP_CELLS 64
/* Scalars are announced once for each block that casacore keeps: rows of a loop are then this far apart at most. */
#define LOOP_STEP 64

/* ---------------------------------------------------------------- processes */

static void find_processes(prof_found *found) {
    const profile_segment *s = found->segment;
    found->process = cli_alloc_many(PROFILE_PROCESSES, sizeof *found->process);
    for (uint32_t i = 0; i < PROFILE_PROCESSES; i++) {
        const profile_process *p = &s->process[i];
        if (p->state != PROFILE_READY) continue;
        prof_process *to = &found->process[found->processes++];
        *to = (prof_process){.pid = p->pid, .parent = p->parent, .seen = (int)p->seen, .ended = (int)p->ended};
        memcpy(to->command, p->command, sizeof to->command);
        to->command[sizeof to->command - 1] = '\0';
        size_t end = sizeof to->command - 1;
        while (end > 0 && to->command[end - 1] == '\0') end--;
        for (size_t k = 0; k < end; k++)
            if (to->command[k] == '\0') to->command[k] = ' ';
    }
}

/* ---------------------------------------------------------------- files and tables */

static int compare_files(const void *one, const void *other) {
    const prof_file *a = one, *b = other;
    return strcmp(a->path, b->path);
}

static void add_file(prof_file *to, const profile_file *f) {
    to->kind = f->kind;
    to->opens += (int64_t)f->opens;
    to->reads += (int64_t)f->reads;
    to->writes += (int64_t)f->writes;
    to->bytes_read += (int64_t)f->bytes_read;
    to->bytes_written += (int64_t)f->bytes_written;
    to->seeks += (int64_t)f->seeks + f->more_seeks;
    to->syncs += (int64_t)f->syncs;
    to->truncations += (int64_t)f->truncations;
    to->maps += (int64_t)f->maps;
    to->locks += (int64_t)f->locks;
    to->failed += (int64_t)f->failed;
    to->in_order += (int64_t)f->in_order;
    to->read_seconds += 1e-9 * (double)f->read_ns;
    to->write_seconds += 1e-9 * (double)f->write_ns;
    to->sync_seconds += 1e-9 * (double)f->sync_ns;
    to->lock_seconds += 1e-9 * (double)f->lock_ns;
    if (1e-9 * (double)f->longest_ns > to->longest) to->longest = 1e-9 * (double)f->longest_ns;
    for (int i = 0; i < PROFILE_SIZE_BUCKETS; i++) {
        to->read_sizes[i] += f->read_sizes[i];
        to->write_sizes[i] += f->write_sizes[i];
    }
}

/* One entry a path, sorted. */
static void find_files(prof_found *found) {
    const profile_segment *s = found->segment;
    int n = 0, kept = 0;
    for (uint32_t i = 0; i < PROFILE_FILES; i++) n += s->file[i].state == PROFILE_READY;
    prof_file *list = cli_alloc_many((size_t)n + 1, sizeof *list);
    n = 0;
    for (uint32_t i = 0; i < PROFILE_FILES; i++) {
        if (s->file[i].state != PROFILE_READY) continue;
        list[n] = (prof_file){.path = prof_string(s, s->file[i].path), .table = -1};
        add_file(&list[n++], &s->file[i]);
    }
    if (n) qsort(list, (size_t)n, sizeof *list, compare_files);
    for (int i = 0; i < n; i++) {
        if (kept && strcmp(list[kept - 1].path, list[i].path) == 0) {
            prof_file *to = &list[kept - 1];
            prof_file sum = list[i];
            to->opens += sum.opens, to->reads += sum.reads, to->writes += sum.writes;
            to->bytes_read += sum.bytes_read, to->bytes_written += sum.bytes_written, to->seeks += sum.seeks;
            to->syncs += sum.syncs, to->truncations += sum.truncations, to->maps += sum.maps, to->locks += sum.locks;
            to->failed += sum.failed, to->in_order += sum.in_order;
            to->read_seconds += sum.read_seconds, to->write_seconds += sum.write_seconds;
            to->sync_seconds += sum.sync_seconds, to->lock_seconds += sum.lock_seconds;
            if (sum.longest > to->longest) to->longest = sum.longest;
            for (int k = 0; k < PROFILE_SIZE_BUCKETS; k++)
                to->read_sizes[k] += sum.read_sizes[k], to->write_sizes[k] += sum.write_sizes[k];
        } else {
            list[kept++] = list[i];
        }
    }
    found->file = list;
    found->files = kept;
}

/* The table that a file is of: its folder, or the HDF5 file itself; NULL: it is of none. To be freed. */
static char *table_of(const prof_file *f) {
    char *path;
    if (f->kind != PROFILE_TABLE_FILE && f->kind != PROFILE_LOCK_FILE)
        return f->kind == PROFILE_HDF5_FILE ? cli_copy(f->path) : NULL;
    path = cli_copy(f->path);
    char *slash = strrchr(path, '/');
    if (slash) *slash = '\0';
    return path;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void add_to_table(prof_table *t, const prof_file *f) {
    double moving = f->read_seconds + f->write_seconds + f->sync_seconds + f->lock_seconds;
    t->seconds += moving;
    t->sync_seconds += f->sync_seconds;
    t->syncs += f->syncs;
    t->maps += f->maps;
    t->lock_calls += f->locks;
    t->lock_seconds += f->lock_seconds;
    if (f->kind == PROFILE_LOCK_FILE) {
        t->lock_reads += f->reads;
        return;
    }
    t->reads += f->reads;
    t->writes += f->writes;
    t->bytes_read += f->bytes_read;
    t->bytes_written += f->bytes_written;
    if (t->hdf5 || strcmp(base_name(f->path), "table.dat") == 0) t->opens += f->opens;
}

static void find_tables(prof_found *found) {
    prof_table *list = cli_alloc_many((size_t)found->files + 1, sizeof *list);
    int n = 0, kept = 0;
    for (int i = 0; i < found->files; i++) {
        char *path = table_of(&found->file[i]);
        if (!path) continue;
        list[n++] = (prof_table){.path = path, .hdf5 = found->file[i].kind == PROFILE_HDF5_FILE, .rows = -1};
    }
    if (n) qsort(list, (size_t)n, sizeof *list, prof_compare_tables);
    for (int i = 0; i < n; i++) {
        if (kept && strcmp(list[kept - 1].path, list[i].path) == 0) {
            free((char *)(uintptr_t)list[i].path);
            continue;
        }
        list[kept] = list[i];
        list[kept].name = prof_short_name(list[kept].path);
        kept++;
    }
    found->table = list;
    found->tables = kept;
    for (int i = 0; i < found->files; i++) {
        prof_file *f = &found->file[i];
        char *path = table_of(f);
        f->table = path ? prof_find_table(found, path) : -1;
        free(path);
        if (f->table >= 0)
            add_to_table(&found->table[f->table], f);
        else
            found->other_seconds += f->read_seconds + f->write_seconds + f->sync_seconds;
    }
    for (int i = 0; i < kept; i++) found->table_seconds += found->table[i].seconds;
}

/* ---------------------------------------------------------------- extents */

static int compare_extents(const void *one, const void *other) {
    const prof_extent *a = one, *b = other;
    if (a->file != b->file) return a->file < b->file ? -1 : 1;
    if (a->extent->offset != b->extent->offset) return a->extent->offset < b->extent->offset ? -1 : 1;
    return a->extent->length < b->extent->length ? -1 : a->extent->length > b->extent->length;
}

int prof_file_of(const prof_found *found, const char *path) {
    prof_file wanted = {.path = path};
    const prof_file *at =
        found->files ? bsearch(&wanted, found->file, (size_t)found->files, sizeof wanted, compare_files) : NULL;
    return at ? (int)(at - found->file) : -1;
}

/* Hands each table's extents to its layout. Files of a table need not be neighbours: subtables' stand between. */
static void find_columns(prof_found *found) {
    const profile_segment *s = found->segment;
    int *file_of = cli_alloc_many(PROFILE_STRINGS, sizeof *file_of);
    prof_extent *list = cli_alloc_many(PROFILE_EXTENTS, sizeof *list), *mine;
    int64_t n = 0;
    for (uint32_t i = 0; i < PROFILE_STRINGS; i++) file_of[i] = -2;
    for (uint32_t i = 0; i < PROFILE_EXTENTS; i++) {
        const profile_extent *e = &s->extent[i];
        if (e->state != PROFILE_READY || e->path >= PROFILE_STRINGS) continue;
        if (file_of[e->path] == -2) file_of[e->path] = prof_file_of(found, prof_string(s, e->path));
        if (file_of[e->path] >= 0) list[n++] = (prof_extent){file_of[e->path], e};
    }
    if (n) qsort(list, (size_t)n, sizeof *list, compare_extents);
    mine = cli_alloc_many((size_t)n + 1, sizeof *mine);
    int64_t *start = cli_alloc_many((size_t)found->files + 1, sizeof *start), at = 0;
    for (int f = 0; f <= found->files; f++) {
        while (at < n && list[at].file < f) at++;
        start[f] = at;
    }
    for (int t = 0; t < found->tables; t++) {
        int64_t m = 0;
        size_t length = strlen(found->table[t].path);
        int f = 0, high = found->files;
        while (f < high) { /* its files' paths begin with its own */
            int middle = f + (high - f) / 2;
            if (strcmp(found->file[middle].path, found->table[t].path) < 0)
                f = middle + 1;
            else
                high = middle;
        }
        for (; f < found->files && strncmp(found->file[f].path, found->table[t].path, length) == 0; f++)
            for (int64_t i = start[f]; found->file[f].table == t && i < n && list[i].file == f; i++)
                mine[m++] = list[i];
        prof_layout_table(found, t, mine, m);
    }
    free(start);
    free(mine);
    free(list);
    free(file_of);
}

/* ---------------------------------------------------------------- accesses */

static int compare_accesses(const void *one, const void *other) {
    const prof_access *a = one, *b = other;
    if (a->calls != b->calls) return a->calls > b->calls ? -1 : 1;
    int order = strcmp(a->table_path, b->table_path);
    return order ? order : strcmp(a->column_name, b->column_name);
}

/* Bytes that calls delivered: what casacore told of the shape, times the type. */
static int64_t delivered(const prof_access *a, const prof_column *c, int64_t type_bytes) {
    if (a->elements) return a->elements * type_bytes;
    return a->whole > 0 && c && c->table_rows > 0 ? a->whole * c->table_rows * type_bytes : 0;
}

static void add_to_column(prof_access *a, const prof_table *t, int64_t type_bytes) {
    prof_column *c = a->column;
    c->table_rows = t->rows;
    if (a->whole && !a->rows && t->rows > 0) a->rows = a->whole * t->rows;
    a->bytes = delivered(a, c, type_bytes);
    *(a->write ? &c->calls_written : &c->calls_read) += a->calls;
    *(a->write ? &c->cells_written : &c->cells_read) += a->cells;
    c->rows += a->rows;
    c->elements += a->elements;
    c->bytes_wanted += a->bytes;
}

/* Facts of the tables that accesses ask for: rows, and bytes of an element. */
static void look_into(prof_found *found, int first, int n) {
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    opts.nolock = 1;
    msio_table *table = NULL;
    prof_table *t = &found->table[found->access[first].table];
    if (!t->hdf5 && msio_table_open(t->path, &opts, &table) == MSIO_OK) t->rows = msio_table_rows(table);
    for (int i = first; i < first + n; i++) {
        const msio_column *column;
        prof_access *a = &found->access[i];
        int64_t bytes = 0;
        a->column = prof_column_of(t, a->column_name, true);
        if (table && msio_table_column(table, a->column_name, &column) == MSIO_OK) {
            const msio_column_info *info = msio_column_describe(column);
            if (info) bytes = (int64_t)msio_type_size(info->type);
        }
        add_to_column(a, t, bytes);
    }
    msio_table_close(table);
}

static bool is_loop(const prof_access *a) {
    if (a->cells < LOOP_CELLS) return false;
    if (a->last_row <= a->first_row) return false; /* one cell, again and again */
    if (a->longest >= LOOP_CELLS) return true;
    return a->skipping > a->cells / 2 && a->last_row - a->first_row <= a->cells * LOOP_STEP;
}

static int compare_by_table(const void *one, const void *other) {
    const prof_access *a = one, *b = other;
    return a->table != b->table ? (a->table < b->table ? -1 : 1) : compare_accesses(one, other);
}

static int compare_pointers(const void *a, const void *b) { return a == b ? 0 : (uintptr_t)a < (uintptr_t)b ? -1 : 1; }

/* The same access by several processes is one. */
static int compare_places(const void *one, const void *other) {
    const prof_access *a = one, *b = other;
    if (a->table != b->table) return a->table < b->table ? -1 : 1;
    if (a->write != b->write) return a->write ? 1 : -1;
    if (a->line != b->line) return a->line < b->line ? -1 : 1;
    if (a->sure != b->sure) return a->sure < b->sure ? -1 : 1;
    int order = compare_pointers(a->column_name, b->column_name);
    if (!order) order = compare_pointers(a->file, b->file);
    if (!order) order = compare_pointers(a->function, b->function);
    return order ? order : compare_pointers(a->table_path, b->table_path);
}

static void merge_access(prof_access *to, const prof_access *a) {
    to->calls += a->calls, to->cells += a->cells, to->whole += a->whole, to->parts += a->parts;
    to->rows += a->rows, to->elements += a->elements, to->following += a->following;
    to->repeated += a->repeated, to->backward += a->backward, to->skipping += a->skipping;
    if (a->longest > to->longest) to->longest = a->longest;
    if (a->first_row >= 0 && (to->first_row < 0 || a->first_row < to->first_row)) to->first_row = a->first_row;
    if (a->last_row > to->last_row) to->last_row = a->last_row;
}

static int merge_places(prof_access *list, int n) {
    int kept = 0;
    if (n) qsort(list, (size_t)n, sizeof *list, compare_places);
    for (int i = 0; i < n; i++)
        if (kept && compare_places(&list[kept - 1], &list[i]) == 0)
            merge_access(&list[kept - 1], &list[i]);
        else
            list[kept++] = list[i];
    return kept;
}

/* What the counters say, and what follows from them. */
static void count_access(prof_access *to, const profile_access *a) {
    int64_t run = (int64_t)(a->cells - a->run_from);
    to->cells = (int64_t)a->cells, to->whole = (int64_t)a->whole, to->parts = (int64_t)a->parts;
    to->calls = to->cells + to->whole + to->parts;
    to->rows = (int64_t)a->rows + to->cells;
    to->elements = (int64_t)a->elements;
    to->repeated = (int64_t)a->repeated, to->backward = (int64_t)a->backward, to->skipping = (int64_t)a->skipping;
    to->following = to->cells - 1 - to->repeated - to->backward - to->skipping;
    if (to->following < 0) to->following = 0;
    to->longest = (int64_t)a->longest > run ? (int64_t)a->longest : run;
}

static void find_accesses(prof_found *found) {
    const profile_segment *s = found->segment;
    prof_access *list = cli_alloc_many(PROFILE_ACCESSES, sizeof *list);
    int n = 0;
    for (uint32_t i = 0; i < PROFILE_ACCESSES; i++) {
        const profile_access *a = &s->access[i];
        if (a->state != PROFILE_READY) continue;
        prof_access made = {.table_path = prof_string(s, a->table), .column_name = prof_string(s, a->column)};
        made.table = -1;
        made.sure = (int)a->sure, made.write = a->write != 0;
        made.first_row = a->first_row, made.last_row = a->last_row, made.would_take = -1;
        count_access(&made, a);
        if (a->site && a->site <= PROFILE_SITES) {
            const profile_site *site = &s->site[a->site - 1];
            made.file = prof_string(s, site->file), made.function = prof_string(s, site->function);
            made.line = site->line;
        }
        made.table = prof_table_by_name(found, made.table_path);
        made.next = -1;
        list[n++] = made;
    }
    n = merge_places(list, n);
    if (n) qsort(list, (size_t)n, sizeof *list, compare_by_table);
    found->access = list;
    found->accesses = n;
    for (int i = 0, m; i < n; i += m) {
        for (m = 1; i + m < n && list[i + m].table == list[i].table;) m++;
        if (list[i].table >= 0) look_into(found, i, m);
    }
    for (int i = 0; i < n; i++) list[i].loop = is_loop(&list[i]);
    if (n) qsort(list, (size_t)n, sizeof *list, compare_accesses);
    for (int i = n - 1; i >= 0; i--) {
        if (!list[i].column) continue;
        list[i].next = list[i].column->access;
        list[i].column->access = i;
    }
}

static int busiest_first(const void *one, const void *other) {
    const prof_line *a = one, *b = other;
    if (a->calls != b->calls) return a->calls > b->calls ? -1 : 1;
    int order = strcmp(a->file, b->file);
    return order ? order : a->line < b->line ? -1 : a->line > b->line;
}

static int compare_lines(const prof_line *a, const prof_line *b) {
    int order = compare_pointers(a->file, b->file);
    if (!order) order = compare_pointers(a->function, b->function);
    return order ? order : a->line < b->line ? -1 : a->line > b->line;
}

/* By line; of one line the busiest access first. */
static int compare_lines_in_order(const void *one, const void *other) {
    int order = compare_lines(one, other);
    return order ? order : busiest_first(one, other);
}

static void find_lines(prof_found *found) {
    prof_line *list = cli_alloc_many((size_t)found->accesses + (size_t)found->tolds + 1, sizeof *list);
    int n = 0, kept = 0;
    for (int i = 0; i < found->accesses; i++) {
        const prof_access *a = &found->access[i];
        if (!a->file) continue;
        list[n++] = (prof_line){.file = a->file, .function = a->function, .line = a->line, .sure = a->sure};
        list[n - 1].calls = a->calls, list[n - 1].cells = a->cells;
        list[n - 1].rows = a->rows, list[n - 1].bytes = a->bytes;
    }
    for (int i = 0; i < found->tolds; i++) {
        const prof_told *t = &found->told[i];
        if (!t->file) continue;
        list[n++] = (prof_line){.file = t->file, .function = t->caller, .line = t->line, .sure = t->sure};
        list[n - 1].calls = list[n - 1].told = t->calls;
        list[n - 1].rows = t->rows, list[n - 1].bytes = t->bytes, list[n - 1].told_seconds = t->seconds;
    }
    if (n) qsort(list, (size_t)n, sizeof *list, compare_lines_in_order);
    for (int i = 0; i < n; i++) {
        prof_line line = list[i], *to = kept ? &list[kept - 1] : NULL;
        if (!to || compare_lines(to, &line) != 0) {
            list[kept++] = line;
            continue;
        }
        to->calls += line.calls, to->cells += line.cells;
        to->rows += line.rows, to->bytes += line.bytes;
        to->told += line.told, to->told_seconds += line.told_seconds;
    }
    if (kept) qsort(list, (size_t)kept, sizeof *list, busiest_first);
    found->line = list;
    found->lines = kept;
}

/* ---------------------------------------------------------------- what counting cost */

static double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Measured here and now: a read or write costs two looks at the clock and a question for the file's position. */
static double cost_of_call(const char *folder) {
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 2000;
    double began = seconds_now();
    for (int i = 0; i < n; i++) {
        seconds_now();
        seconds_now();
        (void)lseek(fd, 0, SEEK_CUR);
    }
    double took = (seconds_now() - began) / n;
    close(fd);
    return took;
}

/* An event of a file call that is logged takes a look at the clock and 40 bytes: taken for that much. */
#define EVENT_SECONDS 1e-7

/* As it was measured in the run. */
static double cost_of_access(const profile_segment *s) {
    return s->timed_accesses ? 1e-9 * (double)s->timed_ns / (double)s->timed_accesses : 0;
}

static void find_cost(const char *folder, prof_found *found) {
    const profile_segment *s = found->segment;
    for (int i = 0; i < found->accesses; i++) found->events_accesses += found->access[i].calls;
    for (int i = 0; i < found->files; i++) found->events_calls += found->file[i].reads + found->file[i].writes;
    found->own_seconds =
        (double)found->events_calls * cost_of_call(folder) + (double)found->events_accesses * cost_of_access(s) +
        (found->traced ? (double)found->events_calls * EVENT_SECONDS : 0) +
        (s->timed_told ? 1e-9 * (double)s->timed_told_ns / (double)s->timed_told : 0) * (double)found->told_calls;
    found->lost = (int64_t)s->lost_processes + s->lost_strings + s->lost_files + s->lost_extents + s->lost_accesses +
                  s->lost_sites + s->lost_stacks + s->lost_functions + s->lost_edges + s->untracked + s->lost_told +
                  s->lost_held;
    if (s->tasks > PROFILE_TASKS) found->lost += s->tasks - PROFILE_TASKS;
    found->looks = (int64_t)s->looks;
    found->look_seconds = 1e-9 * (double)s->look_ns;
}

int cli_profile_find(const cli_context *cli, const char *folder, prof_found *found) {
    *found = (prof_found){0};
    int code = prof_map_segment(cli, folder, &found->segment);
    if (code) return code;
    prof_name_native_sites(found->segment);
    find_processes(found);
    find_files(found);
    find_tables(found);
    find_columns(found);
    find_accesses(found);
    prof_find_told(found);
    find_lines(found);
    prof_find_times(found);
    prof_find_calls(found);
    prof_find_chosen(folder, found);
    prof_find_events(folder, found);
    find_cost(folder, found);
    return 0;
}

void cli_profile_found_free(prof_found *found) {
    for (int t = 0; t < found->tables; t++)
        for (prof_column *c = found->table[t].column, *next; c; c = next) {
            next = c->next;
            free((char *)(uintptr_t)c->name);
            free(c);
        }
    for (int t = 0; t < found->tables; t++) free((char *)(uintptr_t)found->table[t].path);
    free(found->table);
    free(found->file);
    free(found->access);
    free(found->line);
    free(found->told);
    free(found->held);
    free(found->time);
    free(found->task);
    free(found->task_call);
    free(found->stack);
    prof_free_chosen(found);
    free(found->function);
    free(found->edge);
    free(found->process);
    free(found->finding);
    free(found->event);
    if (found->segment) munmap(found->segment, sizeof *found->segment);
    *found = (prof_found){0};
}
