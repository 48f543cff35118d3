/* hdf5_shim_others.c - the HDF5 module: other files that a file leads to, looked at before the library opens them. It
 * would wait for ever for a FIFO's writer. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "io/hdf5_module/hdf5_shim_private.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The last one that was refused; one call at a time is in the module. */
static char refused[PATH_MAX];

/* Whether something else than a file or a folder stands there; notes it. */
static bool is_special(const char *path) {
    struct stat s;
    if (stat(path, &s) != 0 || S_ISREG(s.st_mode) || S_ISDIR(s.st_mode)) return false;
    snprintf(refused, sizeof refused, "%s", path);
    return true;
}

static bool is_special_beside(const char *parent, const char *name) {
    char path[PATH_MAX];
    const char *slash = strrchr(parent, '/');
    if (!slash || snprintf(path, sizeof path, "%.*s/%s", (int)(slash - parent), parent, name) >= (int)sizeof path)
        return false;
    return is_special(path);
}

/* Wherever the library looks for a name, but for its environment's prefixes: as it stands, beside the file that leads
 * to it, there by its last part, and beside the file that a link of that name leads to. */
static bool leads_nowhere(const char *parent, const char *child) {
    char real[PATH_MAX];
    const char *slash = strrchr(child, '/');
    const char *last = slash ? slash + 1 : child;
    if (is_special(child) || is_special_beside(parent, child) || is_special_beside(parent, last)) return true;
    return realpath(parent, real) && (is_special_beside(real, child) || is_special_beside(real, last));
}

static herr_t look_before(const char *parent, const char *group, const char *child, const char *object, unsigned *flags,
                          hid_t plist, void *user) {
    (void)group, (void)object, (void)flags, (void)plist, (void)user;
    return leads_nowhere(parent, child) ? -1 : 0;
}

hid_t msio_h5_links(void) {
    static hid_t links;
    refused[0] = '\0';
    if (links > 0) return links;
    links = H5Pcreate(H5P_LINK_ACCESS);
    if (links > 0) H5Pset_elink_cb(links, look_before, NULL);
    return links > 0 ? links : H5P_DEFAULT;
}

void msio_h5_look_before(hid_t access) { H5Pset_elink_cb(access, look_before, NULL); }

/* A name of the list that the function gives: "." is the file itself, and "%" stands for numbers that only the library
 * counts. */
static void check_source(hid_t plist, size_t i, const char *parent) {
    char name[PATH_MAX];
    ssize_t n = H5Pget_virtual_filename(plist, i, name, sizeof name);
    if (n > 0 && n < (ssize_t)sizeof name && strcmp(name, ".") != 0 && !strchr(name, '%')) leads_nowhere(parent, name);
}

static void check_external(hid_t plist, unsigned i, const char *parent) {
    char name[PATH_MAX] = "";
    off_t offset;
    hsize_t size;
    if (H5Pget_external(plist, i, sizeof name - 1, name, &offset, &size) >= 0 && name[0]) leads_nowhere(parent, name);
}

void msio_h5_check_sources(hid_t dataset) {
    char parent[PATH_MAX];
    size_t virtuals = 0;
    hid_t plist = H5Dget_create_plist(dataset);
    refused[0] = '\0';
    if (plist < 0) return;
    ssize_t n = H5Fget_name(dataset, parent, sizeof parent);
    if (n > 0 && n < (ssize_t)sizeof parent) {
        if (H5Pget_layout(plist) == H5D_VIRTUAL && H5Pget_virtual_count(plist, &virtuals) >= 0)
            for (size_t i = 0; i < virtuals && !refused[0]; i++) check_source(plist, i, parent);
        const int files = H5Pget_external_count(plist);
        for (int i = 0; i < files && !refused[0]; i++) check_external(plist, (unsigned)i, parent);
    }
    H5Pclose(plist);
}

bool msio_h5_refused(const char *name, msio_h5_message *message) {
    if (!refused[0]) return false;
    snprintf(message->text, sizeof message->text,
             "%.150s leads to %.250s: expected a regular file, found something else", name, refused);
    return true;
}
