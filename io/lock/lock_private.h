/* lock_private.h - what the registry of lock files and the taking of write locks share. */
#ifndef MSIO_IO_LOCK_PRIVATE_H
#define MSIO_IO_LOCK_PRIVATE_H

#include "core/descriptors.h"
#include "io/lock/lock_registry.h"

/* All of it under MSIO_LOCK_REGISTRY. */
struct msio_lock {
    msio_lock *next;
    char *path;
    uint64_t device, inode;
    msio_descriptor *descriptor;
    msio_descriptor *writing; /* opened when the table is first written; its locks are apart from the other's */
    int users;                /* tables that have it open */
    int holders;              /* calls that hold the read lock; while there are any they use the descriptor */
    int writers;              /* calls, or holds, that have the write lock: 0 or 1; they use the other one */
    bool write_held;          /* by a hold */
    bool joined;              /* casacore in this process has the lock, not this descriptor */
    msio_file view;           /* the same file as one that can be mapped */
};

/* The descriptor for reading, until msio_descriptor_unuse, for who does not lock. MSIO_E_CHANGED, MSIO_E_IO. */
msio_status msio_lock_use(msio_lock *lock, int *fd);

#endif
