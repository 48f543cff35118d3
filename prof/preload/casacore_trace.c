/* casacore_trace.c - casacore's own trace of table accesses (class TableTrace), answered by us: every access of a
 * column by any casacore of the process comes here, with table, column, rows and shape.
 *
 * Linked before casacore's own, these definitions of its functions are the ones that it calls. What they are given is
 * looked at only where the library is one of those that this was tried with, has all of these functions itself, and
 * gives strings that look as casacore 3's do: String begins with a pointer to its characters (both of libstdc++'s
 * forms), IPosition is {size, 4 values, pointer to the values}. Any other library's calls are handed back to its own
 * functions, which write their text (text_trace.c).
 */
#include "prof/preload/preload.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <sched.h>
#include <stdlib.h>
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

/* ---------------------------------------------------------------- casacore's objects */

/* A casacore of this process has the older form: a string's length must be looked for. */
static _Atomic bool old_forms;

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
    if (counted != length) return 0;
    atomic_store_explicit(&old_forms, true, memory_order_relaxed);
    return length;
}

/* The same of a casacore that has named a table, by which its form is known. */
static inline size_t read_known(const casa_string *string, const char **text) {
    const size_t most = 4096;
    bool known = !atomic_load_explicit(&old_forms, memory_order_relaxed) && string && string->text;
    if (!known || string->length - 1 >= most - 1 || string->text[string->length]) return read_string(string, text);
    *text = string->text;
    return string->length;
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

/* ---------------------------------------------------------------- whose functions */

enum {
    TABLE,
    COLUMN,
    CLOSE,
    FILE_OPERATION,
    REFERENCE,
    ALL,
    ROW,
    ROWS,
    ALL_SHAPE,
    ROW_SHAPE,
    ROWS_SHAPE,
    ALL_PART,
    ROW_PART,
    ROWS_PART,
    FUNCTIONS
};

#define NAME(name) "_ZN8casacore10TableTrace" #name

static const char *const names[FUNCTIONS] = {
    [TABLE] = NAME(10traceTableERKNS_6StringEc),
    [COLUMN] = NAME(11traceColumnERKNS_10ColumnDescE),
    [CLOSE] = NAME(10traceCloseERKNS_6StringE),
    [FILE_OPERATION] = NAME(9traceFileEiRKNS_6StringE),
    [REFERENCE] = NAME(13traceRefTableERKNS_6StringEc),
    [ALL] = NAME(5traceEiRKNS_6StringEc),
    [ROW] = NAME(5traceEiRKNS_6StringEcx),
    [ROWS] = NAME(5traceEiRKNS_6StringEcRKNS_7RefRowsE),
    [ALL_SHAPE] = NAME(5traceEiRKNS_6StringEcRKNS_9IPositionE),
    [ROW_SHAPE] = NAME(5traceEiRKNS_6StringEcxRKNS_9IPositionE),
    [ROWS_SHAPE] = NAME(5traceEiRKNS_6StringEcRKNS_7RefRowsERKNS_9IPositionE),
    [ALL_PART] = NAME(5traceEiRKNS_6StringEcRKNS_9IPositionES6_S6_S6_),
    [ROW_PART] = NAME(5traceEiRKNS_6StringEcxRKNS_9IPositionES6_S6_S6_),
    [ROWS_PART] = NAME(5traceEiRKNS_6StringEcRKNS_7RefRowsERKNS_9IPositionES9_S9_S9_),
};

/* A casacore of this process. */
typedef struct casacore_library {
    _Atomic(const void *) base;
    bool text; /* its calls are handed back */
    void *own[FUNCTIONS];
} casacore_library;

#define LIBRARIES 8
static casacore_library libraries[LIBRARIES];
static _Atomic int learning;
static _Atomic int text_libraries;

/* Interfaces of libcasa_tables that this was tried with: casacore 3.5 of Debian; CASA 6.7 and DP3 6.6; python-casacore
 * 3.8. */
static bool is_tried(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *version = strstr(name, ".so.");
    if (strncmp(name, "libcasa_tables", 14) != 0 || !version) return false;
    long number = strtol(version + 4, NULL, 10);
    return number >= 7 && number <= 9;
}

/* Its own functions. False: it lacks one, by these names. */
static bool find_own(casacore_library *library, const preload_library *about) {
    preload_library found;
    bool all = true;
    void *handle = dlopen(about->path, RTLD_LAZY | RTLD_NOLOAD);
    for (int i = 0; handle && i < FUNCTIONS; i++) {
        void *own = dlsym(handle, names[i]);
        if (own && preload_library_at(own, &found) && found.base == about->base)
            library->own[i] = own;
        else
            all = false;
    }
    return handle && all;
}

/* The library that an address of code is in; NULL: there is no room for it, or another thread looks at it. */
static casacore_library *library_at(const void *address, bool learn) {
    preload_library about;
    if (!preload_library_at(address, &about)) return NULL;
    for (int i = 0; i < LIBRARIES; i++) {
        const void *base = atomic_load_explicit(&libraries[i].base, memory_order_acquire);
        if (base == about.base) return &libraries[i];
        if (base || !learn) continue;
        if (atomic_exchange(&learning, 1)) return NULL;
        casacore_library *made = &libraries[i];
        bool whole = find_own(made, &about);
        made->text = !whole || preload_wants_text() || !is_tried(about.path);
        if (made->text) atomic_fetch_add(&text_libraries, 1);
        atomic_store_explicit(&made->base, about.base, memory_order_release);
        atomic_store(&learning, 0);
        return made;
    }
    return NULL;
}

/* casacores that were loaded: bases of the libraries whose names begin as that of its tables does, and how many parts
 * of another name there are, which read settings. */
typedef struct loaded_libraries {
    const void *tables[LIBRARIES];
    int n, readers;
} loaded_libraries;

static int visit(struct dl_phdr_info *info, size_t size, void *state) {
    loaded_libraries *loaded = state;
    const char *slash = strrchr(info->dlpi_name, '/'), *name = slash ? slash + 1 : info->dlpi_name;
    (void)size;
    if (strncmp(name, "libcasa_casa", 12) == 0) loaded->readers++;
    if (strncmp(name, "libcasa_tables", 14) != 0) return 0;
    if (loaded->n == LIBRARIES) return 1;
    loaded->tables[loaded->n++] = (const void *)info->dlpi_addr;
    return 0;
}

bool preload_needs_text(void) {
    loaded_libraries loaded = {.n = 0};
    if (dl_iterate_phdr(visit, &loaded) || loaded.n == 0 || loaded.readers > loaded.n) return true;
    for (int i = 0; i < loaded.n; i++) {
        const casacore_library *library = library_at(loaded.tables[i], true);
        if (!library || library->text) return true;
    }
    return false;
}

/* A casacore that has read its settings without ours reads them again. */
static void read_settings_again(const casacore_library *library) {
    preload_library about;
    bool found_it = preload_library_at(atomic_load(&library->base), &about);
    void *handle = found_it ? dlopen(about.path, RTLD_LAZY | RTLD_NOLOAD) : NULL;
    void *found = handle ? dlsym(handle, "_ZN8casacore6Aipsrc6reReadEv") : NULL;
    double (*again)(void) = NULL;
    memcpy(&again, &found, sizeof found);
    if (again) again();
}

/* What templates compiled into programs call is the first such library's. */
static casacore_library *find_caller(const void *address) {
    casacore_library *library = library_at(address, false);
    for (int i = 0; !library && i < LIBRARIES; i++)
        if (libraries[i].base && libraries[i].text) library = &libraries[i];
    return library;
}

/* Of addresses that calls came from: looking one up takes 20 us, for a library with so many names, and each column of
 * each table that is opened asks. */
#define CALLERS 64
#define CALLERS_LOOKED_AT 8
static struct {
    _Atomic(const void *) address;
    _Atomic(casacore_library *) library;
} callers[CALLERS];

/* The library that a call comes from; NULL: it is none's. opens: the call is one by which a library is got to know. */
static casacore_library *library_of(const void *address, bool opens) {
    size_t at = (size_t)((uintptr_t)address * 0x9e3779b97f4a7c15u >> 58);
    for (int i = 0; i < CALLERS_LOOKED_AT; i++, at = (at + 1) % CALLERS) {
        const void *seen = atomic_load_explicit(&callers[at].address, memory_order_relaxed);
        if (!seen && atomic_compare_exchange_strong(&callers[at].address, &seen, address)) seen = address;
        if (seen != address) continue;
        casacore_library *library = atomic_load_explicit(&callers[at].library, memory_order_acquire);
        if (!library) {
            library = opens ? library_at(address, true) : find_caller(address);
            atomic_store_explicit(&callers[at].library, library, memory_order_release);
        }
        return library;
    }
    return opens ? library_at(address, true) : find_caller(address);
}

/* The own function of the library that a call comes from, where its calls are handed back; else NULL. */
static void *own_function(int which, const void *address) {
    const casacore_library *library = library_of(address, false);
    return library && library->text ? library->own[which] : NULL;
}

#define OWN(which, name)                                                                                               \
    (__builtin_expect(atomic_load_explicit(&text_libraries, memory_order_relaxed), 0)                                  \
         ? (__extension__(__typeof__(&TRACE(name))) own_function(which, __builtin_return_address(0)))                  \
         : NULL)

/* casacore's text has no lock: its threads would write into each other's lines, and into each other's memory. In a
 * child of fork the lock of a thread that is not there counts for nothing. */
static _Atomic unsigned writing; /* epoch + 1 */

static void begin_text(void) {
    unsigned own = preload_epoch + 1, seen = 0;
    while (!atomic_compare_exchange_strong(&writing, &seen, own))
        if (seen == own) {
            seen = 0;
            sched_yield();
        }
}

static void end_text(void) { atomic_store(&writing, 0); }

#define HAND_BACK(which, name, arguments)                                                                              \
    do {                                                                                                               \
        __typeof__(&TRACE(name)) own = OWN(which, name);                                                               \
        if (own) {                                                                                                     \
            begin_text();                                                                                              \
            own arguments;                                                                                             \
            end_text();                                                                                                \
            return;                                                                                                    \
        }                                                                                                              \
    } while (0)

/* ---------------------------------------------------------------- what they are called for */

static void set_seen(uint32_t seen) {
    profile_process *process = &preload_segment->process[preload_process()];
    if (atomic_load(&process->seen) != PROFILE_SEEN_TEXT) atomic_store(&process->seen, seen);
}

/* The number that casacore keeps for a table: its name's in the segment. -1: nothing of it is told. */
PRELOAD_EXPORT int TRACE(10traceTableERKNS_6StringEc)(const void *name, char operation) {
    const char *text = "";
    int kept = errno;
    if (!preload_attach()) return -1;
    casacore_library *library = library_of(__builtin_return_address(0), true);
    size_t length = library && !library->text ? read_string(name, &text) : 0;
    if (library && !library->text && !length) { /* what it has told of others so far is of strings that were fine */
        library->text = true;
        atomic_fetch_add(&text_libraries, 1);
        read_settings_again(library);
    }
    set_seen(length ? PROFILE_SEEN_TRACE : PROFILE_SEEN_STRANGER);
    if (!length) {
        errno = kept;
        __typeof__(&TRACE(10traceTableERKNS_6StringEc)) own =
            library ? (__extension__(__typeof__(&TRACE(10traceTableERKNS_6StringEc))) library->own[TABLE]) : NULL;
        return own ? own(name, operation) : -1;
    }
    uint32_t index = preload_string(text, length);
    errno = kept;
    return index == NOTHING ? -1 : (int)index;
}

/* Both reads and writes of every column. Of a new table it is asked before the table. */
PRELOAD_EXPORT int TRACE(11traceColumnERKNS_10ColumnDescE)(const void *description) {
    int kept = errno;
    if (!preload_attach()) return 0;
    const casacore_library *library = library_of(__builtin_return_address(0), true);
    __typeof__(&TRACE(11traceColumnERKNS_10ColumnDescE)) own =
        library && library->text
            ? (__extension__(__typeof__(&TRACE(11traceColumnERKNS_10ColumnDescE))) library->own[COLUMN])
            : NULL;
    errno = kept;
    return own ? own(description) : 3;
}

PRELOAD_EXPORT void TRACE(10traceCloseERKNS_6StringE)(const void *name) {
    HAND_BACK(CLOSE, 10traceCloseERKNS_6StringE, (name));
}
PRELOAD_EXPORT
void TRACE(9traceFileEiRKNS_6StringE)(int table, const void *operation) {
    HAND_BACK(FILE_OPERATION, 9traceFileEiRKNS_6StringE, (table, operation));
}
PRELOAD_EXPORT
void TRACE(13traceRefTableERKNS_6StringEc)(const void *parent, char operation) {
    HAND_BACK(REFERENCE, 13traceRefTableERKNS_6StringEc, (parent, operation));
}

/* The column that a call is about; false: it is not counted. */
static inline bool find_column(int table, const void *column, char operation, preload_column *of, const void *from) {
    *of = (preload_column){.table = table, .write = operation == 'w'};
    preload_traced_from(from);
    return preload_segment && table >= 0 && (of->length = read_known(column, &of->name)) > 0;
}
#define column_of(table, column, operation, of) find_column(table, column, operation, of, __builtin_return_address(0))

/* A whole column of scalars. */
PRELOAD_EXPORT void TRACE(5traceEiRKNS_6StringEc)(int table, const void *column, char operation) {
    preload_column of;
    HAND_BACK(ALL, 5traceEiRKNS_6StringEc, (table, column, operation));
    if (column_of(table, column, operation, &of)) preload_count_rows(&of, true, 0, 0);
}

PRELOAD_EXPORT void TRACE(5traceEiRKNS_6StringEcx)(int table, const void *column, char operation, long long row) {
    preload_column of;
    HAND_BACK(ROW, 5traceEiRKNS_6StringEcx, (table, column, operation, row));
    if (column_of(table, column, operation, &of)) preload_count_cell(&of, row, 1);
}

/* RefRows differ between versions of casacore: how many rows of scalars it names is not known. */
PRELOAD_EXPORT void TRACE(5traceEiRKNS_6StringEcRKNS_7RefRowsE)(int table, const void *column, char operation,
                                                                const void *rows) {
    preload_column of;
    HAND_BACK(ROWS, 5traceEiRKNS_6StringEcRKNS_7RefRowsE, (table, column, operation, rows));
    if (column_of(table, column, operation, &of)) preload_count_rows(&of, false, 0, 0);
}

PRELOAD_EXPORT void TRACE(5traceEiRKNS_6StringEcRKNS_9IPositionE)(int table, const void *column, char operation,
                                                                  const void *shape) {
    preload_column of;
    HAND_BACK(ALL_SHAPE, 5traceEiRKNS_6StringEcRKNS_9IPositionE, (table, column, operation, shape));
    if (column_of(table, column, operation, &of)) preload_count_rows(&of, true, rows_of(shape), elements_of(shape));
}

PRELOAD_EXPORT void TRACE(5traceEiRKNS_6StringEcxRKNS_9IPositionE)(int table, const void *column, char operation,
                                                                   long long row, const void *shape) {
    preload_column of;
    HAND_BACK(ROW_SHAPE, 5traceEiRKNS_6StringEcxRKNS_9IPositionE, (table, column, operation, row, shape));
    if (column_of(table, column, operation, &of)) preload_count_cell(&of, row, elements_of(shape));
}

PRELOAD_EXPORT void TRACE(5traceEiRKNS_6StringEcRKNS_7RefRowsERKNS_9IPositionE)(int table, const void *column,
                                                                                char operation, const void *rows,
                                                                                const void *shape) {
    preload_column of;
    HAND_BACK(ROWS_SHAPE, 5traceEiRKNS_6StringEcRKNS_7RefRowsERKNS_9IPositionE,
              (table, column, operation, rows, shape));
    if (column_of(table, column, operation, &of)) preload_count_rows(&of, false, rows_of(shape), elements_of(shape));
}

PRELOAD_EXPORT void TRACE(5traceEiRKNS_6StringEcRKNS_9IPositionES6_S6_S6_)(int table, const void *column,
                                                                           char operation, const void *shape,
                                                                           const void *blc, const void *trc,
                                                                           const void *inc) {
    preload_column of;
    HAND_BACK(ALL_PART, 5traceEiRKNS_6StringEcRKNS_9IPositionES6_S6_S6_,
              (table, column, operation, shape, blc, trc, inc));
    if (column_of(table, column, operation, &of))
        preload_count_rows(&of, false, rows_of(shape), rows_of(shape) * slice_elements(blc, trc, inc));
}

PRELOAD_EXPORT void TRACE(5traceEiRKNS_6StringEcxRKNS_9IPositionES6_S6_S6_)(int table, const void *column,
                                                                            char operation, long long row,
                                                                            const void *shape, const void *blc,
                                                                            const void *trc, const void *inc) {
    preload_column of;
    HAND_BACK(ROW_PART, 5traceEiRKNS_6StringEcxRKNS_9IPositionES6_S6_S6_,
              (table, column, operation, row, shape, blc, trc, inc));
    if (column_of(table, column, operation, &of)) preload_count_cell(&of, row, slice_elements(blc, trc, inc));
}

PRELOAD_EXPORT void TRACE(5traceEiRKNS_6StringEcRKNS_7RefRowsERKNS_9IPositionES9_S9_S9_)(
    int table, const void *column, char operation, const void *rows, const void *shape, const void *blc,
    const void *trc, const void *inc) {
    preload_column of;
    HAND_BACK(ROWS_PART, 5traceEiRKNS_6StringEcRKNS_7RefRowsERKNS_9IPositionES9_S9_S9_,
              (table, column, operation, rows, shape, blc, trc, inc));
    if (column_of(table, column, operation, &of))
        preload_count_rows(&of, false, rows_of(shape), rows_of(shape) * slice_elements(blc, trc, inc));
}
