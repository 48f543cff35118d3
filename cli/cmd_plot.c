/* cmd_plot.c - `msio plot`: every visibility counted on a grid of two axes, and the grid drawn. */
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/common/json.h"
#include "cli/input/opening.h"
#include "cli/input/options.h"
#include "cli/output/progress.h"
#include "cli/plot/drawing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct wishes {
    const char *x, *y, *out, *show;
    const char *format; /* of the file's name */
    msio_density_opts opts;
} wishes;

/* ---------------------------------------------------------------- what was asked for */

static int take_axis(const cli_context *cli, const char *name, const char *value, msio_axis *axis) {
    const char *words[MSIO_AXES + 1] = {NULL};
    int index, code;
    for (int i = 0; i < MSIO_AXES; i++) words[i] = msio_axis_name((msio_axis)i);
    code = cli_option_word(cli, name, value, words, &index);
    if (!code) *axis = (msio_axis)index;
    return code;
}

static int take_range(const cli_context *cli, const char *name, const char *value, double range[2]) {
    char *end;
    range[0] = strtod(value, &end);
    int good = end != value && *end == ':';
    const char *second = end + 1;
    if (good) {
        range[1] = strtod(second, &end);
        good = end != second && !*end && range[0] < range[1];
    }
    return good ? 0 : cli_usage(cli, "--%s wants LOW:HIGH, two numbers that go up, not \"%s\"", name, value);
}

static int take_bins(const cli_context *cli, const char *value, msio_density_opts *opts) {
    char text[64], *cross;
    snprintf(text, sizeof text, "%s", value);
    cross = strchr(text, 'x');
    if (!cross) return cli_usage(cli, "--bins wants XxY, as 1024x512, not \"%s\"", value);
    *cross = '\0';
    int code = cli_option_integer(cli, "bins", text, 2, 8192, &opts->x_bins);
    return code ? code : cli_option_integer(cli, "bins", cross + 1, 2, 8192, &opts->y_bins);
}

static int take_number(const cli_context *cli, const char *name, const char *value, int32_t *number) {
    int64_t taken = 0;
    const int code = cli_option_integer(cli, name, value, 0, INT32_MAX, &taken);
    if (!code) *number = (int32_t)taken;
    return code;
}

static int take_show(const cli_context *cli, const char *value, msio_density_opts *opts) {
    static const char *const words[] = {"density", "flags", NULL};
    return cli_option_word(cli, "show", value, words, &opts->flags);
}

static int take(const cli_context *cli, void *state, const char *name, const char *value) {
    wishes *wish = state;
    msio_density_opts *o = &wish->opts;
    if (strcmp(name, "x") == 0) return take_axis(cli, name, wish->x = value, &o->x);
    if (strcmp(name, "y") == 0) return take_axis(cli, name, wish->y = value, &o->y);
    if (strcmp(name, "show") == 0) return take_show(cli, value, o);
    if (strcmp(name, "bins") == 0) return take_bins(cli, value, o);
    if (strcmp(name, "x-range") == 0) return take_range(cli, name, value, o->x_range);
    if (strcmp(name, "y-range") == 0) return take_range(cli, name, value, o->y_range);
    if (strcmp(name, "field") == 0) return take_number(cli, name, value, &o->field);
    if (strcmp(name, "spw") == 0) return take_number(cli, name, value, &o->spectral_window);
    if (strcmp(name, "corr") == 0) return take_number(cli, name, value, &o->correlation);
    if (strcmp(name, "out") == 0) wish->out = value;
    if (strcmp(name, "column") == 0) o->column = value;
    if (strcmp(name, "wavelengths") == 0) o->wavelengths = 1;
    if (strcmp(name, "no-flag-row") == 0) o->ignore_flag_row = 1;
    return 0;
}

static int check(const cli_context *cli, wishes *wish) {
    const char *ending = wish->out ? strrchr(wish->out, '.') : NULL;
    if (!wish->x || !wish->y) return cli_usage(cli, "which axes? --x and --y");
    if (wish->opts.x == wish->opts.y) return cli_usage(cli, "--x and --y are the same: two different axes make a plot");
    if (!ending || (strcmp(ending, ".png") != 0 && strcmp(ending, ".svg") != 0))
        return cli_usage(cli, "where to? --out FILE.png or FILE.svg");
    wish->format = ending + 1;
    return 0;
}

/* ---------------------------------------------------------------- the report */

static void put_axis(cli_json *json, const char *key, const msio_scale *s) {
    cli_json_open_flat_object(json, key);
    cli_json_put_string(json, "axis", msio_axis_name(s->axis));
    cli_json_put_string(json, "unit", s->unit);
    cli_json_put_int(json, "bins", s->bins);
    cli_json_put_double(json, "low", s->low);
    cli_json_put_double(json, "high", s->low + (double)s->bins * s->width);
    cli_json_end(json);
}

static void report(const cli_context *cli, const wishes *wish, const char *path, const msio_density *d,
                   double seconds) {
    if (!cli->json) {
        cli_note(cli, "%s: %s visibilities of %s rows in %s, %s against %s, in %s", path, cli_count(d->points).text,
                 cli_count(d->rows).text, wish->out, wish->y, wish->x, cli_duration(seconds).text);
        if (d->outside) cli_note(cli, "%s lie beyond the ranges", cli_count(d->outside).text);
        if (d->not_finite) cli_note(cli, "%s are NaN or infinite", cli_count(d->not_finite).text);
        return;
    }
    cli_json json = CLI_JSON_INIT(stdout);
    cli_json_object(&json);
    cli_json_put_string(&json, "path", path);
    cli_json_put_string(&json, "out", wish->out);
    put_axis(&json, "x", &d->x);
    put_axis(&json, "y", &d->y);
    cli_json_put_int(&json, "rows", d->rows);
    cli_json_put_int(&json, "points", d->points);
    cli_json_put_int(&json, "outside", d->outside);
    cli_json_put_int(&json, "not_finite", d->not_finite);
    cli_json_put_double(&json, "seconds", seconds);
    cli_json_end(&json);
    cli_json_finish(&json);
}

/* ---------------------------------------------------------------- the command */

/* What the library asks while it reads. */
typedef struct watched {
    cli_progress progress;
    cli_drawing *drawing;
    int ended; /* 1: nobody is there to draw what is read */
} watched;

static int watch(void *user, int64_t done, int64_t total) {
    watched *w = user;
    w->ended = cli_drawing_ended(w->drawing);
    return w->ended ? 1 : cli_progress_update(&w->progress, done, total);
}

static int draw(const cli_context *cli, wishes *wish, const char *path, cli_drawing *drawing, cli_output *output) {
    msio_density *density = NULL;
    watched w = {.drawing = drawing};
    const double began = cli_now();
    cli_progress_begin(&w.progress, cli, "reading", 0);
    wish->opts.progress = watch;
    wish->opts.user = &w;
    wish->opts.threads = cli->threads;
    wish->opts.open = cli_open_opts(cli);
    const msio_status status = msio_density_make(path, &wish->opts, &density);
    cli_progress_end(&w.progress);
    if (status) return w.ended ? cli_drawing_tell(cli, drawing) : cli_fail_status(cli, path);
    int code = cli_drawing_finish(cli, drawing, density, output);
    if (!code) code = cli_output_finish(cli, output);
    if (!code) report(cli, wish, path, density, cli_now() - began);
    msio_density_free(density);
    return code;
}

static int run(cli_context *cli, int argc, char **argv) {
    wishes wish = {.opts = MSIO_DENSITY_OPTS_INIT};
    cli_drawing drawing = CLI_DRAWING_INIT;
    cli_output output = CLI_OUTPUT_INIT;
    int first, code = cli_options_parse(cli, &cli_command_plot, argc, argv, take, &wish, &first);
    if (code >= 0) return code;
    if (argc - first != 1) return cli_usage(cli, "a Measurement Set is wanted: msio plot PATH --x X --y Y --out FILE");
    code = check(cli, &wish);
    if (!code) code = cli_output_open(cli, wish.out, &output);
    if (!code) code = cli_drawing_begin(cli, wish.format, argv[first], &drawing);
    if (!code) code = draw(cli, &wish, argv[first], &drawing, &output);
    cli_drawing_drop(&drawing);
    cli_output_drop(&output);
    return code;
}

static const cli_option options[] = {
    {"x", "AXIS", 0,
     "time, freq, chan, uvdist, baseline, antenna, amp, phase, real, imag,\n"
     "flag, u or v"},
    {"y", "AXIS", 0, "another one of these"},
    {"out", "FILE.png|FILE.svg", 0, "the picture"},
    {"column", "COLUMN", 0, "what amp, phase, real and imag are of (default DATA)"},
    {"show", "density|flags", 0,
     "how many visibilities are in a cell (density), or which fraction of\n"
     "them is flagged (flags)"},
    {"bins", "XxY", 0, "cells of the picture, at most; default 1024x512"},
    {"x-range", "LOW:HIGH", 0, "what --x spans, in s (MJD), Hz, m, degrees; what is beyond is counted"},
    {"y-range", "LOW:HIGH", 0, "the same of --y"},
    {"wavelengths", NULL, 0, "u, v and uvdist in wavelengths of each channel, not in m"},
    {"field", "N", 0, "only rows of this FIELD_ID"},
    {"spw", "N", 0, "only rows of this spectral window"},
    {"corr", "N", 0, "only the correlation of this index"},
    {"no-flag-row", NULL, 0, "heed FLAG alone, a set FLAG_ROW flags nothing"},
    {NULL, NULL, 0, NULL},
};

const cli_command cli_command_plot = {
    .name = "plot",
    .summary = "a picture of all visibilities, by any two axes",
    .usage = "PATH --x AXIS --y AXIS --out FILE [options]",
    .text = "Counts every visibility on a grid in one read, and shows the density: none is left out, whatever their\n"
            "number. Flagged ones are not shown, but with --show flags, or where an axis is flag. An antenna shows\n"
            "every row that it takes part in, an autocorrelation once. v against u shows conjugates too.\n"
            "Ranges of amplitudes, parts, u, v and uvdist are found while they are read.\n\n"
            "Drawn by Python with msio's package and matplotlib: MSIO_PYTHON, or python3.",
    .options = options,
    .negative = NULL,
    .examples = "  msio plot obs.ms --x uvdist --y amp --column CORRECTED_DATA --out amp.png\n"
                "  msio plot obs.ms --x time --y freq --show flags --out flags.png\n"
                "  msio plot obs.ms --x u --y v --wavelengths --out coverage.svg\n",
    .run = run,
};
