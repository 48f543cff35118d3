/* view.h - columns and datasets where they lie: mapped, not copied.
 *
 * Where a column's cells lie in the file as they lie in memory, a view hands out the file's own pages: nothing is read
 * or allocated when it is made, however large it is, and a page is fetched when it is first touched. What can be
 * viewed: numbers in this machine's byte order (no Bool, which takes a bit a cell; no strings), in a tiled or standard
 * storage manager that has the wanted cells in one stretch, or at distances that one stride an axis describes (all
 * rows, a range, every n-th; channels and correlations too, where they lie in one tile), and such datasets of HDF5
 * files: contiguous ones, and chunks without filters that follow each other. Files of network file systems are not
 * mapped. All else is MSIO_E_UNSUPPORTED, and the message says why: then read.
 *
 * The caller says that nobody writes the file while it is viewed, as with MSIO_AS_OPENED: no lock is kept. A broken
 * promise is told by msio_view_check and msio_view_close, never by the values, which may be old, new, or of both. A
 * file that is cut meanwhile, or a disk that fails, does not end the program: what is gone reads as zeros, a whole page
 * at a time, also where a private view was changed, and the view is broken from then on. A handler of SIGBUS that the
 * program installs after the view was made stands in the way of that, until the next call of msio that maps a file, or
 * msio_view_check, puts the guard back.
 *
 * Threads: any thread may read a view, write disjoint parts of a private one, and check it; msio_view_close comes last,
 * when nobody touches it any more. A view is independent of its table or file, which may be closed before it, and keeps
 * no descriptor. A child of fork has its own: what it changes in a private one is the child's, and it may close it.
 */
#ifndef MSIO_VIEW_H
#define MSIO_VIEW_H

#include "msio/hdf5.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct msio_view msio_view;

typedef struct msio_view_opts {
    size_t struct_size;
    int writable; /* 1: private: changes stay in memory, page by page, and never reach the file; 0: a write is SIGSEGV
                   */
} msio_view_opts;
#define MSIO_VIEW_OPTS_INIT                                                                                            \
    { sizeof(msio_view_opts), 0 }

/* What a view shows; lives as long as it. */
typedef struct msio_view_info {
    msio_type type;
    int ndim;                          /* rows and the cell's axes; of a scalar dataset 0 */
    int64_t shape[MSIO_MAX_NDIM + 1];  /* [row][channel][correlation] */
    int64_t stride[MSIO_MAX_NDIM + 1]; /* bytes from one element to the next along each axis; never negative */
    int contiguous;                    /* 1: the strides are those of a dense array */
    size_t bytes;                      /* of all elements; the stretch of the file is longer where they are apart */
    void *data;                        /* element 0, aligned for the type; NULL when bytes is 0 */
    int writable;
    const char *file; /* absolute path of the file that is mapped, "" when bytes is 0 */
    int64_t offset;   /* of element 0 in it */
} msio_view_info;

/* Views the selected cells of a column. opts NULL: the defaults. *view is to be closed. The table's state is checked as
 * by any read. Of a reference table the wanted rows are listed meanwhile, 16 bytes each; all else takes as long for a
 * terabyte as for a page.
 * Errors: MSIO_E_UNSUPPORTED (says why), MSIO_E_RANGE, MSIO_E_SHAPE (the cells differ), MSIO_E_ARGUMENT (strings),
 * MSIO_E_FORMAT, MSIO_E_IO, MSIO_E_LOCKED, MSIO_E_CHANGED, MSIO_E_INTERRUPTED, MSIO_E_CASACORE, MSIO_E_MEMORY (no room
 * in the address space, either). */
MSIO_API msio_status msio_view_column(const msio_column *column, const msio_select *select, const msio_view_opts *opts,
                                      msio_view **view);
/* The same of a dataset, as the type that msio_dataset_describe tells. Errors: those, but for tables'. */
MSIO_API msio_status msio_view_dataset(const msio_dataset *dataset, const msio_select *select,
                                       const msio_view_opts *opts, msio_view **view);

MSIO_API const msio_view_info *msio_view_describe(const msio_view *view);

/* Whether what was read through the view until now is good: MSIO_OK. MSIO_E_IO: it is broken, zeros stand where the
 * file could not be read. MSIO_E_CHANGED: the file was written, replaced or removed since it was viewed. */
MSIO_API msio_status msio_view_check(const msio_view *view);

/* Closes it, whatever it returns: as msio_view_check. Takes NULL. */
MSIO_API msio_status msio_view_close(msio_view *view);

/* How many views of this process broke, closed ones too. Costs a look into memory: for asking often. */
MSIO_API int64_t msio_views_broken(void);

#ifdef __cplusplus
}
#endif
#endif
