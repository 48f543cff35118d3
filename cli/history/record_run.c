/* record_run.c - msio history record: documents, and what they do not tell: machine, commit, load, when. */
#include "cli/common/failure.h"
#include "cli/common/json.h"
#include "cli/history/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* A file's or a pipe's text. Returns 0, or an exit code after telling. */
static int slurp(const cli_context *cli, const char *path, int fd, char **text, size_t *length) {
    size_t room = 1 << 16;
    char *all = cli_alloc(room);
    for (*length = 0;;) {
        ssize_t got = read(fd, all + *length, room - *length - 1);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            free(all);
            return cli_fail_system(cli, path, "reading failed");
        }
        if (got == 0) break;
        *length += (size_t)got;
        if (*length > HISTORY_DOCUMENT_BYTES) {
            free(all);
            return cli_fail(cli, MSIO_E_FORMAT, path, "is longer than a report can be");
        }
        if (room - *length > room / 4) continue;
        room *= 2;
        char *more = realloc(all, room);
        if (!more) {
            free(all);
            return cli_fail(cli, MSIO_E_MEMORY, path, "no memory for its text");
        }
        all = more;
    }
    all[*length] = '\0';
    *text = all;
    return 0;
}

/* The processor's model and how many of it. */
static void machine_of(char *text, size_t size, int64_t *processors) {
    char line[512], model[256] = "unknown processor";
    FILE *in = fopen("/proc/cpuinfo", "r");
    while (in && fgets(line, sizeof line, in)) {
        if (strncmp(line, "model name", 10) != 0) continue;
        char *colon = strchr(line, ':');
        if (colon) snprintf(model, sizeof model, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        break;
    }
    if (in) fclose(in);
    *processors = sysconf(_SC_NPROCESSORS_ONLN);
    snprintf(text, size, "%s x%lld", model, (long long)*processors);
}

/* The commit that a CI system names, or git's of the current folder. */
static void commit_of(char text[64]) {
    static const char *const names[] = {"GITHUB_SHA", "CI_COMMIT_SHA"};
    text[0] = '\0';
    for (int i = 0; i < 2; i++)
        if (getenv(names[i])) {
            snprintf(text, 64, "%.63s", getenv(names[i]));
            return;
        }
    FILE *git = popen("git rev-parse --verify HEAD 2>/dev/null", "re");
    if (git && !fgets(text, 64, git)) text[0] = '\0';
    if (git) pclose(git);
    text[strcspn(text, "\n")] = '\0';
}

typedef struct facts_room {
    char machine[512], system[200], commit[64];
    struct utsname names;
    double load;
    int64_t processors;
} facts_room;

static void look(facts_room *room) {
    machine_of(room->machine, sizeof room->machine, &room->processors);
    commit_of(room->commit);
    memset(&room->names, 0, sizeof room->names);
    uname(&room->names);
    snprintf(room->system, sizeof room->system, "%.60s %.100s", room->names.sysname, room->names.release);
    if (getloadavg(&room->load, 1) != 1) room->load = NAN;
}

/* The document of a path: itself, or a profile's folder, whose stacks come along. */
typedef struct source {
    char *text, *folded;
    size_t length;
    char folder[PATH_MAX];
    double time;
} source;

/* A profile's stacks, where they stand beside its report; none are no error. */
static void find_folded(const cli_context *cli, source *s) {
    char path[PATH_MAX + 20];
    size_t length;
    snprintf(path, sizeof path, "%s/profile.folded", s->folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size <= HISTORY_DOCUMENT_BYTES)
        slurp(cli, path, fd, &s->folded, &length);
    if (fd >= 0) close(fd);
}

static int find_source(const cli_context *cli, const char *path, source *s) {
    char report[PATH_MAX + 20];
    struct stat st;
    int stdin_wanted = strcmp(path, "-") == 0;
    snprintf(report, sizeof report, "%s", path);
    if (!stdin_wanted && stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        snprintf(report, sizeof report, "%.4000s/report.json", path);
        if (!realpath(path, s->folder)) return cli_fail_system(cli, path, "the folder cannot be named");
        find_folded(cli, s);
    }
    int fd = stdin_wanted ? STDIN_FILENO : open(report, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? cli_fail(cli, MSIO_E_NOT_FOUND, report, "there is no such report")
                               : cli_fail_system(cli, report, "the report cannot be read");
    int code = slurp(cli, report, fd, &s->text, &s->length);
    s->time = !stdin_wanted && fstat(fd, &st) == 0 ? (double)st.st_mtime : (double)time(NULL);
    if (!stdin_wanted) close(fd);
    return code;
}

static int record_one(const cli_context *cli, const cli_history *wish, history *h, const facts_room *room,
                      const char *path, int64_t *run, int *there) {
    history_error error;
    source s = {.text = NULL};
    int code = find_source(cli, path, &s);
    history_facts facts = {.series = wish->series,
                           .time = isnan(wish->time) ? s.time : wish->time,
                           .machine = wish->machine ? wish->machine : room->machine,
                           .host = room->names.nodename,
                           .system = room->system,
                           .commit = wish->commit ? wish->commit : room->commit,
                           .version = msio_version(),
                           .note = wish->note,
                           .folder = s.folder,
                           .processors = room->processors,
                           .load = room->load,
                           .folded = s.folded,
                           .keep = wish->keep};
    if (!code && history_record(h, s.text, s.length, &facts, run, there, &error))
        code = error.code == MSIO_E_FORMAT || error.code == MSIO_E_MEMORY
                   ? cli_fail(cli, error.code, path, "%s", error.message)
                   : cli_history_fail(cli, wish, &error);
    free(s.text);
    free(s.folded);
    return code;
}

int cli_history_record(const cli_context *cli, const cli_history *wish, int n, char **paths) {
    history *h = NULL;
    facts_room room;
    int64_t *runs = cli_alloc_many((size_t)n, sizeof *runs);
    look(&room);
    int code = cli_history_open(cli, wish, 1, &h);
    for (int i = 0; i < n && !code; i++) {
        int there = 0;
        code = record_one(cli, wish, h, &room, paths[i], &runs[i], &there);
        if (!code)
            cli_note(cli, "msio history: %s %s run %lld of %s", paths[i], there ? "is there already, as" : "is",
                     (long long)runs[i], wish->db);
    }
    if (!code && cli->json) {
        cli_json json = CLI_JSON_INIT(stdout);
        cli_json_object(&json);
        cli_json_put_ints(&json, "runs", n, runs);
        cli_json_end(&json);
        cli_json_finish(&json);
    }
    history_close(h);
    free(runs);
    return code;
}
