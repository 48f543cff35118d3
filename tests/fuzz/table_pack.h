/* table_pack.h - tables packed into one run of bytes (make_corpus.py), unpacked into a folder.
 *
 * Any bytes are a pack: lengths that run over its end are cut there.
 */
#ifndef MSIO_TESTS_FUZZ_TABLE_PACK_H
#define MSIO_TESTS_FUZZ_TABLE_PACK_H

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct pack_entry {
    char name[256];
    const uint8_t *bytes;
    size_t length;
} pack_entry;

/* The entry at *at, which moves on behind it; false at the end. */
static inline bool pack_next(const uint8_t *pack, size_t size, size_t *at, pack_entry *entry) {
    if (*at >= size) return false;
    size_t name = pack[(*at)++];
    if (name > size - *at) name = size - *at;
    memcpy(entry->name, pack + *at, name);
    entry->name[name] = 0;
    *at += name;
    if (size - *at < 4) return false;
    uint32_t length = (uint32_t)pack[*at] | (uint32_t)pack[*at + 1] << 8 | (uint32_t)pack[*at + 2] << 16 |
                      (uint32_t)pack[*at + 3] << 24;
    *at += 4;
    entry->bytes = pack + *at;
    entry->length = length < size - *at ? length : size - *at;
    *at += entry->length;
    return true;
}

/* Whether a name stays within the folder that it is unpacked into. */
static inline bool pack_name_is_safe(const char *name) {
    if (!*name || *name == '/' || strstr(name, "..")) return false;
    for (const char *p = name; *p; p++)
        if ((unsigned char)*p < 32 || (unsigned char)*p > 126) return false;
    return name[strlen(name) - 1] != '/';
}

static inline bool pack_write_file(const char *path, const void *bytes, size_t length) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return false;
    bool written = write(fd, bytes, length) == (ssize_t)length;
    close(fd);
    return written;
}

/* Writes the entries that have safe names below folder, which is there. At most 64 entries are looked at. */
static inline void pack_unpack(const uint8_t *pack, size_t size, const char *folder) {
    size_t at = 0;
    pack_entry entry;
    for (int i = 0; i < 64 && pack_next(pack, size, &at, &entry); i++) {
        char path[PATH_MAX];
        if (!pack_name_is_safe(entry.name)) continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry.name);
        for (char *slash = strchr(path + strlen(folder) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
            *slash = 0;
            mkdir(path, 0700);
            *slash = '/';
        }
        pack_write_file(path, entry.bytes, entry.length);
    }
}

static inline int pack_remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where) {
    (void)info, (void)kind, (void)where;
    return remove(path);
}

/* Removes a folder and all that is in it. */
static inline void pack_remove(const char *folder) { nftw(folder, pack_remove_entry, 16, FTW_DEPTH | FTW_PHYS); }

/* A new folder in memory where the system has such a place; folder is at least 64 bytes. */
static inline bool pack_make_folder(char *folder) {
    strcpy(folder, "/dev/shm/msio-test-XXXXXX");
    if (mkdtemp(folder)) return true;
    strcpy(folder, "/tmp/msio-test-XXXXXX");
    return mkdtemp(folder) != NULL;
}

/* A file of tests/fuzz/corpus, malloc'ed. NULL where it is missing. */
static inline uint8_t *pack_load(const char *name, size_t *size) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/fuzz/corpus/%s", MSIO_TESTS, name);
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    uint8_t *bytes = malloc(1 << 20);
    *size = bytes ? fread(bytes, 1, 1 << 20, file) : 0;
    fclose(file);
    return bytes;
}

#endif
