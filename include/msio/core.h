/* core.h - status codes, errors, element types and versions: what every other msio header needs.
 *
 * Threads: every function here may be called from any thread at any time.
 */
#ifndef MSIO_CORE_H
#define MSIO_CORE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MSIO_VERSION_MAJOR 0
#define MSIO_VERSION_MINOR 1
#define MSIO_VERSION_PATCH 0
#define MSIO_VERSION_STRING "0.1.0"

#if defined(__GNUC__)
#define MSIO_API __attribute__((visibility("default")))
#else
#define MSIO_API
#endif

/* The outcome of a call. Everything but MSIO_OK and MSIO_END is an error, and leaves a record that
 * msio_last_error() returns; results behind out-pointers are then untouched unless the call says otherwise. */
typedef enum msio_status {
    MSIO_OK = 0,
    MSIO_END = 1,            /* a stream has no further batch; not an error */
    MSIO_E_ARGUMENT = -1,    /* an argument contradicts its description: a caller's mistake */
    MSIO_E_MEMORY = -2,      /* no memory, or a size that cannot be represented */
    MSIO_E_NOT_FOUND = -3,   /* no table, file, or subtable of that name */
    MSIO_E_IO = -4,          /* the system refused a read, a stat, a lock; errno is in the record */
    MSIO_E_FORMAT = -5,      /* the file contradicts its format: damaged, or not what it claims to be */
    MSIO_E_UNSUPPORTED = -6, /* sound, but nothing here can read it (a manager nobody knows, ...) */
    MSIO_E_NO_COLUMN = -7,   /* the table has no column of that name */
    MSIO_E_RANGE = -8,       /* rows, channels or correlations beyond what there is */
    MSIO_E_SHAPE = -9,       /* a dense result was asked for and the wanted cells differ in shape */
    MSIO_E_UNDEFINED = -10,  /* a wanted cell was never written */
    MSIO_E_SIZE = -11,       /* the caller's memory is too small for the answer */
    MSIO_E_LOCKED = -12,     /* another process kept its write lock longer than the time limit */
    MSIO_E_CHANGED = -13,    /* the table changed while it was read, also when tried again */
    MSIO_E_CANCELLED = -14,  /* the caller's progress function asked to stop */
    MSIO_E_CASACORE = -15,   /* casacore is needed and missing, or it threw: its words are in the message */
    MSIO_E_INTERRUPTED = -16 /* a wanted cell may be half new: a write was cut short there; msio_repair mends it */
} msio_status;

/* What went wrong last in this thread. The strings belong to the record and live until this thread's next
 * msio call fails. */
typedef struct msio_error {
    msio_status code;
    int sys_errno;       /* errno where the system refused, else 0 */
    const char *path;    /* the file or table concerned, "" where none is */
    const char *message; /* one sentence: what was asked or found, where, and what to do */
} msio_error;

/* The record of this thread's last failed call; never NULL (code MSIO_OK when nothing failed yet). */
MSIO_API const msio_error *msio_last_error(void);

/* "E_SHAPE" for MSIO_E_SHAPE and so on; "UNKNOWN" for anything else. Static. */
MSIO_API const char *msio_status_name(msio_status status);

/* The library's version, "0.1.0". Static. */
MSIO_API const char *msio_version(void);

/* ---------------------------------------------------------------- paths */

#define MSIO_PATH_BYTES 4096

/* What every call that opens a table or file does with its path, as casacore does: `~` at its begin becomes HOME,
 * `~user` that user's home, and in each name between slashes `${NAME}`, or `$NAME` up to the slash, the environment
 * variable, which may name others. What is not set, or not known, stays as it is. A path at which something exists is
 * left alone: a file named `$x` is opened as that. expanded: with its end, MSIO_PATH_BYTES. Errors: MSIO_E_ARGUMENT
 * (too long, or a variable that stands for itself). */
MSIO_API msio_status msio_path_expand(const char *path, char expanded[MSIO_PATH_BYTES]);

/* Element types: those of casacore columns, and what HDF5 datasets have beside them. */
typedef enum msio_type {
    MSIO_BOOL = 0, /* delivered as one byte, 0 or 1 */
    MSIO_CHAR = 1, /* signed, 8 bits; HDF5 only, as MSIO_UINT64 */
    MSIO_UCHAR = 2,
    MSIO_SHORT = 3,
    MSIO_USHORT = 4,
    MSIO_INT = 5,
    MSIO_UINT = 6,
    MSIO_FLOAT = 7,
    MSIO_DOUBLE = 8,
    MSIO_COMPLEX = 9,   /* two floats: real, imaginary */
    MSIO_DCOMPLEX = 10, /* two doubles */
    MSIO_STRING = 11,   /* delivered as bytes and offsets, never as elements */
    MSIO_TABLE = 12,    /* keywords only */
    MSIO_RECORD = 25,   /* keywords, and record columns (which are not read) */
    MSIO_INT64 = 29,
    MSIO_UINT64 = 64 /* casacore has none */
} msio_type;

/* Bytes of one delivered element: 1 for MSIO_BOOL, 8 for MSIO_COMPLEX; 0 for strings, records, tables. */
MSIO_API size_t msio_type_size(msio_type type);

/* casacore's name of the type: "Bool", "uChar", "Float", "DComplex", ...; "unknown" for anything else. Static. */
MSIO_API const char *msio_type_name(msio_type type);

/* Most axes of a cell that msio handles; casacore's own tables stay far below it. */
#define MSIO_MAX_NDIM 8

/* Result memory: what msio_*_new calls hand out comes from a process-wide pool of huge-page memory, and is kept
 * there for reuse after it was given back, up to a limit (default: 1 GiB, or a quarter of the physical memory if that
 * is less; 0 keeps nothing). Setting a lower limit frees at once what is over it. */
MSIO_API void msio_pool_set_limit(size_t bytes);
/* Bytes that the pool keeps for reuse now (not those in use). */
MSIO_API size_t msio_pool_kept(void);
/* Memory of at least `bytes` from the pool, aligned to 2 MiB where it is that large and to 64 bytes else; contents are
 * unspecified; NULL when there is none or bytes is 0. */
MSIO_API void *msio_pool_take(size_t bytes);
/* Gives back memory of msio_pool_take; takes NULL. */
MSIO_API void msio_pool_give(void *memory);

#ifdef __cplusplus
}
#endif
#endif
