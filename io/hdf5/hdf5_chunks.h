/* hdf5_chunks.h - where a dataset's elements lie: its address, or those of its chunks.
 *
 * Format: HDF5 File Format Specification 3.0, "Data Object Headers", "The Data Layout Message", "Disk Format: Level
 * 1A1 - Version 1 B-trees" (node type 1).
 */
#ifndef MSIO_IO_HDF5_CHUNKS_H
#define MSIO_IO_HDF5_CHUNKS_H

#include "core/file.h"
#include "io/hdf5_module/hdf5_shim.h"

/* One stored chunk. */
typedef struct msio_chunk {
    int64_t index; /* in the grid of chunks, C order */
    int64_t address, bytes;
    uint32_t mask; /* bit i: filter i was not applied */
} msio_chunk;

/* All stored chunks of a dataset, ascending by index; immutable. */
typedef struct msio_chunk_list {
    int64_t n, capacity;
    msio_chunk *chunk;
    int64_t grid[MSIO_MAX_NDIM]; /* chunks along each axis */
} msio_chunk_list;

/* Reads where the chunks lie: the version 1 B-tree itself, in one pass; other indices are asked of the library.
 * Nothing is kept on failure. Errors: MSIO_E_FORMAT (damaged: what and where), MSIO_E_UNSUPPORTED (the library tells
 * only at a cost that grows with the square; the header was written in a way that is not known), MSIO_E_IO,
 * MSIO_E_MEMORY. */
msio_status msio_chunks_load(msio_file *file, const msio_h5_info *info, msio_h5_dataset *dataset,
                             msio_chunk_list *list);
void msio_chunks_free(msio_chunk_list *list);

/* The address of a contiguous dataset in a file with a user block, from its object header: versions of the library
 * differ in whether they count the block. -1: not allocated. MSIO_E_FORMAT, MSIO_E_UNSUPPORTED, MSIO_E_IO. */
msio_status msio_chunks_address(msio_file *file, const msio_h5_info *info, int64_t *address);

/* Position in list->chunk of the first chunk with an index of at least `index`, looked for from `from` on. */
int64_t msio_chunks_from(const msio_chunk_list *list, int64_t from, int64_t index);

#endif
