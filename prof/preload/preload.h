/* preload.h - what the files of libmsio_profile.so share.
 *
 * Everything here runs inside programs that know nothing of it, in signal handlers and between vfork and exec too. So:
 * no lock, no allocation, no standard I/O; errno is kept; own system calls are made directly.
 */
#ifndef MSIO_PRELOAD_H
#define MSIO_PRELOAD_H

#include "prof/preload/profile_events.h"
#include "prof/preload/profile_segment.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>
#include <sys/uio.h>

#define PRELOAD_EXPORT __attribute__((visibility("default")))

/* ---------------------------------------------------------------- segment (segment.c) */

/* The segment; NULL: not attached, because no table was opened yet, or because nothing is to be counted. */
extern profile_segment *preload_segment;
/* Rises with every fork that this process is the child of: what threads remember is void then. */
extern unsigned preload_epoch;

/* Looks at what the environment asks for. Other libraries may be loaded, and call us, before ours begins by itself. */
void preload_begin(void);
/* Maps the segment, once. Returns NULL where there is none. */
profile_segment *preload_attach(void);
/* Whether the environment asked for counting: nothing else is done before a table is opened. */
bool preload_wanted(void);
/* Whether it asked for every call of Python's functions too. */
bool preload_wants_calls(void);
/* The functions all of whose lines are to be timed: NAME[,NAME...], ended by ':' or NUL; "": none. */
const char *preload_wanted_lines(void);
/* The folder of the run. */
const char *preload_folder(void);
/* Whether casacore's accesses are to be taken from its text in any case. */
bool preload_wants_text(void);
/* False between vfork and exec: memory is the parent's, and must be left as it is. */
bool preload_is_own_memory(void);
/* This process's entry. */
uint32_t preload_process(void);
uint64_t preload_now(void);

/* Whether this thread is its process's first: entries of accesses are its own then, and more_seeks of files. Mostly it
 * is the one that works at tables, and a counter that no other thread adds to needs no locked instruction: those are
 * what counting takes most of its time for. Known of the epoch - 1; in any thread that was given an access or a file's
 * entry (preload_access, preload_tracked) it is. */
typedef struct preload_thread {
    unsigned known;
    bool first;
} preload_thread;
extern __thread preload_thread preload_own_thread __attribute__((tls_model("initial-exec")));
static inline bool preload_knows_thread(void) { return preload_own_thread.known == preload_epoch + 1; }
/* There must be a segment. */
void preload_learn_thread(void);

/* Adds to a counter; alone: no other thread ever does. Returns what it was before. */
static inline uint64_t preload_add(profile_count *counter, uint64_t n, bool alone) {
    if (!alone) return atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
    uint64_t before = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, before + n, memory_order_relaxed);
    return before;
}

/* Each returns an index, or UINT32_MAX where there is no room (counted). */
uint32_t preload_string(const char *text, size_t length);
uint32_t preload_file_entry(uint32_t process, uint32_t path, uint32_t kind);
uint32_t preload_site(uint32_t file, uint32_t function, int line);
uint32_t preload_access(uint32_t table, uint32_t column, uint32_t site, uint32_t sure, bool write);
/* Adds a sample to its stack: sites innermost first, `user` the first frame of the user's own code. */
profile_stack *preload_stack(const uint32_t *site, uint32_t depth, uint32_t user);
/* What Python was doing in a thread at a moment; stack NULL: unknown. One caller at a time for each thread. */
void preload_thread_seen(uint32_t process, uint32_t thread, const profile_stack *stack, uint64_t when);
/* caller: entry + 1, or 0. */
uint32_t preload_function(uint32_t file, uint32_t name, int line);
uint32_t preload_edge(uint32_t caller, uint32_t callee);
/* Calls of msio's, and what it holds (told_calls.c). */
uint32_t preload_told(const profile_told *key);
uint32_t preload_held(uint32_t path, uint32_t kind);
void preload_extent(uint32_t path, uint64_t offset, uint64_t length, bool write);
/* Where it is kept when which part of a file of so many bytes is read: entry of heats, or UINT32_MAX; and a read. */
uint32_t preload_heat_entry(uint32_t path, uint64_t size);
void preload_heat(uint32_t entry, uint64_t offset, uint64_t length, uint64_t now);

/* ---------------------------------------------------------------- single events (events.c) */

/* The log; NULL: none was asked for. */
extern profile_events *preload_events;
/* An event of PROFILE_EVENT_... that began at `start` and took ns. There must be a log. */
void preload_log(uint32_t kind, uint32_t of, uint64_t amount, uint64_t start, uint64_t ns);

/* ---------------------------------------------------------------- files (tracking.c) */

/* After a successful open of `path` as fd. */
void preload_opened(const char *path, int fd, int flags);
/* The same of a stream, which the C library may read without our seeing it. */
void preload_stream(const char *path, int fd);
/* Before a descriptor is closed; after one was made a copy of another. */
void preload_closing(int fd);
void preload_copied(int from, int to);
void preload_closing_range(unsigned first, unsigned last);
/* The file behind a descriptor; NULL: not one that is counted. *locks: it is a lock file. */
profile_file *preload_tracked(int fd, bool *locks);

/* Before a fork: what the child's descriptors do moves the parent's. */
void preload_positions_shared(void);
/* After a descriptor's position was set to `at` (-1: it could not be). */
void preload_sought(profile_file *file, int fd, int64_t at);
/* A read or write that returned n: begun at nanosecond `start` (0: not timed), at `offset` (-1: where the file's
 * position was). */
void preload_moved(profile_file *file, int fd, ssize_t n, int64_t offset, uint64_t start, bool write);

/* ---------------------------------------------------------------- accesses of columns (column_accesses.c) */

/* What an access is of: a table, by its name's entry in strings, and a column, NUL-terminated. */
typedef struct preload_column {
    int table;
    bool write;
    const char *name;
    size_t length;
} preload_column;

/* One cell of so many elements. */
void preload_count_cell(const preload_column *of, int64_t row, uint64_t elements);
/* The whole column, or a part: a set of rows, or a part of each cell. rows, elements 0: not known. */
void preload_count_rows(const preload_column *of, bool whole, uint64_t rows, uint64_t elements);

/* Casacore's trace was called from this address: what asked for a column's description just before it in code wanted
 * the name alone (casacore_column.c). */
void preload_traced_from(const void *address);

/* Whether a casacore that was loaded is to tell its accesses by its text, or may be: what reads settings looks through
 * all of them, with a regular expression for each, at every table that is opened and at much else, and ours are left
 * out where they can be. */
bool preload_needs_text(void);

/* ---------------------------------------------------------------- casacore's text (text_trace.c) */

/* Tells casacore by the environment where its settings are, before the process has threads. */
void preload_text_begin(void);
/* The stream of its settings or of its text, where `path` is that; else NULL. */
FILE *preload_text_open(const char *path, const char *mode);
/* Takes what is written to the text. Returns its bytes, or -1: the descriptor is another one. */
ssize_t preload_text_written(int fd, const struct iovec *parts, int count);
/* Whether a descriptor is the text's: nobody but its stream closes it. */
bool preload_text_is_stream(int fd);
/* The lowest of these descriptors that is the text's; ~0u: none is. */
unsigned preload_text_first(unsigned first, unsigned last);
/* Before its stream is closed. */
void preload_text_closed(int fd);

/* ---------------------------------------------------------------- memory (large_blocks.c) */

/* Counts a large block for the line that this thread is at (python_site.c). */
void preload_block(uint64_t bytes);

/* ---------------------------------------------------------------- loaded libraries (native_site.c) */

/* The library that an address is in, as dladdr has it, but without looking for a symbol: that takes 100 us where a
 * library has as many as casacore's. False: it is in none, or in the program itself. */
typedef struct preload_library {
    const char *path;
    const void *base;
} preload_library;
bool preload_library_at(const void *address, preload_library *found);

/* ---------------------------------------------------------------- C++ (native_site.c) */

/* The function outside casacore that this thread's access comes from: entry of sites + 1; 0: none is known. Walks the
 * stack: about a microsecond. */
uint32_t preload_native_site(void);

/* ---------------------------------------------------------------- Python */

/* The line of Python that this thread is at, where it holds Python's lock; 0: it does not, or there is none.
 * *sure: PROFILE_SITE_... (python_site.c) */
uint32_t preload_python_site(uint32_t *sure);

/* Whether there is a Python that runs: where there is none, this is all there is to ask. */
bool preload_python_runs(void);
/* The line of Python at which this thread left Python's lock, within a call that has not taken it again; 0: unknown
 * (python_leave.c). */
uint32_t preload_left_site(void);
/* Looks for extension modules that were loaded since, so that they tell when they leave the lock. */
void preload_watch_modules(void);

/* Counts this thread's calls of functions from now on, where it is one of Python's and does not count them yet. To be
 * called within a call of Python's that may wait (python_calls.c). */
void preload_calls_begin(void);

/* Begins the thread that samples Python's lines, where Python runs and this process has none yet (python_sampler.c). */
void preload_sampler_begin(void);
/* Before a fork; after it in the parent; in the child, where the thread is none: it was the parent's. */
void preload_sampler_fork(void);
void preload_sampler_parent(void);
void preload_sampler_child(void);

#endif
