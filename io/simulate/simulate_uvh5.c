/* simulate_uvh5.c - making a group of UVH5 files whose every value follows from a closed formula. */
#include "io/simulate/simulate_uvh5.h"
#include "io/ms/ms_place.h"

#include "core/checked.h"
#include "core/error.h"
#include "io/group/group_name.h"
#include "io/simulate/simulate_progress.h"
#include "msio/files.h"
#include "prof/call.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Most antennas, and most elements of a row: what keeps every product in 64 bits and a row in memory. */
#define MOST_ANTENNAS 32768
#define MOST_CELL (1 << 24)
#define MOST_JITTER 3600
/* The last second of the year 9999. */
#define LAST_SECOND 253402300799

/* ---------------------------------------------------------------- options */

static msio_status check_numbers(const msio_simulate_uvh5_opts *o) {
    if (o->antennas < 1 || o->antennas > MOST_ANTENNAS || o->times < 1 || o->channels < 1)
        return msio_error_set(MSIO_E_ARGUMENT, NULL,
                              "%d antennas, %d times, %d channels: each must be at least 1, antennas at most %d",
                              o->antennas, o->times, o->channels, MOST_ANTENNAS);
    if (o->subbands < 1 || o->subbands > MSIO_GROUP_MAX_SUBBANDS)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "%d subbands: a group has from 1 to %d", o->subbands,
                              MSIO_GROUP_MAX_SUBBANDS);
    if (o->polarizations != 1 && o->polarizations != 2 && o->polarizations != 4)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "%d polarizations: 1, 2 or 4 are made", o->polarizations);
    if (o->channels > MOST_CELL / o->polarizations)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "%d channels are too many: %d are made", o->channels,
                              MOST_CELL / o->polarizations);
    if (o->jitter < 0 || o->jitter > MOST_JITTER)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "a jitter of %d s: from 0 to %d s are made", o->jitter,
                              MOST_JITTER);
    if (!isfinite(o->noise) || o->noise < 0)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "a noise of %g: it must be 0 or more", o->noise);
    return MSIO_OK;
}

static bool is_missing(const msio_simulate_uvh5_opts *opts, int subband) {
    for (int i = 0; i < opts->missing; i++)
        if (opts->missing_subband[i] == subband) return true;
    return false;
}

/* Those left out must be subbands, and not all of them. */
static msio_status check_missing(const msio_simulate_uvh5_opts *opts) {
    if (opts->missing < 0 || (opts->missing > 0 && !opts->missing_subband))
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "%d missing subbands without a list of them", opts->missing);
    for (int i = 0; i < opts->missing; i++)
        if (opts->missing_subband[i] < 0 || opts->missing_subband[i] >= opts->subbands)
            return msio_error_set(MSIO_E_ARGUMENT, NULL, "subband %d cannot be missing: there are 0 to %d",
                                  (int)opts->missing_subband[i], opts->subbands - 1);
    for (int b = 0; b < opts->subbands; b++)
        if (!is_missing(opts, b)) return MSIO_OK;
    return msio_error_set(MSIO_E_ARGUMENT, NULL, "all %d subbands are missing: no file is left to make",
                          opts->subbands);
}

/* The place of a word in a list of n; the first where it is NULL. */
static msio_status read_word(const char *what, const char *word, int n, const char *const *words, int *index) {
    for (int i = 0; i < n; i++) {
        if (word && strcmp(word, words[i]) != 0) continue;
        *index = i;
        return MSIO_OK;
    }
    return msio_error_set(MSIO_E_ARGUMENT, NULL, "%s %s is none of %s, %s%s%s", what, word, words[0], words[1],
                          n > 2 ? ", " : "", n > 2 ? words[2] : "");
}

/* The time must read as a file's name tells one. */
static msio_status read_time(const msio_simulate_uvh5_opts *opts, int64_t *time) {
    static const msio_simulate_uvh5_opts defaults = MSIO_SIMULATE_UVH5_OPTS_INIT;
    msio_group_pattern pattern;
    char name[MSIO_SIMULATE_UVH5_NAME_BYTES];
    int subband;
    const char *text = opts->time ? opts->time : defaults.time;
    msio_status status = msio_group_pattern_parse(NULL, &pattern);
    if (status != MSIO_OK) return status;
    const int length = snprintf(name, sizeof name, "%s_sb00.hdf5", text);
    if (length >= (int)sizeof name || msio_group_name_parse(&pattern, name, time, &subband) != MSIO_NAME_SUBBAND)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "\"%s\" is no time: 2025-10-05T13:27:52 is one", text);
    if (*time > LAST_SECOND - opts->jitter)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "the files' names would be of times after the year 9999");
    return MSIO_OK;
}

static msio_status read_words(const msio_simulate_uvh5_opts *opts, msio_sim_uvh5 *group) {
    static const char *const compressions[] = {"none", "lzf", "gzip"}, *const flags[] = {"pattern", "none"};
    int compression = 0, kind = 0;
    msio_status status = read_word("compression", opts->compression, 3, compressions, &compression);
    if (status == MSIO_OK) status = read_word("flags", opts->flags, 2, flags, &kind);
    if (status == MSIO_OK) status = read_time(opts, &group->begin);
    group->compression = (msio_h5_compression)compression;
    group->flags = kind == 0;
    return status;
}

/* The group that the options (NULL: the defaults) describe. */
static msio_status describe(const msio_simulate_uvh5_opts *given, msio_simulate_uvh5_opts *opts, msio_sim_uvh5 *group) {
    *opts = (msio_simulate_uvh5_opts)MSIO_SIMULATE_UVH5_OPTS_INIT;
    if (given && given->struct_size != sizeof *given)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "the options do not begin with MSIO_SIMULATE_UVH5_OPTS_INIT");
    if (given) *opts = *given;
    *group = (msio_sim_uvh5){.jitter = opts->jitter, .noise = opts->noise, .seed = opts->seed};
    msio_sim *sim = &group->sim;
    *sim = (msio_sim){.antennas = opts->antennas,
                      .times = opts->times,
                      .spws = opts->subbands,
                      .channels = opts->channels,
                      .corrs = opts->polarizations};
    msio_status status = check_numbers(opts);
    if (status == MSIO_OK) status = check_missing(opts);
    if (status == MSIO_OK) status = read_words(opts, group);
    if (status != MSIO_OK) return status;
    sim->antennas_listed = msio_sim_listed(sim->antennas);
    sim->baselines = (int64_t)sim->antennas * (sim->antennas + 1) / 2;
    group->rows = sim->baselines * sim->times;
    /* 1024: room for the bytes of an element, for chunks that are stored whole, and for what formulas multiply by */
    const int64_t factors[] = {group->rows, sim->spws, sim->channels, sim->corrs, 1024};
    int64_t bytes;
    if (!msio_product_checked(5, factors, &bytes))
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "files of %lld rows are too large", (long long)group->rows);
    sim->rows = group->rows * sim->spws;
    return MSIO_OK;
}

static int files_of(const msio_simulate_uvh5_opts *opts) {
    int n = 0;
    for (int b = 0; b < opts->subbands; b++) n += !is_missing(opts, b);
    return n;
}

int64_t msio_simulate_uvh5_bytes(const msio_simulate_uvh5_opts *given, int64_t *rows) {
    msio_simulate_uvh5_opts opts;
    msio_sim_uvh5 group;
    if (describe(given, &opts, &group) != MSIO_OK) return -1;
    if (rows) *rows = group.rows;
    return files_of(&opts) * msio_sim_uvh5_file_bytes(&group);
}

/* ---------------------------------------------------------------- names */

/* Seconds by which a subband's name is late: multiples of the golden ratio, which spread evenly. */
static int64_t jitter_of(const msio_sim_uvh5 *group, int subband) {
    return ((int64_t)subband * 40503 % 65536) * (group->jitter + 1) / 65536;
}

static void name_of(const msio_sim_uvh5 *group, int subband, char name[MSIO_SIMULATE_UVH5_NAME_BYTES]) {
    char time[MSIO_GROUP_TIME_BYTES];
    msio_group_time_text(group->begin + jitter_of(group, subband), time);
    snprintf(name, MSIO_SIMULATE_UVH5_NAME_BYTES, "%.19s_sb%02d.hdf5", time, subband);
}

msio_status msio_simulate_uvh5_name(const msio_simulate_uvh5_opts *given, int subband,
                                    char name[MSIO_SIMULATE_UVH5_NAME_BYTES]) {
    msio_simulate_uvh5_opts opts;
    msio_sim_uvh5 group;
    msio_status status = describe(given, &opts, &group);
    if (status != MSIO_OK) return status;
    if (subband < 0 || subband >= opts.subbands || is_missing(&opts, subband))
        return msio_error_set(MSIO_E_RANGE, NULL, "no file is made of subband %d", subband);
    name_of(&group, subband, name);
    return MSIO_OK;
}

/* ---------------------------------------------------------------- places */

/* Where files go, and where they are made: in a folder of its own, which is renamed where no folder stands yet, else
 * within the one that does, out of which they are moved. */
typedef struct places {
    const char *folder;
    bool stands; /* the folder, before */
    msio_making *making;
} places;

static char *path_in(const char *folder, const msio_sim_uvh5 *group, int subband) {
    char name[MSIO_SIMULATE_UVH5_NAME_BYTES];
    const size_t size = strlen(folder) + sizeof name + 1;
    char *path = malloc(size);
    name_of(group, subband, name);
    if (path)
        snprintf(path, size, "%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/", name);
    else
        msio_error_set(MSIO_E_MEMORY, folder, "no memory for a name");
    return path;
}

/* Whether a file can be put there. */
static msio_status check_place(const char *path, bool overwrite) {
    struct stat there;
    if (lstat(path, &there) != 0) return MSIO_OK;
    if (!S_ISREG(there.st_mode))
        return msio_error_set(MSIO_E_ARGUMENT, path, "something that is no file stands there; it stays");
    if (overwrite) return MSIO_OK;
    return msio_error_set(MSIO_E_ARGUMENT, path,
                          "a file stands there; choose another folder or time, or ask to overwrite it");
}

/* Looks at the folder, and at what stands in it. */
static msio_status check_folder(const msio_simulate_uvh5_opts *opts, const msio_sim_uvh5 *group, places *where) {
    struct stat there;
    msio_status status = MSIO_OK;
    where->stands = stat(where->folder, &there) == 0;
    if (where->stands ? !S_ISDIR(there.st_mode) : lstat(where->folder, &there) == 0)
        return msio_error_set(MSIO_E_ARGUMENT, where->folder, "something that is no folder stands there; it stays");
    for (int b = 0; where->stands && b < opts->subbands && status == MSIO_OK; b++) {
        if (is_missing(opts, b)) continue;
        char *path = path_in(where->folder, group, b);
        status = path ? check_place(path, opts->overwrite != 0) : MSIO_E_MEMORY;
        free(path);
    }
    return status;
}

/* Makes the folder in which the files are made. */
static msio_status make_folder(const msio_simulate_uvh5_opts *opts, const msio_sim_uvh5 *group, places *where) {
    int first = 0;
    while (is_missing(opts, first)) first++;
    char *inside = where->stands ? path_in(where->folder, group, first) : NULL;
    if (where->stands && !inside) return MSIO_E_MEMORY;
    msio_status status = msio_making_begin(inside ? inside : where->folder, &where->making);
    free(inside);
    if (status == MSIO_OK && mkdir(msio_making_place(where->making), 0777) != 0)
        return msio_error_system(MSIO_E_IO, where->folder, "the folder cannot be made");
    return status;
}

/* Files that grow too large for the process's own limit would end it by a signal. */
static msio_status check_limit(const char *folder, int64_t bytes) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= (rlim_t)bytes)
        return MSIO_OK;
    return msio_error_set(MSIO_E_IO, folder,
                          "a file takes about %lld bytes, and this process may not write more than %lld (ulimit -f)",
                          (long long)bytes, (long long)limit.rlim_cur);
}

/* Renames the finished files, or the folder that they are in. */
static msio_status put_in_place(const msio_simulate_uvh5_opts *opts, const msio_sim_uvh5 *group, places *where) {
    msio_status status = MSIO_OK;
    if (!where->stands) return msio_making_finish(where->making, 0);
    for (int b = 0; b < opts->subbands && status == MSIO_OK; b++) {
        if (is_missing(opts, b)) continue;
        char *made = path_in(msio_making_place(where->making), group, b), *final = path_in(where->folder, group, b);
        if (!made || !final)
            status = MSIO_E_MEMORY;
        else if (rename(made, final) != 0)
            status = msio_error_system(MSIO_E_IO, final, "the finished file cannot be renamed to this");
        free(final);
        free(made);
    }
    return status;
}

/* ---------------------------------------------------------------- the call */

msio_status msio_sim_uvh5_describe(const msio_simulate_uvh5_opts *given, msio_sim_uvh5 *group) {
    msio_simulate_uvh5_opts opts;
    return describe(given, &opts, group);
}

msio_status msio_simulate_uvh5(const char *dir, const msio_simulate_uvh5_opts *opts) {
    PROF_CALL(dir);
    return msio_sim_uvh5_make(dir, opts, NULL);
}

msio_status msio_sim_uvh5_make(const char *dir, const msio_simulate_uvh5_opts *given, const msio_sim_uvh5_sky *sky) {
    msio_simulate_uvh5_opts opts;
    msio_sim_uvh5 group;
    places where = {.folder = dir};
    if (!dir || !*dir) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no folder for the files");
    msio_status status = describe(given, &opts, &group);
    if (status == MSIO_OK) {
        group.sky = sky;
        group.flags = group.flags && !sky;
    }
    if (status == MSIO_OK) status = check_folder(&opts, &group, &where);
    if (status == MSIO_OK) status = check_limit(dir, msio_sim_uvh5_file_bytes(&group));
    if (status == MSIO_OK) status = make_folder(&opts, &group, &where);
    const int n = status == MSIO_OK ? files_of(&opts) : 0;
    if (status == MSIO_OK)
        status = msio_ms_check_room(msio_making_place(where.making), dir, n * msio_sim_uvh5_file_bytes(&group),
                                    "a group of UVH5 files");
    msio_sim_progress p = {opts.progress, opts.user, dir, 0, 0};
    if (status == MSIO_OK) {
        p.total = n * msio_sim_uvh5_value_bytes(&group);
        status = msio_sim_advance(&p, 0);
    }
    for (int b = 0; b < opts.subbands && status == MSIO_OK; b++) {
        if (is_missing(&opts, b)) continue;
        char *path = path_in(msio_making_place(where.making), &group, b);
        status = path ? msio_sim_uvh5_file(&group, b, path, msio_sim_advance, &p) : MSIO_E_MEMORY;
        free(path);
    }
    if (status == MSIO_OK) status = put_in_place(&opts, &group, &where);
    msio_making_free(where.making);
    return status;
}
