/* breakdown.h - keys that counts and statistics are broken down by: --by spw,antenna. */
#ifndef MSIO_CLI_BREAKDOWN_H
#define MSIO_CLI_BREAKDOWN_H

#include "cli/command.h"
#include "cli/common/json.h"

/* One of MSIO_FLAGS_BY_...: its word, and what its keys are called, of which the second may be NULL. */
typedef struct cli_breakdown {
    const char *name, *keys[2];
} cli_breakdown;
const cli_breakdown *cli_breakdown_of(unsigned by);
/* The keys of an entry as members of its object; time: of a breakdown by time. */
void cli_breakdown_put_keys(cli_json *json, unsigned by, const int32_t key[2], double time);

/* Adds the breakdowns of a list, separated by commas, to *by. Returns 0, or an exit code after telling. */
int cli_breakdowns_take(const cli_context *cli, const char *list, unsigned *by);

#define CLI_BREAKDOWN_OPTION                                                                                            \
    {                                                                                                                   \
        "by", "LIST", 0,                                                                                                \
            "breakdowns, separated by commas: spw, field, scan, antenna, baseline,\nchannel, correlation, time; or all" \
    }

#endif
