/* group_name.h - subband files as their names tell them: what parsing, grouping and watching share. */
#ifndef MSIO_IO_GROUP_NAME_H
#define MSIO_IO_GROUP_NAME_H

#include "core/arena.h"
#include "msio/subbands.h"

#include <stdbool.h>

/* ---------------------------------------------------------------- names (group_name.c) */

#define MSIO_GROUP_PATTERN_MOST 255 /* bytes of a pattern */
#define MSIO_GROUP_PATTERN_PARTS 16

typedef enum msio_pattern_kind {
    MSIO_PATTERN_TEXT,
    MSIO_PATTERN_TIME,
    MSIO_PATTERN_SUBBAND,
    MSIO_PATTERN_ANY /* a star: any text, none too */
} msio_pattern_kind;

/* A pattern taken apart. */
typedef struct msio_group_pattern {
    char text[MSIO_GROUP_PATTERN_MOST + 1];
    int parts;
    struct {
        msio_pattern_kind kind;
        short at, length; /* in `text` */
    } part[MSIO_GROUP_PATTERN_PARTS];
    bool has_time, has_subband;
} msio_group_pattern;

/* text: NULL for the default. MSIO_E_ARGUMENT says what is wrong with it. */
msio_status msio_group_pattern_parse(const char *text, msio_group_pattern *pattern);

/* Whether names that fit leave nothing to the files' headers. */
static inline bool msio_group_pattern_tells_all(const msio_group_pattern *pattern) {
    return pattern->has_time && pattern->has_subband;
}

typedef enum msio_name_kind {
    MSIO_NAME_OTHER,
    MSIO_NAME_IMPOSSIBLE, /* like the pattern, but there is no such date or time */
    MSIO_NAME_INCOMPLETE, /* still being written */
    MSIO_NAME_SUBBAND
} msio_name_kind;

/* What a name says. time in seconds since 1970; what it does not say: time 0, subband -1. */
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
    double first_frequency, frequency_step; /* Hz; 0: found from the files */
} msio_group_rules;
/* MSIO_E_ARGUMENT. */
msio_status msio_group_rules_make(const msio_group_opts *opts, msio_group_rules *rules);

typedef struct msio_group_entry {
    int64_t time;
    int subband;
    char *path;           /* malloc'd, the list's */
    char *reason;         /* the same, why an unreadable file is that; else NULL */
    double frequency;     /* Hz, of the middle; where the header has to tell the subband */
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
/* Moves an entry of another list here; what it points to goes with it. MSIO_E_MEMORY, and it stays where it was. */
msio_status msio_group_entries_take(msio_group_entries *list, msio_group_entry *entry);
/* By time, subband, path. */
int msio_group_entry_compare(const msio_group_entry *a, const msio_group_entry *b);
void msio_group_entries_sort(msio_group_entries *list);
/* The same file in a sorted list, or NULL. */
msio_group_entry *msio_group_entries_find(const msio_group_entries *list, const msio_group_entry *wanted);
void msio_group_entries_free(msio_group_entries *list);

/* What a pass over folders found. */
typedef struct msio_group_finds {
    msio_group_entries files, incomplete, unexpected;
    msio_group_entries untold;     /* their names do not tell all: msio_group_headers_ask moves them to the others */
    msio_group_entries unreadable; /* nor do their headers */
    int64_t ignored, impossible;
} msio_group_finds;
#define MSIO_GROUP_FINDS_INIT                                                                                          \
    { {0, 0, NULL}, {0, 0, NULL}, {0, 0, NULL}, {0, 0, NULL}, {0, 0, NULL}, 0, 0 }
/* Adds the file of a name in a folder to the list that it belongs to, told in *list; NULL: none. MSIO_E_MEMORY. */
msio_status msio_group_take_name(const char *folder, const char *name, const msio_group_rules *rules,
                                 msio_group_finds *finds, msio_group_entries **list);
/* Adds what an open folder holds; fd is closed in any case. MSIO_E_IO, MSIO_E_MEMORY. */
msio_status msio_group_scan(int fd, const char *folder, const msio_group_rules *rules, msio_group_finds *finds);
/* Opens a folder for it. MSIO_E_NOT_FOUND, MSIO_E_IO. */
msio_status msio_group_folder_open(const char *folder, int *fd);
void msio_group_finds_free(msio_group_finds *finds);

/* ---------------------------------------------------------------- what names leave to headers (group_header.c) */

/* Asks the headers of the untold files for what their names do not tell: the subband (the extra keyword "subband", or
 * the place of their frequencies in the band) and the time (of the first row). MSIO_E_MEMORY; a file that cannot be
 * read is no failure. */
msio_status msio_group_headers_ask(const msio_group_rules *rules, msio_group_finds *finds);

/* ---------------------------------------------------------------- groups in lists (group_find.c) */

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
