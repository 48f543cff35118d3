/* profile_trace.c - trace.json, for Chrome's tracing and Perfetto: memory over time; with --trace the accesses and the
 * file calls of each thread, and the bytes of tables.
 *
 * Events of one call site, or of one file, in one thread are a track. There are as many events as were logged where
 * they are few; else those of a track that follow within a gap are told as one, of a second at most, so that the file
 * stays one that a viewer can open.
 */
#include "cli/profile/profile.h"

#include "cli/common/failure.h"
#include "cli/common/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLICES_MOST 100000 /* some 20 MB */
#define SECOND INT64_C(1000000000)
#define TABLES_SHOWN 8
#define STEPS 500 /* of a counter */
#define COLUMNS_TOLD 8

/* ---------------------------------------------------------------- reading the log */

static const profile_events *map_log(const char *folder) {
    char path[PATH_MAX + 32];
    struct stat about;
    const profile_events *log = NULL;
    snprintf(path, sizeof path, "%s/" PROFILE_EVENTS_FILE, folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return NULL;
    if (fstat(fd, &about) == 0 && about.st_size == (off_t)sizeof *log) {
        void *map = mmap(NULL, sizeof *log, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map != MAP_FAILED) log = map;
    }
    close(fd);
    if (!log || (memcmp(log->magic, PROFILE_EVENTS_MAGIC, 8) == 0 && log->version == PROFILE_EVENTS_VERSION &&
                 log->bytes == sizeof *log))
        return log;
    munmap((void *)(uintptr_t)log, sizeof *log);
    return NULL;
}

/* An event as it is worked with; false: it is not whole, or of nothing that is known. */
static bool take_event(const profile_segment *s, const profile_event *from, prof_event *to) {
    uint32_t process = UINT32_MAX;
    bool access = from->kind == PROFILE_EVENT_ACCESS;
    if (from->number == 0 || from->kind < PROFILE_EVENT_READ || from->kind > PROFILE_EVENT_ACCESS) return false;
    *to = (prof_event){.start = (int64_t)(from->start & INT64_MAX >> 1), .duration = from->duration};
    to->amount = (int64_t)(from->amount & INT64_MAX >> 20); /* so that sums stay within range */
    to->kind = from->kind;
    to->of = from->of;
    to->thread = from->thread;
    if (access && from->of < PROFILE_ACCESSES && s->access[from->of].state == PROFILE_READY) {
        process = s->access[from->of].process;
        to->place = s->access[from->of].site;
    } else if (!access && from->of < PROFILE_FILES && s->file[from->of].state == PROFILE_READY) {
        process = s->file[from->of].process;
        to->place = from->of;
    }
    if (process >= PROFILE_PROCESSES || s->process[process].state != PROFILE_READY) return false;
    to->process = process;
    return true;
}

/* By track, and in it by time. Reads and writes of a file are one track. */
static int same_track(const prof_event *a, const prof_event *b) {
    bool of_access = a->kind == PROFILE_EVENT_ACCESS, other = b->kind == PROFILE_EVENT_ACCESS;
    if (a->process != b->process) return a->process < b->process ? -1 : 1;
    if (a->thread != b->thread) return a->thread < b->thread ? -1 : 1;
    if (of_access != other) return of_access ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

static int compare_events(const void *one, const void *other) {
    const prof_event *a = one, *b = other;
    int order = same_track(a, b);
    if (!order) order = a->start < b->start ? -1 : a->start > b->start;
    return order;
}

void prof_find_events(const char *folder, prof_found *found) {
    const profile_events *log = map_log(folder);
    if (!log) return;
    found->traced = true;
    found->event = cli_alloc_many(PROFILE_EVENTS, sizeof *found->event);
    for (uint32_t i = 0; i < PROFILE_EVENTS; i++)
        if (take_event(found->segment, &log->event[i], &found->event[found->events])) found->events++;
    uint64_t taken = log->taken;
    found->events_dropped =
        taken > (uint64_t)found->events ? (int64_t)(taken - (uint64_t)found->events) & INT64_MAX : 0;
    if (found->events) qsort(found->event, (size_t)found->events, sizeof *found->event, compare_events);
    munmap((void *)(uintptr_t)log, sizeof *log);
}

/* ---------------------------------------------------------------- slices */

/* How events are brought together. */
typedef struct merging {
    int64_t gap, longest; /* nanoseconds; gap -1: each stands for itself */
} merging;

/* The end of the slice that begins at event `first`. */
static int slice_end(const prof_found *found, const merging *how, int first) {
    const prof_event *begin = &found->event[first];
    int64_t end = begin->start + begin->duration;
    int i = first + 1;
    for (; i < found->events && how->gap >= 0; i++) {
        const prof_event *e = &found->event[i];
        if (same_track(begin, e) != 0 || e->kind != begin->kind || e->start > end + how->gap ||
            e->start + e->duration > begin->start + how->longest)
            break;
        if (e->start + e->duration > end) end = e->start + e->duration;
    }
    return i;
}

static int64_t count_slices(const prof_found *found, const merging *how) {
    int64_t n = 0;
    for (int i = 0; i < found->events; i = slice_end(found, how, i)) n++;
    return n;
}

static merging choose(const prof_found *found) {
    merging how = {-1, SECOND};
    for (int64_t gap = 1000; count_slices(found, &how) > SLICES_MOST && how.longest < 100000 * SECOND; gap *= 10) {
        how.gap = gap;
        if (gap > SECOND) how.longest *= 10;
    }
    return how;
}

/* ---------------------------------------------------------------- writing */

static void put_head(cli_json *json, const char *phase, const char *name, int64_t process, int64_t track) {
    cli_json_flat_object(json);
    cli_json_put_string(json, "ph", phase);
    cli_json_put_string(json, "name", name);
    cli_json_put_int(json, "pid", process);
    cli_json_put_int(json, "tid", track);
}

static void put_label(cli_json *json, const char *what, int64_t process, int64_t track, const char *label) {
    put_head(json, "M", what, process, track);
    cli_json_open_flat_object(json, "args");
    cli_json_put_string(json, "name", label);
    cli_json_end(json);
    cli_json_end(json);
}

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The line of the source, or the file. */
static void place_of(const profile_segment *s, const prof_event *e, char *text, size_t size) {
    const profile_site *site = e->place && e->place <= PROFILE_SITES ? &s->site[e->place - 1] : NULL;
    if (e->kind != PROFILE_EVENT_ACCESS) {
        const char *path = prof_string(s, s->file[e->of].path), *name = last_part(path), *folder = name;
        if (name > path + 1) /* a table's file, with the table */
            for (folder = name - 1; folder > path && folder[-1] != '/';) folder--;
        snprintf(text, size, "%.300s", folder);
    } else if (!site) {
        snprintf(text, size, "(line unknown)");
    } else if (site->line > 0) {
        snprintf(text, size, "%.150s:%d %.150s", last_part(prof_string(s, site->file)), site->line,
                 prof_string(s, site->function));
    } else {
        snprintf(text, size, "%.150s %.150s", last_part(prof_string(s, site->file)), prof_string(s, site->function));
    }
}

static void put_labels(cli_json *json, const prof_found *found, const prof_event *e, int64_t track, bool new_process) {
    const profile_segment *s = found->segment;
    char label[512], place[400];
    int64_t pid = s->process[e->process].pid;
    for (int i = 0; new_process && i < found->processes; i++)
        if (found->process[i].pid == pid) {
            put_label(json, "process_name", pid, 0, found->process[i].command);
            break;
        }
    place_of(s, e, place, sizeof place);
    snprintf(label, sizeof label, "thread %u: %s", e->thread, place);
    put_label(json, "thread_name", pid, track, label);
}

/* The columns that events were of, each once, as "read DATA". */
static void put_columns(cli_json *json, const prof_found *found, int first, int end) {
    const profile_segment *s = found->segment;
    uint32_t told[COLUMNS_TOLD];
    int n = 0;
    cli_json_open_array(json, "columns");
    for (int i = first; i < end && n < COLUMNS_TOLD; i++) {
        int k = 0;
        while (k < n && told[k] != found->event[i].of) k++;
        if (k < n) continue;
        const profile_access *a = &s->access[told[n++] = found->event[i].of];
        char name[300];
        snprintf(name, sizeof name, "%s %.100s.%.150s", a->write ? "write" : "read",
                 last_part(prof_string(s, a->table)), prof_string(s, a->column));
        cli_json_string(json, name);
    }
    cli_json_end(json);
}

static void put_slice(cli_json *json, const prof_found *found, int first, int end, int64_t track) {
    const prof_event *begin = &found->event[first];
    bool access = begin->kind == PROFILE_EVENT_ACCESS;
    int64_t last = 0, amount = 0, busy = 0;
    char place[400];
    for (int i = first; i < end; i++) {
        const prof_event *e = &found->event[i];
        if (e->start + e->duration > last) last = e->start + e->duration;
        amount += e->amount;
        busy += e->duration;
    }
    place_of(found->segment, begin, place, sizeof place);
    put_head(json, "X",
             access                               ? place
             : begin->kind == PROFILE_EVENT_WRITE ? "write"
                                                  : "read",
             found->segment->process[begin->process].pid, track);
    cli_json_put_string(json, "cat", access ? "access" : "file");
    cli_json_put_double(json, "ts", (double)begin->start / 1000);
    cli_json_put_double(json, "dur", (double)(last - begin->start) / 1000);
    cli_json_open_flat_object(json, "args");
    cli_json_put_int(json, access ? "accesses" : "calls", end - first);
    cli_json_put_int(json, access ? "rows" : "bytes", amount);
    if (access)
        put_columns(json, found, first, end);
    else
        cli_json_put_double(json, "in calls us", (double)busy / 1000);
    cli_json_end(json);
    cli_json_end(json);
}

static void put_slices(cli_json *json, const prof_found *found, const merging *how) {
    int64_t track = 0, written = 0;
    for (int i = 0, end; i < found->events && written < SLICES_MOST; i = end, written++) {
        const prof_event *e = &found->event[i];
        end = slice_end(found, how, i);
        if (i == 0 || same_track(e - 1, e) != 0)
            put_labels(json, found, e, ++track, i == 0 || e[-1].process != e->process);
        put_slice(json, found, i, end, track);
    }
}

/* ---------------------------------------------------------------- counters */

static void put_memory(cli_json *json, const cli_profile_run *run) {
    for (int i = 0; i < run->moments; i++) {
        const cli_profile_moment *m = &run->moment[i];
        cli_json_flat_object(json);
        cli_json_put_string(json, "ph", "C");
        cli_json_put_string(json, "name", "memory");
        cli_json_put_int(json, "pid", 1);
        cli_json_put_int(json, "ts", (int64_t)(m->seconds * 1e6));
        cli_json_open_flat_object(json, "args");
        cli_json_put_int(json, "resident bytes", m->resident);
        cli_json_end(json);
        cli_json_end(json);
    }
}

/* Bytes that passed in each step, by table; the last column is all others. */
typedef struct flow {
    int table[TABLES_SHOWN]; /* in found->table */
    int tables;
    int64_t step; /* nanoseconds */
    int64_t (*bytes)[TABLES_SHOWN + 1];
} flow;

static void busiest_tables(const prof_found *found, flow *f) {
    for (int t = 0; t < found->tables; t++) {
        int64_t bytes = found->table[t].bytes_read + found->table[t].bytes_written;
        int at = f->tables;
        while (at > 0 &&
               bytes > found->table[f->table[at - 1]].bytes_read + found->table[f->table[at - 1]].bytes_written)
            at--;
        if (at == TABLES_SHOWN) continue;
        if (f->tables < TABLES_SHOWN) f->tables++;
        for (int i = f->tables - 1; i > at; i--) f->table[i] = f->table[i - 1];
        f->table[at] = t;
    }
}

static void put_flow(cli_json *json, const prof_found *found, const flow *f, const char *name) {
    bool quiet = false;
    for (int step = 0; step < STEPS; step++) {
        bool none = true;
        for (int i = 0; i <= TABLES_SHOWN; i++) none = none && f->bytes[step][i] == 0;
        if (none && quiet) continue;
        quiet = none;
        cli_json_flat_object(json);
        cli_json_put_string(json, "ph", "C");
        cli_json_put_string(json, "name", name);
        cli_json_put_int(json, "pid", 1);
        cli_json_put_int(json, "ts", step * f->step / 1000);
        cli_json_open_flat_object(json, "args");
        for (int i = 0; i < f->tables; i++) cli_json_put_int(json, found->table[f->table[i]].name, f->bytes[step][i]);
        cli_json_put_int(json, "other files", f->bytes[step][TABLES_SHOWN]);
        cli_json_end(json);
        cli_json_end(json);
    }
}

static int compare_paths(const void *one, const void *other) {
    const prof_file *a = one, *b = other;
    return strcmp(a->path, b->path);
}

/* The table of a file of the segment, in found->table; -1: none. Files are sorted by path. */
static int table_of_file(const prof_found *found, const profile_file *f) {
    prof_file wanted = {.path = prof_string(found->segment, f->path)};
    const prof_file *at = found->files && f->state == PROFILE_READY
                              ? bsearch(&wanted, found->file, (size_t)found->files, sizeof wanted, compare_paths)
                              : NULL;
    return at ? at->table : -1;
}

static void put_flows(cli_json *json, const prof_found *found) {
    flow f = {.step = 1};
    int *table_of = cli_alloc_many(PROFILE_FILES, sizeof *table_of);
    f.bytes = cli_alloc_many(STEPS, sizeof *f.bytes);
    busiest_tables(found, &f);
    for (int i = 0; i < found->events; i++)
        if (found->event[i].start >= STEPS * f.step) f.step = found->event[i].start / STEPS + 1;
    for (uint32_t i = 0; i < PROFILE_FILES; i++) {
        int table = table_of_file(found, &found->segment->file[i]);
        table_of[i] = TABLES_SHOWN;
        for (int t = 0; t < f.tables; t++)
            if (table == f.table[t]) table_of[i] = t;
    }
    for (uint32_t kind = PROFILE_EVENT_READ; kind <= PROFILE_EVENT_WRITE; kind++) {
        memset(f.bytes, 0, STEPS * sizeof *f.bytes);
        for (int i = 0; i < found->events; i++) {
            const prof_event *e = &found->event[i];
            if (e->kind == kind) f.bytes[e->start / f.step][table_of[e->of]] += e->amount;
        }
        put_flow(json, found, &f, kind == PROFILE_EVENT_READ ? "bytes read" : "bytes written");
    }
    free(f.bytes);
    free(table_of);
}

void cli_profile_trace(FILE *out, const cli_profile_run *run, const prof_found *found) {
    cli_json json = CLI_JSON_INIT(out);
    merging how = choose(found);
    cli_json_object(&json);
    cli_json_open_list(&json, "traceEvents");
    put_memory(&json, run);
    if (found->events) {
        put_slices(&json, found, &how);
        put_flows(&json, found);
    }
    cli_json_end(&json);
    if (found->traced) {
        cli_json_open_flat_object(&json, "otherData");
        cli_json_put_int(&json, "events", found->events);
        cli_json_put_int(&json, "events_dropped", found->events_dropped);
        cli_json_put_double(&json, "together_within_us", how.gap < 0 ? 0 : (double)how.gap / 1000);
        cli_json_end(&json);
    }
    cli_json_end(&json);
    cli_json_finish(&json);
}
