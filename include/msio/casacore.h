/* casacore.h - who reads what no layout of msio's knows: a casacore that the program has already.
 *
 * Two copies of casacore in one process share parts of themselves and crash each other. msio therefore asks casacore in
 * a process of its own; a program that has a casacore, maybe a newer one, can offer that instead. The Python package
 * offers python-casacore this way.
 *
 * Shapes are in numpy's order throughout (casacore's axis 0 last); values in the machine's byte order.
 */
#ifndef MSIO_CASACORE_H
#define MSIO_CASACORE_H

#include "msio/core.h"

#ifdef __cplusplus
extern "C" {
#endif

/* casacore's words, or the provider's own; always NUL-terminated, cut where they do not fit. */
typedef struct msio_casa_message {
    char text[800];
} msio_casa_message;

/* `count` rows: row, row + step, ... , or those of the list where there is one (any order, repeats allowed). */
typedef struct msio_casa_row_set {
    int64_t row, step, count;
    const int64_t *list;
} msio_casa_row_set;

/* The part of each cell: its last axis (corr) and the one before (chan). A count of -1 runs to the cell's end. A part
 * of an axis that the cell lacks is MSIO_E_RANGE. */
typedef struct msio_casa_part {
    int64_t chan, chans, chan_step;
    int64_t corr, corrs, corr_step;
} msio_casa_part;
#define MSIO_CASA_PART_ALL                                                                                             \
    { 0, -1, 1, 0, -1, 1 }

/* Takes one string of a read; other than 0 stops the read with MSIO_E_MEMORY. */
typedef int msio_casa_text_sink(void *user, const char *bytes, size_t length);

/* Functions over one casacore. Any thread calls them, several at a time; a table is used by one call at a time. msio
 * holds locks of its own meanwhile: a function must not wait for a thread that is within a call of msio's. Those that
 * return other than MSIO_OK say why in the message. */
typedef struct msio_casacore_provider {
    size_t struct_size; /* sizeof(msio_casacore_provider) */
    /* Whether the functions below can be called now; asked before each open. Where they cannot, msio goes its own way.
     */
    int (*ready)(void);
    /* Opens the table in the folder `path` for reading, without taking a lock that the process keeps. */
    msio_status (*open)(const char *path, void **table, msio_casa_message *message);
    void (*close)(void *table);
    /* Sees what others changed since. */
    msio_status (*reopen)(void *table, msio_casa_message *message);
    /* Reads the shape (and, of a scalar, the value) of the first row, where there is one. */
    msio_status (*readable)(void *table, const char *column, msio_casa_message *message);
    /* Shapes of the rows' cells: ndims[i] axes (0 scalar, -1: the cell was never written) of shapes[i][..]. An array
     * without axes, which casacore allows and which is empty, counts as one axis of length 0. */
    msio_status (*shapes)(void *table, const char *column, const msio_casa_row_set *rows, int8_t *ndims,
                          int64_t (*shapes)[MSIO_MAX_NDIM], msio_casa_message *message);
    /* Reads the part (NULL: all) of the rows' cells, which are defined and of one shape, into out, dense
     * [row][channel][corr], out_bytes large, Bool as bytes 0 and 1. */
    msio_status (*read)(void *table, const char *column, const msio_casa_row_set *rows, const msio_casa_part *part,
                        void *out, size_t out_bytes, msio_casa_message *message);
    /* Hands the strings of one row's cell to the sink one by one; `count` of them, as its shape tells. */
    msio_status (*strings)(void *table, const char *column, int64_t row, int64_t count, msio_casa_text_sink *sink,
                           void *user, msio_casa_message *message);
} msio_casacore_provider;

/* Offers a casacore; the struct must stay, and its functions be callable for as long as tables are open that were
 * opened by it. NULL: takes the offer back. Tables that are open already stay with whom they were opened by.
 * MSIO_E_ARGUMENT (struct_size). Any thread. */
MSIO_API msio_status msio_casacore_provide(const msio_casacore_provider *provider);

#ifdef __cplusplus
}
#endif
#endif
