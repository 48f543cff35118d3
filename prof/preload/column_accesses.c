/* column_accesses.c - accesses of columns, counted by the place that they come from: what casacore's trace tells of
 * them comes here, by its functions or as text.
 */
#include "prof/preload/preload.h"

#include <string.h>

#define NOTHING UINT32_MAX

/* What a thread found last: the same access mostly follows, from the same place. A place is a line of Python, by its
 * site; of an access without one how deep the stack stands, which differs between callers mostly. */
typedef struct remembered {
    _Alignas(64) unsigned epoch; /* what is looked at is in one line of the cache */
    unsigned left;               /* of a depth: accesses until the stack is walked again */
    uintptr_t place;
    profile_access *access;
    int table;
    bool write;
    uint8_t length;
    char column[26];
} remembered;
_Static_assert(sizeof(remembered) == 64, "a way is a line of the cache");

/* The native stack is walked at the first access of a column from a depth of the stack, and then at each so many: those
 * between take the site found last. */
#define WALK_EACH 256

#define WAYS 64 /* 2^6: first_way */
#define LOOKS 4 /* at neighbouring ways: columns that are read in turn must not drive each other out */
static __thread remembered ways[WAYS] __attribute__((tls_model("initial-exec")));
static __thread unsigned replaced __attribute__((tls_model("initial-exec")));

/* Names are short: with the NUL behind them they are compared by their first and last bytes, which overlap, where a
 * call would take longer than that. */
static inline bool same_name(const char *a, const char *b, size_t length) {
    const size_t n = length + 1;
    uint64_t first[2], last[2];
    uint32_t begin[2], end[2];
    if (n < 4 || n > 16) return memcmp(a, b, n) == 0;
    if (n < 8) {
        memcpy(&begin[0], a, 4), memcpy(&begin[1], b, 4), memcpy(&end[0], a + n - 4, 4), memcpy(&end[1], b + n - 4, 4);
        return begin[0] == begin[1] && end[0] == end[1];
    }
    memcpy(&first[0], a, 8), memcpy(&first[1], b, 8), memcpy(&last[0], a + n - 8, 8), memcpy(&last[1], b + n - 8, 8);
    return first[0] == first[1] && last[0] == last[1];
}

/* A name that a way has no room for: as the segment has it. */
static __attribute__((noinline)) bool same_long_name(const remembered *way, const preload_column *of) {
    if (!way->access) return false;
    const profile_string *name = &preload_segment->string[way->access->column];
    return memcmp(preload_segment->text + name->at, of->name, of->length + 1) == 0;
}

static inline bool is_of(const remembered *way, const preload_column *of, uintptr_t place) {
    bool same = way->place == place && way->table == of->table && way->write == of->write &&
                way->length == of->length && way->epoch == preload_epoch;
    if (__builtin_expect(same && of->length >= sizeof way->column, 0)) return same_long_name(way, of);
    return same && same_name(way->column, of->name, of->length);
}

/* Where the ways of an access from a place begin: table, name and place are all mixed in, as what is read in turn
 * differs in one of them only. */
static inline unsigned first_way(const preload_column *of, uintptr_t place) {
    const size_t n = of->length + 1, part = sizeof(uint32_t);
    uint32_t begin, end;
    if (n >= part)
        memcpy(&begin, of->name, part), memcpy(&end, of->name + n - part, part);
    else
        begin = end = (unsigned char)of->name[0];
    uint64_t told = ((uint64_t)begin << 32 | end) ^ (uint64_t)(unsigned)of->table * 0x9e3779b1u ^ place << 20;
    return (unsigned)(told * 0x9e3779b97f4a7c15u >> 58);
}

/* The way that is to be an access's own from now on, with an access of NULL. */
static __attribute__((noinline)) remembered *way_for(unsigned at) {
    remembered *way = NULL;
    for (unsigned i = 0; i < LOOKS && !way; i++) {
        remembered *seen = &ways[(at + i) % WAYS];
        if (!seen->access || seen->epoch != preload_epoch) way = seen;
    }
    if (!way) way = &ways[(at + replaced++ % LOOKS) % WAYS];
    way->access = NULL;
    return way;
}

static inline remembered *way_of(const preload_column *of, uintptr_t place) {
    const unsigned at = first_way(of, place);
    for (unsigned i = 0; i < LOOKS; i++) {
        remembered *way = &ways[(at + i) % WAYS];
        if (is_of(way, of, place)) return way;
    }
    return way_for(at);
}

static __attribute__((noinline)) profile_access *learn(remembered *way, const preload_column *of, uintptr_t place,
                                                       uint32_t site, uint32_t sure) {
    uint32_t name = preload_string(of->name, of->length);
    uint32_t entry = name == NOTHING ? NOTHING : preload_access((uint32_t)of->table, name, site, sure, of->write);
    way->access = NULL;
    if (entry == NOTHING) return NULL;
    profile_access *access = &preload_segment->access[entry];
    if (of->length > UINT8_MAX) return access;
    *way = (remembered){.epoch = preload_epoch,
                        .left = WALK_EACH - 1,
                        .place = place,
                        .access = access,
                        .table = of->table,
                        .write = of->write,
                        .length = (uint8_t)of->length};
    if (of->length < sizeof way->column) memcpy(way->column, of->name, of->length + 1);
    return access;
}

/* Of an access from a line of Python. */
static profile_access *find_of_line(const preload_column *of, uint32_t site) {
    remembered *way = way_of(of, site);
    return way->access ? way->access : learn(way, of, site, site, PROFILE_SITE_EXACT);
}

/* Of an access without one. */
static __attribute__((noinline)) profile_access *find_of_depth(const preload_column *of) {
    uintptr_t place = (uintptr_t)__builtin_frame_address(0);
    remembered *way = way_of(of, place);
    if (way->access && way->left-- > 0) return way->access;
    uint32_t site = preload_native_site();
    return learn(way, of, place, site, site ? PROFILE_SITE_SAMPLED : PROFILE_SITE_UNKNOWN);
}

/* The access that an event of so many rows is about; NULL: there is no room for it. */
static profile_access *find(const preload_column *of, uint64_t rows) {
    uint32_t sure, site = 0;
    if (preload_python_runs() && !(site = preload_python_site(&sure))) site = preload_left_site();
    profile_access *access = site ? find_of_line(of, site) : find_of_depth(of);
    if (access && preload_events)
        preload_log(PROFILE_EVENT_ACCESS, (uint32_t)(access - preload_segment->access), rows, preload_now(), 0);
    return access;
}

/* What counting costs is measured at each so many accesses: not at those at which stacks are walked. */
#define TIME_EACH 251

static inline uint64_t begin_timed(void) {
    static __thread unsigned left __attribute__((tls_model("initial-exec"))) = TIME_EACH / 2;
    if (__builtin_expect(left-- > 0, 1)) return 0;
    left = TIME_EACH - 1;
    return preload_now();
}

static inline void end_timed(uint64_t start) {
    if (__builtin_expect(!start, 1)) return;
    preload_add(&preload_segment->timed_accesses, 1, false);
    preload_add(&preload_segment->timed_ns, preload_now() - start, false);
}

/* One cell: does it follow the one before? That it mostly does is not counted: what is added to takes time. Threads
 * that share an access disturb each other's runs, not the counts. */
static void count_cell(const preload_column *of, int64_t row, uint64_t elements) {
    profile_access *access = find(of, 1);
    if (!access) return;
    const bool alone = preload_own_thread.first;
    uint64_t cells = preload_add(&access->cells, 1, alone);
    preload_add(&access->elements, elements, alone);
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
        preload_add(row == before ? &access->repeated : row < before ? &access->backward : &access->skipping, 1, alone);
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
        const bool alone = preload_own_thread.first;
        preload_add(whole ? &access->whole : &access->parts, 1, alone);
        preload_add(&access->rows, rows, alone);
        preload_add(&access->elements, elements, alone);
    }
    end_timed(start);
}
