/* casacore_editor.h - cells put by casacore, for what is not written natively.
 *
 * By the helper alone (casacore_remote.h), a process of its own: no copy of casacore in this process is touched, nor
 * its locks. The caller has casacore's write lock on the table and lends it: the helper has the same open file
 * description meanwhile, so that the lock lasts until either has done. Failing calls set the error record.
 */
#ifndef MSIO_IO_CASACORE_EDITOR_H
#define MSIO_IO_CASACORE_EDITOR_H

#include "io/lock/lock_registry.h"
#include "msio/casacore.h"

typedef struct msio_editor msio_editor;

/* Opens a plain table whose write lock `lock` is; bytes: about what will be put, room for which is asked for. Nothing
 * changed after an error. MSIO_E_CASACORE (no helper, or casacore's words), MSIO_E_IO (no room), MSIO_E_LOCKED,
 * MSIO_E_MEMORY. */
msio_status msio_editor_open(const char *path, const msio_lock *lock, int64_t bytes, msio_editor **editor);
/* Puts numbers or Bool: the part (NULL: all) of each row's cell, dense in the order of the rows, of which a later one
 * that comes again wins. ndim and shape (numpy order): those of whole cells, which get them where all is put. Also
 * MSIO_E_RANGE, MSIO_E_SIZE. */
msio_status msio_editor_put(msio_editor *editor, const char *column, const msio_casa_row_set *rows,
                            const msio_casa_part *part, int ndim, const int64_t *shape, const void *values,
                            size_t bytes);
/* Puts strings: texts as shim_write.cc takes them. Also MSIO_E_SHAPE. */
msio_status msio_editor_texts(msio_editor *editor, const char *column, const msio_casa_row_set *rows, const char *texts,
                              size_t bytes);
/* Has casacore write what it holds (sync: to the disk), tell others, and close. Takes NULL. */
msio_status msio_editor_close(msio_editor *editor, bool sync);

#endif
