/* load_input.c - finding what is to be loaded: the group that stands in folders, or files and Measurement Sets. */
#include "cli/load/load_input.h"

#include "cli/common/failure.h"
#include "cli/input/opening.h"
#include "cli/input/options.h"
#include "cli/output/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLI_GROUPS_NAMED 4 /* in a message */

static int is_directory(const char *path) {
    struct stat there;
    return stat(path, &there) == 0 && S_ISDIR(there.st_mode);
}

int cli_load_source_take(cli_load_source *source, const char *name, const char *value) {
    if (strcmp(name, "time") == 0)
        source->time = value;
    else if (strcmp(name, "pattern") == 0)
        source->pattern = value;
    else
        return 0;
    return 1;
}

int cli_load_missing_take(const cli_context *cli, const char *value, msio_load_missing *missing) {
    static const char *const words[] = {"error", "skip", "flag", NULL};
    int index = 0, code = cli_option_word(cli, "missing", value, words, &index);
    if (!code) *missing = (msio_load_missing)index;
    return code;
}

int cli_load_is_table(const char *path) {
    size_t size = strlen(path) + sizeof "/table.dat";
    char *name = cli_alloc(size);
    snprintf(name, size, "%s/table.dat", path);
    int is = is_directory(path) && access(name, F_OK) == 0;
    free(name);
    return is;
}

int cli_load_is_folder(const char *path) { return is_directory(path) && !cli_load_is_table(path); }

/* ---------------------------------------------------------------- groups */

/* A group is named by its time as msio groups prints it, with or without the Z. */
static int has_time(const msio_group *group, const char *time) {
    size_t length = strlen(group->time);
    if (length && group->time[length - 1] == 'Z' && strlen(time) == length - 1) length--;
    return strlen(time) == length && strncmp(group->time, time, length) == 0;
}

/* The times of some groups: "A, B, ...". */
static void name_groups(const msio_groups *groups, char *text, size_t size) {
    size_t at = 0;
    text[0] = '\0';
    for (int i = 0; i < groups->groups && i < CLI_GROUPS_NAMED && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%s", i ? ", " : "", groups->group[i].time);
    if (groups->groups > CLI_GROUPS_NAMED && at < size) snprintf(text + at, size - at, ", ...");
}

static int no_group(const cli_context *cli, const msio_groups *groups, const char *folder,
                    const cli_load_source *source) {
    char times[160];
    if (!groups->groups)
        return cli_fail(cli, MSIO_E_NOT_FOUND, folder,
                        "no subband files stand here whose names are like %s (see --pattern)%s",
                        source->pattern ? source->pattern : MSIO_GROUP_PATTERN,
                        groups->incompletes ? "; some are still being written" : "");
    name_groups(groups, times, sizeof times);
    if (source->time)
        return cli_fail(cli, MSIO_E_NOT_FOUND, folder, "there is no group of %s here, but %d: %s", source->time,
                        groups->groups, times);
    return cli_usage(cli, "%d groups stand in %s (%s): choose one by --time, or list its files", groups->groups, folder,
                     times);
}

/* Files of subbands beyond those that make a group complete would be left out unseen. */
static int check_unexpected(const cli_context *cli, const cli_load_input *input, const msio_group_opts *opts) {
    int beyond = 0;
    for (int i = 0; i < input->groups->unexpected; i++) {
        double later = input->groups->unexpected_file[i].seconds - input->group->seconds;
        beyond += later >= -opts->window && later <= opts->window;
    }
    if (!beyond) return 0;
    return cli_usage(cli, "%d file%s of the group of %s %s of subbands beyond %d: tell which are wanted by --subbands",
                     beyond, beyond == 1 ? "" : "s", input->group->time, beyond == 1 ? "is" : "are",
                     opts->subbands - 1);
}

static int find_group(const cli_context *cli, int count, const char *const *folders, const cli_load_source *source,
                      cli_load_input *input) {
    msio_group_opts opts = MSIO_GROUP_OPTS_INIT;
    opts.pattern = source->pattern;
    if (source->expected) opts.subbands = source->expected;
    for (int i = 0; i < source->subband_count; i++)
        if (source->subbands[i] >= opts.subbands) opts.subbands = source->subbands[i] + 1;
    if (msio_group_find(count, folders, &opts, &input->groups)) return cli_fail_status(cli, folders[0]);
    const msio_groups *groups = input->groups;
    for (int i = 0; i < groups->groups; i++)
        if (source->time ? has_time(&groups->group[i], source->time) : groups->groups == 1)
            input->group = &groups->group[i];
    if (!input->group) return no_group(cli, groups, folders[0], source);
    return source->subbands ? 0 : check_unexpected(cli, input, &opts);
}

/* ---------------------------------------------------------------- all */

int cli_load_input_find(const cli_context *cli, int count, const char *const *operands, const cli_load_source *source,
                        cli_load_input *input) {
    int folders = 0;
    memset(input, 0, sizeof *input);
    input->count = count;
    input->paths = operands;
    for (int i = 0; i < count; i++) {
        folders += cli_load_is_folder(operands[i]);
        input->tables += cli_load_is_table(operands[i]);
    }
    if (folders == count) return find_group(cli, count, operands, source, input);
    if (folders) return cli_usage(cli, "folders of groups, and files or tables beside them: give one kind");
    if (source->time) return cli_usage(cli, "--time chooses a group of a folder; files were given");
    if (source->subbands || source->expected)
        return cli_usage(cli, "--subbands chooses of a group in a folder; list the files wanted");
    return 0;
}

void cli_load_input_free(cli_load_input *input) {
    msio_groups_free(input->groups);
    memset(input, 0, sizeof *input);
}

static unsigned arrays_of_table(const cli_context *cli, const char *path) {
    static const char *const columns[] = {"DATA", "FLAG", "WEIGHT_SPECTRUM"};
    msio_open_opts opts = cli_open_opts(cli);
    const msio_column *column;
    msio_table *table;
    unsigned what = 0;
    if (msio_table_open(path, &opts, &table) != MSIO_OK) return MSIO_LOAD_ALL; /* loading tells what is wrong */
    for (unsigned i = 0; i < 3; i++)
        if (msio_table_column(table, columns[i], &column) == MSIO_OK) what |= 1u << i;
    msio_table_close(table);
    return what ? what : MSIO_LOAD_ALL;
}

unsigned cli_load_input_arrays(const cli_context *cli, const cli_load_input *input) {
    unsigned what = MSIO_LOAD_ALL;
    for (int i = 0; i < input->count && input->tables; i++)
        if (cli_load_is_table(input->paths[i])) what &= arrays_of_table(cli, input->paths[i]);
    return what;
}

msio_status cli_load_input_read(const cli_load_input *input, unsigned what, const msio_load_opts *opts,
                                msio_subbands *loaded) {
    return input->group ? msio_load(input->group, what, opts, loaded)
                        : msio_load_paths(input->count, input->paths, what, opts, loaded);
}

msio_status cli_load_input_read_into(const cli_load_input *input, unsigned what, const msio_load_opts *opts,
                                     const msio_subbands *first, msio_subbands *loaded, double *seconds) {
    msio_load_opts into = *opts;
    into.visdata = first->visdata;
    into.flags = first->flags;
    into.nsamples = first->nsamples;
    into.visdata_bytes = first->visdata_bytes;
    into.flags_bytes = first->flags_bytes;
    into.nsamples_bytes = first->nsamples_bytes;
    const double began = cli_now();
    msio_status status = cli_load_input_read(input, what, &into, loaded);
    *seconds = cli_now() - began;
    return status;
}

msio_status cli_load_input_check(const cli_load_input *input, const msio_load_opts *opts, msio_load_report **report) {
    return input->group ? msio_load_check(input->group, opts, report)
                        : msio_load_check_paths(input->count, input->paths, opts, report);
}

const char *cli_load_input_name(const cli_load_input *input) { return input->paths[0]; }
