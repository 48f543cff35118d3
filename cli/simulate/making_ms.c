/* making_ms.c - `msio simulate ms`: a Measurement Set whose every value is known. */
#include "cli/common/human.h"
#include "cli/input/opening.h"
#include "cli/output/progress.h"
#include "cli/simulate/making.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* Whether what stands at the path may go. Returns 0, or an exit code after telling. */
static int may_write(const cli_context *cli, cli_making *wish) {
    struct stat there;
    wish->ms.overwrite = wish->force; /* also of a file of gains without its Measurement Set */
    if (lstat(wish->out, &there)) return 0;
    int code = cli_making_replaces(cli, wish, wish->out, cli_folder_bytes(wish->out));
    wish->ms.overwrite = code == 0;
    return code;
}

/* A data set that cannot fit is refused before it is begun. Returns 0, or an exit code after telling. */
static int check_space(const cli_context *cli, const char *path, int64_t bytes) {
    char *folder = cli_copy(path);
    struct statvfs space;
    char *end = folder + strlen(folder);
    while (end > folder && end[-1] == '/') *--end = '\0';
    while (end > folder && end[-1] != '/') *--end = '\0';
    int known = statvfs(folder[0] ? folder : ".", &space) == 0;
    free(folder);
    if (!known) return 0;
    uint64_t room = (uint64_t)space.f_bavail * (uint64_t)space.f_frsize;
    if (room > INT64_MAX || (int64_t)room >= bytes) return 0;
    return cli_fail(cli, MSIO_E_IO, path, "about %s are needed, and %s are free", cli_size(bytes).text,
                    cli_size((int64_t)room).text);
}

static void report(const cli_context *cli, const cli_making *wish, int64_t rows, double seconds) {
    int64_t bytes = cli_folder_bytes(wish->out);
    if (!cli->json) {
        if (!cli->quiet) printf("%s: %s written in %s\n", wish->out, cli_size(bytes).text, cli_duration(seconds).text);
        return;
    }
    const cli_making_number numbers[] = {{"rows", rows},
                                         {"bytes", bytes},
                                         {"antennas", wish->ms.antennas},
                                         {"times", wish->ms.times},
                                         {"subbands", wish->ms.subbands},
                                         {"channels", wish->ms.channels},
                                         {"corrs", wish->ms.corrs}};
    cli_json json = CLI_JSON_INIT(stdout);
    cli_json_object(&json);
    cli_json_put_string(&json, "path", wish->out);
    cli_making_numbers(&json, numbers, sizeof numbers / sizeof numbers[0]);
    cli_json_put_string(&json, "layout", wish->ms.layout);
    cli_json_put_double(&json, "seconds", seconds);
    cli_json_end(&json);
    cli_json_finish(&json);
}

int cli_making_ms(const cli_context *cli, cli_making *wish) {
    int64_t rows = 0, bytes = msio_simulate_ms_bytes(&wish->ms, &rows);
    cli_progress progress;
    if (bytes < 0) return cli_usage(cli, "a data set of these dimensions is too large for any disk");
    cli_note(cli, "%s: %s rows, about %s", wish->out, cli_count(rows).text, cli_size(bytes).text);
    int code = may_write(cli, wish);
    if (!code) code = check_space(cli, wish->out, bytes);
    if (code) return code;
    double began = cli_now();
    cli_progress_begin(&progress, cli, "writing", 0);
    wish->ms.progress = cli_progress_update;
    wish->ms.user = &progress;
    msio_status status =
        wish->sky.sky ? msio_simulate_ms_sky(wish->out, &wish->ms, &wish->sky) : msio_simulate_ms(wish->out, &wish->ms);
    cli_progress_end(&progress);
    if (status != MSIO_OK) return cli_fail_status(cli, wish->out);
    report(cli, wish, rows, cli_now() - began);
    return 0;
}
