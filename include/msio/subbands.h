/* subbands.h - groups of subband files: the files of one observation time, one a subband, found by their names.
 *
 * A correlator writes one file a subband: 2025-10-05T13:27:52_sb07.hdf5. The time is each writer's own clock at the
 * file's opening, so that the names of one group differ by seconds. Where names tell time and subband, as those do, no
 * file is opened, and nothing but the folders is read; what the pattern leaves out is asked of the files' headers.
 *
 * Times are UTC: in text ISO 8601 with a Z, in numbers seconds since 1970-01-01T00:00:00 without leap seconds, in the
 * Gregorian calendar, whatever the process's time zone.
 *
 * Threads: every function may be called from any thread at any time; what was found is immutable and may be shared; a
 * watch belongs to one thread at a time.
 */
#ifndef MSIO_SUBBANDS_H
#define MSIO_SUBBANDS_H

#include "msio/core.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- what is looked for */

/* The names of subband files, as a text in which
 *   {time}     stands for YYYY-MM-DDTHH:MM:SS,
 *   {subband}  for the subband's number, 1 to 4 digits, leading zeros or not,
 *   *          for any text, none too;
 * the first two stand there at most once, everything else means itself: "north-{time}.{subband}.uvh5". A name that has
 * "_incomplete" before its ending (from the last dot on) belongs to a file that is still being written.
 *
 * What the pattern leaves out ("{time}_*.uvh5", "*.uvh5") the UVH5 headers of the files tell, which are then opened,
 * about a millisecond each: the time is the beginning of the first row's integration, in whole seconds; the subband is
 * the extra keyword "subband" where there is one, and else counted from the highest frequency down: how many steps
 * the middle of the file's band lies below that of the first one. First and step are options; where they are 0, the
 * highest and the smallest distance of all files found. */
#define MSIO_GROUP_PATTERN "{time}_sb{subband}.hdf5"

#define MSIO_GROUP_MAX_SUBBANDS 10000

typedef struct msio_group_opts {
    size_t struct_size;  /* sizeof(msio_group_opts); MSIO_GROUP_OPTS_INIT sets it */
    const char *pattern; /* NULL: MSIO_GROUP_PATTERN */
    double window;       /* s; a group's files lie within it, counted from its first; both ends belong to it */
    int subbands;        /* that make a group complete: 0 .. subbands - 1 */
    /* Where headers tell the subband: Hz, the middle of subband 0, and the distance from each to the next lower one.
     * Both 0: found from the files. */
    double first_frequency, frequency_step;
} msio_group_opts;
#define MSIO_GROUP_OPTS_INIT                                                                                           \
    { sizeof(msio_group_opts), NULL, 60.0, 16, 0.0, 0.0 }

/* ---------------------------------------------------------------- what is found */

typedef struct msio_group_file {
    int subband;      /* as name or header say; -1 where they say none: only among incomplete files, and those
                         unexpected ones whose frequencies fit no subband */
    int used;         /* 1: it stands for its subband, in `file` of its group */
    const char *time; /* of name or header, "2025-10-05T13:27:52Z"; "" where subband is -1 */
    double seconds;   /* the same, since 1970 */
    const char *path; /* the folder as it was given, a slash, the name */
} msio_group_file;

/* A group begins with the first file that belongs to none before, and takes every file within the window. Where a
 * subband has several there, the one nearest to the median time of all of them is used (of two equally near the
 * earlier, then the first by path). Files past the window but within two windows of the first are late, and used
 * nowhere - unless a group of its own begins with one of them: more than half of the subbands, not only those missing
 * here. */
typedef struct msio_group {
    const char *time; /* of its first file */
    double seconds;
    int subbands; /* that make it complete */
    int complete; /* 1: none is missing */
    int files;
    const msio_group_file *file; /* [files]: one a subband, ascending by subband */
    int missing;
    const int32_t *missing_subband; /* [missing]: ascending; a late file's subband is missing too */
    int duplicates;
    const msio_group_file *duplicate; /* [duplicates]: all files of a subband that has several, the used one too; by
                                         subband, time, path */
    int lates;
    const msio_group_file *late; /* [lates]: by time, subband, path */
} msio_group;

/* A file whose name fits, but whose header had to be asked and could not be read. */
typedef struct msio_group_unreadable {
    const char *path, *reason; /* the reason: one sentence */
} msio_group_unreadable;

typedef struct msio_groups {
    int groups;
    const msio_group *group; /* [groups]: by time */
    int incompletes;
    const msio_group_file *incomplete; /* [incompletes]: files still being written; by time, subband, path */
    int unexpected;
    const msio_group_file *unexpected_file; /* [unexpected]: of subbands beyond those expected, in no group; by time,
                                               subband, path */
    int unreadables;
    const msio_group_unreadable *unreadable; /* [unreadables]: by path */
    int64_t ignored;    /* other names in the folders; folders and devices too, whatever their name */
    int64_t impossible; /* among those: like the pattern, but of a date or time that is none (month 13, second 60) */
} msio_groups;

/* Finds the groups in n folders, which are one pool of files; a folder given twice counts once; folders in them are not
 * entered. One pass over each folder's entries, no call to the system for each file whose name tells all. opts: NULL
 * for the defaults. *groups and all that it points to are to be freed by msio_groups_free. The order does not depend on
 * the folders'. Errors: MSIO_E_ARGUMENT (the options, the pattern), MSIO_E_NOT_FOUND (no such folder, or it is none),
 * MSIO_E_IO (it may not be read), MSIO_E_MEMORY. */
MSIO_API msio_status msio_group_find(int n, const char *const *dirs, const msio_group_opts *opts, msio_groups **groups);
MSIO_API void msio_groups_free(msio_groups *groups); /* takes NULL */

/* ---------------------------------------------------------------- watching for what comes */

/* Folders watched for groups, those that stand there already included. */
typedef struct msio_group_watch msio_group_watch;

/* Watches n folders (Linux: inotify), then scans them, so that no file is missed. Files count from when they get their
 * name by a rename or a link, or are closed by who wrote them; those that stand there already count at once. inotify
 * does not see what other machines do on a network file system. A pattern without {subband} wants first_frequency and
 * frequency_step, because not all files are there to find them from; a file whose header cannot be read is passed over,
 * so that its group comes without it. *watch is to be closed by msio_group_watch_close.
 * Errors: those of msio_group_find; MSIO_E_IO also where the system's limits of inotify are reached;
 * MSIO_E_UNSUPPORTED where there is no inotify. */
MSIO_API msio_status msio_group_watch_open(int n, const char *const *dirs, const msio_group_opts *opts,
                                           msio_group_watch **watch);

/* Waits for the next group, at most timeout seconds (negative: for ever), and less when a signal comes. A group is
 * delivered once: when it is complete; or, incomplete, when a file came that is later than two windows after its first
 * one, or when its first one to be seen was seen two windows ago by the clock. Files of it that come afterwards are
 * passed over. What is ready at once comes ordered by time. *group lives until the next call on this watch.
 * MSIO_END: no group in that time, and *group is untouched.
 * Errors: MSIO_E_NOT_FOUND when a folder was removed, moved or unmounted (groups that are ready are delivered first);
 * MSIO_E_IO, MSIO_E_MEMORY. After an error the watch can only be closed. */
MSIO_API msio_status msio_group_watch_next(msio_group_watch *watch, double timeout, const msio_group **group);

MSIO_API void msio_group_watch_close(msio_group_watch *watch); /* takes NULL */

/* ---------------------------------------------------------------- simulation */

typedef struct msio_simulate_uvh5_opts {
    size_t struct_size;
    int antennas;      /* baselines: antennas * (antennas + 1) / 2, autocorrelations included; default 96 */
    int times;         /* integrations; default 24 */
    int subbands;      /* default 16; at most MSIO_GROUP_MAX_SUBBANDS */
    int channels;      /* of each; default 48 */
    int polarizations; /* 1, 2 or 4: XX; XX, YY; XX, XY, YX, YY; default 2 */
    int missing;       /* subbands that are left out */
    const int32_t *missing_subband; /* [missing] */
    int jitter;                     /* s: the times in the files' names are up to so much later; default 6 */
    const char *time;               /* of the first name, UTC: "2025-10-05T13:27:52" (default) */
    const char *compression;        /* of visdata, flags, nsamples: "none" (default), "lzf", "gzip" */
    const char *flags;              /* "pattern" (default): by the formula; "none": all False, as the correlator's */
    double noise;                   /* Jy: standard deviation of each part of a visibility; default 0 */
    uint64_t seed;                  /* of the noise; default 0 */
    int overwrite;                  /* 1: replaces files of the same names */
    int (*progress)(void *user, int64_t done, int64_t total); /* bytes; not 0: stop */
    void *user;
} msio_simulate_uvh5_opts;
#define MSIO_SIMULATE_UVH5_OPTS_INIT                                                                                   \
    {                                                                                                                  \
        sizeof(msio_simulate_uvh5_opts), 96, 24, 16, 48, 2, 0, NULL, 6, "2025-10-05T13:27:52", "none", "pattern", 0.0, \
            0, 0, NULL, NULL                                                                                           \
    }

/* Makes a group of UVH5 files in the folder dir (which is made where it is missing; not the folders above it), laid out
 * as DSA-110's correlator writes them: see docs/simulation.md, also for the formulas that every value follows. Files
 * are written under the names NAME_incomplete.hdf5; all are renamed when all are whole. When it fails, or is stopped,
 * the folder is as it was. Values are computed by several threads and do not depend on their number. opts: NULL for the
 * defaults.
 * Errors: MSIO_E_ARGUMENT (the options; files of these names stand there), MSIO_E_IO, MSIO_E_UNSUPPORTED (the HDF5
 * module is missing), MSIO_E_CANCELLED, MSIO_E_MEMORY. */
MSIO_API msio_status msio_simulate_uvh5(const char *dir, const msio_simulate_uvh5_opts *opts);

/* Bytes that the files will take together, about (compressed ones: at most); rows of each in *rows when not NULL. -1
 * when the options are not those of a group (msio_last_error says which). */
MSIO_API int64_t msio_simulate_uvh5_bytes(const msio_simulate_uvh5_opts *opts, int64_t *rows);

/* The name of a subband's file, without its folder. MSIO_E_ARGUMENT (the options), MSIO_E_RANGE (no such subband, or
 * one that is left out). */
#define MSIO_SIMULATE_UVH5_NAME_BYTES 48
MSIO_API msio_status msio_simulate_uvh5_name(const msio_simulate_uvh5_opts *opts, int subband,
                                             char name[MSIO_SIMULATE_UVH5_NAME_BYTES]);

#ifdef __cplusplus
}
#endif
#endif
