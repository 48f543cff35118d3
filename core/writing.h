/* writing.h - bytes written whole, and limits of a file's size as errors.
 *
 * A write beyond `ulimit -f` raises SIGXFSZ, which ends a process that does not expect it. The library changes no
 * signal's handler: it blocks the signal in the thread that writes, takes the one that its own write raised, and lets
 * what was there before be as it was. Everything of ours that writes goes through here; what others write for us (the
 * HDF5 library, casacore) is called between begin and end.
 */
#ifndef MSIO_CORE_WRITING_H
#define MSIO_CORE_WRITING_H

#include "msio/core.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct msio_writing {
    sigset_t before; /* the thread's mask */
    bool pending;    /* one waited already: it is not ours */
    bool begun;
} msio_writing;

/* Between these, in one thread, a write beyond the limit fails with EFBIG and nothing else. They may be nested. errno
 * stays as it is. */
void msio_writing_begin(msio_writing *writing);
void msio_writing_end(msio_writing *writing);

/* Writes all bytes at the descriptor's place, or at an offset: resumes after signals and short writes, SIGXFSZ kept
 * away. path: for the message. MSIO_E_IO: of EFBIG, ENOSPC and EDQUOT the message tells what is full or not allowed. */
msio_status msio_write_all(int fd, const char *path, const void *bytes, int64_t length);
msio_status msio_write_at(int fd, const char *path, const void *bytes, int64_t length, int64_t offset);

/* Makes a file at least as long as that with its room on the disk, so that a full disk is told before anything is put
 * there; of that length alone where the file system reserves nothing. What is in it stays. what: for the message, "a
 * tile file". MSIO_E_IO. */
msio_status msio_write_reserve(int fd, const char *path, int64_t bytes, const char *what);

#endif
