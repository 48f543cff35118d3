/* cmd_verify.c - `msio verify`: times the paths on the user's data, and holds them against targets. */
#include "cli/chain/chain.h"
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/common/interrupt.h"
#include "cli/common/json.h"
#include "cli/input/opening.h"
#include "cli/input/options.h"
#include "cli/load/load_input.h"
#include "cli/measure/roofline.h"
#include "cli/measure/verify.h"
#include "cli/output/grid.h"
#include "msio/prof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLI_WISHES_MOST 32
#define CLI_BUSY 0.25 /* share of the processors from which on others are worth a word */

/* The paths that the project has targets for. What cannot run in this version says so. */
static const struct {
    const char *name, *reason;
} targets[] = {
    {"metadata", "no Measurement Set was given"},
    {"flag-validation", "no Measurement Set was given"},
    {"subband-loading", "no group of subbands was given, and no Measurement Set"},
    {"calibration", "it was not asked for: --run calibration"},
    {"imaging", "it was not asked for: --run imaging"},
};
#define CLI_TARGETS ((int)(sizeof targets / sizeof targets[0]))

typedef struct wish {
    char name[96];
    double seconds; /* of a target; 0: only required */
} wish;

typedef struct wishes {
    wish target[CLI_WISHES_MOST], required[CLI_WISHES_MOST];
    int target_count, required_count;
    int write;           /* 1: writing is timed, on a scratch copy */
    const char *scratch; /* folder for it; NULL: beside the table */
    chain_wishes chain;  /* of --run; no parts: nothing is run */
    int print_config;
} wishes;

/* What --run found. */
typedef struct chains {
    chain_plan plan;
    chain_results results[CHAIN_PARTS];
} chains;

static int take_target(const cli_context *cli, wishes *all, const char *value) {
    if (all->target_count == CLI_WISHES_MOST) return cli_usage(cli, "too many targets");
    wish *made = &all->target[all->target_count];
    int code = cli_option_named_seconds(cli, "target", value, made->name, sizeof made->name, &made->seconds);
    if (!code) all->target_count++;
    return code;
}

static int take_required(const cli_context *cli, wishes *all, const char *value) {
    while (*value) {
        size_t length = strcspn(value, ",");
        if (length >= sizeof all->required[0].name || all->required_count == CLI_WISHES_MOST)
            return cli_usage(cli, "--require has a name too long, or too many");
        if (length) {
            wish *made = &all->required[all->required_count++];
            snprintf(made->name, sizeof made->name, "%.*s", (int)length, value);
            made->seconds = 0;
        }
        value += length + (value[length] == ',');
    }
    return 0;
}

static int take(const cli_context *cli, void *state, const char *name, const char *value) {
    wishes *all = state;
    if (strcmp(name, "write") == 0) all->write = 1;
    if (strcmp(name, "print-config") == 0) all->print_config = 1;
    if (strcmp(name, "scratch") == 0) all->scratch = all->chain.scratch = value;
    if (strcmp(name, "config") == 0) all->chain.config = value;
    if (strcmp(name, "reports") == 0) all->chain.reports = value;
    if (strcmp(name, "run") == 0) {
        static const char *const parts[] = {"calibration", "imaging", "all", NULL};
        return cli_option_words(cli, name, value, parts, &all->chain.parts);
    }
    if (strcmp(name, "target") == 0) return take_target(cli, all, value);
    return strcmp(name, "require") == 0 ? take_required(cli, all, value) : 0;
}

static int is_known_name(const char *name) {
    if (strcmp(name, "open") == 0 || strcmp(name, "open-all") == 0) return 1;
    if (strncmp(name, "read-", 5) == 0 && name[5]) return 1;
    if (strncmp(name, "write-", 6) == 0 && name[6]) return 1;
    for (int i = 0; i < CLI_TARGETS; i++)
        if (strcmp(name, targets[i].name) == 0) return 1;
    return 0;
}

/* Columns that are timed because they were named. */
typedef struct named_columns {
    const char *read[2 * CLI_WISHES_MOST], *written[2 * CLI_WISHES_MOST];
    int read_count, written_count;
} named_columns;

/* Names that were asked for must be paths; the columns among them are timed too. Returns 0, or an exit code after
 * telling. */
static int check_names(const cli_context *cli, const wish *list, int count, int write, named_columns *columns) {
    for (int i = 0; i < count; i++) {
        if (!is_known_name(list[i].name))
            return cli_usage(
                cli,
                "there is no path \"%s\": metadata, flag-validation, subband-loading, calibration, imaging, "
                "open, open-all, read-COLUMN and, with --write, write-COLUMN are there",
                list[i].name);
        if (strncmp(list[i].name, "read-", 5) == 0) columns->read[columns->read_count++] = list[i].name + 5;
        if (strncmp(list[i].name, "write-", 6) != 0) continue;
        if (!write) return cli_usage(cli, "%s is timed with --write only", list[i].name);
        columns->written[columns->written_count++] = list[i].name + 6;
    }
    return 0;
}

static void add_targets(cli_paths *paths) {
    for (int i = 0; i < CLI_TARGETS; i++) {
        msio_prof_stats stats = MSIO_PROF_STATS_INIT;
        cli_path *path = cli_paths_add(paths, targets[i].name, NULL);
        path->is_target = 1;
        if (msio_prof_path_stats(targets[i].name, &stats) == MSIO_OK) path->target = stats.target_seconds;
        snprintf(path->reason, sizeof path->reason, "%s", targets[i].reason);
    }
}

static void set_targets(cli_paths *paths, const wishes *all) {
    for (int i = 0; i < paths->count; i++)
        for (int k = 0; k < all->target_count; k++)
            if (strcmp(paths->list[i].name, all->target[k].name) == 0) paths->list[i].target = all->target[k].seconds;
}

/* How far from its target the loading of subbands is. */
static void tell_factor(cli_paths *paths) {
    for (int i = 0; i < paths->count; i++) {
        cli_path *path = &paths->list[i];
        if (strcmp(path->name, "subband-loading") != 0 || path->measured <= 0 || path->target <= 0) continue;
        double factor = path->target / path->measured;
        size_t at = strlen(path->reason);
        snprintf(path->reason + at, sizeof path->reason - at, "; %s times %s the target",
                 cli_number(factor < 1 ? 1 / factor : factor, 3).text, factor < 1 ? "above" : "below");
    }
}

static msio_verdict verdict_of(const cli_path *path) {
    if (path->failed) return MSIO_FAIL;
    if (path->target <= 0 || path->measured < 0) return MSIO_NOT_MEASURED;
    return path->measured <= path->target ? MSIO_PASS : MSIO_FAIL;
}

/* 1 when the path was held against a target wherever it was tried, and tried at all. */
static int was_judged(const cli_paths *paths, const char *name) {
    int judged = 0;
    for (int i = 0; i < paths->count; i++) {
        if (strcmp(paths->list[i].name, name) != 0) continue;
        if (verdict_of(&paths->list[i]) == MSIO_NOT_MEASURED) return 0;
        judged = 1;
    }
    return judged;
}

/* The largest share of the processors that others had while a target was missed; 0: none is known. */
static double busiest(const cli_paths *paths) {
    double others = 0;
    for (int i = 0; i < paths->count; i++)
        if (verdict_of(&paths->list[i]) == MSIO_FAIL && paths->list[i].tries.others > others)
            others = paths->list[i].tries.others;
    return others;
}

/* The judgement over all, and in one line why. */
static int judge(const cli_paths *paths, const wishes *all, char *why, size_t size) {
    int passed = 0, failed = 0;
    for (int i = 0; i < paths->count; i++) {
        msio_verdict verdict = verdict_of(&paths->list[i]);
        passed += verdict == MSIO_PASS;
        failed += verdict == MSIO_FAIL;
    }
    for (int k = 0; k < all->required_count; k++)
        if (!was_judged(paths, all->required[k].name)) {
            snprintf(why, size, "%s is required, and was not held against a target", all->required[k].name);
            return CLI_NEGATIVE;
        }
    double others = busiest(paths);
    if (failed && others >= CLI_BUSY)
        snprintf(why, size,
                 "%d of %d targets missed while other programs used up to %.0f%% of the processors: measure alone to "
                 "know msio's own time",
                 failed, passed + failed, 100 * others);
    else if (failed)
        snprintf(why, size, "%d of %d targets missed", failed, passed + failed);
    else if (passed)
        snprintf(why, size, "%d of %d targets met", passed, passed);
    else
        snprintf(why, size, "no path with a target could be measured; --target NAME=SECONDS sets one");
    return failed || !passed ? CLI_NEGATIVE : CLI_OK;
}

/* How often it was tried, how often the target was met, and how busy the machine was meanwhile. */
static void put_tries(cli_json *json, const cli_path *path) {
    cli_json_put_int(json, "tries", path->measured >= 0 ? path->tries.count : 0);
    cli_json_put_int_or_null(json, "met", path->measured >= 0 && path->target > 0,
                             cli_tries_met(&path->tries, path->target));
    cli_json_open_flat_object(json, "load");
    cli_json_put_double_or_null(json, "average", path->tries.load >= 0, path->tries.load);
    cli_json_put_double_or_null(json, "others", path->tries.others >= 0, path->tries.others);
    cli_json_end(json);
}

/* The part that a path is, or -1. */
static int part_of(const cli_path *path) {
    for (int part = 0; part < CHAIN_PARTS; part++)
        if (path->is_target && strcmp(path->name, chain_part_names[part]) == 0) return part;
    return -1;
}

static void print_json(const cli_context *cli, const cli_paths *paths, const chains *ran, const char *why, int code) {
    cli_json writer = CLI_JSON_INIT(stdout), *json = &writer;
    cli_json_object(json);
    cli_json_open_list(json, "paths");
    for (int i = 0; i < paths->count; i++) {
        const cli_path *path = &paths->list[i];
        int no_target = path->measured >= 0 && path->target <= 0;
        cli_json_object(json);
        cli_json_put_string(json, "name", path->name);
        cli_json_put_string(json, "path", path->table);
        cli_json_put_double_or_null(json, "target_seconds", path->target > 0, path->target);
        cli_json_put_double_or_null(json, "measured_seconds", path->measured >= 0, path->measured);
        if (path->uncached >= 0) cli_json_put_double(json, "uncached_seconds", path->uncached);
        cli_json_put_int_or_null(json, "bytes", path->bytes >= 0, path->bytes);
        cli_json_put_double_or_null(json, "roofline_seconds", path->roofline >= 0, path->roofline);
        cli_json_put_string(json, "verdict", msio_verdict_name(verdict_of(path)));
        cli_json_put_string(json, "reason", no_target ? "no target set" : path->reason);
        if (path->measured > 0 && path->target > 0)
            cli_json_put_double(json, "factor_below_target", path->target / path->measured);
        cli_json_put_string(json, "how", path->measured >= 0 ? path->reason : NULL);
        put_tries(json, path);
        if (part_of(path) >= 0 && ran->results[part_of(path)].n) chain_put_steps(json, &ran->results[part_of(path)]);
        cli_json_end(json);
    }
    cli_json_end(json);
    cli_json_put_int(json, "threads", cli_threads(cli->threads));
    cli_json_put_string(json, "judgement", why);
    cli_json_put_bool(json, "met", code == CLI_OK);
    cli_json_end(json);
    cli_json_finish(json);
}

static void print_row(cli_grid *grid, const cli_path *path) {
    int measured = path->measured >= 0;
    cli_words target = cli_duration(path->target > 0 ? path->target : -1), seconds = cli_duration(path->measured),
              bytes = cli_size(path->bytes), rate = cli_rate((double)path->bytes, path->measured),
              roofline = cli_duration(path->roofline), share = {"-"};
    const char *verdict = measured && path->target <= 0 ? "MEASURED" : msio_verdict_name(verdict_of(path));
    if (measured && path->roofline > 0 && path->measured > 0)
        snprintf(share.text, sizeof share.text, "%.2f", path->roofline / path->measured);
    cli_grid_row(grid, (const char *const[]){path->name, target.text, seconds.text, measured ? bytes.text : "-",
                                             rate.text, roofline.text, share.text, verdict});
}

/* Whether a path stands in the group of a table; the project's targets are a group of their own, NULL. */
static int is_of(const cli_path *path, const char *table) {
    return table ? !path->is_target && path->table == table : path->is_target;
}

/* Beside a verdict: how often the target was met, and what else the machine did meanwhile. */
static void print_tries(const cli_path *path) {
    const cli_tries *tries = &path->tries;
    if (path->measured < 0 || path->target <= 0) return;
    printf("%*smet in %s of %s tries", (int)strlen(path->name) + 6, "",
           cli_count(cli_tries_met(tries, path->target)).text, cli_count(tries->count).text);
    if (tries->load >= 0) printf("; load average %.2f", tries->load);
    if (tries->others >= 0) printf("; other programs used %.0f%% of the processors meanwhile", 100 * tries->others);
    putchar('\n');
}

/* Why a path was not measured, or what was, where the row alone does not tell. */
static void print_reason(const cli_path *path) {
    int judged = path->measured >= 0 && path->target > 0;
    int odd = strstr(path->reason, " first ") || strstr(path->reason, " ragged");
    if (!judged && !path->is_target && path->measured >= 0 && !odd) return;
    printf("    %s: %s\n", path->name, path->reason);
    print_tries(path);
}

/* The paths of one table, or the project's targets, and below why some were not measured. */
static void print_group(const cli_paths *paths, const char *table) {
    static const char *const titles[] = {"path",      ">target",      ">measured", ">bytes", ">rate",
                                         ">roofline", ">of roofline", "verdict",   NULL};
    cli_grid grid;
    int rows = 0;
    cli_grid_begin(&grid, titles);
    for (int i = 0; i < paths->count; i++)
        if (is_of(&paths->list[i], table)) print_row(&grid, &paths->list[i]), rows++;
    if (rows) cli_grid_print(&grid, stdout);
    for (int i = 0; i < paths->count; i++) {
        const cli_path *path = &paths->list[i];
        if (is_of(path, table)) print_reason(path);
    }
}

static void print_text(const cli_context *cli, const cli_paths *paths, const chains *ran, char **tables, int count,
                       const char *why) {
    int threads = cli_threads(cli->threads);
    printf("%d thread%s; reads are the best of several with the file in the page cache and the memory touched; "
           "roofline: the\n"
           "same bytes read raw by as many threads in the same run, or written raw by one or all\n\n",
           threads, threads == 1 ? "" : "s");
    print_group(paths, NULL);
    for (int i = 0; i < count; i++) {
        char name[1024];
        int own = 0; /* paths of a table; files of subbands have none */
        for (int k = 0; k < paths->count; k++) own += is_of(&paths->list[k], tables[i]);
        if (!own) continue;
        printf("\n%s\n", cli_printable(name, sizeof name, tables[i], strlen(tables[i])));
        print_group(paths, tables[i]);
    }
    for (int part = 0; part < CHAIN_PARTS; part++)
        chain_print_steps(stdout, chain_part_names[part], &ran->results[part]);
    printf("\n%s\n", why);
}

/* Runs calibration and imaging on a table. Returns 0, or an exit code after telling. */
static int run_chain(const cli_context *cli, const char *table, const wishes *all, cli_paths *paths, chains *ran) {
    cli_path *parts[CHAIN_PARTS] = {NULL};
    for (int i = 0; i < paths->count; i++) {
        int part = part_of(&paths->list[i]);
        if (part >= 0 && all->chain.parts & 1u << part) parts[part] = &paths->list[i];
    }
    return chain_run(cli, &ran->plan, table, parts, ran->results);
}

/* Measures on everything that is named: tables, folders of groups, and all HDF5 files together. Returns 0, or an exit
 * code after telling. */
static int measure(const cli_context *cli, int count, const char *const *named, const named_columns *columns,
                   const wishes *all, cli_paths *paths, chains *ran) {
    const char **files = cli_alloc_many((size_t)count, sizeof *files);
    int code = 0, file_count = 0;
    for (int i = 0; i < count && !code && !cli_interrupted(); i++) {
        if (cli_is_hdf5(named[i])) {
            files[file_count++] = named[i];
        } else if (cli_load_is_folder(named[i])) {
            code = cli_verify_folder(cli, &named[i], paths);
        } else {
            code = cli_verify_table(cli, named[i], columns->read, columns->read_count, paths);
            if (!code && !cli_interrupted()) cli_verify_windows(cli, &named[i], paths);
            if (!code && all->write && !cli_interrupted())
                cli_verify_write(cli, named[i], all->scratch, columns->written, columns->written_count, paths);
            if (!code && all->chain.parts && !cli_interrupted()) code = run_chain(cli, named[i], all, paths, ran);
        }
    }
    if (!code && !cli_interrupted()) code = cli_verify_files(cli, file_count, files, paths);
    free(files);
    return code;
}

/* Measures, judges and tells. Returns an exit code. */
static int verify(const cli_context *cli, int count, char **named, const wishes *all, const named_columns *columns,
                  chains *ran) {
    cli_paths paths = {NULL, 0, 0};
    char why[256] = "";
    add_targets(&paths);
    int code = measure(cli, count, (const char *const *)named, columns, all, &paths, ran);
    if (!code && !cli_interrupted()) {
        set_targets(&paths, all);
        tell_factor(&paths);
        code = judge(&paths, all, why, sizeof why);
        if (cli->json)
            print_json(cli, &paths, ran, why, code);
        else
            print_text(cli, &paths, ran, named, count, why);
    }
    cli_paths_free(&paths);
    return code;
}

static int run(cli_context *cli, int argc, char **argv) {
    wishes all = {.target_count = 0};
    named_columns columns = {.read_count = 0};
    chains ran = {.plan = {.python = ""}};
    int first, code = cli_options_parse(cli, &cli_command_verify, argc, argv, take, &all, &first);
    if (code >= 0) return code;
    if (all.print_config) return fputs(chain_steps_toml, stdout) < 0 ? cli_fail_write(cli, "standard output") : CLI_OK;
    code = check_names(cli, all.target, all.target_count, all.write, &columns);
    if (!code) code = check_names(cli, all.required, all.required_count, all.write, &columns);
    if (!code && first == argc) code = cli_usage(cli, "which tables, or groups of subbands?");
    if (!code && (all.chain.config || all.chain.reports) && !all.chain.parts)
        code = cli_usage(cli, "--config and --reports are of --run");
    if (!code && all.chain.parts) code = chain_prepare(cli, &all.chain, &ran.plan);
    if (!code) code = verify(cli, argc - first, argv + first, &all, &columns, &ran);
    for (int part = 0; part < CHAIN_PARTS; part++) chain_results_free(&ran.results[part]);
    chain_plan_free(&ran.plan);
    return code;
}

static const cli_option options[] = {
    {"target", "NAME=SECONDS", 0, "hold this path against a target of your own; may be given several\ntimes"},
    {"write", NULL, 0, "time writing too (write-DATA, ...), on a scratch copy that is removed\nagain"},
    {"scratch", "DIR", 0, "where the copy is made; by default beside the table"},
    {"run", "LIST", 0,
     "run calibration, imaging, or all, on a copy that is removed again, and\njudge the sums of their steps' times"},
    {"config", "FILE", 0, "with --run: the steps, as TOML; --print-config prints the default's"},
    {"reports", "DIR", 0, "with --run: keep each step's output and profile there"},
    {"print-config", NULL, 0, "print the steps that --run has without --config, and end"},
    {"require", "NAME,...", 0, "exit with 1 also when one of these was not held against a target"},
    {NULL, NULL, 0, NULL},
};

const cli_command cli_command_verify = {
    .name = "verify",
    .summary = "times the paths on your data, and holds them against targets",
    .usage = "PATH... [options]",
    .text = "Times opening (open), opening with all subtables (open-all) and reading whole columns into memory\n"
            "(read-DATA, read-FLAG, ...), beside the roofline: the same bytes read raw by as many threads in\n"
            "the same run. Of a folder with a group of subbands, of UVH5 files (all named are one group) and of a\n"
            "Measurement Set it times loading all into memory (subband-loading). Columns whose cells differ in\n"
            "shape, or were not all written, are read ragged; their roofline is of their stored bytes.\n\n"
            "With --write it also times writing whole columns (write-DATA, ...): each column's own values over\n"
            "themselves, in a copy of the table that nobody else sees, beside the same bytes written raw into the\n"
            "same places; what was written last is read again and compared.\n\n"
            "A path with a target gets the verdict PASS or FAIL, by the best of its tries (metadata: by their\n"
            "mean), beside in how many tries the target was met and how busy other programs kept the machine.\n"
            "The targets of the project are always listed; what was not run is NOT MEASURED, and the report says\n"
            "why.\n\n"
            "With --run calibration and imaging are run: tasks of CASA and WSClean, or a site's own steps, one\n"
            "after the other, each as a program of its own under the profiler, on a copy of the Measurement Set.\n"
            "The room for it is asked for first, and it is removed in the end, also after Ctrl-C. The report\n"
            "tells each step's time, processor time, what the table layer has of it, import time, memory, what\n"
            "was read of which column how often over, and findings. The sums are judged. CASA is that of the\n"
            "configuration's casa_python, of MSIO_CASA_PYTHON or of python3. A step that fails fails the path,\n"
            "and the end of what it said is told.",
    .options = options,
    .negative = "a target was missed, a step failed, nothing with a target was measured, or a required\npath was not",
    .examples = "  msio verify obs.ms\n"
                "  msio verify /data/group --require subband-loading\n"
                "  msio verify obs.ms --target read-DATA=0.2 --target open=0.005\n"
                "  msio verify obs.ms --run calibration,imaging --scratch /fast --reports reports\n"
                "  msio verify obs.ms --run imaging --config site.toml --target imaging=1800 --json\n"
                "  msio verify obs.ms --write --scratch /fast --target write-MODEL_DATA=0.5\n"
                "  msio verify obs.ms --target read-MODEL_DATA=0.5 --require read-MODEL_DATA --json\n",
    .run = run,
};
