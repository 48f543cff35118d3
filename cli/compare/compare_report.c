/* compare_report.c - the verdict, and the counts beside it. */
#include "cli/common/human.h"
#include "cli/common/json.h"
#include "cli/compare/comparing.h"
#include "cli/output/grid.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PER_CENT 0.01 /* what a count that differs from run to run may differ by */

typedef struct counted {
    int64_t least[2], median[2], most[2];
    int known, exact; /* exact: the same in all runs of each side */
    double ratio;     /* b / a; NaN where a is 0 */
} counted;

static counted count_of(const cli_comparison *c, int which) {
    counted k;
    for (int side = 0; side < 2; side++)
        cli_compared_count(c, side, which, &k.least[side], &k.median[side], &k.most[side]);
    k.known = k.least[0] >= 0 && k.least[1] >= 0;
    k.exact = k.least[0] == k.most[0] && k.least[1] == k.most[1];
    k.ratio = k.median[0] > 0 ? (double)k.median[1] / (double)k.median[0] : (double)NAN;
    return k;
}

static const char *judged(const counted *k) {
    if (k->median[0] == k->median[1]) return k->exact ? "same" : "same, differs from run to run";
    if (k->exact) return k->median[1] > k->median[0] ? "more" : "less";
    if (k->ratio > 1 + PER_CENT) return "more, differs from run to run";
    return k->ratio < 1 - PER_CENT ? "less, differs from run to run" : "about the same";
}

void cli_compare_text(const cli_comparison *c) {
    static const char *const titles[] = {"of one run", ">a", ">b", ">b / a", "", NULL};
    char text[400];
    cli_grid grid;
    printf("%s: b takes %s times as long as a (%s to %s), by %d pairs in turns%s\n", pairs_verdict_name(c->verdict),
           cli_number(c->ratio.ratio, 4).text, cli_number(c->ratio.low, 4).text, cli_number(c->ratio.high, 4).text,
           c->ratio.pairs, c->confirmed ? ", measured twice" : "");
    for (int side = 0; side < 2; side++)
        printf("  %s: %s\n", side ? "b" : "a",
               cli_printable(text, sizeof text, c->command[side], strlen(c->command[side])));
    if (c->repeats > 1) printf("  each time is the mean of %d runs: the commands are short\n", c->repeats);
    putchar('\n');
    cli_grid_begin(&grid, titles);
    for (int i = 0; i < CLI_COMPARED_COUNTS; i++) {
        counted k = count_of(c, i);
        if (k.known)
            cli_grid_row(&grid, (const char *const[]){cli_compared_names[i], cli_count(k.median[0]).text,
                                                      cli_count(k.median[1]).text,
                                                      isnan(k.ratio) ? "-" : cli_number(k.ratio, 4).text, judged(&k)});
    }
    cli_grid_print(&grid, stdout);
    if (c->why_no_instructions[0]) printf("  instructions: not counted: %s\n", c->why_no_instructions);
}

static void put_counts(cli_json *json, const cli_comparison *c) {
    cli_json_open_list(json, "counts");
    for (int i = 0; i < CLI_COMPARED_COUNTS; i++) {
        counted k = count_of(c, i);
        if (!k.known) continue;
        cli_json_flat_object(json);
        cli_json_put_string(json, "name", cli_compared_names[i]);
        cli_json_put_int(json, "a", k.median[0]);
        cli_json_put_int(json, "b", k.median[1]);
        cli_json_put_double_or_null(json, "ratio", !isnan(k.ratio), k.ratio);
        cli_json_put_bool(json, "exact", k.exact);
        cli_json_put_string(json, "judged", judged(&k));
        cli_json_end(json);
    }
    cli_json_end(json);
}

void cli_compare_json(const cli_comparison *c) {
    cli_json json = CLI_JSON_INIT(stdout);
    cli_json_object(&json);
    cli_json_put_string(&json, "a", c->command[0]);
    cli_json_put_string(&json, "b", c->command[1]);
    cli_json_put_string(&json, "prepare", c->prepare);
    cli_json_put_double(&json, "ratio", c->ratio.ratio);
    cli_json_put_double(&json, "low", c->ratio.low);
    cli_json_put_double(&json, "high", c->ratio.high);
    cli_json_put_string(&json, "verdict", pairs_verdict_name(c->verdict));
    cli_json_put_bool(&json, "confirmed", c->confirmed);
    cli_json_put_int(&json, "runs_of_each_time", c->repeats);
    put_counts(&json, c);
    if (c->why_no_instructions[0]) cli_json_put_string(&json, "no_instructions", c->why_no_instructions);
    cli_json_put_double(&json, "seconds", c->took);
    cli_json_put_double_or_null(&json, "load", c->load >= 0, c->load);
    cli_json_open_list(&json, "pairs");
    for (int i = 0; i < c->made; i++) {
        cli_json_array(&json);
        cli_json_double(&json, c->seconds[0][i]);
        cli_json_double(&json, c->seconds[1][i]);
        cli_json_end(&json);
    }
    cli_json_end(&json);
    cli_json_end(&json);
    cli_json_finish(&json);
}
