/* tries.h - the tries of a measurement, and how busy the machine was meanwhile. */
#ifndef MSIO_CLI_TRIES_H
#define MSIO_CLI_TRIES_H

#include <stdint.h>

/* Processor time until now, in seconds: of all programs (-1 where the system does not tell), of this one, and what all
 * processors together have. */
typedef struct cli_busy {
    double all, own, there;
} cli_busy;

typedef struct cli_tries {
    double *seconds; /* of each */
    int count, room;
    double best, sum;
    double began;
    cli_busy before;
    double load;   /* processes that ran or waited to run, mean of the last minute; -1: not known */
    double others; /* share of all processors' time that other programs used meanwhile, 0 to 1; -1: not known */
} cli_tries;
#define CLI_TRIES_INIT                                                                                                 \
    { .best = -1, .load = -1, .others = -1 }

/* The measurement begins. */
void cli_tries_begin(cli_tries *tries);
/* Whether to try again: fewer than `least`, or all too short yet to tell what other programs did meanwhile. */
int cli_tries_more(const cli_tries *tries, int least);
void cli_tries_add(cli_tries *tries, double seconds);
/* It has ended: looks how busy the machine was. */
void cli_tries_end(cli_tries *tries);
/* How many took no longer than that. */
int cli_tries_met(const cli_tries *tries, double target);
void cli_tries_free(cli_tries *tries);

#endif
