/* chain_config.c - the steps' memory, and what a build without toml++ says. */
#include "cli/chain/chain_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const chain_part_names[CHAIN_PARTS] = {"calibration", "imaging"};

void chain_config_free(chain_config *config) {
    for (int part = 0; part < CHAIN_PARTS; part++)
        for (int i = 0; i < config->part[part].n; i++) {
            chain_step *step = &config->part[part].step[i];
            for (char **word = step->argv; word && *word; word++) free(*word);
            free(step->argv);
            free(step->name);
            free(step->task);
            free(step->arguments);
            free(step->unless_column);
        }
    free(config->casa_python);
    memset(config, 0, sizeof *config);
}

#ifndef MSIO_TOML
int chain_config_readable(void) { return 0; }

int chain_config_parse(const char *text, size_t length, chain_config *config, chain_fault *fault) {
    (void)text;
    (void)length;
    memset(config, 0, sizeof *config);
    *fault = (chain_fault){.line = 0};
    snprintf(fault->message, sizeof fault->message,
             "this build reads no TOML: build it where toml++ is (libtomlplusplus-dev)");
    return -1;
}
#endif
