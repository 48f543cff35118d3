/* chain_config.h - the steps of calibration and imaging, as a file of TOML tells them. */
#ifndef MSIO_CLI_CHAIN_CONFIG_H
#define MSIO_CLI_CHAIN_CONFIG_H

#include "cli/chain/chain_toml.h"

#include <stddef.h>

#define CHAIN_STEPS_MOST 64
#define CHAIN_CONFIG_BYTES_MOST ((size_t)1 << 20)

/* One step: a task of CASA, or a program. */
typedef struct chain_step {
    char *name;          /* letters, digits, '.', '_', '-': also of its files */
    char *task;          /* of casatasks; NULL: argv is run */
    char *arguments;     /* of the task, an object of JSON */
    char **argv;         /* ended by NULL; NULL: task is run */
    char *unless_column; /* it is left out where this column holds anything; NULL: never */
} chain_step;

typedef struct chain_steps {
    chain_step step[CHAIN_STEPS_MOST];
    int n;
} chain_steps;

enum { CHAIN_CALIBRATION, CHAIN_IMAGING, CHAIN_PARTS };
extern const char *const chain_part_names[CHAIN_PARTS]; /* "calibration", "imaging" */

typedef struct chain_config {
    char *casa_python; /* NULL: not named */
    chain_steps part[CHAIN_PARTS];
} chain_config;

/* Reads a file's text. Returns 0, or -1 after telling what is wrong. *config is to be freed in any case. The text may
 * be anything. */
int chain_config_parse(const char *text, size_t length, chain_config *config, chain_fault *fault);
void chain_config_free(chain_config *config);

#endif
