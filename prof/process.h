/* process.h - what the system knows of this process: memory and bytes read. */
#ifndef MSIO_PROF_PROCESS_H
#define MSIO_PROF_PROCESS_H

#include <stdint.h>

#define MSIO_UNKNOWN (-1)

/* Bytes since the process began; MSIO_UNKNOWN where the system does not tell. */
typedef struct msio_process_io {
    int64_t read; /* asked of read calls, from the page cache or not (rchar) */
    int64_t disk; /* fetched from storage (read_bytes) */
} msio_process_io;

msio_process_io msio_process_io_now(void);

/* The largest resident set so far, in bytes; MSIO_UNKNOWN where the system does not tell. */
int64_t msio_process_peak_rss(void);

/* The number after `key` at the start of a line ("rchar:"), or MSIO_UNKNOWN. */
int64_t msio_process_field(const char *text, const char *key);

#endif
