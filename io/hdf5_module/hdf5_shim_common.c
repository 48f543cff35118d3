/* hdf5_shim_common.c - what every part of the HDF5 module needs: its errors' words, locking, and what an object is. */
#include "io/hdf5_module/hdf5_shim_private.h"

#include <stdio.h>

/* ---------------------------------------------------------------- errors */

msio_h5_quiet msio_h5_quiet_begin(void) {
    msio_h5_quiet quiet = {NULL, NULL};
    H5Eget_auto2(H5E_DEFAULT, &quiet.function, &quiet.data);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return quiet;
}

void msio_h5_quiet_end(const msio_h5_quiet *quiet) {
    H5Eclear2(H5E_DEFAULT);
    H5Eset_auto2(H5E_DEFAULT, quiet->function, quiet->data);
}

/* The innermost error says most. */
static herr_t take_first(unsigned n, const H5E_error2_t *error, void *user) {
    const char **words = user;
    (void)n;
    if (!*words) *words = error->desc;
    return 0;
}

msio_status msio_h5_say(msio_h5_message *message, msio_status status, const char *doing, const char *name) {
    const char *words = NULL;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_first, &words);
    snprintf(message->text, sizeof message->text, "%s%s%s: HDF5 says: %s", doing, name ? " " : "", name ? name : "",
             words && *words ? words : "nothing");
    return status;
}

void msio_h5_words(char *words, size_t size) {
    const char *first = NULL;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_first, &first);
    snprintf(words, size, "%s", first ? first : "nothing");
}

/* ---------------------------------------------------------------- opening */

void msio_h5_locking(hid_t plist, bool locks, bool lenient) {
#if H5_VERSION_GE(1, 12, 1) || (H5_VERSION_GE(1, 10, 7) && !H5_VERSION_GE(1, 11, 0))
    H5Pset_file_locking(plist, locks, lenient);
#else
    (void)plist, (void)locks, (void)lenient;
#endif
}

/* ---------------------------------------------------------------- objects */

msio_status msio_h5_look_at(const msio_h5_file *file, hid_t group, const char *name, H5O_info_t *object) {
    if (H5Oget_info_by_name2(group, name, object, H5O_INFO_BASIC, msio_h5_links()) < 0) return MSIO_E_NOT_FOUND;
    bool here = object->fileno == file->number && object->addr <= (haddr_t)(INT64_MAX - file->base);
    if (!file->guard || !here || object->type != H5O_TYPE_DATASET || file->address > 8 || file->length > 8)
        return MSIO_OK;
    return file->guard(file->guard_user, name, (int64_t)object->addr + file->base, file->base, file->address,
                       file->length);
}
