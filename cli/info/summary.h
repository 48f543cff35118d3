/* summary.h - what `msio info` tells of a table, collected before it is printed. */
#ifndef MSIO_CLI_SUMMARY_H
#define MSIO_CLI_SUMMARY_H

#include "cli/info/facts.h"
#include "msio/write.h"

/* Places of the columns within each kind of facts. */
enum { CLI_SPW_NAME, CLI_SPW_FREQUENCIES, CLI_SPW_WIDTHS, CLI_SPW_REFERENCE, CLI_SPW_BANDWIDTH };
enum { CLI_FIELD_NAME, CLI_FIELD_PHASE };
enum { CLI_ANTENNA_NAME, CLI_ANTENNA_STATION, CLI_ANTENNA_POSITION, CLI_ANTENNA_DIAMETER, CLI_ANTENNA_MOUNT };
enum { CLI_POL_TYPES, CLI_POL_PRODUCTS };
enum { CLI_DD_SPW, CLI_DD_POL };
enum { CLI_OBS_TELESCOPE, CLI_OBS_OBSERVER, CLI_OBS_PROJECT, CLI_OBS_RANGE };

typedef struct cli_summary_column {
    const char *name;
    const msio_column_info *info; /* NULL: its manager's header is damaged */
    cli_error error;
} cli_summary_column;

typedef struct cli_summary_subtable {
    const char *name, *path;
    int64_t rows; /* -1: it could not be opened */
    int missing;  /* 1: nothing is there */
    cli_error error;
} cli_summary_subtable;

typedef struct cli_summary {
    const char *path; /* as the user gave it */
    msio_table *table;
    msio_table_info info;
    int is_ms;
    double ms_version; /* 0: unknown */
    int64_t bytes;     /* of all files; -1: unknown */
    cli_summary_column *columns;
    msio_manager_info *managers;
    cli_summary_subtable *subtables;
    int subtable_count;
    cli_facts windows, fields, antennas, polarizations, descriptions, observation;
    double times[2]; /* MJD in seconds; both 0: unknown */
    char time_frame[32];
    msio_repaired left; /* of a write that was interrupted */
    cli_error error;    /* the first thing that could not be read */
} cli_summary;

/* Opens the table and collects. Returns 0, or an exit code after telling when the table itself cannot be read; what is
 * wrong with its parts is kept in them, and the first of it in `error`. */
int cli_summary_load(const cli_context *cli, const char *path, cli_summary *summary);
void cli_summary_free(cli_summary *summary);

void cli_summary_json(const cli_summary *summary, FILE *out);
/* all: 1 prints long lists whole. */
void cli_summary_text(const cli_summary *summary, int all, FILE *out);

/* Begins a column's object, with its name. Returns 1; or, where it cannot be described, tells why, ends it and returns
 * 0. */
int cli_summary_column_begin(cli_json *json, const char *name, int described, const cli_error *error);

/* "time_range", a member of an object that is open: begin and end, MJD in seconds; null where they are not known. */
void cli_summary_time_range(cli_json *json, int known, double begin, double end, int utc);

/* "XX" of casacore's Stokes code 9; "?" for a code it does not have. */
const char *cli_stokes_name(int code);

#endif
