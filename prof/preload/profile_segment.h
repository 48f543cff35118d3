/* profile_segment.h - the counters of a profiled run: one file, FOLDER/counters, that the command makes and that every
 * process of the run maps.
 *
 * All of it is fixed in size and allocated before the program starts: a process that is killed loses nothing, none can
 * get SIGBUS, and the memory is bounded. Tables are open hash tables: an entry is claimed by compare-and-swap of its
 * state, filled, then published; counters in it are added to with relaxed atomics. What finds no room is counted in
 * `lost`. Zero bytes are an empty segment. Times are CLOCK_MONOTONIC, nanoseconds.
 */
#ifndef MSIO_PROFILE_SEGMENT_H
#define MSIO_PROFILE_SEGMENT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define PROFILE_MAGIC "msioprof"
#define PROFILE_VERSION 7u
#define PROFILE_FILE "counters"
#define PROFILE_SAMPLE_HZ 100u /* where nothing else is asked for */

#define PROFILE_PROCESSES 4096u
#define PROFILE_STRINGS 65536u
#define PROFILE_TEXT_BYTES (8u << 20)
#define PROFILE_FILES 49152u
#define PROFILE_EXTENTS 753664u
#define PROFILE_ACCESSES 32768u
#define PROFILE_SITES 16384u
#define PROFILE_STACKS 8192u
#define PROFILE_THREADS 2048u /* of Python, in all processes */
#define PROFILE_FUNCTIONS 32768u
#define PROFILE_EDGES 65536u
#define PROFILE_TASKS 4096u
#define PROFILE_TOLD 8192u
#define PROFILE_HELD 4096u
#define PROFILE_DEPTH 40u /* frames of a stack that are kept: the innermost */
#define PROFILE_SIZE_BUCKETS 24
#define PROFILE_HEATS 32u             /* files of which it is kept when which part was read */
#define PROFILE_HEAT_PLACES 32u       /* parts of such a file */
#define PROFILE_HEAT_BYTES (1u << 20) /* smaller files have none */

#define PROFILE_THREAD_PROBES 16u

/* The first of the entries of a thread's. */
static inline uint32_t profile_thread_begin(uint64_t id) { return (uint32_t)(id * 0x9e3779b97f4a7c15u >> 40); }

/* State of an entry of a hash table. */
enum { PROFILE_FREE = 0, PROFILE_CLAIMED = 1, PROFILE_READY = 2 };

typedef _Atomic uint64_t profile_count;

/* How accesses of columns were seen in a process. */
enum {
    PROFILE_SEEN_FILES = 0,    /* casacore's trace functions were never called: files alone */
    PROFILE_SEEN_TRACE = 1,    /* by casacore's trace functions */
    PROFILE_SEEN_STRANGER = 2, /* they were called by a casacore that was not trusted, and it wrote no text */
    PROFILE_SEEN_TEXT = 3      /* by casacore's text trace */
};

typedef struct profile_process {
    _Atomic uint32_t state;
    int32_t pid, parent;
    _Atomic uint32_t seen;     /* PROFILE_SEEN_... */
    _Atomic uint32_t python;   /* 1: lines of Python were asked for and got */
    _Atomic uint32_t casacore; /* string: the path of its libcasa_tables */
    uint64_t start;
    profile_count last;      /* of the last close or access, about: when it was last heard of */
    _Atomic uint32_t ended;  /* 1: it ran its destructors */
    _Atomic uint32_t mapped; /* files of tables that were mapped */
    char command[192];       /* as in /proc: words with NULs between, cut */
} profile_process;

typedef struct profile_string {
    _Atomic uint32_t state;
    uint32_t at; /* in text */
    uint64_t hash;
} profile_string;

/* Kinds of files. */
enum {
    PROFILE_TABLE_FILE = 1, /* table.* */
    PROFILE_LOCK_FILE = 2,  /* table.lock: no times, no extents */
    PROFILE_HDF5_FILE = 3,
    PROFILE_OTHER_FILE = 4 /* any other regular file, once the process is on */
};

/* One file of one process. */
typedef struct profile_file {
    _Atomic uint32_t state;
    uint32_t process, path, kind;
    _Atomic uint32_t heat;       /* entry + 1 of heats; 0: none */
    _Atomic uint32_t more_seeks; /* besides seeks: by the process's first thread; here, where a seek looks anyway */
    profile_count opens, closes;
    profile_count reads, writes, bytes_read, bytes_written;
    profile_count seeks, syncs, truncations, maps, locks;
    profile_count read_ns, write_ns, sync_ns, lock_ns, longest_ns;
    profile_count in_order; /* reads and writes that began where the one before ended */
    _Atomic int64_t next;   /* where that is */
    profile_count failed;
    _Atomic uint32_t read_sizes[PROFILE_SIZE_BUCKETS]; /* calls that got 2^i .. 2^(i+1) - 1 bytes */
    _Atomic uint32_t write_sizes[PROFILE_SIZE_BUCKETS];
} profile_file;

/* Bytes [offset, offset + length) of a table's or HDF5 file, by all processes. */
typedef struct profile_extent {
    _Atomic uint32_t state;
    uint32_t path;
    uint64_t offset;
    uint32_t length;
    _Atomic uint32_t reads, writes;
    _Atomic uint32_t read_first; /* 1: it was read before it was first written */
} profile_extent;

/* Times of a run, in bins that need no room to be known for: the first 32 are a unit each, 32 more are one each, the
 * next 32 two units, then four ... */
#define PROFILE_HEAT_UNIT 25 /* 2^25 ns, 34 ms: the last bins end after 4.9 hours, and stand for what comes after */
#define PROFILE_HEAT_STEPS 32u
#define PROFILE_HEAT_TIMES (15u * PROFILE_HEAT_STEPS)

static inline uint32_t profile_heat_time(uint64_t ns) {
    uint64_t units = ns >> PROFILE_HEAT_UNIT;
    uint32_t level = units < PROFILE_HEAT_STEPS ? 0 : 63u - (uint32_t)__builtin_clzll(units) - 4u;
    uint64_t bin = level ? level * PROFILE_HEAT_STEPS + (units >> (level - 1)) - PROFILE_HEAT_STEPS : units;
    return bin < PROFILE_HEAT_TIMES ? (uint32_t)bin : PROFILE_HEAT_TIMES - 1;
}

/* The nanosecond at which a bin begins. */
static inline uint64_t profile_heat_begin(uint32_t bin) {
    uint32_t level = bin / PROFILE_HEAT_STEPS, step = bin % PROFILE_HEAT_STEPS;
    uint64_t units = level ? (uint64_t)(PROFILE_HEAT_STEPS + step) << (level - 1) : step;
    return units << PROFILE_HEAT_UNIT;
}

/* When which part of a large file was read, by all processes. */
typedef struct profile_heat {
    _Atomic uint32_t state;
    uint32_t path;
    uint32_t shift; /* a part has 2^shift bytes; the last one stands for what is behind it, too */
    uint32_t pad;
    _Atomic uint32_t read[PROFILE_HEAT_PLACES][PROFILE_HEAT_TIMES]; /* in units of 16 bytes */
} profile_heat;

/* A place in a program's source. */
typedef struct profile_site {
    _Atomic uint32_t state;
    uint32_t file, function; /* strings */
    int32_t line; /* less than 0, of native code: `file` is a library's path, and the place stands so many bytes behind
                     where it begins in memory */
    profile_count blocks, block_bytes; /* of 1 MiB or more that it asked for */
} profile_site;

/* How sure the call site of an access is. */
enum { PROFILE_SITE_UNKNOWN = 0, PROFILE_SITE_EXACT = 1, PROFILE_SITE_SAMPLED = 2 };

/* A stack of Python, as it was sampled, of all threads and processes. Each sample stands for the time since the one
 * before. */
typedef struct profile_stack {
    _Atomic uint32_t state;
    uint32_t depth, user;         /* frames; the first of them of the user's own code, `depth`: none */
    uint32_t site[PROFILE_DEPTH]; /* entries of sites, the innermost first */
    profile_count samples, wall_ns, cpu_ns;
    _Atomic int64_t growth; /* bytes by which the process's resident memory grew meanwhile */
} profile_stack;

/* What Python was doing in a thread at the last looks, for who samples the thread's processor time meanwhile. */
#define PROFILE_LOOKS 8u
typedef struct profile_thread {
    _Atomic uint64_t id;    /* process << 32 | the kernel's number of the thread; 0: free */
    _Atomic uint32_t looks; /* that are written; look i stands at i % PROFILE_LOOKS */
    uint32_t pad;
    _Atomic uint64_t when[PROFILE_LOOKS];
    _Atomic uint32_t stack[PROFILE_LOOKS]; /* entry + 1; 0: unknown */
} profile_thread;

/* A function of Python, or of C that Python called, where every call was asked for (--calls). Functions of C have the
 * file "~" and line 0, as in the standard library's profiles. */
typedef struct profile_function {
    _Atomic uint32_t state;
    uint32_t file, name;         /* strings */
    int32_t line;                /* its first */
    profile_count recursive;     /* calls that began while it was running already in the same thread */
    profile_count cumulative_ns; /* of the others, with all that was called */
} profile_function;

/* Calls of one function by another. */
typedef struct profile_edge {
    _Atomic uint32_t state;
    uint32_t caller; /* entry of functions + 1; 0: the calls came from nothing that was seen */
    uint32_t callee; /* entry of functions */
    uint32_t pad;
    profile_count calls, recursive;      /* counted when they begin */
    profile_count own_ns, cumulative_ns; /* counted when they end */
} profile_edge;

/* One call of a task of CASA. */
typedef struct profile_task {
    _Atomic uint32_t state;
    uint32_t process, file, on; /* strings: its module, the table that it works on as it was named (UINT32_MAX: none) */
    uint32_t site;              /* of the caller, entry of sites + 1; 0: unknown */
    uint32_t pad;
    uint64_t start;
    profile_count wall_ns, cpu_ns; /* of the samples in which it ran */
} profile_task;

/* Accesses of one column from one place, by the first thread of a process or by all its others. */
typedef struct profile_access {
    _Atomic uint32_t state;
    uint32_t process, table, column; /* table and column: strings */
    uint32_t site;                   /* entry of sites + 1; 0: unknown */
    uint32_t write, sure;            /* PROFILE_SITE_... */
    uint32_t alone;                  /* 1: by the first thread */
    profile_count cells;             /* calls for one row; it and the next two are what most accesses touch */
    profile_count elements;
    _Atomic int64_t last_row, first_row;
    profile_count whole;                        /* calls for the whole column */
    profile_count parts;                        /* calls for a set of rows, or a part of the cells */
    profile_count rows;                         /* of whole and parts that say how many */
    profile_count repeated, backward, skipping; /* cells whose row is the same, an earlier one, or beyond the next */
    profile_count longest;                      /* cells one after the other, of runs that ended */
    profile_count run_from;                     /* cells before the run that has not ended */
    profile_count first, last;                  /* when, about */
} profile_access;

/* Calls of one function of msio's own by the program, for one table or file, from one place. */
typedef struct profile_told {
    _Atomic uint32_t state;
    uint32_t function, path, column; /* strings; path and column may be empty */
    uint32_t site;                   /* entry of sites + 1; 0: unknown */
    uint32_t sure;                   /* PROFILE_SITE_... */
    profile_count calls;             /* counted when they begin */
    profile_count ended, ns, longest_ns, bytes, rows;
} profile_told;

/* What msio holds of one path, of one kind, in one process. Kind and path empty: of all. */
typedef struct profile_held {
    _Atomic uint32_t state;
    uint32_t process, path, kind; /* path, kind: strings */
    _Atomic int64_t bytes, most;  /* now, or when it was last heard of; the most that it was */
} profile_held;

/* What a shared file is begun with before anybody maps it: of the counters, and, but for the last two, of the log of
 * events. */
typedef struct profile_head {
    char magic[8];
    uint32_t version, bytes;
    uint64_t started;
    uint32_t sample_hz;
    uint32_t processes; /* none: else the bytes behind sample_hz would be whatever was there */
} profile_head;

typedef struct profile_segment {
    char magic[8];
    uint32_t version;
    uint32_t bytes; /* sizeof(profile_segment) */
    uint64_t started;
    uint32_t sample_hz;         /* samples of Python's lines a second; 0: none */
    _Atomic uint32_t processes; /* entries that were taken, more than there are where some found no room */
    _Atomic uint32_t text_used; /* bytes */
    _Atomic uint32_t lost_processes, lost_strings, lost_files, lost_extents, lost_accesses, lost_sites, lost_stacks,
        lost_threads, lost_functions, lost_edges, lost_told, lost_held;
    _Atomic uint32_t no_line_profiler; /* processes whose Python has none */
    _Atomic uint32_t tasks;            /* that began, more than there are where some found no room */
    profile_count lost_extent_bytes;
    profile_count timed_accesses, timed_ns;              /* what counting them cost, measured at some */
    profile_count timed_told, timed_told_ns;             /* the same of calls of msio's */
    profile_count table_bytes_read, table_bytes_written; /* of tables' and HDF5 files */
    profile_count looks, look_ns;   /* samples of Python's threads, and the processor time they took */
    _Atomic uint32_t untracked;     /* descriptors beyond what is tracked */
    _Atomic uint32_t garbled_lines; /* of casacore's text that could not be read */
    _Atomic uint32_t streams;       /* files of tables opened by fopen: their reads are not seen */
    profile_process process[PROFILE_PROCESSES];
    profile_string string[PROFILE_STRINGS];
    profile_file file[PROFILE_FILES];
    profile_extent extent[PROFILE_EXTENTS];
    profile_heat heat[PROFILE_HEATS];
    profile_site site[PROFILE_SITES];
    profile_access access[PROFILE_ACCESSES];
    profile_stack stack[PROFILE_STACKS];
    profile_thread thread[PROFILE_THREADS];
    profile_function function[PROFILE_FUNCTIONS];
    profile_edge edge[PROFILE_EDGES];
    profile_task task[PROFILE_TASKS];
    profile_told told[PROFILE_TOLD];
    profile_held held[PROFILE_HELD];
    char text[PROFILE_TEXT_BYTES]; /* NUL-terminated strings; byte 0 is the empty one */
} profile_segment;

_Static_assert(offsetof(profile_head, sample_hz) == offsetof(profile_segment, sample_hz), "the counters begin so");
_Static_assert(sizeof(profile_head) == offsetof(profile_segment, processes) + sizeof(uint32_t), "and no byte more");
_Static_assert(sizeof(profile_segment) <= 64u << 20, "the counters of a run take at most 64 MiB");

#endif
