/* cmd_flags.c - `msio flags`: how much of a Measurement Set is flagged, and where. */
#include "cli/change/flagging.h"
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/common/json.h"
#include "cli/input/breakdown.h"
#include "cli/input/opening.h"
#include "cli/input/options.h"
#include "cli/output/grid.h"
#include "msio/cache.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLE_WIDTH 0.01
#define SHOWN 24 /* entries of a breakdown in a report for people */

typedef struct wishes {
    unsigned by;
    int limited, ignore_flag_row;
    double limit, sample;
    const char *of_counting; /* an option that was given, and is for counting only */
    cli_flagging flagging;
} wishes;

/* ---------------------------------------------------------------- options */

static int take_fraction(const cli_context *cli, const char *name, const char *text, double low, double high,
                         double *value) {
    char *end;
    *value = strtod(text, &end);
    if (end == text || *end || !(*value >= low && *value <= high))
        return cli_usage(cli, "--%s wants a number from %g to %g, not \"%s\"", name, low, high, text);
    return 0;
}

/* Options that change flags, or keep them. Returns -1 when it is none of these. */
static int take_change(const cli_context *cli, cli_flagging *flagging, const char *name, const char *value) {
    const int code = cli_flag_rules_take(cli, &flagging->rules, name, value);
    if (code >= 0) return code;
    if (strcmp(name, "set") == 0) {
        flagging->set = 1;
    } else if (strcmp(name, "clear") == 0) {
        flagging->clear = 1;
    } else if (strcmp(name, "backup") == 0 || strcmp(name, "restore") == 0) {
        if (!*value) return cli_usage(cli, "--%s wants a file", name);
        *(name[0] == 'b' ? &flagging->backup : &flagging->restore) = value;
    } else {
        return cli_change_take(&flagging->change, name, value);
    }
    return 0;
}

static int take(const cli_context *cli, void *state, const char *name, const char *value) {
    wishes *wish = state;
    int code = take_change(cli, &wish->flagging, name, value);
    if (code >= 0) return code;
    if (strcmp(name, "no-flag-row") != 0) wish->of_counting = name;
    if (strcmp(name, "by") == 0) return cli_breakdowns_take(cli, value, &wish->by);
    if (strcmp(name, "limit") == 0) {
        wish->limited = 1;
        return take_fraction(cli, name, value, 0, 1, &wish->limit);
    }
    if (strcmp(name, "sample") == 0) {
        wish->sample = SAMPLE_WIDTH;
        return value ? take_fraction(cli, name, value, 1e-6, 0.5, &wish->sample) : 0;
    }
    wish->ignore_flag_row = wish->flagging.ignore_flag_row = 1; /* --no-flag-row */
    return 0;
}

/* ---------------------------------------------------------------- JSON */

static void put_entry(cli_json *json, unsigned by, const msio_flags_entry *entry) {
    cli_json_flat_object(json);
    cli_breakdown_put_keys(json, by, entry->key, entry->time);
    cli_json_put_int(json, "flagged", entry->flagged);
    cli_json_put_int(json, "total", entry->total);
    cli_json_put_int(json, "from_flag_row", entry->from_flag_row);
    cli_json_end(json);
}

static void put_sample(cli_json *json, const msio_flags *flags) {
    cli_json_put_bool(json, "sampled", 1);
    cli_json_put_int(json, "rows_sampled", flags->rows_sampled);
    cli_json_open_array(json, "interval");
    cli_json_double(json, flags->low);
    cli_json_double(json, flags->high);
    cli_json_end(json);
}

#define OF_FLAGS(name) CLI_JSON_MEMBER(msio_flags, #name, name)

static void print_json(const char *path, const wishes *wish, const msio_flags *flags, int exceeded) {
    cli_json json = CLI_JSON_INIT(stdout);
    static const cli_json_member counts[] = {OF_FLAGS(flagged), OF_FLAGS(total), OF_FLAGS(from_flag_row),
                                             OF_FLAGS(undefined)};
    cli_json_object(&json);
    cli_json_put_string(&json, "path", path);
    CLI_JSON_PUT_MEMBERS(&json, flags, counts);
    cli_json_put_double(&json, "fraction", flags->fraction);
    if (flags->sampled) put_sample(&json, flags);
    if (wish->limited) {
        cli_json_put_double(&json, "limit", wish->limit);
        cli_json_put_bool(&json, "exceeded", exceeded);
    }
    cli_json_put_string(&json, "way", flags->way);
    cli_json_open_object(&json, "by");
    for (int i = 0; i < flags->breakdowns; i++) {
        const msio_flags_breakdown *b = &flags->breakdown[i];
        cli_json_open_list(&json, cli_breakdown_of(b->by)->name);
        for (int64_t e = 0; e < b->entries; e++) put_entry(&json, b->by, &b->entry[e]);
        cli_json_end(&json);
    }
    cli_json_end(&json);
    cli_json_end(&json);
    cli_json_finish(&json);
}

/* ---------------------------------------------------------------- text */

static cli_words percent(double part, double whole) {
    cli_words words;
    snprintf(words.text, sizeof words.text, "%.3f%%", whole > 0 ? 100 * part / whole : 0);
    return words;
}

static int more_flagged(const void *a, const void *b) {
    const msio_flags_entry *x = a, *y = b;
    double p = (double)x->flagged / (double)x->total, q = (double)y->flagged / (double)y->total;
    return (p < q) - (p > q);
}

static void print_breakdown(const msio_flags_breakdown *b) {
    const cli_breakdown *words = cli_breakdown_of(b->by);
    int keys = words->keys[1] ? 2 : 1;
    char titles[2][24];
    int64_t shown = b->entries < SHOWN ? b->entries : SHOWN;
    for (int k = 0; k < keys; k++)
        snprintf(titles[k], sizeof titles[k], "%s%s", b->by == MSIO_FLAGS_BY_TIME ? "" : ">", words->keys[k]);
    const char *const one[] = {titles[0], ">flagged", ">of", ">fraction", ">by FLAG_ROW alone", NULL};
    const char *const two[] = {titles[0], titles[1], ">flagged", ">of", ">fraction", ">by FLAG_ROW alone", NULL};
    msio_flags_entry *sorted = cli_alloc_many((size_t)b->entries, sizeof *sorted);
    memcpy(sorted, b->entry, (size_t)b->entries * sizeof *sorted);
    if (shown < b->entries) qsort(sorted, (size_t)b->entries, sizeof *sorted, more_flagged);
    printf("\n  by %s", words->name);
    if (shown < b->entries)
        printf(": the %lld of %lld that are flagged most; --json tells all", (long long)shown, (long long)b->entries);
    fputc('\n', stdout);
    cli_grid grid;
    cli_grid_begin(&grid, keys == 2 ? two : one);
    for (int64_t i = 0; i < shown; i++) {
        const msio_flags_entry *e = &sorted[i];
        cli_words flagged = cli_count(e->flagged), total = cli_count(e->total), extra = cli_count(e->from_flag_row);
        cli_words share = percent((double)e->flagged, (double)e->total), second = cli_count(e->key[1]);
        cli_words first = b->by == MSIO_FLAGS_BY_TIME ? cli_iso_time(e->time, "Z") : cli_count(e->key[0]);
        const char *cells[] = {first.text, second.text, flagged.text, total.text, share.text, extra.text};
        if (keys == 1) memmove(cells + 1, cells + 2, 4 * sizeof *cells);
        cli_grid_row(&grid, cells);
    }
    cli_grid_print(&grid, stdout);
    free(sorted);
}

static void print_text(const char *path, const wishes *wish, const msio_flags *flags, int exceeded) {
    char text[1024];
    printf("%s\n", cli_printable(text, sizeof text, path, strlen(path)));
    printf("  flagged        %s of %s%s\n", cli_count(flags->flagged).text, cli_count(flags->total).text,
           flags->sampled ? " in the sample" : "");
    printf("  fraction       %s\n", percent(flags->fraction, 1).text);
    if (flags->sampled)
        printf("  95%% interval   %s to %s, from %s rows\n", percent(flags->low, 1).text, percent(flags->high, 1).text,
               cli_count(flags->rows_sampled).text);
    if (wish->limited)
        printf("  limit          %s: %s\n", percent(wish->limit, 1).text, exceeded ? "exceeded" : "kept");
    if (!wish->ignore_flag_row) printf("  by FLAG_ROW    %s alone\n", cli_count(flags->from_flag_row).text);
    if (flags->undefined) printf("  never written  the flags of %s rows\n", cli_count(flags->undefined).text);
    printf("  counted as     %s\n", flags->way);
    for (int i = 0; i < flags->breakdowns; i++) print_breakdown(&flags->breakdown[i]);
}

/* ---------------------------------------------------------------- the command */

static int count(const cli_context *cli, const char *path, const wishes *wish) {
    msio_table *table = NULL;
    const msio_flags *flags = NULL;
    msio_flags_opts opts = MSIO_FLAGS_OPTS_INIT;
    int code = cli_table_open(cli, path, &table);
    if (code) return code;
    opts.open = cli_open_opts(cli);
    opts.threads = cli->threads;
    opts.sample = wish->sample;
    opts.ignore_flag_row = wish->ignore_flag_row;
    if (msio_flags_count(path, wish->by, &opts, &flags)) {
        code = cli_fail_status(cli, path);
    } else {
        int exceeded = wish->limited && flags->fraction > wish->limit;
        if (cli->json)
            print_json(path, wish, flags, exceeded);
        else
            print_text(path, wish, flags, exceeded);
        code = exceeded ? CLI_NEGATIVE : CLI_OK;
    }
    msio_flags_release(flags);
    msio_table_close(table);
    return code;
}

/* Whether flags are only counted. Returns an exit code after telling when options do not go together, else -1. */
static int check_together(const cli_context *cli, const wishes *wish, int *counts_only) {
    const cli_flagging *f = &wish->flagging;
    const cli_selection *s = &f->change.selection;
    *counts_only = !f->set && !f->clear && !f->rules.given && !f->rules.without && !f->backup && !f->restore;
    if (*counts_only && (s->rows.given || s->chans.given || s->corrs.given || f->change.dry_run || f->change.sync))
        return cli_usage(cli, "--rows, --chans, --corrs, --dry-run and --sync are for changes");
    if (!*counts_only && wish->of_counting)
        return cli_usage(cli, "--%s is for counting: run msio flags again for that", wish->of_counting);
    return -1;
}

static int run(cli_context *cli, int argc, char **argv) {
    wishes wish = {.flagging = {.change = CLI_CHANGE_INIT(cli), .rules = CLI_FLAG_RULES_INIT}};
    int first, counts_only, code = cli_options_parse(cli, &cli_command_flags, argc, argv, take, &wish, &first);
    if (code >= 0) return code;
    if (argc - first != 1) return cli_usage(cli, first == argc ? "which table?" : "one table at a time");
    if ((code = check_together(cli, &wish, &counts_only)) >= 0) return code;
    if (counts_only) return count(cli, argv[first], &wish);
    wish.flagging.change.path = argv[first];
    code = cli_flagging_run(&wish.flagging);
    cli_change_close(&wish.flagging.change);
    return code;
}

static const cli_option options[] = {
    CLI_BREAKDOWN_OPTION,
    {"limit", "F", 0, "exit with 1 when more than this fraction, 0 to 1, is flagged"},
    {"sample", "WIDTH", 1,
     "draw tiles at random until the fraction is known to within WIDTH, by\ndefault 0.01, with 95% confidence"},
    {"no-flag-row", NULL, 0, "count FLAG alone, a set FLAG_ROW flags nothing; change FLAG alone"},
    {"set", NULL, 0, "flag the selection"},
    {"clear", NULL, 0, "unflag the selection"},
    CLI_FLAG_RULES_OPTIONS,
    {"backup", "FILE", 0, "keep all flags of the table in FILE, before anything is changed"},
    {"restore", "FILE", 0, "put back the flags that FILE keeps, if they fit the table"},
    CLI_SELECTION_OPTIONS,
    {"sync", NULL, 0, "on disk before the command ends"},
    {"dry-run", NULL, 0, "only tell what would be done: nothing is changed, no write lock taken"},
    {"force", NULL, 0, "replace a FILE of --backup that exists"},
    {NULL, NULL, 0, NULL},
};

const cli_command cli_command_flags = {
    .name = "flags",
    .summary = "how much of a Measurement Set is flagged, and where; sets, extends and clears flags",
    .usage = "PATH [options]",
    .text = "Counts the flags of an MS exactly: set bits are counted where they are stored. A row whose FLAG_ROW\n"
            "is set counts as flagged whole; how many flags that alone adds is told apart. Cells of FLAG that\n"
            "were never written count nowhere. An antenna counts every row that it takes part in, an\n"
            "autocorrelation once.\n\n"
            "--set and --clear change FLAG in the selection, and keep FLAG_ROW in step: set for rows that were\n"
            "set whole, cleared for rows of which anything was cleared; what a set FLAG_ROW flagged beside the\n"
            "selection stays flagged, in FLAG. The whole table is counted before and after.\n\n"
            "--above and --below flag visibilities beyond limits (NaN and infinities are beyond any), --extend\n"
            "then all of a set of which more than a fraction is flagged: the correlations of a row's channel; the\n"
            "channels of a row's correlation; the times of a baseline in a scan; all baselines of a time. Limits\n"
            "first, then the extensions in this order, each on what those before it flagged. FLAG_ROW is set for\n"
            "rows that are flagged whole; nothing is unflagged.\n\n"
            "--backup keeps FLAG and FLAG_ROW of all rows, a bit each, and --restore puts them back, after the\n"
            "file's checksum, the rows and the shape of every cell were compared. Locks and kills: as msio write\n"
            "--help tells.",
    .options = options,
    .negative = "the flagged fraction exceeds --limit",
    .examples = "  msio flags obs.ms\n"
                "  msio flags obs.ms --by antenna,spw\n"
                "  msio flags obs.ms --limit 0.4 --quiet || echo \"too much is flagged\"\n"
                "  msio flags obs.ms --set --chans 0:4 --backup flags.before\n"
                "  msio flags obs.ms --above amp=100,uvdist=5000 --extend channel=0.5,time=0.8 --backup flags.before\n"
                "  msio flags obs.ms --above chi2=25 --chi2 CORRECTED_DATA,MODEL_DATA --extend correlation\n"
                "  msio flags obs.ms --restore flags.before\n"
                "  msio flags obs.ms --by channel --json | jq '.by.channel[] | select(.flagged == .total)'\n",
    .run = run,
};
