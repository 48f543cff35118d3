/* facts.h - columns of a subtable, read whole: what a Measurement Set says about itself. */
#ifndef MSIO_CLI_FACTS_H
#define MSIO_CLI_FACTS_H

#include "cli/common/failure.h"
#include "cli/common/json.h"

#define CLI_FACTS_COLUMNS 6

/* A column, and its key in JSON. */
typedef struct cli_fact {
    const char *key, *column;
} cli_fact;

/* What was read of one subtable. A column that the subtable lacks has no cells. */
typedef struct cli_facts {
    int there;    /* the subtable was opened */
    int64_t rows; /* of the columns read; 0 when not there */
    const cli_fact *list;
    int count;
    msio_ragged cells[CLI_FACTS_COLUMNS];
    char frame[32]; /* MEASINFO's Ref of the column that was asked for, "" where it has none */
} cli_facts;

/* Reads the columns of `list` (a key of NULL ends it) from the subtable at path; NULL: there is none. framed: the
 * column whose reference frame is wanted, or NULL. The first failure but a missing table is kept in *error, if that
 * holds none yet; what could be read stands all the same. */
void cli_facts_load(const cli_context *cli, const char *path, const cli_fact *list, const char *framed,
                    cli_facts *facts, cli_error *error);
void cli_facts_free(cli_facts *facts);

/* Cell `row` of a column as numbers: their count, 0 where there is none; element `index` of it; its text in buffer. */
int64_t cli_fact_length(const cli_facts *facts, int column, int64_t row);
double cli_fact_number(const cli_facts *facts, int column, int64_t row, int64_t index);
const char *cli_fact_text(const cli_facts *facts, int column, int64_t row, char *buffer, size_t size);

/* Members of an object that is open: every key with the row's value, null where there is none. */
void cli_facts_json(cli_json *json, const cli_facts *facts, int64_t row);

/* MEASINFO's Ref of a column, cut to size - 1 bytes; "" where it has none. */
void cli_measure_frame(const msio_column *column, char *frame, size_t size);

#endif
