/* convert_follow.c - groups converted as they become complete.
 *
 * The folder is looked through every second: that costs little, sees what other machines do on network file systems,
 * and needs no memory but of what failed. Where the system tells of what comes, a group that becomes complete is looked
 * at without that wait. A group whose Measurement Set stands in the folder of results is finished, so
 * that the work can be stopped and begun again. */
#include "cli/common/failure.h"
#include "cli/common/interrupt.h"
#include "cli/common/json.h"
#include "cli/convert/converting.h"
#include "cli/output/progress.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define SLICE_NS 250000000L
#define SLICES 4 /* between two looks */

/* A group that is not finished: when it was first seen, and in which state its files were when it failed. */
typedef struct pending {
    char time[32];
    double seen;
    uint64_t failed; /* 0: it has not */
    struct pending *next;
} pending;

static pending *find_pending(pending **list, const char *time) {
    for (pending *p = *list; p; p = p->next)
        if (strcmp(p->time, time) == 0) return p;
    pending *p = cli_zeros(1, sizeof *p);
    snprintf(p->time, sizeof p->time, "%s", time);
    p->seen = cli_now();
    p->next = *list;
    *list = p;
    return p;
}

static void forget(pending **list, const pending *done) {
    for (pending **at = list; *at; at = &(*at)->next)
        if (*at == done) {
            pending *gone = *at;
            *at = gone->next;
            free(gone);
            return;
        }
}

/* A number that changes when a file of the group does; never 0. */
static uint64_t state_of(const msio_group *group) {
    uint64_t hash = 1469598103934665603u;
    for (int i = 0; i < group->files; i++) {
        struct stat s = {0};
        if (stat(group->file[i].path, &s)) s.st_size = -1;
        const uint64_t facts[4] = {(uint64_t)s.st_ino, (uint64_t)s.st_size, (uint64_t)s.st_mtim.tv_sec,
                                   (uint64_t)s.st_mtim.tv_nsec};
        for (int k = 0; k < 4; k++) hash = (hash ^ facts[k]) * 1099511628211u;
    }
    return hash | 1;
}

/* One line for a group that failed; it stops no other. */
static void tell_failure(const cli_context *cli, const msio_group *group, const char *path) {
    cli_error error;
    cli_error_keep(&error, path);
    cli_error_tell(cli, &error);
    if (!cli->json) return;
    cli_json json = CLI_JSON_INIT(stdout);
    cli_json_flat_object(&json);
    cli_json_put_string(&json, "time", group->time);
    cli_json_open_flat_object(&json, "error");
    cli_json_put_string(&json, "code", msio_status_name(error.code));
    cli_json_put_string(&json, "message", error.message);
    cli_json_put_string(&json, "path", error.path);
    cli_json_end(&json);
    cli_json_end(&json);
    cli_json_finish(&json);
}

/* "2025-10-05T13:27:52.ms" in the folder of results. Returns 0, or -1 where that is too long. */
static int name_result(const cli_converting *wish, const msio_group *group, char path[PATH_MAX]) {
    const size_t length = strlen(group->time);
    const int digits = (int)(length && group->time[length - 1] == 'Z' ? length - 1 : length);
    return snprintf(path, PATH_MAX, "%s/%.*s.ms", wish->out_dir, digits, group->time) < PATH_MAX ? 0 : -1;
}

static void convert_one(const cli_context *cli, const cli_converting *wish, const msio_group *group, const char *path,
                        pending **list, pending *p) {
    msio_converted made = MSIO_CONVERTED_INIT;
    cli_progress progress;
    msio_convert_opts opts = wish->opts;
    const uint64_t state = state_of(group);
    if (p->failed == state) return;
    opts.progress = cli_progress_update;
    opts.user = &progress;
    cli_progress_begin(&progress, cli, "converting", 0);
    const double began = cli_now();
    msio_status status = msio_convert(group, path, &opts, &made);
    cli_progress_end(&progress);
    if (cli_interrupted()) return;
    if (status) {
        p->failed = state;
        tell_failure(cli, group, path);
    } else {
        cli_convert_report(cli, path, group->time, &made, cli_now() - began, -1);
        forget(list, p);
    }
}

static void look(const cli_context *cli, const cli_converting *wish, const msio_groups *groups, pending **list) {
    for (int i = 0; i < groups->groups && !cli_interrupted(); i++) {
        const msio_group *group = &groups->group[i];
        char path[PATH_MAX];
        struct stat there;
        if (name_result(wish, group, path) || lstat(path, &there) == 0) continue;
        pending *p = find_pending(list, group->time);
        if (group->complete || cli_now() - p->seen >= wish->wait) convert_one(cli, wish, group, path, list, p);
    }
}

static void rest(msio_group_watch **watch) {
    const struct timespec slice = {0, SLICE_NS};
    const msio_group *came;
    const msio_status status = *watch ? msio_group_watch_next(*watch, SLICES * SLICE_NS * 1e-9, &came) : MSIO_END;
    if (*watch && (status == MSIO_OK || status == MSIO_END)) return;
    msio_group_watch_close(*watch); /* what is wrong with the folder the next look tells */
    *watch = NULL;
    for (int i = 0; i < SLICES && !cli_interrupted(); i++) nanosleep(&slice, NULL);
}

int cli_convert_follow(const cli_context *cli, const cli_converting *wish) {
    msio_group_opts opts = MSIO_GROUP_OPTS_INIT;
    msio_group_watch *watch = NULL;
    pending *list = NULL;
    int code = CLI_OK;
    opts.pattern = wish->source.pattern;
    if (wish->source.expected > 0) opts.subbands = wish->source.expected;
    if (msio_group_watch_open(1, &wish->follow, &opts, &watch)) watch = NULL; /* looks alone will do */
    cli_note(cli, "watching %s; Ctrl-C ends it", wish->follow);
    while (!code && !cli_interrupted()) {
        msio_groups *groups = NULL;
        if (msio_group_find(1, &wish->follow, &opts, &groups)) {
            code = cli_fail_status(cli, wish->follow);
            break;
        }
        look(cli, wish, groups, &list);
        msio_groups_free(groups);
        if (fflush(stdout) || ferror(stdout)) code = cli_fail_write(cli, "standard output");
        if (!code) rest(&watch);
    }
    msio_group_watch_close(watch);
    while (list) forget(&list, list);
    return code;
}
