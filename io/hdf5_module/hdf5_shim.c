/* hdf5_shim.c - the HDF5 module: files, names, and the table of functions. */
#include "io/hdf5_module/hdf5_shim_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---------------------------------------------------------------- opening */

static const char *library_version(void) {
    static char text[32];
    unsigned major, minor, patch;
    if (!text[0] && H5get_libversion(&major, &minor, &patch) >= 0)
        snprintf(text, sizeof text, "%u.%u.%u", major, minor, patch);
    return text;
}

/* The system's number in HDF5's words, 0 where there is none: "unable to lock file, errno = 37, error message = ...".
 */
static int system_number(const char *words) {
    const char *at = strstr(words, "errno = ");
    return at ? (int)strtol(at + strlen("errno = "), NULL, 10) : 0;
}

/* Whether a lock failed because there are none here, not because somebody holds one. */
static bool lacks_locks(const char *words) {
    const int number = system_number(words);
    return strstr(words, "lock file") && number != 0 && number != EAGAIN && number != EWOULDBLOCK && number != EACCES;
}

/* Why HDF5 does not open a file: its own words tell only some reasons apart. */
static msio_status refused(const char *path, msio_h5_message *message) {
    char words[256];
    msio_h5_words(words, sizeof words);
    if (system_number(words) == EMFILE || system_number(words) == ENFILE) {
        snprintf(message->text, sizeof message->text,
                 "the process has no descriptor left for the file: close some, or raise ulimit -n (HDF5 says: %s)",
                 words);
        return MSIO_E_IO;
    }
    if (access(path, F_OK) != 0) {
        snprintf(message->text, sizeof message->text, "there is no such file");
        return MSIO_E_NOT_FOUND;
    }
    if (access(path, R_OK) != 0) {
        snprintf(message->text, sizeof message->text, "the file may not be read by this user");
        return MSIO_E_IO;
    }
    if (lacks_locks(words)) {
        snprintf(message->text, sizeof message->text,
                 "the file system has no locks (HDF5 says: %s), and HDF5 is told to insist on them: set "
                 "HDF5_USE_FILE_LOCKING=FALSE",
                 words);
        return MSIO_E_IO;
    }
    if (strstr(words, "lock file") || strstr(words, "already open for write")) {
        snprintf(message->text, sizeof message->text,
                 "a writer has the file open (HDF5 says: %s); read it when that has closed it", words);
        return MSIO_E_LOCKED;
    }
    if (H5Fis_hdf5(path) == 0) {
        snprintf(message->text, sizeof message->text, "this is no HDF5 file: its signature is missing");
        return MSIO_E_FORMAT;
    }
    snprintf(
        message->text, sizeof message->text,
        "the file is HDF5, but cannot be opened: it was cut, is still being written, or is damaged (HDF5 says: %s)",
        words);
    return MSIO_E_FORMAT;
}

/* What of the file's frame matters for addresses, and the descriptor behind it. */
static bool look_at_frame(msio_h5_file *file, int *fd) {
    hid_t plist = H5Fget_create_plist(file->id);
    hsize_t block = 0;
    size_t address = 0, length = 0;
    bool known = plist >= 0 && H5Pget_userblock(plist, &block) >= 0 && H5Pget_sizes(plist, &address, &length) >= 0;
    if (plist >= 0) H5Pclose(plist);
    file->base = (int64_t)block;
    file->address = (int)address;
    file->length = (int)length;
    H5O_info_t root;
    known = known && H5Oget_info2(file->id, &root, H5O_INFO_BASIC) >= 0;
    file->number = known ? root.fileno : 0;
    void *handle = NULL;
    *fd = H5Fget_vfd_handle(file->id, H5P_DEFAULT, &handle) >= 0 && handle ? *(int *)handle : -1;
    return known;
}

/* A file that this process has open already, by h5py for one, is opened the way that it is: closing objects with the
 * file, or not. words: HDF5's when it fails. */
static hid_t open_closing(const char *path, hid_t plist, char *words, size_t size) {
    static const H5F_close_degree_t degrees[] = {H5F_CLOSE_STRONG, H5F_CLOSE_WEAK, H5F_CLOSE_SEMI};
    hid_t id = -1;
    for (size_t i = 0; i < sizeof degrees / sizeof *degrees && id < 0; i++) {
        H5Pset_fclose_degree(plist, degrees[i]);
        id = H5Fopen(path, H5F_ACC_RDONLY, plist);
        if (id < 0) msio_h5_words(words, size);
        if (id < 0 && !strstr(words, "close degree")) break;
    }
    return id;
}

/* And with its locks, or without. One that is not open yet is locked, unless that is unwanted or impossible here. */
static hid_t open_any(const char *path, bool nolock, hid_t plist) {
    static const bool ways[][2] = {{false, true}, {false, false}, {true, true}, {true, false}};
    char words[256] = "";
    if (nolock) msio_h5_locking(plist, false, true);
    hid_t id = open_closing(path, plist, words, sizeof words);
    if (id < 0 && !nolock && lacks_locks(words)) {
        msio_h5_locking(plist, false, true);
        id = open_closing(path, plist, words, sizeof words);
    }
    for (size_t i = 0; id < 0 && strstr(words, "don't match") && i < sizeof ways / sizeof *ways; i++) {
        msio_h5_locking(plist, ways[i][0], ways[i][1]);
        id = open_closing(path, plist, words, sizeof words);
    }
    return id;
}

static msio_status open_file(const char *path, bool nolock, msio_h5_guard_sink guard, void *user, msio_h5_file **file,
                             int *fd, msio_h5_message *message) {
    msio_h5_quiet quiet = msio_h5_quiet_begin();
    msio_status status = msio_h5_register_lzf(message);
    msio_h5_file *f = NULL;
    hid_t plist = H5Pcreate(H5P_FILE_ACCESS);
    if (!status && !(f = calloc(1, sizeof *f))) status = MSIO_E_MEMORY;
    if (!status) {
        f->guard = guard;
        f->guard_user = user;
        f->id = open_any(path, nolock, plist);
        if (f->id < 0)
            status = refused(path, message);
        else if (!look_at_frame(f, fd))
            status = msio_h5_say(message, MSIO_E_FORMAT, "reading the superblock", NULL);
    }
    if (status && f) {
        if (f->id > 0) H5Fclose(f->id);
        free(f);
    }
    if (plist >= 0) H5Pclose(plist);
    msio_h5_quiet_end(&quiet);
    if (!status) *file = f;
    return status;
}

static void close_file(msio_h5_file *file) {
    msio_h5_quiet quiet = msio_h5_quiet_begin();
    H5Fclose(file->id);
    msio_h5_quiet_end(&quiet);
    free(file);
}

/* ---------------------------------------------------------------- names */

typedef struct name_walk {
    msio_h5_name_sink sink;
    void *user;
    msio_status status;
} name_walk;

static herr_t tell_name(hid_t root, const char *name, const H5O_info_t *info, void *user) {
    name_walk *walk = user;
    (void)root;
    if (strcmp(name, ".") == 0) return 0;
    if (info->type != H5O_TYPE_DATASET && info->type != H5O_TYPE_GROUP) return 0;
    walk->status = walk->sink(walk->user, name, info->type == H5O_TYPE_DATASET);
    return walk->status ? -1 : 0;
}

static msio_status names(msio_h5_file *file, msio_h5_name_sink sink, void *user, msio_h5_message *message) {
    name_walk walk = {sink, user, MSIO_OK};
    msio_h5_quiet quiet = msio_h5_quiet_begin();
    herr_t result = H5Ovisit2(file->id, H5_INDEX_NAME, H5_ITER_NATIVE, tell_name, &walk, H5O_INFO_BASIC);
    msio_status status = walk.status;
    if (result < 0 && !status) status = msio_h5_say(message, MSIO_E_FORMAT, "listing the file's objects", NULL);
    msio_h5_quiet_end(&quiet);
    return status;
}

/* ---------------------------------------------------------------- the table */

__attribute__((visibility("default"))) msio_hdf5_functions_fn msio_hdf5_functions;

const msio_h5_functions *msio_hdf5_functions(void) {
    static const msio_h5_functions functions = {
        .version = MSIO_H5_VERSION,
        .struct_size = sizeof functions,
        .library_version = library_version,
        .open = open_file,
        .close = close_file,
        .names = names,
        .visit = msio_h5_shim_visit,
        .dataset = msio_h5_shim_dataset,
        .dataset_close = msio_h5_shim_dataset_close,
        .read = msio_h5_shim_read,
        .read_texts = msio_h5_shim_read_texts,
        .chunks = msio_h5_shim_chunks,
        .plugins = msio_h5_shim_plugins,
        .undoes = msio_h5_shim_undoes,
        .create = msio_h5_shim_create,
        .make = msio_h5_shim_make,
        .write = msio_h5_shim_write,
        .flush = msio_h5_shim_flush,
    };
    return H5open() < 0 ? NULL : &functions;
}
