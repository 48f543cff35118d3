/* cmd_model.c - `msio model`: the visibilities of a sky predicted into a column. */
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/common/json.h"
#include "cli/input/options.h"
#include "cli/output/progress.h"
#include "msio/visibility.h"

#include <stdio.h>
#include <string.h>

typedef struct wishes {
    const char *sky;
    msio_model_opts opts;
    int add, subtract, force;
} wishes;

static int take_smear(const cli_context *cli, wishes *wish, const char *list) {
    static const char *const words[] = {"frequency", "time", "all", NULL};
    unsigned bits = 0;
    const int code = cli_option_words(cli, "smear", list, words, &bits);
    wish->opts.smear_frequency = (bits & 1) != 0;
    wish->opts.smear_time = (bits & 2) != 0;
    return code;
}

static int take(const cli_context *cli, void *state, const char *name, const char *value) {
    wishes *wish = state;
    if (strcmp(name, "smear") == 0) return take_smear(cli, wish, value);
    if (strcmp(name, "sky") == 0) wish->sky = value;
    if (strcmp(name, "column") == 0) wish->opts.column = value;
    if (strcmp(name, "add") == 0) wish->add = 1;
    if (strcmp(name, "subtract") == 0) wish->subtract = 1;
    if (strcmp(name, "force") == 0) wish->force = 1;
    return 0;
}

/* What was observed is not changed unasked. */
static int is_observed(const char *column) {
    return column &&
           (strcmp(column, "DATA") == 0 || strcmp(column, "FLOAT_DATA") == 0 || strcmp(column, "LAG_DATA") == 0);
}

static void report(const cli_context *cli, const wishes *wish, const char *path, const msio_model_result *result,
                   double seconds) {
    if (!cli->json) {
        cli_note(cli, "%s: %s of %s components %s %s rows of %s in %s", path,
                 wish->subtract ? "the visibilities" : "a model", cli_count(result->components).text,
                 wish->add        ? "added to"
                 : wish->subtract ? "subtracted from"
                                  : "put into",
                 cli_count(result->rows).text, wish->opts.column ? wish->opts.column : "MODEL_DATA",
                 cli_duration(seconds).text);
        return;
    }
    cli_json json = CLI_JSON_INIT(stdout);
    cli_json_object(&json);
    cli_json_put_int(&json, "components", result->components);
    cli_json_put_int(&json, "rows", result->rows);
    cli_json_put_double(&json, "seconds", seconds);
    cli_json_end(&json);
    cli_json_finish(&json);
}

static int predict(const cli_context *cli, wishes *wish, const char *path) {
    msio_model_result result = MSIO_MODEL_RESULT_INIT;
    cli_progress progress;
    msio_sky *sky = NULL;
    if (msio_sky_open(wish->sky, &sky)) return cli_fail_status(cli, wish->sky);
    const double began = cli_now();
    cli_progress_begin(&progress, cli, "predicting", 0);
    wish->opts.progress = cli_progress_update;
    wish->opts.user = &progress;
    wish->opts.threads = cli->threads;
    if (cli->lock_seconds >= 0) wish->opts.lock_seconds = cli->lock_seconds;
    msio_status status = msio_model_predict(path, sky, &wish->opts, &result);
    cli_progress_end(&progress);
    msio_sky_free(sky);
    if (status) return cli_fail_status(cli, path);
    report(cli, wish, path, &result, cli_now() - began);
    return CLI_OK;
}

static int run(cli_context *cli, int argc, char **argv) {
    wishes wish = {.opts = MSIO_MODEL_OPTS_INIT};
    int first, code = cli_options_parse(cli, &cli_command_model, argc, argv, take, &wish, &first);
    if (code >= 0) return code;
    if (argc - first != 1) return cli_usage(cli, "a Measurement Set is wanted: msio model PATH --sky FILE");
    if (!wish.sky) return cli_usage(cli, "which sky? --sky FILE");
    if (wish.add && wish.subtract) return cli_usage(cli, "--add or --subtract, not both");
    if (is_observed(wish.opts.column) && !wish.force)
        return cli_usage(cli, "%s is what was observed: --force changes it", wish.opts.column);
    wish.opts.mode = wish.add ? MSIO_MODEL_ADD : wish.subtract ? MSIO_MODEL_SUBTRACT : MSIO_MODEL_REPLACE;
    return predict(cli, &wish, argv[first]);
}

static const cli_option options[] = {
    {"sky", "FILE", 0,
     "the model: text as of makesourcedb, DP3 and WSClean's -save-source-list,\nor a component list of CASA's"},
    {"column", "COLUMN", 0, "where it goes (default MODEL_DATA); made like DATA where it is missing"},
    {"smear", "LIST", 0,
     "means over channels and integrations: frequency, time or all; by default\nthe values at their middles"},
    {"add", NULL, 0, "add to what the column holds"},
    {"subtract", NULL, 0, "subtract from what the column holds"},
    {"force", NULL, 0, "change DATA, FLOAT_DATA or LAG_DATA"},
    {NULL, NULL, 0, NULL},
};

const cli_command cli_command_model = {
    .name = "model",
    .summary = "predicts the visibilities of a sky into MODEL_DATA",
    .usage = "PATH --sky FILE [options]",
    .text = "The direct sum over points and Gaussians, with each row's own UVW and phase centre, in every channel;\n"
            "linear and circular correlations. MODEL_DATA and the other imaging columns are added where MODEL_DATA\n"
            "is missing. What a line of the model, or a component of a list, says that msio does not know is an\n"
            "error, which tells where.\n\n"
            "Locks and kills: as msio write --help tells.",
    .options = options,
    .negative = NULL,
    .examples = "  msio model obs.ms --sky calibrator.txt\n"
                "  msio model obs.ms --sky 3C48.cl\n"
                "  msio model obs.ms --sky sources.txt --column CORRECTED_DATA --subtract\n",
    .run = run,
};
