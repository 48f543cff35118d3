/* casacore_remote.h - casacore in a process of its own: what kills it there leaves this process alive.
 *
 * One helper (the program msio_casacore_helper, beside the module, which it loads) serves a process; it is started on
 * first need, and again when casacore died in it. One request at a time. It ends when this process does.
 *
 * Requests and answers go through a socket, in the machine's own byte order: a header, then what it announces.
 */
#ifndef MSIO_IO_CASACORE_REMOTE_H
#define MSIO_IO_CASACORE_REMOTE_H

#include "io/casacore/casacore_shim.h"

#include <stdbool.h>

#define MSIO_REMOTE_FILE "msio_casacore_helper"
#define MSIO_REMOTE_SOCKET 3 /* its descriptor in the helper */

typedef enum msio_remote_operation {
    MSIO_REMOTE_OPEN = 1,
    MSIO_REMOTE_CLOSE,
    MSIO_REMOTE_REOPEN,
    MSIO_REMOTE_READABLE,
    MSIO_REMOTE_SHAPES,
    MSIO_REMOTE_READ,
    MSIO_REMOTE_STRINGS,
    MSIO_REMOTE_CHANGE,
    MSIO_REMOTE_EDIT,
    MSIO_REMOTE_PUT,
    MSIO_REMOTE_PUT_TEXTS,
    MSIO_REMOTE_SETTLE
} msio_remote_operation;

/* Followed by text_bytes of a path or a column's name (with its NUL; CHANGE: and then its orders), if has_list by count
 * row numbers, and by `payload` bytes (PUT: the values; PUT_TEXTS: the strings; EDIT: one, with the descriptor that has
 * the table's write lock). */
typedef struct msio_remote_request {
    int32_t operation, has_list, has_part;
    int32_t text_bytes;
    uint64_t table; /* the helper's */
    int64_t row, step, count;
    msio_casa_part part;
    int64_t amount; /* READ: bytes of the answer; STRINGS: strings of the cell; EDIT: bytes of room; SETTLE: 1: sync */
    int64_t payload;
    int64_t ndim, shape[MSIO_MAX_NDIM]; /* PUT */
} msio_remote_request;

typedef enum msio_remote_kind {
    MSIO_REMOTE_ANSWER = 0x6d73696f,
    MSIO_REMOTE_DIED = 0x64696564 /* status: the signal that ended casacore's process */
} msio_remote_kind;

/* Followed by `bytes` bytes: with status MSIO_OK of the answer, else of the message. The answer of SHAPES is count
 * int8_t and count shapes; of STRINGS, for each string, its length (int64_t) and its bytes. */
typedef struct msio_remote_reply {
    int32_t kind, status;
    int64_t bytes;
    int64_t resident; /* bytes of memory that the helper holds */
    uint64_t table;
} msio_remote_reply;

/* A table that the helper has open. */
typedef struct msio_remote_table msio_remote_table;

/* Whether there is a helper, or one could be started. */
bool msio_remote_ready(void);

/* As their namesakes of msio_casacore_provider. Where casacore died: MSIO_E_CASACORE, and *died. MSIO_E_CANCELLED: see
 * msio_waits_ask; the helper is ended then. Tables survive the helper's end: they are opened again at the next call. */
msio_status msio_remote_open(const char *path, void **table, msio_casa_message *message);
void msio_remote_close(void *table);
msio_status msio_remote_reopen(void *table, msio_casa_message *message);
msio_status msio_remote_readable(void *table, const char *column, msio_casa_message *message);
msio_status msio_remote_shapes(void *table, const char *column, const msio_casa_row_set *rows, int8_t *ndims,
                               int64_t (*shapes)[MSIO_MAX_NDIM], msio_casa_message *message);
msio_status msio_remote_read(void *table, const char *column, const msio_casa_row_set *rows, const msio_casa_part *part,
                             void *out, size_t out_bytes, msio_casa_message *message);
msio_status msio_remote_strings(void *table, const char *column, int64_t row, int64_t count, msio_casa_text_sink *sink,
                                void *user, msio_casa_message *message);

/* As msio_casa_functions.change, by a helper that has no table open, so that nothing it has read stands in the way. */
msio_status msio_remote_change(const char *path, const char *orders, size_t bytes, msio_casa_message *message);

/* As edit, put_cells, put_texts and settle of msio_casa_functions, by a helper that had no table open. lock: the
 * descriptor that has the table's write lock, which the helper shares until settled, and in whose stead it takes none
 * of its own. Such calls are not stopped in between; they fail when the helper was ended. Tables of _edit are closed by
 * msio_remote_close. */
msio_status msio_remote_edit(const char *path, int lock, int64_t bytes, void **table, msio_casa_message *message);
msio_status msio_remote_put(void *table, const char *column, const msio_casa_row_set *rows, const msio_casa_part *part,
                            int ndim, const int64_t *shape, const void *values, size_t bytes,
                            msio_casa_message *message);
msio_status msio_remote_put_texts(void *table, const char *column, const msio_casa_row_set *rows, const char *texts,
                                  size_t bytes, msio_casa_message *message);
msio_status msio_remote_settle(void *table, bool sync, msio_casa_message *message);

/* Whether this thread's last call ended because casacore died. */
bool msio_remote_died(void);

#endif
