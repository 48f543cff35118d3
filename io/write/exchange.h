/* exchange.h - a file of a data manager written anew beside the one that stands, whose place it takes by a rename: all
 * or nothing without keeping old bytes.
 *
 * The new file is NAME_tmp in the same folder, of the same owner and mode, with its room reserved. The journal of the
 * write names it before it is made (journal.h, msio_journal_intend), so that what a crash leaves is removed by the next
 * write or msio_repair. Only where nobody else has the table open, who would go on with the old file.
 */
#ifndef MSIO_IO_EXCHANGE_H
#define MSIO_IO_EXCHANGE_H

#include "core/file.h"

/* Bytes of a path with its "_tmp". */
#define MSIO_EXCHANGE_PATH 4096

/* The path of the new file; NULL: too long. */
const char *msio_exchange_path(const msio_file *old, char path[MSIO_EXCHANGE_PATH]);

/* Whether the file may be replaced: it has this one name, which is no symbolic link, and is the caller's own (or the
 * caller is root). */
bool msio_exchange_may(const msio_file *old);

/* Makes the new file, as long as the old one, whose bytes all are to be stored or copied. What stood under that name
 * was left by a crash. *made, for reading, is the caller's; *fd, for writing, too. MSIO_E_IO (with errno; nothing is
 * left), MSIO_E_MEMORY. */
msio_status msio_exchange_make(const msio_file *old, msio_file **made, int *fd);
/* Bytes of the old file that stay, by the system where it can copy them. MSIO_E_IO, MSIO_E_MEMORY. */
msio_status msio_exchange_copy(const msio_file *old, int fd, int64_t offset, int64_t length);

/* What was renamed in a folder is on the disk. MSIO_E_IO. */
msio_status msio_exchange_sync(const char *folder);
/* The new file takes the old one's place. MSIO_E_IO. */
msio_status msio_exchange_rename(const msio_file *old);

#endif
