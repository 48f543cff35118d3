/* chain_run.c - the steps, one after the other, each a program under the profiler, on a copy that is removed again. */
#include "cli/chain/chain.h"
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/common/interrupt.h"
#include "cli/measure/scratch_copy.h"
#include "cli/profile/profile.h"
#include "msio/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COLUMNS_MOST 64
#define FINDINGS_MOST 32
#define SAMPLE_HZ 100

/* One table's work. */
typedef struct chain_work {
    const cli_context *cli;
    const chain_plan *plan;
    const char *table; /* the user's */
    chain_facts facts;
    msio_making *making; /* of the folder that holds all below */
    char copy[PATH_MAX + 16], place[PATH_MAX + 16],
        reports[PATH_MAX + 16]; /* the copy; where programs run; logs and profiles */
    int steps;                  /* run until now */
} chain_work;

/* ---------------------------------------------------------------- the plan */

static int read_config(const cli_context *cli, const char *path, chain_config *config) {
    chain_fault fault;
    char *own = path ? cli_alloc(CHAIN_CONFIG_BYTES_MOST + 2) : NULL;
    const char *text = path ? own : chain_steps_toml;
    size_t length = path ? 0 : strlen(chain_steps_toml);
    int code = 0;
    if (path) {
        FILE *file = fopen(path, "re");
        if (!file) code = cli_fail_system(cli, path, "the configuration cannot be read");
        if (file) length = fread(own, 1, CHAIN_CONFIG_BYTES_MOST + 1, file);
        if (file && ferror(file)) code = cli_fail_system(cli, path, "the configuration cannot be read");
        if (file) fclose(file);
    }
    if (!code && chain_config_parse(text, length, config, &fault)) {
        const char *name = path ? path : "the steps of this version";
        code = fault.line ? cli_fail(cli, MSIO_E_FORMAT, path, "%s, line %d, column %d: %s", name, fault.line,
                                     fault.column, fault.message)
                          : cli_fail(cli, MSIO_E_FORMAT, path, "%s: %s", name, fault.message);
    }
    free(own);
    return code;
}

int chain_prepare(const cli_context *cli, const chain_wishes *wish, chain_plan *plan) {
    *plan = (chain_plan){.wish = *wish};
    int code = read_config(cli, wish->config, &plan->config);
    if (!code) chain_find_tools(plan);
    return code;
}

void chain_plan_free(chain_plan *plan) { chain_config_free(&plan->config); }

/* ---------------------------------------------------------------- results */

static chain_result *add_result(chain_results *results, const char *table, const char *name) {
    if (results->n == results->room) {
        results->room = results->room ? 2 * results->room : 16;
        results->list = cli_resize(results->list, (size_t)results->room, sizeof *results->list);
    }
    chain_result *made = &results->list[results->n++];
    *made = (chain_result){.table = table, .layer = -1, .import_seconds = -1};
    snprintf(made->name, sizeof made->name, "%s", name);
    return made;
}

void chain_results_free(chain_results *results) {
    for (int i = 0; i < results->n; i++) {
        free(results->list[i].column);
        free(results->list[i].finding);
    }
    free(results->list);
    *results = (chain_results){0};
}

static int most_bytes(const void *one, const void *other) {
    const chain_column *a = one, *b = other;
    int64_t x = a->bytes_read + a->bytes_written, y = b->bytes_read + b->bytes_written;
    return x < y ? 1 : x > y ? -1 : strcmp(a->name, b->name);
}

static void take_columns(const prof_found *found, chain_result *result) {
    int n = 0, room = 0;
    for (int i = 0; i < found->tables; i++) room += found->table[i].columns;
    chain_column *list = cli_alloc_many((size_t)room + 1, sizeof *list);
    for (int i = 0; i < found->tables; i++) {
        result->bytes_read += found->table[i].bytes_read;
        for (const prof_column *c = found->table[i].column; c; c = c->next) {
            result->distinct_bytes += c->distinct_read;
            if (c->bytes_read + c->bytes_written == 0 || n == room) continue;
            chain_column *made = &list[n++];
            *made = (chain_column){
                .bytes_read = c->bytes_read, .bytes_written = c->bytes_written, .distinct_bytes = c->distinct_read};
            snprintf(made->table, sizeof made->table, "%s", found->table[i].name);
            snprintf(made->name, sizeof made->name, "%s", c->name);
        }
    }
    if (n) qsort(list, (size_t)n, sizeof *list, most_bytes);
    result->column = list;
    result->columns = n < COLUMNS_MOST ? n : COLUMNS_MOST;
}

static void take_findings(const prof_found *found, chain_result *result) {
    result->findings = found->findings < FINDINGS_MOST ? found->findings : FINDINGS_MOST;
    result->finding = cli_alloc_many((size_t)result->findings + 1, sizeof *result->finding);
    for (int i = 0; i < result->findings; i++) {
        const prof_finding *f = &found->finding[i];
        chain_finding *made = &result->finding[i];
        snprintf(made->kind, sizeof made->kind, "%s", f->kind);
        snprintf(made->what, sizeof made->what, "%s", f->what);
        snprintf(made->instead, sizeof made->instead, "%s", f->instead);
    }
}

static void take_run(const cli_profile_run *run, const prof_found *found, chain_result *result) {
    cli_profile_shares shares = cli_profile_share(run, found);
    result->seconds = run->seconds;
    result->cpu = run->user + run->system;
    result->peak = run->peak;
    result->code = run->code;
    result->signal = run->signal;
    result->calls = shares.calls;
    result->layer = shares.layer;
    take_columns(found, result);
    take_findings(found, result);
}

/* ---------------------------------------------------------------- one step */

/* The text with {ms} and {refant} replaced. */
static char *replaced(const chain_work *work, const char *text) {
    char *made = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&made, &length);
    if (!out) return cli_copy(text);
    while (*text) {
        const char *put = NULL;
        size_t taken = 1;
        if (strncmp(text, "{ms}", 4) == 0) put = work->copy, taken = 4;
        if (strncmp(text, "{refant}", 8) == 0) put = work->facts.antenna, taken = 8;
        if (put)
            fputs(put, out);
        else
            fputc(*text, out);
        text += taken;
    }
    fclose(out);
    return made;
}

/* A file that a step gets. Returns 0, or -1 with errno. */
static int put_text(const char *path, const char *text) {
    FILE *file = fopen(path, "we");
    if (!file) return -1;
    fputs(text, file);
    int failed = ferror(file);
    return fclose(file) || failed ? -1 : 0;
}

/* What run_task.py is to do. Returns 0, or -1 with errno. */
static int put_request(const chain_work *work, const chain_step *step, const char *path, const char *times) {
    FILE *file = fopen(path, "we");
    if (!file) return -1;
    cli_json json = CLI_JSON_INIT(file);
    cli_json_object(&json);
    cli_json_put_string(&json, "task", step->task);
    cli_json_put_string(&json, "times", times);
    cli_json_open_flat_object(&json, "words");
    cli_json_put_string(&json, "ms", work->copy);
    cli_json_put_string(&json, "refant", work->facts.antenna);
    cli_json_end(&json);
    fprintf(file, ",\n\"arguments\": %s", step->arguments); /* is JSON */
    cli_json_end(&json);
    cli_json_finish(&json);
    int failed = ferror(file);
    return fclose(file) || failed ? -1 : 0;
}

static void free_words(char **words) {
    for (char **word = words; word && *word; word++) free(*word);
    free(words);
}

/* The program and its arguments. Returns 0, or an exit code after telling. */
static int make_words(const chain_work *work, const chain_step *step, const char *times, char ***words) {
    char task[PATH_MAX + 64], request[PATH_MAX + 64];
    size_t n = 0;
    if (step->argv) {
        while (step->argv[n]) n++;
        *words = cli_alloc_many(n + 1, sizeof **words);
        for (size_t i = 0; i < n; i++) (*words)[i] = replaced(work, step->argv[i]);
        (*words)[n] = NULL;
        return 0;
    }
    snprintf(task, sizeof task, "%s/msio_task.py", work->place);
    snprintf(request, sizeof request, "%s/%s.json", work->place, step->name);
    if (put_text(task, chain_run_task_py) || put_request(work, step, request, times))
        return cli_fail_system(work->cli, request, "what the step is to do cannot be written");
    const char *const made[] = {work->plan->python, task, request, NULL};
    *words = cli_alloc_many(sizeof made / sizeof *made, sizeof **words);
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) (*words)[i] = made[i] ? cli_copy(made[i]) : NULL;
    return 0;
}

static double read_seconds(const char *path) {
    double seconds = -1;
    FILE *file = fopen(path, "re");
    if (file && fscanf(file, "%lf", &seconds) != 1) seconds = -1;
    if (file) fclose(file);
    return seconds;
}

/* Runs it under the profiler. Returns 0, or an exit code after telling. */
static int profile(const chain_work *work, char **words, const char *folder, const char *log, chain_result *result) {
    cli_profile_run run = {
        .program = words, .load = -1, .sample_hz = SAMPLE_HZ, .stack_hz = SAMPLE_HZ, .log = log, .place = work->place};
    prof_found found = {0};
    int code = cli_profile_prepare(work->cli, folder, &run);
    if (!code) code = cli_profile_execute(work->cli, &run);
    if (!code && !cli_interrupted()) code = cli_profile_find(work->cli, run.folder, &found);
    if (!code && !cli_interrupted()) {
        cli_profile_judge(&run, &found);
        take_run(&run, &found, result);
        if (work->plan->wish.reports) code = cli_profile_write(work->cli, &run, &found);
        if (!code) cli_profile_end(&run);
        if (work->plan->wish.reports) snprintf(result->report, sizeof result->report, "%s", run.folder);
    }
    cli_profile_found_free(&found);
    cli_profile_run_free(&run);
    return code;
}

static int run_step(chain_work *work, const char *part, const chain_step *step, char *log, size_t size,
                    chain_result *result) {
    char folder[PATH_MAX + 128], times[PATH_MAX + 64], **words = NULL;
    snprintf(folder, sizeof folder, "%s/%02d-%s", work->reports, ++work->steps, step->name);
    snprintf(log, size, "%s.log", folder);
    snprintf(times, sizeof times, "%s/%s.times", work->place, step->name);
    snprintf(result->program, sizeof result->program, "%s", step->task ? step->task : step->argv[0]);
    cli_note(work->cli, "msio verify: %s: %s", part, step->name);
    unlink(log); /* of an earlier run into the same folder */
    int code = make_words(work, step, times, &words);
    if (!code) code = profile(work, words, folder, log, result);
    if (!code && step->task) result->import_seconds = read_seconds(times);
    free_words(words);
    return code;
}

/* ---------------------------------------------------------------- one part */

static void say_failed(const chain_result *result, const char *log, cli_path *path) {
    char tail[400];
    chain_log_tail(log, tail, sizeof tail);
    path->failed = 1;
    path->measured = -1;
    if (result->signal)
        snprintf(path->reason, sizeof path->reason, "step %s was ended by signal %d: %s", result->name, result->signal,
                 tail);
    else
        snprintf(path->reason, sizeof path->reason, "step %s ended with exit code %d: %s", result->name, result->code,
                 tail);
}

/* Of several tables the slowest one is the path's. */
static void take_sum(const chain_work *work, const chain_results *results, int first, const cli_tries *tries,
                     cli_path *path) {
    int ran = 0, longest = -1;
    int64_t bytes = 0;
    for (int i = first; i < results->n; i++) {
        const chain_result *r = &results->list[i];
        if (*r->skipped) continue;
        ran++;
        bytes += r->bytes_read;
        if (longest < 0 || r->seconds > results->list[longest].seconds) longest = i;
    }
    if (path->failed || tries->best <= path->measured) return;
    cli_tries_free(&path->tries);
    path->tries = *tries;
    path->measured = tries->best;
    path->bytes = bytes;
    path->table = work->table;
    if (ran)
        snprintf(path->reason, sizeof path->reason,
                 "%d step%s, each a process of its own, on a copy; the longest: %s, %s", ran, ran == 1 ? "" : "s",
                 results->list[longest].name, cli_duration(results->list[longest].seconds).text);
}

/* The steps of a part until one fails. Returns 0, or an exit code after telling. */
static int run_part(chain_work *work, int part, cli_path *path, chain_results *results) {
    const chain_steps *steps = &work->plan->config.part[part];
    char log[PATH_MAX + 160] = "";
    cli_tries tries = CLI_TRIES_INIT;
    int code = 0, failed = 0, first = results->n;
    double sum = 0;
    cli_tries_begin(&tries);
    for (int i = 0; i < steps->n && !code && !failed && !cli_interrupted(); i++) {
        const chain_step *step = &steps->step[i];
        chain_result *result = add_result(results, work->table, step->name);
        if (step->unless_column && chain_column_holds(work->cli, work->copy, step->unless_column)) {
            snprintf(result->skipped, sizeof result->skipped, "%.60s is there", step->unless_column);
            continue;
        }
        code = run_step(work, chain_part_names[part], step, log, sizeof log, result);
        sum += result->seconds;
        failed = !code && !cli_interrupted() && result->code != 0;
        if (failed) say_failed(result, log, path);
    }
    cli_tries_add(&tries, sum);
    cli_tries_end(&tries);
    if (code || failed || cli_interrupted())
        cli_tries_free(&tries);
    else
        take_sum(work, results, first, &tries, path);
    return code;
}

/* ---------------------------------------------------------------- the copy */

/* Asked before anything is made: "" where there is room. */
static void ask_for_room(const chain_work *work, const char *copy, char *why, size_t size) {
    int64_t wanted = work->facts.bytes + work->facts.more, room = cli_scratch_room(copy);
    wanted += wanted / 8; /* tables of solutions, images */
    if (room < 0 || wanted <= room) return;
    snprintf(why, size,
             "the copy that is worked on takes up to %s, and %s are free in %.200s; --scratch DIR names another folder",
             cli_size(wanted).text, cli_size(room).text,
             work->plan->wish.scratch ? work->plan->wish.scratch : "its folder");
}

static int make_folders(chain_work *work, const char *folder) {
    const char *wanted = work->plan->wish.reports;
    snprintf(work->place, sizeof work->place, "%s/work", folder);
    snprintf(work->reports, sizeof work->reports, "%s/reports", folder);
    if (mkdir(work->place, 0700)) return -1;
    if (!wanted) return mkdir(work->reports, 0700);
    if (mkdir(wanted, 0777) && errno != EEXIST) return -1;
    return realpath(wanted, work->reports) ? 0 : -1;
}

/* Makes the copy; why it could not be made, or not be worked on, goes to `why`. */
static void make_copy(chain_work *work, const char *place, char *why, size_t size) {
    char folder[PATH_MAX], name[256];
    const char *end = work->table + strlen(work->table);
    while (end > work->table + 1 && end[-1] == '/') end--;
    const char *begin = end;
    while (begin > work->table && begin[-1] != '/') begin--;
    snprintf(name, sizeof name, "%.*s", (int)(end - begin), begin);
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || !*name) snprintf(name, sizeof name, "copy.ms");
    if (mkdir(place, 0700) || !realpath(place, folder) || strlen(folder) > PATH_MAX - 300 ||
        make_folders(work, folder)) {
        snprintf(why, size, "no folder can be made to work in: %s; --scratch DIR names another place", strerror(errno));
        return;
    }
    snprintf(work->copy, sizeof work->copy, "%.*s/%s", PATH_MAX - 300, folder, name);
    if (cli_scratch_copy(work->table, work->copy, 1)) {
        snprintf(why, size, "no scratch copy could be made: %s", strerror(errno));
        return;
    }
    chain_look_at_copy(work->copy, &work->facts);
    if (*work->facts.unfit) snprintf(why, size, "%s", work->facts.unfit);
}

/* ---------------------------------------------------------------- all */

static void say_unmeasured(cli_path *path, const char *why) {
    if (path->measured < 0 && !path->failed) snprintf(path->reason, sizeof path->reason, "%s", why);
}

static int run_parts(chain_work *work, cli_path *const path[CHAIN_PARTS], chain_results results[CHAIN_PARTS]) {
    int code = 0, broken = 0;
    for (int part = 0; part < CHAIN_PARTS && !code && !cli_interrupted(); part++) {
        if (!path[part] || *work->plan->missing[part]) continue;
        if (broken) {
            say_unmeasured(path[part], "calibration failed, and with it what would be imaged");
            continue;
        }
        code = run_part(work, part, path[part], &results[part]);
        broken = path[part]->failed;
    }
    return code;
}

int chain_run(const cli_context *cli, const chain_plan *plan, const char *table, cli_path *const path[CHAIN_PARTS],
              chain_results results[CHAIN_PARTS]) {
    chain_work work = {.cli = cli, .plan = plan, .table = table};
    char copy[PATH_MAX], why[640] = "";
    int wanted = 0, code = 0;
    for (int part = 0; part < CHAIN_PARTS; part++) {
        if (path[part] && *plan->missing[part]) say_unmeasured(path[part], plan->missing[part]);
        wanted += path[part] && !*plan->missing[part];
    }
    if (!wanted) return 0;
    chain_look(cli, table, &work.facts);
    snprintf(why, sizeof why, "%s", work.facts.unfit);
    cli_scratch_name(table, plan->wish.scratch, "run", copy, sizeof copy);
    if (!*why) ask_for_room(&work, copy, why, sizeof why);
    if (!*why && msio_making_begin(copy, &work.making))
        snprintf(why, sizeof why, "no scratch copy can be made: %.500s; --scratch DIR names another folder",
                 msio_last_error()->message);
    if (!*why) make_copy(&work, msio_making_place(work.making), why, sizeof why);
    if (!*why) code = run_parts(&work, path, results);
    for (int part = 0; part < CHAIN_PARTS && *why; part++)
        if (path[part] && !*plan->missing[part]) say_unmeasured(path[part], why);
    msio_making_free(work.making);
    return code;
}
