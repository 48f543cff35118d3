/* casacore_trace.c - casacore's own trace of table accesses (class TableTrace), answered by us: every access of a
 * column by any casacore of the process comes here, with table, column, rows and shape.
 *
 * Linked before casacore's own, these definitions of its functions are the ones that it calls. What they are given is
 * looked at only after a check that the objects look as casacore 3's do: String begins with a pointer to its characters
 * (both of libstdc++'s forms), IPosition is {size, 4 values, pointer to the values}.
 */
#include "prof/preload/preload.h"

#include <errno.h>
#include <string.h>

typedef struct casa_string {
    const char *text;
    size_t length; /* of libstdc++'s form since 2015 only */
} casa_string;

typedef struct casa_position {
    size_t size;
    ptrdiff_t buffer[4];
    const ptrdiff_t *data;
} casa_position;

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

/* The native stack is walked at the first access of a column, and then at each so many: those between take the site
 * found last. */
#define WALK_EACH 64

typedef struct native {
    unsigned epoch, left;
    int table;
    uint32_t site;
    bool write;
    char first, last; /* letters of the column's name, and its length: enough to tell a table's columns apart mostly */
    uint32_t length;
} native;

#define WAYS 8
static __thread remembered ways[WAYS] __attribute__((tls_model("initial-exec")));
static __thread native natives[WAYS] __attribute__((tls_model("initial-exec")));

/* ---------------------------------------------------------------- casacore's objects */

/* The characters of a String; 0 where it does not look like one. */
static size_t read_string(const casa_string *string, const char **text) {
    if (!string || !string->text) return 0;
    size_t length = strnlen(string->text, 4096);
    *text = string->text;
    if (length == 0 || length == 4096) return 0;
    if (string->length == length) return length;
    /* the older form counts before the characters: length, capacity, references */
    size_t counted;
    memcpy(&counted, string->text - 3 * sizeof(size_t), sizeof counted);
    return counted == length ? length : 0;
}

static uint64_t elements_of(const casa_position *shape) {
    uint64_t n = 1;
    if (shape->size == 0 || shape->size > 16 || !shape->data) return 0;
    for (size_t i = 0; i < shape->size; i++) n *= shape->data[i] > 0 ? (uint64_t)shape->data[i] : 0;
    return n;
}

/* A column's last axis is its rows. */
static uint64_t rows_of(const casa_position *shape) {
    if (shape->size == 0 || shape->size > 16 || !shape->data) return 0;
    ptrdiff_t last = shape->data[shape->size - 1];
    return last > 0 ? (uint64_t)last : 0;
}

static uint64_t slice_elements(const casa_position *blc, const casa_position *trc, const casa_position *inc) {
    uint64_t n = 1;
    if (blc->size == 0 || blc->size > 16 || trc->size != blc->size || !blc->data || !trc->data) return 0;
    for (size_t i = 0; i < blc->size; i++) {
        ptrdiff_t step = inc->size == blc->size && inc->data && inc->data[i] > 0 ? inc->data[i] : 1;
        ptrdiff_t length = (trc->data[i] - blc->data[i]) / step + 1;
        n *= length > 0 ? (uint64_t)length : 0;
    }
    return n;
}

/* ---------------------------------------------------------------- counting */

static void add(profile_count *counter, uint64_t n) { atomic_fetch_add_explicit(counter, n, memory_order_relaxed); }

static profile_access *find_access(int table, const char *column, size_t length, bool write, uint32_t site,
                                   uint32_t sure) {
    unsigned slot = ((unsigned)table * 31u + (unsigned)length * 7u + (unsigned char)column[0] * 5u +
                     (unsigned char)column[length - 1] + site) %
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
static uint32_t native_site(int table, const char *column, size_t length, bool write) {
    native *n = &natives[((unsigned)table * 31u + (unsigned)length * 7u + (unsigned char)column[0]) % WAYS];
    bool same = n->epoch == preload_epoch && n->table == table && n->write == write && n->first == column[0] &&
                n->last == column[length - 1] && n->length == (uint32_t)length;
    if (same && n->left-- > 0) return n->site;
    *n = (native){preload_epoch, WALK_EACH - 1,      table,           preload_native_site(), write,
                  column[0],     column[length - 1], (uint32_t)length};
    return n->site;
}

/* The access that a call is about; NULL: not counted. */
static profile_access *find(int table, const void *column, char operation) {
    const char *text = "";
    size_t length;
    if (!preload_segment || table < 0 || !(length = read_string(column, &text))) return NULL;
    uint32_t sure = PROFILE_SITE_UNKNOWN;
    uint32_t site = preload_python_site(&sure);
    if (!site && (site = preload_left_site())) sure = PROFILE_SITE_EXACT;
    if (!site && (site = native_site(table, text, length, operation == 'w'))) sure = PROFILE_SITE_SAMPLED;
    profile_access *access = find_access(table, text, length, operation == 'w', site, sure);
    if (!access) return NULL;
    add(&preload_segment->accesses_counted, 1);
    add(&access->calls, 1);
    return access;
}

/* One cell: does it follow the one before? Threads that share an access disturb each other's runs, not the counts. */
static void count_cell(profile_access *access, int64_t row, uint64_t elements) {
    int64_t before = atomic_exchange_explicit(&access->last_row, row, memory_order_relaxed);
    add(&access->cells, 1);
    add(&access->rows, 1);
    add(&access->elements, elements);
    if (before < 0) {
        atomic_store_explicit(&access->first_row, row, memory_order_relaxed);
        return;
    }
    if (row == before + 1) {
        add(&access->following, 1);
        uint64_t run = (uint64_t)atomic_fetch_add_explicit(&access->run, 1, memory_order_relaxed) + 2;
        if (run > atomic_load_explicit(&access->longest, memory_order_relaxed))
            atomic_store_explicit(&access->longest, run, memory_order_relaxed);
        return;
    }
    atomic_store_explicit(&access->run, 0, memory_order_relaxed);
    if (row == before)
        add(&access->repeated, 1);
    else if (row < before)
        add(&access->backward, 1);
}

static void count_many(profile_access *access, profile_count *kind, uint64_t rows, uint64_t elements) {
    add(kind, 1);
    add(&access->rows, rows);
    add(&access->elements, elements);
}

/* ---------------------------------------------------------------- TableTrace, by its mangled names */

#define TRACE(name) _ZN8casacore10TableTrace##name

int TRACE(10traceTableERKNS_6StringEc)(const void *name, char operation);
int TRACE(11traceColumnERKNS_10ColumnDescE)(const void *description);
void TRACE(10traceCloseERKNS_6StringE)(const void *name);
void TRACE(9traceFileEiRKNS_6StringE)(int table, const void *operation);
void TRACE(13traceRefTableERKNS_6StringEc)(const void *parent, char operation);
void TRACE(5traceEiRKNS_6StringEc)(int table, const void *column, char operation);
void TRACE(5traceEiRKNS_6StringEcx)(int table, const void *column, char operation, long long row);
void TRACE(5traceEiRKNS_6StringEcRKNS_7RefRowsE)(int table, const void *column, char operation, const void *rows);
void TRACE(5traceEiRKNS_6StringEcRKNS_9IPositionE)(int table, const void *column, char operation, const void *shape);
void TRACE(5traceEiRKNS_6StringEcxRKNS_9IPositionE)(int table, const void *column, char operation, long long row,
                                                    const void *shape);
void TRACE(5traceEiRKNS_6StringEcRKNS_7RefRowsERKNS_9IPositionE)(int table, const void *column, char operation,
                                                                 const void *rows, const void *shape);
void TRACE(5traceEiRKNS_6StringEcRKNS_9IPositionES6_S6_S6_)(int table, const void *column, char operation,
                                                            const void *shape, const void *blc, const void *trc,
                                                            const void *inc);
void TRACE(5traceEiRKNS_6StringEcxRKNS_9IPositionES6_S6_S6_)(int table, const void *column, char operation,
                                                             long long row, const void *shape, const void *blc,
                                                             const void *trc, const void *inc);
void TRACE(5traceEiRKNS_6StringEcRKNS_7RefRowsERKNS_9IPositionES9_S9_S9_)(int table, const void *column, char operation,
                                                                          const void *rows, const void *shape,
                                                                          const void *blc, const void *trc,
                                                                          const void *inc);

/* The number that casacore keeps for a table: its name's in the segment. -1: nothing of it is told. */
PRELOAD_EXPORT int TRACE(10traceTableERKNS_6StringEc)(const void *name, char operation) {
    const char *text = "";
    int kept = errno;
    (void)operation;
    if (!preload_attach()) return -1;
    size_t length = read_string(name, &text);
    profile_process *process = &preload_segment->process[preload_process()];
    atomic_store(&process->seen, length ? PROFILE_SEEN_TRACE : PROFILE_SEEN_STRANGER);
    uint32_t index = length ? preload_string(text, length) : NOTHING;
    errno = kept;
    return index == NOTHING ? -1 : (int)index;
}

/* Both reads and writes of every column. */
PRELOAD_EXPORT int TRACE(11traceColumnERKNS_10ColumnDescE)(const void *description) {
    (void)description;
    return preload_segment ? 3 : 0;
}

PRELOAD_EXPORT void TRACE(10traceCloseERKNS_6StringE)(const void *name) { (void)name; }
PRELOAD_EXPORT void TRACE(9traceFileEiRKNS_6StringE)(int table, const void *operation) {
    (void)table;
    (void)operation;
}
PRELOAD_EXPORT void TRACE(13traceRefTableERKNS_6StringEc)(const void *parent, char operation) {
    (void)parent;
    (void)operation;
}

/* A whole column of scalars. */
PRELOAD_EXPORT void TRACE(5traceEiRKNS_6StringEc)(int table, const void *column, char operation) {
    profile_access *access = find(table, column, operation);
    if (access) count_many(access, &access->whole, 0, 0);
}

PRELOAD_EXPORT void TRACE(5traceEiRKNS_6StringEcx)(int table, const void *column, char operation, long long row) {
    profile_access *access = find(table, column, operation);
    if (access) count_cell(access, row, 1);
}

/* RefRows differ between versions of casacore: how many rows of scalars it names is not known. */
PRELOAD_EXPORT void TRACE(5traceEiRKNS_6StringEcRKNS_7RefRowsE)(int table, const void *column, char operation,
                                                                const void *rows) {
    profile_access *access = find(table, column, operation);
    (void)rows;
    if (access) count_many(access, &access->parts, 0, 0);
}

PRELOAD_EXPORT void TRACE(5traceEiRKNS_6StringEcRKNS_9IPositionE)(int table, const void *column, char operation,
                                                                  const void *shape) {
    profile_access *access = find(table, column, operation);
    if (access) count_many(access, &access->whole, rows_of(shape), elements_of(shape));
}

PRELOAD_EXPORT void TRACE(5traceEiRKNS_6StringEcxRKNS_9IPositionE)(int table, const void *column, char operation,
                                                                   long long row, const void *shape) {
    profile_access *access = find(table, column, operation);
    if (access) count_cell(access, row, elements_of(shape));
}

PRELOAD_EXPORT void TRACE(5traceEiRKNS_6StringEcRKNS_7RefRowsERKNS_9IPositionE)(int table, const void *column,
                                                                                char operation, const void *rows,
                                                                                const void *shape) {
    profile_access *access = find(table, column, operation);
    (void)rows;
    if (access) count_many(access, &access->parts, rows_of(shape), elements_of(shape));
}

PRELOAD_EXPORT void TRACE(5traceEiRKNS_6StringEcRKNS_9IPositionES6_S6_S6_)(int table, const void *column,
                                                                           char operation, const void *shape,
                                                                           const void *blc, const void *trc,
                                                                           const void *inc) {
    profile_access *access = find(table, column, operation);
    if (access) count_many(access, &access->parts, rows_of(shape), rows_of(shape) * slice_elements(blc, trc, inc));
}

PRELOAD_EXPORT void TRACE(5traceEiRKNS_6StringEcxRKNS_9IPositionES6_S6_S6_)(int table, const void *column,
                                                                            char operation, long long row,
                                                                            const void *shape, const void *blc,
                                                                            const void *trc, const void *inc) {
    profile_access *access = find(table, column, operation);
    (void)shape;
    if (access) count_cell(access, row, slice_elements(blc, trc, inc));
}

PRELOAD_EXPORT void TRACE(5traceEiRKNS_6StringEcRKNS_7RefRowsERKNS_9IPositionES9_S9_S9_)(
    int table, const void *column, char operation, const void *rows, const void *shape, const void *blc,
    const void *trc, const void *inc) {
    profile_access *access = find(table, column, operation);
    (void)rows;
    if (access) count_many(access, &access->parts, rows_of(shape), rows_of(shape) * slice_elements(blc, trc, inc));
}
