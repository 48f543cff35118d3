/* flag_rules.c - limits and extensions of flags, as they are written in options: NAME=NUMBER,... */
#include "cli/change/flag_rules.h"

#include "cli/common/failure.h"
#include "cli/common/human.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A word of a list, and where its number goes. */
typedef struct place {
    const char *word;
    double *number;
} place;

/* One part of a list, "word=number"; where a number may be left out, 0 stands for it. */
static int take_part(const cli_context *cli, const char *option, const char *part, const place *places,
                     int may_be_left_out) {
    const size_t length = strcspn(part, "=");
    char known[128] = "", *end;
    for (const place *p = places; p->word; p++) {
        if (strlen(p->word) != length || strncmp(part, p->word, length) != 0) {
            snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", *known ? ", " : "", p->word);
            continue;
        }
        if (!part[length] && may_be_left_out) {
            *p->number = 0;
            return 0;
        }
        *p->number = part[length] ? strtod(part + length + 1, &end) : -1;
        if (*p->number >= 0 && *p->number <= (may_be_left_out ? 1 : 1e300) && end != part + length + 1 && !*end &&
            !(may_be_left_out && *p->number >= 1))
            return 0;
        return cli_usage(cli, "--%s %s: %s", option, part,
                         may_be_left_out ? "a fraction from 0 to below 1 is wanted, as channel=0.5"
                                         : "a number that is not negative is wanted, as uvdist=30");
    }
    return cli_usage(cli, "--%s knows %s, not \"%s\"", option, known, part);
}

static int take_list(const cli_context *cli, const char *option, const char *list, const place *places,
                     int may_be_left_out) {
    int code = 0;
    for (const char *from = list; !code;) {
        char part[64];
        const int length = (int)strcspn(from, ",");
        snprintf(part, sizeof part, "%.*s", length, from);
        code = take_part(cli, option, part, places, may_be_left_out);
        if (!from[length]) break;
        from += length + 1;
    }
    return code;
}

/* "DATA,MODEL_DATA" */
static int take_pair(const cli_context *cli, cli_flag_rules *rules, const char *pair) {
    snprintf(rules->chi2, sizeof rules->chi2, "%s", pair);
    char *comma = strchr(rules->chi2, ',');
    if (strlen(pair) >= sizeof rules->chi2 || !comma || comma == rules->chi2 || !comma[1] || strchr(comma + 1, ','))
        return cli_usage(cli, "--chi2 wants two columns, as DATA,MODEL_DATA");
    *comma = '\0';
    rules->opts.data = rules->chi2;
    rules->opts.model = comma + 1;
    return 0;
}

int cli_flag_rules_take(const cli_context *cli, cli_flag_rules *rules, const char *name, const char *value) {
    msio_flags_extend_opts *o = &rules->opts;
    const place above[] = {
        {"amp", &o->amplitude_above}, {"chi2", &o->chi2_above}, {"uvdist", &o->uvdist_above}, {NULL, NULL}};
    const place below[] = {{"amp", &o->amplitude_below}, {"uvdist", &o->uvdist_below}, {NULL, NULL}};
    const place extend[] = {{"correlation", &o->correlation},
                            {"channel", &o->channel},
                            {"time", &o->time},
                            {"baseline", &o->baseline},
                            {NULL, NULL}};
    const int limits = strcmp(name, "above") == 0 || strcmp(name, "below") == 0;
    if (limits || strcmp(name, "extend") == 0) {
        rules->given = 1;
        return take_list(cli, name, value, !limits ? extend : name[0] == 'a' ? above : below, !limits);
    }
    if (strcmp(name, "column") != 0 && strcmp(name, "chi2") != 0 && strcmp(name, "wavelengths") != 0) return -1;
    rules->without = name;
    if (strcmp(name, "chi2") == 0) return take_pair(cli, rules, value);
    if (strcmp(name, "column") == 0)
        o->column = value;
    else
        o->wavelengths = 1;
    return 0;
}

#define OF_DONE(name, member) CLI_JSON_MEMBER(msio_flags_extended, name, member)

static const cli_json_member members[] = {OF_DONE("amp", by_amplitude),     OF_DONE("chi2", by_chi2),
                                          OF_DONE("uvdist", by_uvdist),     OF_DONE("correlation", by_correlation),
                                          OF_DONE("channel", by_channel),   OF_DONE("time", by_time),
                                          OF_DONE("baseline", by_baseline), OF_DONE("flag_rows", flag_rows)};

void cli_flag_rules_put(cli_json *json, const cli_flag_rules *rules) {
    cli_json_open_object(json, "added");
    CLI_JSON_PUT_MEMBERS(json, &rules->done, members);
    cli_json_end(json);
}

void cli_flag_rules_print(const cli_flag_rules *rules) {
    const msio_flags_extended *d = &rules->done;
    const struct {
        const char *what;
        int64_t count;
    } lines[] = {{"beyond a limit of amplitude", d->by_amplitude},
                 {"beyond that of chi-squared", d->by_chi2},
                 {"beyond a uv distance", d->by_uvdist},
                 {"over correlations", d->by_correlation},
                 {"over channels", d->by_channel},
                 {"over times", d->by_time},
                 {"over baselines", d->by_baseline}};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (lines[i].count) printf("  %-28s %s\n", lines[i].what, cli_count(lines[i].count).text);
    printf("  %-28s %s rows\n", "FLAG_ROW set", cli_count(d->flag_rows).text);
}
