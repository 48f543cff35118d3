/* file.h - files that are read by many threads at once: whole preads, stamps, guarded mappings.
 *
 * An msio_file is immutable once opened, apart from its mapping, which is made once under a lock, and its descriptor,
 * which may be closed while nobody uses it (descriptors.h) and is opened again when it is needed; any thread may read.
 */
#ifndef MSIO_CORE_FILE_H
#define MSIO_CORE_FILE_H

#include "core/descriptors.h"
#include "msio/core.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What tells one state of a file from another. */
typedef struct msio_stamp {
    uint64_t device, inode;
    int64_t size;
    int64_t mtime_ns, ctime_ns;
    bool regular; /* a regular file: what alone is opened */
} msio_stamp;

/* Stamp of a path (links followed) or of an open descriptor. MSIO_E_NOT_FOUND, MSIO_E_IO. */
msio_status msio_stamp_path(const char *path, msio_stamp *stamp);
msio_status msio_stamp_fd(int fd, const char *path, msio_stamp *stamp);
bool msio_stamp_equal(const msio_stamp *a, const msio_stamp *b);

typedef struct msio_file {
    msio_descriptor *descriptor; /* see msio_file_use */
    char *path;
    char *place;      /* the path from the root on; NULL: the file cannot be opened again */
    msio_stamp stamp; /* when opened; stamp.size bounds every read */
    bool mappable;    /* local file system: pages can be mapped */
    bool rewritten;   /* its bytes may be written while it is open: only which file it is, and its size, must stay */
    const struct msio_left *left; /* what an interrupted write left here (io/lock/interrupted.h); NULL: nothing */
    void *map;                    /* internal: see msio_file_map */
} msio_file;

/* The way in which every file is opened for reading: without waiting, closed by exec, and only where it is a regular
 * file. A FIFO, socket, device or folder in a file's place is told at once, and is not opened: whoever waits at its
 * other end notices nothing. seen: the path's stamp, where the caller took it just now, so that it is not looked at
 * twice; NULL: it is looked at here. stamp: of what was opened, may be NULL. The descriptor is the caller's.
 * MSIO_E_NOT_FOUND; MSIO_E_FORMAT: something else than a regular file; MSIO_E_IO. */
msio_status msio_file_descriptor(const char *path, const msio_stamp *seen, int *fd, msio_stamp *stamp);
/* The same check of what others are about to open by its path (the HDF5 library, casacore). */
msio_status msio_file_regular(const char *path);
/* Of what was looked at already: st_mode of its stat. */
msio_status msio_file_kind(const char *path, mode_t mode);
/* And of all files in a folder whose names begin so; folders are passed over, and a folder that cannot be listed. */
msio_status msio_file_folder_regular(const char *folder, const char *prefix);

/* Opens for reading, as msio_file_descriptor. MSIO_E_NOT_FOUND, MSIO_E_FORMAT, MSIO_E_IO, MSIO_E_MEMORY. */
msio_status msio_file_open(const char *path, msio_file **file);
void msio_file_close(msio_file *file); /* takes NULL */

/* The file's descriptor, for as long as it takes until msio_file_unuse. One that was given back is opened again, and
 * must be the same file in the same state: MSIO_E_CHANGED where it is not, or is gone. MSIO_E_IO. */
msio_status msio_file_use(const msio_file *file, int *fd);
void msio_file_unuse(const msio_file *file);

/* The file's stamp as it is now. MSIO_E_NOT_FOUND, MSIO_E_IO. */
msio_status msio_file_stamp(const msio_file *file, msio_stamp *stamp);

/* Reads exactly length bytes at offset; resumes after signals and short reads. MSIO_E_FORMAT when the file ends before
 * (message: expected and found size), MSIO_E_IO. Counts one read per system call in the caller's *reads when not NULL.
 */
msio_status msio_file_read(const msio_file *file, void *buffer, int64_t length, int64_t offset, int64_t *reads);

/* The same, but only from the page cache: returns the bytes that came without waiting (0: none), never an error.
 * Where the kernel has no RWF_NOWAIT it returns 0 and *supported = false. */
int64_t msio_file_read_cached(const msio_file *file, void *buffer, int64_t length, int64_t offset, bool *supported);

/* Asks the system to fetch the range soon; does not wait, cannot fail. */
void msio_file_prefetch(const msio_file *file, int64_t offset, int64_t length);

/* Reads a whole (header) file into memory that the caller frees; *bytes is followed by a NUL that is not counted.
 * MSIO_E_FORMAT when it is larger than limit. seen: as msio_file_descriptor. stamp: as of the read, may be NULL. */
msio_status msio_file_slurp(const char *path, const msio_stamp *seen, int64_t limit, char **bytes, int64_t *length,
                            msio_stamp *stamp);

/* The file's bytes, mapped whole and read-only on first need and kept until the file is closed; NULL where files of
 * this file system are not mapped, or the mapping is refused: then pread. A page that cannot be read (the file was
 * truncated, the disk failed) reads as zeros and is remembered: after copying, msio_file_map_failed must be asked.
 * The process's SIGBUS handler is ours from then on; signals about other memory go to the one that was there. Each call
 * makes sure that the handler still stands (a system call): ask once for each read, not for each piece. */
const uint8_t *msio_file_map(msio_file *file);
/* The mapping that an earlier msio_file_map made, without looking after the handler; NULL where there is none. */
const uint8_t *msio_file_mapped(const msio_file *file);
bool msio_file_map_failed(const msio_file *file);
/* How many of `samples` pages, evenly spread over [offset, offset+length), are in the page cache, in 1/samples; 1.0
 * where that cannot be told. Only for mapped files. */
double msio_file_map_resident(const msio_file *file, int64_t offset, int64_t length, int samples);
/* Takes the range's pages out of the process's resident memory; they stay in the page cache, and come back when they
 * are touched. Others may be reading. Does nothing where the file is not mapped. */
void msio_file_map_release(const msio_file *file, int64_t offset, int64_t length);

/* A part of a file that is mapped by itself, guarded as above, and outlives the msio_file: it needs no descriptor. */
typedef struct msio_mapping {
    uint8_t *data; /* the part's first byte */
    void *region;  /* internal; NULL: nothing is mapped */
} msio_mapping;

/* Maps [offset, offset + length), length at least 1, of a mappable file; it never reaches beyond the file as it is now.
 * writable: the pages can be written, and what is written stays this process's. stamp: of the file that was mapped.
 * MSIO_E_FORMAT: the file does not reach so far; MSIO_E_CHANGED, MSIO_E_UNSUPPORTED (the system does not map it),
 * MSIO_E_MEMORY (no room in the address space), MSIO_E_IO. */
msio_status msio_mapping_open(const msio_file *file, int64_t offset, int64_t length, bool writable,
                              msio_mapping *mapping, msio_stamp *stamp);
/* Maps the first `length` bytes (at least 1, and no more than there are) of a file that is open for reading and
 * writing, so that what is stored there is the file's, for as long as its pages can be had: where one cannot (the file
 * was cut, the disk is full or failed), what is stored there is lost, and msio_mapping_failed tells. The descriptor may
 * be closed. MSIO_E_UNSUPPORTED. */
msio_status msio_mapping_store(int fd, const char *path, int64_t length, msio_mapping *mapping);
/* Whether the file system overwrites blocks that a file has where they are, so that a store into one needs no room. */
bool msio_mapping_overwrites(int fd);
/* Whether a page of it could not be read and was replaced by zeros; from then on for good. */
bool msio_mapping_failed(const msio_mapping *mapping);
/* Makes sure that the guard stands, which a later handler of the program's may have replaced. */
bool msio_mapping_guarded(void);
void msio_mapping_close(msio_mapping *mapping); /* nobody may be reading it; takes zeros */
/* How many such parts failed in this process: told without a lock or a system call. */
int64_t msio_mappings_failed(void);

#endif
