/* profile.h - what the parts of `msio profile` share: a run, what was found in its counters, findings. */
#ifndef MSIO_CLI_PROFILE_H
#define MSIO_CLI_PROFILE_H

#include "cli/command.h"
#include "cli/samples/samples.h"
#include "prof/preload/profile_events.h"
#include "prof/preload/profile_segment.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* ---------------------------------------------------------------- a run (profile_run.c) */

/* The memory and processor time of all the run's processes at one moment. */
typedef struct cli_profile_moment {
    double seconds;        /* since the begin */
    int64_t resident;      /* bytes */
    double cpu;            /* seconds */
    int64_t read, written; /* bytes of tables' and HDF5 files, until then */
    int processes, threads;
} cli_profile_moment;

/* What the run, or a task in it, may take. */
#define CLI_PROFILE_TARGETS_MOST 16
typedef struct cli_profile_target {
    char name[64];
    double target, measured; /* seconds; measured -1: it was not seen */
} cli_profile_target;

typedef struct cli_profile_targets {
    cli_profile_target list[CLI_PROFILE_TARGETS_MOST];
    int n;
} cli_profile_targets;

typedef struct cli_profile_run {
    char folder[PATH_MAX];           /* absolute */
    char **program;                  /* NULL-ended */
    double seconds, user, system;    /* wall; processor time of the program and its children */
    int64_t peak;                    /* resident bytes of its largest process, by the kernel */
    int code, signal;                /* signal 0: it ended by itself */
    const profile_segment *counters; /* the run's, mapped for reading; NULL: there are none */
    int static_program;              /* nothing can be seen of it */
    int sample_hz;                   /* wanted */
    int stack_hz;                    /* the same, of the stacks of Python's threads */
    bool every_call;                 /* of functions of Python is counted */
    char lines_of[1000];             /* functions all of whose lines are timed: NAME,NAME...; "": none */
    bool trace;                      /* single events are logged */
    const char *log; /* a file for all that the program says, which then is in a process group of its own, reads nothing
                        and ends with this process; NULL: it shares the terminal */
    const char *place; /* the folder that it is run in; NULL: this one */
    cli_profile_targets targets;
    cli_profile_samples samples;
    double load; /* of the machine, mean of the last minute, when it ended; -1: unknown */
    cli_profile_moment *moment;
    int moments, room;
} cli_profile_run;

/* Makes the folder and the counters in it. folder NULL: msio-profile, or the first msio-profile-N that is free. Returns
 * 0, or an exit code after telling. */
int cli_profile_prepare(const cli_context *cli, const char *folder, cli_profile_run *run);
/* Makes the folder alone. */
int cli_profile_folder(const cli_context *cli, const char *folder, cli_profile_run *run);
/* Looks at a running process for so many seconds, and tells what it does to tables (profile_attach.c). folder: for the
 * stacks that py-spy samples, hz times a second; NULL: none. Returns an exit code. */
int cli_profile_attach(const cli_context *cli, const char *pid, double seconds, int hz, const char *folder);
/* Runs the program to its end. Returns 0, or an exit code after telling: it could not be started. */
int cli_profile_execute(const cli_context *cli, cli_profile_run *run);
/* Where the shell would find a program. */
bool cli_profile_find_program(const char *name, char path[PATH_MAX]);
/* The path of libmsio_profile.so. Returns 0, or an exit code after telling. */
int cli_profile_library(const cli_context *cli, char path[PATH_MAX]);
/* Removes the counters, of which the report has all. */
void cli_profile_end(const cli_profile_run *run);
void cli_profile_run_free(cli_profile_run *run);

/* ---------------------------------------------------------------- what was found (profile_find.c, profile_layout.c) */

#define PROF_STRIP 240

/* One column of a table, or a dataset; also what belongs to no column: "(headers)" and the like. */
typedef struct prof_column {
    struct prof_column *next;
    const char *name;
    bool stored; /* of the table's own columns: not "(headers)" */
    /* of files */
    int64_t reads, writes, bytes_read, bytes_written;
    int64_t distinct_read, distinct_written; /* each byte once */
    int64_t small_reads;                     /* of less than 4 KiB */
    int64_t units, units_twice, unit_most;   /* tiles or buckets that were read; twice or more; the most for one */
    int64_t unit_bytes;
    int64_t unit_writes, units_written; /* writes of whole units, and how many different ones */
    int64_t overwritten;                /* bytes read, then written whole */
    double seconds;                     /* in system calls: its share, by bytes, of its files' */
    /* of accesses */
    int64_t calls_read, calls_written, cells_read, cells_written, rows, elements, bytes_wanted;
    int64_t table_rows;
    int access; /* of found->access, its first: the busiest; -1: none */
    /* while files are gone through */
    int64_t covered_read, covered_written, unit_now, cube_now, unit_reads;
    const char *file_now;
    /* bytes read in each part of its file, and the bytes of a part; of the first file that has much of it */
    double strip[PROF_STRIP], strip_bytes;
    const char *strip_file;
} prof_column;

typedef struct prof_table {
    const char *path, *name; /* name: its last two parts where the last says little */
    bool hdf5;
    int64_t rows;  /* -1: unknown */
    int64_t opens; /* of table.dat, or of the HDF5 file */
    int64_t lock_reads, lock_calls;
    double lock_seconds, sync_seconds, seconds;
    int64_t syncs, reads, writes, bytes_read, bytes_written, maps;
    char unknown[160]; /* why nothing is known of its layout; "" where it is */
    prof_column *column;
    int columns;
} prof_table;

/* A file, by all processes. */
typedef struct prof_file {
    const char *path;
    uint32_t kind;
    int table; /* of tables; -1: another file */
    int64_t opens, reads, writes, bytes_read, bytes_written, seeks, syncs, truncations, maps, locks, failed, in_order;
    double read_seconds, write_seconds, sync_seconds, lock_seconds, longest;
    uint32_t read_sizes[PROFILE_SIZE_BUCKETS], write_sizes[PROFILE_SIZE_BUCKETS];
} prof_file;

/* Accesses of a column from one place in the source. */
typedef struct prof_access {
    int table;
    prof_column *column;
    const char *table_path, *column_name;
    const char *file, *function; /* NULL: unknown */
    int line;
    int sure;
    bool write;
    int64_t calls, cells, whole, parts, rows, elements, bytes, longest;
    int64_t following, repeated, backward,
        skipping; /* cells whose row is the next one, the same, an earlier, a later */
    int64_t first_row, last_row;
    int next;          /* of found->access, of the same column; -1: none */
    bool loop;         /* cell after cell of neighbouring rows */
    double would_take; /* msio's time for the same cells, measured; -1: not */
    char not_measured[120];
} prof_access;

/* A line of the source. */
typedef struct prof_line {
    const char *file, *function;
    int line, sure;
    int64_t calls, cells, rows, bytes;
    int64_t told; /* of calls: those of msio's functions */
    double told_seconds;
} prof_line;

/* Calls of one of msio's functions, for one path and column, from one place. */
typedef struct prof_told {
    const char *function, *path, *column; /* path, column: "" where there is none */
    const char *file, *caller;            /* of the place; NULL: unknown */
    int line, sure;
    int64_t calls, unfinished; /* unfinished: that did not end before the process did */
    double seconds, longest;
    int64_t bytes, rows; /* delivered or stored */
} prof_told;

/* What msio held of a path, of a kind. */
typedef struct prof_held {
    const char *path, *kind; /* path "": of none */
    int64_t bytes, most;     /* at the end, and at most; of the process that held the most */
} prof_held;

/* What samples of Python's stacks say of a line, or of a task of CASA: `file` is its module then, `line` 0. */
typedef struct prof_time {
    const char *file, *function;
    int line;
    int64_t samples;
    double wall, cpu;            /* seconds, summed over threads; a task's with all that it calls */
    int64_t growth;              /* bytes by which the process grew meanwhile, by the thread that was busiest */
    int64_t blocks, block_bytes; /* of 1 MiB or more that the line asked for: counted, not sampled */
} prof_time;

/* A function of Python, or of C that Python called; of a run with --calls. */
typedef struct prof_function {
    const char *file, *name;
    int line;
    int64_t calls, primitive; /* all; those while it was not running already in the same thread */
    double own, cumulative;   /* seconds, of calls that ended: in itself, and with all that it called */
    uint32_t entry;           /* of the segment */
    int edge, edges;          /* its callers, in found->edge */
} prof_function;

/* Calls of a function by one caller. */
typedef struct prof_edge {
    int callee, caller; /* in found->function; caller -1: nothing that was seen */
    int64_t calls, primitive;
    double own, cumulative;
} prof_edge;

/* A line of a function that was chosen (--lines), as line_profiler timed it. */
typedef struct prof_chosen {
    const char *file, *function;
    int first, line; /* of the function; this one */
    int64_t hits;
    double seconds;
} prof_chosen;

/* One call of a task of CASA. */
typedef struct prof_task_call {
    const char *task, *on; /* its module; the table as it was named, NULL: none */
    const char *file;      /* the caller's; NULL: unknown */
    int line;
    double start, seconds, cpu; /* start: since the run began */
} prof_task_call;

typedef struct prof_process {
    int pid, parent, seen, ended;
    char command[192];
} prof_process;

typedef struct prof_finding {
    const char *kind; /* "cell loop", "read over", ...: static */
    double cost;      /* what they are sorted by: seconds, about */
    char what[400], instead[300];
    const char *table, *column, *file;
    int line;
    int columns; /* others that it tells of too */
} prof_finding;

/* One event of the log. */
typedef struct prof_event {
    int64_t start, duration, amount; /* nanoseconds since the begin; bytes or rows */
    uint32_t kind, of;               /* PROFILE_EVENT_..., entry in the segment's files or accesses */
    uint32_t process, thread;
    uint32_t place; /* of an access its site's entry + 1; of a file `of` */
} prof_event;

typedef struct prof_found {
    profile_segment *segment;
    int tables, files, accesses, lines, processes, findings, timed, tasks, task_calls, stacks, functions, edges,
        chosen_lines, tolds, helds;
    prof_table *table;
    prof_file *file;
    prof_access *access; /* most calls first */
    prof_line *line;
    prof_told *told; /* most time first */
    prof_held *held; /* the most first */
    prof_held held_all;
    prof_time *time;           /* by line, the longest first */
    prof_time *task;           /* by task, the longest first */
    prof_task_call *task_call; /* in the order in which they began */
    prof_chosen *chosen;       /* by file, function and line */
    const profile_stack **stack;
    prof_function *function; /* most time in themselves first */
    prof_edge *edge;         /* by callee */
    prof_process *process;
    prof_finding *finding;
    prof_event *event; /* by track: process, thread, place; in it by time */
    int events;
    bool traced;            /* there was a log */
    int64_t events_dropped; /* for which it had no room, or that were not whole */
    double table_seconds;   /* in system calls on tables' and HDF5 files, over all threads */
    double other_seconds;   /* the same on other files */
    int64_t events_accesses, events_calls, told_calls;
    double own_seconds;  /* that counting took, about */
    int64_t looks;       /* samples of all of Python's threads */
    double look_seconds; /* processor time that they took, measured */
    int64_t lost;
} prof_found;

/* Reads the counters of a folder. Returns 0, or an exit code after telling. */
int cli_profile_find(const cli_context *cli, const char *folder, prof_found *found);
void cli_profile_found_free(prof_found *found);

/* The column of a table, made where it is new. */
prof_column *prof_column_of(prof_table *table, const char *name, bool stored);
/* Gives the bytes of a table's files to its columns. extents: those of its files, sorted by file and offset. */
typedef struct prof_extent {
    int file; /* in found->file */
    const profile_extent *extent;
} prof_extent;
void prof_layout_table(prof_found *found, int table, const prof_extent *extents, int64_t n);

/* The log of a folder, where there is one (profile_trace.c). */
void prof_find_events(const char *folder, prof_found *found);
/* Tables in the order in which they lie in found->table; the table of that path, -1: none; the same of what it is
 * another name of (profile_tables.c). */
int prof_compare_tables(const void *one, const void *other);
int prof_find_table(const prof_found *found, const char *path);
int prof_table_by_name(const prof_found *found, const char *name);
/* The last part of a path; of a subtable the table's too. */
const char *prof_short_name(const char *path);
/* Calls of msio's functions, and what it held (profile_told.c). */
void prof_find_told(prof_found *found);
/* The calls by function, path and column, those of one together: to be freed. Returns how many. */
int prof_told_functions(const prof_found *found, prof_told **list);
/* How many of them from `first` on are of one function, path and column. */
int prof_told_same(const prof_told *list, int n, int first);
/* Whether two come from one place, however sure that is. */
bool prof_told_same_place(const prof_told *a, const prof_told *b);
/* What Python's stacks tell: lines, tasks (profile_python.c). */
void prof_find_times(prof_found *found);
/* Functions of Python and their callers (profile_calls.c). */
void prof_find_calls(prof_found *found);
/* Lines of chosen functions (profile_chosen.c): found; their files removed, of which the report has all; freed. */
void prof_find_chosen(const char *folder, prof_found *found);
void prof_remove_chosen(const char *folder);
void prof_free_chosen(prof_found *found);
bool prof_is_lines_file(const char *name);
/* How many lines from `first` on are of one function, and the seconds of them all. */
int prof_chosen_function(const prof_found *found, int first, double *seconds);
/* The functions with the most time with all that they call, n at most; returns how many. */
int prof_longest_functions(const prof_found *found, const prof_function **list, int n);
/* gaincal, of .../casatasks/gaincal.py. */
void prof_task_name(const char *file, char *name, size_t size);
/* Maps the counters of a folder, for this process alone (profile_counters.c). Returns 0, or an exit code after telling.
 */
int prof_map_segment(const cli_context *cli, const char *folder, profile_segment **segment);
/* Names call sites in native code by what their files tell: functions, and lines where they were built with -g. */
void prof_name_native_sites(profile_segment *segment);
/* The text of a segment's string; "" where there is none. */
const char *prof_string(const profile_segment *segment, uint32_t index);
/* A frame of a stack. */
const profile_site *prof_frame(const prof_found *found, const profile_stack *stack, uint32_t frame);

/* ---------------------------------------------------------------- when parts of files were read (profile_heat.c) */

#define PROF_HEAT_TIMES 64

/* A large file, in equal parts, over the run in equal steps. */
typedef struct prof_heat {
    const prof_table *table;
    const char *file, *column;  /* column: that most of it is; NULL: unknown */
    int64_t place_bytes, bytes; /* of a part; read in all */
    int places;                 /* up to the last that was read */
    double step_seconds;
    double times[PROFILE_HEAT_PLACES][PROF_HEAT_TIMES]; /* how often a part was read in a step */
} prof_heat;

/* Those of which most was read first; returns how many. */
int prof_heats(const cli_profile_run *run, const prof_found *found, prof_heat list[PROFILE_HEATS]);
/* The file of a path, in found->file; -1: none. */
int prof_file_of(const prof_found *found, const char *path);

/* ---------------------------------------------------------------- judging (profile_findings.c, profile_estimate.c) */

void cli_profile_judge(const cli_profile_run *run, prof_found *found);
/* Times msio on the cells of the found loops. */
void cli_profile_estimate(const cli_context *cli, prof_found *found);

/* ---------------------------------------------------------------- targets (profile_targets.c) */

/* Takes NAME=SECONDS. Returns 0, or an exit code after telling. */
int cli_profile_take_target(const cli_context *cli, cli_profile_targets *targets, const char *text);
void cli_profile_measure_targets(cli_profile_run *run, const prof_found *found);
/* Whether all were met; what was not seen was not. */
bool cli_profile_targets_met(const cli_profile_targets *targets);
void cli_profile_targets_text(FILE *out, const cli_profile_targets *targets);
struct cli_json;
void cli_profile_targets_json(struct cli_json *json, const cli_profile_targets *targets);

/* Into an open list: an array of the steps for each part. */
void cli_profile_put_heat_times(struct cli_json *json, const prof_heat *heat);

/* ---------------------------------------------------------------- reports */

/* Shares of the run's time, wall or processor's, whichever is more: in system calls on tables' files; in the table
 * layer, by samples (-1: none). */
typedef struct cli_profile_shares {
    double calls, layer;
} cli_profile_shares;
cli_profile_shares cli_profile_share(const cli_profile_run *run, const prof_found *found);
/* The share of the processor time in user code that samples in code of known files stand for, at most 1; -1: none. */
double cli_profile_accounted(const cli_profile_run *run);
/* Whether the tables take so little of the run that no advice is given. */
bool cli_profile_little(const cli_profile_run *run, const prof_found *found);
/* The verdict, one line. */
const char *cli_profile_verdict(const cli_profile_run *run, const prof_found *found, char *text, size_t size);
void cli_profile_text(FILE *out, const cli_profile_run *run, const prof_found *found);
void cli_profile_json(FILE *out, const cli_profile_run *run, const prof_found *found);
void cli_profile_html(FILE *out, const cli_profile_run *run, const prof_found *found);
/* counts.tsv, which `compare` reads; memory.csv; profile.folded; cpu.folded; accesses.folded; profile.speedscope.json;
 * profile.prof; trace.json. */
void cli_profile_counts(FILE *out, const cli_profile_run *run, const prof_found *found);
void cli_profile_memory(FILE *out, const cli_profile_run *run);
void cli_profile_folded(FILE *out, const prof_found *found);
void cli_profile_folded_processor(FILE *out, const cli_profile_run *run);
void cli_profile_folded_accesses(FILE *out, const prof_found *found);
void cli_profile_speedscope(FILE *out, const cli_profile_run *run, const prof_found *found);
void cli_profile_pstats(FILE *out, const prof_found *found);
void cli_profile_trace(FILE *out, const cli_profile_run *run, const prof_found *found);
/* All of them into the folder. Returns 0, or an exit code after telling. */
int cli_profile_write(const cli_context *cli, const cli_profile_run *run, const prof_found *found);

/* `profile show FOLDER` and `profile compare FOLDER FOLDER`; return an exit code. */
int cli_profile_show(const cli_context *cli, const char *folder);
int cli_profile_compare(const cli_context *cli, const char *before, const char *after);

#endif
