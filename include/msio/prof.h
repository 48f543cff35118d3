/* prof.h - the built-in profiler: what the library did, how long it took, and whether that meets its targets.
 *
 * The library times stretches of its own work. Each kind of stretch is a path with a name ("open", "read", "fetch",
 * ...); docs/profiling.md lists them. The profiler is off until msio_prof_start, msio_prof_setup or the environment's
 * MSIO_PROF turns it on, and costs one branch a stretch while it is off.
 *
 * Threads: every function here may be called from any thread at any time. Numbers read while other threads are at work
 * are a snapshot: a stretch that ends at that moment may be counted in part, one that has not ended is not counted.
 *
 * Fork: a child starts with empty counters, and on if its parent was on.
 */
#ifndef MSIO_PROF_H
#define MSIO_PROF_H

#include <stdio.h>

#include "msio/core.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- on and off */

/* Turns the profiler on; what was counted before stays. Does nothing when it is on. */
MSIO_API void msio_prof_start(void);

/* Turns it off; what was counted stays readable. Stretches that are open now are still counted when they end. */
MSIO_API void msio_prof_stop(void);

/* Forgets everything counted, on or off. Stretches that are open now are not counted. Targets stay. */
MSIO_API void msio_prof_reset(void);

/* 1 while the profiler is on, else 0. */
MSIO_API int msio_prof_running(void);

/* Does what the environment's MSIO_PROF=<mode> does when the library is loaded:
 *   "report"     starts the profiler; when the process exits, the text report goes to standard error;
 *   "json:FILE"  starts the profiler; when the process exits, the JSON report is written to FILE (as by
 *                msio_prof_write_json); a forked child that exits writes FILE.<its process id> if it counted anything;
 *   "auto[+keep=N][+slow=X]:FOLDER"
 *                starts the profiler; when the process exits, a small profile of it goes into FOLDER, which is made
 * where it is missing; the oldest beyond N (400) are removed. One that took X (1.5) times the median of the last runs
 * of the same program there, or missed a target, is kept whole, N/4 of these besides;
 *   "metrics[+every=S][+service=NAME]:FILE"
 *                starts the profiler; FILE is an OpenMetrics text file of the counts of all processes that name it. It
 * is written anew at exit, and as a call of the library ends once S (15) seconds have passed since the last time;
 * FILE's folder holds .NAME.state besides; "off"        stops the profiler, and nothing is reported at exit. The last
 * call holds. NULL and "" are as "off". Errors: MSIO_E_ARGUMENT for any other mode (nothing changes), MSIO_E_MEMORY. */
MSIO_API msio_status msio_prof_setup(const char *mode);

/* ---------------------------------------------------------------- one path */

typedef enum msio_verdict {
    MSIO_NOT_MEASURED = 0, /* no target, or nothing to compare with it */
    MSIO_PASS = 1,
    MSIO_FAIL = 2
} msio_verdict;

/* "PASS", "FAIL", "NOT MEASURED"; "UNKNOWN" for anything else. Static. */
MSIO_API const char *msio_verdict_name(msio_verdict verdict);

/* Which number is held against a target. */
typedef enum msio_prof_measure {
    MSIO_PROF_P50 = 0, /* the median call */
    MSIO_PROF_MEAN = 1 /* seconds a call */
} msio_prof_measure;

#define MSIO_PROF_REASON_SIZE 128

/* What one path did since the start or the last reset, over all threads. Times are in seconds. Set struct_size before
 * the call (MSIO_PROF_STATS_INIT does). Strings are static but `reason`, which is in the struct. */
typedef struct msio_prof_stats {
    size_t struct_size; /* sizeof(msio_prof_stats) */
    const char *name;   /* "read" */
    const char *unit;   /* what `rows` or `pieces` or calls of this path count: "rows", "bytes", "tables", ... */
    const char *what;   /* what is timed, one line */
    int64_t ncalls;
    double tottime;                 /* in the path itself, paths inside it left out; added up over threads */
    double cumtime;                 /* with paths inside it; a path inside itself is counted once */
    double percall;                 /* cumtime / ncalls; NaN without calls */
    double min, p50, p90, p99, max; /* of one call, with paths inside it; NaN without calls. Percentiles come from a
                                       histogram: at least the true value, and at most 1/8 more */
    int64_t bytes;                  /* delivered */
    int64_t bytes_read;             /* fetched from files */
    int64_t rows;
    int64_t pieces;
    double gb_per_s;         /* 1e9 bytes delivered a second of cumtime, of one thread where several work; or NaN */
    double amplification;    /* bytes_read / bytes; NaN if either is unknown */
    double target_seconds;   /* for one call; 0: none */
    double measured_seconds; /* what is held against it: p50 */
    msio_verdict verdict;
    char reason[MSIO_PROF_REASON_SIZE]; /* of the verdict, one line: "p50 0.82 ms of 31 calls, target 1 ms" */
    int callers;                        /* how many msio_prof_callers returns */
} msio_prof_stats;
#define MSIO_PROF_STATS_INIT                                                                                           \
    {                                                                                                                  \
        sizeof(msio_prof_stats), NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,                  \
            MSIO_NOT_MEASURED, "", 0                                                                                   \
    }

/* Number of paths: the library's table, used or not. Their indices are 0 .. that - 1. */
MSIO_API int msio_prof_paths(void);

/* Name of a path; NULL for an index out of range. Static. */
MSIO_API const char *msio_prof_path_name(int index);

/* Stats of the path of that name. Errors: MSIO_E_ARGUMENT: no such path (the message lists them), or struct_size is not
 * that of a version known; MSIO_E_MEMORY. */
MSIO_API msio_status msio_prof_path_stats(const char *name, msio_prof_stats *stats);

/* One line of a path's callers. */
typedef struct msio_prof_caller {
    const char *name; /* the path round it; "" where none was. Static */
    int64_t ncalls;
    double cumtime; /* seconds of the called path, with paths inside it, under this caller */
} msio_prof_caller;

/* Fills callers[0 .. min(capacity, *count)), most time first; *count is how many there are. callers may be NULL where
 * capacity is 0. Errors: MSIO_E_ARGUMENT, MSIO_E_MEMORY. */
MSIO_API msio_status msio_prof_callers(const char *name, msio_prof_caller *callers, int capacity, int *count);

/* ---------------------------------------------------------------- targets */

/* Sets a path's target for one call, in seconds; 0 takes it away. Errors: MSIO_E_ARGUMENT: no such path, or seconds is
 * negative or not finite. */
MSIO_API msio_status msio_prof_set_target(const char *name, double seconds);

/* Holds the path's median or mean against its target: MSIO_PASS when it is not above it. *verdict is MSIO_NOT_MEASURED
 * when there is no target or nothing was counted. measured (may be NULL) gets the seconds compared, NaN without calls;
 * reason (may be NULL) gets up to MSIO_PROF_REASON_SIZE bytes. Errors: MSIO_E_ARGUMENT, MSIO_E_MEMORY. */
MSIO_API msio_status msio_prof_verdict(const char *name, msio_prof_measure measure, msio_verdict *verdict,
                                       double *measured, char *reason);

/* ---------------------------------------------------------------- the whole process */

/* Since the start or the last reset; time off is left out of seconds and of the bytes. */
typedef struct msio_prof_process {
    size_t struct_size;     /* sizeof(msio_prof_process); MSIO_PROF_PROCESS_INIT sets it */
    char clock[48];         /* "tsc 2.596 GHz" or "monotonic" */
    double seconds;         /* on the wall, with the profiler on */
    int64_t peak_rss_bytes; /* of the process, since it began; -1: unknown */
    int64_t read_bytes;     /* got by read calls, page cache or not; not those of mapped files; -1: unknown */
    int64_t disk_bytes;     /* fetched from storage, mapped files too; -1: unknown */
    int threads;            /* that ended a stretch which is in no other */
    double thread_min, thread_mean, thread_max; /* seconds within those, by thread; NaN without threads */
    int64_t spans;                              /* stretches counted */
    double span_seconds;                        /* what timing one costs, measured on this machine now */
    double own_seconds;                         /* spans * span_seconds */
    int64_t dropped; /* stretches that could not be counted: no memory, nested over 64 deep, badly nested */
} msio_prof_process;
#define MSIO_PROF_PROCESS_INIT                                                                                         \
    { sizeof(msio_prof_process), "", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/* Errors: MSIO_E_ARGUMENT (struct_size), MSIO_E_MEMORY. The first call may take 2 ms, to calibrate the clock; so may
 * the first of any other call here that reads seconds. */
MSIO_API msio_status msio_prof_process_stats(msio_prof_process *process);

/* ---------------------------------------------------------------- places, for bindings */

/* Where this thread is in its program, as `msio profile` would tell a call made now: for a binding that makes a call in
 * a thread of its own. 0: unknown, or nobody profiles. */
MSIO_API uint64_t msio_prof_place(void);

/* This thread's calls come from that place, until 0 is given. */
MSIO_API void msio_prof_set_place(uint64_t place);

/* ---------------------------------------------------------------- reports */

/* The report as text in the manner of pstats, or as one JSON object; docs/profiling.md tells every column and key.
 * *text is to be given to msio_prof_free. Errors: MSIO_E_MEMORY, MSIO_E_ARGUMENT. */
MSIO_API msio_status msio_prof_report_text(char **text);
MSIO_API msio_status msio_prof_report_json(char **text);

/* Frees a report; takes NULL. */
MSIO_API void msio_prof_free(char *text);

/* Writes the text report to a stream and flushes it. Errors: MSIO_E_IO, MSIO_E_MEMORY, MSIO_E_ARGUMENT. */
MSIO_API msio_status msio_prof_print(FILE *stream);

/* Writes the JSON report to a file: under a temporary name in the same folder, then renamed over what was there. A pipe
 * or a device is written to. Errors: MSIO_E_IO, MSIO_E_MEMORY, MSIO_E_ARGUMENT. */
MSIO_API msio_status msio_prof_write_json(const char *path);

#ifdef __cplusplus
}
#endif
#endif
