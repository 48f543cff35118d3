/* error.h - setting this thread's error record. */
#ifndef MSIO_CORE_ERROR_H
#define MSIO_CORE_ERROR_H

#include "msio/core.h"

#if defined(__GNUC__)
#define MSIO_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define MSIO_PRINTF(text, first)
#endif

/* Sets the record and returns code, so that a failing function can end with `return msio_error_set(...)`.
 * path may be NULL. The message is one sentence without a final dot; the path is kept beside it, not in it. */
msio_status msio_error_set(msio_status code, const char *path, const char *format, ...) MSIO_PRINTF(3, 4);

/* The same for a refused system call: keeps errno, and ends the message with its words. */
msio_status msio_error_system(msio_status code, const char *path, const char *format, ...) MSIO_PRINTF(3, 4);

/* Copies of the record, to carry an error from a worker thread to the caller's. */
typedef struct msio_error_copy {
    msio_status code;
    int sys_errno;
    char path[1024];
    char message[1024];
} msio_error_copy;
void msio_error_save(msio_error_copy *copy);
msio_status msio_error_restore(const msio_error_copy *copy);

#endif
