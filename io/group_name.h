/* group_name.h - subband files as their names tell them: what parsing, grouping and watching share. */
#ifndef MSIO_IO_GROUP_NAME_H
#define MSIO_IO_GROUP_NAME_H

#include "core/arena.h"
#include "msio/subbands.h"

#include <stdbool.h>

/* ---------------------------------------------------------------- names (group_name.c) */

#define MSIO_GROUP_PATTERN_MOST 255 /* bytes of a pattern */

/* A pattern taken apart: before, one field, between, the other field, after. */
typedef struct msio_group_pattern {
    char before[MSIO_GROUP_PATTERN_MOST + 1], between[MSIO_GROUP_PATTERN_MOST + 1], after[MSIO_GROUP_PATTERN_MOST + 1];
    bool subband_first;
    const char *ending; /* in `after`: from its last dot on; where it has none, its end */
} msio_group_pattern;

/* text: NULL for the default. The pattern may not be moved. MSIO_E_ARGUMENT says what is wrong with it. */
msio_status msio_group_pattern_parse(const char *text, msio_group_pattern *pattern);

typedef enum msio_name_kind {
    MSIO_NAME_OTHER,
    MSIO_NAME_IMPOSSIBLE, /* like the pattern, but there is no such date or time */
    MSIO_NAME_INCOMPLETE, /* still being written */
    MSIO_NAME_SUBBAND
} msio_name_kind;

/* What a name says. time in seconds since 1970; of an incomplete name that says no more, time 0 and subband -1. */
msio_name_kind msio_group_name_parse(const msio_group_pattern *pattern, const char *name, int64_t *time, int *subband);

#define MSIO_GROUP_TIME_BYTES 21
/* "2025-10-05T13:27:52Z" of a time that msio_group_name_parse gave. */
void msio_group_time_text(int64_t time, char text[MSIO_GROUP_TIME_BYTES]);

/* ---------------------------------------------------------------- files and groups (group_find.c) */

/* The options, checked, with the pattern taken apart. */
typedef struct msio_group_rules {
    msio_group_pattern pattern;
    double window;
    int subbands;
} msio_group_rules;
/* rules may not be moved afterwards. MSIO_E_ARGUMENT. */
msio_status msio_group_rules_make(const msio_group_opts *opts, msio_group_rules *rules);

typedef struct msio_group_entry {
    int64_t time;
    int subband;
    char *path;           /* malloc'd, the list's */
    double seen;          /* a watch's: by its clock, when the file was first seen */
    int64_t newest_since; /* a watch's: the latest time of a name that came with it or after it */
} msio_group_entry;

typedef struct msio_group_entries {
    int64_t n, room;
    msio_group_entry *entry;
} msio_group_entries;

/* Adds a file; its path is made of folder and name. MSIO_E_MEMORY. */
msio_status msio_group_entries_add(msio_group_entries *list, const char *folder, const char *name, int64_t time,
                                   int subband);
/* By time, subband, path. */
int msio_group_entry_compare(const msio_group_entry *a, const msio_group_entry *b);
void msio_group_entries_sort(msio_group_entries *list);
/* The same file in a sorted list, or NULL. */
msio_group_entry *msio_group_entries_find(const msio_group_entries *list, const msio_group_entry *wanted);
void msio_group_entries_free(msio_group_entries *list);

/* What a pass over folders found. */
typedef struct msio_group_finds {
    msio_group_entries files, incomplete, unexpected;
    int64_t ignored, impossible;
} msio_group_finds;
#define MSIO_GROUP_FINDS_INIT                                                                                          \
    { {0, 0, NULL}, {0, 0, NULL}, {0, 0, NULL}, 0, 0 }
/* Adds what an open folder holds; fd is closed in any case. MSIO_E_IO, MSIO_E_MEMORY. */
msio_status msio_group_scan(int fd, const char *folder, const msio_group_rules *rules, msio_group_finds *finds);
/* Opens a folder for it. MSIO_E_NOT_FOUND, MSIO_E_IO. */
msio_status msio_group_folder_open(const char *folder, int *fd);
void msio_group_finds_free(msio_group_finds *finds);

/* Sets of subbands, in 64-bit words. */
static inline size_t msio_subband_words(int subbands) { return ((size_t)subbands + 63) / 64; }
static inline bool msio_subband_has(const uint64_t *set, int subband) { return set[subband / 64] >> subband % 64 & 1; }
static inline void msio_subband_put(uint64_t *set, int subband) { set[subband / 64] |= (uint64_t)1 << subband % 64; }

/* Whether a group of its own begins at a sorted list's file at: more than half of the subbands within its window, and
 * one at least of those that the other group has. scratch: words of a set. */
bool msio_group_stands_alone(const msio_group_entries *list, int64_t at, const msio_group_rules *rules,
                             const uint64_t *others, uint64_t *scratch);

/* A group in a sorted list: the files within the window, and after them those that are late. */
typedef struct msio_group_extent {
    int64_t first, files, late;
    int subbands; /* that are there */
} msio_group_extent;
/* The group that begins at the list's file first; taken: words of a set, of the subbands that it has. */
void msio_group_measure(const msio_group_entries *list, int64_t first, const msio_group_rules *rules, uint64_t *taken,
                        uint64_t *scratch, msio_group_extent *extent);

/* Describes n groups of a list in memory of the arena; texts are copied. MSIO_E_MEMORY. */
msio_status msio_group_describe(const msio_group_entries *list, const msio_group_extent *extents, int64_t n,
                                const msio_group_rules *rules, msio_arena *arena, const msio_group **groups);

#endif
