/* load_wishes.c - the options of `msio load`. */
#include "cli/load/load_run.h"

#include "cli/common/failure.h"
#include "cli/input/options.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const layouts[] = {"row-chan-pol", "subband-row-chan-pol", NULL};

const char *cli_load_layout_name(msio_load_layout layout) { return layouts[layout]; }

static const char *const array_names[] = {"visdata", "flags", "nsamples", "all", NULL};

cli_load_array cli_load_array_of(const msio_subbands *loaded, int index) {
    cli_load_array array = {array_names[index], MSIO_BOOL, loaded->flags, loaded->flags_bytes};
    if (index == 0)
        array = (cli_load_array){array_names[0], loaded->visdata_type, loaded->visdata, loaded->visdata_bytes};
    if (index == 2) array = (cli_load_array){array_names[2], MSIO_FLOAT, loaded->nsamples, loaded->nsamples_bytes};
    return array;
}

int64_t cli_load_bytes(const msio_subbands *loaded) {
    return (int64_t)(loaded->visdata_bytes + loaded->flags_bytes + loaded->nsamples_bytes);
}

/* One number or a span of them, "7" or "3-6", at *text, which goes on behind it. Returns 0, or -1 where none is. */
static int next_span(const char **text, long *first, long *last) {
    char *end;
    if (!isdigit((unsigned char)**text)) return -1;
    *first = *last = strtol(*text, &end, 10);
    if (*end == '-') {
        const char *second = end + 1;
        if (!isdigit((unsigned char)*second)) return -1;
        *last = strtol(second, &end, 10);
    }
    if ((*end && *end != ',') || *last < *first || *last >= MSIO_GROUP_MAX_SUBBANDS) return -1;
    *text = *end ? end + 1 : end;
    return *end && !end[1] ? -1 : 0;
}

static int take_subbands(const cli_context *cli, cli_load_wishes *wishes, const char *list) {
    unsigned char *wanted = memset(cli_alloc(MSIO_GROUP_MAX_SUBBANDS), 0, MSIO_GROUP_MAX_SUBBANDS);
    int count = 0, wrong = !*list;
    for (const char *at = list; *at && !wrong;) {
        long first = 0, last = 0;
        wrong = next_span(&at, &first, &last) != 0;
        if (!wrong) memset(wanted + first, 1, (size_t)(last - first + 1));
    }
    free(wishes->subbands);
    wishes->subbands = cli_alloc_many(MSIO_GROUP_MAX_SUBBANDS, sizeof *wishes->subbands);
    for (int i = 0; i < MSIO_GROUP_MAX_SUBBANDS; i++)
        if (wanted[i]) wishes->subbands[count++] = i;
    free(wanted);
    wishes->source.subbands = wishes->opts.subband_list = wishes->subbands;
    wishes->source.subband_count = wishes->opts.subbands_in_list = count;
    if (!wrong) return 0;
    return cli_usage(cli, "--subbands wants numbers from 0 to %d, as in 0-3,7, not \"%s\"", MSIO_GROUP_MAX_SUBBANDS - 1,
                     list);
}

static int take_layout(const cli_context *cli, cli_load_wishes *wishes, const char *value) {
    int index = 0, code = cli_option_word(cli, "layout", value, layouts, &index);
    if (!code) wishes->opts.layout = (msio_load_layout)index;
    return code;
}

/* Metres, or "any" for no comparison. */
static int take_tolerance(const cli_context *cli, const char *text, double *tolerance) {
    char *end;
    if (strcmp(text, "any") == 0) {
        *tolerance = (double)INFINITY;
        return 0;
    }
    *tolerance = strtod(text, &end);
    if (end == text || *end || !isfinite(*tolerance) || *tolerance < 0)
        return cli_usage(cli, "--uvw-tolerance wants metres, as in 0.01, or any, not \"%s\"", text);
    return 0;
}

int cli_load_take(const cli_context *cli, void *state, const char *name, const char *value) {
    cli_load_wishes *wishes = state;
    if (strcmp(name, "what") == 0) return cli_option_words(cli, "what", value, array_names, &wishes->what);
    if (strcmp(name, "memory") == 0) return cli_option_bytes(cli, name, value, &wishes->opts.memory);
    if (strcmp(name, "uvw-tolerance") == 0) return take_tolerance(cli, value, &wishes->opts.uvw_tolerance);
    if (strcmp(name, "subbands") == 0) return take_subbands(cli, wishes, value);
    if (strcmp(name, "missing") == 0) return cli_load_missing_take(cli, value, &wishes->opts.missing);
    if (strcmp(name, "layout") == 0) return take_layout(cli, wishes, value);
    if (cli_load_source_take(&wishes->source, name, value)) return 0;
    if (strcmp(name, "repeat") == 0) {
        int64_t number = 0;
        int code = cli_option_integer(cli, name, value, 1, CLI_LOAD_REPEATS_MOST, &number);
        wishes->repeat = (int)number;
        return code;
    }
    if (strcmp(name, "out") == 0)
        wishes->out = value;
    else if (strcmp(name, "force") == 0)
        wishes->force = 1;
    else if (strcmp(name, "check") == 0)
        wishes->check = 1;
    else
        return cli_load_part_take(cli, &wishes->part, name, value);
    return 0;
}
