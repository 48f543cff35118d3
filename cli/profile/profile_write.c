/* profile_write.c - the report's files; the report shown again; two runs compared. */
#include "cli/profile/profile.h"

#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/common/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAMES_MOST 200000

/* ---------------------------------------------------------------- writing */

/* A file of the folder, for this user only; an old one is replaced when the new one is whole. */
static int write_one(const cli_context *cli, const cli_profile_run *run, const prof_found *found, const char *name,
                     int which) {
    char path[PATH_MAX + 64], temporary[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", run->folder, name);
    snprintf(temporary, sizeof temporary, "%s/.%s.new", run->folder, name);
    unlink(temporary);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!out) return cli_fail_system(cli, path, "the report cannot be written");
    __fsetlocking(out, FSETLOCKING_BYCALLER); /* it is of this thread alone: a lock a piece is a third of the time */
    switch (which) {
    case 0: cli_profile_text(out, run, found); break;
    case 1: cli_profile_json(out, run, found); break;
    case 2: cli_profile_html(out, run, found); break;
    case 3: cli_profile_counts(out, run, found); break;
    case 4: cli_profile_memory(out, run); break;
    case 5: cli_profile_folded(out, found); break;
    case 6: cli_profile_folded_accesses(out, found); break;
    case 7: cli_profile_speedscope(out, run, found); break;
    case 8: cli_profile_pstats(out, found); break;
    case 9: cli_profile_folded_processor(out, run); break;
    default: cli_profile_trace(out, run, found); break;
    }
    int bad = ferror(out);
    if (fclose(out) || bad || rename(temporary, path)) {
        int code = cli_fail_write(cli, path);
        unlink(temporary);
        return code;
    }
    return 0;
}

int cli_profile_write(const cli_context *cli, const cli_profile_run *run, const prof_found *found) {
    static const char *const names[] = {"report.txt",   "report.json",    "report.html",     "counts.tsv",
                                        "memory.csv",   "profile.folded", "accesses.folded", "profile.speedscope.json",
                                        "profile.prof", "cpu.folded",     "trace.json"};
    int code = 0;
    for (int i = 0; i < (int)(sizeof names / sizeof names[0]) && !code; i++)
        code = write_one(cli, run, found, names[i], i);
    return code;
}

/* ---------------------------------------------------------------- show */

/* Of a run that had no command over it the report is made now. */
static int make_now(const cli_context *cli, const char *folder) {
    cli_profile_run run = {.load = -1};
    prof_found found;
    if (!realpath(folder, run.folder)) return cli_fail_system(cli, folder, "there is no such folder");
    int code = cli_profile_find(cli, run.folder, &found);
    if (code) return code;
    cli_profile_estimate(cli, &found);
    cli_profile_judge(&run, &found);
    code = cli_profile_write(cli, &run, &found);
    cli_profile_found_free(&found);
    return code;
}

int cli_profile_show(const cli_context *cli, const char *folder) {
    char path[PATH_MAX], block[65536];
    int length = snprintf(path, sizeof path, "%s/%s", folder, cli->json ? "report.json" : "report.txt");
    if (length >= (int)sizeof path) return cli_fail(cli, MSIO_E_ARGUMENT, folder, "the path is too long");
    FILE *in = fopen(path, "re");
    if (!in && errno == ENOENT) {
        int code = make_now(cli, folder);
        if (code) return code;
        in = fopen(path, "re");
    }
    if (!in) return cli_fail_system(cli, path, "the report cannot be read");
    for (size_t n; (n = fread(block, 1, sizeof block, in)) > 0;) fwrite(block, 1, n, stdout);
    int bad = ferror(in);
    fclose(in);
    return bad ? cli_fail_system(cli, path, "the report cannot be read") : CLI_OK;
}

/* ---------------------------------------------------------------- compare */

typedef struct count {
    char *name; /* what, table and column, with tabs between */
    double value;
    bool time;
} count;

typedef struct count_list {
    count *list;
    int n;
} count_list;

static int by_name(const void *one, const void *other) {
    const count *a = one, *b = other;
    return strcmp(a->name, b->name);
}

static int read_counts(const cli_context *cli, const char *folder, count_list *counts) {
    char path[PATH_MAX], line[16384];
    int room = 0;
    if (snprintf(path, sizeof path, "%s/counts.tsv", folder) >= (int)sizeof path)
        return cli_fail(cli, MSIO_E_ARGUMENT, folder, "the path is too long");
    FILE *in = fopen(path, "re");
    if (!in) return cli_fail_system(cli, path, "the counts cannot be read: is it the folder of a profile?");
    if (!fgets(line, sizeof line, in) || strcmp(line, "# msio profile counts 1\n") != 0) {
        fclose(in);
        return cli_fail(cli, MSIO_E_FORMAT, path, "these are no counts of this version");
    }
    while (fgets(line, sizeof line, in) && counts->n < NAMES_MOST) {
        char *tab = strrchr(line, '\t');
        if (!tab) continue;
        *tab = '\0';
        if (counts->n == room) {
            room = room ? 2 * room : 256;
            counts->list = cli_resize(counts->list, (size_t)room, sizeof *counts->list);
        }
        bool time = strstr(line, "seconds") == line || strstr(line, "cpu_seconds") == line ||
                    strstr(line, "peak_bytes") == line;
        counts->list[counts->n++] = (count){cli_copy(line), strtod(tab + 1, NULL), time};
    }
    fclose(in);
    if (counts->n) qsort(counts->list, (size_t)counts->n, sizeof *counts->list, by_name);
    return 0;
}

static void free_counts(count_list *counts) {
    for (int i = 0; i < counts->n; i++) free(counts->list[i].name);
    free(counts->list);
}

/* One difference; worse: a count that rose by more than 1%. */
typedef struct difference {
    const char *name;
    double before, after;
    bool time, worse;
} difference;

static int largest(const void *one, const void *other) {
    const difference *a = one, *b = other;
    if (a->worse != b->worse) return a->worse ? -1 : 1;
    double x = a->before > 0 ? a->after / a->before : 1e9, y = b->before > 0 ? b->after / b->before : 1e9;
    return x > y ? -1 : x < y;
}

static int find_differences(const count_list *a, const count_list *b, difference *list) {
    int n = 0;
    for (int i = 0, k = 0; i < a->n || k < b->n;) {
        int order = i == a->n ? 1 : k == b->n ? -1 : strcmp(a->list[i].name, b->list[k].name);
        const count *was = order <= 0 ? &a->list[i] : NULL, *is = order >= 0 ? &b->list[k] : NULL;
        difference d = {was ? was->name : is->name, was ? was->value : 0, is ? is->value : 0,
                        was ? was->time : is->time, false};
        d.worse = !d.time && d.after > 1.01 * d.before;
        if (d.before != d.after) list[n++] = d;
        if (was) i++;
        if (is) k++;
    }
    if (n) qsort(list, (size_t)n, sizeof *list, largest);
    return n;
}

static void put_name(char *to, size_t size, const char *name) {
    snprintf(to, size, "%s", name);
    for (char *at = to; *at; at++)
        if (*at == '\t') *at = ' ';
}

static void print_differences(const cli_context *cli, const difference *list, int n, int worse) {
    char name[1024];
    int counts = 0;
    cli_json json = CLI_JSON_INIT(stdout);
    if (cli->json) {
        cli_json_object(&json);
        cli_json_put_string(&json, "verdict", worse ? "MORE" : "SAME OR LESS");
        cli_json_open_list(&json, "counts");
    }
    for (int i = 0; i < n; i++) {
        const difference *d = &list[i];
        put_name(name, sizeof name, d->name);
        counts += !d->time;
        if (cli->json) {
            cli_json_flat_object(&json);
            cli_json_put_string(&json, "name", name);
            cli_json_put_double(&json, "before", d->before);
            cli_json_put_double(&json, "after", d->after);
            cli_json_put_bool(&json, "judged", !d->time);
            cli_json_put_bool(&json, "more", d->worse);
            cli_json_end(&json);
        } else {
            printf("  %-4s %-50s %15.6g -> %.6g\n",
                   d->time    ? "time"
                   : d->worse ? "MORE"
                              : "",
                   name, d->before, d->after);
        }
    }
    if (cli->json) {
        cli_json_end(&json);
        cli_json_end(&json);
        cli_json_finish(&json);
    } else {
        printf("%d of %d counts that differ rose by more than 1%%. Times and memory are of single runs: not judged.\n",
               worse, counts);
    }
}

int cli_profile_compare(const cli_context *cli, const char *before, const char *after) {
    count_list a = {0}, b = {0};
    int code = read_counts(cli, before, &a), worse = 0;
    if (!code) code = read_counts(cli, after, &b);
    if (!code) {
        difference *list = cli_alloc_many((size_t)(a.n + b.n) + 1, sizeof *list);
        int n = find_differences(&a, &b, list);
        for (int i = 0; i < n; i++) worse += list[i].worse;
        print_differences(cli, list, n, worse);
        free(list);
        code = worse ? CLI_NEGATIVE : CLI_OK;
    }
    free_counts(&a);
    free_counts(&b);
    return code;
}
