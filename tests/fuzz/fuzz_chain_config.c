/* fuzz_chain_config.c - the steps of `msio verify --run`, from any bytes: what is taken keeps its promises, what is not
 * is told in words. */
#include "cli/chain/chain_config.h"
#include "fuzz_target.h"

#include <stdlib.h>
#include <string.h>

static void check_step(const chain_step *step) {
    if (!step->name || !*step->name || strchr(step->name, '/') || *step->name == '.') abort();
    if (!step->task == !step->argv) abort();
    if (step->task && (!step->arguments || step->arguments[0] != '{')) abort();
    if (step->argv && !step->argv[0][0]) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    chain_config config;
    chain_fault fault;
    if (chain_config_parse((const char *)data, size, &config, &fault)) {
        if (!fault.message[0] || strlen(fault.message) >= sizeof fault.message) abort();
    } else {
        for (int part = 0; part < CHAIN_PARTS; part++)
            for (int i = 0; i < config.part[part].n; i++) check_step(&config.part[part].step[i]);
    }
    chain_config_free(&config);
    return 0;
}
