/* hdf5_shim.h - what the HDF5 module (msio_hdf5.so) gives the library: the HDF5 library behind plain C functions.
 *
 * libmsio does not link HDF5: the module is loaded when the first HDF5 file is opened (io/hdf5_module/hdf5_module.c),
 * one call at a time enters it. Everything here but the last section is called with that lock held, and through
 * io/hdf5_module/hdf5_module.h. Names of objects are paths from the root without a leading slash: "Data/visdata".
 *
 * Functions that fail return a status and put one sentence into the message: what was found and what to do; the caller
 * adds the path. Nothing is printed, no error stack of HDF5 is left.
 */
#ifndef MSIO_IO_HDF5_SHIM_H
#define MSIO_IO_HDF5_SHIM_H

#include "core/numbers.h"

#define MSIO_H5_VERSION 5
#define MSIO_H5_SYMBOL "msio_hdf5_functions"

#define MSIO_H5_FILTERS 16
#define MSIO_H5_FILTER_VALUES 16

typedef struct msio_h5_message {
    char text[512];
} msio_h5_message;

typedef struct msio_h5_file msio_h5_file;
typedef struct msio_h5_dataset msio_h5_dataset;

/* ---------------------------------------------------------------- what is stored */

typedef enum msio_h5_storage {
    MSIO_H5_COMPACT,
    MSIO_H5_CONTIGUOUS,
    MSIO_H5_CHUNKED,
    MSIO_H5_EXTERNAL, /* in files of their own, or the whole dataset in another HDF5 file */
    MSIO_H5_VIRTUAL
} msio_h5_storage;

/* Which index finds a chunked dataset's chunks. */
typedef enum msio_h5_index {
    MSIO_H5_BTREE1, /* version 1 B-tree: read by us (io/hdf5/hdf5_chunks.c) */
    MSIO_H5_ANY     /* another: asked for with `chunks` */
} msio_h5_index;

typedef struct msio_h5_filter {
    int id;        /* 1 deflate, 2 shuffle, 3 fletcher32, 4 szip, 32000 LZF, ... */
    bool optional; /* a chunk that it failed on is stored without it */
    int values;    /* of its client data */
    unsigned value[MSIO_H5_FILTER_VALUES];
    char name[32];
} msio_h5_filter;

typedef struct msio_h5_info {
    /* What its elements are delivered as: MSIO_BOOL .. MSIO_DCOMPLEX, MSIO_INT64, MSIO_CHAR, MSIO_UINT64; MSIO_STRING;
     * MSIO_RECORD: nothing that is read here (references, compounds other than {r, i}, ...). Complex integers of up to
     * 16 bits are MSIO_COMPLEX, wider ones MSIO_DCOMPLEX; half floats MSIO_FLOAT. */
    msio_type type;
    bool plain; /* `number` describes the stored bytes wholly */
    msio_number number;
    int64_t stored;       /* bytes of a stored element */
    char stored_name[48]; /* for people: "float32", "int32 big-endian", "{r, i} of int32", "enum of uint8", "string" */
    int ndim;             /* 0: a scalar */
    int64_t shape[MSIO_MAX_NDIM];
    int64_t elements;
    msio_h5_storage storage;
    int64_t address; /* contiguous: bytes from the file's begin (user block included); -1: not allocated yet */
    int64_t bytes;   /* allocated in the file; -1 of chunks */
    int64_t chunk[MSIO_MAX_NDIM];
    msio_h5_index index;
    int64_t header; /* the object header's place: bytes from the file's begin; -1: unknown */
    int64_t base;   /* what is added to every address in the file (its user block) */
    int filters;    /* in the order of writing; reading runs them backwards */
    msio_h5_filter filter[MSIO_H5_FILTERS];
    bool odd_filters; /* more of them than listed, or edge chunks without them */
    uint8_t
        fill[16]; /* of plain numbers, one stored element: what was never written reads as; zeros where none is set */
} msio_h5_info;

/* A small dataset, whole; or what is known of a large one. Lives while the sink runs. */
typedef struct msio_h5_value {
    const char *name; /* from the visited group on: "extra_keywords/fs_table" */
    msio_type type;   /* as msio_h5_info; MSIO_RECORD: none that is read */
    int ndim;
    int64_t shape[MSIO_MAX_NDIM];
    int64_t elements;
    const void *data;         /* `type`, machine order; NULL: strings, or larger than the limit, or not read */
    const char *const *texts; /* [elements], NUL-terminated, without trailing NULs and spaces; NULL: no strings, ... */
} msio_h5_value;
typedef msio_status (*msio_h5_value_sink)(void *user, const msio_h5_value *value);

/* A stored chunk: where its first element stands in the dataset, and where its bytes lie in the file (from its begin).
 * mask: bit i set: filter i was not applied. */
typedef struct msio_h5_chunk {
    int64_t offset[MSIO_MAX_NDIM];
    int64_t address, bytes;
    uint32_t mask;
} msio_h5_chunk;
typedef msio_status (*msio_h5_chunk_sink)(void *user, const msio_h5_chunk *chunk);
typedef msio_status (*msio_h5_text_sink)(void *user, const char *text, int64_t length);
typedef msio_status (*msio_h5_name_sink)(void *user, const char *name, bool is_dataset);

/* Looks at an object's header before the library opens the object: it would believe whatever a damaged one says.
 * header: bytes from the file's begin; base: what is added to every address in the file; address, length: bytes of an
 * address and of a length in it. */
typedef msio_status (*msio_h5_guard_sink)(void *user, const char *name, int64_t header, int64_t base, int address,
                                          int length);

/* ---------------------------------------------------------------- what is written */

typedef enum msio_h5_compression { MSIO_H5_NONE, MSIO_H5_LZF, MSIO_H5_GZIP } msio_h5_compression;

/* A dataset to be made, of numbers or of strings of fixed length. */
typedef struct msio_h5_spec {
    const char *name; /* groups on the way are made */
    msio_type
        type; /* MSIO_BOOL: the enumeration FALSE, TRUE of 1 byte, as h5py's; MSIO_COMPLEX: {r, i} of floats; ... */
    int text_bytes; /* MSIO_STRING: of each; 0: one string of variable length */
    int ndim;       /* 0: a scalar */
    int64_t shape[MSIO_MAX_NDIM];
    int64_t chunk[MSIO_MAX_NDIM]; /* chunk[0] 0: contiguous */
    bool grows;                   /* axis 0 has no limit */
    bool early; /* contiguous: its place is there at once, without values, for others than the library to fill */
    msio_h5_compression compression;
} msio_h5_spec;

/* ---------------------------------------------------------------- the functions */

typedef struct msio_h5_functions {
    int version; /* MSIO_H5_VERSION */
    size_t struct_size;
    const char *(*library_version)(void); /* "1.10.8" */

    /* Opens for reading. MSIO_E_NOT_FOUND, MSIO_E_FORMAT (not HDF5, cut, damaged), MSIO_E_LOCKED (a writer has it
     * open), MSIO_E_IO. *fd: the descriptor that HDF5 reads from, -1 where it has none; HDF5's own. guard is asked, as
     * long as the file is open, before any of its objects is opened; those that an external link or a virtual dataset
     * finds in another file are not told. What it refuses fails with its status.
     * nolock: without HDF5's lock. Where the file system has no locks it is opened without one all the same; MSIO_E_IO
     * where that does not help, since HDF5_USE_FILE_LOCKING insists on them. */
    msio_status (*open)(const char *path, bool nolock, msio_h5_guard_sink guard, void *user, msio_h5_file **file,
                        int *fd, msio_h5_message *message);
    void (*close)(msio_h5_file *file);
    /* Tells every object's name below the root, groups before what is in them, each object once. */
    msio_status (*names)(msio_h5_file *file, msio_h5_name_sink sink, void *user, msio_h5_message *message);
    /* Tells every dataset below a group, each whole where it has at most `limit` bytes: larger ones come
     * without data. MSIO_E_NOT_FOUND: no such group. A sink's failure ends it. */
    msio_status (*visit)(msio_h5_file *file, const char *group, int64_t limit, msio_h5_value_sink sink, void *user,
                         msio_h5_message *message);

    /* MSIO_E_NOT_FOUND: no such dataset (or it is a group). MSIO_E_UNSUPPORTED: more than MSIO_MAX_NDIM axes. */
    msio_status (*dataset)(msio_h5_file *file, const char *name, msio_h5_dataset **dataset, msio_h5_info *info,
                           msio_h5_message *message);
    void (*dataset_close)(msio_h5_dataset *dataset);
    /* H5Dread of elements start[k] + i * step[k], i < count[k], as info.type, dense in out. Not for strings. */
    msio_status (*read)(msio_h5_dataset *dataset, const int64_t *start, const int64_t *count, const int64_t *step,
                        void *out, msio_h5_message *message);
    /* All strings of a dataset, in C order, without trailing NULs and spaces. */
    msio_status (*read_texts)(msio_h5_dataset *dataset, msio_h5_text_sink sink, void *user, msio_h5_message *message);
    /* All chunks, in any order, at a cost linear in their number; MSIO_E_UNSUPPORTED where this library has no such
     * way. */
    msio_status (*chunks)(msio_h5_dataset *dataset, msio_h5_chunk_sink sink, void *user, msio_h5_message *message);

    /* Adds a folder in which the library looks for plugins, behind those it has. */
    msio_status (*plugins)(const char *folder, msio_h5_message *message);
    /* Whether the library can undo a filter, itself or by a plugin. */
    bool (*undoes)(int filter);

    /* Writing: makes a file (which must not exist), datasets in it, and their elements. No lock is taken: the file has
     * a name that nobody looks for until it is whole. */
    msio_status (*create)(const char *path, msio_h5_file **file, msio_h5_message *message);
    msio_status (*make)(msio_h5_file *file, const msio_h5_spec *spec, msio_h5_dataset **dataset,
                        msio_h5_message *message);
    /* Writes count elements from start on, of the spec's type; a dataset that grows is extended along axis 0 to hold
     * them. Strings: count * text_bytes bytes, padded with NULs (text_bytes 0: one `const char *`). */
    msio_status (*write)(msio_h5_dataset *dataset, const int64_t *start, const int64_t *count, const void *values,
                         msio_h5_message *message);
    msio_status (*flush)(msio_h5_file *file, msio_h5_message *message);
} msio_h5_functions;

/* The module's one symbol. */
typedef const msio_h5_functions *msio_hdf5_functions_fn(void);

#endif
