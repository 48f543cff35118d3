/* column_accesses.c - accesses of columns, counted by the place that they come from: what casacore's trace tells of
 * them comes here, by its functions or as text.
 */
#include "prof/preload/preload.h"

#include <string.h>

#define NOTHING UINT32_MAX

/* What a thread found last: the same access mostly follows. */
typedef struct remembered {
    unsigned epoch;
    int table;
    uint32_t site, sure;
    bool write;
    char column[48];
    profile_access *access;
} remembered;

/* The native stack is walked at the first access of a column from a depth of the stack, and then at each so many: those
 * between take the site found last. Callers that differ seldom stand equally deep. */
#define WALK_EACH 256

typedef struct native {
    unsigned epoch, left;
    const void *frame; /* how deep: where the stack was */
    int table;
    uint32_t site;
    bool write;
    char first, last; /* letters of the column's name, and its length: enough to tell a table's columns apart mostly */
    uint32_t length;
} native;

#define NATIVE_WAYS 64
#define NATIVE_LOOKS 4 /* at neighbouring ways: columns that are read in turn must not drive each other out */
#define WAYS 64
static __thread remembered ways[WAYS] __attribute__((tls_model("initial-exec")));
static __thread native natives[NATIVE_WAYS] __attribute__((tls_model("initial-exec")));
static __thread unsigned replaced __attribute__((tls_model("initial-exec")));

static void add(profile_count *counter, uint64_t n) { atomic_fetch_add_explicit(counter, n, memory_order_relaxed); }

static profile_access *find_access(int table, const char *column, size_t length, bool write, uint32_t site,
                                   uint32_t sure) {
    unsigned slot = ((unsigned)table * 31u + (unsigned)length * 7u + (unsigned char)column[0] * 5u +
                     (unsigned char)column[length - 1] * 3u + (unsigned char)column[length / 2] + site) %
                    WAYS;
    remembered *way = &ways[slot];
    if (way->access && way->epoch == preload_epoch && way->table == table && way->write == write && way->site == site &&
        way->sure == sure && length < sizeof way->column && memcmp(way->column, column, length + 1) == 0)
        return way->access;
    uint32_t name = preload_string(column, length);
    if (name == NOTHING) return NULL;
    uint32_t entry = preload_access((uint32_t)table, name, site, sure, write);
    if (entry == NOTHING) return NULL;
    *way = (remembered){preload_epoch, table, site, sure, write, {0}, &preload_segment->access[entry]};
    if (length < sizeof way->column)
        memcpy(way->column, column, length + 1);
    else
        way->access = NULL;
    return &preload_segment->access[entry];
}

/* The site of an access without a line of Python. */
static __attribute__((noinline)) uint32_t native_site(int table, const char *column, size_t length, bool write) {
    const void *frame = __builtin_frame_address(0);
    const unsigned at = (unsigned)table * 31u + (unsigned)length * 7u + (unsigned char)column[0] * 5u +
                        (unsigned char)column[length - 1] + (unsigned)((uintptr_t)frame >> 4);
    native *n = NULL;
    for (unsigned i = 0; i < NATIVE_LOOKS; i++) {
        native *way = &natives[(at + i) % NATIVE_WAYS];
        bool same = way->epoch == preload_epoch && way->frame == frame && way->table == table && way->write == write &&
                    way->first == column[0] && way->last == column[length - 1] && way->length == (uint32_t)length;
        if (same && way->left-- > 0) return way->site;
        if (same || (!n && !way->frame)) n = way;
        if (same) break;
    }
    if (!n) n = &natives[(at + replaced++ % NATIVE_LOOKS) % NATIVE_WAYS];
    *n = (native){.epoch = preload_epoch,
                  .left = WALK_EACH - 1,
                  .frame = frame,
                  .table = table,
                  .site = preload_native_site(),
                  .write = write,
                  .first = column[0],
                  .last = column[length - 1],
                  .length = (uint32_t)length};
    return n->site;
}

/* The access that an event of so many rows is about; NULL: there is no room for it. */
static profile_access *find(const preload_column *of, uint64_t rows) {
    uint32_t sure = PROFILE_SITE_UNKNOWN;
    uint32_t site = preload_python_site(&sure);
    if (!site && (site = preload_left_site())) sure = PROFILE_SITE_EXACT;
    if (!site && (site = native_site(of->table, of->name, of->length, of->write))) sure = PROFILE_SITE_SAMPLED;
    profile_access *access = find_access(of->table, of->name, of->length, of->write, site, sure);
    if (!access) return NULL;
    if (preload_events)
        preload_log(PROFILE_EVENT_ACCESS, (uint32_t)(access - preload_segment->access), rows, preload_now(), 0);
    return access;
}

/* What counting costs is measured at each so many accesses: not at those at which stacks are walked. */
#define TIME_EACH 251

static uint64_t begin_timed(void) {
    static __thread unsigned turn __attribute__((tls_model("initial-exec")));
    if (turn++ % TIME_EACH != TIME_EACH / 2) return 0;
    return preload_now();
}

static void end_timed(uint64_t start) {
    if (!start) return;
    add(&preload_segment->timed_accesses, 1);
    add(&preload_segment->timed_ns, preload_now() - start);
}

/* One cell: does it follow the one before? That it mostly does is not counted: what is added to takes time. Threads
 * that share an access disturb each other's runs, not the counts. */
static void count_cell(const preload_column *of, int64_t row, uint64_t elements) {
    profile_access *access = find(of, 1);
    if (!access) return;
    uint64_t cells = atomic_fetch_add_explicit(&access->cells, 1, memory_order_relaxed);
    add(&access->elements, elements);
    int64_t before = atomic_load_explicit(&access->last_row, memory_order_relaxed);
    atomic_store_explicit(&access->last_row, row, memory_order_relaxed);
    if (row == before + 1 && before >= 0) return;
    uint64_t run = cells - atomic_load_explicit(&access->run_from, memory_order_relaxed);
    if (run > atomic_load_explicit(&access->longest, memory_order_relaxed) && run <= cells)
        atomic_store_explicit(&access->longest, run, memory_order_relaxed);
    atomic_store_explicit(&access->run_from, cells, memory_order_relaxed);
    if (before < 0)
        atomic_store_explicit(&access->first_row, row, memory_order_relaxed);
    else
        add(row == before ? &access->repeated : row < before ? &access->backward : &access->skipping, 1);
}

void preload_count_cell(const preload_column *of, int64_t row, uint64_t elements) {
    uint64_t start = begin_timed();
    count_cell(of, row, elements);
    end_timed(start);
}

void preload_count_rows(const preload_column *of, bool whole, uint64_t rows, uint64_t elements) {
    uint64_t start = begin_timed();
    profile_access *access = find(of, rows);
    if (access) {
        add(whole ? &access->whole : &access->parts, 1);
        add(&access->rows, rows);
        add(&access->elements, elements);
    }
    end_timed(start);
}
