/* entries.h - for tests: what stands in a folder. */
#ifndef MSIO_TESTS_ENTRIES_H
#define MSIO_TESTS_ENTRIES_H

#include <dirent.h>
#include <string.h>

/* Entries of a folder, "." and ".." apart; 0 where there is none. */
static inline int entries_of(const char *folder) {
    int n = 0;
    DIR *listing = opendir(folder);
    for (struct dirent *e; listing && (e = readdir(listing));)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    if (listing) closedir(listing);
    return n;
}

#endif
