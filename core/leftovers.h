/* leftovers.h - what killed processes left of files that they were making (msio/files.h). */
#ifndef MSIO_CORE_LEFTOVERS_H
#define MSIO_CORE_LEFTOVERS_H

#include <stdbool.h>

/* Between a target's name and six letters or digits of chance: ".x.npy.msio-a1B2c3". */
#define MSIO_MAKING_MARK ".msio-"
#define MSIO_MAKING_CHANCE 6
#define MSIO_MAKING_LOCK ".lock"
/* A lock file's first line; a file that begins otherwise is not ours. */
#define MSIO_MAKING_MAGIC "msio making 1\n"

/* Removes what is left in the folder of things whose temporary names begin with stem (".x.npy.msio-"); names what stays
 * by msio_notice. Fails never. */
void msio_leftovers_clear(const char *folder, const char *stem);

/* Tries to lock a lock file, for as long as it is open. False: somebody has it, or there are no locks here. */
bool msio_making_lock(int fd);
/* Whether the open file still is what the path leads to. */
bool msio_making_same(int fd, const char *path);

/* Removes a file, or a folder and all that is in it; links are removed, not followed. Files are emptied first: a
 * library may keep one open that it could not write. */
void msio_tree_remove(const char *path);

__attribute__((format(printf, 1, 2))) void msio_notice(const char *format, ...);

#endif
