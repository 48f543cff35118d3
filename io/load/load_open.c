/* load_open.c - the files of a group opened, compared and selected from. */
#include "core/threads.h"
#include "io/load/loader.h"
#include "prof/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---------------------------------------------------------------- files */

/* A folder is an MS where it has a table in it. */
static bool is_ms(const char *path) {
    struct stat info;
    char name[4096];
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) return false;
    int length = snprintf(name, sizeof name, "%s/table.dat", path);
    return length < (int)sizeof name && access(name, F_OK) == 0;
}

static msio_status add_path(msio_loader *l, const char *path, int number) {
    char expanded[MSIO_PATH_BYTES];
    msio_status status = msio_path_expand(path, expanded);
    if (status) return status;
    path = expanded;
    char *kept = msio_arena_text(&l->arena, path, (int64_t)strlen(path));
    if (!kept) return msio_error_set(MSIO_E_MEMORY, path, "no memory for a path");
    return is_ms(path) ? msio_load_add_ms(l, kept, number) : msio_load_add_uvh5(l, kept, number);
}

/* Headers and chunk indices of all files, by all threads. The first failure, in the files' order, is the result. */
static msio_status open_files(msio_loader *l) {
    msio_error_copy *error = calloc((size_t)l->files + 1, sizeof *error);
    if (!error) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a list of files");
    int threads = msio_threads_for(l->opts.read.threads);
    if (threads > l->files) threads = l->files;
    if (threads > 1) msio_threads_used();
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) if (threads > 1)
    for (int i = 0; i < l->files; i++) {
        PROF_WITHIN;
        if (l->file[i].kind->open && l->file[i].kind->open(l, &l->file[i])) msio_error_save(&error[i]);
    }
    msio_status status = MSIO_OK;
    for (int i = 0; i < l->files && !status; i++) {
        if (error[i].code) status = msio_error_restore(&error[i]);
        if (!status && l->file[i].kind->finish) status = l->file[i].kind->finish(l, &l->file[i]);
    }
    free(error);
    return status;
}

/* ---------------------------------------------------------------- the group */

static bool is_wanted(const msio_load_opts *opts, int number) {
    if (!opts->subband_list) return true;
    for (int i = 0; i < opts->subbands_in_list; i++)
        if (opts->subband_list[i] == number) return true;
    return false;
}

static bool in_group(const msio_group *group, int number) {
    for (int i = 0; i < group->files; i++)
        if (group->file[i].subband == number) return true;
    for (int i = 0; i < group->missing; i++)
        if (group->missing_subband[i] == number) return true;
    return false;
}

static msio_status check_list(const msio_group *group, const msio_load_opts *o) {
    for (int i = 0; o->subband_list && i < o->subbands_in_list; i++)
        if (!in_group(group, o->subband_list[i]))
            return msio_error_set(MSIO_E_RANGE, group->files ? group->file[0].path : NULL,
                                  "subband %d asked for, the group has %d of them", o->subband_list[i],
                                  group->subbands);
    return MSIO_OK;
}

static msio_status add_group(msio_loader *l, const msio_group *group) {
    const msio_load_opts *o = &l->opts;
    msio_status status = check_list(group, o);
    for (int i = 0; i < group->files && !status; i++)
        if (is_wanted(o, group->file[i].subband)) status = add_path(l, group->file[i].path, group->file[i].subband);
    l->missing_number = msio_arena_take(&l->arena, group->missing + 1, sizeof *l->missing_number);
    if (!l->missing_number) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a list of subbands");
    for (int i = 0; i < group->missing; i++)
        if (is_wanted(o, group->missing_subband[i])) l->missing_number[l->missing++] = group->missing_subband[i];
    if (status || l->missing == 0 || o->missing != MSIO_MISSING_ERROR) return status;
    char text[160];
    size_t at = 0;
    for (int i = 0; i < l->missing && at < sizeof text - 16; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%d", i ? ", " : "", l->missing_number[i]);
    return msio_error_set(MSIO_E_NOT_FOUND, group->files ? group->file[0].path : NULL,
                          "of the group of %s %d subband%s missing: %s; skip them, or have them flagged", group->time,
                          l->missing, l->missing == 1 ? " is" : "s are", text);
}

static msio_status add_paths(msio_loader *l, int n, const char *const *paths) {
    msio_status status = MSIO_OK;
    if (l->opts.subband_list)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "paths have no subband numbers to choose by: give those wanted");
    for (int i = 0; i < n && !status; i++)
        status =
            paths[i] ? add_path(l, paths[i], l->files) : msio_error_set(MSIO_E_ARGUMENT, NULL, "path %d is NULL", i);
    return status;
}

/* The first difference that keeps the files from being loaded together. */
static msio_status judge(const msio_loader *l) {
    const msio_load_difference *first = NULL;
    int harmful = 0;
    for (int i = 0; i < l->differences.n; i++) {
        if (l->differences.difference[i].harmless) continue;
        if (!first) first = &l->differences.difference[i];
        harmful++;
    }
    if (!first) return MSIO_OK;
    if (harmful == 1) return msio_error_set(MSIO_E_SHAPE, first->path, "%s: %s", first->field, first->text);
    return msio_error_set(MSIO_E_SHAPE, first->path, "%s: %s (and %d more differences between the files)", first->field,
                          first->text, harmful - 1);
}

static msio_status check_opts(const msio_load_opts *o) {
    if (o->struct_size != sizeof *o)
        return msio_error_set(MSIO_E_ARGUMENT, NULL,
                              "options of %zu bytes, this version knows %zu: use MSIO_LOAD_OPTS_INIT", o->struct_size,
                              sizeof *o);
    if (o->read.struct_size != sizeof o->read)
        return msio_error_set(MSIO_E_ARGUMENT, NULL,
                              "read options of %zu bytes, this version knows %zu: use MSIO_LOAD_OPTS_INIT",
                              o->read.struct_size, sizeof o->read);
    if (o->layout < MSIO_ROW_CHAN_POL || o->layout > MSIO_SUBBAND_ROW_CHAN_POL || o->missing < MSIO_MISSING_ERROR ||
        o->missing > MSIO_MISSING_FLAG)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "layout %d, missing %d: there is no such choice", (int)o->layout,
                              (int)o->missing);
    if (o->channel_order < MSIO_CHANNELS_ASCENDING || o->channel_order > MSIO_CHANNELS_STORED)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "channels in order %d: there is no such choice",
                              (int)o->channel_order);
    if (!(o->uvw_tolerance >= 0))
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "a uvw_tolerance of %g m: give 0 or more, INFINITY for any",
                              o->uvw_tolerance);
    return msio_threads_check(o->read.threads);
}

static msio_status open_all(msio_loader *l, const msio_group *group, int n, const char *const *paths, bool lenient) {
    msio_status status = group ? add_group(l, group) : add_paths(l, n, paths);
    if (!status && l->files == 0)
        status = msio_error_set(MSIO_E_NOT_FOUND, NULL, "there is no file to load: the group is empty");
    if (!status) status = open_files(l);
    if (!status)
        status = msio_load_compare(l, l->opts.missing == MSIO_MISSING_FLAG ? l->missing : 0, l->missing_number);
    bool matched = false;
    if (!status && !lenient) status = msio_load_match_span(l, &matched);
    if (!status && !matched) status = msio_load_match_rows(l);
    for (int i = 0; i < l->files && !status; i++)
        if (l->file[i].kind->settle) l->file[i].kind->settle(&l->file[i]);
    if (status || lenient) return status;
    status = judge(l);
    if (!status) status = msio_load_select(l);
    return status ? status : msio_load_plan_memory(l);
}

msio_status msio_loader_open(const msio_group *group, int n, const char *const *paths, unsigned what,
                             const msio_load_opts *opts, bool lenient, msio_loader **loader) {
    const msio_load_opts defaults = MSIO_LOAD_OPTS_INIT;
    if (!group && (n < 1 || !paths)) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no group and no paths to load");
    if (what > MSIO_LOAD_ALL) return msio_error_set(MSIO_E_ARGUMENT, NULL, "there is no array %u to load", what);
    msio_status status = opts ? check_opts(opts) : MSIO_OK;
    if (status) return status;
    msio_loader *l = calloc(1, sizeof *l);
    if (!l) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory to load a group");
    l->opts = opts ? *opts : defaults;
    if (lenient && l->opts.missing == MSIO_MISSING_ERROR) l->opts.missing = MSIO_MISSING_SKIP;
    l->what = what;
    /* each byte is read once: mapping so much costs what it saves */
    if (l->opts.read.way == MSIO_WAY_AUTO) l->opts.read.way = MSIO_WAY_SCRATCH;
    l->differences.arena = &l->arena;
    l->row_step = 1;
    status = open_all(l, group, n, paths, lenient);
    if (status)
        msio_loader_close(l);
    else
        *loader = l;
    return status;
}

void msio_loader_close(msio_loader *loader) {
    if (!loader) return;
    for (int i = 0; i < loader->files; i++) {
        msio_load_file *file = &loader->file[i];
        if (file->kind) file->kind->close(file);
        free(file->row_of);
        free(file->conjugated);
    }
    free(loader->file);
    free(loader->segment);
    free(loader->row);
    free(loader->differences.difference);
    msio_uvh5_rows_free(&loader->reference);
    msio_arena_free(&loader->arena);
    free(loader);
}
