/* breakdown.c - keys that counts and statistics are broken down by. */
#include "cli/input/breakdown.h"

#include "cli/input/options.h"
#include "msio/cache.h"

#include <stdio.h>
#include <string.h>

/* In the order of their bits. */
static const cli_breakdown breakdowns[] = {
    {"spw", {"spw", NULL}},
    {"field", {"field", NULL}},
    {"scan", {"scan", NULL}},
    {"antenna", {"antenna", NULL}},
    {"baseline", {"antenna1", "antenna2"}},
    {"channel", {"spw", "channel"}},
    {"correlation", {"correlation", NULL}},
    {"time", {"time", NULL}},
};
#define BREAKDOWNS ((int)(sizeof breakdowns / sizeof breakdowns[0]))

const cli_breakdown *cli_breakdown_of(unsigned by) {
    int i = 0;
    while (i < BREAKDOWNS - 1 && by != 1u << i) i++;
    return &breakdowns[i];
}

void cli_breakdown_put_keys(cli_json *json, unsigned by, const int32_t key[2], double time) {
    const char *const *keys = cli_breakdown_of(by)->keys;
    for (int k = 0; k < 2 && keys[k]; k++) {
        if (by == MSIO_FLAGS_BY_TIME)
            cli_json_put_double(json, keys[k], time);
        else
            cli_json_put_int(json, keys[k], key[k]);
    }
}

int cli_breakdowns_take(const cli_context *cli, const char *list, unsigned *by) {
    const char *words[BREAKDOWNS + 2] = {NULL};
    for (int i = 0; i < BREAKDOWNS; i++) words[i] = breakdowns[i].name;
    words[BREAKDOWNS] = "all";
    return cli_option_words(cli, "by", list, words, by);
}
