/* scratch_copy.h - copies of tables that are worked on and removed again: where, whether there is room, and making
 * them.
 */
#ifndef MSIO_CLI_SCRATCH_COPY_H
#define MSIO_CLI_SCRATCH_COPY_H

#include <stddef.h>
#include <stdint.h>

/* Where the copy is made: beside the table, or in the folder scratch (NULL: none named); with an ending of its own. */
void cli_scratch_name(const char *table, const char *scratch, const char *ending, char *name, size_t size);
/* Bytes that are free where the copy is to stand; -1 where nobody tells. */
int64_t cli_scratch_room(const char *copy);
/* Copies a table's own files into a new folder `to` (whole 0), or all that is in it and below (whole 1): that by
 * sharing blocks where the file system can, else in the kernel, else through memory; alone a table is copied through
 * memory, since shared blocks would cost what is timed on them. Links are followed; what an interrupted
 * write left, and what is neither file nor folder, is left out. Returns 0, or -1 with errno (EINTR: the user stopped
 * it). Nothing in `from` is changed. */
int cli_scratch_copy(const char *from, const char *to, int whole);

#endif
