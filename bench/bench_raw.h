/* bench_raw.h - what the workers share: the clock, the checksum, and the roofline's raw reads and copies. */
#ifndef MSIO_BENCH_RAW_H
#define MSIO_BENCH_RAW_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_MAX_THREADS 64

/* A stretch of one file. */
typedef struct bench_extent {
    const char *path;
    int64_t offset, bytes;
} bench_extent;

double bench_now(void); /* s */

/* A checksum that any worker can make, of every byte: 64-bit words times 1, 3, 5, ...; the last one filled with zeros.
 */
uint64_t bench_checksum(const uint8_t *data, size_t bytes);

/* Seconds in which so many threads read n extents in blocks, the blocks of all of them in order: one after the other
 * to out, or each thread to a scratch block of its own where out is NULL. The scratch is touched, and the files are
 * opened, before the clock starts. -1: something could not be read. */
double bench_raw_read(int n, const bench_extent *extents, int64_t block, uint8_t *out, int threads);

/* Seconds of one copy of so many bytes by so many threads: half of them from one half of the buffer to the other,
 * twice. */
double bench_raw_copy(uint8_t *buffer, size_t bytes, int threads);

#endif
