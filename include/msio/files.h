/* files.h - files and folders that appear under their names when they are whole.
 *
 * What is made stands beside its target as `.NAME.msio-XXXXXX`, with `.NAME.msio-XXXXXX.lock` beside it, which says who
 * makes it and is locked meanwhile. A process that is killed leaves both. The next one that makes the same target, by
 * any call of msio or by this one, removes them where it can have that lock: then nobody is at work. What it leaves it
 * names (msio_notices_tell): another process's that lives, one of another machine, one without a lock file, one made
 * where the file system has no locks. Nothing without this mark is ever removed.
 *
 * Threads: every call may be made from any thread; one msio_making belongs to one thread at a time.
 */
#ifndef MSIO_FILES_H
#define MSIO_FILES_H

#include "msio/core.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct msio_making msio_making;

/* Begins to make what will be at `path` (whose folder must exist): removes what killed processes left of it, and finds
 * a place. *making is to be freed. MSIO_E_ARGUMENT (no name), MSIO_E_IO, MSIO_E_MEMORY.
 */
MSIO_API msio_status msio_making_begin(const char *path, msio_making **making);

/* Where the file or folder is to be made: nothing stands there yet. Lives as long as making. */
MSIO_API const char *msio_making_place(const msio_making *making);

/* Gives what was made its name. replace 0: MSIO_E_IO when something stands there, which stays; 1: it is replaced in one
 * step, a file by a
 * file, a folder by a folder, where the file system can; what stood there is removed. MSIO_E_IO. */
MSIO_API msio_status msio_making_finish(msio_making *making, int replace);

/* Removes what has not got its name, and the lock file. Takes NULL. */
MSIO_API void msio_making_free(msio_making *making);

/* What calls of this thread have to say that is no error: each sentence goes to `tell`, if one is given (NULL: to
 * nobody, as at first). */
MSIO_API void msio_notices_tell(void (*tell)(void *user, const char *sentence), void *user);

#ifdef __cplusplus
}
#endif
#endif
