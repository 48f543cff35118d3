/* file_map.h - what file.c needs of the guarded mappings in file_map.c. */
#ifndef MSIO_CORE_FILE_MAP_H
#define MSIO_CORE_FILE_MAP_H

#include "core/file.h"

/* Whether files of this descriptor's file system are mapped: local ones are, network ones are not, because there a
 * page can change or vanish at any time and a fault waits for a server. */
bool msio_file_map_allowed(int fd);

/* Maps what is behind fd, the same file, in the place of the mapping, as long: so that a child of fork does not keep
 * its parent's descriptor open by it. False where it could not. */
bool msio_file_map_again(msio_file *file, int fd);

/* Removes the file's mapping, if it has one. No thread may be reading it. */
void msio_file_unmap(msio_file *file);

#endif
