/* snapshot.h - one state of a plain table's files: description, row count, data managers loaded on first use. */
#ifndef MSIO_IO_SNAPSHOT_H
#define MSIO_IO_SNAPSHOT_H

#include "core/error.h"
#include "core/lock.h"
#include "io/casacore/casacore_reader.h"
#include "io/layout/layout.h"
#include "io/lock/interrupted.h"
#include "io/lock/lock_registry.h"
#include "prof/call.h"

#include <stdatomic.h>

#define MSIO_SYNC_BYTES 8192

/* The kind of what open tables hold. */
#define MSIO_HELD_OPEN "open tables"

/* What tells one state of a table from another: table.dat's stamp and the sync record. */
typedef struct msio_signature {
    msio_stamp dat;
    int64_t sync_length; /* 0: no sync record */
    uint8_t sync[MSIO_SYNC_BYTES];
} msio_signature;

msio_status msio_signature_read(const char *directory, msio_lock *lock, msio_signature *signature);
bool msio_signature_equal(const msio_signature *a, const msio_signature *b);

typedef enum msio_slot_state {
    MSIO_SLOT_UNLOADED,
    MSIO_SLOT_LOADED,
    MSIO_SLOT_FAILED,
    MSIO_SLOT_FOREIGN
} msio_slot_state;

/* A data manager: FOREIGN ones are no layout's. */
typedef struct msio_slot {
    atomic_int state;
    msio_manager manager;
    msio_error_copy *error; /* why it failed */
} msio_slot;

typedef struct msio_snapshot {
    int users;                 /* with the table locked */
    const msio_table_dat *dat; /* the table's, which keeps it */
    int64_t rows;
    msio_slot *slot;      /* [dat->managers] */
    msio_left *left;      /* what an interrupted write left; NULL: nothing */
    msio_lengthy loading; /* managers, and casacore's handle */
    msio_reader *casa;
    prof_holding told; /* what its managers take */
} msio_snapshot;

/* A snapshot of the table in `directory` in the state that the signature shows. */
msio_status msio_snapshot_new(const msio_table_dat *dat, const char *directory, const msio_signature *signature,
                              msio_snapshot **snapshot);
void msio_snapshot_free(msio_snapshot *snapshot);

/* Loads a manager on first use. Its state is then LOADED or FOREIGN; a failure is remembered and told each
 * time, but for those that may pass: MSIO_E_IO, MSIO_E_MEMORY, MSIO_E_CHANGED. */
msio_status msio_snapshot_manager(msio_snapshot *snapshot, int index, msio_slot **slot);

/* Whether a loaded manager's files are no longer what they were. */
bool msio_slot_changed(const msio_slot *slot);

#endif
