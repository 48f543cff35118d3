/* extension.h - what the files of the Python extension share: errors, arrays, selections. */
#ifndef MSIO_PYTHON_EXTENSION_H
#define MSIO_PYTHON_EXTENSION_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define NPY_NO_DEPRECATED_API NPY_1_22_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL msio_numpy
#ifndef MSIO_IMPORTS_NUMPY
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>

#include "msio/msio.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

/* ---------------------------------------------------------------- errors (pyerrors.c) */

/* Loads the exception classes of msio/_errors.py. -1 with an exception set. */
int py_errors_init(void);
/* Sets the exception of this thread's last failed call, unless one is set already (a signal handler's). Always NULL. */
PyObject *py_fail(void);

/* ---------------------------------------------------------------- long reads (pyerrors.c) */

/* What a read polls, so that Ctrl-C ends it: PY_BE_PATIENT gives py_poll and one of these as progress and user. */
typedef struct py_patience {
    unsigned long thread; /* that called: signal handlers run in the main thread only */
    double next;          /* s: when to look again */
    PyObject *told;       /* a Python callable (done, total), or NULL */
} py_patience;
/* told: None or NULL where nobody wants to hear of it. */
void py_patience_begin(py_patience *patience, PyObject *told);
#define PY_BE_PATIENT(opts, patience, told)                                                                            \
    (py_patience_begin(&(patience), (told)), (void)((opts).progress = py_poll), (void)((opts).user = &(patience)))
/* What calls begin with: Ctrl-C also ends this thread's waits for a lock, from now on, and views that broke are told.
 */
void py_watch_waits(void);
int py_poll(void *patience, int64_t done, int64_t total);

/* ---------------------------------------------------------------- filters (pydatasets.c) */

/* Tells msio's HDF5 library, at the first call, where the plugins of hdf5plugin are. Before reads of HDF5 files. */
void py_offer_plugins(void);

/* ---------------------------------------------------------------- arrays (pyarrays.c) */

/* numpy's type number; -1 for strings and records. */
int py_type_number(msio_type type);
/* An array over memory that `owner` keeps alive (a reference to it is taken); NULL with an exception set. */
PyObject *py_array_over(msio_type type, int ndim, const int64_t *shape, void *data, PyObject *owner);
/* An array that owns memory of msio's pool, and gives it back when it is collected; also when this fails. */
PyObject *py_array_adopt(msio_type type, int ndim, const int64_t *shape, void *data);
/* A copy of constant values; NULL values: None. */
PyObject *py_array_copy(msio_type type, int ndim, const int64_t *shape, const void *values);
/* A one-dimensional copy. */
PyObject *py_list_copy(msio_type type, int64_t count, const void *values);
/* A tuple of integers. */
PyObject *py_shape(int ndim, const int64_t *shape);
/* Text of a table: UTF-8 where it is, else each byte a character. NULL text: None. */
PyObject *py_text(const char *text);
PyObject *py_text_of(const char *text, Py_ssize_t length);

/* Whether a caller's array can take an answer as it is: nothing is broadcast or converted. -1 with an exception set. */
int py_check_out(PyObject *out, msio_type type, int ndim, const int64_t *shape);
/* A column's name as C has it, as long as the str lives. NULL with an exception set. */
const char *py_name(PyObject *name);
/* Those of a tuple, which they live as long as; PyMem_Free it. NULL with an exception set. */
const char **py_names(PyObject *names);

/* A value of a record (keywords): numbers, strings, arrays, dicts. */
PyObject *py_record(const msio_record *record);
PyObject *py_field(const msio_field *field);

/* ---------------------------------------------------------------- selections (pyarrays.c) */

/* A selection made of Python's arguments. */
typedef struct py_selection {
    msio_select select;
    PyObject *list; /* behind select.row_list */
    bool one_row;   /* an integer was given: the answer has no axis of rows */
} py_selection;

/* rows: None, a slice, an integer, integers, or a mask; total: of the table. -1 with an exception set. */
int py_select_rows(py_selection *selection, PyObject *rows, int64_t total);
/* An axis: None, a slice or an integer counted in `size` elements. -1 with an exception set. */
int py_select_axis(PyObject *wanted, int64_t size, const char *what, int64_t *start, int64_t *count, int64_t *step);
void py_selection_free(py_selection *selection);

/* Sets a dict's item and gives the value up. -1 with an exception set, also where value is NULL. */
int py_put(PyObject *dict, const char *key, PyObject *value);

/* Paths of Python: one, or a sequence of them. -1 with an exception set. */
typedef struct py_paths {
    int n;
    const char **path;
    PyObject *bytes; /* a list behind them */
} py_paths;
int py_paths_take(py_paths *paths, PyObject *given);
void py_paths_free(py_paths *paths); /* takes zeros */

/* A sequence as an array of one axis of that type, which *array owns; None leaves it as it is. -1 with an exception
 * set. */
int py_take_integers(PyObject *given, int type, PyObject **array);
/* Such an array of int32 and its length; NULL and 0 where there is none. */
const int32_t *py_integers_of(PyObject *array, int *n);

/* A group as the library has it: paths with numbers of subbands, and numbers of those that are missing. */
typedef struct py_group {
    bool given; /* false: the paths are a list */
    msio_group group;
    msio_group_file *file;
    PyObject *numbers, *missing; /* int32 arrays */
} py_group;
/* numbers None: no group. Paths and time outlive it. -1 with an exception set; to be freed in any case. */
int py_group_take(py_group *group, const py_paths *paths, const char *time, PyObject *numbers, PyObject *missing);
void py_group_free(py_group *group); /* takes zeros */

/* ---------------------------------------------------------------- breakdowns (pyflags.c) */

/* Adds MSIO_FLAGS_BY_... of a sequence of names. -1 with an exception set. */
int py_take_breakdowns(PyObject *names, unsigned *by);
/* The name of one. Static. */
const char *py_breakdown_name(unsigned by);

/* ---------------------------------------------------------------- callers (pycaller.c) */

/* The file (bytes; a new reference) and the line of the program that calls: the innermost frame that is neither of this
 * package nor of python-casacore. NULL, without an exception, where there is none. */
PyObject *py_caller(int *line);

/* ---------------------------------------------------------------- types */

/* A table (pytable.c). Calls of other threads may be under way when it is closed: the last one closes. */
typedef struct py_table {
    PyObject ob_base;
    msio_table *table; /* NULL once closed */
    int users;         /* calls under way, and readers of cells; under the GIL */
    bool closing;
} py_table;
int py_table_init(PyObject *module);
/* The table, for a call that py_table_leave ends; NULL with an exception set once it is closed. */
msio_table *py_table_enter(py_table *self);
void py_table_leave(py_table *self);

/* A column by its name; NULL with an exception set. Within a call that entered. */
const msio_column *py_find_column(msio_table *table, PyObject *name);

/* What one read or write was asked for. */
typedef struct py_request {
    const msio_column *column;
    py_selection selection; /* to be freed */
    msio_read_opts opts;
    py_patience patience;
    int ndim;
    int64_t shape[MSIO_MAX_NDIM + 1];
    size_t bytes;
    msio_type type;
} py_request;
/* Finds the column and makes the selection; box: None, or an entry for each axis of a cell. -1 with an exception set;
 * the selection is to be freed then too. */
int py_request_begin(py_request *request, msio_table *table, PyObject *name, PyObject *rows, PyObject *box);

/* Writing (pywrite.c): methods of Table. */
PyObject *py_table_write(PyObject *self, PyObject *arguments, PyObject *keywords);
PyObject *py_table_write_cells(PyObject *self, PyObject *arguments, PyObject *keywords);
PyObject *py_table_fill(PyObject *self, PyObject *arguments, PyObject *keywords);
PyObject *py_table_copy(PyObject *self, PyObject *arguments, PyObject *keywords);

/* Readers of cells (pycells.c). */
int py_cells_init(PyObject *module);

/* The types Gather and CellWriter (pyputs.c). */
int py_puts_init(PyObject *module);
/* Whether an object is a Gather; whether no cells may be put, nor read under its lock. */
bool py_is_gather(PyObject *object);
bool py_gather_is_over(PyObject *gather);

/* reader(column, rows=None, gather=None) of a table. */
PyObject *py_cells_reader(PyObject *self, PyObject *const *arguments, Py_ssize_t n);
/* Of the cells that a writer puts: through its cursor, which sees them. */
typedef struct py_cells_put {
    PyObject *writer, *gather, *rows; /* rows: or NULL */
    py_table *table;
    msio_cursor **cursor; /* NULL in there: it is closed */
    bool *busy;           /* a thread is within the writer */
    msio_type type;
    int ndim;
    const npy_intp *shape;
} py_cells_put;
PyObject *py_cells_reader_of_puts(const py_cells_put *puts);

/* ---------------------------------------------------------------- views (pyview.c) */

/* An array over a view, which it takes and closes when it is collected; also when this fails. */
PyObject *py_view_array(msio_view *view, bool one_row);
/* Warns where a view broke since this was asked last. */
void py_views_tell(void);

/* ---------------------------------------------------------------- streams (pystream.c) */

/* Makes a call in a thread of its own, while this one looks for signals. The call's reads have py_asked_to_stop and
 * `stop` as progress and user: Ctrl-C ends them. Other than MSIO_OK and MSIO_END: with an exception set. */
msio_status py_wait_for(msio_status (*call)(void *user), void *user, atomic_int *stop);
int py_asked_to_stop(void *stop, int64_t done, int64_t total);
/* What an object that hands on a stream's batches begins with. */
typedef struct py_stream {
    PyObject ob_base;
    void *stream;                     /* the library's; NULL before it is open, and once it is closed */
    msio_status (*fetch)(void *self); /* the next batch; called without the GIL */
    PyObject *(*told)(void *self);    /* of that batch: the first row, and copies: the next one overwrites its arrays */
    void (*end)(void *self);          /* closes the stream, if it is open */
    atomic_int stop;                  /* ends its reads: see py_wait_for */
    bool busy, over;
    pid_t process; /* that made it: set by py_stream_begin */
} py_stream;
void py_stream_begin(py_stream *self);
/* next(): what is told of a batch, or None at the end; close(). */
extern PyMethodDef py_stream_methods[];
/* What an object that streams columns of a table begins with. */
typedef struct py_column_stream {
    py_stream base;
    py_table *table; /* entered while the stream is open */
    py_selection selection;
} py_column_stream;
/* The arguments of a new one that come first: table, names, rows, (chan, chans, step), (corr, corrs, step), memory,
 * rows_per_batch. */
typedef struct py_column_request {
    PyObject *table, *names, *rows;
    Py_ssize_t chan[3], corr[3];
    long long memory, batch;
} py_column_request;
#define PY_COLUMN_REQUEST "O!O!O(nnn)(nnn)LL"
#define PY_COLUMN_ARGUMENTS(class, r)                                                                                  \
    (class), &(r).table, &PyTuple_Type, &(r).names, &(r).rows, &(r).chan[0], &(r).chan[1], &(r).chan[2], &(r).corr[0], \
        &(r).corr[1], &(r).corr[2], &(r).memory, &(r).batch
/* Opens the library's stream over such columns; called without the GIL. */
typedef msio_status py_column_open(msio_table *table, int n, const char *const *names, const msio_select *select,
                                   const void *opts, void **stream);
/* Opens a stream object that is new: itself, or NULL with an exception set, and the object is gone. */
PyObject *py_column_stream_open(py_column_stream *self, const py_column_request *request, py_column_open *opener,
                                const void *opts);
/* Gives back what the object holds, once its stream is closed, and the object. */
void py_column_stream_free(py_column_stream *self);
/* A copy of constant values, made without the GIL; large ones in memory of the pool. NULL values: nothing is copied. */
PyObject *py_array_kept(msio_type type, int ndim, const int64_t *shape, const void *values);

/* ---------------------------------------------------------------- functions of the module: -1 with an exception */

int py_adding_init(PyObject *module);
int py_casacore_init(PyObject *module);
int py_convert_init(PyObject *module);
int py_datasets_init(PyObject *module);
int py_flags_init(PyObject *module);
int py_groups_init(PyObject *module);
int py_load_init(PyObject *module);
int py_metadata_init(PyObject *module);
int py_profile_init(PyObject *module);
int py_simulate_init(PyObject *module);
int py_stream_init(PyObject *module);
int py_view_init(PyObject *module);
int py_visibility_init(PyObject *module);
int py_flagging_init(PyObject *module);
int py_write_init(PyObject *module);

#endif
