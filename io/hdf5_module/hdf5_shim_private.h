/* hdf5_shim_private.h - what the files of the HDF5 module share. They alone include HDF5's header. */
#ifndef MSIO_IO_HDF5_SHIM_PRIVATE_H
#define MSIO_IO_HDF5_SHIM_PRIVATE_H

/* The names of later versions' headers mean what they meant in 1.10. */
#ifndef H5_USE_110_API
#define H5_USE_110_API
#endif
#include "io/hdf5_module/hdf5_shim.h"

#include <hdf5.h>

/* h5py's number of the LZF filter. */
#define MSIO_H5_FILTER_LZF 32000

struct msio_h5_file {
    hid_t id;
    int64_t base;         /* of all addresses: the user block's size */
    int address, length;  /* bytes of an address and of a length in the file */
    unsigned long number; /* of the file: objects that a link finds in another have another */
    msio_h5_guard_sink guard;
    void *guard_user;
};

struct msio_h5_dataset {
    hid_t id;
    bool roomy; /* opened with the cache that reading chunks needs */
    msio_h5_info info;
};

/* While one is open HDF5 prints nothing of its errors; the caller's own setting comes back. */
typedef struct msio_h5_quiet {
    H5E_auto2_t function;
    void *data;
} msio_h5_quiet;
msio_h5_quiet msio_h5_quiet_begin(void);
void msio_h5_quiet_end(const msio_h5_quiet *quiet);
/* Whether HDF5 locks files that are opened with this property list, and whether it then minds where it cannot; does
 * nothing with versions that ask the environment alone. */
void msio_h5_locking(hid_t plist, bool locks, bool lenient);

/* Puts "doing name: HDF5's own words" into the message, from its error stack; returns status. name may be NULL. */
msio_status msio_h5_say(msio_h5_message *message, msio_status status, const char *doing, const char *name);

/* HDF5's innermost words, copied: the next call forgets them. */
void msio_h5_words(char *words, size_t size);

/* What an object is, below a group or the file, once the file's guard has let it pass: it may be opened then.
 * MSIO_E_NOT_FOUND: there is none. */
msio_status msio_h5_look_at(const msio_h5_file *file, hid_t group, const char *name, H5O_info_t *object);

/* A list of link access that looks at other files before the library opens them, and the same for another list; what
 * was refused before is forgotten. Of a dataset the files that its elements lie in. refused: whether one was no file;
 * says so. */
hid_t msio_h5_links(void);
void msio_h5_look_before(hid_t access);
void msio_h5_check_sources(hid_t dataset);
bool msio_h5_refused(const char *name, msio_h5_message *message);

/* What elements of a stored type are delivered as, and how they are stored; fills type, plain, number, stored and
 * stored_name of the info. */
void msio_h5_describe_type(hid_t type, msio_h5_info *info);

/* The type in memory of info.type's elements, with the member names that a stored compound has; to be closed by
 * H5Tclose. Negative on failure. Truths come as signed bytes, 0 and others. */
hid_t msio_h5_memory_type(hid_t stored, const msio_h5_info *info);

/* Registers LZF with the library unless another one has done that. */
msio_status msio_h5_register_lzf(msio_h5_message *message);

/* The rest of the table of functions. */
msio_status msio_h5_shim_visit(msio_h5_file *file, const char *group, int64_t limit, msio_h5_value_sink sink,
                               void *user, msio_h5_message *message);
msio_status msio_h5_shim_dataset(msio_h5_file *file, const char *name, msio_h5_dataset **dataset, msio_h5_info *info,
                                 msio_h5_message *message);
void msio_h5_shim_dataset_close(msio_h5_dataset *dataset);
msio_status msio_h5_shim_read(msio_h5_dataset *dataset, const int64_t *start, const int64_t *count, const int64_t *step,
                              void *out, msio_h5_message *message);
msio_status msio_h5_shim_read_texts(msio_h5_dataset *dataset, msio_h5_text_sink sink, void *user,
                                    msio_h5_message *message);
msio_status msio_h5_shim_chunks(msio_h5_dataset *dataset, msio_h5_chunk_sink sink, void *user,
                                msio_h5_message *message);
msio_status msio_h5_shim_plugins(const char *folder, msio_h5_message *message);
bool msio_h5_shim_undoes(int filter);
msio_status msio_h5_shim_create(const char *path, msio_h5_file **file, msio_h5_message *message);
msio_status msio_h5_shim_make(msio_h5_file *file, const msio_h5_spec *spec, msio_h5_dataset **dataset,
                              msio_h5_message *message);
msio_status msio_h5_shim_write(msio_h5_dataset *dataset, const int64_t *start, const int64_t *count, const void *values,
                               msio_h5_message *message);
msio_status msio_h5_shim_flush(msio_h5_file *file, msio_h5_message *message);

/* Strings of a dataset, read whole, told one by one; see read_texts. */
msio_status msio_h5_tell_texts(hid_t dataset, hid_t type, int64_t elements, msio_h5_text_sink sink, void *user,
                               msio_h5_message *message);

#endif
