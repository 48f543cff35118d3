/* bench_raw.h - what the workers share: the clock, the checksum, and the rooflines' raw reads, writes and copies. */
#ifndef MSIO_BENCH_RAW_H
#define MSIO_BENCH_RAW_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

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

/* Seconds in which so many threads put n extents from `from`, where they lie one after the other, into their files, in
 * blocks of so many bytes: threads begin in different files, and go on in those that are not done. The files are opened
 * before the clock starts. -1: something could not be written. */
double bench_raw_write(int n, const bench_extent *extents, int64_t block, const uint8_t *from, int threads);
/* The same into a new file of so many bytes, whose room is reserved before the clock starts; it is removed again. */
double bench_raw_write_new(const char *path, int64_t bytes, int64_t block, const uint8_t *from, int threads);

/* One extent through a mapping that is made for it, by stores past the caches; making and ending it counts. -1 also
 * where its place is no multiple of 64. */
double bench_raw_write_mapped(const bench_extent *extent, const uint8_t *from, int threads);

/* Part of every cell of an extent. */
typedef struct bench_part {
    int64_t cell;       /* bytes */
    int64_t first, run; /* of each, what is written */
} bench_part;

/* The same of a part of every cell, whose old bytes are copied away first, block by block of 256 KiB. Pages are asked
 * for before they are touched: faults, one for reading and one for writing a page, take several times as long. */
double bench_raw_write_mapped_cells(const bench_extent *extent, const bench_part *cells, const uint8_t *from,
                                    int threads);

/* Seconds of one pass of so many threads that packs bytes of 0 or 1 into bits, eight into one, from `from` to `to`. */
double bench_raw_pack(const uint8_t *from, size_t bytes, uint8_t *to, int threads);

#ifdef __cplusplus
}
#endif
#endif
