/* flag_rules.h - the options of `msio flags` that flag by values and by neighbours. */
#ifndef MSIO_CLI_FLAG_RULES_H
#define MSIO_CLI_FLAG_RULES_H

#include "cli/command.h"
#include "cli/common/json.h"
#include "msio/visibility.h"

typedef struct cli_flag_rules {
    int given;                   /* a limit, or an extension */
    const char *without;         /* an option that says more of limits; NULL: none */
    msio_flags_extend_opts opts; /* data points to chi2 */
    char chi2[512];              /* the names of two columns, one after the other */
    msio_flags_extended done;
} cli_flag_rules;
#define CLI_FLAG_RULES_INIT                                                                                            \
    { .opts = MSIO_FLAGS_EXTEND_OPTS_INIT, .done = MSIO_FLAGS_EXTENDED_INIT }

/* The help of these options, for the command's table. */
#define CLI_FLAG_RULES_OPTIONS                                                                                         \
    {"above", "LIST", 0,                                                                                               \
     "flag what is above limits: amp=100,chi2=25,uvdist=3000; chi2 of each\nvisibility, uvdist in m"},                 \
        {"below", "LIST", 0, "flag what is below limits: amp=1e-3,uvdist=30"},                                         \
        {"extend", "LIST", 0,                                                                                          \
         "then flag where more than a fraction of it is flagged (by default any):\ncorrelation, channel=0.5, "         \
         "time=0.8, baseline=0.8"},                                                                                    \
        {"column", "NAME", 0, "of amp (default DATA)"},                                                                \
        {"chi2", "DATA,MODEL", 0, "columns of chi2 (default DATA,MODEL_DATA)"}, {                                      \
        "wavelengths", NULL, 0, "uvdist in wavelengths of each channel"                                                \
    }
/* The taking of one: -1 when it is none of these, else 0 or an exit code after telling. */
int cli_flag_rules_take(const cli_context *cli, cli_flag_rules *rules, const char *name, const char *value);

/* What was flagged by what: an object "added", or lines for people. */
void cli_flag_rules_put(cli_json *json, const cli_flag_rules *rules);
void cli_flag_rules_print(const cli_flag_rules *rules);

#endif
