/* history.h - runs that are kept: an SQLite file of what verify, profile, bench, compare and counts told.
 *
 * A run is one document of `msio verify --json`, `msio profile` (report.json), `msio bench --json`, `msio compare
 * --json` or of counts, as rows of the structs below. Runs of the same `series` are compared with each other.
 *
 * Threads: a history belongs to one thread at a time. Processes: any number read while one writes (WAL); a writer waits
 * ten seconds for another one. A run is there whole or not at all, whatever is killed.
 * Errors: MSIO_E_NOT_FOUND (no such file), MSIO_E_FORMAT (no history, damaged, or a document that is none),
 * MSIO_E_UNSUPPORTED (made by a newer msio, or this build has no SQLite), MSIO_E_LOCKED, MSIO_E_IO, MSIO_E_MEMORY,
 * MSIO_E_ARGUMENT; the sentence is in the history_error.
 */
#ifndef MSIO_PROF_HISTORY_H
#define MSIO_PROF_HISTORY_H

#include "msio/core.h"

typedef struct history history;

typedef struct history_error {
    msio_status code;
    char message[512]; /* one sentence, without the file's name */
} history_error;

/* ---------------------------------------------------------------- rows */

/* In all rows: strings are never NULL, "" is unknown; a double that is unknown is NaN, an integer -1. Strings came from
 * data: they may hold anything but a NUL, at most HISTORY_TEXT bytes. `run` is the run's id. */
#define HISTORY_TEXT 4096

typedef struct history_run {
    int64_t id;
    const char *kind;     /* verify, profile, bench, compare, counts */
    const char *series;   /* runs of one series are compared */
    double time;          /* seconds since 1970, UTC */
    const char *machine;  /* processor's model and how many; what times are compared within */
    const char *host;     /* its name */
    const char *system;   /* kernel */
    int64_t processors;   /* that it has */
    const char *commit;   /* of the sources measured */
    const char *version;  /* of msio that recorded it */
    const char *versions; /* of others, as a JSON object; "" none were told */
    double load;          /* average of the last minute */
    double others;        /* largest share of the processors that others had meanwhile, 0 to 1 */
    const char *program;  /* what was run or looked at, its words separated by spaces */
    const char *folder;   /* of a profile: absolute, where its report was */
    double seconds;       /* wall */
    double cpu_seconds;
    int64_t exit_code; /* of the program */
    int64_t peak_bytes;
    const char *verdict; /* the document's own sentence or word */
    const char *note;    /* whatever the recorder said */
} history_run;

/* A timed path, held against its target or not. */
typedef struct history_target {
    int64_t run;
    const char *name;                            /* "metadata", "read-DATA", ... */
    const char *subject;                         /* the table or group */
    double target, measured, uncached, roofline; /* seconds */
    int64_t bytes;
    const char *verdict; /* PASS, FAIL, NOT MEASURED */
    const char *reason;
    int64_t tries, met;
} history_target;

/* A count. exact: HISTORY_EXACT: every rise counts (bytes, calls, allocations); HISTORY_WITHIN: 1% is allowed
 * (instructions); HISTORY_SHOWN: kept, and not judged (what differs from run to run, what another one is held against).
 */
enum { HISTORY_WITHIN = 0, HISTORY_EXACT = 1, HISTORY_SHOWN = 2 };
typedef struct history_count {
    int64_t run;
    const char *name;
    int64_t value;
    int64_t exact;
} history_count;

/* One repetition. */
typedef struct history_time {
    int64_t run;
    const char *name;   /* "data msio/warm x2"; of a comparison "a" and "b" */
    int64_t repetition; /* from 0 on, in the order in which they ran */
    double seconds;
} history_time;

/* A time against another one of the same run: what change points are looked for in. */
typedef struct history_ratio {
    int64_t run;
    const char *name; /* "b/a"; "read-DATA / roofline"; "data msio/warm x2 / roofline" */
    double ratio;     /* median */
    double low, high; /* its interval; unknown of single times */
    int64_t pairs;    /* that it comes from */
    const char *verdict;
} history_ratio;

/* A moment of a profile; at most HISTORY_MOMENTS a run. */
#define HISTORY_MOMENTS 200
typedef struct history_moment {
    int64_t run;
    double seconds;   /* since it began */
    int64_t resident; /* bytes */
    double cpu;       /* processors busy with it */
} history_moment;

/* A stack of a profile, folded: frames separated by ';', the outermost first; the HISTORY_STACKS with the most samples.
 */
#define HISTORY_STACKS 500
typedef struct history_stack {
    int64_t run;
    const char *frames;
    int64_t samples;
} history_stack;

/* Columns that were read or written, most bytes first; at most HISTORY_COLUMNS a run. */
#define HISTORY_COLUMNS 50
typedef struct history_column {
    int64_t run, rank; /* from 0 on */
    const char *table_path, *name;
    int64_t calls, cells, reads, writes, bytes_read, bytes_written, bytes_wanted, distinct_bytes, tile_most;
    double seconds;
} history_column;

/* Loops over cells, most cells first; at most HISTORY_LOOPS a run. */
#define HISTORY_LOOPS 50
typedef struct history_loop {
    int64_t run, rank;
    const char *method, *table_path, *name; /* getcell or putcell; name: the column */
    int64_t cells;
    const char *file;
    int64_t line;
    const char *function;
    double would_take; /* seconds of msio for the same cells */
} history_loop;

/* Findings of a profile, the dearest first; at most HISTORY_FINDINGS a run. */
#define HISTORY_FINDINGS 50
typedef struct history_finding {
    int64_t run, rank;
    const char *kind, *what, *instead, *table_path, *name, *file;
    int64_t line;
    double about_seconds;
} history_finding;

/* A baseline that was moved on purpose: counts of a series up to `value` are accepted from then on. */
typedef struct history_accepted {
    int64_t run; /* whose count was accepted */
    double time;
    const char *series, *name;
    int64_t value, before; /* before: the baseline until then; -1: there was none */
    const char *reason;
} history_accepted;

typedef enum history_table {
    HISTORY_RUNS, /* history_run */
    HISTORY_TARGETS,
    HISTORY_COUNTS,
    HISTORY_TIMES,
    HISTORY_RATIOS,
    HISTORY_MOMENTS_OF, /* history_moment */
    HISTORY_STACKS_OF,
    HISTORY_COLUMNS_OF,
    HISTORY_LOOPS_OF,
    HISTORY_FINDINGS_OF,
    HISTORY_ACCEPTED,
    HISTORY_TABLES
} history_table;

/* How a table's struct is made up: for writing it as JSON or CSV without knowing it. */
typedef enum history_kind { HISTORY_INTEGER, HISTORY_DOUBLE, HISTORY_STRING } history_kind;
typedef struct history_field {
    const char *name; /* also the column's in the file */
    history_kind kind;
    size_t offset;
} history_field;
typedef struct history_layout {
    const char *name; /* of the table in the file */
    const history_field *field;
    int fields;
} history_layout;
const history_layout *history_layout_of(history_table table);

/* ---------------------------------------------------------------- opening */

/* Opens a history: to read, or to write too, where a file that is not there is made and one of an older msio is brought
 * up to date. *opened is to be closed. */
msio_status history_open(const char *path, int write, history **opened, history_error *error);
void history_close(history *h); /* takes NULL */
/* Whether every page of the file is sound; takes as long as reading it. */
msio_status history_sound(history *h, history_error *error);

/* ---------------------------------------------------------------- reading */

/* Called with each row, whose strings live as long as the call; other than 0 ends it. */
typedef int (*history_visit)(void *user, const void *row);

/* Rows of a table: of one run, or with run 0 of all, by the runs' times, then in the order in which they were recorded.
 * A state of the file: what is recorded meanwhile is not among them. */
msio_status history_each(history *h, history_table table, int64_t run, history_visit visit, void *user,
                         history_error *error);
/* The same of the newest `newest` runs of a series (NULL or "": of all) and kind (the same); oldest first. newest 0:
 * all. */
msio_status history_each_of(history *h, history_table table, const char *series, const char *kind, int64_t newest,
                            history_visit visit, void *user, history_error *error);

/* ---------------------------------------------------------------- recording */

/* What a document does not tell itself; NULL, NaN: unknown. */
typedef struct history_facts {
    const char *series; /* NULL: made from the document: its kind and what was run */
    double time;
    const char *machine, *host, *system, *commit, *version, *note, *folder;
    int64_t processors;
    double load;
    const char *folded; /* text of profile.folded */
    int64_t keep;       /* runs of a series whose moments and stacks are kept */
} history_facts;

#define HISTORY_DOCUMENT_BYTES ((size_t)128 << 20) /* longest document */

/* Records a document. *run: its id; *there: 1 where the very same was recorded before, which *run then names. */
msio_status history_record(history *h, const char *document, size_t bytes, const history_facts *facts, int64_t *run,
                           int *there, history_error *error);

/* ---------------------------------------------------------------- judging */

/* A count of a series' newest run against its baseline: the least value (HISTORY_EXACT), or the median
 * (HISTORY_WITHIN), of the runs before, from the one on at which it was last accepted. */
typedef struct history_held {
    char *series, *name, *reason; /* reason: of the acceptance that the baseline comes from; "" none */
    int64_t run, value;           /* run: the newest; value -1: it does not tell this count any more */
    int64_t baseline;             /* -1: this is the first run that has it */
    int64_t exact;
    int risen; /* 1: a regression */
} history_held;

/* A change of the level of a ratio, among the runs of a series on the newest run's machine. */
typedef struct history_change {
    char *series, *name, *commit, *reason; /* reason: of its acceptance; "" none */
    int64_t run;                           /* the first of the new level */
    double time, before, after, magnitude, p;
    int accepted;
    int standing; /* 1: upwards, not accepted, and not made good since: a regression */
} history_change;

typedef struct history_judgement {
    history_held *held;
    history_change *change;
    int helds, changes;
    int series;      /* that were looked at */
    int regressions; /* risen and standing ones */
} history_judgement;

#define HISTORY_WITHIN_SHARE 0.01

/* Judges a series, or all of them (NULL or ""). What it fills is to be freed, also after an error. */
msio_status history_judge(history *h, const char *series, history_judgement *judgement, history_error *error);
void history_judgement_free(history_judgement *judgement);
/* Accepts the regressions of a series' newest run, or of all series': their baselines move there, and the reason is
 * kept. *moved: how many. */
msio_status history_accept(history *h, const char *series, const char *reason, double now, int64_t *moved,
                           history_error *error);

#endif
