/* making_uvh5.c - `msio simulate uvh5`: a group of UVH5 files whose every value is known. */
#include "cli/common/human.h"
#include "cli/output/progress.h"
#include "cli/simulate/making.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The files of the group that stand in the folder. */
typedef struct standing {
    int files;
    int64_t bytes;
    char *first; /* path; to be freed */
} standing;

/* Path of a subband's file, to be freed; NULL where none is made of it. */
static char *path_of(const cli_making *wish, int subband) {
    char name[MSIO_SIMULATE_UVH5_NAME_BYTES];
    if (msio_simulate_uvh5_name(&wish->uvh5, subband, name) != MSIO_OK) return NULL;
    size_t length = strlen(wish->out), size = length + sizeof name + 1;
    char *path = cli_alloc(size);
    snprintf(path, size, "%s%s%s", wish->out, wish->out[length - 1] == '/' ? "" : "/", name);
    return path;
}

static standing look(const cli_making *wish) {
    standing found = {0, 0, NULL};
    for (int b = 0; b < wish->uvh5.subbands; b++) {
        struct stat there;
        char *path = path_of(wish, b);
        if (path && lstat(path, &there) == 0) {
            found.files++;
            found.bytes += (int64_t)there.st_size;
            if (!found.first) {
                found.first = path;
                continue;
            }
        }
        free(path);
    }
    return found;
}

/* Whether the files that stand there may go. Returns 0, or an exit code after telling. */
static int may_write(const cli_context *cli, cli_making *wish) {
    standing found = look(wish);
    int code = 0;
    if (found.files) {
        size_t size = strlen(found.first) + 64;
        char *what = cli_alloc(size);
        if (found.files == 1)
            snprintf(what, size, "%s", found.first);
        else
            snprintf(what, size, "%s (and %d more of the files)", found.first, found.files - 1);
        code = cli_making_replaces(cli, wish, what, found.bytes);
        free(what);
    }
    free(found.first);
    wish->uvh5.overwrite = wish->force;
    return code;
}

static void list_files(cli_json *json, const cli_making *wish) {
    cli_json_open_list(json, "files");
    for (int b = 0; b < wish->uvh5.subbands; b++) {
        char *path = path_of(wish, b);
        if (!path) continue;
        cli_json_flat_object(json);
        cli_json_put_int(json, "subband", b);
        cli_json_put_string(json, "path", path);
        cli_json_end(json);
        free(path);
    }
    cli_json_end(json);
}

static void report(const cli_context *cli, const cli_making *wish, int64_t rows, double seconds) {
    standing made = look(wish);
    free(made.first);
    if (!cli->json) {
        if (!cli->quiet)
            printf("%s: %d files, %s written in %s\n", wish->out, made.files, cli_size(made.bytes).text,
                   cli_duration(seconds).text);
        return;
    }
    const cli_making_number numbers[] = {{"rows", rows},
                                         {"bytes", made.bytes},
                                         {"antennas", wish->uvh5.antennas},
                                         {"times", wish->uvh5.times},
                                         {"subbands", wish->uvh5.subbands},
                                         {"channels", wish->uvh5.channels},
                                         {"pols", wish->uvh5.polarizations}};
    cli_json json = CLI_JSON_INIT(stdout);
    cli_json_object(&json);
    cli_json_put_string(&json, "path", wish->out);
    list_files(&json, wish);
    cli_making_numbers(&json, numbers, sizeof numbers / sizeof numbers[0]);
    cli_json_put_string(&json, "compression", wish->uvh5.compression);
    cli_json_put_double(&json, "seconds", seconds);
    cli_json_end(&json);
    cli_json_finish(&json);
}

int cli_making_uvh5(const cli_context *cli, cli_making *wish) {
    int64_t rows = 0, bytes = msio_simulate_uvh5_bytes(&wish->uvh5, &rows);
    cli_progress progress;
    if (bytes < 0) return cli_fail_status(cli, NULL);
    cli_note(cli, "%s: %s rows a subband, about %s", wish->out, cli_count(rows).text, cli_size(bytes).text);
    int code = may_write(cli, wish);
    if (code) return code;
    double began = cli_now();
    cli_progress_begin(&progress, cli, "writing", 0);
    wish->uvh5.progress = cli_progress_update;
    wish->uvh5.user = &progress;
    msio_status status = wish->sky.sky ? msio_simulate_uvh5_sky(wish->out, &wish->uvh5, &wish->sky)
                                       : msio_simulate_uvh5(wish->out, &wish->uvh5);
    cli_progress_end(&progress);
    if (status != MSIO_OK) return cli_fail_status(cli, wish->out);
    report(cli, wish, rows, cli_now() - began);
    return 0;
}
